"""抽查计划: making plans and looking at them."""

import json
import unicodedata
from datetime import datetime

from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import canonical
from backend.rules.canonical import NotCanonical
from backend.rules.draw import allocate
from backend.tables import Checklist, Draw, Establishment, Plan
from backend.wire import DrawSummary, NewPlan, PlanView
from sync.refusals import Reason, Refused

RESERVE_RATE = (1, 5)  # reserves behind every lot: a fifth, at least three
RESERVE_MINIMUM = 3


async def create_plan(db: Session, new: NewPlan, *, officer: Officer, now: datetime) -> PlanView:
    """Create a plan that could be drawn today; `checklists` may name a code for its newest."""
    may_see(officer, new.division)
    _require_sense(new)
    checklists = {key: await _released(db, name) for key, name in new.checklists.items()}
    categories = await _categories(db, new.division, new.category)
    uncovered = sorted(categories.keys() - checklists.keys()) if "*" not in checklists else []
    if uncovered:
        raise Refused(Reason.PLAN_CHECKLIST_MISSING, category=", ".join(uncovered[:10]))
    require_sites(eligible=sum(categories.values()), minimum=new.minimum)

    plan = Plan(
        title=plain_text(new.title),
        agency=officer.division,
        division=new.division,
        category=new.category,
        checklists=json.dumps(checklists, ensure_ascii=False, sort_keys=True),
        rate_num=new.rate[0],
        rate_den=new.rate[1],
        sites_min=new.minimum,
        seats=new.seats,
        qualification=new.qualification,
        opens_on=new.opens_on,
        closes_on=new.closes_on,
        created_by=officer.id,
        created_at=now,
    )

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
    )
    return await _view(db, plan)


async def list_plans(db: Session, officer: Officer) -> list[PlanView]:
    """List the plans of the officer's division, newest first."""
    query = select(Plan).where(col(Plan.division).startswith(officer.division))
    plans = (await db.exec(query.order_by(col(Plan.created_at).desc(), Plan.id))).all()
    return [await _view(db, plan) for plan in plans]


async def show_plan(db: Session, plan_id: str, officer: Officer) -> PlanView:
    """Show one plan and its draws."""
    return await _view(db, await find_plan(db, plan_id, officer))


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


def require_sites(*, eligible: int, minimum: int) -> None:
    """Refuse to draw more sites than exist, or any from none."""
    if minimum > eligible:
        raise Refused(Reason.PLAN_TOO_MANY_SITES, asked=minimum, exist=eligible)


def sites_of(plan: Plan, eligible: int) -> int:
    """Compute how many sites a plan draws from so many."""
    shares = allocate(
        {"all": eligible},
        rate=(plan.rate_num, plan.rate_den),
        minimum=plan.sites_min,
        reserve_rate=RESERVE_RATE,
        reserve_minimum=RESERVE_MINIMUM,
    )
    return shares["all"].primary


def checklists_of(plan: Plan) -> dict[str, str]:
    """Read which checklist (digest) goes with which category, `*` for all others."""
    named: dict[str, str] = json.loads(plan.checklists)
    return named


async def _view(db: Session, plan: Plan) -> PlanView:
    eligible = sum((await _categories(db, plan.division, plan.category)).values())
    draws = await db.exec(select(Draw).where(Draw.plan_id == plan.id).order_by(col(Draw.seq)))
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
        eligible=eligible,
        sites=sites_of(plan, eligible),
        draws=[
            DrawSummary(
                row.id, row.seq, row.status, row.commit_hash, row.committed_at, row.drawn_at
            )
            for row in draws
        ],
    )


async def _categories(db: Session, division: str, category: str) -> dict[str, int]:
    query = (
        select(Establishment.category, func.count())
        .where(Establishment.status == "active")
        .where(col(Establishment.division).startswith(division))
        .group_by(Establishment.category)
    )
    if category:
        query = query.where(Establishment.category == category)
    return dict((await db.exec(query)).all())


async def _released(db: Session, name: str) -> str:
    found = await db.get(Checklist, name)
    if found is None:
        query = select(Checklist).where(Checklist.code == name)
        newest = query.order_by(col(Checklist.released_at).desc(), col(Checklist.version).desc())
        found = (await db.exec(newest)).first()
    if found is None:
        raise Refused(Reason.CHECKLIST_NOT_FOUND, checklist=name)
    return found.digest


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
