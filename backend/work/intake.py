"""受理: one exchange with a device — judge its push, keep it, fold it, and tell what is new.

Everything that verifies goes into the ledger byte for byte, whatever is thought of its content.
A push is judged and folded first, in nobody's way; then the head is locked until commit, places
are given and everything is written at once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlmodel import col, select

from backend.auth_device import UPLOAD_TOKEN_LIFE, upload_token
from backend.db import Engine, Session, hold
from backend.tables import Batch, Device, Entry, Fork, Inspection
from backend.work import facts, folds, ledger, openings, pages, rulings, unchanged
from backend.work.ledger import Standing
from backend.work.snapshots import Snapshots
from sync import codec, hub
from sync.merge import Inspection as State
from sync.merge import Recorded, fold, marks
from sync.messages import Ack, AnswerHead, Note, Receipt, Version
from sync.ops import op_id
from sync.pages import CHECK_MODULUS, Page, term
from sync.refusals import Kept, Reason, Refused

KEYS_MAX = 100_000

_keys: dict[str, str] = {}  # of devices: what is enrolled under one never changes


class Answered(Struct, frozen=True):
    """The answer's body and its signature header."""

    body: bytes
    signature: str


class Known(Struct, frozen=True):
    """What is known of the inspections that a push speaks of: facts, and operations that count."""

    facts: Mapping[str, hub.Facts]
    ground: hub.Ground
    recorded: Mapping[str, Sequence[Recorded]]


class Taken(Struct, frozen=True):
    """What the new operations of a push amount to, and the inspections that they change."""

    old: int  # operations that the ledger held before
    verdicts: Sequence[hub.Verdict]
    projections: Sequence[ledger.Projection]
    remarkable: dict[str, State]  # those in which something is in conflict or late
    opened: Sequence[hub.Opened]  # inspections that begin with it


async def exchange(
    db: Session, header: str, body: bytes, now: datetime, snapshots: Snapshots | None = None
) -> Answered | Kept:
    """Take in a device's push and answer with a page of what it has not seen.

    Refuses with SIGNATURE_WRONG, DEVICE_UNKNOWN, SYNC_MALFORMED, SYNC_VERSION or SYNC_GAP; nothing
    is stored then, and the device keeps everything.
    """
    sender, _, signature = codec.open_header(header)
    met = sender in _keys
    codec.check_body(await _key(db, sender), header, body)
    push = hub.read(body)
    if push.head.dev != sender:
        raise Refused(Reason.SIGNATURE_WRONG)
    if met:  # else the session holds a connection already, and nobody may wait for a second one
        assert isinstance(db.bind, Engine)
        same = await unchanged.look(db.bind, push.head, now, _skew_ms(push, now))
        if same is not None:
            return _answer(same.device, push.head.v, [], same.page, same.check, now)
    if len(push.raws) < ledger.BRIEF:
        await hold(db)
    device, known = await _load(db, push, now)
    found = await _judge(db, push, device, known)
    if isinstance(found, Taken) and found.verdicts:
        locked = await ledger.lock(db, device)
        if _unsure(found):
            _, known = await _load(db, push, now)
        if _moved(locked, since=device) or _unsure(found):
            found = await _judge(db, push, locked, known)
        device = locked
    else:
        await hold(db)

    match found:
        case hub.Gap():
            if not await _forked(db, push):
                raise Refused(Reason.SYNC_GAP, head_n=device.head_n)
            await _keep_fork(db, push, 0, signature, now)
            return Kept(Refused(Reason.SYNC_FORK, head_n=device.head_n))
        case hub.Forks(at):
            await _keep_fork(db, push, at, signature, now)
            return Kept(Refused(Reason.SYNC_FORK, head_n=device.head_n))
        case taken:
            device, notes = await _store(db, push, taken, device, signature, now)

    page, check = Page((), 0, more=False), dict[str, tuple[int, int]]()
    if push.head.pull is not None:
        page, check = await pages.cut(db, device, push.head.pull, snapshots)
    return _answer(device, push.head.v, notes, page, check, now)


# -- what is known -------------------------------------------------------------------------------


async def _key(db: Session, sender: str) -> str:
    """Give a device's public key, so that nobody who cannot sign costs more than one look."""
    if sender not in _keys:
        key = (await db.exec(select(Device.public_key).where(Device.id == sender))).first()
        if key is None:
            raise Refused(Reason.DEVICE_UNKNOWN)
        if len(_keys) >= KEYS_MAX:
            _keys.clear()
        _keys[sender] = key
    return _keys[sender]


async def _load(db: Session, push: hub.Push, now: datetime) -> tuple[Standing, Known]:
    """Load the device and what its operations speak of; nothing of it is locked."""
    asks: list[ledger.Ask] = [(ledger.STANDING, (push.head.dev,))]
    wanted = {inspection for raw in push.raws if (inspection := hub.inspection_of(raw))}
    if wanted:
        asks += [facts.asked(wanted), ledger.recorded_of(wanted)]
    standing, *rest = await ledger.ask(db, *asks, brief=len(push.raws) < ledger.BRIEF)
    device = ledger.standing(standing)
    if device is None:
        raise Refused(Reason.DEVICE_UNKNOWN)
    if not rest:
        return device, Known({}, hub.NOTHING, {})
    known, recorded = rest
    told = await facts.read(db, known, push.raws)
    ground = await openings.ground(db, push.raws, now)
    return device, Known(told, ground, ledger.recorded(recorded))


async def _hashes(db: Session, push: hub.Push, device: Standing) -> dict[int, str]:
    """Give the ledger's hashes of a device as far as a push repeats it; the genesis is number 0."""
    first, last = push.head.first - 1, push.head.first + push.head.count
    found = {0: codec.genesis(device.device), device.head_n: device.head_hash}
    if first < device.head_n:
        query = select(Entry.n, Entry.hash).where(
            Entry.device_id == device.device, Entry.n >= first, Entry.n <= last
        )
        found.update((n, hash_) for n, hash_ in await db.exec(query))
    return found


# -- judge and fold ------------------------------------------------------------------------------


async def _judge(
    db: Session, push: hub.Push, device: Standing, known: Known
) -> Taken | hub.Gap | hub.Forks:
    hash_at = await _hashes(db, push, device)
    match hub.judge(push, head_n=device.head_n, hash_at=hash_at):
        case hub.Extends(old):
            return _take(push, old, device, known)
        case other:
            return other


def _take(push: hub.Push, old: int, device: Standing, known: Known) -> Taken:
    """Judge the new operations of a push, and fold the inspections of those that count."""
    verdicts: list[hub.Verdict] = []
    counting: dict[str, list[Recorded]] = {}
    who, first = device.inspector, push.head.first
    docket = hub.Docket(known.facts, known.ground)
    for index in range(old, len(push.raws)):
        n = first + index
        verdict = docket.admit(push.raws[index], n, who, device.revoked, push.hashes[index])
        verdicts.append(verdict)
        if verdict.op is not None:
            one = Recorded(op_id(device.device, n), push.hashes[index], who, verdict.op)
            counting.setdefault(verdict.inspection, []).append(one)
    projections: list[ledger.Projection] = []
    remarkable: dict[str, State] = {}
    for inspection in sorted(counting):
        before = known.recorded.get(inspection, ())
        ops = [*before, *counting[inspection]]
        marked = marks(ops)
        projections.append(ledger.Projection(inspection, marked, len(before)))
        if marked.conflicts or marked.late:
            remarkable[inspection] = fold(ops)
    return Taken(old, verdicts, projections, remarkable, docket.opened)


def _unsure(taken: Taken) -> bool:
    """Tell whether another push may open, or has just opened, what this one speaks of."""
    theirs = Reason.INSPECTION_NOT_YOURS.code
    return bool(taken.opened) or any(one.why == theirs for one in taken.verdicts)


def _moved(now: Standing, *, since: Standing) -> bool:
    """Tell whether another push of the same device came between, or its revocation."""
    return (now.head_n, now.head_hash, now.revoked) != (
        since.head_n,
        since.head_hash,
        since.revoked,
    )


# -- store ---------------------------------------------------------------------------------------


async def _store(
    db: Session, push: hub.Push, taken: Taken, device: Standing, signature: str, now: datetime
) -> tuple[Standing, list[Note]]:
    """Write what is new, with the head locked; say where the device stands and what of its push."""
    skew_ms = _skew_ms(push, now)
    if not taken.verdicts:
        await ledger.ask(db, (ledger.SEEN, (device.device, now, skew_ms)), brief=True)
        return device, await _notes(db, push, device)
    placed, ends = hub.place(push, taken.verdicts, device.ends, round(now.timestamp() * 1000))
    device = device.advanced(placed[-1], ends)
    whole = await ledger.write(
        db,
        ledger.Push(
            after=device,
            skew_ms=skew_ms,
            first_n=push.head.first,
            count=push.head.count,
            head_line=push.head_line,
            signature=signature,
            placed=placed,
            projections=taken.projections,
            sums=_sums(device.device, placed),
        ),
        now,
    )
    if taken.opened:
        await rulings.begin(db, taken.opened, now)
    states = taken.remarkable
    if not whole:
        states = await folds.project(db, [one.inspection for one in taken.projections], now)
    if taken.old:
        return device, await _notes(db, push, device)
    said = [Note(one.n, one.verdict.verdict, one.verdict.why) for one in placed if one.seq is None]
    return device, [*said, *_remarks(push, states)]


def _skew_ms(push: hub.Push, now: datetime) -> int:
    return push.head.clock.w - round(now.timestamp() * 1000)


def _sums(device: str, placed: Sequence[hub.Placed]) -> list[tuple[str, int, int, int]]:
    """Add up what operations add to the buckets of their inspections: count, total, last place."""
    sums: dict[str, tuple[str, int, int, int]] = {}
    for one in placed:
        if one.seq is not None:
            bucket = f"i:{one.verdict.inspection}"
            _, count, total, _ = sums.get(bucket, ("", 0, 0, 0))
            total = (total + term("op", op_id(device, one.n), one.hash)) % CHECK_MODULUS
            sums[bucket] = (bucket, count + 1, total, one.seq)
    return list(sums.values())


async def _forked(db: Session, push: hub.Push) -> bool:
    """Tell whether a push goes on where a branch ends that is kept beside the ledger."""
    query = select(Fork.n).where(Fork.device_id == push.head.dev, Fork.hash == push.head.prev)
    return push.head.first - 1 in set(await db.exec(query))


async def _keep_fork(db: Session, push: hub.Push, at: int, signature: str, now: datetime) -> None:
    """Keep another history of a device beside the ledger's, with the signature that proves it."""
    device, numbers = push.head.dev, range(push.head.first + at, push.head.first + len(push.raws))
    query = select(Fork.hash).where(Fork.device_id == device, col(Fork.n).in_(numbers))
    known = set(await db.exec(query))
    news = [
        Fork(device_id=device, n=n, hash=hash_, raw=raw, received_at=now)
        for n, hash_, raw in zip(numbers, push.hashes[at:], push.raws[at:], strict=True)
        if hash_ not in known
    ]
    if news:
        batch = Batch(
            device_id=device,
            first_n=push.head.first,
            count=push.head.count,
            head_line=push.head_line,
            signature=signature,
            received_at=now,
        )
        db.add_all([*news, batch])


# -- answer --------------------------------------------------------------------------------------


async def _notes(db: Session, push: hub.Push, device: Standing) -> list[Note]:
    """Say what does not simply count, from the first one pushed to the end of the chain.

    The end may lie beyond the push: the acknowledgement covers it, so what was said of it must too.
    """
    if device.head_n < push.head.first:
        return []
    (found,) = await ledger.ask(db, (ledger.JUDGED, (push.head.dev, push.head.first)))
    counting = {inspection for _, seq, _, _, inspection in found if seq is not None}
    apart = (col(Inspection.conflicts) > 0) | (col(Inspection.late) > 0)
    query = select(Inspection.id).where(col(Inspection.id).in_(counting), apart)
    states = await folds.states(db, (await db.exec(query)).all())
    said = [Note(n, verdict, why) for n, seq, verdict, why, _ in found if seq is None]
    return [*said, *_remarks(push, states)]


def _remarks(push: hub.Push, states: Mapping[str, State]) -> list[Note]:
    return [
        note
        for _, state in sorted(states.items())
        for note in hub.remarks(state, push.head.dev, push.head.first)
    ]


def _answer(
    device: Standing,
    version: Version,
    notes: Sequence[Note],
    page: Page,
    check: dict[str, tuple[int, int]],
    now: datetime,
) -> Answered:
    token = upload_token(device.secret_key, device.device, now + UPLOAD_TOKEN_LIFE)
    answer = AnswerHead(
        v=version,
        epoch=device.epoch,
        time=round(now.timestamp() * 1000),
        ack=Ack(device.head_n, device.head_hash),
        notes=tuple(notes),
        receipt=Receipt(device.ends.ledger_n, device.ends.ledger_root, ""),
        upload="" if device.revoked else token,
        revoked=device.revoked,
        durable=device.durable_n,
    )
    return Answered(*hub.answer(device.secret_key, device.device, answer, page, check))
