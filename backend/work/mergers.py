"""归并之后: an inspection that no draw led to follows its place to what that turned out to be.

What a draw chose stays where it was: the draw names its code.
"""

from collections.abc import Sequence

from sqlmodel import col, select

from backend.db import Session
from backend.tables import Establishment, Task


async def followed(
    db: Session, those: Sequence[tuple[Task, Establishment]]
) -> dict[str, Establishment]:
    """Tell for each task (id) whose it is by now."""
    codes = {site.successor_code for task, site in those if _follows(task, site)}
    known: dict[str, Establishment] = {}
    if codes:
        query = select(Establishment).where(col(Establishment.code).in_(codes))
        known = {one.code: one for one in await db.exec(query)}
    return {
        task.id: known.get(site.successor_code, site) if _follows(task, site) else site
        for task, site in those
    }


def _follows(task: Task, site: Establishment) -> bool:
    return task.draw_id is None and site.successor_code != ""
