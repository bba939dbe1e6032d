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


class AddFinding(Op, frozen=True, kw_only=True, omit_defaults=True, tag="finding.add/1"):
    """Record a finding (检查发现的问题) with the legal basis (依据) that it offends."""

    text: str
    basis: str
    item: str = ""


class AddEvidence(Op, frozen=True, kw_only=True, omit_defaults=True, tag="evidence.add/1"):
    """Attach a file (证据) by the SHA-256 of its bytes; the bytes travel by themselves."""

    blob: str
    size: int
    mime: str
    item: str = ""
    caption: str = ""


class Sign(Op, frozen=True, kw_only=True, omit_defaults=True, tag="sign/1"):
    """Sign (签名) an explicit set of operations and files.

    `role` is lead (主办), second (协办), member (参加人员) or site (现场负责人). `covers` gives
    ranges of operation numbers per device, `digest` the fold of the covered operations as the
    signer saw it. A later signature that knows an earlier one names it in `s` and says why in
    `reason`.
    """

    role: str
    covers: dict[str, tuple[tuple[int, int], ...]]
    blobs: tuple[str, ...]
    digest: str
    name: str = ""  # of the person in charge on site
    strokes: str = ""  # digest of the drawn strokes
    s: tuple[OpId, ...] = ()
    reason: str = ""

    @property
    def supersedes(self) -> Iterator[OpId]:
        """Name the signatures that this one amends."""
        return iter(self.s)


class Void(Op, frozen=True, kw_only=True, tag="void/1"):
    """Withdraw (作废) a finding or a piece of evidence, with the reason; it stays visible."""

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


AnyOp = SetAnswers | AddFinding | AddEvidence | Sign | Void | CarryChecklist

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
