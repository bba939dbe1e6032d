"""入户频次: how often a site was visited, whoever went and why: what a year's number counts.

A lot counts from the day of its draw. A visit that no draw led to counts once anything of it was
recorded and has arrived; guidance (行政指导) inspects nobody and does not count.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct
from sqlmodel import col, func, select

from backend.db import Session
from backend.rules.calendar import local_day
from backend.rules.origins import UNCOUNTED
from backend.rules.scheme import Scheme
from backend.tables import (
    Checklist,
    Conclusion,
    Draw,
    Entry,
    Establishment,
    Plan,
    Task,
)


class Begun(Struct, frozen=True):
    """A visit that no draw led to."""

    task: str
    code: str  # of the establishment, or of the one that it turned out to be
    agency: str
    checklist: str  # its code
    category: str
    at: datetime  # when the first of it arrived
    day: date  # that day, but within the task's window: what is sent late was not done late
    concluded_at: datetime | None

    @property
    def name(self) -> str:
        """Name it where a draw is named: agency#seq."""
        return f"visit:{self.task}#1"


async def begun(db: Session, codes: Collection[str]) -> list[Begun]:
    """List the visits to some establishments that no draw led to, as far as they were begun."""
    known = {code: code for code in codes} | await merged(db, codes)
    first = func.min(Entry.received_at)
    query = (
        select(Task, Establishment, Checklist.code, first)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Checklist, col(Checklist.digest) == Task.checklist_digest)
        .join(Entry, col(Entry.inspection_id) == Task.id)
        .where(col(Task.draw_id).is_(None), col(Task.origin).not_in(UNCOUNTED))
        .where(col(Entry.seq).is_not(None), col(Establishment.code).in_(known))
        .group_by(col(Task.id), col(Establishment.id), col(Checklist.digest))
        .order_by(col(Task.id))
    )
    found = (await db.exec(query)).all()
    ids = [task.id for task, *_ in found]
    results = select(Conclusion.inspection_id, Conclusion.concluded_at)
    concluded = dict(
        (await db.exec(results.where(col(Conclusion.inspection_id).in_(ids)))).all() if ids else ()
    )
    return [
        Begun(
            task=task.id,
            code=known[site.code],
            agency=task.agency or "CN",
            checklist=used,
            category=site.category,
            at=at,
            day=min(max(local_day(at), task.opens_on), task.closes_on),
            concluded_at=concluded.get(task.id),
        )
        for task, site, used, at in found
    ]


async def merged(db: Session, codes: Collection[str]) -> dict[str, str]:
    """Name those that turned out to be some of these establishments, each with that one's code."""
    query = select(Establishment.code, Establishment.successor_code).where(
        col(Establishment.successor_code).in_(codes), Establishment.successor_code != ""
    )
    return dict((await db.exec(query)).all())


async def count(db: Session, code: str, *, year: int, hidden: frozenset[str]) -> int:
    """Count the visits to an establishment in a year; lots of hidden draws (agency#seq) do not."""
    one = [code, *await merged(db, [code])]
    query = (
        select(Draw.agency, Draw.seq, Draw.drawn_at)
        .join(Task, col(Task.draw_id) == Draw.id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(col(Establishment.code).in_(one), Draw.status == "drawn")
        .where(col(Task.withdrawn_at).is_(None))
    )
    lots = [
        at
        for agency, seq, at in await db.exec(query)
        if at is not None and f"{agency}#{seq}" not in hidden and local_day(at).year == year
    ]
    return len(lots) + sum(one.day.year == year for one in await begun(db, [code]))


async def cap(db: Session, one: Establishment, *, year: int) -> int:
    """Give the lowest number of visits that the plans of a year allow there; 0: no plan says so."""
    query = select(Plan.scheme, Plan.division, Plan.category).where(
        col(Plan.opens_on) <= date(year, 12, 31), col(Plan.closes_on) >= date(year, 1, 1)
    )
    return lowest(
        [
            msgspec.json.decode(written, type=Scheme).exclusion.annual_cap
            for written, division, category in await db.exec(query)
            if one.division.startswith(division) and category in ("", one.category)
        ]
    )


def lowest(caps: Sequence[int]) -> int:
    """Give the lowest number that is set; 0 sets none."""
    return min(filter(None, caps), default=0)
