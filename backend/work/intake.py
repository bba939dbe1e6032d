"""受理: one exchange with a device — judge its push, keep it, fold it, and tell what is new.

Everything that verifies goes into the ledger byte for byte, whatever is thought of its content.
The head row is locked before the first place is given, and held until commit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec
from msgspec import Raw, Struct
from sqlalchemy import insert
from sqlmodel import col, select

from backend.auth_device import UPLOAD_TOKEN_LIFE, upload_token
from backend.db import Session, head
from backend.tables import Batch, Checklist, Device, Entry, Feed, Fork, Inspection, Task
from backend.work import feed
from sync import checklist, codec, hub
from sync.merge import Inspection as State
from sync.merge import Recorded, digest, fold
from sync.messages import (
    VERSION,
    Ack,
    AnswerHead,
    Boot,
    Drop,
    End,
    Event,
    Gone,
    Note,
    Pull,
    Put,
    Receipt,
    Reset,
    Told,
    receipt_text,
)
from sync.ops import decode_op, op_id
from sync.refusals import Reason, Refused

ROLES = ("lead", "second")


class Answered(Struct, frozen=True):
    """The answer's body and its signature header."""

    body: bytes
    signature: str


class Refusal(Struct, frozen=True):
    """A refusal that must not undo what was stored (a fork keeps its evidence)."""

    refused: Refused


async def exchange(db: Session, header: str, body: bytes, now: datetime) -> Answered | Refusal:
    """Take in a device's push and answer with a page of what it has not seen.

    Refuses with SIGNATURE_WRONG, DEVICE_UNKNOWN, SYNC_MALFORMED, SYNC_VERSION or SYNC_GAP; nothing
    is stored then, and the device keeps everything.
    """
    sender, _, _ = codec.open_header(header)
    query = select(Device).where(Device.id == sender).with_for_update()
    device = (await db.exec(query)).first()
    if device is None:
        raise Refused(Reason.DEVICE_UNKNOWN)
    codec.check_body(device.public_key, header, body)
    push = hub.read(body)
    if push.head.dev != device.id:
        raise Refused(Reason.SIGNATURE_WRONG)
    hash_at = await _hashes(db, device, push.head.first - 1, push.head.first + push.head.count)

    match hub.judge(push, head_n=device.head_n, hash_at=hash_at):
        case hub.Gap():
            raise Refused(Reason.SYNC_GAP, head_n=device.head_n)
        case hub.Forks(at):
            await _keep_fork(db, device, push, at, now)
            return Refusal(Refused(Reason.SYNC_FORK, head_n=device.head_n))
        case hub.Extends(known):
            pass

    device.seen_at = now
    device.skew_ms = push.head.clock.w - round(now.timestamp() * 1000)
    notes = await _replayed(db, device, push, known)
    if known < push.head.count:
        notes += await _extend(db, device, push, known, header, now)
    db.add(device)
    events: list[Event] = [End(0, False)]
    if push.head.pull is not None and device.revoked_at is None:
        events = await page(db, device, push.head.pull)
    return await _answer(db, device, notes, events, now)


async def page(db: Session, device: Device, pull: Pull) -> list[Event]:
    """Cut one page of the feed: what changed in the buckets held, and buckets not held yet."""
    known = await head(db)  # no place is given while the page is cut: rows and checksums agree
    entitled = await feed.buckets(db, device.inspector_id)
    regressed = pull.epoch not in ("", known.epoch) or pull.seq > known.feed_n
    have = [] if regressed else [bucket for bucket in pull.have if bucket in entitled]
    events: list[Event] = [Reset()] if regressed else []
    events += [Drop(bucket) for bucket in pull.have if bucket not in entitled and not regressed]

    cursor = known.feed_n if regressed or not pull.have else pull.seq
    changed, upto = await _changes(db, device, have, cursor, known.feed_n, pull.limit)
    events += changed
    missing = [bucket for bucket in entitled if bucket not in have]
    booted = 0
    for bucket in missing:
        if len(events) >= pull.limit and booted:
            break
        whole = await _rows(db, [bucket], 0, known.feed_n, None)
        events += [Boot(bucket), *(event for _, event in whole if not isinstance(event, Gone))]
        booted += 1

    more = upto < known.feed_n or booted < len(missing)
    check = (
        {} if more else {bucket: await _checksum(db, bucket, known.feed_n) for bucket in entitled}
    )
    return [*events, End(upto, more, check)]


async def project(db: Session, inspection_id: str, now: datetime) -> State:
    """Fold an inspection from the ledger and keep the result as its projection."""
    query = (
        select(Entry, Device.inspector_id)
        .join(Device)
        .where(Entry.inspection_id == inspection_id, Entry.verdict == "ok")
    )
    state = fold(
        Recorded(op_id(entry.device_id, entry.n), entry.hash, who, decode_op(entry.raw))
        for entry, who in await db.exec(query)
    )

    row = await db.get(Inspection, inspection_id)
    if row is None:
        row = Inspection(id=inspection_id, state="", digest="", updated_at=now)
    row.state = msgspec.json.encode(state, order="deterministic").decode()
    row.digest = digest(state)
    row.conflicts, row.late, row.signed = len(state.conflicts), len(state.late), state.signed
    row.updated_at = now
    db.add(row)
    return state


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


async def _keep_fork(db: Session, device: Device, push: hub.Push, at: int, now: datetime) -> None:
    for index in range(at, len(push.raws)):
        key = (device.id, push.head.first + index, push.hashes[index])
        if await db.get(Fork, key) is None:
            fork = Fork(
                device_id=key[0], n=key[1], hash=key[2], raw=push.raws[index], received_at=now
            )
            db.add(fork)


async def _replayed(db: Session, device: Device, push: hub.Push, known: int) -> list[Note]:
    """Repeat what was said of operations that were there already."""
    if known == 0:
        return []
    first = push.head.first
    query = select(Entry.n, Entry.verdict, Entry.why).where(
        Entry.device_id == device.id,
        Entry.n >= first,
        Entry.n < first + known,
        Entry.verdict != "ok",
    )
    return [Note(n, verdict, why) for n, verdict, why in await db.exec(query)]


async def _extend(
    db: Session, device: Device, push: hub.Push, known: int, header: str, now: datetime
) -> list[Note]:
    """Append new operations to the ledger and fold the inspections they touch."""
    first = push.head.first + known
    facts = await _facts(db, push.raws[known:])
    verdicts = [
        hub.admit(raw, n, device.inspector_id, device.revoked_at is not None, facts)
        for n, raw in enumerate(push.raws[known:], start=first)
    ]

    top = await head(db)
    received_ms = round(now.timestamp() * 1000)
    entries: list[dict[str, object]] = []
    for index, verdict in enumerate(verdicts):
        hash_ = push.hashes[known + index]
        top.ledger_n += 1
        top.ledger_root = codec.ledger_link(top.ledger_root, hash_, verdict.verdict, received_ms)
        if verdict.verdict == "ok":
            top.feed_n += 1
        entries.append(
            {
                "device_id": device.id,
                "n": first + index,
                "position": top.ledger_n,
                "seq": top.feed_n if verdict.verdict == "ok" else None,
                "inspection_id": verdict.inspection,
                "kind": verdict.kind,
                "hash": hash_,
                "root": top.ledger_root,
                "verdict": verdict.verdict,
                "why": verdict.why,
                "raw": push.raws[known + index],
                "received_at": now,
            }
        )
    await db.exec(insert(Entry), params=entries)
    _, _, signature = codec.open_header(header)
    batch = Batch(
        device_id=device.id,
        first_n=push.head.first,
        count=push.head.count,
        head_line=push.head_line,
        signature=signature,
        received_at=now,
    )
    device.head_n, device.head_hash = push.head.first + push.head.count - 1, push.head.head
    db.add_all([top, batch, device])

    notes = [
        Note(first + index, verdict.verdict, verdict.why)
        for index, verdict in enumerate(verdicts)
        if verdict.verdict != "ok"
    ]
    touched = sorted({v.inspection for v in verdicts if v.verdict == "ok"})
    for inspection in touched:
        state = await project(db, inspection, now)
        notes += _told(state, device.id, first)
    return notes


async def _facts(db: Session, raws: Sequence[bytes]) -> Mapping[str, hub.Facts]:
    """Load what is known of the inspections that a push speaks of."""
    wanted = {inspection for raw in raws if (inspection := hub.inspection_of(raw))}
    query = select(Task, Checklist.body).join(Checklist).where(col(Task.id).in_(wanted))
    facts: dict[str, hub.Facts] = {}
    for task, body in await db.exec(query):
        roles = dict(zip((task.lead_id, task.second_id), ROLES, strict=True))
        facts[task.id] = hub.Facts(roles, partial(checklist.admissible, _checklist(body)))
    return facts


def _told(state: State, device_id: str, first: int) -> list[Note]:
    """Say which of a device's new operations stand in conflict or came late."""
    own = f"{device_id}:"
    conflict = {said.op for item in state.items.values() if item.conflict for said in item.standing}
    said = [(op, "conflict") for op in conflict] + [(op, "late") for op in state.late]
    numbered = [(int(op.removeprefix(own)), d) for op, d in said if op.startswith(own)]
    return [Note(n, d) for n, d in sorted(numbered) if n >= first]


# -- the page ------------------------------------------------------------------------------------


async def _changes(
    db: Session, device: Device, have: Sequence[str], after: int, upto: int, limit: int
) -> tuple[list[Event], int]:
    """Give what others changed in the buckets held, and how far that reaches."""
    rows = await _rows(db, have, after, upto, limit) if have and after < upto else []
    if len(rows) >= limit:
        upto = rows[-1][0]
    own = f"{device.id}:"
    return [e for _, e in rows if not (isinstance(e, Told) and e.id.startswith(own))], upto


async def _rows(
    db: Session, buckets: Sequence[str], after: int, upto: int, limit: int | None
) -> list[tuple[int, Event]]:
    """Give rows and operations of buckets with places in (after, upto], by place."""
    feed_query = (
        select(Feed)
        .where(col(Feed.bucket).in_(buckets), Feed.seq > after, Feed.seq <= upto)
        .order_by(col(Feed.seq))
        .limit(limit)
    )
    inspections = [bucket.removeprefix("i:") for bucket in buckets if bucket.startswith("i:")]
    entry_query = (
        select(Entry, Device.inspector_id)
        .join(Device)
        .where(
            col(Entry.inspection_id).in_(inspections),
            col(Entry.seq) > after,
            col(Entry.seq) <= upto,
        )
        .order_by(col(Entry.seq))
        .limit(limit)
    )
    rows = [(row.seq, _row_event(row)) for row in await db.exec(feed_query)]
    for entry, who in await db.exec(entry_query):
        assert entry.seq is not None
        name = op_id(entry.device_id, entry.n)
        told = Told(f"i:{entry.inspection_id}", name, entry.hash, who, Raw(entry.raw))
        rows.append((entry.seq, told))
    rows.sort(key=lambda row: row[0])
    return rows[:limit]


def _row_event(row: Feed) -> Event:
    if row.gone:
        return Gone(row.bucket, row.kind, row.entity)
    return Put(row.bucket, row.kind, row.entity, row.rev, Raw(row.body))


async def _checksum(db: Session, bucket: str, upto: int) -> tuple[int, int]:
    rows = select(Feed.kind, Feed.entity, Feed.rev).where(
        Feed.bucket == bucket, Feed.seq <= upto, col(Feed.gone).is_(False)
    )
    entries = select(Entry.device_id, Entry.n, Entry.hash).where(
        Entry.inspection_id == bucket.removeprefix("i:"), col(Entry.seq) <= upto
    )
    held = list(await db.exec(rows))
    if bucket.startswith("i:"):
        held += [("op", op_id(dev, n), hash_) for dev, n, hash_ in await db.exec(entries)]
    return hub.checksum(held)


async def _answer(
    db: Session, device: Device, notes: list[Note], events: list[Event], now: datetime
) -> Answered:
    top = await head(db)
    ack = Ack(device.head_n, device.head_hash)
    text = receipt_text(device.id, ack, ledger=top.ledger_n, root=top.ledger_root)
    answer = AnswerHead(
        v=VERSION,
        epoch=top.epoch,
        time=round(now.timestamp() * 1000),
        ack=ack,
        notes=tuple(notes),
        receipt=Receipt(top.ledger_n, top.ledger_root, codec.sign(top.secret_key, text)),
        upload=""
        if device.revoked_at
        else upload_token(top.secret_key, device.id, now + UPLOAD_TOKEN_LIFE),
        revoked=device.revoked_at is not None,
    )
    body = b"\n".join(msgspec.json.encode(line) for line in (answer, *events))
    return Answered(body, codec.seal_body(top.secret_key, "hub", body))


_checklists: dict[str, checklist.Checklist] = {}


def _checklist(body: str) -> checklist.Checklist:
    """Decode a checklist once; a released body never changes."""
    if body not in _checklists:
        _checklists[body] = checklist.load(body)
    return _checklists[body]
