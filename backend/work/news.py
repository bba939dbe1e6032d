"""新情况: tell the devices of all who are still to go somewhere what changed there meanwhile.

A result, a complaint or an order is news for every open task at the same place; so is a review
that returned what they had concluded.
"""

from datetime import datetime

from sqlmodel import col, select

from backend.db import Session
from backend.tables import Conclusion, Task
from backend.work import mergers, tasks


async def tell(db: Session, *places: str, now: datetime) -> None:
    """Send the open tasks at places (ids) again: those without a result that was approved."""
    await db.flush()
    approved = select(Conclusion.inspection_id).where(col(Conclusion.approved))
    waiting = await tasks.views(
        db,
        col(Task.establishment_id).in_(await mergers.kin(db, places)),
        col(Task.dispatched_at).is_not(None),
        col(Task.id).not_in(approved),
    )
    await tasks.send(db, waiting, now=now)
