"""归并之后: an inspection that no draw led to follows its place to what that turned out to be.

What a draw chose stays where it was: the draw names its code.
"""

from collections.abc import Collection, Sequence

from sqlalchemy.orm import aliased
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


async def families(db: Session, places: Collection[str]) -> dict[str, str]:
    """Tell of whom some establishments (ids) are the story: their own, and of those merged in."""
    goes = aliased(Establishment)
    query = (
        select(goes.id, Establishment.id)
        .join(Establishment, col(Establishment.code) == goes.successor_code)
        .where(col(Establishment.id).in_(places), goes.successor_code != "")
    )
    return dict((await db.exec(query)).all()) | {place: place for place in places}


async def homes(db: Session, tasks: Collection[Task]) -> dict[str, str]:
    """Tell for each task (id) the establishment (id) whose it is by now."""
    goes = aliased(Establishment)
    query = (
        select(goes.id, Establishment.id)
        .join(Establishment, col(Establishment.code) == goes.successor_code)
        .where(col(goes.id).in_({task.establishment_id for task in tasks if task.draw_id is None}))
        .where(goes.successor_code != "")
    )
    went = dict((await db.exec(query)).all())
    return {
        task.id: task.establishment_id
        if task.draw_id is not None
        else went.get(task.establishment_id, task.establishment_id)
        for task in tasks
    }


async def kin(db: Session, places: Collection[str]) -> set[str]:
    """Give these establishments (ids), and all that turned out to be the same as one of them."""
    goes = aliased(Establishment)
    query = (
        select(Establishment.id)
        .join(goes, col(goes.successor_code) == Establishment.code)
        .where(col(goes.id).in_(places), goes.successor_code != "")
    )
    return set(await families(db, {*places, *await db.exec(query)}))


def _follows(task: Task, site: Establishment) -> bool:
    return task.draw_id is None and site.successor_code != ""
