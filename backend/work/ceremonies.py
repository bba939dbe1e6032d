"""仪式: typing what was rolled or published, and opening what was sealed."""

from datetime import datetime

from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer
from backend.db import Session
from backend.rules import beacons, papers
from backend.tables import Draw, Inspection, Task
from backend.wire import DrawView, TypeOrder
from backend.work import draws, typings
from sync.refusals import Reason, Refused


async def type_value(
    db: Session, draw_id: str, order: TypeOrder, *, officer: Officer, now: datetime
) -> DrawView:
    """Type one public value; it stands when another officer has typed the same."""
    row, _ = await draws.find_draw(db, draw_id, officer, lock=True)
    if row.status != "committed":
        raise Refused(draws.HELD_ALREADY[row.status], draw=row.id)
    task = await draws.task_of(db, row)
    source = task.sources.get(order.source)
    if source is None or not source.typed:
        raise Refused(Reason.SOURCE_UNKNOWN, source=order.source)
    draws.require_due(row, now)
    beacons.require_form(order.source, source, order.value)

    await typings.type_in(db, row, order.source, order.value, officer=officer, now=now)
    return await draws.view(db, row)


async def unseal_draw(db: Session, draw_id: str, *, officer: Officer, now: datetime) -> DrawView:
    """Open a sealed draw when its visits are over: one officer asks, another agrees."""
    row, _ = await draws.find_draw(db, draw_id, officer, lock=True)
    if not draws.sealed(row, now):
        raise Refused(Reason.DRAW_NOT_SEALED, draw=row.id)
    if row.status == "committed":
        raise Refused(Reason.DRAW_NOT_HELD, draw=row.id)
    if row.unseal_asked_by == officer.id:
        raise Refused(Reason.UNSEAL_SECOND_OFFICER, draw=row.id)
    await _require_visits_over(db, row)

    first = row.unseal_asked_by is None
    if first:
        row.unseal_asked_by = officer.id
    else:
        row.unsealed_at = now

    db.add(row)
    await journal.append(
        db,
        actor=officer.name,
        verb="draw.unseal-ask" if first else "draw.unseal",
        subject=row.id,
        now=now,
        bundle=row.bundle_sha256 or "",
    )
    return await draws.view(db, row)


async def _require_visits_over(db: Session, row: Draw) -> None:
    if row.status == "void":
        return
    done = select(Inspection.id).where(Inspection.signed)
    listed = Task.draw_id == row.id, col(Task.withdrawn_at).is_(None)
    query = select(func.count()).select_from(Task).where(*listed)
    left = (await db.exec(query.where(col(Task.id).not_in(done)))).one()
    if left and row.sealed_until is not None:
        until = papers.moment(row.sealed_until)
        raise Refused(Reason.DRAW_VISITS_OPEN, open=left, sealed_until=until)
