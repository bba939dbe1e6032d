"""受理: one exchange with a device — judge its push, keep it, fold it, and tell what is new.

Everything that verifies goes into the ledger byte for byte, whatever is thought of its content.
The head row is locked before the first place is given, and held until commit.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec
from msgspec import Struct
from sqlalchemy import insert, update
from sqlmodel import SQLModel, col, select

from backend.auth_device import UPLOAD_TOKEN_LIFE, upload_token
from backend.db import Session, head
from backend.tables import (
    Batch,
    Checklist,
    Device,
    Entry,
    Fork,
    Inspection,
    Relief,
    Seat,
    Task,
)
from backend.work import pages
from sync import checklist, codec, hub
from sync.merge import MEMBER, Recorded, canonical, digest, fold
from sync.merge import Inspection as State
from sync.messages import (
    VERSION,
    Ack,
    AnswerHead,
    Note,
    Receipt,
)
from sync.ops import decode_op, op_id
from sync.pages import Page, revoked
from sync.refusals import Kept, Reason, Refused

ROLES = ("lead", "second")
LEDGER = SQLModel.metadata.tables["entry"]


class Answered(Struct, frozen=True):
    """The answer's body and its signature header."""

    body: bytes
    signature: str


async def exchange(db: Session, header: str, body: bytes, now: datetime) -> Answered | Kept:
    """Take in a device's push and answer with a page of what it has not seen.

    Refuses with SIGNATURE_WRONG, DEVICE_UNKNOWN, SYNC_MALFORMED, SYNC_VERSION or SYNC_GAP; nothing
    is stored then, and the device keeps everything.
    """
    sender, _, _ = codec.open_header(header)
    device = await db.get(Device, sender)
    if device is None:
        raise Refused(Reason.DEVICE_UNKNOWN)
    codec.check_body(device.public_key, header, body)
    push = hub.read(body)
    if push.head.dev != device.id:
        raise Refused(Reason.SIGNATURE_WRONG)
    await db.refresh(device, with_for_update=True)  # nobody who cannot sign holds a lock
    hash_at = await _hashes(db, device, push.head.first - 1, push.head.first + push.head.count)

    match hub.judge(push, head_n=device.head_n, hash_at=hash_at):
        case hub.Gap():
            raise Refused(Reason.SYNC_GAP, head_n=device.head_n)
        case hub.Forks(at):
            await _keep_fork(db, device, push, at, header, now)
            return Kept(Refused(Reason.SYNC_FORK, head_n=device.head_n))
        case hub.Extends(known):
            pass

    device.seen_at = now
    device.skew_ms = push.head.clock.w - round(now.timestamp() * 1000)
    states: dict[str, State] = {}
    if known < push.head.count:
        states = await _extend(db, device, push, known, header, now)
    db.add(device)
    notes = await _notes(db, push, states)
    page, check = Page((), 0, more=False), dict[str, tuple[int, int]]()
    if push.head.pull is not None and device.revoked_at is not None:
        page = revoked(push.head.pull, (await head(db)).epoch)
    elif push.head.pull is not None:
        page, check = await pages.cut(db, device, push.head.pull)
    return await _answer(db, device, notes, page, check, now)


async def project(db: Session, inspections: Collection[str], now: datetime) -> dict[str, State]:
    """Fold inspections from the ledger and keep the results as their projections."""
    query = (
        select(Entry.device_id, Entry.hash, Entry.raw, Device.inspector_id)
        .join(Device)
        .where(col(Entry.inspection_id).in_(inspections), col(Entry.seq).is_not(None))
    )
    recorded: dict[str, list[Recorded]] = {inspection: [] for inspection in inspections}
    for device, hash_, raw, who in await db.exec(query):
        op = decode_op(raw)
        recorded[op.e].append(Recorded(op_id(device, op.n), hash_, who, op))
    states = {inspection: fold(ops) for inspection, ops in recorded.items()}

    held = select(Inspection.id).where(col(Inspection.id).in_(inspections))
    known = set(await db.exec(held))
    rows = [_projection(inspection, state, now) for inspection, state in states.items()]
    if new := [row for row in rows if row["id"] not in known]:
        await db.exec(insert(Inspection), params=new)
    if changed := [row for row in rows if row["id"] in known]:
        await db.exec(update(Inspection), params=changed)
    return states


def _projection(inspection: str, state: State, now: datetime) -> dict[str, object]:
    return {
        "id": inspection,
        "state": canonical(state).decode(),
        "digest": digest(state),
        "conflicts": len(state.conflicts),
        "late": len(state.late),
        "signed": state.signed,
        "updated_at": now,
    }


# -- the push ------------------------------------------------------------------------------------


async def _hashes(db: Session, device: Device, first: int, last: int) -> dict[int, str]:
    """Give the ledger's hashes of a device from `first` to `last`, the genesis being number 0."""
    found = {0: codec.genesis(device.id), device.head_n: device.head_hash}
    if first < device.head_n:
        query = select(Entry.n, Entry.hash).where(
            Entry.device_id == device.id, Entry.n >= first, Entry.n <= last
        )
        found.update((n, hash_) for n, hash_ in await db.exec(query))
    return found


async def _keep_fork(
    db: Session, device: Device, push: hub.Push, at: int, header: str, now: datetime
) -> None:
    """Keep another history of a device beside the ledger's, with the signature that proves it."""
    numbers = range(push.head.first + at, push.head.first + len(push.raws))
    query = select(Fork.hash).where(Fork.device_id == device.id, col(Fork.n).in_(numbers))
    known = set(await db.exec(query))
    news = [
        Fork(device_id=device.id, n=n, hash=hash_, raw=raw, received_at=now)
        for n, hash_, raw in zip(numbers, push.hashes[at:], push.raws[at:], strict=True)
        if hash_ not in known
    ]
    if news:
        db.add_all([*news, _batch(device, push, header, now)])


async def _extend(
    db: Session, device: Device, push: hub.Push, known: int, header: str, now: datetime
) -> dict[str, State]:
    """Append new operations to the ledger and fold the inspections they touch."""
    facts = await facts_of(db, push.raws[known:])
    verdicts = [
        hub.admit(raw, n, device.inspector_id, device.revoked_at is not None, facts)
        for n, raw in enumerate(push.raws[known:], start=push.head.first + known)
    ]

    top = await head(db)
    ends = hub.Ends(top.ledger_n, top.ledger_root, top.feed_n)
    placed, ends = hub.place(push, verdicts, ends, round(now.timestamp() * 1000))

    top.ledger_n, top.ledger_root, top.feed_n = ends.ledger_n, ends.ledger_root, ends.feed_n
    entries = [
        {
            "device_id": device.id,
            "n": one.n,
            "position": one.position,
            "seq": one.seq,
            "inspection_id": one.verdict.inspection,
            "kind": one.verdict.kind,
            "hash": one.hash,
            "root": one.root,
            "verdict": one.verdict.verdict,
            "why": one.verdict.why,
            "raw": one.raw,
            "received_at": now,
        }
        for one in placed
    ]
    await (await db.connection()).execute(LEDGER.insert(), entries)  # a third cheaper than by rows
    batch = _batch(device, push, header, now)
    device.head_n, device.head_hash = placed[-1].n, placed[-1].hash
    db.add_all([top, batch, device])
    touched = sorted({verdict.inspection for verdict in verdicts if verdict.verdict == "ok"})
    return await project(db, touched, now) if touched else {}


def _batch(device: Device, push: hub.Push, header: str, now: datetime) -> Batch:
    _, _, signature = codec.open_header(header)
    return Batch(
        device_id=device.id,
        first_n=push.head.first,
        count=push.head.count,
        head_line=push.head_line,
        signature=signature,
        received_at=now,
    )


async def _notes(db: Session, push: hub.Push, states: dict[str, State]) -> list[Note]:
    """Say what does not simply count, from the first one pushed to the end of the chain.

    The end may lie beyond the push: the acknowledgement covers it, so what was said of it must too.
    """
    query = select(Entry.n, Entry.seq, Entry.verdict, Entry.why, Entry.inspection_id).where(
        Entry.device_id == push.head.dev, Entry.n >= push.head.first
    )
    notes: list[Note] = []
    for n, seq, verdict, why, inspection in await db.exec(query):
        if seq is None:
            notes.append(Note(n, verdict, why))
        elif inspection not in states:
            row = await db.get_one(Inspection, inspection)
            states[inspection] = msgspec.json.decode(row.state, type=State)
    for inspection in sorted(states):
        notes += hub.remarks(states[inspection], push.head.dev, push.head.first)
    return notes


async def facts_of(db: Session, raws: Sequence[bytes]) -> Mapping[str, hub.Facts]:
    """Load what is known of the inspections that a push speaks of."""
    wanted = {inspection for raw in raws if (inspection := hub.inspection_of(raw))}
    if not wanted:
        return {}
    query = select(Task, Checklist.body).join(Checklist).where(col(Task.id).in_(wanted))
    tasks = [(task, _checklist(body)) for task, body in await db.exec(query)]
    seated = (
        select(Seat.task_id, Seat.inspector_id, Checklist.digest, Checklist.body)
        .join(Checklist, col(Checklist.digest) == Seat.checklist_digest)
        .where(col(Seat.task_id).in_(wanted))
    )
    seats = (await db.exec(seated)).all()
    before, versions = await _relieved(db, wanted), await _versions(db, raws)
    facts: dict[str, hub.Facts] = {}
    for task, own in tasks:
        roles, brought = before.get(task.id, {}), dict[str, checklist.Checklist]()
        for task_id, inspector, name, body in seats:
            if task_id == task.id and task.withdrawn_at is None:
                roles[inspector] = MEMBER
            if task_id == task.id and name != task.checklist_digest:
                brought[name] = _checklist(body)
        if task.withdrawn_at is None:
            roles |= zip((task.lead_id, task.second_id), ROLES, strict=True)
        facts[task.id] = hub.Facts(
            roles,
            _admits([own, *brought.values()]),
            versions={
                digest: _admits([version, *brought.values()])
                for digest, version in versions.items()
                if version.code == own.code
            },
        )
    return facts


def _admits(those: Sequence[checklist.Checklist]) -> hub.Admissible:
    return partial(checklist.admits, checklist.asked(those))


async def _versions(db: Session, raws: Sequence[bytes]) -> dict[str, checklist.Checklist]:
    """Load what may be followed instead of what came with the task, if a push speaks of it."""
    if not any(b'"under"' in raw or b'"checklist.carry/' in raw for raw in raws):
        return {}
    found = await db.exec(select(Checklist.digest, Checklist.body))
    return {digest: _checklist(body) for digest, body in found}


async def _relieved(db: Session, inspections: Collection[str]) -> dict[str, dict[str, str]]:
    """Tell who sat in the seats before: what they recorded arrives late, and counts."""
    query = select(Relief).where(col(Relief.task_id).in_(inspections))
    roles: dict[str, dict[str, str]] = {}
    for one in await db.exec(query):
        roles.setdefault(one.task_id, {})[one.inspector_id] = one.role or MEMBER
    return roles


async def _answer(
    db: Session,
    device: Device,
    notes: list[Note],
    page: Page,
    check: dict[str, tuple[int, int]],
    now: datetime,
) -> Answered:
    top = await head(db)
    token = upload_token(top.secret_key, device.id, now + UPLOAD_TOKEN_LIFE)
    answer = AnswerHead(
        v=VERSION,
        epoch=top.epoch,
        time=round(now.timestamp() * 1000),
        ack=Ack(device.head_n, device.head_hash),
        notes=tuple(notes),
        receipt=Receipt(top.ledger_n, top.ledger_root, ""),
        upload="" if device.revoked_at else token,
        revoked=device.revoked_at is not None,
    )
    return Answered(*hub.answer(top.secret_key, device.id, answer, page, check))


_checklists: dict[str, checklist.Checklist] = {}


def _checklist(body: str) -> checklist.Checklist:
    """Decode a checklist once; a released body never changes."""
    if body not in _checklists:
        _checklists[body] = checklist.load(body)
    return _checklists[body]
