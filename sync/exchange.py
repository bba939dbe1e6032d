"""A device's exchange with the server (同步): push what is recorded, pull what is new.

It does no I/O: it yields requests and is sent responses, so it may be abandoned at any point and
begun again; only an acknowledgement ever moves the outbox forward.
"""

from collections.abc import Callable, Generator

import msgspec
from msgspec import Struct

from sync import codec, hub, reading
from sync.messages import (
    VERSION,
    AnswerHead,
    Event,
    Pull,
    PushHead,
    Request,
    Response,
    decode_answer_head,
    decode_event,
)
from sync.refusals import Reason, Refused, by_code
from sync.replica import Replica
from sync.store import Mine

ROUNDS_MAX = 10_000

PATH = "/sync/v1"


class Exchanged(Struct, frozen=True):
    """What one exchange did."""

    rounds: int
    sent: int
    received: int
    alarms: int  # buckets whose checksum did not fit and that were read again


def exchange(replica: Replica) -> Generator[Request, Response, Exchanged]:
    """Push and pull until nothing is left to say.

    Refuses with what the server refused, or with SIGNATURE_WRONG when an answer was not the
    server's or did not arrive whole; nothing is changed then, and it may be tried again.
    """
    rounds = sent = received = alarms = 0
    while rounds < ROUNDS_MAX:
        with replica.store.transaction():  # another process of this device may be at it too
            asked, first = _standing(replica), replica.acked() + 1
            batch = replica.store.log(first, replica.batch)
            request = _request(replica, batch)
        response = yield request
        rounds += 1
        if _rewound(replica, response):
            continue
        head, events = _read(replica, response)
        with replica.store.transaction():
            overtaken = _standing(replica) != asked  # then the page is about a former cursor
            _settle(replica, head, first)
            more, wrong = (True, 0) if overtaken else reading.absorb(replica, head.epoch, events)
        sent, received = sent + len(batch), received + len(events) - 1
        again = alarms == 0  # a checksum that fails twice would fail for ever
        alarms += wrong
        if not (more or replica.unsent() or (wrong and again)):
            break
    return Exchanged(rounds, sent, received, alarms)


def _request(replica: Replica, batch: list[Mine]) -> Request:
    identity, acked = replica.identity, replica.acked()
    previous = replica.hash_at(acked)
    pull = Pull(
        epoch=replica.store.get("epoch"),
        seq=int(replica.store.get("seq") or 0),
        have=tuple(replica.have()),
        limit=replica.page,
    )
    head = PushHead(
        v=VERSION,
        dev=identity.enrolled.device,
        first=acked + 1,
        count=len(batch),
        prev=previous,
        head=batch[-1].hash if batch else previous,
        clock=replica.clock(),
        pull=pull,
    )
    body = b"\n".join([msgspec.json.encode(head), *(mine.raw for mine in batch)])
    header = codec.seal_body(identity.secret, identity.enrolled.device, body)
    return Request("POST", PATH, {codec.SIGNATURE_HEADER: header}, body)


def _standing(replica: Replica) -> tuple[str, ...]:
    return tuple(replica.store.get(key) for key in ("acked", "epoch", "seq", "have"))


def _rewound(replica: Replica, response: Response) -> bool:
    """Go back to the end of the ledger when it holds less than it once acknowledged."""
    if response.status < 400:
        return False
    refused = refusal(response)
    head_n = refused.details.get("head_n")
    if refused.reason is not Reason.SYNC_GAP or not isinstance(head_n, int):
        raise refused
    if not 0 <= head_n < replica.acked():
        raise refused
    with replica.store.transaction():
        replica.store.set("acked", str(head_n))
    return True


def _read(replica: Replica, response: Response) -> tuple[AnswerHead, list[Event]]:
    header = response.headers.get(codec.SIGNATURE_HEADER, "")
    codec.check_body(replica.identity.enrolled.server_key, header, response.body)
    first, *rest = response.body.split(b"\n")
    try:
        head, events = decode_answer_head(first), [decode_event(line) for line in rest]
    except hub.UNREADABLE as error:  # signed, so not damaged: of a newer server
        raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error
    if head.v != VERSION:
        raise Refused(Reason.SYNC_VERSION, spoken=VERSION, asked=head.v)
    if replica.hash_at(head.ack.n) != head.ack.h:
        raise Refused(Reason.SYNC_FORK, head_n=head.ack.n)
    return head, events


def _settle(replica: Replica, head: AnswerHead, first: int) -> None:
    replica.store.set("acked", str(max(head.ack.n, replica.acked())))
    replica.store.set("upload", head.upload)
    replica.store.set("revoked", "yes" if head.revoked else "")
    replica.store.set("receipt", msgspec.json.encode((head.ack, head.receipt)).decode())
    said = {note.n: note for note in head.notes}
    for mine in replica.store.log(first, max(head.ack.n - first + 1, 0)):  # unnamed: it counts
        note = said.get(mine.n)
        d, why = (note.d, note.why) if note else ("", "")
        if (d, why) != (mine.note, mine.why):
            replica.store.note(mine.n, d, why)


class Problem(Struct, frozen=True):
    """The part of a problem document (RFC 9457) that a program reads."""

    code: str
    details: dict[str, int | str] = {}


def refusal(response: Response) -> Refused:
    """Read the refusal out of a problem response."""
    try:
        problem = msgspec.json.decode(response.body, type=Problem)
        return Refused(by_code(problem.code), **problem.details)
    except (*hub.UNREADABLE, KeyError):
        return Refused(Reason.ANSWER_STRANGE, status=response.status)


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
