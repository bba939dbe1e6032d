"""到期办理: do what has fallen due; nothing is queued (decision 0010).

What there is to do follows from the rows and from `now`, so that a second tick at the same moment
finds nothing, and two at once do each thing once: the second waits for the first.
"""

from datetime import date, datetime, timedelta

import msgspec
from msgspec import Struct
from sqlmodel import col, select

from backend.db import Session, head
from backend.rules.calendar import due, local_day
from backend.rules.followup import OVERDUE, SUSPENSION, terms_of
from backend.tables import (
    Establishment,
    Inspector,
    Measure,
    Rectification,
    Remedy,
    Reminder,
    Seat,
    Task,
)
from backend.wire import ReminderView, Ticked
from backend.work import assignments, cases, reminders, upkeep
from backend.work.calendars import terms, working_days
from backend.work.reminders import STUCK, Dated
from backend.work.snapshots import Snapshots
from sync import checklist
from sync.refusals import Refused

ACTS_MAX = 200  # in one transaction: nobody can push while it lasts
WHY = "整改期满复查 / recheck of what was ordered"


class Owed(Struct):
    """待复查: an inspection whose items are to be looked at again, and from which day."""

    task: Task
    place: Establishment
    due_on: date
    from_on: date
    items: set[str]


async def tick(
    db: Session, snapshots: Snapshots, now: datetime, *, ahead: date | None = None
) -> Ticked:
    """Make rechecks, write reminders, tell the journal what is overdue, forget what is old.

    `ahead`: also make the rechecks that will be owed by the end of that day, before a holiday for
    instance; they open when they are owed. Nothing else is done before its time. One tick does
    about ACTS_MAX things, for nothing else arrives meanwhile; after a `full` one tick again.
    """
    await head(db)  # first: two ticks follow each other, and nothing arrives meanwhile
    made: list[str] = []
    stuck: list[str] = []
    written: list[ReminderView] = []
    for owed in await _owed(db, max(local_day(now), ahead or date.min)):
        if len(made) + len(stuck) >= ACTS_MAX:
            break
        try:
            made.append((await _recheck(db, owed, now)).id)
        except Refused as refused:
            one = Dated("order", owed.task.id, owed.due_on, owed.task.id, owed.place)
            if await db.get(Reminder, (*one.key, STUCK)) is None:
                stuck.append(owed.task.id)
                written.append(
                    await reminders.write(db, one, STUCK, now, detail=refused.reason.code)
                )
    await db.flush()
    waiting = await reminders.waiting(db)
    owing = [
        Dated("order", one.task.id, one.due_on, one.task.id, one.place)
        for one in await _owed(db, local_day(now))
    ]
    cleared = await reminders.clear(db, [*waiting, *owing], now)
    written += await reminders.remind(db, waiting, now, most=ACTS_MAX)
    expired = await upkeep.expire(db, snapshots, now)
    return Ticked(
        rechecks=tuple(made),
        stuck=tuple(stuck),
        overdue=tuple(one for one in written if one.step == OVERDUE),
        reminders=len(written),
        cleared=cleared,
        publications=sum(one.kind == "publication" for one in written),
        tombstones=expired.tombstones,
        snapshots=expired.snapshots,
    )


def full(done: Ticked) -> bool:
    """Tell whether a tick did as much as one does, so that there may be more."""
    return max(len(done.rechecks) + len(done.stuck), done.reminders) >= ACTS_MAX


def both(first: Ticked, then: Ticked) -> Ticked:
    """Add up what two ticks did, one after the other."""
    return Ticked(
        rechecks=first.rechecks + then.rechecks,
        stuck=first.stuck + then.stuck,
        overdue=first.overdue + then.overdue,
        reminders=first.reminders + then.reminders,
        cleared=first.cleared + then.cleared,
        publications=first.publications + then.publications,
        tombstones=first.tombstones + then.tombstones,
        snapshots=first.snapshots + then.snapshots,
        prepared=first.prepared + then.prepared,
        hashed=first.hashed + then.hashed,
    )


async def _recheck(db: Session, owed: Owed, now: datetime) -> Task:
    """Send those who asked for it again, with what is owed as mandatory items."""
    case = await cases.load(db, owed.task.id)
    rules = terms_of(terms(), owed.place.division, local_day(now))
    calendar, start = working_days(), max(local_day(now), owed.from_on)
    theirs = {
        digest
        for digest, form in case.brought.items()
        if any(checklist.named(form, item.ref) in owed.items for item in form.items)
    }
    seats = select(Seat).where(Seat.task_id == owed.task.id, col(Seat.checklist_digest).in_(theirs))
    return await assignments.assign(
        db,
        establishment=owed.place,
        checklist=checklist.digest(case.checklist),
        lead=await db.get_one(Inspector, owed.task.lead_id),
        second=await db.get_one(Inspector, owed.task.second_id),
        origin="recheck",
        opens_on=start if calendar.works(start) else due(start, 1, calendar),
        closes_on=due(start, rules.recheck_days, calendar),
        follows=owed.task.id,
        must=[name for name in case.items if name in owed.items],
        reason=WHY,
        partners=list(await db.exec(seats)),
        officer=None,
        now=now,
    )


async def _owed(db: Session, today: date) -> list[Owed]:
    """Find what is to be checked again by a day, where no recheck is on its way."""
    found: dict[str, Owed] = {}

    def owing(task: Task, place: Establishment, due_on: date, from_on: date) -> Owed:
        owed = found.setdefault(task.id, Owed(task, place, due_on, from_on, set()))
        owed.due_on, owed.from_on = min(owed.due_on, due_on), min(owed.from_on, from_on)
        return owed

    for task, place, one in await _past(db, today):
        owing(task, place, one.due_on, one.due_on + timedelta(days=1)).items.add(one.item)
    for task, place, row in await _stopped(db):
        rules = terms_of(terms(), place.division, row.opened_on)
        since = due(row.opened_on, rules.suspension_days, working_days())
        if since <= today:
            owing(task, place, since, since).items.update(await _unchecked(db, row))
    under_way = {one.place.id for one in await reminders.rechecks(db)}
    return [one for one in found.values() if one.place.id not in under_way]


async def _past(db: Session, today: date) -> list[tuple[Task, Establishment, Remedy]]:
    """List the open items whose terms have passed, and which no later order asks for anew."""
    query = (
        select(Task, Establishment, Remedy)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Rectification, col(Rectification.inspection_id) == Task.id)
        .join(Remedy, col(Remedy.order_id) == Rectification.id)
        .where(Remedy.status == "open", Remedy.failed_id == "", col(Remedy.due_on) < today)
        .order_by(col(Task.id), Remedy.item)
    )
    return list((await db.exec(query)).all())


async def _stopped(db: Session) -> list[tuple[Task, Establishment, Measure]]:
    """List where business is stopped."""
    query = (
        select(Task, Establishment, Measure)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Measure, col(Measure.inspection_id) == Task.id)
        .where(Measure.kind == SUSPENSION, Measure.status == "open")
        .order_by(col(Task.id))
    )
    return list((await db.exec(query)).all())


async def _unchecked(db: Session, row: Measure) -> set[str]:
    """Name the items that business was stopped for and no later visit found to comply."""
    query = (
        select(Remedy.item)
        .join(Rectification, col(Rectification.id) == Remedy.order_id)
        .where(Rectification.inspection_id == row.inspection_id, Remedy.checked_id != "")
    )
    checked = set(await db.exec(query))
    return set(msgspec.json.decode(row.items, type=list[str])) - checked
