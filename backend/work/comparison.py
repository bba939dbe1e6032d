"""导入比对: what an import creates, changes and does not name, told and then written."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Date,
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
    same = shelf.same(kept, staged)
    marked = _marked(reading)
    differing = select(kept.c.id, staged.c.n, case((marked, 1), else_=0)).join_from(
        staged, kept, same
    )
    changed = (kept.c[name].is_distinct_from(staged.c[name]) for name in reading.told)
    await connection.execute(
        insert(written).from_select(
            ["id", "n", "reappeared"], differing.where(or_(marked, *changed))
        )
    )

    async def count(query: Select[Any]) -> int:
        return (await connection.scalar(select(func.count()).select_from(query.subquery()))) or 0

    rows = await count(select(staged.c.n))
    present = await count(select(staged.c.n).join_from(staged, kept, same))
    reappeared = await count(select(written.c.n).where(written.c.reappeared == 1))
    differ = await count(select(written.c.n)) - reappeared
    gone = _missing(shelf, division)
    missing = await count(gone)
    changes = await _examples(connection, reading, division)
    fields = await _fields(connection, reading)
    if policy == "mark":
        gone = gone.where(kept.c.missing_since.is_(None))
    if policy != "keep":
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
    await keep_versions(db, shelf, revision, select(written.c.id))
    taken: dict[str, Any] = {name: staged.c[name] for name in reading.told}
    await connection.execute(
        update(kept)
        .where(written.c.id == kept.c.id, staged.c.n == written.c.n)
        .values({"missing_since": None, **taken, "revision_id": revision})
    )
    if policy != "keep":
        since = func.coalesce(kept.c.missing_since, literal(now, kept.c.missing_since.type))
        closed = _closed(shelf, now) if policy == "close" else {}
        gone = select(written.c.id).where(written.c.n.is_(None))
        await connection.execute(
            update(kept)
            .where(kept.c.id.in_(gone))
            .values({**closed, "missing_since": since, "revision_id": revision})
        )
    columns = _new(reading)
    new = select(staged.c.id, literal(revision), *columns.values())
    if found.changed + found.unchanged + found.reappeared:  # else SQLite would copy all it selects
        new = new.where(~select(kept.c.id).where(shelf.same(kept, staged)).exists())
    names = ["id", "revision_id", *columns]
    into = insert(kept).from_select(names, new, include_defaults=False)
    if shelf.spec.name == "establishments" and found.created >= MANY:
        ids = select(staged.c.id).order_by(staged.c.n)
        if found.changed + found.unchanged + found.reappeared:
            ids = ids.where(select(kept.c.id).where(kept.c.id == staged.c.id).exists())
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
    return select(shelf.kept.c.id).where(~named, _open(shelf), shelf.within(division))


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


async def _examples(
    connection: AsyncConnection, reading: Stage, division: str
) -> list[EstablishmentChange]:
    """Show the first of each kind, what has changed field by field."""
    shelf = reading.shelf
    spec, kept, staged = shelf.spec, shelf.kept, shelf.staged
    examples: list[EstablishmentChange] = []
    now = [staged.c[name].label(f"new_{name}") for name in reading.told]
    both = _both(reading, [kept, *now, shelf.written.c.reappeared])
    for row in (await connection.execute(both.order_by(staged.c.n).limit(CHANGES_MAX))).mappings():
        after = {name: row[f"new_{name}"] for name in reading.told}
        kind: Literal["changed", "reappeared"] = "reappeared" if row["reappeared"] else "changed"
        name = after.get(spec.shown, row[spec.shown])
        fields = changes_between(spec, dict(row), after)
        examples.append(EstablishmentChange(kind, shelf.told(row), name, fields))
    columns: list[ColumnElement[Any]] = [staged.c[name] for name in spec.key]
    if spec.shown not in spec.key:
        columns.append(_new(reading)[spec.shown].label(spec.shown))
    known = select(kept.c.id).where(shelf.same(kept, staged)).exists()
    new = select(*columns).where(~known).order_by(staged.c.n).limit(CHANGES_MAX)
    gone = kept.select().where(kept.c.id.in_(_missing(shelf, division)))
    gone = gone.order_by(*(kept.c[name] for name in spec.key)).limit(CHANGES_MAX)
    for row in (await connection.execute(new)).mappings():
        examples.append(EstablishmentChange("new", shelf.told(row), row[spec.shown], []))
    for row in (await connection.execute(gone)).mappings():
        examples.append(EstablishmentChange("missing", shelf.told(row), row[spec.shown], []))
    return examples


def _both(reading: Stage, columns: Iterable[Any]) -> Select[*tuple[Any, ...]]:
    """Select from rows that change, as they are and as the files say."""
    shelf = reading.shelf
    return (
        select(*columns)
        .select_from(shelf.written)
        .join(shelf.staged, shelf.staged.c.n == shelf.written.c.n)
        .join(shelf.kept, shelf.kept.c.id == shelf.written.c.id)
    )
