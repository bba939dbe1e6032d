"""抽取重叠: draws committed to before any of them was held do not see each other's lots.

A frame knows who was drawn or visited before it was frozen. Whom a draw took in between, up to the
cap or in the same campaign, or somebody visited, gives way in the later one: the next reserve
comes. Later is the lot that was given out later, a reserve that is called too.
"""

import asyncio
from datetime import date, datetime

import msgspec
from sqlalchemy.orm import aliased
from sqlmodel import col, or_, select, tuple_

from backend.db import Session
from backend.rules import bundle, eligibility, scheme
from backend.rules.calendar import local_day
from backend.rules.eligibility import Reason, Visit
from backend.rules.papers import TaskPaper
from backend.rules.scheme import Scheme
from backend.tables import Draw, Establishment, Plan, Task
from backend.work import announcements, draws, visits


async def used_up(db: Session, row: Draw, *, now: datetime, waiting: bool) -> dict[str, Reason]:
    """Name the sites of a draw that have no inspection left, by which rule and which draws.

    `waiting`: only those not yet sent. A draw that is sealed is not told, and so does not count.
    """
    task = await draws.task_of(db, row)
    if (task.exclusion is None and not task.campaign) or row.drawn_at is None:
        return {}
    drawn = await _drawn_before(db, row, now=now, waiting=waiting)
    over: dict[str, Reason] = {}
    if task.exclusion is not None:
        known = {code: [(one.draw, one.day) for one in those] for code, those in drawn.items()}
        for one in await visits.begun(db, await _codes(db, row, waiting=waiting)):
            if one.at < row.drawn_at:
                known.setdefault(one.code, []).append((one.name, one.day.isoformat()))
        snapshot = date.fromisoformat(task.snapshot)
        for code, those in known.items():
            over[code] = eligibility.used_up(task.exclusion, snapshot, those)
    if task.campaign:
        drawn = {code: those for code, those in drawn.items() if not over.get(code, ("", ""))[0]}
        over |= await _in_campaign(db, row, task, drawn)
    return {code: why for code, why in over.items() if why[0]}


async def _drawn_before(
    db: Session, row: Draw, *, now: datetime, waiting: bool
) -> dict[str, list[Visit]]:
    """List the lots that other draws gave out at the sites of this one before it did."""
    mine = aliased(Task)
    before = tuple_(Task.turn, Draw.drawn_at, Draw.id) < tuple_(mine.turn, row.drawn_at, row.id)
    query = (
        select(Establishment.code, Draw, Plan.parent_id, Plan.scheme)
        .join(Task, col(Task.establishment_id) == Establishment.id)
        .join(mine, col(mine.establishment_id) == Establishment.id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .join(Plan, col(Plan.id) == Draw.plan_id)
        .where(mine.draw_id == row.id, col(mine.withdrawn_at).is_(None))
        .where(or_(not waiting, col(mine.dispatched_at).is_(None)))
        .where(col(Task.withdrawn_at).is_(None), Draw.id != row.id)
        .where(Draw.status == "drawn", before)
    )
    hidden = await announcements.sealed_draws(db, at=now)
    drawn: dict[str, list[Visit]] = {}
    for code, other, parent, written in await db.exec(query):
        name = f"{other.agency}#{other.seq}"
        if other.drawn_at is not None and name not in hidden:
            drawn.setdefault(code, []).append(
                Visit(
                    draw=name,
                    agency=other.agency,
                    plan=other.plan_id,
                    campaign=parent or "",
                    batch=scheme.batch_of(msgspec.json.decode(written, type=Scheme)),
                    day=local_day(other.drawn_at).isoformat(),
                    inspected="",
                    same_item=False,
                )
            )
    return drawn


async def _codes(db: Session, row: Draw, *, waiting: bool) -> list[str]:
    query = (
        select(Establishment.code)
        .join(Task, col(Task.establishment_id) == Establishment.id)
        .where(Task.draw_id == row.id, col(Task.withdrawn_at).is_(None))
        .where(or_(not waiting, col(Task.dispatched_at).is_(None)))
    )
    return list(await db.exec(query))


async def _in_campaign(
    db: Session, row: Draw, task: TaskPaper, drawn: dict[str, list[Visit]]
) -> dict[str, Reason]:
    """Tell whom another draw of the same campaign has: the frame says by whose turn that counts."""
    if not drawn:
        return {}
    packed = await draws.piece(db, row.id, "frame.tsv.gz")
    strata = await asyncio.to_thread(bundle.strata, packed, drawn)
    return {
        code: eligibility.in_campaign(task, strata[code], those, later=True)
        for code, those in drawn.items()
    }
