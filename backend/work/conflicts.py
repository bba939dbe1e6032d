"""结论不一致: on which items inspectors disagree, and how the office closes that.

A conflict is closed only by an operation that supersedes every answer that stands. An inspector
records it, or an officer's desk does: it may choose among what was said, never say something else.
"""

from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.tables import Entry, Establishment, Inspection, Task
from backend.wire import ConflictView, ResolveOrder, TextView, text_view
from backend.work import cases, desks, inspections
from backend.work.cases import Case
from backend.work.listing import first
from sync import merge
from sync.ops import Answer, OpId, SetAnswers
from sync.refusals import Reason, Refused


async def list_conflicts(db: Session, officer: Officer) -> list[ConflictView]:
    """List every item on which inspectors disagree: both values, whose they are, since when."""
    query = (
        select(Inspection.id)
        .join(Task, col(Task.id) == Inspection.id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(
            Inspection.conflicts > 0,
            col(Establishment.division).startswith(officer.division, autoescape=True),
        )
        .order_by(col(Inspection.id))
    )
    return [
        view
        for inspection_id in await first(db, query)
        for view in await _views(db, await cases.load(db, inspection_id))
    ]


async def resolve_conflict(
    db: Session, inspection_id: str, order: ResolveOrder, *, officer: Officer, now: datetime
) -> ConflictView:
    """Close a conflict at the officer's desk by one of the answers given; tell what was closed."""
    case = await cases.load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    item = case.state.items.get(order.item)
    if item is None or not item.conflict:
        raise Refused(Reason.CONFLICT_NOT_FOUND, inspection=inspection_id, item=order.item)
    if case.task.withdrawn_at is not None:
        raise Refused(Reason.TASK_WITHDRAWN, inspection=inspection_id)
    if case.state.signed:
        raise Refused(Reason.CONFLICT_SEALED, inspection=inspection_id, item=order.item)
    said = sorted({one.v for one in item.standing})
    if order.value not in said:
        raise Refused(Reason.CONFLICT_VALUE, value=order.value, said=" ".join(said))
    closed = next(one for one in await _views(db, case) if one.item == order.item)

    desk = await desks.desk_of(db, officer.name, now)
    op = SetAnswers(
        n=desk.head_n + 1,
        e=inspection_id,
        w=desks.milliseconds(now),
        m=0,
        boot=desks.BOOT,
        f={order.item: Answer(order.value, order.reason)},
        s={order.item: tuple(one.op for one in item.standing)},
    )

    await desks.issue(db, desk, [op], now)
    await journal.append(
        db,
        actor=officer.name,
        verb="conflict.resolve",
        subject=inspection_id,
        now=now,
        item=order.item,
        value=order.value,
        reason=order.reason,
        desk=desk.id,
        n=desk.head_n,
    )
    return closed


async def _views(db: Session, case: Case) -> list[ConflictView]:
    standing = {ref: case.state.items[ref] for ref in case.state.conflicts}
    came = await _received(db, [one.op for item in standing.values() for one in item.standing])
    return [
        ConflictView(
            inspection=case.task.id,
            code=case.establishment.code,
            name=case.establishment.name,
            item=ref,
            text=_text(case, ref),
            provisional=item.value,
            said=inspections.said_views(case, item),
            since=_since(item, came),
            sealed=case.state.signed,
        )
        for ref, item in standing.items()
    ]


def _text(case: Case, ref: str) -> TextView:
    item = case.items.get(ref)
    return text_view(item.text) if item else TextView(ref, ref)


def _since(item: merge.Item, came: dict[OpId, datetime]) -> datetime | None:
    """Say when the second of the different answers came."""
    first: dict[str, datetime] = {}
    for one in item.standing:
        if one.op in came:
            first[one.v] = min(came[one.op], first.get(one.v, came[one.op]))
    return sorted(first.values())[1] if len(first) > 1 else None


async def _received(db: Session, ops: list[OpId]) -> dict[OpId, datetime]:
    names = [op.rpartition(":") for op in ops]
    query = select(Entry.device_id, Entry.n, Entry.received_at).where(
        tuple_(col(Entry.device_id), col(Entry.n)).in_([(dev, int(n)) for dev, _, n in names])
    )
    return {f"{device}:{n}": at for device, n, at in await db.exec(query)}
