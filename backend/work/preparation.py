"""下发准备: make the snapshots of the divisions before a device asks for them.

An import changes what is told of a division; whoever asks first would wait while it is compared and
packed. Nothing depends on it: what is not made here is made when it is asked for.
"""

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from backend.db import Session, head, transaction
from backend.tables import Device, Inspector
from backend.work import feed, pages
from backend.work.snapshots import Snapshots

MADE_MAX = 20  # of one call; each holds the head for up to some seconds


async def prepare(engine: AsyncEngine, snapshots: Snapshots, *, most: int = MADE_MAX) -> int:
    """Make up to `most` snapshots that are missing or old, each in its own transaction; count them.

    Of the divisions where inspectors work who have a device.
    """
    async with transaction(engine, write=False) as db:
        wanted = await _wanted(db)
    made = 0
    for bucket in wanted:
        if made == most:
            break
        async with transaction(engine) as db:
            await head(db)
            made += await pages.prepare(db, bucket, snapshots)
    return made


async def _wanted(db: Session) -> list[str]:
    """Name the buckets of establishments that devices follow."""
    query = (
        select(Inspector.division, Inspector.districts)
        .join(Device, col(Device.inspector_id) == Inspector.id)
        .where(col(Device.revoked_at).is_(None))
        .distinct()
    )
    rows = (await db.exec(query)).all()
    return sorted({bucket for row in rows for bucket in feed.territory(*row)})
