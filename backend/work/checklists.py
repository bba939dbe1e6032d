"""检查表定版: release checklists, list them, and take one out again."""

from datetime import datetime

from sqlmodel import col, select

from backend.auth import Officer
from backend.db import Session
from backend.tables import Checklist, Feed
from backend.work import feed, releases
from sync import checklist


async def release_checklist(
    db: Session, officer: Officer, toml: bytes, *, now: datetime
) -> Checklist:
    """Release a checklist; the same content again is the same release, and changes nothing."""
    parsed = checklist.parse(toml)
    released, new = await releases.release(
        db,
        officer,
        Checklist,
        parsed,
        digest=checklist.digest(parsed),
        body=checklist.canonical(parsed),
        now=now,
    )
    if new:
        await _offer(db, released)
    return released


async def _offer(db: Session, released: Checklist) -> None:
    """Put a version on every device that holds another of the same checklist."""
    query = (
        select(Feed.bucket)
        .join(Checklist, col(Checklist.digest) == Feed.entity)
        .where(Feed.kind == "checklist", Checklist.code == released.code, col(Feed.gone).is_(False))
        .distinct()
    )
    for bucket in sorted(await db.exec(query)):
        await feed.put(db, bucket, "checklist", released.digest, released.body.encode())


async def list_checklists(db: Session) -> list[Checklist]:
    """List the released checklists, the newest of each code first."""
    return await releases.listed(db, Checklist)


async def get_checklist(db: Session, name: str) -> checklist.Checklist:
    """Take out a checklist by its digest, or the newest release of a code."""
    return checklist.load((await releases.find(db, Checklist, name)).body)
