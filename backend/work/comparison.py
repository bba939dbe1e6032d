"""导入比对: what an import creates, changes and does not name, told and then written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Date,
    RowMapping,
    Select,
    case,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from backend import progress, search_index
from backend.db import Session
from backend.rules.calendar import local_day
from backend.wire import EstablishmentChange
from backend.work.shelves import Shelf, changes_between, keep_versions
from backend.work.staging import Policy, Stage

MANY = 10_000  # new rows that the search index is told of at once
CHANGES_MAX = 1_000  # rows of one kind that are told one by one; all are counted


class Found(Struct, frozen=True):
    """What an import is going to do."""

    created: int
    changed: int
    unchanged: int
    reappeared: int
    missing: int
    fields: dict[str, int]
    changes: list[EstablishmentChange]


async def compare(db: Session, reading: Stage, division: str, policy: Policy) -> Found:
    """Put into `written` what is not as the files say, and count."""
    shelf = reading.shelf
    kept, staged, written = shelf.kept, shelf.staged, shelf.written
    connection = await db.connection()

    async def count(query: Select[Any]) -> int:
        return (await connection.scalar(select(func.count()).select_from(query.subquery()))) or 0

    both = staged.join(kept, shelf.same(kept, staged))
    rows = await count(select(staged.c.n))
    present = await count(select(staged.c.n).select_from(both))
    differ = reappeared = 0
    if present:
        marked = _marked(reading)
        changed = (kept.c[name].is_distinct_from(staged.c[name]) for name in reading.told)
        differing = select(kept.c.id, staged.c.n, case((marked, 1), else_=0)).select_from(both)
        await connection.execute(
            insert(written).from_select(
                ["id", "n", "reappeared"], differing.where(or_(marked, *changed))
            )
        )
        reappeared = await count(select(written.c.n).where(written.c.reappeared == 1))
        differ = await count(select(written.c.n)) - reappeared
    gone, missing = _missing(shelf, division), 0
    first: Sequence[RowMapping] = ()
    if not reading.few and (division or present < await count(select(kept.c.id))):
        first = await _gone(connection, shelf, division)
        missing = len(first) if len(first) < CHANGES_MAX else await count(gone)
    changes, fields = list[EstablishmentChange](), dict[str, int]()
    if differ + reappeared:
        changes += await _changed(connection, reading)
        fields = await _fields(connection, reading)
    if rows > present:
        changes += await _created(connection, reading, present)
    for row in first:
        name = row[shelf.spec.shown]
        changes.append(EstablishmentChange("missing", shelf.told(row), name, []))
    if missing and policy != "keep":
        if policy == "mark":
            gone = gone.where(kept.c.missing_since.is_(None))
        await connection.execute(insert(written).from_select(["id"], gone))
    return Found(
        created=rows - present,
        changed=differ,
        unchanged=present - differ - reappeared,
        reappeared=reappeared,
        missing=missing,
        fields=fields,
        changes=changes,
    )


async def write(
    db: Session, reading: Stage, found: Found, revision: str, policy: Policy, *, now: datetime
) -> None:
    """Write what was compared: keep each old version, then change, close and create."""
    progress.enter("writing")
    shelf = reading.shelf
    kept, staged, written = shelf.kept, shelf.staged, shelf.written
    connection = await db.connection()
    if found.changed + found.reappeared or policy != "keep":
        await keep_versions(db, shelf, revision, select(written.c.id))
        taken: dict[str, Any] = {name: staged.c[name] for name in reading.told}
        await connection.execute(
            update(kept)
            .where(written.c.id == kept.c.id, staged.c.n == written.c.n)
            .values({"missing_since": None, **taken, "revision_id": revision})
        )
    if found.missing and policy != "keep":
        since = func.coalesce(kept.c.missing_since, literal(now, kept.c.missing_since.type))
        closed = _closed(shelf, now) if policy == "close" else {}
        gone = select(written.c.id).where(written.c.n.is_(None))
        await connection.execute(
            update(kept)
            .where(kept.c.id.in_(gone))
            .values({**closed, "missing_since": since, "revision_id": revision})
        )
    if not found.created:
        return
    columns = _new(reading)
    new = select(reading.new_id, literal(revision), *columns.values())
    present = found.changed + found.unchanged + found.reappeared
    if present:  # else SQLite would copy all it selects
        new = new.where(~select(kept.c.id).where(shelf.same(kept, staged)).exists())
    names = ["id", "revision_id", *columns]
    into = insert(kept).from_select(names, new, include_defaults=False)
    if shelf.spec.name == "establishments" and found.created >= MANY:
        ids = select(reading.new_id).order_by(staged.c.n)
        if present:
            ids = ids.where(select(kept.c.id).where(kept.c.id == reading.new_id).exists())
        await search_index.insert_many(connection, into, ids)
        return
    await connection.execute(into)


def _new(reading: Stage) -> dict[str, ColumnElement[Any]]:
    """Give the columns of a new row: as the files say, or as is usual where they do not."""
    spec, staged = reading.shelf.spec, reading.shelf.staged
    usual = spec.usual
    return {
        name: staged.c[name]
        if name in reading.fields
        else literal(usual[name], reading.shelf.kept.c[name].type)
        for name in spec.stored
    }


def _marked(reading: Stage) -> ColumnElement[bool]:
    """Tell which rows had been marked as missing, unless the files say that themselves."""
    if "missing_since" in reading.fields:
        return false()
    return reading.shelf.kept.c.missing_since.is_not(None)


def _closed(shelf: Shelf, now: datetime) -> dict[str, Any]:
    """Say what closes a row."""
    closing = shelf.spec.closing
    assert closing is not None, "the import was refused"
    value: object = closing.value
    if value is None:
        day = local_day(now)
        value = day if isinstance(shelf.kept.c[closing.field].type, Date) else day.isoformat()
    return {closing.field: value}


def _open(shelf: Shelf) -> ColumnElement[bool]:
    """Tell which rows are not closed yet."""
    closing = shelf.spec.closing
    if closing is None:
        return true()
    column = shelf.kept.c[closing.field]
    if closing.value is not None:
        return column != closing.value
    return column.is_(None) if isinstance(column.type, Date) else column == ""


def _missing(shelf: Shelf, division: str) -> Select[Any]:
    """Find whom the files do not name, though they should: the closed are free to go."""
    named = select(shelf.staged.c.n).where(shelf.same(shelf.kept, shelf.staged)).exists()
    found = select(shelf.kept.c.id).where(~named, _open(shelf), shelf.within(division))
    return found.where(shelf.registered())


async def _fields(connection: AsyncConnection, reading: Stage) -> dict[str, int]:
    """Count what changes in each field."""
    kept, staged, names = reading.shelf.kept, reading.shelf.staged, reading.told
    if not names:
        return {}
    differing = (
        func.coalesce(func.sum(case((kept.c[one].is_distinct_from(staged.c[one]), 1), else_=0)), 0)
        for one in names
    )
    counts = (await connection.execute(_both(reading, differing))).one()
    return {name: count for name, count in zip(names, counts, strict=True) if count}


async def _changed(connection: AsyncConnection, reading: Stage) -> list[EstablishmentChange]:
    """Show the first of those that change or reappear, field by field."""
    shelf = reading.shelf
    spec, kept, staged = shelf.spec, shelf.kept, shelf.staged
    first = shelf.written.select().order_by(shelf.written.c.n).limit(CHANGES_MAX).subquery()
    now = [staged.c[name].label(f"new_{name}") for name in reading.told]
    query = (
        select(kept, *now, first.c.reappeared)
        .select_from(first)
        .join(staged, staged.c.n == first.c.n)
        .join(kept, kept.c.id == first.c.id)
    )
    examples: list[EstablishmentChange] = []
    for row in (await connection.execute(query.order_by(first.c.n))).mappings():
        after = {name: row[f"new_{name}"] for name in reading.told}
        kind: Literal["changed", "reappeared"] = "reappeared" if row["reappeared"] else "changed"
        name = after.get(spec.shown, row[spec.shown])
        fields = changes_between(spec, dict(row), after)
        examples.append(EstablishmentChange(kind, shelf.told(row), name, fields))
    return examples


async def _created(
    connection: AsyncConnection, reading: Stage, present: int
) -> list[EstablishmentChange]:
    """Show the first of those that are new."""
    shelf, spec, staged = reading.shelf, reading.shelf.spec, reading.shelf.staged
    columns: list[ColumnElement[Any]] = [staged.c[name] for name in spec.key]
    if spec.shown not in spec.key:
        columns.append(_new(reading)[spec.shown].label(spec.shown))
    new = select(*columns).order_by(staged.c.n).limit(CHANGES_MAX)
    if present:
        new = new.where(~select(shelf.kept.c.id).where(shelf.same(shelf.kept, staged)).exists())
    found = (await connection.execute(new)).mappings()
    return [EstablishmentChange("new", shelf.told(row), row[spec.shown], []) for row in found]


async def _gone(connection: AsyncConnection, shelf: Shelf, division: str) -> Sequence[RowMapping]:
    """Find the first of those that the files do not name, by key; all of them if they are few.

    Mostly nobody is missing, or nearly everybody. So a few are looked for in the order in which
    they lie, which is quicker; where there are more, the walk along the keys is short.
    """
    kept = shelf.kept
    keys = [kept.c[name] for name in shelf.spec.key]
    gone = _missing(shelf, division).with_only_columns(*kept.c).limit(CHANGES_MAX)
    found = (await connection.execute(gone)).mappings().all()
    if len(found) < CHANGES_MAX:
        return sorted(found, key=lambda row: [row[key.name] for key in keys])
    return (await connection.execute(gone.order_by(*keys))).mappings().all()


def _both(reading: Stage, columns: Iterable[Any]) -> Select[*tuple[Any, ...]]:
    """Select from rows that change, as they are and as the files say."""
    shelf = reading.shelf
    return (
        select(*columns)
        .select_from(shelf.written)
        .join(shelf.staged, shelf.staged.c.n == shelf.written.c.n)
        .join(shelf.kept, shelf.kept.c.id == shelf.written.c.id)
    )
