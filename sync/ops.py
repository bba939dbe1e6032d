"""The operations (操作) a device may record. They are never edited, only followed by others.

An operation is identified by its device and its dense number there, written `device:n`. It says
what it supersedes (`s`); that, and never a clock, is its only order among operations. `w`, `m` and
`boot` are the clocks of the moment, kept as evidence. Every kind carries its version in its tag:
a released kind never changes, a new version gets a new tag; a field too many is another form.
sync/upcasts.py keeps the forms that are no longer written.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from sync import upcasts

OpId = str  # "<device>:<n>"


class Op(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", forbid_unknown_fields=True
):
    """One act of one inspector in one inspection."""

    n: int  # dense from 1 on its device
    e: str  # the inspection
    w: int  # wall clock, ms since 1970, as the device believed
    m: int  # monotonic clock, ms since boot
    boot: str  # which boot `m` counts from
    orig: str = ""  # re-issued: the chain hash that the same act had at first, in a former chain

    @property
    def supersedes(self) -> Iterator[OpId]:
        """Name the operations that this one replaces knowingly."""
        return iter(())


AnswerKind = Literal["", "number", "count", "choice", "text", "date", "table"]


class Answer(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """检查项结论: `v` is always text, in the one form that its kind has (sync/answers.py).

    Of no kind: pass, fail, na, or a measured value in the unit that the item has.
    """

    v: str
    note: str = ""
    kind: AnswerKind = ""
    unit: str = ""  # of a number
    instrument: str = ""  # 仪器编号: what it was measured with
    probe: str = ""  # 探头
    limit: str = ""  # 限值: the one that applied, as it was shown
    rows: tuple[dict[str, str], ...] = ()  # of a table; `v` is how many


class SetAnswers(Op, frozen=True, kw_only=True, omit_defaults=True, tag="answers.set/2"):
    """Answer items (检查项); `s` names per item the answers that were seen and are replaced.

    `under` is the digest of the checklist that was followed, when another than the task came with.
    """

    f: dict[str, Answer]
    s: dict[str, tuple[OpId, ...]] = {}
    under: str = ""

    @property
    def supersedes(self) -> Iterator[OpId]:
        """Name the replaced answers of every item."""
        return (op for ops in self.s.values() for op in ops)


class AddFinding(Op, frozen=True, kw_only=True, omit_defaults=True, tag="finding.add/2"):
    """Record a finding (检查发现的问题) with the legal basis (依据) that it offends.

    `violation` is its code in the catalogue (违法行为清单) with that digest. `fixed`: it was put
    right on the spot (当场改正). `repeats` are the earlier inspections that found the same.
    """

    text: str
    basis: str
    item: str = ""
    violation: str = ""
    catalogue: str = ""
    fixed: bool = False
    repeats: tuple[str, ...] = ()


EvidenceRole = Literal["", "annotation", "strokes", "document"]


class AddEvidence(Op, frozen=True, kw_only=True, omit_defaults=True, tag="evidence.add/2"):
    """Attach a file (证据) by the SHA-256 of its bytes; the bytes travel by themselves.

    `of` is the digest of the file that this one is a layer of, `role` what it is when it shows
    nothing of the site: an annotation (标注), strokes of a signature (签名笔迹), a document (文书).
    """

    blob: str
    size: int
    mime: str
    item: str = ""
    caption: str = ""
    of: str = ""
    role: EvidenceRole = ""


class Sign(Op, frozen=True, kw_only=True, omit_defaults=True, tag="sign/2"):
    """Sign (签名) an explicit set of operations and files.

    `role` is lead (主办), second (协办), member (参加人员) or site (现场负责人). `covers` gives
    ranges of operation numbers per device, `digest` the fold of the covered operations as the
    signer saw it. A later signature that knows an earlier one names it in `s` and says why in
    `reason`. Of who would not sign on site it tells why: `refused` (拒签理由), with a `witness`
    (见证人).
    """

    role: str
    covers: dict[str, tuple[tuple[int, int], ...]]
    blobs: tuple[str, ...]
    digest: str
    name: str = ""  # of the person in charge on site
    strokes: str = ""  # digest of the drawn strokes (sync/strokes.py)
    s: tuple[OpId, ...] = ()
    reason: str = ""
    refused: str = ""
    witness: str = ""

    @property
    def supersedes(self) -> Iterator[OpId]:
        """Name the signatures that this one amends."""
        return iter(self.s)


class Void(Op, frozen=True, kw_only=True, tag="void/1"):
    """Withdraw (作废) what was recorded by mistake, with the reason; it stays visible.

    Answers are answered again instead, signatures amended and carries followed by others.
    """

    target: OpId
    reason: str


class CarryChecklist(Op, frozen=True, kw_only=True, omit_defaults=True, tag="checklist.carry/1"):
    """Go on under another version of the checklist (检查表换版).

    `to` is its digest. `again` names the items that ask something else than they did, with the
    checklists under which an answer to them holds. `s` names the carries that were seen.
    """

    to: str
    again: dict[str, tuple[str, ...]] = {}
    s: tuple[OpId, ...] = ()

    @property
    def supersedes(self) -> Iterator[OpId]:
        """Name the earlier carries."""
        return iter(self.s)


ArrivalHow = Literal["scanned", "shown", "stated"]
SampleOf = Literal["goods", "person", "environment"]
TestVerdict = Literal["pass", "fail", "unclear"]
SeizureMeasure = Literal["seal", "seize"]


class Arrive(Op, frozen=True, kw_only=True, omit_defaults=True, tag="arrive/1"):
    """Open the visit on site (扫码入企).

    The establishment's `code` was scanned, ours was shown to it, or neither could be done and the
    inspector states it. `approval` is the reference of the approval (检查审批编号), `certificates`
    those that were shown (亮证). The place is decimal degrees in `datum`, `accuracy` in metres.
    """

    how: ArrivalHow
    code: str = ""
    approval: str = ""
    certificates: tuple[str, ...] = ()
    longitude: str = ""
    latitude: str = ""
    datum: str = ""
    accuracy: str = ""


class TakeSample(Op, frozen=True, kw_only=True, omit_defaults=True, tag="sample.take/1"):
    """Take a sample (抽样) of goods, a person or the environment, under a `number` of its own."""

    number: str
    of: SampleOf
    what: str
    quantity: str = ""  # decimal text
    unit: str = ""
    batch: str = ""
    producer: str = ""
    place: str = ""
    item: str = ""


class TestSample(Op, frozen=True, kw_only=True, omit_defaults=True, tag="sample.test/1"):
    """Tell the result of a test of a sample (快检、检验); `limit` is the one that applied."""

    sample: OpId
    test: str
    verdict: TestVerdict
    method: str = ""
    instrument: str = ""
    result: str = ""
    unit: str = ""
    limit: str = ""
    retest: bool = False  # 复检


class DisposeSample(Op, frozen=True, kw_only=True, omit_defaults=True, tag="sample.dispose/1"):
    """Tell what became of a sample (样品处置)."""

    sample: OpId
    disposal: str


class SeizeGoods(Op, frozen=True, kw_only=True, omit_defaults=True, tag="goods.seize/1"):
    """Seal (查封) or seize (扣押) goods; `number` is that of the document that orders it."""

    what: str
    quantity: str  # decimal text
    unit: str
    measure: SeizureMeasure
    owner: str = ""
    place: str = ""
    number: str = ""


class WeighLot(Op, frozen=True, kw_only=True, omit_defaults=True, tag="lot.weigh/1"):
    """Weigh packages of a lot (定量包装商品净含量); all figures are decimal text in `unit`."""

    what: str
    nominal: str  # 标注净含量
    unit: str
    lot: str  # 批量: how many packages it has
    contents: tuple[str, ...]  # 实际含量, one a package
    item: str = ""


class OpenInspection(Op, frozen=True, kw_only=True, omit_defaults=True, tag="inspection.open/1"):
    """Open an inspection that nobody assigned (现场登记), under an id that the device made: `e`.

    Of a place in no register, or of the establishment with this `code`. Who opens it is its lead,
    `second` its second: an inspector's id, or only the number of a `certificate`. `checklist` is
    the digest of the one that is followed. The place is decimal degrees in `datum`.
    """

    name: str
    address: str
    category: str
    division: str
    reason: str
    checklist: str
    code: str = ""
    second: str = ""
    certificate: str = ""
    longitude: str = ""
    latitude: str = ""
    datum: str = ""


# 现场记录: what is recorded beside answers, findings and evidence; each stands for itself.
Particular = (
    Arrive | TakeSample | TestSample | DisposeSample | SeizeGoods | WeighLot | OpenInspection
)

AnyOp = SetAnswers | AddFinding | AddEvidence | Sign | Void | CarryChecklist | Particular

_Known = AnyOp | upcasts.OldForm
_decoder = msgspec.json.Decoder[_Known](_Known)


class Envelope(Struct, frozen=True):
    """What every operation of every version carries; enough to store one that is not understood."""

    n: int
    t: str
    e: str


decode_envelope = msgspec.json.Decoder(Envelope).decode


def decode_op(raw: bytes) -> AnyOp:
    """Decode an operation; msgspec.DecodeError for what this version does not know."""
    op: _Known = _decoder.decode(raw)
    return msgspec.convert(upcasts.upcast(op), AnyOp) if isinstance(op, upcasts.Form) else op


def op_id(device: str, n: int) -> OpId:
    """Name an operation."""
    return f"{device}:{n}"
