"""An inspection (现场检查) is the fold of the set of its operations.

This is the whole conflict story: replicas exchange operations, never states, so two replicas that
hold the same operations hold the same inspection, whatever the order of arrival and whatever their
clocks said. An answer is replaced only by an operation that names it:

    A:4 fail ──┐                     item 3.2:  standing A:4, B:9 → in conflict, both shown,
    B:9 pass ──┴── A:12 fail         provisional value by the smallest hash;
               (s = [A:4, B:9])      after A:12 → fail, overruled B:9 still shown
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from sync import particulars
from sync.naming import renamed
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    AnswerKind,
    AnyOp,
    CarryChecklist,
    EvidenceRole,
    OpId,
    SetAnswers,
    Sign,
    Void,
)
from sync.particulars import Particulars, Told

INSPECTORS = ("lead", "second")
SITE = "site"  # 现场负责人: whoever is in charge of what is inspected
MEMBER = "member"  # 参加人员: of another department, or an expert; what they sign seals nothing

Covers: TypeAlias = dict[str, tuple[tuple[int, int], ...]]


class Recorded(Struct, frozen=True, gc=False):
    """An operation, its name, its chain hash and the inspector whose device recorded it."""

    id: OpId
    hash: str
    who: str
    op: AnyOp


class Said(Struct, frozen=True, omit_defaults=True, gc=False):
    """One inspector's answer to one item; what its kind does not tell is left out of its JSON."""

    op: OpId
    who: str
    v: str
    note: str
    kind: AnswerKind = ""
    unit: str = ""
    instrument: str = ""
    probe: str = ""
    limit: str = ""
    rows: tuple[dict[str, str], ...] = ()

    @property
    def says(self) -> tuple[object, ...]:
        """Give what must be equal for two answers to agree; how it was measured need not."""
        return self.v, self.rows


class Item(Struct, frozen=True, gc=False):
    """What stands for one item (检查项): equal answers agree, different ones are in conflict."""

    value: str  # provisional while in conflict; empty when the item is to be answered again
    standing: tuple[Said, ...]  # the value's own first
    overruled: tuple[Said, ...] = ()  # replaced answers that said something else

    @property
    def conflict(self) -> bool:
        """Tell whether different answers stand."""
        return any(said.says != self.standing[0].says for said in self.standing)


class Finding(Struct, frozen=True, omit_defaults=True):
    """检查发现的问题, as it stands; of the catalogue its JSON has only what it says."""

    op: OpId
    who: str
    item: str
    text: str
    basis: str
    voided: str  # the reason, once withdrawn
    violation: str = ""
    catalogue: str = ""
    fixed: bool = False
    repeats: tuple[str, ...] = ()


class Evidence(Struct, frozen=True, omit_defaults=True):
    """证据, as it stands; `of` and `role` are left out of its JSON when it has none."""

    op: OpId
    who: str
    blob: str
    size: int
    mime: str
    item: str
    caption: str
    voided: str
    of: str = ""
    role: EvidenceRole = ""


class Signature(Struct, frozen=True, omit_defaults=True):
    """签名, with the operations that knowingly amended it, if any.

    `strokes`, `refused` and `witness` are left out of its JSON when it has none.
    """

    op: OpId
    who: str
    role: str
    name: str
    digest: str
    reason: str
    amended_by: tuple[OpId, ...]
    strokes: str = ""
    refused: str = ""
    witness: str = ""


class Carry(Struct, frozen=True):
    """检查表换版: one inspector went on under another version of the checklist."""

    op: OpId
    who: str
    to: str
    again: dict[str, tuple[str, ...]]


class Carried(Struct, frozen=True):
    """The checklist that is followed now, by digest, and the carries that stand."""

    to: str  # provisional while in conflict
    standing: tuple[Carry, ...]  # those to it first

    @property
    def conflict(self) -> bool:
        """Tell whether two inspectors went on under different versions."""
        return any(carry.to != self.to for carry in self.standing)


class Inspection(Particulars, frozen=True, kw_only=True):
    """What the operations amount to; `late` ones lie outside every signature and do not count.

    `carried` is left out of its JSON while the inspection follows what came with the task.
    """

    items: dict[str, Item] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    signatures: tuple[Signature, ...] = ()
    late: tuple[OpId, ...] = ()
    carried: Carried | UnsetType = UNSET

    @property
    def followed(self) -> str:
        """Name the checklist that is followed by its digest; empty for the task's own."""
        return "" if self.carried is UNSET else self.carried.to

    @property
    def signed(self) -> bool:
        """Tell whether lead and second signed, whoever else came along."""
        return _signed(signature.role for signature in self.signatures)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Name the items in conflict."""
        several = [(ref, item) for ref, item in self.items.items() if len(item.standing) > 1]
        return tuple(ref for ref, item in several if item.conflict)


class Marks(Struct, frozen=True, gc=False):
    """What is looked for of an inspection."""

    operations: int  # how many count
    conflicts: int = 0
    late: int = 0
    signed: bool = False


def fold(recorded: Iterable[Recorded]) -> Inspection:
    """Fold operations, in any order and with repeats, into the inspection they describe."""
    given = list(recorded)
    if len(given) == 1 and isinstance(given[0].op, SetAnswers):  # as most inspections begin
        return Inspection(items=_items(given))
    ops = _once(sorted({r.id: r for r in given}.values(), key=lambda r: (r.hash, r.id)))
    signs = [(r, r.op) for r in ops if isinstance(r.op, Sign)]
    applied, late = _sealed(ops, [sign for _, sign in signs])
    voided = _voided(applied)
    findings: list[Finding] = []
    evidence: list[Evidence] = []
    told: list[Told] = []
    for r in applied:
        match r.op:
            case SetAnswers():  # first, for most are
                pass
            case AddFinding() as op:
                findings.append(_finding(r.id, r.who, op, voided.get(r.id, "")))
            case AddEvidence() as op:
                evidence.append(_evidence(r.id, r.who, op, voided.get(r.id, "")))
            case Sign() | Void() | CarryChecklist():
                pass
            case _:
                told.append(Told(r.id, r.who, r.op))
    amended: dict[OpId, list[OpId]] = {}
    for r, sign in signs:
        for earlier in sign.s:
            amended.setdefault(earlier, []).append(r.id)
    carried, more = _carried(applied), particulars.fold(told, voided)
    return Inspection(
        items=_items(applied) if carried is UNSET else _anew(applied, carried.standing[0].again),
        findings=tuple(findings),
        evidence=tuple(evidence),
        signatures=tuple(
            Signature(
                r.id,
                r.who,
                sign.role,
                sign.name,
                sign.digest,
                sign.reason,
                tuple(sorted(amended.get(r.id, ()))),
                sign.strokes,
                sign.refused,
                sign.witness,
            )
            for r, sign in signs
        ),
        late=tuple(sorted(late)),
        carried=carried,
        arrivals=more.arrivals,
        samples=more.samples,
        seizures=more.seizures,
        lots=more.lots,
        astray=more.astray,
        openings=more.openings,
    )


def marks(ops: Sequence[Recorded], state: Inspection | None = None) -> Marks:
    """Say what is looked for of an inspection; `state` is its fold, if anybody has it."""
    if state is None and _unmarked(ops):
        return Marks(len(ops))
    state = fold(ops) if state is None else state
    return Marks(len(ops), len(state.conflicts), len(state.late), state.signed)


def canonical(inspection: Inspection) -> bytes:
    """Write an inspection as JSON (UTF-8): every field, keys sorted, no spaces."""
    return msgspec.json.encode(inspection, order="sorted")


def digest(inspection: Inspection) -> str:
    """Hash an inspection: SHA-256 over its canonical JSON, the value that signers sign."""
    return sha256(canonical(inspection)).hexdigest()


def covered(covers: Covers, op: OpId) -> bool:
    """Tell whether an operation lies in the ranges that a signature covers."""
    return _within(_spans([covers]), op)


def _unmarked(ops: Sequence[Recorded]) -> bool:
    """Tell without a fold that there is no signature and no item answered twice: nearly always."""
    count, items = 0, set[str]()
    for r in ops:
        if isinstance(r.op, Sign):
            return False
        if isinstance(r.op, SetAnswers):
            count += len(r.op.f)
            items.update(r.op.f)
    return count == len(items)


def _finding(name: OpId, who: str, op: AddFinding, voided: str) -> Finding:
    return Finding(
        name,
        who,
        op.item,
        op.text,
        op.basis,
        voided,
        op.violation,
        op.catalogue,
        op.fixed,
        op.repeats,
    )


def _evidence(name: OpId, who: str, op: AddEvidence, voided: str) -> Evidence:
    return Evidence(
        name, who, op.blob, op.size, op.mime, op.item, op.caption, voided, op.of, op.role
    )


def _signed(roles: Iterable[str]) -> bool:
    return set(INSPECTORS) <= set(roles)


def _once(ops: list[Recorded]) -> list[Recorded]:
    """Count an act once: the original if it is here, else its re-issue with the smallest hash.

    Whoever refers to another re-issue means the one that counts. An act is an inspector's own: what
    one re-issues hides nothing of another's.
    """
    again = [r for r in ops if r.op.orig]
    if not again:
        return ops
    first = {(r.who, r.hash): r for r in ops}
    counts = {(r.who, r.op.orig): first.get((r.who, r.op.orig), r) for r in reversed(again)}
    names = {r.id: counts[r.who, r.op.orig].id for r in again if counts[r.who, r.op.orig] is not r}
    return [replace(r, op=renamed(r.op, names)) for r in ops if r.id not in names]


def _sealed(ops: list[Recorded], signs: list[Sign]) -> tuple[list[Recorded], list[OpId]]:
    """Split operations at the seal: once both inspectors signed, only what a signature covers."""
    if not _signed(sign.role for sign in signs):
        return ops, []
    spans = _spans(sign.covers for sign in signs)
    inside: list[Recorded] = []
    late: list[OpId] = []
    for r in ops:
        if isinstance(r.op, Sign) or _within(spans, r.id):
            inside.append(r)
        else:
            late.append(r.id)
    return inside, late


def _spans(covers: Iterable[Covers]) -> dict[str, list[tuple[int, int]]]:
    """Join the ranges of signatures per device: in order, no two of them touching the same number.

    A hostile signature may bring a hundred thousand ranges, and every operation is looked up.
    """
    given: dict[str, list[tuple[int, int]]] = {}
    for device, some in (pair for one in covers for pair in one.items()):
        given.setdefault(device, []).extend(span for span in some if span[0] <= span[1])
    joined: dict[str, list[tuple[int, int]]] = {}
    for device, ranges in given.items():
        spans = joined.setdefault(device, [])
        for first, last in sorted(ranges):
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], last))
            else:
                spans.append((first, last))
    return joined


def _within(spans: dict[str, list[tuple[int, int]]], op: OpId) -> bool:
    device, _, n = op.rpartition(":")
    ranges = spans.get(device, [])
    at = bisect_right(ranges, int(n), key=lambda span: span[0])
    return at > 0 and int(n) <= ranges[at - 1][1]


def _voided(ops: list[Recorded]) -> dict[OpId, str]:
    """Map each withdrawn operation to the reason; of two reasons, the one of the smaller hash."""
    reasons: dict[OpId, str] = {}
    for r in ops:
        if isinstance(r.op, Void):
            reasons.setdefault(r.op.target, r.op.reason)
    return reasons


def _carried(ops: list[Recorded]) -> Carried | UnsetType:
    """Find the version of the checklist that is followed; different ones are all kept."""
    carries = [(r, r.op) for r in ops if isinstance(r.op, CarryChecklist)]
    if not carries:
        return UNSET
    seen = {name for _, op in carries for name in op.s}
    stands = [pair for pair in carries if pair[0].id not in seen] or carries  # a circle stands
    standing = [Carry(r.id, r.who, op.to, op.again) for r, op in stands]
    to = standing[0].to
    standing.sort(key=lambda carry: carry.to != to)
    return Carried(to, tuple(standing))


def _anew(ops: list[Recorded], again: Mapping[str, Collection[str]]) -> dict[str, Item]:
    """Find what stands for each item, answers to what it asked before being overruled."""
    kept: list[Recorded] = []
    former: dict[str, list[Said]] = {}
    for r in ops:
        if isinstance(r.op, SetAnswers):
            said, under = r.op.f, r.op.under
            holds = {ref: one for ref, one in said.items() if under in again.get(ref, (under,))}
            for ref in said.keys() - holds.keys():
                former.setdefault(ref, []).append(_said(r.id, r.who, said[ref]))
            r = replace(r, op=replace(r.op, f=holds))
        kept.append(r)
    items = _items(kept)
    for ref, before in former.items():
        now = items.get(ref, Item(value="", standing=()))
        items[ref] = replace(now, overruled=(*now.overruled, *before))
    return dict(sorted(items.items()))


def _said(name: OpId, who: str, answer: Answer) -> Said:
    if not answer.kind:  # nearly always
        return Said(name, who, answer.v, answer.note)
    return Said(
        name,
        who,
        answer.v,
        answer.note,
        answer.kind,
        answer.unit,
        answer.instrument,
        answer.probe,
        answer.limit,
        answer.rows,
    )


def _items(ops: list[Recorded]) -> dict[str, Item]:
    first: dict[str, Said] = {}
    several: dict[str, list[Said]] = {}
    replaced: dict[str, set[OpId]] = {}
    for r in ops:
        if isinstance(r.op, SetAnswers):
            name, who, answers = r.id, r.who, r.op.f
            for ref, answer in answers.items():
                one = (
                    _said(name, who, answer)
                    if answer.kind
                    else Said(name, who, answer.v, answer.note)
                )
                if ref in first:
                    several.setdefault(ref, [first[ref]]).append(one)
                else:
                    first[ref] = one
            for ref, names in r.op.s.items():
                if ref in answers:
                    replaced.setdefault(ref, set()).update(names)
    # What one operation answered stands, even if it names itself as replaced; nearly all are so.
    items = {ref: Item((one := first[ref]).v, (one,)) for ref in sorted(first)}
    for ref, said in several.items():
        items[ref] = _item(said, replaced.get(ref, frozenset()))
    return items


def _item(said: list[Said], replaced: Collection[OpId]) -> Item:
    standing = [one for one in said if one.op not in replaced]
    if not standing:  # operations that replace each other in a circle: all of them stand
        standing = said[:]
    shown, stands = standing[0].says, {one.op for one in standing}
    standing.sort(key=lambda one: one.says != shown)
    return Item(
        value=standing[0].v,
        standing=tuple(standing),
        overruled=tuple(one for one in said if one.op not in stands and one.says != shown),
    )
