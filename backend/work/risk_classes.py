"""风险等级与年度检查频次: the class in force, what records would make of it, visits due and had.

The class in force is the register's. What the records make of it is shown beside it and changes
nothing: classes are given by people. A visit counts in the year of its day, once anything was
recorded; guidance (行政指导) does not count.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache

import msgspec
from msgspec import Struct
from sqlmodel import col, select

from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import risk
from backend.rules.calendar import local_day
from backend.rules.origins import UNCOUNTED
from backend.rules.risk import CODES, Classed, RiskCode, RiskScheme
from backend.tables import Conclusion, Establishment, Inspection, Measure, Task
from backend.wire import RiskLine, RiskPage, RiskRecord, RiskSum, TextView
from backend.work import shipped
from sync.verdict import Verdict

YEAR = timedelta(days=365)
CLEAN_YEARS = 3
CASES_MIN = 2


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
    sites = await _sites(db, division)
    had = await _visits(db, division, years=_years(scheme, today))

    lines = [(site, *_due(scheme, site, had, today.year)) for site in sites]
    wanted = [one for one in lines if one[0].code > after and (one[3] > 0 or not owing)]
    page = wanted[:limit]

    return RiskPage(
        division=division,
        year=today.year,
        source=TextView(scheme.source.en, scheme.source.zh),
        sums=_sums(lines, had, today.year),
        rows=await _rows(db, scheme, page, had, today),
        after=page[-1][0].code if len(wanted) > limit else "",
    )


def _years(scheme: RiskScheme, today: date) -> range:
    longest = max(band.years for band in scheme.bands)
    return range(today.year - longest + 1, today.year + 1)


_Due = tuple[_Site, int, int | None, int]  # at least, at most, owing


def _due(
    scheme: RiskScheme, site: _Site, had: Counter[tuple[str, int]], year: int
) -> tuple[int, int | None, int]:
    band = scheme.band(site.risk)
    before = sum(had[site.id, year - n] for n in range(1, band.years))
    least, most = risk.visits_due(band, before=before)
    return least, most, max(least - had[site.id, year], 0)


async def _sites(db: Session, division: str) -> list[_Site]:
    query = (
        select(Establishment.id, Establishment.code, Establishment.risk)
        .where(col(Establishment.division).startswith(division, autoescape=True))
        .where(Establishment.status == "active", Establishment.successor_code == "")
        .where(col(Establishment.risk).in_(CODES))
    )
    sites = [msgspec.convert(row, _Site, from_attributes=True) for row in await db.exec(query)]
    return sorted(sites, key=lambda one: one.code)  # databases do not agree on an order of texts


async def _visits(db: Session, division: str, *, years: range) -> Counter[tuple[str, int]]:
    """Count visits by establishment and year: on the day that they were recorded.

    What is sent late was not done late: the day lies within the window of the task.
    """
    query = (
        select(
            Task.establishment_id,
            col(Task.opens_on),
            col(Task.closes_on),
            col(Inspection.updated_at),
        )
        .join(Inspection, col(Inspection.id) == Task.id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(col(Establishment.division).startswith(division, autoescape=True))
        .where(Inspection.operations > 0, col(Task.origin).not_in(UNCOUNTED))
        .where(col(Task.closes_on) >= date(years[0], 1, 1))
    )
    return Counter(
        (site, min(max(local_day(at), opens_on), closes_on).year)
        for site, opens_on, closes_on, at in await db.exec(query)
    )


def _sums(lines: Sequence[_Due], had: Counter[tuple[str, int]], year: int) -> tuple[RiskSum, ...]:
    return tuple(
        RiskSum(
            risk=code,
            establishments=len(those),
            visited=sum(had[site.id, year] > 0 for site, *_ in those),
            due=sum(least for _, least, _, _ in those),
            visits=sum(had[site.id, year] for site, *_ in those),
            owing=sum(owing for *_, owing in those),
        )
        for code in CODES
        for those in [[one for one in lines if one[0].risk == code]]
    )


# -- how a class came about ----------------------------------------------------------------------


async def _rows(
    db: Session,
    scheme: RiskScheme,
    page: Sequence[_Due],
    had: Counter[tuple[str, int]],
    today: date,
) -> tuple[RiskLine, ...]:
    ids = [site.id for site, *_ in page]
    places = await db.exec(select(Establishment).where(col(Establishment.id).in_(ids)))
    known = {one.id: one for one in places}
    past = await _past(db, ids, today)
    return tuple(
        RiskLine(
            code=site.code,
            name=known[site.id].name,
            division=known[site.id].division,
            risk=site.risk,
            source=known[site.id].risk_source,
            record=_record(scheme, known[site.id], past[site.id]),
            visits_min=least,
            visits_max=most,
            visits=had[site.id, today.year],
            owing=owing,
        )
        for site, least, most, owing in page
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
        reasons=tuple(TextView(texts[one].en, texts[one].zh) for one in made.reasons),
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
    """Give the verdict of the last visit on which the checklist decided."""
    decided = [one for one in concluded if one.outcome]
    return msgspec.json.decode(decided[-1].computed, type=Verdict) if decided else None


def _reasons(concluded: Sequence[Conclusion], cases: int, today: date) -> Iterable[str]:
    if cases >= CASES_MIN:
        yield "cases"
    ages = [((today - local_day(one.concluded_at)) // YEAR, one.result) for one in concluded]
    if (0, "obstructed") in ages:
        yield "obstructed"
    recent = [(age, result) for age, result in ages if age < CLEAN_YEARS]
    clean = all(result == "none-found" for _, result in recent)
    if clean and {age for age, _ in recent} == set(range(CLEAN_YEARS)):
        yield "clean"
