"""下行: cut a page of the feed for a device, and add up the buckets that it holds.

The head row is locked while a page is cut: no place is given meanwhile, so rows and checksums are
of one moment.
"""

from msgspec import Raw
from sqlmodel import col, select

from backend.db import Session, head
from backend.tables import Device, Entry, Feed
from backend.work import feed
from sync import pages
from sync.messages import Event, Gone, Pull, Put, Told
from sync.ops import op_id


async def cut(
    db: Session, device: Device, pull: Pull
) -> tuple[pages.Page, dict[str, tuple[int, int]]]:
    """Cut a page, and with the last one say what every bucket adds up to."""
    top = await head(db)  # no place is given while the page is cut: rows and checksums agree
    entitled = await feed.buckets(db, device.inspector_id)
    cutting = pages.page(pull, device.id, epoch=top.epoch, feed_n=top.feed_n, entitled=entitled)
    try:
        wanted = next(cutting)
        while True:
            wanted = cutting.send(await _rows(db, wanted))
    except StopIteration as done:
        page: pages.Page = done.value
    check = {} if page.more else {b: await _checksum(db, b, top.feed_n) for b in entitled}
    return page, check


async def _rows(db: Session, wanted: pages.Wanted) -> list[tuple[int, Event]]:
    """Give the rows and operations that a page asks for."""
    after, upto, limit = wanted.after, wanted.upto, wanted.limit
    feed_query = (
        select(Feed)
        .where(col(Feed.bucket).in_(wanted.buckets), Feed.seq > after, Feed.seq <= upto)
        .order_by(col(Feed.seq))
        .limit(limit)
    )
    inspections = [bucket.removeprefix("i:") for bucket in wanted.buckets if bucket[:2] == "i:"]
    entry_query = (
        select(Entry, Device.inspector_id)
        .join(Device)
        .where(
            col(Entry.inspection_id).in_(inspections),
            col(Entry.seq) > after,
            col(Entry.seq) <= upto,
        )
        .order_by(col(Entry.seq))
        .limit(limit)
    )
    rows = [(row.seq, _row_event(row)) for row in await db.exec(feed_query)]
    for entry, who in await db.exec(entry_query):
        assert entry.seq is not None
        name = op_id(entry.device_id, entry.n)
        bucket, ruled = f"i:{entry.inspection_id}", entry.verdict != "ok"
        told = Told(bucket, name, entry.hash, who, Raw(entry.raw), ruled)
        rows.append((entry.seq, told))
    rows.sort(key=lambda row: row[0])
    return rows[:limit]


def _row_event(row: Feed) -> Event:
    if row.gone:
        return Gone(row.bucket, row.kind, row.entity)
    return Put(row.bucket, row.kind, row.entity, row.rev, Raw(row.body))


async def _checksum(db: Session, bucket: str, upto: int) -> tuple[int, int]:
    rows = select(Feed.kind, Feed.entity, Feed.rev).where(
        Feed.bucket == bucket, Feed.seq <= upto, col(Feed.gone).is_(False)
    )
    entries = select(Entry.device_id, Entry.n, Entry.hash).where(
        Entry.inspection_id == bucket.removeprefix("i:"), col(Entry.seq) <= upto
    )
    held = list(await db.exec(rows))
    if bucket.startswith("i:"):
        held += [("op", op_id(dev, n), hash_) for dev, n, hash_ in await db.exec(entries)]
    return pages.checksum(held)
