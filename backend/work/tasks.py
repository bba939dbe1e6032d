"""检查任务: what a draw gave to whom, and sending it to their devices."""

from datetime import datetime

import msgspec
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer
from backend.db import Session
from backend.tables import Checklist, Draw, Establishment, Inspector, Plan, Task
from backend.wire import Dispatched, DrawnBy, OnSite, SiteView, TaskView
from backend.work import feed, plans
from sync.refusals import Reason, Refused


async def list_tasks(db: Session, plan_id: str, officer: Officer) -> list[TaskView]:
    """List the tasks of a plan's draw by their place in it."""
    plan = await plans.find_plan(db, plan_id, officer)
    return [view for _, view in await _tasks(db, plan)]


async def dispatch(db: Session, plan_id: str, *, officer: Officer, now: datetime) -> Dispatched:
    """Send every task of the plan's draw to its two inspectors; again sends only what is new."""
    plan = await plans.find_plan(db, plan_id, officer, lock=True)
    tasks = await _tasks(db, plan)
    if not tasks:
        raise Refused(Reason.DRAW_NOT_HELD, plan=plan.id)
    waiting = [(task, view) for task, view in tasks if task.dispatched_at is None]

    needs = sorted(
        {
            (who, task.checklist_digest)
            for task, _ in waiting
            for who in (task.lead_id, task.second_id)
        }
    )

    for inspector_id, digest in needs:
        body = (await db.get_one(Checklist, digest)).body
        await feed.put(db, f"u:{inspector_id}", "checklist", digest, body.encode())
    for task, view in waiting:
        task.dispatched_at = now
        db.add(task)
        body_sent = msgspec.json.encode(msgspec.structs.replace(view, dispatched_at=now))
        await feed.put(db, f"i:{task.id}", "task", task.id, body_sent)
        for inspector_id in (task.lead_id, task.second_id):
            await feed.join(db, inspector_id, f"i:{task.id}")
    if waiting:
        await journal.append(
            db,
            actor=officer.name,
            verb="plan.dispatch",
            subject=plan.id,
            now=now,
            tasks=len(waiting),
        )
    return Dispatched(now=len(waiting), total=len(tasks))


async def _tasks(db: Session, plan: Plan) -> list[tuple[Task, TaskView]]:
    query = (
        select(Task, Establishment, Draw)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .where(Task.plan_id == plan.id, Draw.status == "drawn")
        .order_by(col(Task.place))
    )
    rows = (await db.exec(query)).all()
    seated = select(Inspector).where(
        col(Inspector.id).in_(select(Task.lead_id).where(Task.plan_id == plan.id))
        | col(Inspector.id).in_(select(Task.second_id).where(Task.plan_id == plan.id))
    )
    known = {one.id: OnSite(one.id, one.name, one.certificate) for one in await db.exec(seated)}
    return [(task, _view(plan, task, site, drawn, known)) for task, site, drawn in rows]


def _view(
    plan: Plan, task: Task, site: Establishment, drawn: Draw, known: dict[str, OnSite]
) -> TaskView:
    return TaskView(
        id=task.id,
        plan=plan.id,
        place=task.place,
        establishment=msgspec.convert(site, SiteView, from_attributes=True),
        checklist=task.checklist_digest,
        lead=known[task.lead_id],
        second=known[task.second_id],
        opens_on=plan.opens_on,
        closes_on=plan.closes_on,
        draw=DrawnBy(drawn.id, drawn.commit_hash, drawn.bundle_sha256 or ""),
        dispatched_at=task.dispatched_at,
    )
