"""抽样框: reading the registers for a plan: who is in scope, and who cannot be drawn.

What the rules need is loaded here and nowhere else; `rules.eligibility` decides.
"""

import asyncio
import json
from calendar import monthrange
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import date, datetime, timedelta
from typing import cast

import msgspec
import sqlalchemy
from msgspec import Struct
from sqlalchemy import ColumnElement, case, collate, func
from sqlmodel import col, select

from backend.db import Session, partitions
from backend.rules import canonical, draw, eligibility, frame, scheme
from backend.rules.calendar import CHINA
from backend.rules.canonical import NotCanonical
from backend.rules.eligibility import Days, Exemption, Past, Subject, Visit
from backend.rules.frame import Frame, Freezer
from backend.rules.ladder import Staffing
from backend.rules.papers import Extra, FrameLine, Party, Place, TaskPaper
from backend.rules.records import PROVISIONAL
from backend.rules.scheme import Scheme, Traits
from backend.tables import (
    Checklist,
    Conclusion,
    Department,
    Draw,
    Establishment,
    Licence,
    Listing,
    Plan,
    Task,
)
from backend.work import visits as visited
from sync.refusals import Reason, Refused

RESERVES = Extra(rate=(1, 5), minimum=3)  # behind every lot: a fifth, at least three
ANY = "*"
BYTES = {"sqlite": "BINARY", "postgresql": "C"}  # the order of the bytes of a text


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


class Block(Struct, frozen=True):
    """Some objects in the order of their codes, and what is known of single ones of them."""

    codes: Sequence[str]
    facts: Sequence[str]  # of the register, of each of them: those that many share, as one text
    credit: Mapping[str, str]
    products: Mapping[str, str]
    visits: Mapping[str, Sequence[Visit]]


def load(plan: Plan, *, now: datetime, hidden: frozenset[str] = frozenset()) -> Registers:
    """Fix the day and the rules by which a plan's frame is made."""
    today, given = now.astimezone(CHINA).date(), scheme_of(plan)
    task = draft(plan, given, today)
    return Registers(plan=plan, given=given, task=task, today=today, hidden=hidden)


async def freeze(db: Session, registers: Registers) -> Frame:
    """Write the frame and its tree, away from the loop, holding some thousand objects at a time.

    A block is packed while the next one is read: packing leaves the interpreter to others.
    """
    freezer, writer = Freezer(), _Writer(registers, await _in_charge(db, registers))

    def add(block: Block) -> bytes:
        ids, tails = [code.encode() for code in block.codes], writer.tails(block)
        _require_texts(ids)
        _require_untold(tails, registers)
        return freezer.add(ids, tails)

    with ThreadPoolExecutor(max_workers=1) as beside:
        pressed = beside.submit(freezer.press, b"")
        async with aclosing(_blocks(db, registers)) as blocks:
            async for block in blocks:
                written = await asyncio.to_thread(add, block)
                await asyncio.wrap_future(pressed)
                pressed = beside.submit(freezer.press, written)
        await asyncio.wrap_future(pressed)
    return await asyncio.to_thread(freezer.done)


async def count(db: Session, registers: Registers) -> Count:
    """Count those who can be drawn and those who cannot."""
    writer, tails = _Writer(registers, await _in_charge(db, registers)), Counter[bytes]()
    strata: dict[str, Counter[str]] = {}

    def add(block: Block) -> None:
        _require_texts([code.encode() for code in block.codes])
        tails.update(writer.tails(block))
        if len(tails) > frame.ALIKE_MAX:
            total()

    def total() -> None:
        for tail, times in tails.items():
            _, stratum, _, _, reason, _ = tail.decode().split("\t", 5)
            strata.setdefault(stratum, Counter())[reason or "E"] += times
        tails.clear()

    async with aclosing(_blocks(db, registers)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(add, block)
    total()
    return Count(strata, writer.categories)


def _require_texts(ids: Sequence[bytes]) -> None:
    """Refuse codes that cannot stand in a line."""
    try:
        canonical.require_texts(ids)
    except NotCanonical as problem:
        raise Refused(Reason.TEXT_NOT_CANONICAL, problem=str(problem)) from None


def _require_untold(tails: Iterable[bytes], registers: Registers) -> None:
    """Refuse a frame whose evidence names a sealed draw: each such line is a lot of it."""
    if not registers.hidden or "evidence" not in registers.task.columns:
        return
    place = FrameLine.width + registers.task.columns.index("evidence")
    named = {one for tail in set(tails) for one in tail.decode().split("\t")[place].split(",")}
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

_FACTS = (
    col(Establishment.division), col(Establishment.category), col(Establishment.risk),
    col(Establishment.credit_class), col(Establishment.status), col(Establishment.successor_code),
    col(Establishment.revision_id), case((col(Establishment.key_object), "yes"), else_=""),
)  # fmt: skip
_BETWEEN = "\x1f"  # the unit separator: no text of a register has it, nor another control character


async def _blocks(db: Session, registers: Registers) -> AsyncGenerator[Block]:
    """Read the objects of a plan in the order of the bytes of their codes, a block at a time.

    What other registers say is asked for by the codes of a block, so memory has a bound.
    """
    plan, given, task, today = (
        registers.plan, registers.given, registers.task, registers.today,
    )  # fmt: skip
    remember = task.exclusion is not None or bool(task.campaign)
    query = objects(plan.division, db.get_bind().dialect.name)
    async with aclosing(partitions(db, query, frame.BLOCK)) as parts:
        async for rows in parts:
            codes, facts = zip(*rows, strict=True)
            yield Block(
                codes=codes,
                facts=facts,
                credit=await _credit(db, codes, today) if "credit" in task.columns else {},
                products=await _products(db, codes, given.scope.products, today),
                visits=await _visits(db, plan, codes) if remember else {},
            )


def objects(division: str, dialect: str) -> sqlalchemy.Select[str, str]:
    """Ask for what a frame tells of the establishments below a division, in order.

    An index has all of it in that order (migration 0030), so nothing is sorted or looked up. Nobody
    can be drawn who is in no register.
    """
    code = collate(col(Establishment.code), BYTES[dialect]).label("bytes")
    return (
        sqlalchemy.select(code, _together(dialect))
        .where(col(Establishment.division).startswith(division))
        .where(col(Establishment.status) != PROVISIONAL)
        .order_by(code)
    )


def _together(dialect: str) -> ColumnElement[str]:
    """Give the facts of a row as one text: one value is read faster than eight."""
    if dialect == "sqlite":  # which has `concat_ws` since 3.44 only
        return func.printf(_BETWEEN.join(["%s"] * len(_FACTS)), *_FACTS)
    return func.concat_ws(_BETWEEN, *_FACTS)


class _Writer:
    """Writes the lines of a frame: of objects that are alike in all but their code, once."""

    def __init__(self, registers: Registers, in_charge: "_Charge") -> None:
        self.categories: set[str] = set()  # that the plan wants, drawn now or not
        self._registers, self._in_charge = registers, in_charge
        self._write = eligibility.line_writer(
            registers.task, _days(registers.task, registers.today)
        )
        self._exempt = {
            one.code: Exemption(one.reason, one.authority) for one in registers.given.exemptions
        }
        self._alike: dict[str, bytes] = {}

    def tails(self, block: Block) -> list[bytes]:
        """Write the lines of a block, each from behind its code on."""
        special = {
            *block.credit, *block.products, *block.visits, *self._exempt,
            *self._registers.given.sizes,
        }  # fmt: skip
        if len(self._alike) > frame.ALIKE_MAX:
            self._alike.clear()
        found = list(map(self._alike.get, block.facts))
        if not special and None not in found:
            return cast("list[bytes]", found)
        known, tails = self._alike, list[bytes]()
        try:
            for code, facts in zip(block.codes, block.facts, strict=True):
                tail = None if code in special else known.get(facts)
                if tail is None:
                    tail = self._tail(block, code, facts)
                    if code not in special:
                        known[facts] = tail
                tails.append(tail)
        except NotCanonical as problem:
            raise Refused(Reason.TEXT_NOT_CANONICAL, problem=str(problem)) from None
        return tails

    def _tail(self, block: Block, code: str, facts: str) -> bytes:
        subject, task = self._subject(block, code, facts), self._registers.task
        if subject.status == "active" and not scheme.unwanted(
            task.scope or scheme.Scope(), task.category, subject.traits
        ):
            self.categories.add(subject.traits.category)
        past = None
        if code in block.visits or code in self._exempt:
            past = Past(tuple(block.visits.get(code, ())), self._exempt.get(code))
        return self._write(subject, past).removeprefix(code.encode())

    def _subject(self, block: Block, code: str, facts: str) -> Subject:
        parts = facts.split(_BETWEEN)
        if len(parts) != len(_FACTS):
            raise NotCanonical(f"control character in {facts!r}")
        region, category, risk, classed, status, successor, revision, key = parts
        columns = self._registers.task.columns
        return Subject(
            code=code,
            status=status,
            traits=Traits(
                region=region,
                category=category,
                risk=risk,
                credit=block.credit.get(code, ""),
                credit_class=classed if "credit_class" in columns else "",
                key=key if "key" in columns else "",
                department=self._in_charge.of(region),
                product=block.products.get(code, ""),
                size=str(self._registers.given.sizes.get(code, 1)) if "size" in columns else "",
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


async def _in_charge(db: Session, registers: Registers) -> _Charge:
    if "department" not in registers.task.columns:
        return _Charge([])
    return _Charge((await db.exec(select(Department.division, Department.name))).all())


# -- what was before -----------------------------------------------------------------------------


async def _visits(db: Session, plan: Plan, names: Sequence[str]) -> dict[str, list[Visit]]:
    """List the visits to some objects, by draws of any agency and department and without one.

    What they turned out to be the same as was visited too.
    """
    known = {code: code for code in names} | await visited.merged(db, names)
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
        .where(col(Establishment.code).in_(known))
        .where(col(Draw.status) == "drawn", col(Plan.id) != plan.id)
        .where(col(Task.withdrawn_at).is_(None))
    )  # fmt: skip
    codes = dict((await db.exec(select(Checklist.digest, Checklist.code))).all())
    ours: dict[str, str] = json.loads(plan.checklists)
    visits: dict[str, list[Visit]] = {}
    for row in (await (await db.connection()).execute(query)).all():
        code, category, agency, seq, drawn_at, other, parent, written, item, concluded = row
        digest = ours.get(category) or ours.get("*", "")
        visits.setdefault(known[code], []).append(
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
    for one in await visited.begun(db, names):
        digest = ours.get(one.category) or ours.get("*", "")
        visits.setdefault(one.code, []).append(
            Visit(
                draw=one.name,
                agency=one.agency,
                plan="",
                campaign="",
                batch=0,
                day=one.day.isoformat(),
                inspected=_day(one.concluded_at),
                same_item=codes.get(digest) == one.checklist,
            )
        )
    return visits


def _day(at: datetime | None) -> str:
    return at.astimezone(CHINA).date().isoformat() if at else ""
