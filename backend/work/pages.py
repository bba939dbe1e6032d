"""下行: cut a page of the feed for a device, and say what the buckets that it holds add up to.

The head row is locked while a page is cut: no place is given meanwhile, so rows and sums are of one
moment. What has not changed costs nothing: the last place of each bucket is kept.
"""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import TypeVar

from msgspec import Raw, Struct
from sqlmodel import select

from backend.db import Session
from backend.tables import Entry
from backend.work import feed, ledger, sites
from backend.work.ledger import Standing, Top
from backend.work.snapshots import Snapshots
from sync import pages, versions
from sync import sites as told
from sync.messages import Boot, Event, Gone, Pull, Put, Told
from sync.ops import op_id

KEYS_MAX = 500  # in one question
Places = list[tuple[int, Event]]
Made = Mapping[str, tuple[str, int] | None]  # snapshots of what was published just now, if any

T = TypeVar("T")

SUMS = """
SELECT name, count, total, seq, published_at, (SELECT max(at) FROM revision), snapshot,
    snapshot_size, snapshot_seq
FROM bucket WHERE name AMONG $1"""
# Compared as pairs, so that only the index of both can serve, and nothing else is ever read.
BETWEEN = "({0}, seq) > ($1, $2) AND ({0}, seq) <= ($1, $3) ORDER BY {0}, seq LIMIT $4"
PUBLISHED = f"""
SELECT seq, kind, entity, rev, gone, body FROM feed WHERE {BETWEEN.format("bucket")}"""
ENTERED = f"""
SELECT seq, device_id, n, hash, verdict, raw, inspector_id FROM (
    SELECT * FROM entry WHERE {BETWEEN.format("inspection_id")}
) AS told JOIN device ON device.id = told.device_id"""
SITES = f"SELECT seq, code, gone FROM site WHERE {BETWEEN.format('bucket')}"
COUNTED = "SELECT count(*) FROM ({}) AS told"
SNAPSHOT = """
UPDATE bucket SET snapshot = $2, snapshot_size = $3, snapshot_seq = $4 WHERE name = $1"""


class Sum(Struct, frozen=True):
    """What a bucket adds up to, and its newest snapshot."""

    name: str
    count: int
    total: int
    seq: int
    published_at: datetime | str | None
    revised_at: datetime | str | None  # the register
    snapshot: str
    snapshot_size: int
    snapshot_seq: int


async def cut(
    db: Session, device: Standing, pull: Pull, snapshots: Snapshots | None
) -> tuple[pages.Page, dict[str, tuple[int, int]]]:
    """Cut a page, and with the last one say what every bucket adds up to."""
    # no place is given while the page is cut, so rows and sums agree
    top, scope = await feed.scope(db, device.inspector)
    regressed = await _regressed(db, pull, top)
    if device.revoked:
        return pages.revoked(pull, top.epoch, regressed=regressed), {}
    entitled = versions.followed(pull, scope)
    new = set(entitled).difference(pull.have, pull.part) if pull.packs else set[str]()
    known, made = await _known(db, entitled, new, snapshots)
    if made:
        top = await ledger.top(db)  # establishments have just been published
    at = pages.cursor(
        pull,
        epoch=top.epoch,
        feed_n=top.feed_n,
        floor=top.floor,
        entitled=entitled,
        regressed=regressed,
    )
    packs: dict[str, Boot] = {}
    if pull.packs and snapshots is not None:
        held = {*at.have, *at.part}
        lacked = [known[name] for name in entitled if name in known and name not in held]
        packs = await _packs(db, top, lacked, snapshots, made)
    cutting = pages.page(
        pull, device.device, at=at, feed_n=top.feed_n, entitled=entitled, packs=packs
    )
    try:
        wanted = next(cutting)
        while True:
            wanted = cutting.send(await rows(db, wanted, known))
    except StopIteration as done:
        page: pages.Page = done.value
    if page.more:
        return page, {}
    return page, check(entitled, known)


async def _regressed(db: Session, pull: Pull, top: Top) -> bool:
    """Tell whether a device was told of a ledger that is not this one's beginning."""
    position, root = pull.told or (0, "")
    if position in (0, top.ledger_n):
        return position > 0 and root != top.ledger_root
    found = await db.exec(select(Entry.root).where(Entry.position == position))
    return found.first() != root


async def rows(db: Session, wanted: pages.Wanted, known: Mapping[str, Sum]) -> Places:
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


async def sums(db: Session, names: Collection[str]) -> dict[str, Sum]:
    """Load what buckets add up to, and where something was told in them last."""
    brief = len(names) < ledger.BRIEF
    (found,) = await ledger.ask(db, (SUMS, (list(names),)), brief=brief)
    return sums_of(found)


def sums_of(rows: ledger.Rows) -> dict[str, Sum]:
    """Read the answer to SUMS."""
    return {row[0]: Sum(*row) for row in rows}


def check(names: Iterable[str], known: Mapping[str, Sum]) -> dict[str, tuple[int, int]]:
    """Say what buckets add up to, so that a device can hold its own against it."""
    return {
        name: (known[name].count, known[name].total) if name in known else (0, 0) for name in names
    }


def behind(names: Iterable[str], known: Mapping[str, Sum]) -> list[str]:
    """Name the buckets of establishments that are not as the register is."""
    return [
        name
        for name in names
        if name.startswith(feed.SITES)
        and (name not in known or known[name].published_at != known[name].revised_at)
    ]


async def _known(
    db: Session, entitled: Sequence[str], new: Collection[str], snapshots: Snapshots | None
) -> tuple[dict[str, Sum], Made]:
    """Load what buckets add up to, once those of establishments are as the register is.

    Whole buckets of those that are `new` to the device are packed while the database writes.
    """
    known, made = await sums(db, entitled), dict[str, tuple[str, int] | None]()
    for bucket in behind(entitled, known):
        news, made[bucket] = await sites.compare(db, bucket), None
        if news is None:
            continue
        telling, whole = sites.tell(db, news), news.whole or {}
        if snapshots is None or bucket not in new or len(whole) < PACKED_ROWS_MIN:
            await telling
        else:
            made[bucket] = await _both(snapshots.make(_lines(bucket, whole)), telling)
    return (await sums(db, entitled) if made else known), made


async def _both(first: Awaitable[T], second: Awaitable[object]) -> T:
    """Wait for both, whatever becomes of either: nobody goes on with a session that is in use."""
    done, other = await asyncio.gather(first, second, return_exceptions=True)
    for one in (other, done):
        if isinstance(one, BaseException):
            raise one
    assert not isinstance(done, BaseException)
    return done


def _lines(bucket: str, whole: Mapping[str, sites.Row]) -> Iterator[Event]:
    """Tell of all establishments of a bucket; sorted by whoever asks for the first of them."""
    yield from told.blocks(bucket, sorted(whole.values()))


async def _rows(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    if bucket.startswith(feed.SITES):
        return await _sites(db, bucket, wanted)
    found = await _published(db, bucket, wanted)
    if bucket.startswith("i:"):
        found += await _entered(db, bucket, wanted)
    return found


async def _published(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    """Give server-owned rows."""
    (found,) = await ledger.ask(db, (PUBLISHED, _between(bucket, wanted)))
    return [
        (seq, Gone(bucket, kind, entity) if gone else Put(bucket, kind, entity, rev, Raw(body)))
        for seq, kind, entity, rev, gone, body in found
    ]


async def _entered(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    """Give operations."""
    (found,) = await ledger.ask(db, (ENTERED, _between(bucket.removeprefix("i:"), wanted)))
    return [
        (seq, Told(bucket, op_id(device, n), hash_, who, Raw(raw), verdict != "ok"))
        for seq, device, n, hash_, verdict, raw, who in found
    ]


async def _sites(db: Session, bucket: str, wanted: pages.Wanted) -> Places:
    """Give establishments as they are now; that is as they were published, under the lock."""
    (places,) = await ledger.ask(db, (SITES, _between(bucket, wanted)))
    codes = [code for _, code, gone in places if not gone]
    there: dict[str, sites.Row] = {}
    for first in range(0, len(codes), KEYS_MAX):
        there |= await sites.read(db, bucket, codes[first : first + KEYS_MAX])
    return [
        (seq, told.event(bucket, [there[code]] if code in there else [], [code] if gone else []))
        for seq, code, gone in places
    ]


def _between(owner: str, wanted: pages.Wanted) -> tuple[object, ...]:
    return owner, wanted.after, wanted.upto, wanted.limit


# -- snapshots -----------------------------------------------------------------------------------

PACKED_ROWS_MIN = 500  # a smaller bucket comes in the page itself
BEHIND_ROWS_MAX = 1_000  # places after which a snapshot is made anew


async def prepare(db: Session, bucket: str, snapshots: Snapshots) -> bool:
    """Do now what the first device to ask for a bucket would wait for; tell whether it was much."""
    known, made = await _known(db, [bucket], [bucket], snapshots)
    if bucket not in known:
        return False
    packs = await _packs(db, await ledger.top(db), [known[bucket]], snapshots, made)
    return bucket in packs and packs[bucket].snapshot != known[bucket].snapshot


async def _packs(
    db: Session, top: Top, buckets: Iterable[Sum], snapshots: Snapshots, made: Made
) -> dict[str, Boot]:
    """Name a snapshot of each bucket that is large, made now unless one is recent enough."""
    packs: dict[str, Boot] = {}
    for one in buckets:
        if one.count < PACKED_ROWS_MIN:
            continue
        said = one.snapshot, one.snapshot_size, one.snapshot_seq
        there = one.snapshot_seq >= top.floor and await snapshots.has(one.snapshot)
        if not there or await _behind(db, one) >= BEHIND_ROWS_MAX:
            digest, size = made.get(one.name) or await _pack(db, one, snapshots)
            await ledger.ask(db, (SNAPSHOT, (one.name, digest, size, top.feed_n)))
            said = digest, size, top.feed_n
        packs[one.name] = Boot(one.name, *said)
    return packs


async def _behind(db: Session, one: Sum) -> int:
    """Count the places that were told in a bucket since, up to the limit."""
    since = (one.snapshot_seq, one.seq, BEHIND_ROWS_MAX)
    asks = [
        (COUNTED.format(asked), (name, *since))
        for asked, name in (
            (PUBLISHED, one.name),
            (SITES, one.name),
            (ENTERED, one.name.removeprefix("i:")),
        )
    ]
    return sum(count for ((count,),) in await ledger.ask(db, *asks))


async def _pack(db: Session, one: Sum, snapshots: Snapshots) -> tuple[str, int]:
    """Write all of a bucket, as it is at the end of the feed, into a snapshot."""
    if one.name.startswith(feed.SITES):
        return await snapshots.make(_lines(one.name, await sites.read(db, one.name)))
    wanted = pages.Wanted((one.name,), 0, one.seq, one.count + 1_000_000)
    found = await _rows(db, one.name, wanted)
    return await snapshots.make([event for _, event in sorted(found, key=lambda row: row[0])])
