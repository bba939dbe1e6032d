"""风险等级与年度检查频次: the class in force, what records would make of it, visits due and had.

The class in force is the register's. What the records make of it is shown beside it and changes
nothing: classes are given by people. A visit counts in the year of its day, once anything was
recorded; guidance (行政指导) does not count.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import date, datetime, timedelta
from functools import cache, partial

import msgspec
import sqlalchemy
from msgspec import Struct
from sqlalchemy import ColumnElement, collate
from sqlmodel import col, func, select

from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import risk
from backend.rules.calendar import local_day
from backend.rules.origins import UNCOUNTED
from backend.rules.risk import CODES, Classed, RiskCode, RiskScheme
from backend.tables import Conclusion, Establishment, Inspection, Measure, Task
from backend.wire import RiskLine, RiskPage, RiskRecord, RiskSum, text_view
from backend.work import shipped
from backend.work.frames import BYTES
from sync.checklist import UNGRADED
from sync.verdict import Verdict

YEAR = timedelta(days=365)
CLEAN_YEARS = 3
CASES_MIN = 2
BLOCK = 1000  # establishments that are read at a time


class _Site(Struct, frozen=True):
    id: str
    code: str
    risk: RiskCode


class _Past(Struct, frozen=True):
    """What the last years' conclusions and cases say of one establishment."""

    last: Verdict | None
    known: frozenset[str]  # reasons, by their codes in the scheme


@cache
def risk_schemes() -> tuple[RiskScheme, ...]:
    """Read the schemes that this release ships with once."""
    return tuple(one for text in shipped.texts("risk") for one in risk.parse(text))


async def list_visits_due(
    db: Session,
    officer: Officer,
    *,
    division: str,
    owing: bool,
    after: str,
    limit: int,
    now: datetime,
) -> RiskPage:
    """List who is due how many visits this year and had how many; `owing`: only who is owed some.

    The scheme is that of the division asked about.
    """
    division = division or officer.division
    may_see(officer, division)
    today = local_day(now)
    scheme = risk.scheme_of(risk_schemes(), division, today)
    counts = await _counts(db, division)
    had = await _visits(db, division, years=_years(scheme, today))

    due = partial(_due, scheme, had.visits, year=today.year)
    wanted: list[_Due] = []
    async with aclosing(_sites(db, division, after)) as blocks:
        async for sites in blocks:
            wanted += [one for one in map(due, sites) if one.owing > 0 or not owing]
            if len(wanted) > limit:
                break
    page = wanted[:limit]

    return RiskPage(
        division=division,
        year=today.year,
        source=text_view(scheme.source),
        sums=_sums(scheme, counts, list(map(due, had.sites.values()))),
        rows=await _rows(db, scheme, page, today),
        after=page[-1].site.code if len(wanted) > limit else "",
    )


def _years(scheme: RiskScheme, today: date) -> range:
    longest = max(band.years for band in scheme.bands)
    return range(today.year - longest + 1, today.year + 1)


class _Had(Struct, frozen=True):
    """The visits of some years, by establishment (id) and year, and whom they were to."""

    visits: Counter[tuple[str, int]]
    sites: dict[str, _Site]


class _Due(Struct, frozen=True):
    """What a year asks for at one establishment, and what it had."""

    site: _Site
    least: int
    most: int | None
    visits: int
    owing: int


def _due(scheme: RiskScheme, had: Mapping[tuple[str, int], int], site: _Site, *, year: int) -> _Due:
    band = scheme.band(site.risk)
    before = sum(had.get((site.id, year - n), 0) for n in range(1, band.years))
    least, most = risk.visits_due(band, before=before)
    visits = had.get((site.id, year), 0)
    return _Due(site, least, most, visits, max(least - visits, 0))


def _listed(division: str) -> tuple[ColumnElement[bool], ...]:
    """Choose the establishments that have a class and may be visited."""
    return (
        col(Establishment.division).startswith(division, autoescape=True),
        col(Establishment.status) == "active",
        col(Establishment.successor_code) == "",
        col(Establishment.risk).in_(CODES),
    )


async def _counts(db: Session, division: str) -> dict[str, int]:
    """Count the establishments of each class."""
    query = select(Establishment.risk, func.count()).where(*_listed(division))
    return dict((await db.exec(query.group_by(col(Establishment.risk)))).all())


async def _sites(db: Session, division: str, after: str) -> AsyncGenerator[list[_Site]]:
    """Read the establishments in the order of the bytes of their codes, a block at a time."""
    code = collate(col(Establishment.code), BYTES[db.get_bind().dialect.name])
    query = select(Establishment.id, Establishment.code, Establishment.risk)
    query = query.where(*_listed(division)).order_by(code).limit(BLOCK)
    block = BLOCK
    while block == BLOCK:
        rows = await db.exec(query.where(code > after))
        sites = [msgspec.convert(row, _Site, from_attributes=True) for row in rows]
        yield sites
        block = len(sites)
        after = sites[-1].code if sites else after


async def _visits(db: Session, division: str, *, years: range) -> _Had:
    """Count visits by establishment and year: on the day that they were recorded.

    What is sent late was not done late: the day lies within the window of the task.
    """
    query = (
        sqlalchemy.select(
            col(Establishment.id), col(Establishment.code), col(Establishment.risk),
            col(Task.opens_on), col(Task.closes_on), col(Inspection.updated_at),
        )
        .select_from(Task)
        .join(Inspection, col(Inspection.id) == Task.id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(*_listed(division))
        .where(col(Inspection.operations) > 0, col(Task.origin).not_in(UNCOUNTED))
        .where(col(Task.closes_on) >= date(years[0], 1, 1))
    )  # fmt: skip
    visits, sites = Counter[tuple[str, int]](), dict[str, _Site]()
    for row in (await (await db.connection()).execute(query)).all():
        site = msgspec.convert(row, _Site, from_attributes=True)
        day = min(max(local_day(row.updated_at), row.opens_on), row.closes_on)
        visits[site.id, day.year] += 1
        sites[site.id] = site
    return _Had(visits, sites)


def _sums(
    scheme: RiskScheme, counts: Mapping[str, int], visited: Sequence[_Due]
) -> tuple[RiskSum, ...]:
    """Add up each class: nobody was at those who are not in `visited`, so they are all alike."""
    sums: list[RiskSum] = []
    for code in CODES:
        those = [one for one in visited if one.site.risk == code]
        least, _ = risk.visits_due(scheme.band(code), before=0)
        others = least * (counts.get(code, 0) - len(those))
        sums.append(
            RiskSum(
                risk=code,
                establishments=counts.get(code, 0),
                visited=sum(one.visits > 0 for one in those),
                due=others + sum(one.least for one in those),
                visits=sum(one.visits for one in those),
                owing=others + sum(one.owing for one in those),
            )
        )
    return tuple(sums)


# -- how a class came about ----------------------------------------------------------------------


async def _rows(
    db: Session,
    scheme: RiskScheme,
    page: Sequence[_Due],
    today: date,
) -> tuple[RiskLine, ...]:
    ids = [one.site.id for one in page]
    places = await db.exec(select(Establishment).where(col(Establishment.id).in_(ids)))
    known = {one.id: one for one in places}
    past = await _past(db, ids, today)
    return tuple(
        RiskLine(
            code=place.code,
            name=place.name,
            division=place.division,
            risk=one.site.risk,
            source=place.risk_source,
            record=_record(scheme, place, past[place.id]),
            visits_min=one.least,
            visits_max=one.most,
            visits=one.visits,
            owing=one.owing,
        )
        for one in page
        for place in (known[one.site.id],)
    )


def _record(scheme: RiskScheme, place: Establishment, past: _Past) -> RiskRecord | None:
    if past.last is None:
        return None
    made: Classed = risk.classify(
        scheme,
        static=risk.static_points(scheme, place.category),
        dynamic=risk.dynamic_points(
            scheme,
            key_failed=past.last.key_failed,
            general_failed=past.last.general_failed,
        ),
        credit=risk.credit_points(scheme, place.credit_class),
        known=past.known,
    )
    texts = scheme.raised | scheme.lowered
    return RiskRecord(
        static=made.static,
        dynamic=made.dynamic,
        credit=made.credit,
        points=made.points,
        by_points=made.by_points,
        risk=made.code,
        reasons=tuple(text_view(texts[one]) for one in made.reasons),
    )


async def _past(db: Session, ids: Collection[str], today: date) -> dict[str, _Past]:
    """Read what was concluded and approved of some establishments, and the cases filed."""
    query = (
        select(Task.establishment_id, Conclusion)
        .join(Conclusion, col(Conclusion.inspection_id) == Task.id)
        .where(col(Task.establishment_id).in_(ids), col(Conclusion.approved))
        .order_by(col(Conclusion.concluded_at))
    )
    concluded: dict[str, list[Conclusion]] = {}
    for site, one in await db.exec(query):
        concluded.setdefault(site, []).append(one)
    filed = (
        select(Task.establishment_id)
        .join(Measure, col(Measure.inspection_id) == Task.id)
        .where(col(Task.establishment_id).in_(ids), Measure.kind == "case")
        .where(Measure.status != "withdrawn", col(Measure.opened_on) > today - YEAR)
    )
    cases = Counter(await db.exec(filed))
    return {
        site: _Past(
            last=_last(concluded.get(site, ())),
            known=frozenset(_reasons(concluded.get(site, ()), cases[site], today)),
        )
        for site in ids
    }


def _last(concluded: Sequence[Conclusion]) -> Verdict | None:
    """Give the verdict of the last visit that a checklist graded: a recheck may grade nothing."""
    decided = (
        msgspec.json.decode(one.computed, type=Verdict)
        for one in reversed(concluded)
        if one.outcome
    )
    return next((one for one in decided if one.graded), None)


def _reasons(concluded: Sequence[Conclusion], cases: int, today: date) -> Iterable[str]:
    if cases >= CASES_MIN:
        yield "cases"
    ages = [((today - local_day(one.concluded_at)) // YEAR, one) for one in concluded]
    if any(age == 0 and one.result == "obstructed" for age, one in ages):
        yield "obstructed"
    recent = [(age, one) for age, one in ages if age < CLEAN_YEARS]
    clean = all(one.result == "none-found" for _, one in recent)
    seen = {age for age, one in recent if one.outcome not in UNGRADED}
    if clean and seen == set(range(CLEAN_YEARS)):
        yield "clean"
