"""录入: public values that people type: kept to themselves until two officers have typed alike."""

from datetime import datetime
from secrets import token_hex
from typing import Literal

from sqlmodel import col, select

from backend import journal
from backend.auth import Officer
from backend.db import Session
from backend.rules import beacons
from backend.rules.papers import TaskPaper
from backend.tables import Draw, Typing
from backend.wire import HoldOrder
from sync.refusals import Kept, Reason, Refused

State = Literal["", "one", "differ", "settled"]


async def type_in(
    db: Session, row: Draw, source: str, value: str, *, officer: Officer, now: datetime
) -> State:
    """Record what an officer typed; the journal says who typed and whether it agreed, not what."""
    earlier = await _typings(db, row, source)
    if _state(earlier) == "settled":
        raise Refused(Reason.TYPING_SETTLED, source=source)

    typing = Typing(
        draw_id=row.id, source=source, n=len(earlier) + 1, value=value, by=officer.id, at=now
    )
    state = _state([*earlier, typing])

    db.add(typing)
    await journal.append(
        db,
        actor=officer.name,
        verb="draw.type",
        subject=row.id,
        now=now,
        source=source,
        n=typing.n,
        state=state,
    )
    return state


async def values_of(
    db: Session, row: Draw, task: TaskPaper, order: HoldOrder, *, officer: Officer, now: datetime
) -> dict[str, str] | Kept:
    """Put together what the sources gave; what people type needs two officers.

    A typing that is not enough yet, or that differs, stays on record.
    """
    values = dict(order.digits)
    for name in sorted(name for name, source in task.sources.items() if source.typed):
        settled = await value_of(db, row, name)
        typed = order.digits.get(name)
        if settled is None and typed is not None:
            beacons.require_form(name, task.sources[name], typed)
            await type_in(db, row, name, typed, officer=officer, now=now)
            settled = await value_of(db, row, name)
        if settled is not None and typed in (None, settled):
            values[name] = settled
        elif settled is not None:
            raise Refused(Reason.DIGITS_DIFFER, source=name)
        elif typed is not None:
            state = (await states(db, row, task))[name]
            alone = Reason.TYPING_ONE_OFFICER if state == "one" else Reason.DIGITS_DIFFER
            return Kept(Refused(alone, source=name))
    if "local" in task.sources:
        values["local"] = token_hex(32)
    return values


async def states(db: Session, row: Draw, task: TaskPaper) -> dict[str, State]:
    """Tell of each source that people type how far its typing is."""
    return {
        name: _state(await _typings(db, row, name))
        for name, source in task.sources.items()
        if source.typed
    }


async def value_of(db: Session, row: Draw, source: str) -> str | None:
    """Give the value that two officers have typed alike."""
    return beacons.settled((one.by, one.value) for one in await _typings(db, row, source))


async def _typings(db: Session, row: Draw, source: str) -> list[Typing]:
    query = select(Typing).where(Typing.draw_id == row.id, Typing.source == source)
    return list(await db.exec(query.order_by(col(Typing.n))))


def _state(typings: list[Typing]) -> State:
    if not typings:
        return ""
    if beacons.settled((one.by, one.value) for one in typings) is not None:
        return "settled"
    return "one" if len({one.by for one in typings}) == 1 else "differ"
