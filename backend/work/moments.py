"""何时发生: when each operation of an inspection happened, from the clocks that came with it.

Computed when asked for, from the ledger and the first lines of the batches; never part of it.
"""

from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from backend.db import Session
from backend.tables import Batch, Device, Entry, Task
from backend.wire import MomentView
from sync import moments
from sync.merge import INSPECTORS
from sync.moments import Moment
from sync.ops import Sign, decode_op, op_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SIGNS = ("sign/1", "sign/2")


async def moments_of(db: Session, task: Task) -> tuple[MomentView, ...]:
    """Tell when every operation of an inspection happened, in the order of the ledger."""
    query = select(Entry).where(Entry.inspection_id == task.id).order_by(col(Entry.position))
    entries = list(await db.exec(query))
    found: dict[str, Moment] = {}
    for device_id in sorted({entry.device_id for entry in entries}):
        mine = [entry for entry in entries if entry.device_id == device_id]
        device = await db.get_one(Device, device_id)
        pushes = await _pushes(db, device_id, mine[0].n, mine[-1].n)
        ops = [moments.told(one.n, one.raw, _ms(one.received_at)) for one in mine]
        for moment in moments.moments(
            [op for op in ops if op is not None],
            pushes,
            enrolled_ms=_ms(device.enrolled_at),
            dispatched_ms=_ms(task.dispatched_at) if task.dispatched_at else None,
        ):
            found[op_id(device_id, moment.n)] = moment
    signed_ms = _signed(entries, found)
    views: list[MomentView] = []
    for entry in entries:
        name = op_id(entry.device_id, entry.n)
        if name in found:
            moment = found[name]
            if signed_ms is not None and entry.kind not in SIGNS:
                moment = moments.sealed(moment, signed_ms)
            views.append(_view(name, entry, moment))
    return tuple(views)


async def _pushes(db: Session, device_id: str, first: int, last: int) -> list[moments.Push]:
    """Load the pushes that brought some of these numbers."""
    query = select(Batch).where(
        Batch.device_id == device_id,
        Batch.first_n <= last,
        col(Batch.first_n) + col(Batch.count) > first,
    )
    return [
        moments.Push(one.first_n, one.count, moments.sent(one.head_line), _ms(one.received_at))
        for one in await db.exec(query.order_by(col(Batch.id)))
    ]


def _signed(entries: list[Entry], found: dict[str, Moment]) -> int | None:
    """Give when both inspectors had signed at the latest; none while they have not."""
    at: dict[str, int] = {}
    for entry in entries:
        moment = found.get(op_id(entry.device_id, entry.n))
        if entry.seq is not None and entry.kind in SIGNS and moment is not None:
            op = decode_op(entry.raw)
            if isinstance(op, Sign):
                at[op.role] = min(at.get(op.role, moment.latest), moment.latest)
    both = [at[role] for role in INSPECTORS if role in at]
    return max(both) if len(both) == len(INSPECTORS) else None


def _view(name: str, entry: Entry, moment: Moment) -> MomentView:
    return MomentView(
        op=name,
        kind=entry.kind,
        earliest=_at(moment.earliest),
        latest=_at(moment.latest),
        exact=moment.exact,
        by_wall=_at(moment.by_wall),
        received_at=entry.received_at,
        odd=moment.odd,
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _at(ms: int) -> datetime | None:
    """Read milliseconds; none for a moment that no calendar has."""
    try:
        return EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return None
