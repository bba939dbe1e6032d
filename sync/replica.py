"""The device's half: what it knows and what it records, with a network or without.

An operation counts on the device the moment it is recorded, and everywhere later.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Struct

from sync import checklist, naming, opened, particulars
from sync.answers import admits
from sync.checklist import Checklist
from sync.device_log import DeviceLog, Make
from sync.device_log import Identity as Identity
from sync.device_log import Retired as Retired
from sync.device_log import Stamp as Stamp
from sync.merge import INSPECTORS, MEMBER, SITE, Inspection, Recorded, digest, fold
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    AnyOp,
    DisposeSample,
    EvidenceRole,
    Particular,
    SetAnswers,
    Sign,
    TestSample,
    Void,
    decode_op,
    op_id,
)
from sync.refusals import Reason, Refused
from sync.store import EXCLUDED, File, Mine, Row

CARRIES = b'"checklist.carry/'
ANSWERS = b'"answers.set/'
AGAIN = b'"orig"'


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


class Replica(DeviceLog):
    """Everything one device knows, and what it may do."""

    # -- what is there ---------------------------------------------------------------------------

    def tasks(self) -> list[Row]:
        """Give the tasks that this device holds, and those that it opened itself."""
        rows = self.store.rows("task")
        known = {row.id for row in rows}
        return rows + [row for row in opened.held(self.store) if row.id not in known]

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
        return fold(self.recorded(inspection))

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

    def find(
        self,
        inspection: str,
        text: str,
        *,
        basis: str,
        item: str = "",
        violation: str = "",
        catalogue: str = "",
        fixed: bool = False,
        repeats: Sequence[str] = (),
    ) -> Mine:
        """Record a finding with its legal basis, and what the catalogue of violations calls it."""
        self._must_hold(inspection)
        return self.record(
            inspection,
            lambda stamp: AddFinding(
                text=text,
                basis=basis,
                item=item,
                violation=violation,
                catalogue=catalogue,
                fixed=fixed,
                repeats=tuple(repeats),
                **stamp,
            ),
        )

    def attach(
        self,
        inspection: str,
        file: File,
        *,
        item: str = "",
        caption: str = "",
        of: str = "",
        role: EvidenceRole = "",
    ) -> Mine:
        """Attach an evidence file whose bytes are already safe on this device."""
        self._must_hold(inspection)
        return self.record(
            inspection, self._attaching(file, item=item, caption=caption, of=of, role=role)
        )

    def sign(
        self,
        inspection: str,
        role: str,
        *,
        name: str = "",
        reason: str = "",
        strokes: File | None = None,
        refused: str = "",
        witness: str = "",
    ) -> Mine:
        """Sign everything that this device knows of the inspection, amending earlier signatures.

        The file with the strokes is attached before, in the same breath. Who is in charge on site
        may have `refused` before a `witness` instead.
        """
        if refused and (role != SITE or strokes is not None):
            raise Refused(Reason.SIGN_ROLE, role=role)
        if bool(refused) != bool(witness):
            raise Refused(Reason.SIGN_WITNESS, inspection=inspection)

        def make(stamp: Stamp) -> AnyOp:
            known = self.recorded(inspection)
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
                covers=naming.covering(r.id for r in covered),
                blobs=tuple(sorted({e.blob for e in state.evidence})),
                digest=digest(state),
                name=name,
                strokes=strokes.sha256 if strokes is not None else "",
                s=earlier,
                reason=reason,
                refused=refused,
                witness=witness,
                **stamp,
            )

        drawn = [] if strokes is None else [self._attaching(strokes, role="strokes")]
        self._must_hold(inspection)
        return self.record(inspection, *drawn, make)

    def void(self, inspection: str, target: str, *, reason: str) -> Mine:
        """Withdraw what was recorded by mistake; it stays visible with the reason."""
        self._must_hold(inspection)
        state = self.inspection(inspection)
        known = {one.op for one in state.findings} | {one.op for one in state.evidence}
        known |= {one.op for one in state.recorded}
        if target not in known:
            raise Refused(Reason.VOID_TARGET, operation=target)
        return self.record(inspection, lambda stamp: Void(target=target, reason=reason, **stamp))

    def tell(self, inspection: str, make: Callable[[Stamp], Particular]) -> Mine:
        """Record what happened on site: an arrival, a sample and its tests, goods, a lot.

        Figures are decimal text. Refuses with DECIMAL_INVALID, PLACE_INVALID or, for a test or a
        disposal of a sample that this device does not know, SAMPLE_UNKNOWN.
        """
        self._must_hold(inspection)

        def checked(stamp: Stamp) -> AnyOp:
            op = make(stamp)
            particulars.check(op)
            if isinstance(op, TestSample | DisposeSample):
                self._must_know_sample(inspection, op.sample)
            return op

        return self.record(inspection, checked)

    # -- small parts -----------------------------------------------------------------------------

    def _attaching(
        self,
        file: File,
        *,
        item: str = "",
        caption: str = "",
        of: str = "",
        role: EvidenceRole = "",
    ) -> Make:
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
                of=of,
                role=role,
                **stamp,
            )

        return make

    def _must_know_sample(self, inspection: str, sample: str) -> None:
        known = self.inspection(inspection).samples or ()
        if sample not in {one.op for one in known}:
            raise Refused(Reason.SAMPLE_UNKNOWN, operation=sample)

    def followed(self, inspection: str) -> str:
        """Name the checklist that is followed instead of the task's own; empty for that."""
        return self._followed(self._kept(inspection))

    def _followed(self, kept: Sequence[Kept]) -> str:
        if not any(CARRIES in one.raw for one in kept):  # nearly never, and a fold is dear
            return ""
        return fold(_read(kept)).followed

    def _must_hold(self, inspection: str) -> None:
        if self.task(inspection) is None:
            raise Refused(Reason.INSPECTION_UNKNOWN, inspection=inspection)

    def task(self, inspection: str) -> Row | None:
        """Give one task as `tasks` does."""
        row = self.store.row("task", inspection)
        held = opened.held(self.store) if row is None else []
        return next((one for one in held if one.id == inspection), row)

    def _task(self, inspection: str) -> _Task:
        row = self.task(inspection)
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

    def recorded(self, inspection: str) -> list[Recorded]:
        """Give the operations that count here, as this device knows them now."""
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
