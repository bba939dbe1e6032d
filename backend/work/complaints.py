"""投诉举报: enter what a hotline passes on, work on it, and see what is overdue.

Nothing that names a person is taken: whoever complained is known to the hotline alone.
"""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules import complaints as rules
from backend.rules.calendar import local_day
from backend.rules.complaints import Kind, Row, State
from backend.rules.followup import Which
from backend.tables import Complaint, Establishment
from backend.wire import ComplaintsView, ComplaintView, NewComplaint, NewStep
from backend.work import news
from backend.work.calendars import working_days
from backend.work.code_lists import complaint_terms
from backend.work.listing import first
from sync.refusals import Reason, Refused

TOLD = ("kind", "channel", "division", "code", "place", "matter", "text", "received_on")


async def add_complaint(
    db: Session, new: NewComplaint, *, officer: Officer, now: datetime
) -> ComplaintView:
    """Enter a complaint; the same one again is the same, and changes nothing."""
    row = msgspec.convert(new, Row, from_attributes=True)
    await head(db)
    entered, _ = (await _enter(db, [row], officer=officer, now=now))[0]
    return _view(entered, await _name(db, entered), today=local_day(now))


async def import_complaints(
    db: Session, csv: str, *, officer: Officer, now: datetime
) -> ComplaintsView:
    """Enter the complaints of a file, all or none."""
    rows = rules.read(csv)
    await head(db)
    fresh = [new for _, new in await _enter(db, rows, officer=officer, now=now)]
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
    await _tell(db, [row], now)
    return _view(row, await _name(db, row), today=today)


async def list_complaints(
    db: Session, *, officer: Officer, which: Which, now: datetime
) -> list[ComplaintView]:
    """List the complaints of the officer's division: what falls due first comes first.

    Of too many to list the open ones that came first are listed, of all those that came last.
    """
    query = (
        select(Complaint, Establishment.name)
        .outerjoin(Establishment, col(Establishment.code) == Complaint.code)
        .where(col(Complaint.division).startswith(officer.division, autoescape=True))
    )
    if which == "all":
        query = query.order_by(col(Complaint.received_on).desc(), col(Complaint.number))
    else:
        query = query.order_by(col(Complaint.received_on), col(Complaint.number))
        query = query.where(col(Complaint.state).in_(("received", "accepted")))
    today = local_day(now)
    views = [_view(row, name or "", today=today) for row, name in await first(db, query)]
    return sorted(
        (one for one in views if one.overdue or which != "overdue"),
        key=lambda one: (one.due_on is None, one.due_on or one.received_on, one.number),
    )


async def _enter(
    db: Session, rows: Sequence[Row], *, officer: Officer, now: datetime
) -> list[tuple[Complaint, bool]]:
    """Give the complaints, and of each whether it is new."""
    named = select(Establishment).where(col(Establishment.code).in_({row.code for row in rows}))
    sites = {one.code: one for one in await db.exec(named)}
    told = select(Complaint).where(col(Complaint.number).in_({row.number for row in rows}))
    known = {one.number: one for one in await db.exec(told)}
    entered: list[tuple[Complaint, bool]] = []
    for row in rows:
        made = _complaint(row, sites.get(row.code), officer=officer, now=now)
        before = known.setdefault(row.number, made)
        if before is not made:
            may_see(officer, before.division)
            if other := [name for name in TOLD if getattr(before, name) != getattr(made, name)]:
                raise Refused(Reason.COMPLAINT_TAKEN, number=row.number, fields=" ".join(other))
        entered.append((before, before is made))

    fresh = [one for one, new in entered if new]
    db.add_all(fresh)
    for one in fresh:
        await journal.append(
            db,
            actor=officer.name,
            verb="complaint.enter",
            subject=one.number,
            now=now,
            code=one.code,
        )
    await _tell(db, fresh, now)
    return entered


def _complaint(
    row: Row, site: Establishment | None, *, officer: Officer, now: datetime
) -> Complaint:
    """Make a complaint, or refuse what names a person, nobody, or who is not the officer's."""
    if fields := rules.personal({"place": row.place, "matter": row.matter, "text": row.text}):
        raise Refused(Reason.COMPLAINT_PERSONAL, number=row.number, fields=fields)
    if row.code and site is None:
        raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, code=row.code)
    division = site.division if site else row.division
    may_see(officer, division)
    told = msgspec.structs.asdict(msgspec.structs.replace(row, division=division))
    return Complaint(**told, entered_by=officer.id, entered_at=now)


async def _tell(db: Session, those: Sequence[Complaint], now: datetime) -> None:
    """Tell those who are to go there."""
    codes = {one.code for one in those if one.code}
    if codes:
        places = select(Establishment.id).where(col(Establishment.code).in_(codes))
        await news.tell(db, *await db.exec(places), now=now)


async def _name(db: Session, row: Complaint) -> str:
    """Name the establishment, if it is registered."""
    query = select(Establishment.name).where(Establishment.code == row.code)
    return ((await db.exec(query)).first() or "") if row.code else ""


def _view(row: Complaint, name: str, *, today: date) -> ComplaintView:
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
    more = {
        "name": name,
        "next_step": clock.step,
        "due_on": clock.due_on,
        "overdue": clock.due_on is not None and clock.due_on < today,
        "provisional": clock.due_on is not None and not calendar.covers(clock.due_on),
    }
    return msgspec.convert(row.model_dump() | more, ComplaintView)


def _kind(row: Complaint) -> Kind:
    return next(one for one in rules.KINDS if one == row.kind)


def _state(row: Complaint) -> State:
    return next(one for one in rules.STATES if one == row.state)
