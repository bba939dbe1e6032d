"""催办: what has a day by which it is to be done, and the reminders of it.

A reminder is a row, written once for each step of a term; the office lists them, and those about
an inspection are on the devices of its inspectors. Nothing is sent.
"""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer
from backend.db import Session
from backend.rules.calendar import local_day
from backend.rules.followup import OVERDUE, SUSPENSION, steps_reached, terms_of
from backend.tables import (
    Conclusion,
    Establishment,
    Measure,
    Publication,
    Rectification,
    Remedy,
    Reminder,
    Risk,
    Task,
)
from backend.wire import ReminderView
from backend.work import cases, feed
from backend.work.calendars import terms, working_days
from backend.work.listing import first

SERVER = "server"
STUCK = "stuck"  # 无法安排: a recheck fell due and nobody could be given it
ON_DEVICES = ("order", "recheck")


class Dated(Struct, frozen=True):
    """有期限的事项: something that is to be done by a day."""

    kind: str
    subject: str
    due_on: date
    inspection: str
    place: Establishment

    @property
    def key(self) -> tuple[str, date]:
        """Name this term; another day is another term."""
        return self.subject, self.due_on


async def list_reminders(db: Session, officer: Officer) -> list[ReminderView]:
    """List the reminders of the division that still hold, the oldest term first."""
    query = (
        select(Reminder, Establishment)
        .join(Establishment, col(Establishment.id) == Reminder.establishment_id)
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
        .where(col(Reminder.cleared_on).is_(None))
        .order_by(col(Reminder.due_on), Reminder.subject_id, col(Reminder.written_on))
    )
    return [_view(row, place) for row, place in await first(db, query)]


async def remind(
    db: Session, dated: Iterable[Dated], now: datetime, *, most: int
) -> list[ReminderView]:
    """Write the reminders whose steps were reached and tell the journal what is overdue, once.

    Of more than about `most` the rest waits for the next time.
    """
    today, holding = local_day(now), list(dated)
    known = await _known(db, min((one.due_on for one in holding), default=today))
    written: list[ReminderView] = []
    for one in holding:
        if len(written) >= most:
            break
        rules = terms_of(terms(), one.place.division, today)
        for step in steps_reached(one.due_on, today, rules, working_days()):
            before = known.get((*one.key, step))
            if before is not None:
                if before.cleared_on is not None:  # it was done, and is not any more
                    before.cleared_on = None
                    db.add(before)
                    await _tell(db, before, one.place)
                continue
            written.append(await write(db, one, step, now))
            if step == OVERDUE:
                await journal.append(
                    db,
                    actor=SERVER,
                    verb=f"{one.kind}.overdue",
                    subject=one.subject,
                    now=now,
                    due_on=one.due_on.isoformat(),
                    inspection=one.inspection,
                )
    return written


async def write(
    db: Session, one: Dated, step: str, now: datetime, *, detail: str = ""
) -> ReminderView:
    """Write one reminder, and put it on the devices when it is about an inspection."""
    row = Reminder(
        subject_id=one.subject,
        due_on=one.due_on,
        step=step,
        kind=one.kind,
        inspection_id=one.inspection,
        establishment_id=one.place.id,
        written_on=local_day(now),
        detail=detail,
    )
    db.add(row)
    await _tell(db, row, one.place)
    return _view(row, one.place)


async def clear(db: Session, dated: Iterable[Dated], now: datetime) -> int:
    """Let go of the reminders of what is done, or has another day now; they stay on record."""
    holding, done = {one.key for one in dated}, 0
    for row in await db.exec(select(Reminder).where(col(Reminder.cleared_on).is_(None))):
        if (row.subject_id, row.due_on) in holding:
            continue
        row.cleared_on, done = local_day(now), done + 1
        db.add(row)
        if row.kind in ON_DEVICES:
            await feed.remove(db, f"i:{row.inspection_id}", "reminder", _entity(row))
    return done


async def waiting(db: Session) -> list[Dated]:
    """Find all that is to be done by a day and is not done yet."""
    return [
        *await _orders(db),
        *await _measures(db),
        *await _risks(db),
        *await rechecks(db),
        *await _publications(db),
    ]


async def rechecks(db: Session) -> list[Dated]:
    """List the rechecks that are on their way."""
    query = (
        select(Task, Establishment)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(Conclusion, col(Conclusion.inspection_id) == Task.id)
        .where(col(Task.draw_id).is_(None), Task.origin == "recheck")  # the first has an index
        .where(col(Task.withdrawn_at).is_(None))
        .where(col(Conclusion.inspection_id).is_(None))
        .order_by(col(Task.id))
    )
    return [
        Dated("recheck", task.id, task.closes_on, task.id, place)
        for task, place in await db.exec(query)
    ]


async def _orders(db: Session) -> list[Dated]:
    query = (
        select(Rectification, Establishment, Remedy)
        .join(Remedy, col(Remedy.order_id) == Rectification.id)
        .join(Task, col(Task.id) == Rectification.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(Remedy.status == "open", Remedy.failed_id == "")
        .order_by(col(Rectification.id), col(Remedy.due_on))
    )
    found = {
        (order.id, one.due_on): Dated("order", order.id, one.due_on, order.inspection_id, place)
        for order, place, one in await db.exec(query)
    }
    return list(found.values())


async def _measures(db: Session) -> list[Dated]:
    query = (
        select(Measure, Establishment)
        .join(Task, col(Task.id) == Measure.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(Measure.status == "open", Measure.kind != SUSPENSION)
        .order_by(col(Measure.id))
    )
    return [
        Dated("measure", row.id, row.due_on, row.inspection_id, place)
        for row, place in await db.exec(query)
        if row.due_on is not None
    ]


async def _risks(db: Session) -> list[Dated]:
    query = (
        select(Risk, Establishment)
        .join(Establishment, col(Establishment.id) == Risk.establishment_id)
        .where(col(Risk.closed_on).is_(None))
        .order_by(col(Risk.id))
    )
    return [
        Dated("risk", row.id, row.due_on, row.inspection_id, place)
        for row, place in await db.exec(query)
    ]


async def _publications(db: Session) -> list[Dated]:
    query = (
        select(Conclusion, Establishment)
        .join(Task, col(Task.id) == Conclusion.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(
            Publication,
            sa.and_(
                col(Publication.inspection_id) == Conclusion.inspection_id,
                col(Publication.n) == Conclusion.n,
            ),
        )
        .where(col(Publication.inspection_id).is_(None), col(Task.withdrawn_at).is_(None))
        .order_by(col(Conclusion.inspection_id))
    )
    return [
        Dated("publication", row.inspection_id, cases.publish_by(row), row.inspection_id, place)
        for row, place in await db.exec(query)
    ]


async def _known(db: Session, since: date) -> dict[tuple[str, date, str], Reminder]:
    rows = await db.exec(select(Reminder).where(Reminder.due_on >= since))
    return {(row.subject_id, row.due_on, row.step): row for row in rows}


async def _tell(db: Session, row: Reminder, place: Establishment) -> None:
    """Put a reminder on the devices; of a term they show the newest step."""
    if row.kind in ON_DEVICES and row.step != STUCK:
        body = msgspec.json.encode(_view(row, place))
        await feed.put(db, f"i:{row.inspection_id}", "reminder", _entity(row), body)


def _entity(row: Reminder) -> str:
    return f"{row.subject_id}:{row.due_on}"


def _view(row: Reminder, place: Establishment) -> ReminderView:
    return ReminderView(
        kind=row.kind,
        subject=row.subject_id,
        inspection=row.inspection_id,
        code=place.code,
        name=place.name,
        step=row.step,
        due_on=row.due_on,
        written_on=row.written_on,
        detail=row.detail,
    )
