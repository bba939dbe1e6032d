"""违法行为清单定版: release catalogues of violations and put the newest on every device.

A released catalogue never changes: its digest names its content, its code and version name it once.
"""

from datetime import datetime

from sqlmodel import col, or_, select

from backend import journal
from backend.auth import Officer
from backend.db import Session, head
from backend.tables import Catalogue, Device, Feed
from backend.work import feed
from sync import violations
from sync.refusals import Reason, Refused


async def release_catalogue(
    db: Session, officer: Officer, toml: bytes, *, now: datetime
) -> Catalogue:
    """Release a catalogue; the same content again is the same release, and changes nothing."""
    parsed = violations.parse(toml)
    digest = violations.digest(parsed)
    await head(db)
    query = select(Catalogue).where(
        Catalogue.code == parsed.code, Catalogue.version == parsed.version
    )
    released = (await db.exec(query)).first()

    if released is not None and released.digest != digest:
        raise Refused(
            Reason.CATALOGUE_TAKEN,
            code=parsed.code,
            version=parsed.version,
            released=released.digest,
        )

    if released is None:
        released = Catalogue(
            digest=digest,
            code=parsed.code,
            version=parsed.version,
            title_en=parsed.title.en,
            title_zh=parsed.title.zh,
            body=violations.canonical(parsed).decode(),
            released_at=now,
        )
        db.add(released)
        await db.flush()
        holders = select(Device.inspector_id).where(col(Device.revoked_at).is_(None)).distinct()
        await offer(db, *sorted(await db.exec(holders)))
        await journal.append(
            db,
            actor=officer.name,
            verb="catalogue.release",
            subject=digest,
            now=now,
            code=parsed.code,
            version=parsed.version,
        )
    return released


async def offer(db: Session, *inspectors: str) -> None:
    """Put the newest release of every catalogue on inspectors' devices, in the older's place."""
    every = select(Catalogue.code, Catalogue.digest)
    newest = dict(
        (await db.exec(every.order_by(col(Catalogue.released_at), col(Catalogue.digest)))).all()
    )
    query = select(Catalogue).where(col(Catalogue.digest).in_(newest.values()))
    rows = list(await db.exec(query.order_by(col(Catalogue.code))))
    for inspector_id in inspectors:
        bucket = f"u:{inspector_id}"
        held = select(Feed.entity).where(
            Feed.bucket == bucket, Feed.kind == "catalogue", col(Feed.gone).is_(False)
        )
        for digest in sorted(set(await db.exec(held)) - set(newest.values())):
            await feed.remove(db, bucket, "catalogue", digest)
        for row in rows:
            await feed.put(db, bucket, "catalogue", row.digest, row.body.encode())


async def list_catalogues(db: Session) -> list[Catalogue]:
    """List the released catalogues, the newest of each code first."""
    query = select(Catalogue).order_by(Catalogue.code, col(Catalogue.released_at).desc())
    return list(await db.exec(query))


async def get_catalogue(db: Session, name: str) -> violations.Catalogue:
    """Take out a catalogue by its digest, or the newest release of a code."""
    query = select(Catalogue).where(or_(Catalogue.digest == name, Catalogue.code == name))
    found = (await db.exec(query.order_by(col(Catalogue.released_at).desc()))).first()
    if found is None:
        raise Refused(Reason.CATALOGUE_NOT_FOUND, catalogue=name)
    return violations.load(found.body)
