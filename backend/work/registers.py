"""名录库: import any of the registers, and look into them.

The files are read before anything is locked. One import is one transaction and one revision; the
same files again change nothing else. A dry run tells the same and writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from io import BytesIO
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Date
from sqlmodel import col, or_, select

from backend.auth import Officer
from backend.db import Session, head
from backend.rules import mapping
from backend.rules.mapping import OwnTable
from backend.rules.matching import Match
from backend.rules.records import Register, written
from backend.tables import Establishment, Inspector, Recusal
from backend.wire import (
    DepartmentRow,
    DivisionRow,
    EstablishmentView,
    ImportView,
    InspectorView,
    LeaveRow,
    LicenceRow,
    ListingRow,
    RecusalView,
    RegisterPage,
)
from backend.work import comparison, divisions, duplicates, matches, revisions, staging
from backend.work.shelves import SHELVES, Shelf
from backend.work.staging import Files, Policy
from sync.refusals import Reason, Refused

KEYS_MAX = 500  # in one question

_ROWS: dict[Register, type[RegisterPage]] = {
    "licences": list[LicenceRow],
    "listings": list[ListingRow],
    "leave": list[LeaveRow],
    "departments": list[DepartmentRow],
    "divisions": list[DivisionRow],
}


async def import_register(
    db: Session,
    officer: Officer,
    register: Register,
    files: Files,
    toml: bytes = b"",
    *,
    now: datetime,
    told: int = 1_000,
    policy: Policy = "keep",
    dry_run: bool = False,
) -> ImportView:
    """Import files of a register by key, or tell what that would do.

    Without a mapping the header of each file has our own field names, as an export has.
    """
    shelf = SHELVES[register]
    if policy == "close" and shelf.spec.closing is None:
        raise Refused(Reason.REGISTER_NOT_CLOSABLE, register=register)
    table = mapping.parse(toml, register)
    request = await revisions.request(register, files, toml, officer.division, policy)
    if policy == "keep" and not dry_run:
        same = await revisions.repeated(db, shelf, request, told=told)
        if same is not None:
            return await revisions.record(db, officer, files, same, request, now=now)
    async with staging.stage(db, shelf, files, table) as reading:
        view, found, pairs = await _compare(db, officer, reading, table, policy, told=told)
        if dry_run:
            return msgspec.structs.replace(view, dry_run=True)
        if policy == "close" and view.refused:
            raise Refused(Reason.REGISTER_CLOSE_UNSURE, rows=view.refused)
        view = await revisions.record(db, officer, files, view, request, now=now)
        await comparison.write(db, reading, found, view.revision, policy, now=now)
        await duplicates.remember(db, pairs, now=now)
    return view


async def import_records(
    db: Session,
    officer: Officer,
    register: Register,
    records: Sequence[Mapping[str, str]],
    *,
    source_name: str,
    now: datetime,
    told: int = 1_000,
) -> ImportView:
    """Import a few records by our field names, as one revision, in a transaction that may go on.

    Fields that a record does not have are left as they are. The row of a problem is the place of
    its record, from 1; of several records of one key the last one counts, after those before it.
    """
    await head(db)
    shelf = SHELVES[register]
    lines = await _completed(db, shelf, records)
    table = OwnTable(register=register)
    files = [(source_name, BytesIO(b"\n".join(lines)))]
    request = await revisions.request(register, files, b"", officer.division, "keep")
    async with staging.stage(db, shelf, files, table, few=True) as reading:
        view, found, pairs = await _compare(db, officer, reading, table, "keep", told=told)
        view = await revisions.record(db, officer, files, view, request, now=now)
        await comparison.write(db, reading, found, view.revision, "keep", now=now)
        await duplicates.remember(db, pairs, now=now)
    return view


async def list_register(
    db: Session,
    officer: Officer,
    register: Register,
    *,
    search: str,
    category: str,
    after: str,
    limit: int,
) -> RegisterPage:
    """List what a register holds of the division.

    Establishments come by code, from after one; inspectors and recusals whole, by certificate and
    by code; other rows as they arrived, from after an id.
    """
    match register:
        case "establishments":
            return await _establishments(db, officer, search, category, after, limit)
        case "inspectors":
            query = select(Inspector).where(col(Inspector.division).startswith(officer.division))
            people = list(await db.exec(query.order_by(Inspector.certificate)))
            return msgspec.convert(people, list[InspectorView], from_attributes=True)
        case "recusals":
            return await _recusals(db, officer)
        case _:
            shelf = SHELVES[register]
            kept = shelf.kept
            within = kept.select().where(kept.c.id > after, shelf.within(officer.division))
            found = await (await db.connection()).execute(within.order_by(kept.c.id).limit(limit))
            rows = [dict(row) for row in found.mappings()]
            return msgspec.convert(rows, _ROWS[register], strict=False)


# -- the parts of an import ----------------------------------------------------------------------


async def _compare(
    db: Session,
    officer: Officer,
    reading: staging.Stage,
    table: mapping.Table,
    policy: Policy,
    *,
    told: int,
) -> tuple[ImportView, comparison.Found, list[Match]]:
    """Leave out what cannot be imported; find what the rest changes, and whom it resembles."""
    pairs: list[Match] = []
    if reading.shelf.spec.name == "establishments":
        pairs = await matches.resolve(db, reading, officer.division)
    await staging.collapse(db, reading, last=table.collapse == "last")
    await head(db)
    await staging.leave_out_unknown(db, reading)
    await staging.leave_out_foreign(db, reading, officer.division)
    await divisions.check(db, reading, identifiers=table.identifiers)
    found = await comparison.compare(db, reading, officer.division, policy)
    register = reading.shelf.spec.name
    view = revisions.tell(reading, asdict(found), register, told=told, policy=policy)
    return view, found, pairs


async def _completed(
    db: Session, shelf: Shelf, records: Sequence[Mapping[str, str]]
) -> list[bytes]:
    """Give each record all fields that any of them has; an empty line for one that is overtaken."""
    spec = shelf.spec
    names = list(dict.fromkeys((*spec.required, *(name for one in records for name in one))))
    images = await _images(db, shelf, records)
    lines: dict[tuple[str, ...], tuple[int, bytes]] = {}
    for place, record in enumerate(records):
        key = tuple(record.get(name, "").strip() for name in spec.key)
        image = images.get(key, _NEW[spec.name]) | dict(record)
        images[key] = image
        line = msgspec.json.encode({name: image.get(name, "") for name in names})
        lines[key if all(key) else (str(place),)] = (place, line)
    at = dict(lines.values())
    return [at.get(place, b"") for place in range(len(records))]


async def _images(
    db: Session, shelf: Shelf, records: Iterable[Mapping[str, str]]
) -> dict[tuple[str, ...], dict[str, str]]:
    """Load the rows that the records are about, as an export would write them."""
    spec, kept = shelf.spec, shelf.kept
    connection = await db.connection()
    left = iter({_typed(shelf, record) for record in records} - {None})
    images: dict[tuple[str, ...], dict[str, str]] = {}
    while some := list(islice(left, KEYS_MAX)):
        keys: list[Any] = [one[0] for one in some if one] if len(spec.key) == 1 else some
        found = await connection.execute(kept.select().where(shelf.key(kept).in_(keys)))
        for row in found.mappings():
            image = {name: written(row[name]) for name in spec.stored}
            images[tuple(image[name] for name in spec.key)] = image
    return images


def _typed(shelf: Shelf, record: Mapping[str, str]) -> tuple[Any, ...] | None:
    """Give the key of a record as it is stored; nothing for one that cannot be stored."""
    values: list[Any] = []
    for name in shelf.spec.key:
        value: Any = record.get(name, "").strip()
        if isinstance(shelf.kept.c[name].type, Date):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                return None
        values.append(value)
    return tuple(values)


# What a record that is new has where it says nothing: no division is none, not the whole country.
_NEW: dict[Register, dict[str, str]] = {
    name: {field: written(value) for field, value in shelf.spec.usual.items()}
    | ({"division": "?"} if "division" in shelf.spec.fields else {})
    for name, shelf in SHELVES.items()
}


# -- the parts of a list -------------------------------------------------------------------------


async def _establishments(
    db: Session, officer: Officer, search: str, category: str, after: str, limit: int
) -> list[EstablishmentView]:
    """`search` is part of a name, code or address."""
    query = select(Establishment).where(
        col(Establishment.division).startswith(officer.division), col(Establishment.code) > after
    )
    if category:
        query = query.where(Establishment.category == category)
    if search:
        fields = (Establishment.name, Establishment.code, Establishment.address)
        query = query.where(or_(*(col(one).icontains(search, autoescape=True) for one in fields)))
    rows = list(await db.exec(query.order_by(Establishment.code).limit(limit)))
    return msgspec.convert(rows, list[EstablishmentView], from_attributes=True)


async def _recusals(db: Session, officer: Officer) -> list[RecusalView]:
    """Tell who may not inspect whom."""
    query = (
        select(Establishment, Inspector, Recusal.reason)
        .join(Recusal, col(Recusal.code) == Establishment.code)
        .join(Inspector, col(Recusal.certificate) == Inspector.certificate)
        .where(col(Establishment.division).startswith(officer.division))
        .order_by(Establishment.code, Inspector.certificate)
    )
    return [
        RecusalView(object.code, object.name, person.certificate, person.name, reason)
        for object, person, reason in await db.exec(query)
    ]
