"""抽样框: reading the registers for a plan: who is in scope, who cannot be drawn, who inspects.

What the rules need is loaded here and nowhere else; `rules.eligibility` decides.
"""

import asyncio
import json
from calendar import monthrange
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import date, datetime, timedelta
from typing import TypeAlias

import msgspec
import sqlalchemy
from msgspec import Struct
from sqlalchemy import Row, collate
from sqlmodel import col, func, select

from backend.db import Session
from backend.rules import draw, eligibility, frame, ladder, scheme
from backend.rules.calendar import CHINA
from backend.rules.canonical import NotCanonical
from backend.rules.eligibility import Days, Exemption, Past, Subject, Visit
from backend.rules.frame import Frame, Freezer
from backend.rules.ladder import Staffing
from backend.rules.papers import Extra, FrameLine, Party, Place, RosterLine, TaskPaper
from backend.rules.scheme import Scheme, Traits
from backend.tables import (
    Checklist,
    Conclusion,
    Department,
    Draw,
    Establishment,
    Inspector,
    Leave,
    Licence,
    Listing,
    Plan,
    Recusal,
    Seat,
    Task,
)
from sync.refusals import Reason, Refused

RESERVES = Extra(rate=(1, 5), minimum=3)  # behind every lot: a fifth, at least three
RECUSED = "R01"  # 回避; the grounds stay in the office's register
ANY = "*"
BYTES = {"sqlite": "BINARY", "postgresql": "C"}  # the order of the bytes of a text
_BLOCK = 4 * frame.BLOCK  # objects at a time


class Registers(Struct, frozen=True):
    """What decides on one day who is in the frame of a plan; the objects themselves stream by."""

    plan: Plan
    given: Scheme
    task: TaskPaper
    today: date
    hidden: frozenset[str]  # draws (agency#seq) whose lots the frame must not tell


class Count(Struct, frozen=True):
    """Who would be in a frame: (`E`) and not, by stratum and reason; and of which categories."""

    strata: dict[str, Counter[str]]
    categories: set[str]  # of those that the plan wants, whether or not they can be drawn now


Block: TypeAlias = list[tuple[Subject, Past | None]]
Write: TypeAlias = Callable[[Subject, Past | None], bytes]


def load(plan: Plan, *, now: datetime, hidden: frozenset[str] = frozenset()) -> Registers:
    """Fix the day and the rules by which a plan's frame is made."""
    today, given = now.astimezone(CHINA).date(), scheme_of(plan)
    task = draft(plan, given, today)
    return Registers(plan=plan, given=given, task=task, today=today, hidden=hidden)


async def freeze(db: Session, registers: Registers) -> Frame:
    """Write the frame and its tree, away from the loop, holding some thousand objects at a time."""
    freezer, write = Freezer(), _writer(registers)

    def add(block: Block) -> None:
        written = _lines(write, block)
        _require_untold(written, registers)
        for lines in frame.blocks(written):
            freezer.add(lines)

    async with aclosing(_blocks(db, registers)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(add, block)
    return await asyncio.to_thread(freezer.done)


async def count(db: Session, registers: Registers) -> Count:
    """Count those who can be drawn and those who cannot."""
    found, write = Count({}, set()), _writer(registers)
    task, scope = registers.task, registers.task.scope or scheme.Scope()

    def add(block: Block) -> None:
        for line in _lines(write, block):
            _, stratum, _, _, rest = line.split(b"\t", 4)
            reason = rest.split(b"\t", 1)[0].decode()
            found.strata.setdefault(stratum.decode(), Counter())[reason or "E"] += 1
        for one, _ in block:
            known = one.status != "active" or one.traits.category in found.categories
            if not known and not scheme.unwanted(scope, task.category, one.traits):
                found.categories.add(one.traits.category)

    async with aclosing(_blocks(db, registers)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(add, block)
    return found


def _writer(registers: Registers) -> Write:
    return eligibility.line_writer(registers.task, _days(registers.task, registers.today))


def _lines(write: Write, block: Block) -> list[bytes]:
    try:
        return [write(one, past) for one, past in block]
    except NotCanonical as problem:
        raise Refused(Reason.TEXT_NOT_CANONICAL, problem=str(problem)) from None


def _require_untold(lines: list[bytes], registers: Registers) -> None:
    """Refuse a frame whose evidence names a sealed draw: each such line is a lot of it."""
    if not registers.hidden or "evidence" not in registers.task.columns:
        return
    place = FrameLine.width + registers.task.columns.index("evidence")
    named = {one for line in lines for one in line.decode().split("\t")[place].split(",")}
    if told := named & registers.hidden:
        raise Refused(Reason.FRAME_TELLS_SEALED, draws=", ".join(sorted(told)))


# -- the plan's part of task.json ----------------------------------------------------------------


def scheme_of(plan: Plan) -> Scheme:
    """Read what a plan says beyond rate, minimum and dates."""
    return msgspec.json.decode(plan.scheme, type=Scheme)


def agency_of(plan: Plan) -> str:
    """Name the agency in whose chain a plan's draws stand."""
    return plan.agency or "CN"


def draft(plan: Plan, given: Scheme, today: date) -> TaskPaper:
    """Write down every parameter of a plan; only the sources of the seed are still open."""
    strata = given.strata or "single"
    return TaskPaper(
        spec=draw.SPEC,
        id=plan.id,
        title=plan.title,
        agency=agency_of(plan),
        division=plan.division,
        category=plan.category,
        checklists=_keyed(json.loads(plan.checklists)),
        strata="single" if strata == "single" else list(strata),
        rounding=given.rounding,
        rate=(plan.rate_num, plan.rate_den),
        minimum=plan.sites_min,
        reserves=RESERVES,
        positions=places(plan, given),
        inspectors_under=plan.agency,
        opens_on=plan.opens_on.isoformat(),
        closes_on=plan.closes_on.isoformat(),
        relaxations=given.relaxations,
        mode="open",
        sources={},
        scope=given.scope if given.scope.directed() else None,
        total=given.total,
        at_most=given.at_most,
        quotas=given.quotas,
        weights=given.weights,
        exclusion=given.exclusion if given.exclusion != scheme.Exclusion() else None,
        columns=scheme.columns_of(
            strata=given.strata,
            scope=given.scope,
            weights=given.weights,
            sizes=bool(given.sizes),
        ),
        snapshot=today.isoformat(),
        campaign=plan.parent_id or "",
        parties=_parties(plan, given),
        staffing=given.staffing if given.staffing != Staffing() else None,
    )


def places(plan: Plan, given: Scheme) -> list[Place]:
    """List the positions at every site: the lead's first, then each partner's."""
    asked = [plan.qualification] if plan.qualification else []
    lead = given.department or ANY
    found = [
        Place(
            one.name,
            lead,
            sorted({*one.qualifications, *(() if one.expert else asked)}),
            one.expert,
        )
        for one in given.seats or scheme.DEFAULT_SEATS
    ]
    for party in given.partners:
        found += [
            Place(one.name, party.department, sorted(set(one.qualifications)), one.expert)
            for one in party.seats or scheme.DEFAULT_SEATS
        ]
    return found


def _parties(plan: Plan, given: Scheme) -> list[Party]:
    if not given.partners and not given.matter:
        return []
    lead = Party(given.department or ANY, given.matter, _keyed(json.loads(plan.checklists)))
    return [lead] + [
        Party(one.department, one.matter, _keyed(one.checklists)) for one in given.partners
    ]


def _keyed(checklists: dict[str, str]) -> dict[str, str]:
    return {scheme.escaped(category): digest for category, digest in checklists.items()}


def _days(task: TaskPaper, today: date) -> Days:
    rules = task.exclusion or scheme.Exclusion()
    months = today.year * 12 + today.month - 1 - rules.superior_months
    year, month = divmod(months, 12)
    since = date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
    return Days(
        year=f"{today.year}-01-01",
        window=(today - timedelta(days=rules.window_days)).isoformat(),
        superior=since.isoformat(),
    )


# -- who is in scope -----------------------------------------------------------------------------

Candidate: TypeAlias = Row[str, str, str, str, str, str, bool, str, str]


async def _blocks(db: Session, registers: Registers) -> AsyncGenerator[Block]:
    """Read the objects of a plan in the order of the bytes of their codes, a block at a time.

    What other registers say is asked for by the codes of a block, so memory has a bound.
    """
    plan, given, task, today = (
        registers.plan, registers.given, registers.task, registers.today,
    )  # fmt: skip
    in_charge = await _in_charge(db) if "department" in task.columns else _Charge([])
    exempt = {one.code: Exemption(one.reason, one.authority) for one in given.exemptions}
    remember = task.exclusion is not None or bool(task.campaign)
    query = (
        sqlalchemy.select(
            col(Establishment.code), col(Establishment.division), col(Establishment.category),
            col(Establishment.risk), col(Establishment.credit_class), col(Establishment.status),
            col(Establishment.key_object), col(Establishment.successor_code),
            col(Establishment.revision_id),
        )
        .where(col(Establishment.division).startswith(plan.division))
        .order_by(collate(col(Establishment.code), BYTES[db.get_bind().dialect.name]))
    )  # fmt: skip
    stream = await (await db.connection()).stream(query.execution_options(yield_per=_BLOCK))
    rows: Sequence[Candidate]
    async for rows in stream.partitions():
        codes = [row[0] for row in rows]
        credit = await _credit(db, codes, today) if "credit" in task.columns else {}
        products = await _products(db, codes, given.scope.products, today)
        visits = await _visits(db, plan, codes) if remember else {}
        yield [
            (
                _subject(row, registers, credit, products, in_charge),
                Past(tuple(visits.get(row[0], ())), exempt.get(row[0]))
                if row[0] in visits or row[0] in exempt
                else None,
            )
            for row in rows
        ]


def _subject(
    row: Candidate,
    registers: Registers,
    credit: Mapping[str, str],
    products: Mapping[str, str],
    in_charge: "_Charge",
) -> Subject:
    code, region, category, risk, classed, status, key, successor, revision = row
    columns = registers.task.columns
    return Subject(
        code=code,
        status=status,
        traits=Traits(
            region=region,
            category=category,
            risk=risk,
            credit=credit.get(code, ""),
            credit_class=classed if "credit_class" in columns else "",
            key="yes" if key and "key" in columns else "",
            department=in_charge.of(region),
            product=products.get(code, ""),
            size=str(registers.given.sizes.get(code, 1)) if "size" in columns else "",
        ),
        successor=successor,
        revision=revision,
    )


async def _credit(db: Session, codes: Sequence[str], today: date) -> dict[str, str]:
    """Tell who is on a list today; on both, the serious one counts."""
    query = (
        select(Listing.code, Listing.kind)
        .where(col(Listing.code).in_(codes), Listing.listed_on <= today)
        .where(col(Listing.removed_on).is_(None) | (col(Listing.removed_on) > today))
    )
    found: dict[str, str] = {}
    for code, kind in await db.exec(query):
        found[code] = max(found.get(code, ""), kind)  # `serious` is after `abnormal`
    return found


async def _products(
    db: Session, codes: Sequence[str], wanted: Sequence[str], today: date
) -> dict[str, str]:
    """Tell who has which of the wanted products by a licence in force today."""
    if not wanted:
        return {}
    query = (
        select(Licence.code, Licence.kind, Licence.scope)
        .where(col(Licence.code).in_(codes), Licence.status == "active")
        .where(col(Licence.valid_from).is_(None) | (col(Licence.valid_from) <= today))
        .where(col(Licence.valid_to).is_(None) | (col(Licence.valid_to) >= today))
    )
    found: dict[str, set[str]] = {}
    for code, kind, words in await db.exec(query):
        has = {one for one in wanted if one == kind or one in words}
        if has:
            found.setdefault(code, set()).update(has)
    return {code: ",".join(sorted(has)) for code, has in found.items()}


class _Charge:
    """Which department is in charge of a division: that of the longest code that governs it."""

    def __init__(self, departments: Iterable[tuple[str, str]]) -> None:
        self._by_division: dict[str, str] = {}
        for division, name in sorted(departments, reverse=True):
            self._by_division[division] = name  # of several in one division, the first by name
        self._lengths = sorted({len(division) for division in self._by_division}, reverse=True)

    def of(self, region: str) -> str:
        """Name the department; empty if there is none."""
        for length in self._lengths:
            name = self._by_division.get(region[:length])
            if name is not None and length <= len(region):
                return name
        return ""


async def _in_charge(db: Session) -> _Charge:
    return _Charge((await db.exec(select(Department.division, Department.name))).all())


# -- what was before -----------------------------------------------------------------------------


async def _visits(db: Session, plan: Plan, names: Sequence[str]) -> dict[str, list[Visit]]:
    """List the lots that some objects had in draws of any agency and department."""
    query = (
        sqlalchemy.select(
            col(Establishment.code), col(Establishment.category), col(Draw.agency), col(Draw.seq),
            col(Draw.drawn_at), col(Plan.id), col(Plan.parent_id), col(Plan.scheme),
            col(Checklist.code), col(Conclusion.concluded_at),
        )
        .select_from(Task)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .join(Plan, col(Plan.id) == Task.plan_id)
        .join(Checklist, col(Checklist.digest) == Task.checklist_digest)
        .outerjoin(Conclusion, col(Conclusion.inspection_id) == Task.id)
        .where(col(Establishment.code).in_(names))
        .where(col(Draw.status) == "drawn", col(Plan.id) != plan.id)
        .where(col(Task.withdrawn_at).is_(None))
    )  # fmt: skip
    codes = dict((await db.exec(select(Checklist.digest, Checklist.code))).all())
    ours: dict[str, str] = json.loads(plan.checklists)
    visits: dict[str, list[Visit]] = {}
    for row in (await (await db.connection()).execute(query)).all():
        code, category, agency, seq, drawn_at, other, parent, written, item, concluded = row
        digest = ours.get(category) or ours.get("*", "")
        visits.setdefault(code, []).append(
            Visit(
                draw=f"{agency}#{seq}",
                agency=agency,
                plan=other,
                campaign=parent or "",
                batch=scheme.batch_of(msgspec.json.decode(written, type=Scheme)),
                day=_day(drawn_at),
                inspected=_day(concluded),
                same_item=codes.get(digest) == item,
            )
        )
    return visits


def _day(at: datetime | None) -> str:
    return at.astimezone(CHINA).date().isoformat() if at else ""


# -- who inspects --------------------------------------------------------------------------------


async def roster(db: Session, plan: Plan) -> list[RosterLine]:
    """List the agency's active inspectors, each with the seats that other plans and leave left."""
    query = select(Inspector).where(
        Inspector.active, col(Inspector.division).startswith(plan.agency)
    )
    taken = (
        select(Seat.inspector_id, func.count())
        .join(Task, col(Task.id) == Seat.task_id)
        .join(Plan, col(Plan.id) == Task.plan_id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .where(Draw.status == "drawn")
        .where(Plan.closes_on >= plan.opens_on, Plan.opens_on <= plan.closes_on)
        .group_by(col(Seat.inspector_id))
    )
    busy = dict((await db.exec(taken)).all())
    absent = await _absent(db, plan)
    days = (plan.closes_on - plan.opens_on).days + 1
    districted = scheme_of(plan).staffing.districts != "any"
    lines: list[RosterLine] = []
    for one in await db.exec(query):
        away = len(absent.get(one.certificate, ()))
        status = "leave" if away == days else "expert" if one.expert else "active"
        districts = filter(None, one.districts.split(",")) if districted else ()
        lines.append(
            RosterLine(
                inspector=one.certificate,
                department=one.department,
                region=one.division,
                qualifications=tuple(filter(None, one.qualifications.split(","))),
                cap=ladder.free_seats(cap=one.cap, busy=busy.get(one.id, 0), days=days, away=away),
                valid_from=one.valid_from.isoformat(),
                valid_to=one.valid_to.isoformat(),
                status=status,
                districts=tuple(districts),
            )
        )
    return lines


async def _absent(db: Session, plan: Plan) -> dict[str, set[date]]:
    """List the days of the plan's window on which each inspector is on leave."""
    query = select(Leave).where(
        col(Leave.first_day) <= plan.closes_on, col(Leave.last_day) >= plan.opens_on
    )
    days: dict[str, set[date]] = {}
    for one in await db.exec(query):
        first, last = max(one.first_day, plan.opens_on), min(one.last_day, plan.closes_on)
        away = days.setdefault(one.certificate, set())
        away.update(first + timedelta(days=n) for n in range((last - first).days + 1))
    return days


async def recusals(
    db: Session, plan: Plan, inspectors: Iterable[RosterLine]
) -> list[tuple[str, str, str]]:
    """List who may not inspect whom, of those on the roster, and why."""
    query = (
        select(Recusal.code, Recusal.certificate)
        .join(Establishment, col(Establishment.code) == Recusal.code)
        .where(col(Establishment.division).startswith(plan.division))
    )
    found = [(code, who, RECUSED) for code, who in await db.exec(query)]
    if scheme_of(plan).staffing.last_visit:
        found += [(code, who, ladder.LAST_VISIT) for code, who in await _last_visits(db, plan)]
    known = {one.inspector for one in inspectors}
    return [one for one in found if one[1] in known]


async def _last_visits(db: Session, plan: Plan) -> list[tuple[str, str]]:
    """List who sat in the last task of each establishment that was drawn before this plan."""
    query = (
        sqlalchemy.select(col(Establishment.code), col(Task.id), col(Inspector.certificate))
        .select_from(Seat)
        .join(Task, col(Task.id) == Seat.task_id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Inspector, col(Inspector.id) == Seat.inspector_id)
        .where(col(Establishment.division).startswith(plan.division))
        .where(col(Draw.status) == "drawn", col(Draw.plan_id) != plan.id)
        .order_by(col(Draw.drawn_at), col(Task.id))
    )
    last: dict[str, tuple[str, list[str]]] = {}
    for code, task_id, who in (await (await db.connection()).execute(query)).all():
        if code not in last or last[code][0] != task_id:
            last[code] = (task_id, [])
        last[code][1].append(who)
    return [(code, who) for code, (_, those) in last.items() for who in those]
