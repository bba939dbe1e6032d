"""责令整改: orders to put right what failed."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlmodel import select

from backend import journal
from backend.auth import Officer
from backend.db import Session
from backend.rules.calendar import due, local_day
from backend.tables import Rectification
from backend.work.calendars import working_days


async def order(
    db: Session,
    inspection_id: str,
    terms: Mapping[str, int],
    *,
    officer: Officer,
    now: datetime,
) -> Rectification:
    """Order that the failed items be put right, within the shortest of their `terms`.

    Items of every checklist of the visit, by their names in the inspection; working days.
    """
    query = select(Rectification).where(Rectification.inspection_id == inspection_id)
    row = (await db.exec(query.with_for_update())).first()

    today, days = local_day(now), min(terms.values())
    fresh = Rectification(
        inspection_id=inspection_id,
        items=msgspec.json.encode(list(terms)).decode(),
        ordered_on=today,
        due_on=due(today, days, working_days()),
        working_days=days,
    )

    if row is not None:  # concluded again: the order of before is replaced, the journal has both
        fresh.id = row.id
        fresh = await db.merge(fresh)
    db.add(fresh)
    await journal.append(
        db,
        actor=officer.name,
        verb="rectification.order",
        subject=inspection_id,
        now=now,
        items=" ".join(terms),
        due_on=fresh.due_on.isoformat(),
    )
    return fresh


async def withdraw(db: Session, inspection_id: str, *, officer: Officer, now: datetime) -> None:
    """Take back an order when a new conclusion finds nothing to put right."""
    query = select(Rectification).where(Rectification.inspection_id == inspection_id)
    row = (await db.exec(query.with_for_update())).first()
    if row is None:
        return

    row.status = "withdrawn"

    db.add(row)
    await journal.append(
        db, actor=officer.name, verb="rectification.withdraw", subject=inspection_id, now=now
    )
