"""检查表定版: release checklists, list them, and take one out again.

A released checklist never changes: its digest names its content, its code and version name it once.
"""

from datetime import datetime

from sqlmodel import col, or_, select

from backend import journal
from backend.auth import Officer
from backend.db import Session, head
from backend.tables import Checklist, Feed
from backend.work import feed
from sync import checklist
from sync.refusals import Reason, Refused


async def release_checklist(
    db: Session, officer: Officer, toml: bytes, *, now: datetime
) -> Checklist:
    """Release a checklist; the same content again is the same release, and changes nothing."""
    parsed = checklist.parse(toml)
    digest = checklist.digest(parsed)
    await head(db)
    query = select(Checklist).where(
        Checklist.code == parsed.code, Checklist.version == parsed.version
    )
    released = (await db.exec(query)).first()

    if released is not None and released.digest != digest:
        raise Refused(
            Reason.CHECKLIST_TAKEN,
            code=parsed.code,
            version=parsed.version,
            released=released.digest,
        )

    if released is None:
        released = Checklist(
            digest=digest,
            code=parsed.code,
            version=parsed.version,
            title_en=parsed.title.en,
            title_zh=parsed.title.zh,
            body=checklist.canonical(parsed).decode(),
            released_at=now,
        )
        db.add(released)
        await _offer(db, released)
        await journal.append(
            db,
            actor=officer.name,
            verb="checklist.release",
            subject=digest,
            now=now,
            code=parsed.code,
            version=parsed.version,
        )
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
    query = select(Checklist).order_by(Checklist.code, col(Checklist.released_at).desc())
    return list(await db.exec(query))


async def get_checklist(db: Session, name: str) -> checklist.Checklist:
    """Take out a checklist by its digest, or the newest release of a code."""
    query = select(Checklist).where(or_(Checklist.digest == name, Checklist.code == name))
    found = (await db.exec(query.order_by(col(Checklist.released_at).desc()))).first()
    if found is None:
        raise Refused(Reason.CHECKLIST_NOT_FOUND, checklist=name)
    return checklist.load(found.body)
