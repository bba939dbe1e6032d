"""下行数据: publish server-owned rows to devices, in buckets, at dense places in one feed.

A place is given while the head row is locked and becomes visible at commit, before anyone else can
get the next: the order of places is the order of commits, so a cursor never skips one.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import text

from backend.db import Session, head
from backend.tables import Feed, Member
from backend.work import ledger
from sync import pages

FOLLOWED = """
SELECT division, districts, bucket FROM inspector LEFT JOIN member ON inspector_id = inspector.id
WHERE inspector.id = $1"""
# A moment older than the head that it locks: what was assigned meanwhile comes with the next page.
SCOPE = f"""
SELECT epoch, floor, feed_n, ledger_n, ledger_root, followed.*
FROM head LEFT JOIN ({FOLLOWED}) AS followed ON TRUE WHERE head.id = 1 FOR UPDATE OF head"""
SITES = "d:"  # and a division: its establishments, as `work.sites` publishes them

_ADD_UP = text(
    "INSERT INTO bucket (name, count, total, seq, snapshot, snapshot_size, snapshot_seq) "
    "VALUES (:name, :count, :total, :seq, '', 0, 0) ON CONFLICT (name) DO UPDATE SET "
    "count = bucket.count + excluded.count, seq = excluded.seq, "
    f"total = (bucket.total + excluded.total) % {pages.CHECK_MODULUS}"
)


class Step(NamedTuple):
    """What one change adds to the sums of its bucket; negative numbers take away."""

    bucket: str
    rows: int
    total: int  # any integer: it counts modulo 2^60
    seq: int


class Entered(NamedTuple):
    """An operation that counts from now on, at its place in the feed."""

    inspection: str
    op: str  # `device:n`
    hash: str
    seq: int


async def put(db: Session, bucket: str, kind: str, entity: str, body: bytes) -> None:
    """Publish the newest state of a row in a bucket; nothing happens when it is unchanged."""
    rev = sha256(body).hexdigest()
    row = await db.get(Feed, (bucket, kind, entity))
    if row is not None and row.rev == rev and not row.gone:
        return
    seq = await next_place(db)
    added = pages.term(kind, entity, rev)
    if row is None or row.gone:
        step = Step(bucket, 1, added, seq)
    else:
        step = Step(bucket, 0, added - pages.term(kind, entity, row.rev), seq)
    await add_up(db, [step])
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
    await add_up(db, [Step(bucket, -1, -pages.term(kind, entity, row.rev), row.seq)])


async def enter(db: Session, those: Iterable[Entered]) -> None:
    """Count operations in the buckets of their inspections, as they get their places."""
    await add_up(
        db,
        [
            Step(f"i:{one.inspection}", 1, pages.term("op", one.op, one.hash), one.seq)
            for one in those
        ],
    )


async def add_up(db: Session, steps: Iterable[Step]) -> None:
    """Add changes to the sums of their buckets; the places were given, so the head is locked."""
    sums: dict[str, dict[str, int | str]] = {}
    for name, count, total, seq in steps:
        one = sums.get(name, {"count": 0, "total": 0, "seq": 0})
        sums[name] = {
            "name": name,
            "count": int(one["count"]) + count,
            "total": (int(one["total"]) + total) % pages.CHECK_MODULUS,
            "seq": max(int(one["seq"]), seq),
        }
    if sums:
        await (await db.connection()).execute(_ADD_UP, list(sums.values()))


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
    """Name the buckets that an inspector follows, in order; those of establishments come last."""
    (found,) = await ledger.ask(db, (FOLLOWED, (inspector_id,)), brief=True)
    return named(found)


async def scope(db: Session, inspector_id: str) -> tuple[ledger.Top, list[str]]:
    """Hold the head until commit, and name the buckets that an inspector follows: in one trip."""
    (found,) = await ledger.ask(db, (SCOPE, (inspector_id,)), brief=True)
    return ledger.Top(*found[0][:5]), named([row[5:] for row in found])


def named(followed: ledger.Rows) -> list[str]:
    """Read the answer to FOLLOWED; the office has devices too, which follow nothing."""
    found = sorted(bucket for _, _, bucket in followed if bucket is not None)
    where = [row[:2] for row in followed[:1] if row[0] is not None]
    return [*found, *(bucket for one in where for bucket in territory(*one))]


def territory(division: str, districts: str) -> list[str]:
    """Name the buckets of the establishments where an inspector works, none inside another."""
    found: list[str] = []
    for one in sorted([one for one in districts.split(",") if one] or [division]):
        if one.isdigit() and not (found and one.startswith(found[-1])):
            found.append(one)
    return [f"{SITES}{one}" for one in found]


async def next_place(db: Session) -> int:
    """Give the next place in the feed."""
    return (await next_places(db, 1))[0]


async def next_places(db: Session, count: int) -> range:
    """Give the next places in the feed, in order."""
    locked = await head(db)
    first = locked.feed_n + 1
    locked.feed_n += count
    db.add(locked)
    return range(first, locked.feed_n + 1)
