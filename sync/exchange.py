"""A device's exchange with the server (同步): push what is recorded, pull what is new.

It does no I/O: it yields requests and is sent responses, so it may be abandoned at any point and
begun again; only an acknowledgement ever moves the outbox forward.
"""

from collections.abc import Callable, Generator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync import fetching, hub, lineage, outbox, reading, versions
from sync.messages import (
    Ack,
    AnswerHead,
    Event,
    Pull,
    PushHead,
    Receipt,
    Request,
    Response,
    Version,
)
from sync.problems import refusal
from sync.refusals import Reason, Refused
from sync.replica import Identity, Replica
from sync.store import EXCLUDED, Mine

ROUNDS_MAX = 10_000
OLDER_EXCHANGES = 20  # with a server that was older, before the newest version is tried again
PATH = outbox.PATH


class Exchanged(Struct, frozen=True):
    """What one exchange did."""

    rounds: int
    sent: int
    received: int
    alarms: int  # buckets whose checksum did not fit and that were read again


def exchange(
    replica: Replica, spoken: Sequence[Version] = versions.SPOKEN
) -> Generator[Request, Response, Exchanged]:
    """Push and pull until nothing is left to say.

    Where the ledger tells another history of this device, it is followed, if need be under a new
    name (sync.lineage). Refuses with what the server refused, or with SIGNATURE_WRONG when an
    answer was not the server's or did not arrive whole; nothing is changed then, and it may be
    tried again.
    """
    rounds = sent = received = alarms = mended = 0
    speaks = _tongue(replica, spoken)
    while rounds < ROUNDS_MAX:
        if replica.store.get("reoffer"):
            try:
                yield from lineage.offer(replica)
            except Refused as refused:
                speaks = _step_down(replica, refused, speaks, spoken)
        with replica.store.transaction():  # another process of this device may be at it too
            identity = replica.identity
            asked, first = _standing(replica), replica.acked() + 1
            batch = outbox.cut(replica, first)
            request = _request(replica, batch, speaks)
        response = yield request
        rounds += 1
        try:
            if _rewound(replica, response):
                continue
            head, events = _read(replica, identity, response, spoken)
        except Refused as refused:
            mended += 1
            if mended > lineage.TRIES_MAX or replica.identity != identity:
                raise
            if refused.reason is Reason.SYNC_VERSION:
                speaks = _step_down(replica, refused, speaks, spoken)
            else:
                yield from _mend(replica, refused)
            continue
        with replica.store.transaction():
            if replica.identity != identity:
                continue  # another process took another name meanwhile
            acked, *told = _standing(replica)
            overtaken = (acked, *told) != asked  # then the page is about a former cursor
            if tuple(told) == asked[1:]:  # else a page came since, which knows better what counts
                _settle(replica, head, first)
                outbox.arrived(replica, len(batch))
            snapshots = [] if overtaken else fetching.named(events)
            asked, more, wrong = _standing(replica), True, 0
            if not (overtaken or snapshots):
                more, wrong = _absorb(replica, head, events, again=not alarms)
        for snapshot in snapshots:
            rounds += yield from fetching.fetch(replica, snapshot)
        if snapshots:
            with replica.store.transaction():
                if _standing(replica) == asked and replica.identity == identity:
                    more, wrong = _absorb(replica, head, events, again=not alarms)
        sent, received = sent + len(batch), received + len(events) - 1
        again = alarms == 0  # a checksum that fails twice would fail for ever
        alarms += wrong
        if replica.store.get("moved") and not (head.revoked or replica.unsent()):
            yield from lineage.renew(replica, identity)
            continue
        if not (more or replica.unsent() or (wrong and again) or replica.store.get("reoffer")):
            break
    return Exchanged(rounds, sent, received, alarms)


def _mend(replica: Replica, refused: Refused) -> lineage.Asking[None]:
    """Go on where the ledger and the log part, or refuse as the server did."""
    if refused.reason is Reason.SYNC_FORK:
        yield from lineage.mend(replica)
    elif refused.reason is Reason.DEVICE_UNKNOWN and replica.retired():
        yield from lineage.return_as_former(replica)
    else:
        raise refused


def _tongue(replica: Replica, spoken: Sequence[Version]) -> Version:
    """Choose the version to speak: the newest, unless the server was older a while ago."""
    held = replica.store.get("speaks")
    if not held:
        return spoken[-1]
    version = versions.remembered(held, spoken)
    _speak(replica, version, versions.exchanges_left(held) - 1)
    return version


def _step_down(
    replica: Replica, refused: Refused, version: Version, spoken: Sequence[Version]
) -> Version:
    """Find an older version that the server speaks too and keep to it, or pass the refusal on."""
    older = versions.common(refused, spoken)
    if refused.reason is not Reason.SYNC_VERSION or older in (None, version):
        raise refused
    _speak(replica, older, OLDER_EXCHANGES)
    return older


def _speak(replica: Replica, version: Version, exchanges: int) -> None:
    with replica.store.transaction():
        replica.store.set("speaks", versions.remember(version, exchanges))


def _request(replica: Replica, batch: list[Mine], version: Version) -> Request:
    identity, acked = replica.identity, replica.acked()
    previous = replica.hash_at(acked)
    pull = Pull(
        epoch=replica.store.get("epoch"),
        seq=int(replica.store.get("seq") or 0),
        have=tuple(replica.have()),
        limit=replica.page,
        part=reading.held_in_part(replica),
        packs=True,
        told=_told(replica),
    )
    head = PushHead(
        v=version,
        dev=identity.enrolled.device,
        first=acked + 1,
        count=len(batch),
        prev=previous,
        head=batch[-1].hash if batch else previous,
        clock=replica.clock(),
        pull=pull,
    )
    return outbox.seal(identity, head, batch)


def _told(replica: Replica) -> tuple[int, str] | None:
    """Say which ledger the last page was about that was applied; it may be of a former life.

    Kept apart from the receipt, which may be newer, and goes with a name of the device. Where no
    page told of anything yet, the receipt does: what was acknowledged may be lost as well.
    """
    text, receipt = replica.store.get("ledger"), replica.store.get("receipt")
    told = msgspec.json.decode(text, type=tuple[int, str]) if text else None
    if receipt and not (told and told[0]):
        _, last = msgspec.json.decode(receipt, type=tuple[Ack, Receipt])
        return (last.ledger, last.root)
    return told


def _standing(replica: Replica) -> tuple[str, ...]:
    return tuple(replica.store.get(key) for key in ("acked", "epoch", "seq", "have", "part"))


def _rewound(replica: Replica, response: Response) -> bool:
    """Offer all again when the ledger holds less than it once acknowledged.

    What it does hold it may have taken in anew, and judged otherwise than a former life did.
    """
    if response.status < 400:
        return False
    refused = refusal(response)
    head_n = refused.details.get("head_n")
    if refused.reason is not Reason.SYNC_GAP or not isinstance(head_n, int):
        raise refused
    if not 0 <= head_n < replica.acked():
        raise refused
    with replica.store.transaction():
        replica.store.set("acked", "0")
        outbox.offer_files(replica)
        replica.store.set("reoffer", "yes" if replica.retired() else "")
    return True


def _read(
    replica: Replica, identity: Identity, response: Response, spoken: Sequence[Version]
) -> tuple[AnswerHead, list[Event]]:
    lines = lineage.read_signed(identity, response)
    try:
        head, events = versions.read_answer(lines, spoken)
    except hub.UNREADABLE as error:  # signed, so not damaged: of a newer server
        raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error
    if replica.hash_at(head.ack.n) != head.ack.h:
        raise Refused(Reason.SYNC_FORK, head_n=head.ack.n)
    return head, events


def _absorb(
    replica: Replica, head: AnswerHead, events: list[Event], *, again: bool
) -> tuple[bool, int]:
    """Apply a page, and take note of the ledger that it is about.

    `again`: where a checksum does not fit, the own log is offered again too, for the server to say
    anew what it thinks of it: a copy of this device may have been told since.
    """
    ledger = (head.receipt.ledger, head.receipt.root)
    replica.store.set("ledger", msgspec.json.encode(ledger).decode())
    more, wrong = reading.absorb(replica, head.epoch, events)
    if wrong and again:
        replica.store.set("acked", "0")
    return more, wrong


def acknowledge(replica: Replica, response: Response, first: int) -> None:
    """Take from an answer what it says of the operations from `first` on, and nothing else."""
    head, _ = _read(replica, replica.identity, response, versions.SPOKEN)
    _settle(replica, replace(head, upload=replica.store.get("upload")), first)


def _settle(replica: Replica, head: AnswerHead, first: int) -> None:
    """Learn what is acknowledged, and what was said of what is so for the first time.

    Answers come in any order: one that says otherwise of what was acknowledged before may be older
    or newer, so all is offered again. One that does not begin where the outbox stands now was asked
    for before that, and says nothing.
    """
    acked = replica.acked()
    replica.store.set("upload", head.upload)
    replica.store.set("revoked", "yes" if head.revoked else "")
    replica.store.set("receipt", msgspec.json.encode((head.ack, head.receipt)).decode())
    if first <= acked + 1:
        said = {note.n: (note.d, note.why) for note in head.notes}
        until = max(head.ack.n, acked)
        for mine in replica.store.log(first, max(head.ack.n - first + 1, 0)):
            d, why = said.get(mine.n, ("", ""))  # unnamed: it counts
            if mine.n <= acked:
                until = until if (d in EXCLUDED) == (mine.note in EXCLUDED) else 0
            elif (d, why) != (mine.note, mine.why):
                replica.store.note(mine.n, d, why)
        replica.store.set("acked", str(until))
    lineage.watch(replica, head)


def drive(
    session: Generator[Request, Response, Exchanged], ask: Callable[[Request], Response]
) -> Exchanged:
    """Carry a session's requests to the server until it has no more."""
    try:
        request = next(session)
        while True:
            request = session.send(ask(request))
    except StopIteration as done:
        exchanged: Exchanged = done.value
        return exchanged
