"""The device's half: what it knows and what it records, with a network or without.

An operation counts on the device the moment it is recorded, and everywhere later. Nothing ever
leaves the log.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypedDict

import msgspec
from msgspec import Struct

from sync import checklist, codec, naming
from sync.answers import admits
from sync.checklist import Checklist
from sync.merge import INSPECTORS, MEMBER, Inspection, Recorded, digest, fold
from sync.messages import PAGE_ROWS_MAX, Clock, Enrolled
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
from sync.refusals import Reason, Refused
from sync.store import EXCLUDED, File, Mine, Row, Store

PUSH_OPS_MAX = 200
CARRIES = b'"checklist.carry/'
ANSWERS = b'"answers.set/'
AGAIN = b'"orig"'


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


class Kept(NamedTuple):
    """An operation as it is kept, not yet read."""

    id: str
    hash: str
    who: str
    raw: bytes


class Identity(Struct, frozen=True):
    """Who this device is, since its enrolment."""

    enrolled: Enrolled
    server: str
    secret: str  # Ed25519, hex


class Retired(Struct, frozen=True):
    """A former name of this device, whose chain is kept until the server has it in a backup."""

    identity: Identity
    kept: int  # up to here its operations count under their own names; the others were re-issued
    until: int = 0  # the ledger position at which all of it was there; 0 while that is not known


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
        self.clock = clock
        self.batch, self.page = batch, page

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

    def retired(self) -> tuple[Retired, ...]:
        """Give the former names of this device, in order."""
        return msgspec.json.decode(self.store.get("retired") or "[]", type=tuple[Retired, ...])

    def keep_retired(self, chains: Iterable[Retired]) -> None:
        """Keep these former names, and no others."""
        self.store.set("retired", msgspec.json.encode(list(chains)).decode())

    # -- what is there ---------------------------------------------------------------------------

    def tasks(self) -> list[Row]:
        """Give the tasks that this device holds."""
        return self.store.rows("task")

    def checklist(self, inspection: str) -> Checklist:
        """Give the checklist that an inspection follows, or refuse with INSPECTION_UNKNOWN."""
        return self._form(inspection, self.followed(inspection) or self.came_with(inspection))

    def came_with(self, inspection: str) -> str:
        """Name the checklist that the task came with, or refuse with INSPECTION_UNKNOWN."""
        return self._task(inspection).checklist

    def checklists(self, inspection: str) -> list[Checklist]:
        """Give all checklists of a visit: its own, then those that partner departments bring."""
        return self._forms(inspection, self.followed(inspection))

    def inspection(self, inspection: str) -> Inspection:
        """Fold an inspection as this device knows it now."""
        return fold(self._known(inspection))

    def unsent(self) -> int:
        """Count the operations that the server has not acknowledged."""
        return self.head()[0] - self.acked()

    # -- record ----------------------------------------------------------------------------------

    def answer(self, inspection: str, answers: Mapping[str, Answer]) -> Mine:
        """Answer items; each answer replaces those that this device knows to stand.

        What was said of other items is left unread: this takes as long late in a visit as early.
        """

        def make(stamp: Stamp) -> AnyOp:
            kept = self._kept(inspection)
            followed = self._followed(kept)
            items = checklist.asked(self._forms(inspection, followed))
            for ref, answer in answers.items():
                refusal = admits(items, ref, answer)
                if refusal is not None:
                    raise Refused(refusal, item=ref, value=answer.v)
            standing = fold(_read(_about(kept, answers))).items
            seen = {r: tuple(s.op for s in standing[r].standing) for r in answers if r in standing}
            return SetAnswers(f=dict(answers), s=seen, under=followed, **stamp)

        return self.record(inspection, make)

    def find(self, inspection: str, text: str, *, basis: str, item: str = "") -> Mine:
        """Record a finding with its legal basis."""
        self._must_hold(inspection)
        return self.record(
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

        return self.record(inspection, make)

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

        return self.record(inspection, make)

    def void(self, inspection: str, target: str, *, reason: str) -> Mine:
        """Withdraw a finding or a piece of evidence; it stays visible with the reason."""
        self._must_hold(inspection)
        state = self.inspection(inspection)
        known = {finding.op for finding in state.findings} | {one.op for one in state.evidence}
        if target not in known:
            raise Refused(Reason.VOID_TARGET, operation=target)
        return self.record(inspection, lambda stamp: Void(target=target, reason=reason, **stamp))

    # -- small parts -----------------------------------------------------------------------------

    def record(self, inspection: str, make: Make) -> Mine:
        """Append what `make` makes of a fresh stamp to the log; it is durable on return."""
        with self.store.transaction():
            n, previous = self.head()
            clock = self.clock()
            stamp = Stamp(n=n + 1, e=inspection, w=clock.w, m=clock.m, boot=clock.boot)
            raw = msgspec.json.encode(make(stamp))
            mine = Mine(n + 1, inspection, codec.link(previous, raw), raw)
            self.store.append(mine)
        return mine

    def followed(self, inspection: str) -> str:
        """Name the checklist that is followed instead of the task's own; empty for that."""
        return self._followed(self._kept(inspection))

    def _followed(self, kept: Sequence[Kept]) -> str:
        if not any(CARRIES in one.raw for one in kept):  # nearly never, and a fold is dear
            return ""
        return fold(_read(kept)).followed

    def _must_hold(self, inspection: str) -> None:
        if self.store.row("task", inspection) is None:
            raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)

    def _task(self, inspection: str) -> _Task:
        row = self.store.row("task", inspection)
        if row is None:
            raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)
        return msgspec.json.decode(row.body, type=_Task)

    def _forms(self, inspection: str, followed: str) -> list[Checklist]:
        task = self._task(inspection)
        own = self._form(inspection, followed or task.checklist)
        wanted = {seat.checklist for seat in task.seats} - {task.checklist}
        brought = [self.store.row("checklist", digest) for digest in sorted(wanted)]
        return [own, *(_loaded(row.body) for row in brought if row is not None)]

    def _form(self, inspection: str, digest: str) -> Checklist:
        row = self.store.row("checklist", digest)
        if row is None:
            raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)
        return _loaded(row.body)

    def _known(self, inspection: str) -> list[Recorded]:
        return _read(self._kept(inspection))

    def _kept(self, inspection: str) -> list[Kept]:
        """Give the operations that count here, unread."""
        enrolled = self.identity.enrolled
        own = [
            Kept(op_id(enrolled.device, mine.n), mine.hash, enrolled.inspector, mine.raw)
            for mine in self.store.log_of(inspection)
            if mine.note not in EXCLUDED
        ]
        told = self.store.theirs_of(f"i:{inspection}")
        return own + [Kept(theirs.id, theirs.hash, theirs.who, theirs.raw) for theirs in told]

    def head(self) -> tuple[int, str]:
        """Give the end of the own chain: its number and its hash."""
        last = self.store.last()
        return (last.n, last.hash) if last else (0, codec.genesis(self.identity.enrolled.device))

    def hash_at(self, n: int) -> str:
        """Give the own chain's hash at `n`; empty beyond its end."""
        if n == 0:
            return codec.genesis(self.identity.enrolled.device)
        found = self.store.log(n, 1)
        return found[0].hash if found else ""

    def acked(self) -> int:
        """Give the number up to which the server acknowledged the log."""
        return int(self.store.get("acked") or 0)

    def have(self) -> dict[str, None]:
        """Name the buckets held, in the order they came."""
        return dict.fromkeys(msgspec.json.decode(self.store.get("have") or "[]", type=list[str]))


def _read(kept: Iterable[Kept]) -> list[Recorded]:
    return [
        Recorded(one.id, one.hash, one.who, op)
        for one in kept
        if (op := understood(one.raw)) is not None
    ]


def _about(kept: Sequence[Kept], items: Iterable[str]) -> Sequence[Kept]:
    """Leave out what surely has no part in what stands for these items, without reading it.

    That is answers to other items. A re-issue hides another operation, and an escaped character
    could hide a name: nothing is left out then.
    """
    if any(b"\\" in one.raw or AGAIN in one.raw for one in kept):
        return kept
    names = [msgspec.json.encode(item) for item in items]
    return [one for one in kept if ANSWERS not in one.raw or any(name in one.raw for name in names)]


@lru_cache(maxsize=16)
def _loaded(body: bytes) -> Checklist:
    """Read a checklist; whoever records reads the same one again and again."""
    return checklist.load(body)


def understood(raw: bytes) -> AnyOp | None:
    """Decode an operation, or give None for one of a newer program."""
    try:
        return decode_op(raw)
    except msgspec.DecodeError:
        return None


def _ranges(ids: Iterable[str]) -> dict[str, naming.Ranges]:
    """Write operation ids as ranges of numbers per device, in order."""
    numbers: dict[str, list[int]] = {}
    for one in ids:
        device, _, number = one.rpartition(":")
        numbers.setdefault(device, []).append(int(number))
    return {device: naming.ranges(sorted(numbers[device])) for device in sorted(numbers)}
