"""A device and its former selves (世系): what becomes of a log when its chain cannot go on.

A phone restored from a backup adopts the tail that the ledger holds of it. Where ledger and log
tell different histories (a clone, a restored phone that wrote on), the device takes a new name and
key by itself and records anew, under that name, what the ledger does not have. The former chain and
key are kept as retired until a backup of the server holds everything.
"""

from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync import codec, hub, outbox, versions
from sync.merge import Recorded, digest, fold
from sync.messages import (
    AnswerHead,
    ChainAsk,
    ChainHead,
    Enrolled,
    Note,
    PushHead,
    Renew,
    Request,
    Response,
    decode_chain_head,
    decode_enrolled,
    enrolled_text,
)
from sync.naming import renamed
from sync.ops import AnyOp, OpId, Sign, op_id
from sync.problems import refusal
from sync.refusals import Reason, Refused
from sync.replica import Identity, Replica, Retired, understood
from sync.store import EXCLUDED, Mine, Theirs

S = TypeVar("S")
T = TypeVar("T")
Asking: TypeAlias = Generator[Request, Response, T]

CHAIN_PATH = "/device/chain"
RENEW_PATH = "/device/renew"
TRIES_MAX = 4


class Chain(Struct, frozen=True):
    """A log of this device, its own or a retired one, and who signs for it."""

    identity: Identity
    last: int
    acked: int  # what was said of the operations up to here is known
    hash_at: Callable[[int], str]  # the genesis at 0, empty beyond the end
    log: Callable[[int, int], list[Mine]]


class Found(Struct, frozen=True):
    """What the ledger holds of a chain."""

    common: int  # up to here both tell the same
    forked: bool  # and then something else
    tail: tuple[bytes, ...] = ()  # or the ledger goes on where the log ends
    notes: tuple[Note, ...] = ()


# -- the own chain -------------------------------------------------------------------------------


def mend(replica: Replica) -> Asking[None]:
    """Follow the ledger where it holds another history of this device than the log does."""
    identity = replica.identity
    found = yield from compare(_own(replica))
    if found.tail:
        _adopt(replica, identity, found)
    elif found.forked:  # what another life of the server acknowledged may be judged otherwise now
        whole = yield from compare(_own(replica), since=0)
        if whole.forked:
            yield from renew(replica, identity, kept=whole.common, notes=whole.notes)


def renew(
    replica: Replica, signer: Identity, *, kept: int | None = None, notes: Sequence[Note] = ()
) -> Asking[None]:
    """Take a new name and key, signed for by one that the server knows.

    Of the log, what lies beyond number `kept` is recorded anew under the new name: beyond what is
    acknowledged by then, if nothing else is said.
    """
    device = replica.identity.enrolled.device
    with replica.store.transaction():  # a lost answer is asked for again with the same key
        secret = replica.store.get("renewal") or codec.new_key()
        replica.store.set("renewal", secret)
    ask = Renew(versions.PIECES, signer.enrolled.device, codec.public_key(secret))
    response = yield _signed(signer, RENEW_PATH, msgspec.json.encode(ask))
    if response.status >= 400:
        raise refusal(response)
    try:
        enrolled = decode_enrolled(response.body)
    except hub.UNREADABLE as error:
        raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error
    check_enrolled(enrolled, ask.public_key, server_key=signer.enrolled.server_key)
    take_over(replica, device, Identity(enrolled, signer.server, secret), kept=kept, notes=notes)


def return_as_former(replica: Replica) -> Asking[None]:
    """Go on anew by the newest former name that a server restored from a backup still knows."""
    chains = replica.retired()
    for one in reversed(chains):
        try:
            return (yield from renew(replica, one.identity, kept=0))
        except Refused as refused:
            if refused.reason is not Reason.DEVICE_UNKNOWN or one == chains[0]:
                raise


def check_enrolled(enrolled: Enrolled, public_key: str, *, server_key: str) -> None:
    """Refuse an enrolment that is not the server's word about this key."""
    ours = (enrolled.public_key, enrolled.server_key) == (public_key, server_key)
    if not (ours and codec.verifies(server_key, enrolled_text(enrolled), enrolled.sig)):
        raise Refused(Reason.SERVER_OTHER)


def take_over(
    replica: Replica, device: str, new: Identity, *, kept: int | None, notes: Sequence[Note] = ()
) -> None:
    """Go on as `new` unless another process of this device did; nothing recorded is left behind."""
    store = replica.store
    with store.transaction():
        if replica.identity.enrolled.device != device:
            return
        old, last = replica.identity, store.last()
        kept = replica.acked() if kept is None else kept
        log = store.log(1, last.n if last else 0)
        store.retire(device)
        replica.keep_retired((*replica.retired(), Retired(old, kept)))
        store.set("identity", msgspec.json.encode(new).decode())
        for key in ("renewal", "moved", "receipt"):
            store.set(key, "")
        store.set("acked", "0")
        _let_count(replica, old, log[:kept], notes)
        reissue(replica, device, log[kept:])


def reissue(replica: Replica, device: str, mines: Sequence[Mine]) -> None:
    """Record operations of a former chain anew; they name each other by their new names."""
    new = replica.identity.enrolled.device
    names: dict[OpId, OpId] = {}
    for mine in mines:
        n, previous = replica.head()
        op = understood(mine.raw)
        if op is None:
            raw = _restamped(mine, n + 1)
        else:
            op = replace(renamed(op, names), n=n + 1, orig=op.orig or mine.hash)
            raw = msgspec.json.encode(_digested(replica, device, op))
        replica.store.append(Mine(n + 1, mine.inspection, codec.link(previous, raw), raw))
        names[op_id(device, mine.n)] = op_id(new, n + 1)


# -- retired chains ------------------------------------------------------------------------------


def offer(replica: Replica) -> Asking[None]:
    """Give a restored server what it has lost of the retired chains, under their own names."""
    for one in replica.retired():
        yield from _offer(replica, one)
    with replica.store.transaction():
        replica.store.set("reoffer", "")


def watch(replica: Replica, head: AnswerHead) -> None:
    """Let go of a retired chain once a backup of the server holds all that came of it.

    Its new name has no place in the ledger: a backup holds that for sure when it holds more.
    """
    chains = replica.retired()
    if not chains:
        return
    if replica.store.get("epoch") not in ("", head.epoch):  # the server came back from a backup
        replica.keep_retired(replace(one, until=0) for one in chains)
        replica.store.set("reoffer", "yes")
        return
    if replica.store.get("reoffer") or replica.unsent():
        return
    left = [replace(one, until=one.until or head.receipt.ledger + 1) for one in chains]
    for one in left:
        if one.until <= head.durable:
            replica.store.forget(one.identity.enrolled.device)
    replica.keep_retired(one for one in left if one.until > head.durable)


def _offer(replica: Replica, one: Retired) -> Asking[None]:
    device, chain = one.identity.enrolled.device, _former(replica, one)
    for _ in range(TRIES_MAX):
        try:
            found = yield from compare(chain)
        except Refused as refused:
            if refused.reason is not Reason.DEVICE_UNKNOWN:
                raise
            found = Found(0, forked=True)  # the backup is older than this name
        if found.common >= one.kept:
            return
        if found.forked:
            with replica.store.transaction():
                if one in replica.retired():
                    lost = chain.log(found.common + 1, one.kept - found.common)
                    reissue(replica, device, lost)
                    less = replace(one, kept=found.common)
                    replica.keep_retired(less if c == one else c for c in replica.retired())
            return
        yield from _push(replica, chain, found.common + 1)


def _push(replica: Replica, chain: Chain, first: int) -> Asking[None]:
    """Push a stretch of a retired chain; what stands in the way is looked at again."""
    while first <= chain.last:
        batch = chain.log(first, min(replica.batch, chain.last - first + 1))
        head = PushHead(
            v=versions.remembered(replica.store.get("speaks")),
            dev=chain.identity.enrolled.device,
            first=first,
            count=len(batch),
            prev=chain.hash_at(first - 1),
            head=batch[-1].hash,
            clock=replica.clock(),
        )
        response = yield outbox.seal(chain.identity, head, batch)
        if response.status >= 400:
            refused = refusal(response)
            if refused.reason in (Reason.SYNC_GAP, Reason.SYNC_FORK):
                return
            raise refused
        lines = read_signed(chain.identity, response)
        answer, _ = _decoded(versions.read_answer, lines)
        if answer.ack.n < first:
            raise Refused(Reason.ANSWER_STRANGE, problem="nothing was acknowledged")
        first = answer.ack.n + 1


# -- what the ledger holds -----------------------------------------------------------------------


def compare(chain: Chain, since: int | None = None) -> Asking[Found]:
    """Ask what the ledger holds of a chain, and hold it against the log: all of it after `since`.

    If nothing is said, after what both surely have.
    """
    asked = _rungs(chain.acked) if since is None else [since]
    known = {n: chain.hash_at(n) for n in asked}
    tail: list[bytes] = []
    notes: list[Note] = []
    while True:
        ask = ChainAsk(versions.PIECES, chain.identity.enrolled.device, tuple(known.items()))
        response = yield _signed(chain.identity, CHAIN_PATH, msgspec.json.encode(ask))
        if response.status >= 400:
            raise refusal(response)
        first, *raws = read_signed(chain.identity, response)
        head: ChainHead = _decoded(decode_chain_head, first)
        n, hash_ = head.first - 1, known.get(head.first - 1, "")
        common = n if not tail else chain.last
        if not hash_ or (not raws and n < head.ack.n):
            raise Refused(Reason.ANSWER_STRANGE, problem="the chain does not go on")
        notes += head.notes
        for raw in raws:
            n, hash_ = n + 1, codec.link(hash_, raw)
            mine = chain.hash_at(n)
            if mine and mine != hash_:
                return Found(common, True, notes=tuple(notes))
            if mine:
                common = n
            else:
                tail.append(raw)
        if n >= head.ack.n:
            return Found(common, False, tuple(tail), tuple(notes))
        known = {n: hash_}


def _rungs(last: int) -> list[int]:
    """Choose numbers to ask by: close together at the end, and the genesis."""
    steps = [0, *(2**power for power in range(54) if 2**power < last), last]
    return sorted({last - step for step in steps}, reverse=True)


def _own(replica: Replica) -> Chain:
    last = replica.store.last()
    return Chain(
        replica.identity,
        last.n if last else 0,
        replica.acked(),
        hash_at=replica.hash_at,
        log=replica.store.log,
    )


def _former(replica: Replica, one: Retired) -> Chain:
    device = one.identity.enrolled.device

    def hash_at(n: int) -> str:
        if n == 0:
            return codec.genesis(device)
        found = replica.store.retired(device, n, 1) if n <= one.kept else []
        return found[0].hash if found else ""

    def log(first: int, limit: int) -> list[Mine]:
        return replica.store.retired(device, first, limit)

    return Chain(one.identity, one.kept, one.kept, hash_at=hash_at, log=log)


# -- small parts ---------------------------------------------------------------------------------


def read_signed(identity: Identity, response: Response) -> list[bytes]:
    """Give the lines of an answer, or refuse with SIGNATURE_WRONG when it is not the server's."""
    header = response.headers.get(codec.SIGNATURE_HEADER, "")
    codec.check_body(identity.enrolled.server_key, header, response.body)
    return response.body.split(b"\n")


def _signed(identity: Identity, path: str, body: bytes) -> Request:
    header = codec.seal_body(identity.secret, identity.enrolled.device, body)
    return Request("POST", path, {codec.SIGNATURE_HEADER: header}, body)


def _decoded(decode: Callable[[S], T], line: S) -> T:
    try:
        return decode(line)
    except hub.UNREADABLE as error:  # signed, so not damaged: of a newer server
        raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error


def _adopt(replica: Replica, identity: Identity, found: Found) -> None:
    """Append the tail that the ledger holds, unless something was recorded meanwhile."""
    with replica.store.transaction():
        n, hash_ = replica.head()
        if replica.identity != identity or n != found.common:
            return
        for raw in found.tail:
            n, hash_ = n + 1, codec.link(hash_, raw)
            replica.store.append(Mine(n, hub.inspection_of(raw), hash_, raw))
        _read_anew(replica, {f"i:{hub.inspection_of(raw)}" for raw in found.tail})


def _read_anew(replica: Replica, buckets: set[str]) -> None:
    """Let go of buckets in which this device may have been told, as another, what is its own."""
    for bucket in buckets:
        replica.store.drop(bucket)
    have = [one for one in replica.have() if one not in buckets]
    part = msgspec.json.decode(replica.store.get("part") or "{}", type=dict[str, msgspec.Raw])
    left = {name: places for name, places in part.items() if name not in buckets}
    replica.store.set("have", msgspec.json.encode(have).decode())
    replica.store.set("part", msgspec.json.encode(left).decode() if left else "")


def _let_count(replica: Replica, old: Identity, log: Sequence[Mine], notes: Sequence[Note]) -> None:
    """Let what the ledger has of a former chain count as everybody's, in the buckets held."""
    said = {note.n: note.d for note in notes}
    part = msgspec.json.decode(replica.store.get("part") or "{}", type=dict[str, msgspec.Raw])
    have = {*replica.have(), *part}
    for mine in log:
        bucket = f"i:{mine.inspection}"
        if bucket in have and not {mine.note, said.get(mine.n, "")} & set(EXCLUDED):
            name = op_id(old.enrolled.device, mine.n)
            theirs = Theirs(name, bucket, mine.hash, old.enrolled.inspector, mine.raw)
            replica.store.put_theirs(theirs)


def _restamped(mine: Mine, n: int) -> bytes:
    """Give an operation of a newer program another number; rubbish stays as it is."""
    try:
        fields = msgspec.json.decode(mine.raw, type=dict[str, msgspec.Raw])
    except hub.UNREADABLE:
        return mine.raw
    fields["n"] = msgspec.Raw(str(n).encode())
    fields.setdefault("orig", msgspec.Raw(msgspec.json.encode(mine.hash)))
    return msgspec.json.encode(fields)


def _digested(replica: Replica, device: str, op: AnyOp) -> AnyOp:
    """Hash anew what a signature covers, whose names have changed, if all of it is still here."""
    if not isinstance(op, Sign):
        return op
    recorded = {one.id: one for one in _everything(replica, device, op.e)}
    wanted = [
        op_id(name, n)
        for name, spans in op.covers.items()
        for first, last in spans
        for n in range(first, min(last, first + len(recorded)) + 1)
    ]
    if any(one not in recorded for one in wanted):
        return op
    inside = [recorded[one] for one in wanted if not isinstance(recorded[one].op, Sign)]
    return replace(op, digest=digest(fold(inside)))


def _everything(replica: Replica, device: str, inspection: str) -> list[Recorded]:
    """Give all operations of an inspection that are here, whatever the server thinks of them."""
    store, now = replica.store, replica.identity.enrolled
    former = [mine for mine in store.retired(device, 1, 2**53) if mine.inspection == inspection]
    own = [(op_id(now.device, mine.n), mine) for mine in store.log_of(inspection)]
    own += [(op_id(device, mine.n), mine) for mine in former]
    named = [(name, mine.hash, now.inspector, mine.raw) for name, mine in own]
    told = store.theirs_of(f"i:{inspection}")
    named += [(theirs.id, theirs.hash, theirs.who, theirs.raw) for theirs in told]
    found = [(name, hash_, who, understood(raw)) for name, hash_, who, raw in named]
    return [Recorded(name, hash_, who, op) for name, hash_, who, op in found if op is not None]
