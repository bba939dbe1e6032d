"""处置措施: what else follows from an inspection: interview, referral, case, warning, suspension.

A suspension (责令停止) follows from the checklist, and ends only when a recheck, concluded and
approved, found each of its items to comply.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules.calendar import local_day
from backend.rules.followup import MEASURES, SUSPENSION, Which, lacking
from backend.tables import (
    Account,
    Conclusion,
    Establishment,
    Measure,
    Rectification,
    Remedy,
    Task,
)
from backend.wire import CloseMeasure, MeasureView, NewMeasure, WithdrawMeasure, text_view
from backend.work.cases import Case
from backend.work.listing import first
from sync.refusals import Reason, Refused


async def take_measure(
    db: Session, inspection_id: str, new: NewMeasure, *, officer: Officer, now: datetime
) -> MeasureView:
    """Take a measure after an inspection; a warning or guidance is done at once."""
    await head(db)
    query = (
        select(Task, Establishment)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(Task.id == inspection_id)
    )
    found = (await db.exec(query)).first()
    if found is None:
        raise Refused(Reason.INSPECTION_NOT_FOUND, inspection=inspection_id)
    may_see(officer, found[1].division)
    if await db.get(Conclusion, inspection_id) is None:
        raise Refused(Reason.CONCLUSION_NOT_FOUND, inspection=inspection_id)
    kind, today = MEASURES[new.kind], local_day(now)
    if missing := lacking(kind.needs, msgspec.structs.asdict(new)):
        raise Refused(Reason.MEASURE_INCOMPLETE, kind=new.kind, missing=" ".join(missing))

    row = Measure(
        inspection_id=inspection_id,
        kind=new.kind,
        status="closed" if kind.at_once else "open",
        opened_on=today,
        due_on=new.due_on,
        who=new.who,
        reference=new.reference,
        text=new.text,
        closed_on=today if kind.at_once else None,
        taken_by=officer.id,
        at=now,
    )

    db.add(row)
    await _record(db, "take", row, officer, now, reference=row.reference)
    await db.flush()
    return _view(row, found[1], officer.name)


async def close_measure(
    db: Session, measure_id: str, new: CloseMeasure, *, officer: Officer, now: datetime
) -> MeasureView:
    """Say what came of a measure; a suspension is lifted only after its own recheck."""
    row, place, taken_by = await _find(db, measure_id, officer)
    kind = MEASURES[row.kind]
    if row.status != "open":
        raise Refused(Reason.MEASURE_NOT_OPEN, measure=row.id, status=row.status)
    if missing := lacking(kind.closes_with, msgspec.structs.asdict(new)):
        raise Refused(Reason.MEASURE_INCOMPLETE, kind=row.kind, missing=" ".join(missing))
    if row.kind == SUSPENSION:
        await _require_rechecked(db, row, place)

    row.status, row.closed_on = "closed", local_day(now)
    row.outcome, row.reference = new.outcome, new.reference or row.reference

    db.add(row)
    verb = "lift" if row.kind == SUSPENSION else "close"
    await _record(db, verb, row, officer, now, reference=row.reference)
    return _view(row, place, taken_by)


async def withdraw_measure(
    db: Session, measure_id: str, new: WithdrawMeasure, *, officer: Officer, now: datetime
) -> MeasureView:
    """Take back a measure that an officer took; what the checklist ordered stands."""
    row, place, taken_by = await _find(db, measure_id, officer)
    if row.status != "open":
        raise Refused(Reason.MEASURE_NOT_OPEN, measure=row.id, status=row.status)
    if row.kind == SUSPENSION:
        raise Refused(Reason.SUSPENSION_STANDS, items=_joined(row))

    row.status, row.closed_on, row.outcome = "withdrawn", local_day(now), new.reason

    db.add(row)
    await _record(db, "withdraw", row, officer, now, reason=new.reason)
    return _view(row, place, taken_by)


async def list_measures(
    db: Session, officer: Officer, *, which: Which, now: datetime
) -> list[MeasureView]:
    """List the division's measures, newest first: the open, the overdue, or all."""
    conditions = [col(Establishment.division).startswith(officer.division, autoescape=True)]
    if which != "all":
        conditions.append(col(Measure.status) == "open")
    if which == "overdue":
        conditions.append(col(Measure.due_on) < local_day(now))
    return [_view(*one) for one in await _rows(db, *conditions)]


async def measures_of(db: Session, inspection_id: str) -> tuple[MeasureView, ...]:
    """Show the measures that followed one inspection, in the order they were taken."""
    newest_first = await _rows(db, Measure.inspection_id == inspection_id)
    return tuple(_view(*one) for one in reversed(newest_first))


async def stop(
    db: Session, case: Case, items: Sequence[str] | None, *, officer: Officer, now: datetime
) -> None:
    """Order business to stop for these items, or take that back when there is no cause (None)."""
    query = select(Measure).where(
        Measure.inspection_id == case.task.id, Measure.kind == SUSPENSION, Measure.status == "open"
    )
    row = (await db.exec(query)).first()
    today, named = local_day(now), msgspec.json.encode(items or ()).decode()
    if items is None:
        if row is not None:
            row.status, row.closed_on = "withdrawn", today
            db.add(row)
            await _record(db, "withdraw", row, officer, now)
        return
    if row is not None and row.items == named:
        return
    verb = "take" if row is None else "change"
    if row is None:
        row = Measure(
            inspection_id=case.task.id, kind=SUSPENSION, opened_on=today, items=named, at=now
        )
    row.items = named
    db.add(row)
    await _record(db, verb, row, officer, now, items=_joined(row))
    if verb == "take" and case.task.follows_id is not None:
        await _renew(db, case.task.follows_id, officer=officer, now=now)


async def still_stopped(db: Session, case: Case, items: Sequence[str]) -> list[str]:
    """Name which of these items business is stopped for, by this recheck or what it follows."""
    query = (
        select(Measure)
        .where(col(Measure.inspection_id).in_([case.task.id, case.task.follows_id or ""]))
        .where(Measure.kind == SUSPENSION, Measure.status == "open")
    )
    stopped = {name for row in await db.exec(query) for name in _items(row)}
    return [name for name in items if name in stopped]


async def _renew(db: Session, inspection_id: str, *, officer: Officer, now: datetime) -> None:
    """Let the suspension of a recheck take the place of the one that was rechecked."""
    query = select(Measure).where(
        Measure.inspection_id == inspection_id,
        Measure.kind == SUSPENSION,
        Measure.status == "open",
    )
    for row in await db.exec(query):
        row.status, row.closed_on = "renewed", local_day(now)
        db.add(row)
        await _record(db, "renew", row, officer, now)


async def _require_rechecked(db: Session, row: Measure, place: Establishment) -> None:
    """Refuse while no approved recheck found everything to comply that business was stopped for."""
    approved = (
        select(Conclusion.inspection_id)
        .join(Task, col(Task.id) == Conclusion.inspection_id)
        .where(Task.establishment_id == place.id, Task.origin == "recheck")
        .where(Task.opens_on >= row.opened_on, col(Conclusion.approved))
    )
    rechecks = set(await db.exec(approved))
    checked = (
        select(Remedy.item)
        .join(Rectification, col(Rectification.id) == Remedy.order_id)
        .where(Rectification.inspection_id == row.inspection_id)
        .where(col(Remedy.checked_id).in_(rechecks))
    )
    found = set(await db.exec(checked))
    left = [name for name in _items(row) if name not in found]
    if left or not rechecks:
        raise Refused(
            Reason.SUSPENSION_NOT_RECHECKED, inspection=row.inspection_id, items=" ".join(left)
        )


async def _find(
    db: Session, measure_id: str, officer: Officer
) -> tuple[Measure, Establishment, str]:
    await head(db)
    found = await _rows(db, Measure.id == measure_id)
    if not found:
        raise Refused(Reason.MEASURE_NOT_FOUND, measure=measure_id)
    may_see(officer, found[0][1].division)
    return found[0]


async def _rows(
    db: Session, *conditions: ColumnElement[bool] | bool
) -> list[tuple[Measure, Establishment, str]]:
    """List measures with whom they concern and who took them, newest first."""
    query = (
        select(Measure, Establishment, Account.name)
        .join(Task, col(Task.id) == Measure.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(Account, col(Account.id) == Measure.taken_by)
        .where(*conditions)
        .order_by(col(Measure.id).desc())
    )
    return [(row, place, who or "") for row, place, who in await first(db, query)]


def _items(row: Measure) -> tuple[str, ...]:
    return msgspec.json.decode(row.items, type=tuple[str, ...])


def _joined(row: Measure) -> str:
    return " ".join(_items(row))


def _view(row: Measure, place: Establishment, taken_by: str) -> MeasureView:
    label = MEASURES[row.kind].label
    return MeasureView(
        id=row.id,
        inspection=row.inspection_id,
        code=place.code,
        name=place.name,
        kind=row.kind,
        label=text_view(label),
        status=row.status,
        opened_on=row.opened_on,
        due_on=row.due_on,
        who=row.who,
        reference=row.reference,
        text=row.text,
        items=_items(row),
        closed_on=row.closed_on,
        outcome=row.outcome,
        taken_by=taken_by,
    )


async def _record(
    db: Session, verb: str, row: Measure, officer: Officer, now: datetime, **details: str | int
) -> None:
    await journal.append(
        db,
        actor=officer.name,
        verb=f"measure.{verb}",
        subject=row.inspection_id,
        now=now,
        kind=row.kind,
        measure=row.id,
        **details,
    )
