"""维护: what the feed forgets in time, and whether its sums are right.

Both may be done again at any moment, by anyone, as often as they like.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlmodel import SQLModel, col, select

from backend.db import Session, head
from backend.tables import Bucket, Feed, Milestone, Site
from backend.work.snapshots import Snapshots
from sync import pages
from sync.ops import op_id

TOMBSTONES_KEPT = timedelta(days=180)
MILESTONES_APART = timedelta(days=1)


class Expired(Struct, frozen=True):
    """What was forgotten."""

    floor: int  # cursors below it are read anew
    tombstones: int
    snapshots: int


async def expire(db: Session, snapshots: Snapshots, now: datetime) -> Expired:
    """Forget tombstones older than TOMBSTONES_KEPT, and snapshots that nothing names.

    How old a place is, is known by milestones, one a day at most; without an old one nothing goes.
    """
    top = await head(db)
    newest = (await db.exec(select(sa.func.max(Milestone.at)))).first()
    apart = newest is None or newest <= now - MILESTONES_APART
    if apart and await db.get(Milestone, top.feed_n) is None:  # else the older moment stands
        db.add(Milestone(feed_n=top.feed_n, at=now))
        await db.flush()
    old = select(sa.func.max(Milestone.feed_n)).where(Milestone.at <= now - TOMBSTONES_KEPT)
    top.floor = max(top.floor, (await db.exec(old)).one() or 0)
    db.add(top)
    tombstones = 0
    for table in (Feed, Site):
        gone = sa.delete(table).where(col(table.gone).is_(True), col(table.seq) <= top.floor)
        tombstones += (await (await db.connection()).execute(gone)).rowcount
    passed = sa.delete(Milestone).where(col(Milestone.feed_n) < top.floor)
    await (await db.connection()).execute(passed)
    named = list(await db.exec(select(Bucket.snapshot).where(Bucket.snapshot != "")))
    return Expired(top.floor, tombstones, await snapshots.sweep(named, now))


async def miscounted(db: Session) -> list[str]:
    """Name the buckets whose kept sum is not what their rows add up to, counted from scratch."""
    await head(db)
    sums: dict[str, list[int]] = {}
    connection = await db.connection()
    feed, entry, site = (SQLModel.metadata.tables[name] for name in ("feed", "entry", "site"))
    columns = (feed.c.bucket, feed.c.kind, feed.c.entity, feed.c.rev)
    for name, *row in await connection.execute(sa.select(*columns).where(~feed.c.gone)):
        sums.setdefault(name, []).append(pages.term(*row))
    columns = (entry.c.inspection_id, entry.c.device_id, entry.c.n, entry.c.hash)
    counted = sa.select(*columns).where(entry.c.seq.is_not(None))
    for inspection, device, n, digest in await connection.execute(counted):
        sums.setdefault(f"i:{inspection}", []).append(pages.term("op", op_id(device, n), digest))
    for name, term in await connection.execute(
        sa.select(site.c.bucket, site.c.term).where(~site.c.gone)
    ):
        sums.setdefault(name, []).append(term)
    kept = {one.name: (one.count, one.total) for one in await db.exec(select(Bucket))}
    right = {name: (len(terms), sum(terms) % pages.CHECK_MODULUS) for name, terms in sums.items()}
    names = sorted(kept.keys() | right.keys())
    return [name for name in names if kept.get(name, (0, 0)) != right.get(name, (0, 0))]
