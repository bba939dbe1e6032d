"""抽取重叠: draws committed to before any of them was held do not see each other's lots.

A frame knows who was drawn or visited before it was frozen. Whoever a draw held in between has
drawn up to the cap, or somebody visited, gives way in the later one: the next reserve comes.
"""

from datetime import date, datetime

from sqlmodel import col, or_, select

from backend.db import Session
from backend.rules import eligibility
from backend.rules.calendar import local_day
from backend.rules.eligibility import Reason
from backend.tables import Draw, Establishment, Task
from backend.work import announcements, draws, visits


async def used_up(db: Session, row: Draw, *, now: datetime, waiting: bool) -> dict[str, Reason]:
    """Name the sites of a draw that have no inspection left, by which rule and which draws.

    `waiting`: only those not yet sent. A draw that is sealed is not told, and so does not count.
    """
    task = await draws.task_of(db, row)
    if task.exclusion is None or row.drawn_at is None:
        return {}
    mine = (
        select(Task.establishment_id)
        .where(Task.draw_id == row.id, col(Task.withdrawn_at).is_(None))
        .where(or_(not waiting, col(Task.dispatched_at).is_(None)))
    )
    before = col(Draw.drawn_at) < row.drawn_at
    same = (col(Draw.drawn_at) == row.drawn_at) & (col(Draw.id) < row.id)
    query = (
        select(Establishment.code, Draw.agency, Draw.seq, Draw.drawn_at)
        .join(Task, col(Task.establishment_id) == Establishment.id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .where(col(Establishment.id).in_(mine), col(Task.withdrawn_at).is_(None))
        .where(Draw.status == "drawn", or_(before, same))
    )
    hidden = await announcements.sealed_draws(db, at=now)
    drawn: dict[str, list[tuple[str, str]]] = {}
    for code, agency, seq, drawn_at in await db.exec(query):
        name = f"{agency}#{seq}"
        if drawn_at is not None and name not in hidden:
            drawn.setdefault(code, []).append((name, local_day(drawn_at).isoformat()))
    codes = list(await db.exec(select(Establishment.code).where(col(Establishment.id).in_(mine))))
    for one in await visits.begun(db, codes):
        if one.at < row.drawn_at:
            drawn.setdefault(one.code, []).append((one.name, one.day.isoformat()))
    snapshot = date.fromisoformat(task.snapshot)
    found = {
        code: eligibility.used_up(task.exclusion, snapshot, those) for code, those in drawn.items()
    }
    return {code: why for code, why in found.items() if why[0]}
