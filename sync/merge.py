"""An inspection (现场检查) is the fold of the set of its operations.

This is the whole conflict story: replicas exchange operations, never states, so two replicas that
hold the same operations hold the same inspection, whatever the order of arrival and whatever their
clocks said. An answer is replaced only by an operation that names it:

    A:4 fail ──┐                     item 3.2:  standing A:4, B:9 → in conflict, both shown,
    B:9 pass ──┴── A:12 fail         provisional value by the smallest hash;
               (s = [A:4, B:9])      after A:12 → fail, overruled B:9 still shown
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import TypeAlias, assert_never

import msgspec
from msgspec import Struct

from sync.ops import AddEvidence, AddFinding, AnyOp, OpId, SetAnswers, Sign, Void

INSPECTORS = ("lead", "second")
MEMBER = "member"  # 参加人员: of another department, or an expert; what they sign seals nothing

Covers: TypeAlias = dict[str, tuple[tuple[int, int], ...]]


class Recorded(Struct, frozen=True):
    """An operation, its name, its chain hash and the inspector whose device recorded it."""

    id: OpId
    hash: str
    who: str
    op: AnyOp


class Said(Struct, frozen=True):
    """One inspector's answer to one item."""

    op: OpId
    who: str
    v: str
    note: str


class Item(Struct, frozen=True):
    """What stands for one item (检查项): equal answers agree, different ones are in conflict."""

    value: str  # provisional while in conflict
    standing: tuple[Said, ...]  # the value's own first
    overruled: tuple[Said, ...] = ()  # replaced answers that said something else

    @property
    def conflict(self) -> bool:
        """Tell whether different answers stand."""
        return len({said.v for said in self.standing}) > 1


class Finding(Struct, frozen=True):
    """检查发现的问题, as it stands."""

    op: OpId
    who: str
    item: str
    text: str
    basis: str
    voided: str = ""  # the reason, once withdrawn


class Evidence(Struct, frozen=True):
    """证据, as it stands."""

    op: OpId
    who: str
    blob: str
    size: int
    mime: str
    item: str
    caption: str
    voided: str = ""


class Signature(Struct, frozen=True):
    """签名, with the operations that knowingly amended it, if any."""

    op: OpId
    who: str
    role: str
    name: str
    digest: str
    reason: str
    amended_by: tuple[OpId, ...] = ()


class Inspection(Struct, frozen=True):
    """What the operations amount to; `late` ones lie outside every signature and do not count."""

    items: dict[str, Item] = {}
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    signatures: tuple[Signature, ...] = ()
    late: tuple[OpId, ...] = ()

    @property
    def signed(self) -> bool:
        """Tell whether lead and second signed, whoever else came along."""
        return _signed(signature.role for signature in self.signatures)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Name the items in conflict."""
        return tuple(ref for ref, item in self.items.items() if item.conflict)


def fold(recorded: Iterable[Recorded]) -> Inspection:
    """Fold operations, in any order and with repeats, into the inspection they describe."""
    ops = sorted({r.id: r for r in recorded}.values(), key=lambda r: (r.hash, r.id))
    signs = [(r, r.op) for r in ops if isinstance(r.op, Sign)]
    applied, late = _sealed(ops, [sign for _, sign in signs])
    voided = _voided(applied)
    findings: list[Finding] = []
    evidence: list[Evidence] = []
    for r in applied:
        match r.op:
            case SetAnswers():  # first, for most are
                pass
            case AddFinding() as op:
                reason = voided.get(r.id, "")
                findings.append(Finding(r.id, r.who, op.item, op.text, op.basis, reason))
            case AddEvidence() as op:
                reason = voided.get(r.id, "")
                evidence.append(
                    Evidence(r.id, r.who, op.blob, op.size, op.mime, op.item, op.caption, reason)
                )
            case Sign() | Void():
                pass
            case _:
                assert_never(r.op)
    amended: dict[OpId, list[OpId]] = {}
    for r, sign in signs:
        for earlier in sign.s:
            amended.setdefault(earlier, []).append(r.id)
    return Inspection(
        items=_items(applied),
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
            )
            for r, sign in signs
        ),
        late=tuple(sorted(late)),
    )


def canonical(inspection: Inspection) -> bytes:
    """Write an inspection as JSON (UTF-8): every field, keys sorted, no spaces."""
    return msgspec.json.encode(inspection, order="sorted")


def digest(inspection: Inspection) -> str:
    """Hash an inspection: SHA-256 over its canonical JSON, the value that signers sign."""
    return sha256(canonical(inspection)).hexdigest()


def covered(covers: Covers, op: OpId) -> bool:
    """Tell whether an operation lies in the ranges that a signature covers."""
    return _within(_spans([covers]), op)


def _signed(roles: Iterable[str]) -> bool:
    return set(INSPECTORS) <= set(roles)


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


def _items(ops: list[Recorded]) -> dict[str, Item]:
    first: dict[str, Said] = {}
    several: dict[str, list[Said]] = {}
    replaced: dict[str, set[OpId]] = {}
    for r in ops:
        if isinstance(r.op, SetAnswers):
            name, who, replaces = r.id, r.who, r.op.s
            for ref, answer in r.op.f.items():
                one = Said(name, who, answer.v, answer.note)
                if ref in first:
                    several.setdefault(ref, [first[ref]]).append(one)
                else:
                    first[ref] = one
                if ref in replaces:
                    replaced.setdefault(ref, set()).update(replaces[ref])
    items: dict[str, Item] = {}
    for ref in sorted(first):
        if ref in several:
            items[ref] = _item(several[ref], replaced.get(ref, frozenset()))
        else:  # nearly always; it stands, even if it names itself as replaced
            items[ref] = Item(first[ref].v, (first[ref],))
    return items


def _item(said: list[Said], replaced: Collection[OpId]) -> Item:
    standing = [one for one in said if one.op not in replaced]
    if not standing:  # operations that replace each other in a circle: all of them stand
        standing = said[:]
    value, stands = standing[0].v, {one.op for one in standing}
    standing.sort(key=lambda one: one.v != value)
    return Item(
        value=value,
        standing=tuple(standing),
        overruled=tuple(one for one in said if one.op not in stands and one.v != value),
    )
