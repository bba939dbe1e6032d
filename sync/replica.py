"""The device's half: record first, exchange when there is a network.

An operation counts on the device the moment it is recorded, and everywhere later. `exchange` does
no I/O: it yields requests and is sent responses, so it may be abandoned at any point and begun
again; only an acknowledgement ever moves the outbox forward, and nothing ever leaves the log.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TypeAlias, TypedDict

import msgspec
from msgspec import Struct

from sync import checklist, codec, hub
from sync.checklist import Checklist
from sync.merge import INSPECTORS, MEMBER, Inspection, Recorded, digest, fold
from sync.messages import (
    PAGE_ROWS_MAX,
    VERSION,
    AnswerHead,
    Boot,
    Clock,
    Drop,
    End,
    Enrolled,
    Event,
    Gone,
    Pull,
    PushHead,
    Put,
    Request,
    Reset,
    Response,
    Told,
    decode_answer_head,
    decode_event,
)
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    AnyOp,
    SetAnswers,
    Sign,
    Void,
    decode_op,
    op_id,
)
from sync.refusals import Reason, Refused, by_code
from sync.store import EXCLUDED, File, Mine, Row, Store, Theirs

PUSH_OPS_MAX = 200
ROUNDS_MAX = 10_000

PATH = "/sync/v1"


class Stamp(TypedDict):
    """What every operation carries."""

    n: int
    e: str
    w: int
    m: int
    boot: str


Make: TypeAlias = Callable[[Stamp], AnyOp]


class _Seat(Struct, frozen=True):
    checklist: str


class _Task(Struct, frozen=True):
    """The part of a task that says what its visit brings; older servers name no seats."""

    checklist: str
    seats: tuple[_Seat, ...] = ()


class Identity(Struct, frozen=True):
    """Who this device is, since its enrolment."""

    enrolled: Enrolled
    server: str
    secret: str  # Ed25519, hex


class Exchanged(Struct, frozen=True):
    """What one exchange did."""

    rounds: int
    sent: int
    received: int
    alarms: int  # buckets whose checksum did not fit and that were read again


class Replica:
    """Everything one device knows, and what it may do."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], Clock],
        *,
        batch: int = PUSH_OPS_MAX,
        page: int = PAGE_ROWS_MAX,
    ) -> None:
        self.store = store
        self._clock = clock
        self._batch, self._page = batch, page

    # -- who am I --------------------------------------------------------------------------------

    def enrol(self, enrolled: Enrolled, *, server: str, secret: str) -> None:
        """Become an inspector's device, once."""
        identity = Identity(enrolled, server, secret)
        with self.store.transaction():
            if self.store.get("identity"):
                raise Refused(Reason.DEVICE_ENROLLED)
            self.store.set("identity", msgspec.json.encode(identity).decode())

    @property
    def identity(self) -> Identity:
        """Say who this device is, or refuse with DEVICE_NOT_ENROLLED."""
        text = self.store.get("identity")
        if not text:
            raise Refused(Reason.DEVICE_NOT_ENROLLED)
        return msgspec.json.decode(text, type=Identity)

    # -- what is there ---------------------------------------------------------------------------

    def tasks(self) -> list[Row]:
        """Give the tasks that this device holds."""
        return self.store.rows("task")

    def checklist(self, inspection: str) -> Checklist:
        """Give the checklist that an inspection follows, or refuse with INSPECTION_UNKNOWN."""
        for task in self.tasks():
            if task.id == inspection:
                wanted = msgspec.json.decode(task.body)["checklist"]
                for row in self.store.rows("checklist"):
                    if row.id == wanted:
                        return checklist.load(row.body)
        raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)

    def checklists(self, inspection: str) -> list[Checklist]:
        """Give all checklists of a visit: its own, then those that partner departments bring."""
        own = self.checklist(inspection)
        row = next(task for task in self.tasks() if task.id == inspection)
        task = msgspec.json.decode(row.body, type=_Task)
        wanted = {seat.checklist for seat in task.seats} - {task.checklist}
        brought = {row.id: row.body for row in self.store.rows("checklist") if row.id in wanted}
        return [own, *(checklist.load(brought[digest]) for digest in sorted(brought))]

    def inspection(self, inspection: str) -> Inspection:
        """Fold an inspection as this device knows it now."""
        return fold(self._known(inspection))

    def unsent(self) -> int:
        """Count the operations that the server has not acknowledged."""
        return self._head()[0] - self._acked()

    # -- record ----------------------------------------------------------------------------------

    def answer(self, inspection: str, answers: Mapping[str, Answer]) -> Mine:
        """Answer items; each answer replaces those that this device knows to stand."""
        those = self.checklists(inspection)
        for ref, answer in answers.items():
            refusal = checklist.admissible_in(those, ref, answer.v)
            if refusal is not None:
                raise Refused(refusal, item=ref, value=answer.v)

        def make(stamp: Stamp) -> AnyOp:
            standing = self.inspection(inspection).items
            seen = {r: tuple(s.op for s in standing[r].standing) for r in answers if r in standing}
            return SetAnswers(f=dict(answers), s=seen, **stamp)

        return self._record(inspection, make)

    def find(self, inspection: str, text: str, *, basis: str, item: str = "") -> Mine:
        """Record a finding with its legal basis."""
        self._must_hold(inspection)
        return self._record(
            inspection, lambda stamp: AddFinding(text=text, basis=basis, item=item, **stamp)
        )

    def attach(self, inspection: str, file: File, *, item: str = "", caption: str = "") -> Mine:
        """Attach an evidence file whose bytes are already safe on this device."""
        self._must_hold(inspection)
        if file.size == 0:
            raise Refused(Reason.EVIDENCE_EMPTY, file=file.sha256)

        def make(stamp: Stamp) -> AnyOp:
            self.store.put_file(file)
            return AddEvidence(
                blob=file.sha256,
                size=file.size,
                mime=file.mime,
                item=item,
                caption=caption,
                **stamp,
            )

        return self._record(inspection, make)

    def sign(self, inspection: str, role: str, *, name: str = "", reason: str = "") -> Mine:
        """Sign everything that this device knows of the inspection, amending earlier signatures."""
        self._must_hold(inspection)

        def make(stamp: Stamp) -> AnyOp:
            known = self._known(inspection)
            covered = [r for r in known if not isinstance(r.op, Sign)]
            state = fold(covered)
            signed = fold(known).signatures
            own = self.identity.enrolled.inspector
            earlier = tuple(
                s.op
                for s in signed
                if s.role == role and not s.amended_by and (role != MEMBER or s.who == own)
            )
            if earlier and role in (*INSPECTORS, MEMBER) and not reason:
                raise Refused(Reason.SIGN_REASON_MISSING, inspection=inspection)
            return Sign(
                role=role,
                covers=_ranges(r.id for r in covered),
                blobs=tuple(sorted({e.blob for e in state.evidence})),
                digest=digest(state),
                name=name,
                s=earlier,
                reason=reason,
                **stamp,
            )

        return self._record(inspection, make)

    def void(self, inspection: str, target: str, *, reason: str) -> Mine:
        """Withdraw a finding or a piece of evidence; it stays visible with the reason."""
        self._must_hold(inspection)
        return self._record(inspection, lambda stamp: Void(target=target, reason=reason, **stamp))

    # -- exchange --------------------------------------------------------------------------------

    def exchange(self) -> Generator[Request, Response, Exchanged]:
        """Push and pull until nothing is left to say.

        Refuses with what the server refused, or with SIGNATURE_WRONG when an answer was not the
        server's or did not arrive whole; nothing is changed then, and it may be tried again.
        """
        rounds = sent = received = alarms = 0
        while rounds < ROUNDS_MAX:
            with self.store.transaction():  # another process of this device may be at it too
                asked, first = self._standing(), self._acked() + 1
                batch = self.store.log(first, self._batch)
                request = self._request(batch)
            response = yield request
            rounds += 1
            if self._rewound(response):
                continue
            head, events = self._read(response)
            with self.store.transaction():
                overtaken = self._standing() != asked  # then the page is about a former cursor
                self._settle(head, first)
                more, wrong = (True, 0) if overtaken else self._absorb(head.epoch, events)
            sent, received = sent + len(batch), received + len(events) - 1
            again = alarms == 0  # a checksum that fails twice would fail for ever
            alarms += wrong
            if not (more or self.unsent() or (wrong and again)):
                break
        return Exchanged(rounds, sent, received, alarms)

    def _request(self, batch: list[Mine]) -> Request:
        identity, acked = self.identity, self._acked()
        previous = self._hash_at(acked)
        pull = Pull(
            epoch=self.store.get("epoch"),
            seq=int(self.store.get("seq") or 0),
            have=tuple(self._have()),
            limit=self._page,
        )
        head = PushHead(
            v=VERSION,
            dev=identity.enrolled.device,
            first=acked + 1,
            count=len(batch),
            prev=previous,
            head=batch[-1].hash if batch else previous,
            clock=self._clock(),
            pull=pull,
        )
        body = b"\n".join([msgspec.json.encode(head), *(mine.raw for mine in batch)])
        header = codec.seal_body(identity.secret, identity.enrolled.device, body)
        return Request("POST", PATH, {codec.SIGNATURE_HEADER: header}, body)

    def _standing(self) -> tuple[str, ...]:
        return tuple(self.store.get(key) for key in ("acked", "epoch", "seq", "have"))

    def _rewound(self, response: Response) -> bool:
        """Go back to the end of the ledger when it holds less than it once acknowledged."""
        if response.status < 400:
            return False
        refused = refusal(response)
        head_n = refused.details.get("head_n")
        if refused.reason is not Reason.SYNC_GAP or not isinstance(head_n, int):
            raise refused
        if not 0 <= head_n < self._acked():
            raise refused
        with self.store.transaction():
            self.store.set("acked", str(head_n))
        return True

    def _read(self, response: Response) -> tuple[AnswerHead, list[Event]]:
        header = response.headers.get(codec.SIGNATURE_HEADER, "")
        codec.check_body(self.identity.enrolled.server_key, header, response.body)
        first, *rest = response.body.split(b"\n")
        try:
            head, events = decode_answer_head(first), [decode_event(line) for line in rest]
        except hub.UNREADABLE as error:  # signed, so not damaged: of a newer server
            raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error
        if head.v != VERSION:
            raise Refused(Reason.SYNC_VERSION, spoken=VERSION, asked=head.v)
        if self._hash_at(head.ack.n) != head.ack.h:
            raise Refused(Reason.SYNC_FORK, head_n=head.ack.n)
        return head, events

    def _settle(self, head: AnswerHead, first: int) -> None:
        self.store.set("acked", str(max(head.ack.n, self._acked())))
        self.store.set("upload", head.upload)
        self.store.set("revoked", "yes" if head.revoked else "")
        self.store.set("receipt", msgspec.json.encode((head.ack, head.receipt)).decode())
        said = {note.n: note for note in head.notes}
        for mine in self.store.log(first, max(head.ack.n - first + 1, 0)):  # unnamed: it counts
            note = said.get(mine.n)
            d, why = (note.d, note.why) if note else ("", "")
            if (d, why) != (mine.note, mine.why):
                self.store.note(mine.n, d, why)

    def _absorb(self, epoch: str, events: list[Event]) -> tuple[bool, int]:
        """Apply a page; give whether more follows and how many buckets must be read again."""
        have, anew = self._have(), False
        for event in events:
            match event:
                case Reset():
                    for bucket in have:
                        self.store.drop(bucket)
                    have, anew = {}, True
                    self.store.set("acked", "0")  # a restored server may have lost any of it
                case Boot(b=bucket):
                    self.store.drop(bucket)
                    have[bucket] = None
                case Drop(b=bucket):
                    self.store.drop(bucket)
                    have.pop(bucket, None)
                case Put():
                    row = Row(event.b, event.kind, event.id, event.rev, bytes(event.d))
                    self.store.put_row(row)
                case Gone():
                    self.store.remove_row(event.b, event.kind, event.id)
                case Told():
                    if not event.id.startswith(f"{self.identity.enrolled.device}:"):
                        told = Theirs(event.id, event.b, event.h, event.who, bytes(event.raw))
                        self.store.put_theirs(told)
                case End():
                    whole = not (event.more or anew)
                    wrong = [b for b in have if whole and self._differs(b, event.check)]
                    for bucket in wrong:
                        self.store.drop(bucket)
                        del have[bucket]
                    if wrong:
                        alarms = int(self.store.get("alarms") or 0) + len(wrong)
                        self.store.set("alarms", str(alarms))
                    self.store.set("epoch", epoch)
                    self.store.set("seq", str(event.next))
                    self.store.set("have", msgspec.json.encode(list(have)).decode())
                    return event.more or anew, len(wrong)
        raise Refused(Reason.ANSWER_STRANGE, problem="no end line")

    def _differs(self, bucket: str, check: Mapping[str, tuple[int, int]]) -> bool:
        device = self.identity.enrolled.device
        acked = self._acked()
        own = [
            ("op", op_id(device, mine.n), mine.hash)
            for mine in self.store.log_of(bucket.removeprefix("i:"))
            if mine.n <= acked and mine.note not in EXCLUDED
        ]
        return hub.checksum([*self.store.revisions(bucket), *own]) != check.get(bucket)

    # -- small parts -----------------------------------------------------------------------------

    def _record(self, inspection: str, make: Make) -> Mine:
        with self.store.transaction():
            n, previous = self._head()
            clock = self._clock()
            stamp = Stamp(n=n + 1, e=inspection, w=clock.w, m=clock.m, boot=clock.boot)
            raw = msgspec.json.encode(make(stamp))
            mine = Mine(n + 1, inspection, codec.link(previous, raw), raw)
            self.store.append(mine)
        return mine

    def _must_hold(self, inspection: str) -> None:
        if all(row.id != inspection for row in self.tasks()):
            raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)

    def _known(self, inspection: str) -> list[Recorded]:
        enrolled = self.identity.enrolled
        own = [
            Recorded(op_id(enrolled.device, mine.n), mine.hash, enrolled.inspector, op)
            for mine in self.store.log_of(inspection)
            if mine.note not in EXCLUDED and (op := understood(mine.raw)) is not None
        ]
        told = [
            Recorded(theirs.id, theirs.hash, theirs.who, op)
            for theirs in self.store.theirs_of(f"i:{inspection}")
            if (op := understood(theirs.raw)) is not None
        ]
        return own + told

    def _head(self) -> tuple[int, str]:
        last = self.store.last()
        return (last.n, last.hash) if last else (0, codec.genesis(self.identity.enrolled.device))

    def _hash_at(self, n: int) -> str:
        """Give the own chain's hash at `n`; empty beyond its end."""
        if n == 0:
            return codec.genesis(self.identity.enrolled.device)
        found = self.store.log(n, 1)
        return found[0].hash if found else ""

    def _acked(self) -> int:
        return int(self.store.get("acked") or 0)

    def _have(self) -> dict[str, None]:
        return dict.fromkeys(msgspec.json.decode(self.store.get("have") or "[]", type=list[str]))


def understood(raw: bytes) -> AnyOp | None:
    """Decode an operation, or give None for one of a newer program."""
    try:
        return decode_op(raw)
    except msgspec.DecodeError:
        return None


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


def _ranges(ids: Iterable[str]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Write operation ids as ranges of numbers per device, in order."""
    numbers: dict[str, list[int]] = {}
    for one in ids:
        device, _, number = one.rpartition(":")
        numbers.setdefault(device, []).append(int(number))
    ranges: dict[str, tuple[tuple[int, int], ...]] = {}
    for device in sorted(numbers):
        spans: list[tuple[int, int]] = []
        for n in sorted(numbers[device]):
            if spans and spans[-1][1] == n - 1:
                spans[-1] = (spans[-1][0], n)
            else:
                spans.append((n, n))
        ranges[device] = tuple(spans)
    return ranges
