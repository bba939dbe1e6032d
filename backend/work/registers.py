"""两库: import the registers of establishments, inspectors and recusals, and look into them.

The files are read before anything is locked. One import is one transaction and one revision; the
same files again change nothing else. A dry run tells the same and writes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec
from msgspec.structs import asdict
from sqlalchemy import bindparam, insert, update
from sqlmodel import SQLModel, col, or_, select

from backend.auth import Officer
from backend.db import Session, head
from backend.rules import mapping
from backend.rules.mapping import Register
from backend.rules.reader import Reading, Record, Row, read
from backend.rules.records import InspectorRecord, inspector, recusal
from backend.rules.revision import Change, revise
from backend.tables import Establishment, Inspector, Recusal
from backend.wire import ImportView, RecusalView
from backend.work import revisions, staging
from backend.work.staging import Files, Policy
from sync.ids import new_id

CHUNK = 1_000  # keys in one question, rows in one statement

T = TypeVar("T")


async def import_establishments(
    db: Session,
    officer: Officer,
    files: Files,
    toml: bytes,
    *,
    now: datetime,
    told: int = 1_000,
    policy: Policy = "keep",
    dry_run: bool = False,
) -> ImportView:
    """Import the register of establishments (检查对象名录库), by code, or tell what it would do."""
    table = mapping.parse(toml, "establishments")
    request = await revisions.request(files, toml, officer.division, policy)
    if policy == "keep" and not dry_run:
        same = await revisions.repeated(db, request, told=told)
        if same is not None:
            return await revisions.record(db, officer, files, same, request, now=now)
    async with staging.stage(db, files, table) as reading:
        await head(db)
        await staging.leave_out_foreign(db, reading, officer.division)
        found = await staging.compare(db, officer.division, policy)

        view = revisions.tell(
            reading, asdict(found), "establishments", told=told, policy=policy, dry_run=dry_run
        )

        if not dry_run:
            view = await revisions.record(db, officer, files, view, request, now=now)
            await staging.write(db, found, view.revision, policy, now=now)
    return view


async def import_inspectors(
    db: Session,
    officer: Officer,
    files: Files,
    toml: bytes,
    *,
    now: datetime,
    told: int = 1_000,
    dry_run: bool = False,
) -> ImportView:
    """Import the register of inspectors (执法检查人员名录库), by certificate."""
    reading = await _read(files, toml, "inspectors", inspector, lambda one: one.certificate)
    await head(db)
    stored = await _stored(db, Inspector, "certificate", reading.records)

    change = revise(reading, stored, officer.division, InspectorRecord.__struct_fields__)

    view = revisions.tell(reading, change.counts, "inspectors", told=told, dry_run=dry_run)
    if dry_run:
        return view
    request = await revisions.request(files, toml, officer.division, "keep")
    view = await revisions.record(db, officer, files, view, request, now=now)
    await _write(db, Inspector, "certificate", change, view.revision)
    return view


async def import_recusals(
    db: Session,
    officer: Officer,
    files: Files,
    toml: bytes,
    *,
    now: datetime,
    told: int = 1_000,
    dry_run: bool = False,
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

    view = revisions.tell(reading, change.counts, "recusals", told=told, dry_run=dry_run)
    if dry_run:
        return view
    request = await revisions.request(files, toml, officer.division, "keep")
    view = await revisions.record(db, officer, files, view, request, now=now)
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


def _chunks(of: Iterable[T]) -> Iterator[list[T]]:
    left = iter(of)
    while some := list(islice(left, CHUNK)):
        yield some
