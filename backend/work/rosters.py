"""人员名录: reading the registers for a plan: who may inspect, and whom not."""

from collections.abc import Iterable
from datetime import date, timedelta

import sqlalchemy
from sqlmodel import and_, col, func, or_, select

from backend.db import Session
from backend.rules import ladder
from backend.rules.papers import RosterLine
from backend.tables import (
    Draw,
    Establishment,
    Inspection,
    Inspector,
    Leave,
    Plan,
    Recusal,
    Seat,
    Task,
)
from backend.work import frames

RECUSED = "R01"  # 回避; the grounds stay in the office's register


async def roster(db: Session, plan: Plan) -> list[RosterLine]:
    """List the agency's active inspectors, each with the seats that other tasks and leave left."""
    query = select(Inspector).where(
        Inspector.active, col(Inspector.division).startswith(plan.agency)
    )
    taken = (
        select(Seat.inspector_id, func.count())
        .join(Task, col(Task.id) == Seat.task_id)
        .outerjoin(Draw, col(Draw.id) == Task.draw_id)
        .where(or_(col(Task.draw_id).is_(None), Draw.status == "drawn"))
        .where(Task.closes_on >= plan.opens_on, Task.opens_on <= plan.closes_on)
        .group_by(col(Seat.inspector_id))
    )
    busy = dict((await db.exec(taken)).all())
    absent = await _absent(db, plan)
    days = (plan.closes_on - plan.opens_on).days + 1
    districted = frames.scheme_of(plan).staffing.districts != "any"
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
    if frames.scheme_of(plan).staffing.last_visit:
        found += [(code, who, ladder.LAST_VISIT) for code, who in await _last_visits(db, plan)]
    known = {one.inspector for one in inspectors}
    return [one for one in found if one[1] in known]


async def _last_visits(db: Session, plan: Plan) -> list[tuple[str, str]]:
    """List who sat in the last task of each establishment before this plan, drawn or begun."""
    query = (
        sqlalchemy.select(col(Establishment.code), col(Task.id), col(Inspector.certificate))
        .select_from(Seat)
        .join(Task, col(Task.id) == Seat.task_id)
        .outerjoin(Draw, col(Draw.id) == Task.draw_id)
        .outerjoin(Inspection, col(Inspection.id) == Task.id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Inspector, col(Inspector.id) == Seat.inspector_id)
        .where(col(Establishment.division).startswith(plan.division))
        .where(
            or_(
                and_(col(Draw.status) == "drawn", col(Draw.plan_id) != plan.id),
                and_(col(Task.draw_id).is_(None), col(Inspection.id).is_not(None)),
            )
        )
        .order_by(func.coalesce(col(Draw.drawn_at), col(Task.dispatched_at)), col(Task.id))
    )
    last: dict[str, tuple[str, list[str]]] = {}
    for code, task_id, who in (await (await db.connection()).execute(query)).all():
        if code not in last or last[code][0] != task_id:
            last[code] = (task_id, [])
        last[code][1].append(who)
    return [(code, who) for code, (_, those) in last.items() for who in those]
