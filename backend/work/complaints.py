"""投诉举报: enter what a hotline passes on, work on it, and see what is overdue.

Nothing that names a person is taken: whoever complained is known to the hotline alone.
"""

from datetime import date, datetime
from typing import Literal

from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules import complaints as rules
from backend.rules.calendar import local_day
from backend.rules.complaints import Kind, Row, State
from backend.tables import Complaint, Establishment
from backend.wire import ComplaintsView, ComplaintView, NewComplaint, NewStep
from backend.work import news
from backend.work.calendars import working_days
from backend.work.code_lists import complaint_terms
from sync.refusals import Reason, Refused

LISTED_MAX = 1000
TOLD = ("kind", "channel", "division", "code", "place", "matter", "text", "received_on")


async def add_complaint(
    db: Session, new: NewComplaint, *, officer: Officer, now: datetime
) -> ComplaintView:
    """Enter a complaint; the same one again is the same, and changes nothing."""
    row = Row(
        number=new.number,
        kind=new.kind,
        channel=new.channel,
        received_on=new.received_on,
        matter=new.matter,
        code=new.code,
        place=new.place,
        division=new.division,
        text=new.text,
    )
    await head(db)
    entered, _ = await _enter(db, row, officer=officer, now=now)
    return await _view(db, entered, today=local_day(now))


async def import_complaints(
    db: Session, csv: str, *, officer: Officer, now: datetime
) -> ComplaintsView:
    """Enter the complaints of a file, all or none."""
    rows = rules.read(csv)
    await head(db)
    fresh = [(await _enter(db, row, officer=officer, now=now))[1] for row in rows]
    return ComplaintsView(entered=sum(fresh), unchanged=len(fresh) - sum(fresh))


async def take_step(db: Session, new: NewStep, *, officer: Officer, now: datetime) -> ComplaintView:
    """Accept, reject, extend or close a complaint."""
    await head(db)
    query = select(Complaint).where(Complaint.number == new.number)
    row = (await db.exec(query)).first()
    if row is None:
        raise Refused(Reason.COMPLAINT_NOT_FOUND, number=new.number)
    may_see(officer, row.division)
    if fields := rules.personal({"answer": new.answer}):
        raise Refused(Reason.COMPLAINT_PERSONAL, fields=fields)
    state = rules.after(
        _kind(row), _state(row), new.step, extended=bool(row.extended_for), why=new.answer
    )

    row.state, today = state, local_day(now)
    if new.step == "accept":
        row.accepted_on = today
    elif new.step == "extend":
        row.extended_for = new.answer.strip()[:300]
    else:
        row.closed_on, row.answer = today, new.answer.strip()

    db.add(row)
    await journal.append(
        db, actor=officer.name, verb=f"complaint.{new.step}", subject=row.number, now=now
    )
    await _news(db, row, now)
    return await _view(db, row, today=today)


async def list_complaints(
    db: Session, *, officer: Officer, which: Literal["open", "overdue", "all"], now: datetime
) -> list[ComplaintView]:
    """List the complaints of the officer's division: what falls due first comes first."""
    query = (
        select(Complaint)
        .where(col(Complaint.division).startswith(officer.division, autoescape=True))
        .order_by(col(Complaint.received_on), col(Complaint.number))
        .limit(LISTED_MAX)
    )
    if which != "all":
        query = query.where(col(Complaint.state).in_(("received", "accepted")))
    today = local_day(now)
    views = [await _view(db, row, today=today) for row in await db.exec(query)]
    return sorted(
        (one for one in views if one.overdue or which != "overdue"),
        key=lambda one: (one.due_on is None, one.due_on or one.received_on, one.number),
    )


async def _enter(
    db: Session, row: Row, *, officer: Officer, now: datetime
) -> tuple[Complaint, bool]:
    """Give the complaint and whether it is new."""
    if fields := rules.personal({"place": row.place, "matter": row.matter, "text": row.text}):
        raise Refused(Reason.COMPLAINT_PERSONAL, number=row.number, fields=fields)
    division = row.division
    if row.code:
        site = (await db.exec(select(Establishment).where(Establishment.code == row.code))).first()
        if site is None:
            raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, code=row.code)
        division = site.division
    may_see(officer, division)
    made = Complaint(
        number=row.number,
        kind=row.kind,
        channel=row.channel,
        division=division,
        code=row.code,
        place=row.place,
        matter=row.matter,
        text=row.text,
        received_on=row.received_on,
        entered_by=officer.id,
        entered_at=now,
    )
    query = select(Complaint).where(Complaint.number == row.number)
    known = (await db.exec(query)).first()
    if known is not None:
        may_see(officer, known.division)
        if other := [name for name in TOLD if getattr(known, name) != getattr(made, name)]:
            raise Refused(Reason.COMPLAINT_TAKEN, number=row.number, fields=" ".join(other))
        return known, False
    db.add(made)
    await db.flush()
    await journal.append(
        db, actor=officer.name, verb="complaint.enter", subject=made.number, now=now, code=made.code
    )
    await _news(db, made, now)
    return made, True


async def _news(db: Session, row: Complaint, now: datetime) -> None:
    """Tell those who are to go there."""
    if row.code:
        query = select(Establishment.id).where(Establishment.code == row.code)
        for place in list(await db.exec(query)):
            await news.tell(db, place, now=now)


async def _view(db: Session, row: Complaint, *, today: date) -> ComplaintView:
    name = ""
    if row.code:
        query = select(Establishment.name).where(Establishment.code == row.code)
        name = (await db.exec(query)).first() or ""
    calendar = working_days()
    clock = rules.clock(
        _kind(row),
        _state(row),
        received_on=row.received_on,
        accepted_on=row.accepted_on,
        extended=bool(row.extended_for),
        terms=rules.terms_of(complaint_terms(), row.division, row.received_on),
        calendar=calendar,
    )
    return ComplaintView(
        number=row.number,
        kind=_kind(row),
        channel=next(one for one in rules.CHANNELS if one == row.channel),
        division=row.division,
        code=row.code,
        name=name,
        place=row.place,
        matter=row.matter,
        text=row.text,
        received_on=row.received_on,
        state=_state(row),
        accepted_on=row.accepted_on,
        extended_for=row.extended_for,
        closed_on=row.closed_on,
        answer=row.answer,
        next_step=clock.step,
        due_on=clock.due_on,
        overdue=clock.due_on is not None and clock.due_on < today,
        provisional=clock.due_on is not None and not calendar.covers(clock.due_on),
    )


def _kind(row: Complaint) -> Kind:
    return next(one for one in rules.KINDS if one == row.kind)


def _state(row: Complaint) -> State:
    return next(one for one in rules.STATES if one == row.state)
