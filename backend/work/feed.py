"""下行数据: publish server-owned rows to devices, in buckets, at dense places in one feed.

A place is given while the head row is locked and becomes visible at commit, before anyone else can
get the next: the order of places is the order of commits, so a cursor never skips one.
"""

from hashlib import sha256

from sqlmodel import select

from backend.db import Session, head
from backend.tables import Feed, Member


async def put(db: Session, bucket: str, kind: str, entity: str, body: bytes) -> None:
    """Publish the newest state of a row in a bucket; nothing happens when it is unchanged."""
    rev = sha256(body).hexdigest()
    row = await db.get(Feed, (bucket, kind, entity))
    if row is not None and row.rev == rev and not row.gone:
        return
    seq = await next_place(db)
    if row is None:
        row = Feed(bucket=bucket, kind=kind, entity=entity, seq=seq, rev=rev, body=body)
    row.seq, row.rev, row.body, row.gone = seq, rev, body, False
    db.add(row)


async def remove(db: Session, bucket: str, kind: str, entity: str) -> None:
    """Take a row out of a bucket; its place tells the devices so."""
    row = await db.get(Feed, (bucket, kind, entity))
    if row is None or row.gone:
        return
    row.seq, row.gone, row.body = await next_place(db), True, b""
    db.add(row)


async def join(db: Session, inspector_id: str, bucket: str) -> None:
    """Let an inspector's devices follow a bucket."""
    if await db.get(Member, (inspector_id, bucket)) is None:
        db.add(Member(inspector_id=inspector_id, bucket=bucket))


async def leave(db: Session, inspector_id: str, bucket: str) -> None:
    """Stop an inspector's devices from following a bucket."""
    member = await db.get(Member, (inspector_id, bucket))
    if member is not None:
        await db.delete(member)


async def buckets(db: Session, inspector_id: str) -> list[str]:
    """Name the buckets that an inspector follows, in order."""
    query = select(Member.bucket).where(Member.inspector_id == inspector_id)
    return sorted(await db.exec(query))


async def next_place(db: Session) -> int:
    """Give the next place in the feed."""
    locked = await head(db)
    locked.feed_n += 1
    db.add(locked)
    return locked.feed_n
