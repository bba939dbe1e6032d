"""同一对象匹配: give rows of an import that lack a number the one of an establishment, if certain.

    code (the import itself) → licence and name → name, address and distance → review list

Only what is beyond doubt takes a number. What merely resembles an establishment is imported as a
new one, and the pair waits for a person; so does a new number at a known door (重新登记).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from backend.db import Session
from backend.rules.matching import BLOCK_MAX, Candidate, Match, Newcomers, apart, identity, judge
from backend.rules.names import fold
from backend.rules.reader import PROBLEMS_MAX, Problem, shown
from backend.rules.records import PROVISIONAL
from backend.work.staging import Rows, Stage
from sync.refusals import Reason

COUNTY = 6  # digits; establishments are compared within their county
CHUNK = 2_000
PAIRS_MAX = 10_000  # that one import puts on the review list; `register duplicates` finds the rest

_kept = SQLModel.metadata.tables["establishment"]
_licences = SQLModel.metadata.tables["licence"]
_columns: list[sa.ColumnClause[Any]] = [
    sa.column(name)
    for name in (
        "n", "source", "row", "code", "name", "address", "division", "longitude", "latitude",
        "datum", "licence", "successor_code",
    )
]  # fmt: skip
_staged = sa.table("staged", *_columns)
_described = ("code", "name", "address", "division", "longitude", "latitude", "datum")

GONE = ("revoked", "cancelled", "moved")  # from its door: the next one there is another


class Staged(Struct, frozen=True):
    """A row on its way in, and what it is compared by: as `id` there, the number it will have."""

    n: int
    source: int
    row: int
    licence: str
    candidate: Candidate


class Known(Struct, frozen=True):
    """An establishment of the register, and by which number it goes."""

    candidate: Candidate
    code: str  # its successor's, if it was merged
    active: bool  # registered, and at its place still, if perhaps shut for a while


class Reports:
    """Tells of rows, with the file and line that they came from."""

    def __init__(self, reading: Stage) -> None:
        self._problems, self._sources = reading.problems, reading.sources
        self._told = 0

    def add(self, reason: Reason, row: Staged, value: str, *, kept: bool = True) -> None:
        """Tell of one row; all are counted."""
        self._told += 1
        if self._told > PROBLEMS_MAX:
            self._problems.codes[reason.code] += 1
            self._problems.refused += not kept
            return
        source = self._sources[row.source]
        self._problems.add(Problem(source, row.row, "code", shown(value), reason, kept))


async def resolve(db: Session, reading: Stage, division: str) -> list[Match]:
    """Match the rows in `staged`, and return the pairs for the review list, by their numbers.

    Nothing but `staged` is written. A row that has no number, no licence and no match is refused.
    """
    connection, reports = await db.connection(), Reports(reading)
    pairs: dict[tuple[str, str], Match] = {}
    await _stay_merged(connection, reports, told="successor_code" in reading.fields)
    licensed = "licence" in reading.fields
    nameless = await _any(connection, sa.select(_staged.c.n).where(_staged.c.code == ""))
    register = await _any(connection, sa.select(_kept.c.id).where(_within(division)))
    if nameless and licensed:
        await _index(connection, "licence")
        for row, match in await _match_licences(connection, reports, division):
            _pair(pairs, reports, row, match)
    if register:
        for row, match in await _licensed_again(connection, division) if licensed else ():
            _pair(pairs, reports, row, match)
        counties = await _counties(connection, division, nameless=nameless)
        if counties:
            await _index(connection, "division")
        for county in counties:
            async for row, match in _match_county(connection, reports, county, division):
                _pair(pairs, reports, row, match)
    if nameless:
        await _number_the_rest(connection, reports)
    return list(pairs.values())


# -- what was merged -----------------------------------------------------------------------------


async def _stay_merged(connection: AsyncConnection, reports: Reports, *, told: bool) -> None:
    """Warn of rows that name an establishment which people merged, and leave it merged."""
    ours = sa.select(_kept.c.code).where(_kept.c.successor_code != sa.literal_column("''"))
    if not await _any(connection, ours):  # as its index tells without a look at anything else
        return
    query = (
        _rows()
        .add_columns(_kept.c.successor_code)
        .join(_kept, _kept.c.code == _staged.c.code)
        .where(
            _staged.c.code.in_(ours),
            sa.func.coalesce(_staged.c.successor_code, "") != _kept.c.successor_code,
        )
        .order_by(_staged.c.n)
    )
    merged: dict[int, str] = {}
    for one in (await connection.execute(query)).mappings():
        row, merged[one["n"]] = _row(one), one["successor_code"]
        reports.add(Reason.ROW_MERGED_ELSEWHERE, row, f"{one['code']} → {one['successor_code']}")
    if told:
        await _write(connection, "successor_code", merged)


# -- licences ------------------------------------------------------------------------------------


async def _match_licences(
    connection: AsyncConnection, reports: Reports, division: str
) -> list[tuple[Staged, Match]]:
    """Let rows without a number take that of the one who has their licence and their name.

    Under another name it is doubtful.
    """
    after, doubtful = 0, list[tuple[Staged, Match]]()
    query = _rows().where(_staged.c.code == "", _staged.c.licence != "").order_by(_staged.c.n)
    while chunk := [
        _row(one)
        for one in (
            await connection.execute(query.where(_staged.c.n > after).limit(CHUNK))
        ).mappings()
    ]:
        after = chunk[-1].n
        owners = await _owners(connection, {row.licence for row in chunk}, division)
        taken: dict[int, str] = {}
        for row in chunk:
            named = fold(row.candidate.name)
            codes = {one.code for one in owners[row.licence] if fold(one.candidate.name) == named}
            if len(codes) == 1:
                [taken[row.n]] = codes
                if taken[row.n] != row.licence:
                    reports.add(Reason.ROW_MATCHED_BY_LICENCE, row, taken[row.n])
            elif len(doubtful) < PAIRS_MAX:
                others = (one.candidate for one in owners[row.licence])
                doubtful += [(row, judge(row.candidate, one)) for one in others]
        await _write(connection, "code", taken)
    return doubtful


async def _owners(
    connection: AsyncConnection, licences: set[str], division: str
) -> Mapping[str, list[Known]]:
    """Find who has these licences: in the register, by them as a number, or in the same files."""
    owners: dict[str, list[Known]] = defaultdict(list)
    of_register = _known().where(_within(division))
    by_licence = (
        of_register.add_columns(_licences.c.number.label("licence"))
        .join(_licences, _licences.c.code == _kept.c.code)
        .where(_licences.c.number.in_(licences))
    )
    by_number = of_register.add_columns(_kept.c.code.label("licence")).where(
        _kept.c.code.in_(licences)
    )
    for query in (by_licence, by_number):
        for one in (await connection.execute(query)).mappings():
            owners[one["licence"]].append(_as_known(one, licence=one["licence"]))
    beside = _rows().where(_staged.c.licence.in_(licences), _staged.c.code != "")
    for one in (await connection.execute(beside)).mappings():
        row = _row(one)
        owners[row.licence].append(Known(row.candidate, row.candidate.code, active=True))
    return owners


async def _licensed_again(connection: AsyncConnection, division: str) -> list[tuple[Staged, Match]]:
    """Find new numbers that come with a licence of somebody who is known: registered again?"""
    again = (
        _rows()
        .add_columns(*(_kept.c[name].label(f"known_{name}") for name in _described))
        .where(
            _staged.c.licence != "",
            _staged.c.code != "",
            _staged.c.code != _kept.c.code,
            _kept.c.successor_code == "",
            _within(division),
            _new(),
        )
        .order_by(_staged.c.n)
        .limit(PAIRS_MAX)
    )
    licensed = _staged.join(_licences, _licences.c.number == _staged.c.licence)
    by_licence = licensed.join(_kept, _kept.c.code == _licences.c.code)
    by_number = _staged.join(_kept, _kept.c.code == _staged.c.licence)
    found: list[tuple[Staged, Match]] = []
    for way in (by_licence, by_number):
        for one in (await connection.execute(again.select_from(way))).mappings():
            row, known = _row(one), {name: one[f"known_{name}"] for name in _described}
            found.append((row, judge(row.candidate, _candidate(known, licence=row.licence))))
    return found


# -- names, addresses and distances --------------------------------------------------------------


async def _match_county(
    connection: AsyncConnection, reports: Reports, county: str, division: str
) -> AsyncIterator[tuple[Staged, Match]]:
    """Compare the rows of a county that are new with those who are known there."""
    here = _in_county(_kept.c.division, county)
    there = _in_county(_staged.c.division, county)
    nameless = [
        _row(one)
        for one in (await connection.execute(_rows().where(there, _staged.c.code == ""))).mappings()
    ]
    doors = await _doors(connection, there)
    for row in nameless:
        doors[hash(identity(row.candidate.name, row.candidate.address))].append(row.n)
    doors.pop(hash(""), None)
    newcomers = Newcomers(row.candidate for row in nameless if row.licence)
    at_door: dict[int, list[Known]] = defaultdict(list)
    alike: list[tuple[Candidate, Match]] = []
    query = _known().where(here, _within(division), _kept.c.successor_code == "")
    async for part in _pages(connection, "known", query):
        known = [_as_known(one) for one in part]
        for n, one in await asyncio.to_thread(_same_door, doors, known):
            if len(at_door[n]) < BLOCK_MAX:
                at_door[n].append(one)
        if nameless and len(alike) < PAIRS_MAX:
            found = newcomers.suspects(one.candidate for one in known if one.active)
            alike += await asyncio.to_thread(list, found)
    taken = _certain(reports, nameless, at_door)
    await _write(connection, "code", taken)
    left = {row.candidate.id: row for row in nameless if row.n not in taken and row.licence}
    for candidate, match in alike:
        if candidate.id in left:
            yield left[candidate.id], match
    named = {row.n for row in nameless}
    again = [n for n in at_door if n not in named][:PAIRS_MAX]
    for start in range(0, len(again), CHUNK):
        chosen = _rows().where(_staged.c.n.in_(again[start : start + CHUNK]))
        for one in (await connection.execute(chosen.order_by(_staged.c.n))).mappings():
            row = _row(one)
            for other in at_door[row.n]:
                yield row, judge(row.candidate, other.candidate)
    for row in left.values():
        for other in at_door.get(row.n, ()):
            yield row, judge(row.candidate, other.candidate)


async def _doors(
    connection: AsyncConnection, there: sa.ColumnElement[bool]
) -> dict[int, list[int]]:
    """Say at which doors rows with a new number are; hashes, because they may be many."""
    doors: dict[int, list[int]] = defaultdict(list)
    query = sa.select(_staged.c.n, _staged.c.name, _staged.c.address).where(
        there, _staged.c.code != "", _new()
    )
    async for part in _pages(connection, "doors", query):
        for one in part:
            doors[hash(identity(one["name"], one["address"] or ""))].append(one["n"])
    return doors


def _same_door(doors: Mapping[int, list[int]], known: list[Known]) -> list[tuple[int, Known]]:
    return [
        (n, one)
        for one in known
        for n in doors.get(hash(identity(one.candidate.name, one.candidate.address)), ())
    ]


def _certain(
    reports: Reports, nameless: list[Staged], at_door: Mapping[int, list[Known]]
) -> dict[int, str]:
    """Choose for whom exactly one active establishment is at the same door, and not too far."""
    taken: dict[int, str] = {}
    for row in nameless:
        here = [one for one in at_door.get(row.n, ()) if one.active]
        if len(here) == 1 and not apart(row.candidate, here[0].candidate):
            taken[row.n] = here[0].code
            reports.add(Reason.ROW_MATCHED_BY_NAME, row, here[0].code)
    return taken


# -- what is left --------------------------------------------------------------------------------


async def _number_the_rest(connection: AsyncConnection, reports: Reports) -> None:
    """Let a licence be the number of whom nobody knows; refuse rows without either."""
    lacking = _staged.c.code == ""
    await connection.execute(
        sa.update(_staged).where(lacking, _staged.c.licence != "").values(code=_staged.c.licence)
    )
    query = _rows().where(lacking).order_by(_staged.c.n)
    for one in (await connection.execute(query)).mappings():
        reports.add(Reason.CODE_MISSING, _row(one), "", kept=False)
    await connection.execute(sa.delete(_staged).where(lacking))


def _pair(pairs: dict[tuple[str, str], Match], reports: Reports, row: Staged, match: Match) -> None:
    """Remember a pair, and tell of its row."""
    key = (match.first, match.second)
    if match.first != match.second and key not in pairs and len(pairs) < PAIRS_MAX:
        pairs[key] = match
        reports.add(Reason.ROW_RESEMBLES, row, " ~ ".join(key))


# -- questions to the database -------------------------------------------------------------------


def _rows() -> sa.Select[Any]:
    """Select staged rows; what the files do not have is none there."""
    lacking = ("licence", "address", "datum")
    names = ("n", "source", "row", *(name for name in _described if name not in lacking))
    return sa.select(
        *(_staged.c[name] for name in names),
        *(sa.func.coalesce(_staged.c[name], "").label(name) for name in lacking),
    )


def _known() -> sa.Select[Any]:
    columns = (_kept.c[name] for name in (*_described, "status", "successor_code"))
    return sa.select(*columns)


def _candidate(one: Mapping[Any, Any], *, licence: str = "", id: str = "") -> Candidate:
    return Candidate(
        **{name: one[name] for name in _described},
        id=id or one["code"],
        licences=(licence,) if licence else (),
    )


def _row(one: Mapping[Any, Any]) -> Staged:
    licence = one["licence"]
    candidate = _candidate(one, licence=licence, id=one["code"] or licence or f"row {one['n']}")
    return Staged(one["n"], one["source"], one["row"], licence, candidate)


def _as_known(one: Mapping[Any, Any], *, licence: str = "") -> Known:
    active = one["status"] not in (*GONE, PROVISIONAL) and not one["successor_code"]
    return Known(_candidate(one, licence=licence), one["successor_code"] or one["code"], active)


def _new() -> sa.ColumnElement[bool]:
    other = _kept.alias("other")
    return ~sa.select(other.c.id).where(other.c.code == _staged.c.code).exists()


def _within(division: str) -> sa.ColumnElement[bool]:
    return _kept.c.division.startswith(division, autoescape=True) if division else sa.true()


def _in_county(column: sa.ColumnElement[str], county: str) -> sa.ColumnElement[bool]:
    if len(county) < COUNTY:
        return column == county
    return column.between(county, county + "9" * COUNTY)


async def _counties(connection: AsyncConnection, division: str, *, nameless: bool) -> list[str]:
    """Name the counties of the register in which rows are new, or lack a number."""
    county = sa.func.substr(_staged.c.division, 1, COUNTY)
    wanted = sa.or_(_staged.c.code == "", _new()) if nameless else _new()
    found = sorted(await connection.scalars(sa.select(county).where(wanted).distinct()))
    known = sa.select(_kept.c.id).where(_within(division))
    return [
        one
        for one in found
        if await _any(connection, known.where(_in_county(_kept.c.division, one)))
    ]


async def _pages(
    connection: AsyncConnection, name: str, query: Rows
) -> AsyncIterator[Sequence[sa.RowMapping]]:
    """Read many rows, a few at a time.

    A cursor by name, because asyncpg leaves its own open, and `staged` could not be dropped.
    """
    if connection.dialect.name == "sqlite":
        async with connection.stream(query) as result:
            async for part in result.mappings().partitions(CHUNK):
                yield part
        return
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    await connection.exec_driver_sql(f"DECLARE {name} NO SCROLL CURSOR FOR {compiled}")
    fetch = f"FETCH {CHUNK} FROM {name}"
    while part := (await connection.exec_driver_sql(fetch)).mappings().all():
        yield part
    await connection.exec_driver_sql(f"CLOSE {name}")


async def _any(connection: AsyncConnection, query: sa.Select[Any]) -> bool:
    return (await connection.execute(query.limit(1))).first() is not None


async def _write(connection: AsyncConnection, column: str, values: Mapping[int, str]) -> None:
    if values:
        await connection.execute(
            sa.update(_staged)
            .where(_staged.c.n == sa.bindparam("which"))
            .values({column: sa.bindparam("value")}),
            [{"which": n, "value": value} for n, value in values.items()],
        )


async def _index(connection: AsyncConnection, column: str) -> None:
    """Help to find staged rows, unless they are only a few."""
    if connection.dialect.name != "sqlite":
        await connection.exec_driver_sql(f"CREATE INDEX ON staged ({column})")
    elif connection.info.get("attached", False):
        await connection.exec_driver_sql(f"CREATE INDEX aside.staged_{column} ON staged ({column})")
