"""变更事件: a change feed, applied to the registers as it arrives.

    lines → changes not seen before → rows as they become → one import of each register

One post is one transaction. What came too late, or waits for its row, is on record too; what cannot
be read is told, and may be mended and sent again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlmodel import SQLModel

from backend.auth import Officer
from backend.db import Session, head
from backend.rules import changes as rules
from backend.rules.changes import BETWEEN, Cells, Change, Fold
from backend.rules.records import Register
from backend.wire import ChangedRegister, ChangesView, RowProblem
from backend.work import registers, revisions
from backend.work.shelves import SHELVES
from sync.refusals import Reason

AHEAD = timedelta(days=1)  # of our clock, at most: a source's own may be wrong
CHUNK = 400  # keys in one question
TOLD_MAX = 1_000
RELEASED_MAX = 2_000  # keys, at once
PROBLEMS_MAX = 20  # of one row

# Those that others refer to come first.
ORDER: tuple[Register, ...] = (
    "divisions", "departments", "establishments", "inspectors", "licences", "listings", "leave",
    "recusals",
)  # fmt: skip

_events, _revisions = (SQLModel.metadata.tables[name] for name in ("event", "revision"))
_name = sa.tuple_(_events.c.source, _events.c.id)
_waits = sa.text("waits_register <> ''")  # the condition of the index, in its own words
_undone = sa.exists().where(_revisions.c.undoes_id == _events.c.revision_id)

T = TypeVar("T")
Name = tuple[str, str]  # source and id
Place = tuple[str, str]  # a register, and the key of a row that is there or will be


class Told(Struct):
    """What became of the lines of one post."""

    applied: int = 0
    known: int = 0
    stale: int = 0
    waiting: int = 0
    released: int = 0
    refused: int = 0
    registers: list[ChangedRegister] = []
    problems: list[RowProblem] = []

    def note(self, change: Change, problem: RowProblem) -> None:
        """Tell something of a change."""
        column, value = problem.column or "id", problem.value or change.id
        told = msgspec.structs.replace(
            problem, source=change.source, row=change.line, column=column, value=value
        )
        self.problems.append(told)


async def apply_changes(
    db: Session, officer: Officer, body: bytes, *, now: datetime
) -> ChangesView:
    """Apply the lines of a change feed that were not applied before, each row's oldest first."""
    lines, problems = rules.read(body, until=now + AHEAD)
    await head(db)
    told = Told(refused=len(problems), problems=[revisions.row_problem(one) for one in problems])
    fresh, again = await _fresh(db, officer, lines, told)
    released = await _waiting_at(db, {(one.register, one.key) for one in fresh})

    await _apply_all(db, officer, [*released, *fresh], again, told, now=now)
    counts = {name: getattr(told, name) for name in Told.__struct_fields__ if name != "problems"}
    problems_first = sorted(told.problems, key=lambda one: (one.kept, one.row))[:TOLD_MAX]
    return ChangesView(lines=len(lines) + len(problems), **counts, problems=problems_first)


async def release_changes(db: Session, officer: Officer, *, now: datetime) -> int:
    """Apply what waited for rows that are there by now; return how many changes that were."""
    told = Told()
    for register in await _waited_for(db):
        after = ""
        while keys := await _keys_waited_for(db, register, after):
            after = keys[-1]
            there = {(register, key) for key in await _rows(db, register, keys)}
            if there:
                await head(db)
                ready = await _waiting_at(db, there)
                await _apply_all(db, officer, ready, (), told, now=now)
    return told.released


async def _apply_all(
    db: Session,
    officer: Officer,
    changes: Sequence[Change],
    again: Collection[Name],
    told: Told,
    *,
    now: datetime,
) -> None:
    """Apply changes to every register, with the rights of whoever handed each in."""
    divisions = dict.fromkeys(one.division for one in sorted(changes, key=lambda one: one.at))
    for register in ORDER:
        for division in divisions:
            by = msgspec.structs.replace(officer, division=division)
            mine = [one for one in changes if (one.register, one.division) == (register, division)]
            if mine:
                await _apply(db, by, mine, again, told, now=now)


async def _apply(
    db: Session,
    officer: Officer,
    changes: Sequence[Change],
    again: Collection[Name],
    told: Told,
    *,
    now: datetime,
) -> None:
    """Apply the changes of one register as one import, and keep all but what is refused."""
    register = changes[0].register
    keys = sorted({one.key for one in changes})
    rows, newest = await _rows(db, register, keys), await _newest(db, register, keys)

    done = rules.fold(register, changes, rows, newest)
    waits: dict[Name, Place] = {one.name: (register, one.key) for one in done.waiting}
    waits |= await _unregistered(db, register, done)

    refusals = [(one, revisions.row_problem(problem)) for one, problem in done.refused]
    revision = ""
    if done.cells:
        revision, more = await _import(db, officer, register, done, told, now=now)
        refusals += more
    for one, problem in refusals:
        told.refused += 1
        told.note(one, problem)
    applied = {one.name for several in done.applied.values() for one in several}
    stale = {one.name for one in done.stale}
    for one in changes:
        told.applied += one.name in applied
        told.released += one.name in applied and not one.line
        if one.line and one.name in stale:
            told.stale += 1
            told.note(one, revisions.row_problem(rules.told(one, Reason.CHANGE_STALE)))
        if one.line and one.name in waits:
            told.waiting += 1
            told.note(one, revisions.row_problem(rules.told(one, Reason.CHANGE_WAITS)))
    left_out = {one.name for one, _ in refusals if one.line}
    kept = [one for one in changes if one.name not in left_out]
    await _keep(db, kept, dict.fromkeys(applied, revision), waits, again, now=now)


async def _import(
    db: Session, officer: Officer, register: Register, done: Fold, told: Told, *, now: datetime
) -> tuple[str, list[tuple[Change, RowProblem]]]:
    """Write the rows as one revision; of a row that is left out all changes are refused."""
    sources = sorted({one.source for several in done.applied.values() for one in several})
    view = await registers.import_records(
        db,
        officer,
        register,
        list(done.cells.values()),
        source_name=", ".join(sources),
        now=now,
        told=len(done.cells) * PROBLEMS_MAX,
    )
    changed = ChangedRegister(register, view.revision, view.created, view.changed, view.unchanged)
    told.registers.append(changed)
    keys, refusals = list(done.cells), list[tuple[Change, RowProblem]]()
    for problem in view.problems:
        key = keys[problem.row - 1]
        if not problem.kept:
            refusals += ((one, problem) for one in done.applied.pop(key, ()))
        elif key in done.applied:
            told.note(done.applied[key][-1], problem)
    return view.revision, refusals


async def _fresh(
    db: Session, officer: Officer, lines: Iterable[Change], told: Told
) -> tuple[list[Change], set[Name]]:
    """Leave out what was seen before; what an undo took back may come again."""
    fresh: dict[Name, Change] = {}
    known: dict[Name, Change] = {}
    undone: dict[Name, Change] = {}
    for some in _chunks(lines):
        query = sa.select(_events, sa.and_(_events.c.applied, _undone).label("undone"))
        names = [one.name for one in some]
        for row in (await _execute(db, query.where(_name.in_(names)))).mappings():
            event = _change(row)
            (undone if row["undone"] else known)[event.name] = event
        for one in some:
            before = known.get(one.name) or fresh.get(one.name)
            first = before or undone.get(one.name) or one
            if before is None and rules.same(one, first):
                fresh[one.name] = msgspec.structs.replace(one, division=officer.division)
            elif rules.same(one, first):
                told.known += 1
            else:
                told.refused += 1
                told.note(
                    one, revisions.row_problem(rules.told(one, Reason.CHANGE_ID_REUSED, kept=False))
                )
    return list(fresh.values()), set(undone)


async def _waiting_at(db: Session, places: Collection[Place]) -> list[Change]:
    """Find what waits for rows, for the rows of what is found, and so on."""
    query = sa.select(_events).where(_waits)
    place = sa.tuple_(_events.c.waits_register, _events.c.waits_key)
    found: dict[Name, Change] = {}
    while places:
        more: dict[Name, Change] = {}
        for some in _chunks(places):
            for row in (await _execute(db, query.where(place.in_(some)))).mappings():
                more[row["source"], row["id"]] = _change(row)
        places = {(one.register, one.key) for name, one in more.items() if name not in found}
        found |= more
    return list(found.values())


async def _waited_for(db: Session) -> list[Register]:
    """Tell which registers have rows that are waited for."""
    query = sa.select(_events.c.waits_register).distinct().where(_waits)
    waited = set((await _execute(db, query)).scalars())
    return [register for register in ORDER if register in waited]


async def _keys_waited_for(db: Session, register: Register, after: str) -> list[str]:
    """List the next keys that are waited for."""
    key = _events.c.waits_key
    query = sa.select(key).distinct().where(_events.c.waits_register == register, key > after)
    query = query.where(_waits).order_by(key).limit(RELEASED_MAX)
    return list((await _execute(db, query)).scalars())


async def _rows(db: Session, register: Register, keys: Iterable[str]) -> dict[str, Cells]:
    """Load rows as a line would write them, by key."""
    shelf = SHELVES[register]
    columns = [shelf.kept.c[name] for name in shelf.spec.stored]
    rows: dict[str, Cells] = {}
    for some in _chunks(keys):
        typed = [_typed(register, key) for key in some]
        wanted = typed if len(shelf.spec.key) > 1 else [one[0] for one in typed]
        query = sa.select(*columns).where(shelf.key(shelf.kept).in_(wanted))
        for row in (await _execute(db, query)).mappings():
            cells = rules.cells_of(register, row)
            rows[rules.key_of(register, cells)] = cells
    return rows


async def _newest(db: Session, register: Register, keys: Iterable[str]) -> dict[str, datetime]:
    """Tell when the last change happened that stands, by key."""
    newest: dict[str, datetime] = {}
    for some in _chunks(keys):
        query = (
            sa.select(_events.c.key, sa.func.max(_events.c.at).label("at"))
            .where(_events.c.register_name == register, _events.c.key.in_(some))
            .where(_events.c.applied, ~_undone)
            .group_by(_events.c.key)
        )
        newest |= {row.key: row.at for row in await _execute(db, query)}
    return newest


async def _unregistered(db: Session, register: Register, done: Fold) -> dict[Name, Place]:
    """Let changes wait whose row refers to somebody who is in no register."""
    waits: dict[Name, Place] = {}
    for reference in SHELVES[register].spec.references:
        if not reference.must:
            continue
        target = SHELVES[reference.register].kept.c[reference.target]
        named = {cells[reference.field] for cells in done.cells.values()}
        for some in _chunks(named):
            query = sa.select(target).where(target.in_(some))
            named -= set((await _execute(db, query)).scalars())
        for key in [key for key, cells in done.cells.items() if cells[reference.field] in named]:
            place = (reference.register, done.cells.pop(key)[reference.field])
            waits |= {one.name: place for one in done.applied.pop(key)}
    return waits


async def _keep(
    db: Session,
    changes: Iterable[Change],
    applied: Mapping[Name, str],
    waits: Mapping[Name, Place],
    again: Collection[Name],
    *,
    now: datetime,
) -> None:
    """Record the changes, and what became of them."""
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for one in changes:
        register, key = waits.get(one.name, ("", ""))
        became = {
            "applied": one.name in applied,
            "revision_id": applied.get(one.name),
            "waits_register": register,
            "waits_key": key,
        }
        if one.name in again or not one.line:
            old.append({"which_source": one.source, "which_id": one.id, **became})
            continue
        told = {name: getattr(one, name) for name in ("source", "id", "key", "kind", "at")}
        told |= {"register_name": one.register, "fields": rules.packed(one.fields)}
        new.append({**told, "division": one.division, "received_at": now, **became})
    connection = await db.connection()
    if new:
        await connection.execute(sa.insert(_events), new)
    if old:
        which = (_events.c[name] == sa.bindparam(f"which_{name}") for name in ("source", "id"))
        await connection.execute(sa.update(_events).where(*which), old)


async def _execute(db: Session, query: sa.Executable) -> sa.CursorResult[Any]:
    return await (await db.connection()).execute(query)


def _change(row: sa.RowMapping) -> Change:
    """See a recorded event as a change that waited."""
    return Change(
        line=0,
        source=row["source"],
        id=row["id"],
        register=row["register_name"],
        key=row["key"],
        kind=row["kind"],
        at=row["at"],
        fields=rules.unpacked(row["fields"]),
        division=row["division"],
    )


def _typed(register: Register, key: str) -> tuple[Any, ...]:
    """Give the parts of a key as they are stored."""
    shelf = SHELVES[register]
    parts = zip(shelf.spec.key, key.split(BETWEEN), strict=True)
    days = {name for name in shelf.spec.key if isinstance(shelf.kept.c[name].type, sa.Date)}
    return tuple(date.fromisoformat(part) if name in days else part for name, part in parts)


def _chunks(of: Iterable[T]) -> Iterator[list[T]]:
    left = iter(of)
    while some := list(islice(left, CHUNK)):
        yield some
