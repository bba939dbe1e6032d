"""两库: import the registers of establishments, inspectors and recusals, and look into them.

The files are read before the first statement, so a slow parse holds no lock. One import is one
transaction and one revision; the same files again change nothing else.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import IO, Any, TypeVar

import msgspec
from sqlalchemy import bindparam, insert, update
from sqlmodel import SQLModel, col, or_, select

from backend import journal
from backend.auth import Officer
from backend.db import Session, head
from backend.rules import mapping
from backend.rules.mapping import Register
from backend.rules.reader import (
    EstablishmentRecord,
    InspectorRecord,
    Problem,
    Reading,
    Record,
    Row,
    establishment,
    inspector,
    read,
    recusal,
)
from backend.rules.revision import Change, revise
from backend.tables import Establishment, Inspector, Recusal, Revision
from backend.wire import ImportView, RecusalView, RowProblem
from sync.ids import new_id

CHUNK = 1_000  # keys in one question, rows in one statement
PIECE_BYTES = 1 << 20

T = TypeVar("T")
Files = Sequence[tuple[str, IO[bytes]]]


async def import_establishments(
    db: Session, officer: Officer, files: Files, toml: bytes, *, now: datetime
) -> ImportView:
    """Import the register of establishments (检查对象名录库), by code."""
    reading = await _read(files, toml, "establishments", establishment, lambda one: one.code)
    await head(db)
    stored = await _stored(db, Establishment, "code", reading.records)

    change = revise(reading, stored, officer.division, EstablishmentRecord.__struct_fields__)

    view = await _record(db, officer, files, "establishments", reading, change, now)
    await _write(db, Establishment, "code", change, view.revision)
    return view


async def import_inspectors(
    db: Session, officer: Officer, files: Files, toml: bytes, *, now: datetime
) -> ImportView:
    """Import the register of inspectors (执法检查人员名录库), by certificate."""
    reading = await _read(files, toml, "inspectors", inspector, lambda one: one.certificate)
    await head(db)
    stored = await _stored(db, Inspector, "certificate", reading.records)

    change = revise(reading, stored, officer.division, InspectorRecord.__struct_fields__)

    view = await _record(db, officer, files, "inspectors", reading, change, now)
    await _write(db, Inspector, "certificate", change, view.revision)
    return view


async def import_recusals(
    db: Session, officer: Officer, files: Files, toml: bytes, *, now: datetime
) -> ImportView:
    """Import the list of recusals (回避); both sides must be registered."""
    reading = await _read(
        files, toml, "recusals", recusal, lambda one: f"{one.code} {one.certificate}"
    )
    await head(db)
    records = reading.records.values()
    objects = await _stored(db, Establishment, "code", {one.code for one in records})
    people = await _stored(db, Inspector, "certificate", {one.certificate for one in records})
    known = {
        (one.establishment_id, one.inspector_id): one for one in await db.exec(select(Recusal))
    }

    pairs: dict[str, tuple[str, str]] = {}
    divisions: dict[str, str] = {}
    for key, one in reading.records.items():
        if one.code in objects and one.certificate in people:
            pairs[key] = (objects[one.code]["id"], people[one.certificate]["id"])
            divisions[key] = objects[one.code]["division"]
    stored = {key: {"reason": known[pair].reason} for key, pair in pairs.items() if pair in known}
    change = revise(reading, stored, officer.division, ("reason",), divisions=divisions)

    view = await _record(db, officer, files, "recusals", reading, change, now)
    for key, one in change.created.items():
        object_id, inspector_id = pairs[key]
        db.add(Recusal(establishment_id=object_id, inspector_id=inspector_id, reason=one.reason))
    for key, one in change.changed.items():
        known[pairs[key]].reason = one.reason
    return view


async def list_establishments(
    db: Session, officer: Officer, *, search: str, category: str, after: str, limit: int
) -> list[Establishment]:
    """List establishments of the division by code; `search` is part of a name, code or address."""
    query = select(Establishment).where(
        col(Establishment.division).startswith(officer.division), col(Establishment.code) > after
    )
    if category:
        query = query.where(Establishment.category == category)
    if search:
        fields = (Establishment.name, Establishment.code, Establishment.address)
        query = query.where(or_(*(col(one).icontains(search, autoescape=True) for one in fields)))
    return list(await db.exec(query.order_by(Establishment.code).limit(limit)))


async def list_inspectors(db: Session, officer: Officer) -> list[Inspector]:
    """List the inspectors of the division by certificate."""
    query = select(Inspector).where(col(Inspector.division).startswith(officer.division))
    return list(await db.exec(query.order_by(Inspector.certificate)))


async def list_recusals(db: Session, officer: Officer) -> list[RecusalView]:
    """List who may not inspect whom in the division."""
    query = (
        select(Establishment, Inspector, Recusal.reason)
        .join(Recusal, col(Recusal.establishment_id) == Establishment.id)
        .join(Inspector, col(Recusal.inspector_id) == Inspector.id)
        .where(col(Establishment.division).startswith(officer.division))
        .order_by(Establishment.code, Inspector.certificate)
    )
    return [
        RecusalView(object.code, object.name, person.certificate, person.name, reason)
        for object, person, reason in await db.exec(query)
    ]


# -- the parts of an import ----------------------------------------------------------------------


async def _read(
    files: Files,
    toml: bytes,
    register: Register,
    build: Callable[[Row], Record],
    key: Callable[[Record], str],
) -> Reading[Record]:
    """Read the files away from the event loop."""
    table = mapping.parse(toml, register)
    return await asyncio.to_thread(read, files, table, build, key)


async def _stored(
    db: Session, model: type[SQLModel], key: str, keys: Iterable[str]
) -> dict[str, Mapping[str, Any]]:
    """Load the rows that have one of these keys, as plain columns."""
    table = SQLModel.metadata.tables[model.__name__.lower()]
    connection = await db.connection()
    stored: dict[str, Mapping[str, Any]] = {}
    for some in _chunks(keys):
        found = await connection.execute(table.select().where(table.c[key].in_(some)))
        for row in found:
            columns = dict(zip(found.keys(), row, strict=True))
            stored[columns[key]] = columns
    return stored


async def _write(
    db: Session, model: type[SQLModel], key: str, change: Change[Any], revision: str
) -> None:
    """Write what is new and what has changed."""
    connection = await db.connection()
    for some in _chunks(change.created.values()):
        rows = [
            {"id": new_id(), "revision_id": revision, **msgspec.structs.asdict(one)} for one in some
        ]
        await connection.execute(insert(model), rows)
    table = SQLModel.metadata.tables[model.__name__.lower()]
    for some in _chunks(change.changed.values()):
        rows = [{"revision_id": revision, **msgspec.structs.asdict(one)} for one in some]
        by_key = update(table).where(table.c[key] == bindparam("which"))
        names = [name for name in rows[0] if name != key]
        await connection.execute(
            by_key.values({name: bindparam(name) for name in names}),
            [{"which": row[key], **{name: row[name] for name in names}} for row in rows],
        )


async def _record(
    db: Session,
    officer: Officer,
    files: Files,
    register: Register,
    reading: Reading[Record],
    change: Change[Record],
    now: datetime,
) -> ImportView:
    """Record the revision and the act; what each row was told goes into both answers."""
    problems = reading.problems
    told = [_told(problem) for problem in problems.first]
    revision = Revision(
        register_name=register,
        source_name=", ".join(name for name, _ in files)[:400],
        source_sha256=_digest(files),
        at=now,
        rows=reading.rows,
        created=len(change.created),
        changed=len(change.changed),
        unchanged=change.unchanged,
        problems=msgspec.json.encode(told).decode(),
    )
    db.add(revision)
    await db.flush()
    await journal.append(
        db,
        actor=officer.name,
        verb="register.import",
        subject=revision.id,
        now=now,
        register=register,
        sha256=revision.source_sha256,
        rows=revision.rows,
        created=revision.created,
        changed=revision.changed,
        unchanged=revision.unchanged,
        refused=problems.refused,
    )
    return ImportView(
        revision=revision.id,
        register=register,
        rows=revision.rows,
        created=revision.created,
        changed=revision.changed,
        unchanged=revision.unchanged,
        refused=problems.refused,
        codes=dict(sorted(problems.codes.items())),
        problems=told,
    )


def _told(problem: Problem) -> RowProblem:
    reason = problem.reason
    return RowProblem(
        source=problem.source,
        row=problem.row,
        column=problem.column,
        value=problem.value,
        code=reason.code,
        kept=problem.kept,
        en=reason.en,
        zh=reason.zh,
        remedy_en=reason.remedy_en,
        remedy_zh=reason.remedy_zh,
    )


def _digest(files: Files) -> str:
    """Hash the files: the SHA-256 of one, or of the list of several."""
    digests: list[str] = []
    for _, file in files:
        file.seek(0)
        running = sha256()
        while piece := file.read(PIECE_BYTES):
            running.update(piece)
        digests.append(running.hexdigest())
    return digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode()).hexdigest()


def _chunks(of: Iterable[T]) -> Iterator[list[T]]:
    left = iter(of)
    while some := list(islice(left, CHUNK)):
        yield some
