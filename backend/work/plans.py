"""抽查计划: making plans and looking at them."""

import json
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import cast

import msgspec
from msgspec import Struct
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import bundle, canonical, scheme
from backend.rules.canonical import NotCanonical
from backend.rules.papers import TaskPaper
from backend.tables import Checklist, Draw, Plan
from backend.wire import DrawSummary, NestedPlan, NewPlan, PlanView, StratumView
from backend.work import frames, releases
from sync.refusals import Reason, Refused


class Preview(Struct, frozen=True):
    """What a plan's frame would be if it were frozen now."""

    eligible: int
    sites: int
    strata: list[StratumView]


async def create_plan(db: Session, new: NewPlan, *, officer: Officer, now: datetime) -> PlanView:
    """Create a plan that could be drawn today; `checklists` may name a code for its newest."""
    may_see(officer, new.division)
    _require_sense(new)
    parent = await find_plan(db, new.parent, officer) if new.parent else None
    checklists = {key: await released(db, name) for key, name in new.checklists.items()}
    partners = [
        msgspec.structs.replace(
            one, checklists={key: await released(db, name) for key, name in one.checklists.items()}
        )
        for one in new.scheme.partners
    ]
    given = msgspec.structs.replace(new.scheme, partners=partners)

    plan = Plan(
        title=plain_text(new.title),
        agency=officer.division,
        division=new.division,
        category=new.category,
        checklists=json.dumps(checklists, ensure_ascii=False, sort_keys=True),
        rate_num=new.rate[0],
        rate_den=new.rate[1],
        sites_min=new.minimum,
        seats=len(given.seats or scheme.DEFAULT_SEATS),
        qualification=new.qualification,
        scheme=msgspec.json.encode(given).decode(),
        parent_id=parent.id if parent else None,
        opens_on=new.opens_on,
        closes_on=new.closes_on,
        created_by=officer.id,
        created_at=now,
    )
    registers = frames.load(plan, now=now)
    counts = await frames.count(db, registers)
    _require_checklists(counts.categories, [checklists, *(one.checklists for one in partners)])
    require_sites(registers.task, {name: by["E"] for name, by in counts.strata.items()})
    preview = _preview(registers.task, counts.strata)
    plan.eligible, plan.sites = preview.eligible, preview.sites

    db.add(plan)
    await journal.append(
        db,
        actor=officer.name,
        verb="plan.create",
        subject=plan.id,
        now=now,
        title=plan.title,
        division=plan.division,
        rate=f"{plan.rate_num}/{plan.rate_den}",
        minimum=plan.sites_min,
        scheme=canonical.digest(plan.scheme.encode()),
    )
    return await _view(db, plan, preview)


async def list_plans(db: Session, officer: Officer) -> list[PlanView]:
    """List the plans of the officer's division, newest first."""
    query = select(Plan).where(col(Plan.division).startswith(officer.division))
    plans = (await db.exec(query.order_by(col(Plan.created_at).desc(), Plan.id))).all()
    return [await _view(db, plan) for plan in plans]


async def show_plan(db: Session, plan_id: str, officer: Officer, *, now: datetime) -> PlanView:
    """Show one plan and its draws, and what its frame would be if it were frozen now."""
    plan = await find_plan(db, plan_id, officer)
    registers = frames.load(plan, now=now)
    counts = await frames.count(db, registers)
    return await _view(db, plan, _preview(registers.task, counts.strata))


async def find_plan(db: Session, plan_id: str, officer: Officer, *, lock: bool = False) -> Plan:
    """Load a plan that the officer may see; `lock` also asks whether the officer may act on it.

    A county sees what its province plans there, and acts only on what it planned itself.
    """
    plan = await db.get(Plan, plan_id, with_for_update=lock or None)
    if plan is None:
        raise Refused(Reason.PLAN_NOT_FOUND, plan=plan_id)
    may_see(officer, plan.division)
    if lock:
        may_see(officer, plan.agency)
    return plan


def require_sites(task: TaskPaper, eligible: Mapping[str, int]) -> None:
    """Refuse to draw more sites than exist, or none."""
    exist = sum(eligible.values())
    asked = max(task.total, task.minimum)
    if asked > exist:
        raise Refused(Reason.PLAN_TOO_MANY_SITES, asked=asked, exist=exist)
    least = sum(min(task.minimum, count) for count in eligible.values())
    if 0 < task.total < least:
        raise _wrong(scheme.Problem(
            "total", f"the strata have at least {least} between them",
            f"各层最少户数合计已达 {least}",
        ))  # fmt: skip
    allowed = scheme.most_allowed(task.dimensions(), task.quotas, task.at_most, eligible)
    given = bundle.most_of_each(task, eligible)
    for name, most in allowed.items():
        if given[name] > most:
            raise Refused(
                Reason.PLAN_BOUNDS_CROSS,
                stratum=name,
                least=given[name],
                most=most,
                eligible=eligible[name],
            )
    if bundle.most_lots(task, eligible) == 0:
        raise Refused(Reason.PLAN_DRAWS_NOBODY, eligible=exist)


def checklists_of(plan: Plan) -> dict[str, str]:
    """Read which checklist (digest) goes with which category, `*` for all others."""
    named: dict[str, str] = json.loads(plan.checklists)
    return named


def _preview(task: TaskPaper, counts: Mapping[str, Counter[str]]) -> Preview:
    eligible = {name: by_reason["E"] for name, by_reason in counts.items()}
    asked = bundle.asked(task, eligible)
    most = bundle.most_of_each(task, eligible)
    strata = [
        StratumView(
            stratum=name,
            eligible=eligible[name],
            excluded={one: n for one, n in sorted(counts[name].items()) if one != "E"},
            quota=str(asked[name]),
            most=most[name],
        )
        for name in sorted(counts, key=str.encode)
    ]
    return Preview(sum(eligible.values()), bundle.most_lots(task, eligible), strata)


async def _view(db: Session, plan: Plan, preview: Preview | None = None) -> PlanView:
    draws = await db.exec(select(Draw).where(Draw.plan_id == plan.id).order_by(col(Draw.seq)))
    given = frames.scheme_of(plan)
    return PlanView(
        id=plan.id,
        title=plan.title,
        division=plan.division,
        category=plan.category,
        checklists=checklists_of(plan),
        rate=(plan.rate_num, plan.rate_den),
        minimum=plan.sites_min,
        seats=plan.seats,
        qualification=plan.qualification,
        opens_on=plan.opens_on,
        closes_on=plan.closes_on,
        created_at=plan.created_at,
        eligible=preview.eligible if preview else plan.eligible,
        sites=preview.sites if preview else plan.sites,
        draws=[
            DrawSummary(
                row.id, row.seq, row.status, row.commit_hash, row.committed_at, row.drawn_at
            )
            for row in draws
        ],
        directed=bool(plan.category) or given.scope.directed(),
        parent=plan.parent_id or "",
        scheme=given,
        preview=preview.strata if preview else [],
        nested=await _nested(db, plan),
    )


async def _nested(db: Session, plan: Plan) -> list[NestedPlan]:
    """List the plans of a campaign by age, each with the state of its newest draw."""
    query = select(Plan).where(Plan.parent_id == plan.id).order_by(col(Plan.created_at), Plan.id)
    children = (await db.exec(query)).all()
    drawn = (
        select(Draw.plan_id, Draw.status)
        .join(Plan, col(Plan.id) == Draw.plan_id)
        .where(Plan.parent_id == plan.id)
        .order_by(col(Draw.seq))
    )
    status = dict((await db.exec(drawn)).all()) if children else {}
    return [
        NestedPlan(
            id=one.id,
            title=one.title,
            division=one.division,
            eligible=one.eligible,
            sites=one.sites,
            status=status.get(one.id, ""),
        )
        for one in children
    ]


def _require_checklists(categories: set[str], known: Iterable[Collection[str]]) -> None:
    """Refuse a plan in which something could be drawn that no checklist is for."""
    for checklists in known:
        uncovered = sorted(categories.difference(checklists)) if "*" not in checklists else []
        if uncovered:
            raise Refused(Reason.PLAN_CHECKLIST_MISSING, category=", ".join(uncovered[:10]))


async def released(db: Session, name: str) -> str:
    """Find a released checklist by its digest, or the newest of a code; give its digest."""
    return (await releases.find(db, Checklist, name)).digest


def _require_sense(new: NewPlan) -> None:
    if new.closes_on < new.opens_on:
        raise Refused(
            Reason.PLAN_DATES_REVERSED,
            opens_on=new.opens_on.isoformat(),
            closes_on=new.closes_on.isoformat(),
        )
    if new.rate[0] > new.rate[1]:
        raise Refused(Reason.PLAN_RATE_WRONG, rate=f"{new.rate[0]}/{new.rate[1]}")
    for text in (new.category, new.qualification, *new.checklists):
        _require_canonical(text)
    for text in _texts(msgspec.to_builtins(new.scheme)):
        _require_canonical(text)
    problem = scheme.problem_of(new.scheme, campaign=bool(new.parent))
    if problem is not None:
        raise _wrong(problem)


def _wrong(problem: scheme.Problem) -> Refused:
    return Refused(
        Reason.PLAN_SCHEME_WRONG, field=problem.field, problem=problem.en, problem_zh=problem.zh
    )


def _texts(value: object) -> Iterable[str]:
    """List every text in plain values, the names of fields too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in cast("dict[str, object]", value).items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _texts(one)


def plain_text(given: str) -> str:
    """Bring a text into the one form that is hashed, or refuse it."""
    text = unicodedata.normalize("NFC", given).strip()
    _require_canonical(text)
    if not text:
        raise Refused(Reason.TEXT_NOT_CANONICAL, problem="nothing but blanks")
    return text


def _require_canonical(text: str) -> None:
    try:
        canonical.optional_text(text)
    except NotCanonical as problem:
        raise Refused(Reason.TEXT_NOT_CANONICAL, problem=str(problem)) from None
