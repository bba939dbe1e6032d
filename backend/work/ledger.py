"""账本: what a push must know, and what it leaves behind, in as few trips as that takes.

Hundreds of operations come at once, so these statements go past the ORM; on SQLite one visit to the
database's thread does several. `$1` and `AMONG` (one of a list) are written for either database.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from sqlite3 import Connection
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy.orm.attributes import set_committed_value

from backend import db as database
from backend.db import Engine, Session, at_once, driver, hold, sqlite_value
from sync.hub import Ends, Placed
from sync.merge import Marks, Recorded
from sync.ops import AddEvidence, decode_op, op_id

Ask: TypeAlias = tuple[str, tuple[object, ...]]  # a statement and its values
Rows: TypeAlias = Sequence[Sequence[Any]]

STANDING = """
WITH asking AS (SELECT * FROM device WHERE id = $1)
SELECT asking.id, inspector_id, public_key, revoked_at IS NOT NULL, head_n, head_hash,
    epoch, secret_key, durable_n, ledger_n, ledger_root, feed_n
FROM head, asking WHERE head.id = 1"""
# The device first and then the head, as everybody does, so that nobody waits in a circle.
LOCKED = STANDING.replace("= $1)", "= $1 FOR UPDATE)") + " FOR UPDATE OF head"
RECORDED = """
SELECT inspection_id, device_id, hash, raw, inspector_id
FROM entry JOIN device ON device.id = entry.device_id
WHERE inspection_id AMONG $1 AND seq IS NOT NULL"""
TOP = """
SELECT epoch, floor, feed_n, ledger_n, ledger_root FROM head WHERE id = 1 FOR UPDATE"""
JUDGED = "SELECT n, seq, verdict, why, inspection_id FROM entry WHERE device_id = $1 AND n >= $2"
SEEN = "UPDATE device SET seen_at = $2, skew_ms = $3 WHERE id = $1"

ENTRIES = """
INSERT INTO entry (device_id, received_at, n, position, seq, inspection_id, kind, hash, root,
    verdict, why, raw) """
INSPECTIONS = """
INSERT INTO inspection (updated_at, id, operations, conflicts, late, signed) """
REPLACED = """
ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, operations = excluded.operations,
    conflicts = excluded.conflicts, late = excluded.late, signed = excluded.signed"""
BUCKETS = "INSERT INTO bucket (snapshot, snapshot_size, snapshot_seq, name, count, total, seq) "
ADDED = f"""
ON CONFLICT (name) DO UPDATE SET count = bucket.count + excluded.count,
    total = (bucket.total + excluded.total) % {2**60}, seq = excluded.seq"""
BATCH = """
INSERT INTO batch (device_id, received_at, first_n, count, head_line, signature) """
EXHIBITS = "INSERT INTO exhibit (inspection_id, sha256) "
ALREADY = "ON CONFLICT DO NOTHING"
DEVICE = "UPDATE device SET seen_at = $2, skew_ms = $3, head_n = $4, head_hash = $5 WHERE id = $1"
HEAD = "UPDATE head SET ledger_n = $1, ledger_root = $2, feed_n = $3 WHERE id = 1"

# PostgreSQL takes a push in one statement, its rows as columns: the head is locked until commit.
# `stale` counts projections that were folded without what another push has brought meanwhile.
TOGETHER = f"""
WITH entries AS ({ENTRIES}
    SELECT $1, $2, * FROM unnest($3::int[], $4::int[], $5::int[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[])
), folded AS (
    SELECT * FROM unnest($13::text[], $14::int[], $15::int[], $16::int[], $17::bool[],
        $18::int[]) AS folded (id, operations, conflicts, late, signed, before)
), stale AS (
    SELECT count(*) AS n FROM folded JOIN inspection USING (id)
    WHERE inspection.operations <> folded.before
), inspections AS ({INSPECTIONS}
    SELECT $2, id, operations, conflicts, late, signed FROM folded {REPLACED}
), buckets AS ({BUCKETS}
    SELECT '', 0, 0, * FROM unnest($19::text[], $20::int[], $21::bigint[], $22::int[]) {ADDED}
), batches AS ({BATCH} VALUES ($1, $2, $23, $24, $25, $26)
), devices AS (UPDATE device SET seen_at = $2, skew_ms = $27, head_n = $28, head_hash = $29
    WHERE id = $1
), heads AS (UPDATE head SET ledger_n = $30, ledger_root = $31, feed_n = $32 WHERE id = 1
), exhibits AS ({EXHIBITS} SELECT * FROM unnest($33::text[], $34::text[]) {ALREADY}
)
SELECT n FROM stale"""

STALE = """
SELECT count(*) FROM json_each(?) AS folded JOIN inspection ON inspection.id = folded.key
WHERE inspection.operations <> folded.value"""

TOGETHER_MAX = 50  # rows in a statement on SQLite
BRIEF = 20  # operations; fewer are judged sooner than the database is asked once more


class Standing(Struct, frozen=True):
    """Where a device, the ledger and the feed stand, and the server's key for receipts."""

    device: str
    inspector: str
    public_key: str
    revoked: bool
    head_n: int
    head_hash: str
    epoch: str
    secret_key: str
    durable_n: int
    ends: Ends

    def advanced(self, last: Placed, ends: Ends) -> "Standing":
        """Give what it is after a push."""
        return msgspec.structs.replace(self, head_n=last.n, head_hash=last.hash, ends=ends)


class Top(Struct, frozen=True):
    """Where ledger and feed stand; tombstones up to the place `floor` are forgotten."""

    epoch: str
    floor: int
    feed_n: int
    ledger_n: int
    ledger_root: str


class Projection(Struct, frozen=True):
    """What is kept of the fold of an inspection, so that it can be looked for."""

    inspection: str
    marks: Marks
    before: int = 0  # operations that counted before this push


class Push(Struct, frozen=True):
    """What one push brought, and what it adds to the buckets: name, count, total, last place."""

    after: Standing
    skew_ms: int
    first_n: int
    count: int
    head_line: bytes
    signature: str
    placed: Sequence[Placed]
    projections: Sequence[Projection]
    sums: Sequence[tuple[str, int, int, int]]


async def ask(db: Session, *asks: Ask, brief: bool = False) -> list[Rows]:
    """Run statements one after the other in the session's transaction; give the rows of each.

    Brief are those that come to a few rows by their keys.
    """
    if db.new or db.dirty or db.deleted:
        await db.flush()
    if _sqlite(db):
        plain = [(_for_sqlite(text), [sqlite_value(one) for one in has]) for text, has in asks]
        return await at_once(
            db, lambda raw: [raw.execute(*one).fetchall() for one in plain], brief=brief
        )
    lent, found = await driver(db), list[Rows]()
    for text, values in asks:
        statement = _for_postgresql(text)
        if lent.is_in_transaction():
            found.append(await lent.fetch(statement, *values))
        else:  # it begins with the first statement that SQLAlchemy sees
            result = await (await db.connection()).exec_driver_sql(statement, tuple(values))
            found.append(result.all() if result.returns_rows else ())
    return found


async def glance(engine: Engine, text: str, *values: object) -> Rows:
    """Run a statement that comes to a few rows by their keys, in no transaction."""
    for_it = _for_sqlite if engine.dialect.name == "sqlite" else _for_postgresql
    return await database.glance(engine, for_it(text), *values)


def standing(rows: Rows) -> Standing | None:
    """Read the answer to STANDING or LOCKED."""
    for device, inspector, key, revoked, n, hash_, epoch, secret, durable, *ends in rows:
        return Standing(
            device, inspector, key, bool(revoked), n, hash_, epoch, secret, durable, Ends(*ends)
        )
    return None


async def lock(db: Session, known: Standing) -> Standing:
    """Hold the device and the head until commit; on SQLite everything is held."""
    if not await hold(db):
        return known
    (rows,) = await ask(db, (LOCKED, (known.device,)))
    now = standing(rows)
    assert now is not None
    return now


async def top(db: Session) -> Top:
    """Hold the head until commit, as `db.head` does, when nothing of it is to be changed."""
    ((row,),) = await ask(db, (TOP, ()), brief=True)
    return Top(*row)


def recorded_of(inspections: Collection[str]) -> Ask:
    """Ask for the operations of inspections that count; `recorded` reads the answer."""
    return RECORDED, (list(inspections),)


def recorded(rows: Rows) -> dict[str, list[Recorded]]:
    """Read operations, by inspection."""
    found: dict[str, list[Recorded]] = {}
    for inspection, device, hash_, raw, who in rows:
        op = decode_op(raw)
        found.setdefault(inspection, []).append(Recorded(op_id(device, op.n), hash_, who, op))
    return found


async def write(db: Session, push: Push, now: datetime) -> bool:
    """Write all of a push; tell whether its projections are of everything that counts.

    Others may have brought something between the fold and the lock.
    """
    device, entries = push.after.device, [
        (one.n, one.position, one.seq, one.verdict.inspection, one.verdict.kind, one.hash,
         one.root, one.verdict.verdict, one.verdict.why, one.raw)
        for one in push.placed
    ]  # fmt: skip
    folded = _folded(push.projections)
    batch = (push.first_n, push.count, push.head_line, push.signature)
    standing = (push.skew_ms, push.after.head_n, push.after.head_hash)
    named = _named(push.placed)
    before = {one.inspection: one.before for one in push.projections}
    after = push.after.ends
    ends = (after.ledger_n, after.ledger_root, after.feed_n)
    if _sqlite(db):
        at = sqlite_value(now)

        def work(raw: Connection) -> int:
            stale: int = raw.execute(STALE, (msgspec.json.encode(before),)).fetchone()[0]
            _insert(raw, ENTRIES, [(device, at, *row) for row in entries])
            _insert(raw, INSPECTIONS, [(at, *row) for row in folded], REPLACED)
            _insert(raw, BUCKETS, [("", 0, 0, *row) for row in push.sums], ADDED)
            _insert(raw, EXHIBITS, named, ALREADY)
            _insert(raw, BATCH, [(device, at, *batch)])
            raw.execute(_for_sqlite(DEVICE), (device, at, *standing))
            raw.execute(_for_sqlite(HEAD), ends)
            return stale

        stale = await at_once(db, work, brief=len(entries) < BRIEF)
        _refresh(db, after)
        return not stale
    columns = (
        *_columns(entries, 10),
        *_columns(folded, 5),
        list(before.values()),
        *_columns(push.sums, 4),
    )
    values = (device, now, *columns, *batch, *standing, *ends, *_columns(named, 2))
    (rows,) = await ask(db, (TOGETHER, values))
    _refresh(db, after)
    return not rows[0][0]


async def replace(db: Session, now: datetime, projections: Sequence[Projection]) -> None:
    """Write projections anew."""
    types = ("timestamptz", "text", "int", "int", "int", "bool")
    await put(db, INSPECTIONS, types, [(now, *row) for row in _folded(projections)], REPLACED)


async def exhibit(db: Session, named: Collection[tuple[str, str]]) -> None:
    """Keep which files inspections name, by inspection and digest, so that both can be found."""
    await put(db, EXHIBITS, ("text", "text"), sorted(set(named)), ALREADY)


async def put(
    db: Session,
    into: str,
    types: Sequence[str],
    rows: Sequence[tuple[object, ...]],
    otherwise: str = "",
) -> None:
    """Insert rows, many in a statement; `types` are those that PostgreSQL has for their columns."""
    if not rows:
        return
    if _sqlite(db):
        plain = rows
        if "timestamptz" in types:
            plain = [tuple(map(sqlite_value, row)) for row in rows]
        await at_once(db, lambda raw: _insert(raw, into, plain, otherwise))
    else:
        arrays = ", ".join(f"${n}::{name}[]" for n, name in enumerate(types, start=1))
        taken = f"{into} SELECT * FROM unnest({arrays}) {otherwise}"
        await ask(db, (taken, tuple(_columns(rows, len(types)))))


def _named(placed: Sequence[Placed]) -> list[tuple[str, str]]:
    """List the files that operations name, by inspection."""
    return [
        (one.verdict.inspection, one.verdict.op.blob)
        for one in placed
        if one.seq is not None and isinstance(one.verdict.op, AddEvidence)
    ]


def _refresh(db: Session, ends: Ends) -> None:
    """Tell the head, if the session holds it, what was written past it."""
    if (top := db.info.get("head")) is not None:
        for name in ("ledger_n", "ledger_root", "feed_n"):
            set_committed_value(top, name, getattr(ends, name))


def _folded(projections: Sequence[Projection]) -> list[tuple[object, ...]]:
    return [
        (one.inspection, had.operations, had.conflicts, had.late, had.signed)
        for one in projections
        for had in (one.marks,)
    ]


def _columns(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _sqlite(db: Session) -> bool:
    return db.get_bind().dialect.name == "sqlite"


def _insert(
    raw: Connection, into: str, rows: Sequence[tuple[object, ...]], otherwise: str = ""
) -> None:
    """Insert rows, many in a statement: another thread may run Python only between statements."""
    at = 0
    while at < len(rows):
        some = rows[at : at + (TOGETHER_MAX if at + TOGETHER_MAX <= len(rows) else 1)]
        text = _inserting(into, len(some[0]), len(some), otherwise)
        raw.execute(text, [value for row in some for value in row])
        at += len(some)


@lru_cache
def _inserting(into: str, width: int, rows: int, otherwise: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"{into} VALUES {', '.join([row] * rows)} {otherwise}"


@lru_cache
def _for_sqlite(text: str) -> str:
    text = re.sub(r"AMONG \$(\d)", r"IN (SELECT value FROM json_each(?\1))", text)
    return re.sub(r" FOR UPDATE( OF head)?", "", text).replace("$", "?")


@lru_cache
def _for_postgresql(text: str) -> str:
    return re.sub(r"AMONG (\$\d)", r"= ANY(\1::text[])", text)
