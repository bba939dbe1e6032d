"""检查任务: who is to visit whom, drawn or not, and sending it to the devices of all who go."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import scheme
from backend.rules.calendar import local_day
from backend.tables import Checklist, Draw, Establishment, Inspector, Plan, Relief, Seat, Task
from backend.wire import Dispatched, DrawnBy, OnSite, SeatView, SiteView, TaskView
from backend.work import draws, feed, frames, histories, mergers, overlaps, plans
from sync.checklist import asks_of
from sync.origins import origin_of
from sync.refusals import Reason, Refused

SHOWN_MAX = 20


async def list_tasks(
    db: Session, plan_id: str, officer: Officer, *, now: datetime
) -> list[TaskView]:
    """List the tasks of a plan's draw by their place in it; of a sealed one, to its agency only."""
    plan = await plans.find_plan(db, plan_id, officer)
    drawn = select(Draw).where(Draw.plan_id == plan.id, Draw.status == "drawn")
    if any([draws.sealed(row, now) for row in await db.exec(drawn)]):
        may_see(officer, plan.agency)
    return [view for _, view in await tasks_of(db, plan)]


async def dispatch(db: Session, plan_id: str, *, officer: Officer, now: datetime) -> Dispatched:
    """Send every task of the plan's draw to all its inspectors; again sends only what is new."""
    plan = await plans.find_plan(db, plan_id, officer, lock=True)
    tasks = await tasks_of(db, plan)
    if not tasks:
        raise Refused(Reason.DRAW_NOT_HELD, plan=plan.id)
    waiting = [(task, view) for task, view in tasks if task.dispatched_at is None]
    drawn = select(Draw).where(Draw.plan_id == plan.id, Draw.status == "drawn")
    row = (await db.exec(drawn)).one()
    if over := await overlaps.used_up(db, row, now=now, waiting=True):
        names = sorted({name for _, drawn in over.values() for name in drawn.split(",")})
        raise Refused(
            Reason.DRAW_OVER_CAP,
            draw=row.id,
            sites=", ".join(sorted(over)[:SHOWN_MAX]),
            count=len(over),
            draws=", ".join(names[:SHOWN_MAX]),
            reasons=", ".join(sorted({reason for reason, _ in over.values()})),
        )

    again = await histories.must_again(db, [task for task, _ in waiting])
    sent: list[tuple[Task, TaskView]] = []
    for task, view in waiting:
        must = again[task.id]
        task.dispatched_at, task.must = now, msgspec.json.encode(must).decode()
        sent.append((task, msgspec.structs.replace(view, dispatched_at=now, must=list(must))))
    await send(db, sent, now=now)
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


async def send(db: Session, those: Sequence[tuple[Task, TaskView]], *, now: datetime) -> None:
    """Put tasks on the devices of all who go, as they are now, with what is known of the places."""
    needs = sorted(
        {
            (seat.inspector.id, other.checklist)
            for _, view in those
            for seat in view.seats
            for other in view.seats
        }
    )
    for inspector_id, digest in needs:
        body = (await db.get_one(Checklist, digest)).body
        await feed.put(db, f"u:{inspector_id}", "checklist", digest, body.encode())
    known = await histories.dossiers(db, [task for task, _ in those], today=local_day(now))
    for task, plain in those:
        view = msgspec.structs.replace(
            plain, history=known[task.id].history, returned=known[task.id].returned
        )
        db.add(task)
        await feed.put(db, f"i:{task.id}", "task", task.id, msgspec.json.encode(view))
        for inspector_id in sorted({seat.inspector.id for seat in view.seats}):
            await feed.join(db, inspector_id, f"i:{task.id}")


async def seat(db: Session, task: Task, partners: Sequence[Seat] = (), *, now: datetime) -> None:
    """Keep a new task that no draw made, seat all who go, and send it to their devices.

    Partners have the places that they had on another visit.
    """
    db.add(task)
    await db.flush()
    for position, inspector_id in zip(
        scheme.DEFAULT_SEATS, (task.lead_id, task.second_id), strict=True
    ):
        db.add(
            Seat(
                task_id=task.id,
                department=frames.ANY,
                position=position.name,
                inspector_id=inspector_id,
                checklist_digest=task.checklist_digest,
            )
        )
    for one in partners:
        db.add(Seat(**one.model_dump() | {"task_id": task.id}))
    await db.flush()
    await send(db, await views(db, Task.id == task.id), now=now)


async def withdraw(db: Session, task: Task, now: datetime) -> None:
    """Take a task from the devices; what was recorded for it stays, and may still arrive."""
    seats = list(await db.exec(select(Seat).where(Seat.task_id == task.id)))
    for seat in seats:
        await relieve(db, task, seat, now)
        await db.delete(seat)
    task.withdrawn_at = now
    db.add(task)
    await feed.remove(db, f"i:{task.id}", "task", task.id)
    for inspector_id in sorted({seat.inspector_id for seat in seats}):
        await feed.leave(db, inspector_id, f"i:{task.id}")


async def relieve(db: Session, task: Task, seat: Seat, now: datetime) -> str:
    """Keep who held a seat; give the role that it was in the inspection."""
    roles = {task.lead_id: "lead", task.second_id: "second"}
    role = roles.get(seat.inspector_id, "")
    db.add(
        Relief(
            task_id=task.id,
            department=seat.department,
            position=seat.position,
            inspector_id=seat.inspector_id,
            role=role,
            at=now,
        )
    )
    await db.flush()
    return role


async def tasks_of(db: Session, plan: Plan) -> list[tuple[Task, TaskView]]:
    """List the tasks in force of a plan's draw, with what is told of them."""
    return await views(db, Task.plan_id == plan.id, Draw.status == "drawn")


async def views(
    db: Session, *conditions: ColumnElement[bool] | bool
) -> list[tuple[Task, TaskView]]:
    """List the tasks in force that meet conditions on Task, Draw or Establishment, by place."""
    wanted = (*conditions, col(Task.withdrawn_at).is_(None))
    query = (
        select(Task, Establishment, Draw)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(Draw, col(Draw.id) == Task.draw_id)
        .where(*wanted)
        .order_by(col(Task.place), col(Task.id))
    )
    rows = (await db.exec(query)).all()
    seated = (
        select(Seat, Inspector)
        .join(Inspector, col(Inspector.id) == Seat.inspector_id)
        .join(Task, col(Task.id) == Seat.task_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(Draw, col(Draw.id) == Task.draw_id)
        .where(*wanted)
        .order_by(Seat.department, Seat.position)
    )
    seats: dict[str, list[SeatView]] = {}
    for seat, one in await db.exec(seated):
        who = OnSite(one.id, one.name, one.certificate)
        view = SeatView(seat.department, seat.position, who, seat.checklist_digest)
        seats.setdefault(seat.task_id, []).append(view)
    sites = await mergers.followed(db, [(task, site) for task, site, _ in rows])
    return [(task, _view(task, sites[task.id], drawn, seats[task.id])) for task, _, drawn in rows]


def _view(task: Task, site: Establishment, drawn: Draw | None, seats: list[SeatView]) -> TaskView:
    known = {seat.inspector.id: seat.inspector for seat in seats}
    lead = next(seat.department for seat in seats if seat.inspector.id == task.lead_id)
    chosen = DrawnBy(drawn.id, drawn.commit_hash, drawn.bundle_sha256 or "") if drawn else None
    return TaskView(
        id=task.id,
        plan=task.plan_id or "",
        place=task.place,
        establishment=msgspec.convert(site, SiteView, from_attributes=True),
        checklist=task.checklist_digest,
        lead=known[task.lead_id],
        second=known[task.second_id],
        opens_on=task.opens_on,
        closes_on=task.closes_on,
        draw=chosen,
        dispatched_at=task.dispatched_at,
        seats=sorted(seats, key=lambda seat: seat.department != lead),
        origin=origin_of(task.origin),
        must=msgspec.json.decode(task.must, type=list[str]),
        asks=asks_of(task.asks),
        reason=task.reason,
        reference=task.reference,
        follows=task.follows_id or "",
        part_of=task.part_of or "",
        announced=task.announced,
    )
