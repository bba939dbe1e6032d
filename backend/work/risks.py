"""风险清单: risks of establishments, each with who sees to it, how, and by when."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules.calendar import local_day
from backend.rules.followup import LEVELS, Which
from backend.tables import Establishment, Risk, Task
from backend.wire import CloseRisk, NewRisk, RiskView, text_view
from backend.work.listing import first
from sync.refusals import Reason, Refused


async def enter_risk(db: Session, new: NewRisk, *, officer: Officer, now: datetime) -> RiskView:
    """Enter a risk; it may come from an inspection of that establishment."""
    place = (await db.exec(select(Establishment).where(Establishment.code == new.code))).first()
    if place is None:
        raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, code=new.code)
    may_see(officer, place.division)
    if new.inspection:
        task = await db.get(Task, new.inspection)
        if task is None or task.establishment_id != place.id:
            raise Refused(Reason.INSPECTION_NOT_FOUND, inspection=new.inspection)

    row = Risk(
        establishment_id=place.id,
        inspection_id=new.inspection,
        item=new.item,
        level=new.level,
        owner=new.owner,
        measure=new.measure,
        due_on=new.due_on,
        entered_by=officer.id,
        at=now,
    )

    db.add(row)
    await journal.append(
        db, actor=officer.name, verb="risk.enter", subject=row.id, now=now,
        code=place.code, level=row.level, due_on=row.due_on.isoformat(),
    )  # fmt: skip
    await db.flush()
    return _view(row, place, local_day(now))


async def close_risk(
    db: Session, risk_id: str, new: CloseRisk, *, officer: Officer, now: datetime
) -> RiskView:
    """Take a risk off the list, saying with what it was brought under control."""
    await head(db)
    found = await _rows(db, Risk.id == risk_id)
    if not found:
        raise Refused(Reason.RISK_NOT_FOUND, risk=risk_id)
    row, place = found[0]
    may_see(officer, place.division)
    if row.closed_on is not None:
        raise Refused(Reason.RISK_CLOSED, risk=risk_id, closed_on=row.closed_on.isoformat())

    row.closed_on = local_day(now)
    row.closed_with, row.proof_sha256 = new.closed_with, new.proof_sha256

    db.add(row)
    await journal.append(
        db, actor=officer.name, verb="risk.close", subject=row.id, now=now,
        code=place.code, proof=row.proof_sha256,
    )  # fmt: skip
    return _view(row, place, row.closed_on)


async def list_risks(
    db: Session, officer: Officer, *, which: Which, now: datetime
) -> list[RiskView]:
    """List the division's risks by the day that they are due: the open, the overdue, or all."""
    today = local_day(now)
    conditions = [col(Establishment.division).startswith(officer.division, autoescape=True)]
    if which != "all":
        conditions.append(col(Risk.closed_on).is_(None))
    if which == "overdue":
        conditions.append(col(Risk.due_on) < today)
    return [_view(*one, today) for one in await _rows(db, *conditions)]


async def _rows(
    db: Session, *conditions: ColumnElement[bool] | bool
) -> Sequence[tuple[Risk, Establishment]]:
    query = (
        select(Risk, Establishment)
        .join(Establishment, col(Establishment.id) == Risk.establishment_id)
        .where(*conditions)
        .order_by(col(Risk.due_on), col(Risk.id))
    )
    return await first(db, query)


def _view(row: Risk, place: Establishment, today: date) -> RiskView:
    label = LEVELS[row.level]
    return RiskView(
        id=row.id,
        code=place.code,
        name=place.name,
        division=place.division,
        inspection=row.inspection_id,
        item=row.item,
        level=row.level,
        label=text_view(label),
        owner=row.owner,
        measure=row.measure,
        due_on=row.due_on,
        overdue=row.closed_on is None and row.due_on < today,
        closed_on=row.closed_on,
        closed_with=row.closed_with,
        proof_sha256=row.proof_sha256,
    )
