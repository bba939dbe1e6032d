"""下行: cut a page of the feed for a device, and say what the buckets that it holds add up to.

The head row is locked while a page is cut: no place is given meanwhile, so rows and sums are of one
moment. What has not changed costs nothing: the last place of each bucket is kept.
"""

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Any

import sqlalchemy as sa
from msgspec import Raw
from sqlmodel import SQLModel, col, select

from backend.db import Session, head
from backend.tables import Bucket, Device
from backend.work import feed, sites
from backend.work.snapshots import Snapshots
from sync import pages, versions
from sync import sites as told
from sync.messages import Boot, Event, Gone, Pull, Put, Told
from sync.ops import op_id

KEYS_MAX = 500  # in one question

_feed, _entry, _device, _site = (
    SQLModel.metadata.tables[name] for name in ("feed", "entry", "device", "site")
)
Places = list[tuple[int, Event]]


async def cut(
    db: Session, device: Device, pull: Pull, snapshots: Snapshots | None
) -> tuple[pages.Page, dict[str, tuple[int, int]]]:
    """Cut a page, and with the last one say what every bucket adds up to."""
    top = await head(db)  # no place is given while the page is cut: rows and sums agree
    entitled = versions.followed(pull, await feed.buckets(db, device.inspector_id))
    for bucket in entitled:
        if bucket.startswith(feed.SITES):
            await sites.publish(db, bucket)
    known = await sums(db, entitled)
    feed_n = top.feed_n
    at = pages.cursor(pull, epoch=top.epoch, feed_n=feed_n, floor=top.floor, entitled=entitled)
    packs: dict[str, Boot] = {}
    if pull.packs and snapshots is not None:
        new = [known[name] for name in entitled if name in known and name not in at.have]
        packs = await _packs(db, [one for one in new if one.name not in at.part], snapshots)
    cutting = pages.page(pull, device.id, at=at, feed_n=feed_n, entitled=entitled, packs=packs)
    try:
        wanted = next(cutting)
        while True:
            wanted = cutting.send(await rows(db, wanted, known))
    except StopIteration as done:
        page: pages.Page = done.value
    if page.more:
        return page, {}
    return page, {
        name: (known[name].count, known[name].total) if name in known else (0, 0)
        for name in entitled
    }


async def rows(db: Session, wanted: pages.Wanted, known: Mapping[str, Bucket]) -> Places:
    """Give what a page asks for: only of buckets in which something was told since.

    Reads at most `limit` rows of each kind and bucket.
    """
    found: Places = []
    upto = wanted.upto
    for name in wanted.buckets:
        if name not in known or known[name].seq <= wanted.after:
            continue
        part = pages.Wanted((name,), wanted.after, upto, wanted.limit)
        found += await _rows(db, name, part)
        if len(found) >= wanted.limit:
            found = nsmallest(wanted.limit, found, key=lambda row: row[0])
            upto = found[-1][0]
    found.sort(key=lambda row: row[0])
    return found[: wanted.limit]


async def sums(db: Session, names: Iterable[str]) -> dict[str, Bucket]:
    """Load what buckets add up to, and where something was told in them last."""
    query = select(Bucket).where(col(Bucket.name).in_(list(names)))
    found = await db.exec(query.execution_options(populate_existing=True))
    return {one.name: one for one in found}


async def _rows(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    if bucket.startswith(feed.SITES):
        return await _sites(db, bucket, wanted)
    found = await _published(db, bucket, wanted)
    if bucket.startswith("i:"):
        found += await _entered(db, bucket, wanted)
    return found


async def _published(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    """Give server-owned rows."""
    names = ("seq", "kind", "entity", "rev", "gone", "body")
    query = _between(sa.select(*(_feed.c[name] for name in names)), _feed, wanted)
    found: Places = []
    for seq, kind, entity, rev, gone, body in await _execute(
        db, query.where(_feed.c.bucket == bucket)
    ):
        row = Gone(bucket, kind, entity) if gone else Put(bucket, kind, entity, rev, Raw(body))
        found.append((seq, row))
    return found


async def _entered(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    """Give operations."""
    names = ("seq", "device_id", "n", "hash", "verdict", "raw")
    columns = (*(_entry.c[name] for name in names), _device.c.inspector_id)
    query = _between(sa.select(*columns), _entry, wanted).join(
        _device, _device.c.id == _entry.c.device_id
    )
    mine = query.where(_entry.c.inspection_id == bucket.removeprefix("i:"))
    return [
        (seq, Told(bucket, op_id(device, n), hash_, who, Raw(raw), verdict != "ok"))
        for seq, device, n, hash_, verdict, raw, who in await _execute(db, mine)
    ]


async def _sites(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    """Give establishments as they are now; that is as they were published, under the lock."""
    query = _between(sa.select(_site.c.seq, _site.c.code, _site.c.gone), _site, wanted)
    places = list(await _execute(db, query.where(_site.c.bucket == bucket)))
    codes = [code for _, code, gone in places if not gone]
    there: dict[str, sites.Row] = {}
    for first in range(0, len(codes), KEYS_MAX):
        there |= await sites.read(db, bucket, codes[first : first + KEYS_MAX])
    return [
        (seq, told.event(bucket, [there[code]] if code in there else [], [code] * gone))
        for seq, code, gone in places
    ]


def _between(
    query: sa.Select[*tuple[Any, ...]], table: sa.Table, wanted: pages.Wanted
) -> sa.Select[*tuple[Any, ...]]:
    seq = table.c.seq
    return query.where(seq > wanted.after, seq <= wanted.upto).order_by(seq).limit(wanted.limit)


async def _execute(
    db: Session, query: sa.Select[*tuple[Any, ...]]
) -> sa.CursorResult[*tuple[Any, ...]]:
    return await (await db.connection()).execute(query)


# -- snapshots -----------------------------------------------------------------------------------

PACKED_ROWS_MIN = 500  # a smaller bucket comes in the page itself
BEHIND_ROWS_MAX = 1_000  # places after which a snapshot is made anew


async def _packs(db: Session, buckets: Iterable[Bucket], snapshots: Snapshots) -> dict[str, Boot]:
    """Name a snapshot of each bucket that is large, made now unless one is recent enough."""
    packs: dict[str, Boot] = {}
    top = await head(db)
    for one in buckets:
        if one.count < PACKED_ROWS_MIN:
            continue
        wanted = pages.Wanted((one.name,), one.snapshot_seq, one.seq, BEHIND_ROWS_MAX)
        there = one.snapshot_seq >= top.floor and await snapshots.has(one.snapshot)
        if not there or await _behind(db, wanted) >= BEHIND_ROWS_MAX:
            await _pack(db, one, snapshots, top.feed_n)
        packs[one.name] = Boot(one.name, one.snapshot, one.snapshot_size, one.snapshot_seq)
    return packs


async def _behind(db: Session, wanted: pages.Wanted) -> int:
    """Count the places that were told in a bucket since, up to the limit."""
    name, count = wanted.buckets[0], 0
    inspection = name.removeprefix("i:")
    for table, mine in (
        (_site, _site.c.bucket == name),
        (_feed, _feed.c.bucket == name),
        (_entry, _entry.c.inspection_id == inspection),
    ):
        some = _between(sa.select(table.c.seq), table, wanted).where(mine).subquery()
        found = await _execute(db, sa.select(sa.func.count()).select_from(some))
        count += found.scalar_one()
    return count


async def _pack(db: Session, bucket: Bucket, snapshots: Snapshots, feed_n: int) -> None:
    """Write all of a bucket, as it is at the end of the feed, into a snapshot; keep its name."""
    if bucket.name.startswith(feed.SITES):
        there = await sites.read(db, bucket.name)
        lines: list[Event] = list(told.blocks(bucket.name, sorted(there.values())))
    else:
        wanted = pages.Wanted((bucket.name,), 0, bucket.seq, bucket.count + 1_000_000)
        found = await _rows(db, bucket.name, wanted)
        lines = [event for _, event in sorted(found, key=lambda row: row[0])]
    digest, size = await snapshots.make(lines)
    bucket.snapshot, bucket.snapshot_size, bucket.snapshot_seq = digest, size, feed_n
    db.add(bucket)
