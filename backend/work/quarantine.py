"""隔离: what was held back of what devices sent, and an officer's decision on it.

Releasing sets aside one reason for one operation and judges it again; keeping says that it was
looked at and stays out. Either is an act in the journal with rulings; the ledger is not touched.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from backend.auth import Officer
from backend.db import Session, head
from backend.rules.rulings import HELD, Ruled
from backend.tables import Act, Device, Entry, Fork, Inspector, Ruling
from backend.wire import HeldView, RuledView, RuleOrder
from backend.work import desks, rulings
from backend.work.holders import find
from backend.work.listing import first
from sync import codec, hub
from sync.naming import renamed
from sync.ops import AnyOp, OpId, Sign, decode_envelope, decode_op, op_id
from sync.refusals import Reason, Refused

RULED_MAX = 1000  # at once
RAW_SHOWN_MAX = 2000
FORKED, KEPT, REISSUED = rulings.FORKED, "kept", "reissued"
DECIDED = (KEPT, REISSUED)


async def list_quarantine(db: Session, officer: Officer, *, decided: bool) -> list[HeldView]:
    """List what is held back in the officer's division, the newest first.

    `decided` adds what was decided on: released, kept out, and branches that were issued again.
    """
    within = col(Inspector.division).startswith(officer.division, autoescape=True)
    own = col(Inspector.id) == Device.inspector_id
    held = (
        select(Entry, Device, Inspector)
        .join(Device)
        .join(Inspector, own)
        .where(_waits(decided), within)
        .order_by(col(Entry.position).desc())
    )
    entries = await first(db, held)
    branched = (
        select(Fork, Device, Inspector)
        .join(Device, col(Device.id) == Fork.device_id)
        .join(Inspector, own)
        .where(within, *(() if decided else (_undecided(Fork),)))
        .order_by(col(Fork.received_at).desc(), col(Fork.device_id), col(Fork.n), col(Fork.hash))
    )
    forks = await first(db, branched)
    tips = (await _forks(db, {fork.device_id for fork, *_ in forks})).tips()
    twins = await _twins(db, [(fork, device.inspector_id) for fork, device, _ in forks])
    rows: list[tuple[Entry | Fork, Device, Inspector]] = [*entries, *forks]
    ruled = await rulings.latest(db, [rulings.key_of(one) for one, *_ in rows])
    acts = await _acts(db, {those[-1].act_n for those in ruled.values()})

    views: list[HeldView] = []
    for one, device, inspector in rows:
        those = ruled.get(rulings.key_of(one), [])
        verdict, why = rulings.stands(one, those)
        if one.hash in twins:
            verdict, why = REISSUED, ""
        if decided or verdict not in DECIDED:
            views.append(
                _view(
                    one, device, inspector, verdict=verdict, why=why,
                    branch=tips.get(one.hash, ""), act=acts[those[-1].act_n] if those else None,
                )
            )  # fmt: skip
    return views


async def count_held(
    db: Session, found: Sequence[tuple[Device, Inspector]]
) -> Counter[tuple[str, str]]:
    """Count what waits for a decision, by device and verdict."""
    who = {device.id: device.inspector_id for device, _ in found}
    entries = await db.exec(
        select(Entry).where(col(Entry.device_id).in_(who), col(Entry.seq).is_(None))
    )
    forks = (await _forks(db, set(who))).found.values()
    twins = await _twins(db, [(fork, who[fork.device_id]) for fork in forks])
    those: list[Entry | Fork] = [*entries, *(fork for fork in forks if fork.hash not in twins)]
    ruled = await rulings.latest(db, [rulings.key_of(one) for one in those])
    return Counter(
        (one.device_id, rulings.stands(one, ruled.get(rulings.key_of(one), ()))[0]) for one in those
    )


async def release(db: Session, officer: Officer, order: RuleOrder, now: datetime) -> RuledView:
    """Judge again what was held back, as if what held it back did not."""
    await head(db)  # first, as whoever makes an operation count must
    device = await _device(db, officer, order)
    if order.branch is not None:
        return await _reissue(db, officer, device, order, now)
    entries, before = await _held(db, device, order.numbers)
    waived = {
        rulings.key_of(one): [*rulings.set_aside(ruled), rulings.stands(one, ruled)[1]]
        for one, ruled in zip(entries, before, strict=True)
    }
    firm = [one.n for one in entries if waived[rulings.key_of(one)][-1] not in hub.WAIVABLE]
    if firm and (order.numbers or len(firm) == len(entries)):
        raise Refused(Reason.QUARANTINE_FIRM, numbers=" ".join(map(str, firm)))
    open_ = [one for one in entries if one.n not in firm]

    ruled = await rulings.judge_again(db, open_, waived, now)
    return await _record(db, officer, "quarantine.release", order, ruled, now)


async def keep(db: Session, officer: Officer, order: RuleOrder, now: datetime) -> RuledView:
    """Decide that what was held back stays out; it stays on record, and may be released later."""
    await head(db)
    device = await _device(db, officer, order)
    if order.branch is not None:
        branch = await _branch(db, device, order.branch)
        ruled = [Ruled(*rulings.key_of(fork), KEPT) for fork in branch]
    else:
        entries, before = await _held(db, device, order.numbers)
        ruled = [
            Ruled(*rulings.key_of(one), KEPT, rulings.stands(one, those)[1])
            for one, those in zip(entries, before, strict=True)
        ]
    return await _record(db, officer, "quarantine.keep", order, ruled, now)


async def _device(db: Session, officer: Officer, order: RuleOrder) -> Device:
    device, _ = await find(db, officer, order.device)
    return device


async def _held(
    db: Session, device: Device, numbers: Sequence[int]
) -> tuple[list[Entry], list[list[Ruling]]]:
    """Find what is held back: the numbers asked for, or all that nobody decided on yet."""
    query = (
        select(Entry)
        .where(Entry.device_id == device.id, col(Entry.seq).is_(None))
        .order_by(col(Entry.n))
        .limit(RULED_MAX)
    )
    query = query.where(col(Entry.n).in_(numbers) if numbers else _undecided(Entry))
    entries = (await db.exec(query)).all()
    ruled = await rulings.latest(db, [rulings.key_of(one) for one in entries])
    found = [(one, ruled.get(rulings.key_of(one), [])) for one in entries]
    if not numbers:
        found = [(one, those) for one, those in found if rulings.stands(one, those)[0] in HELD]
    if not found or len(found) < len(set(numbers)):
        raise Refused(Reason.QUARANTINE_EMPTY, device=device.id)
    return [one for one, _ in found], [those for _, those in found]


async def _record(
    db: Session,
    officer: Officer,
    verb: str,
    order: RuleOrder,
    ruled: Sequence[Ruled],
    now: datetime,
    **details: str,
) -> RuledView:
    act = await rulings.record(
        db, ruled, actor=officer.name, verb=verb, subject=order.device, now=now,
        reason=order.reason, **details,
    )  # fmt: skip
    good = ("ok", REISSUED)
    return RuledView(
        act=act.n,
        released=tuple(one.n for one in ruled if one.verdict in good),
        held={one.n: one.why or one.verdict for one in ruled if one.verdict not in good},
        reissued_as=details.get("reissued_as", ""),
    )


# -- forks ---------------------------------------------------------------------------------------


class _Forks:
    """The forked operations of devices, and how they follow one another."""

    def __init__(self, forks: Sequence[Fork]) -> None:
        self.found = {fork.hash: fork for fork in forks}
        self._at: dict[tuple[str, int], list[Fork]] = {}
        for fork in forks:
            self._at.setdefault((fork.device_id, fork.n), []).append(fork)

    def before(self, fork: Fork) -> Fork | None:
        """Give the one before it, unless that is in the ledger."""
        near = self._at.get((fork.device_id, fork.n - 1), [])
        return next((one for one in near if codec.link(one.hash, fork.raw) == fork.hash), None)

    def branch(self, tip: str) -> list[Fork]:
        """Follow a branch from its end to where it left the ledger, and give it in order."""
        branch = [self.found[tip]]
        while (before := self.before(branch[-1])) is not None:
            branch.append(before)
        return branch[::-1]

    def tips(self) -> dict[str, str]:
        """Say of every operation where its branch ends; of several ends, the last by hash."""
        known = ((fork, self.before(fork)) for fork in self.found.values())
        followed = {before.hash for _, before in known if before is not None}
        ends = sorted(self.found.keys() - followed)
        return {fork.hash: tip for tip in ends for fork in self.branch(tip)}


async def _forks(db: Session, devices: set[str]) -> _Forks:
    return _Forks((await db.exec(select(Fork).where(col(Fork.device_id).in_(devices)))).all())


async def _branch(db: Session, device: Device, tip: str) -> list[Fork]:
    forks = await _forks(db, {device.id})
    if tip not in forks.found:
        raise Refused(Reason.FORK_NOT_FOUND, device=device.id)
    return forks.branch(tip)


async def _reissue(
    db: Session, officer: Officer, device: Device, order: RuleOrder, now: datetime
) -> RuledView:
    """Issue a branch again under a device of its own, which is revoked when that is done.

    What the inspector's own device has issued again since is not issued twice; signatures are
    left: what they sign goes by other names, so who signed has to sign again.
    """
    assert order.branch is not None
    branch = await _branch(db, device, order.branch)
    twins = await _twins(db, [(fork, device.inspector_id) for fork in branch])
    label = f"{device.label} / {order.branch[:8]}"[-80:]
    desk = await desks.open_desk(db, device.inspector_id, label=label, now=now)
    names = {op_id(device.id, fork.n): twins[fork.hash] for fork in branch if fork.hash in twins}
    ops: list[AnyOp] = []
    ruled: list[Ruled] = []
    for fork in branch:
        if fork.hash in twins:
            continue
        op = _understood(fork.raw)
        if op is None or isinstance(op, Sign):
            ruled.append(Ruled(*rulings.key_of(fork), KEPT, "" if op else Reason.OP_UNKNOWN.code))
        else:
            orig = op.orig or fork.hash
            ops.append(msgspec.structs.replace(renamed(op, names), n=len(ops) + 1, orig=orig))
            ruled.append(Ruled(*rulings.key_of(fork), REISSUED))
            names[op_id(device.id, fork.n)] = op_id(desk.id, len(ops))
    if not ops:
        raise Refused(Reason.FORK_DECIDED, device=device.id)

    await desks.issue(db, desk, ops, now)
    desk.revoked_at = now
    db.add(desk)
    return await _record(db, officer, "quarantine.release", order, ruled, now, reissued_as=desk.id)


async def _twins(db: Session, forks: Sequence[tuple[Fork, str]]) -> dict[str, OpId]:
    """Find forked operations that were issued again under another name of their inspector's."""
    inspections = {hub.inspection_of(fork.raw) for fork, _ in forks}
    query = (
        select(Entry.device_id, Entry.n, Entry.raw, Device.inspector_id)
        .join(Device)
        .where(
            col(Device.inspector_id).in_({who for _, who in forks}),
            col(Entry.inspection_id).in_(inspections - {""}),
        )
    )
    again: dict[tuple[str, str], OpId] = {}
    for device_id, n, raw, who in await db.exec(query) if forks else ():
        if (op := _understood(raw)) is not None and op.orig:
            again[who, op.orig] = op_id(device_id, n)
    found: dict[str, OpId] = {}
    for fork, who in forks:
        op = _understood(fork.raw)
        first = op.orig if op is not None and op.orig else fork.hash
        if (who, first) in again:
            found[fork.hash] = again[who, first]
    return found


def _understood(raw: bytes) -> AnyOp | None:
    """Decode what nobody judged; none for rubbish and for kinds of another version."""
    try:
        return decode_op(raw)
    except hub.UNREADABLE:
        return None


# -- views ---------------------------------------------------------------------------------------


def _waits(decided: bool) -> ColumnElement[bool]:
    """Say which entries have no place in the feed, or also those that an act gave one."""
    ruled = select(Ruling.n).where(*_of(Ruling, Entry))
    waits = col(Entry.seq).is_(None)
    return or_(waits, ruled.exists()) if decided else and_(waits, _undecided(Entry))


def _undecided(held: type[Entry] | type[Fork]) -> ColumnElement[bool]:
    """Leave out, before anything is counted off, what was decided on last."""
    later = aliased(Ruling)
    newer = select(later.n).where(*_of(later, held), later.act_n > col(Ruling.act_n))
    newer = newer.correlate(Ruling, held)  # by itself it would look at any entry's
    decided = (*_of(Ruling, held), col(Ruling.verdict).in_(DECIDED), ~newer.exists())
    return ~select(Ruling.n).where(*decided).exists()


def _of(ruling: type[Ruling], held: type[Entry] | type[Fork]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(ruling.device_id) == col(held.device_id),
        col(ruling.n) == col(held.n),
        col(ruling.hash) == col(held.hash),
    )


async def _acts(db: Session, numbers: set[int]) -> dict[int, Act]:
    return {one.n: one for one in await db.exec(select(Act).where(col(Act.n).in_(numbers)))}


def _view(
    one: Entry | Fork,
    device: Device,
    inspector: Inspector,
    *,
    verdict: str,
    why: str,
    branch: str,
    act: Act | None,
) -> HeldView:
    envelope = (one.kind, one.inspection_id) if isinstance(one, Entry) else _envelope(one.raw)
    return HeldView(
        device=device.id,
        label=device.label,
        certificate=inspector.certificate,
        inspector=inspector.name,
        n=one.n,
        hash=one.hash,
        branch=branch,
        inspection=envelope[1],
        kind=envelope[0],
        verdict=verdict,
        why=why,
        received_at=one.received_at,
        raw=one.raw.decode("utf-8", "replace")[:RAW_SHOWN_MAX],
        decided_by=act.actor if act else "",
        decided_at=act.at if act else None,
        reason=str(msgspec.json.decode(act.details).get("reason", "")) if act else "",
    )


def _envelope(raw: bytes) -> tuple[str, str]:
    try:
        envelope = decode_envelope(raw)
    except hub.UNREADABLE:
        return "", ""
    return envelope.t[:60], envelope.e[:64]
