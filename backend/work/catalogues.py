"""违法行为清单定版: release catalogues of violations and put the newest on every device."""

from datetime import datetime

from sqlmodel import col, select

from backend.auth import Officer
from backend.db import Session
from backend.tables import Catalogue, Device, Feed
from backend.work import feed, releases
from sync import violations


async def release_catalogue(
    db: Session, officer: Officer, toml: bytes, *, now: datetime
) -> Catalogue:
    """Release a catalogue; the same content again is the same release, and changes nothing."""
    parsed = violations.parse(toml)
    released, new = await releases.release(
        db,
        officer,
        Catalogue,
        parsed,
        digest=violations.digest(parsed),
        body=violations.canonical(parsed),
        now=now,
    )
    if new:
        holders = select(Device.inspector_id).where(col(Device.revoked_at).is_(None)).distinct()
        await offer(db, *sorted(await db.exec(holders)))
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
    return await releases.listed(db, Catalogue)


async def get_catalogue(db: Session, name: str) -> violations.Catalogue:
    """Take out a catalogue by its digest, or the newest release of a code."""
    return violations.load((await releases.find(db, Catalogue, name)).body)
