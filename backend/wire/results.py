"""检查结果: inspections and what follows from them."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from sync.origins import Origin

from backend.wire.base import TextView
from backend.wire.field import Sha256
from backend.wire.followup import MeasureView, OrderView
from sync.moments import Odd

Stage = Literal["assigned", "recording", "signed", "concluded", "returned", "approved", "published"]


class InspectionLine(Struct, frozen=True):
    """An inspection in a list."""

    id: str
    plan: str  # empty: no draw chose it
    code: str
    name: str
    division: str
    stage: Stage
    conflicts: int
    late: int
    outcome: str = ""
    publish_by: date | None = None
    origin: Origin = "draw"


class SaidView(Struct, frozen=True):
    """One inspector's answer; `stands` tells whether it counts or was overruled."""

    op: str
    who: str
    value: str
    note: str
    stands: bool


class ItemView(Struct, frozen=True):
    """One item of the checklist and all that was ever answered to it."""

    ref: str
    text: TextView
    key: bool
    value: str
    conflict: bool
    said: tuple[SaidView, ...]


class FindingView(Struct, frozen=True):
    """A finding, as it stands."""

    who: str
    item: str
    text: str
    basis: str
    voided: str


class EvidenceView(Struct, frozen=True):
    """A file of an inspection: has it arrived, is it sound, and which device attached it?

    `rendition` is the digest of a small picture that the device made of it: derived, no evidence.
    """

    sha256: str
    who: str
    device: str
    label: str  # what the device is called
    item: str
    caption: str
    mime: str
    size: int
    arrived: bool
    rendition: str
    flag: str
    voided: str


class SignatureView(Struct, frozen=True):
    """A signature."""

    who: str
    role: str
    name: str
    reason: str
    amended: bool


class VerdictView(Struct, frozen=True):
    """What the checklist's rules make of the answers so far."""

    outcome: str
    label: TextView | None
    clause: str
    key_failed: int
    general_checked: int
    general_passed: int
    not_applicable: int
    failed: tuple[str, ...]
    unanswered: tuple[str, ...]


class PartView(Struct, frozen=True):
    """部门联合: what a partner's checklist makes of the answers."""

    departments: tuple[str, ...]
    checklist: str  # its digest
    title: TextView
    verdict: VerdictView


class ConclusionView(Struct, frozen=True):
    """检查结果: what was concluded and what the review made of it."""

    outcome: str
    label: TextView
    result: str
    result_label: TextView
    remark: str
    concluded_by: str
    concluded_at: datetime
    reviewed_by: str
    reviewed_at: datetime | None
    approved: bool
    reason: str
    photos: tuple[str, ...]
    publish_by: date
    provisional: bool  # the holiday notice of that year is not known yet


class MomentView(Struct, frozen=True):
    """何时发生: when an operation happened, as far as its clocks tell; `odd` is what cannot be."""

    op: str
    kind: str
    earliest: datetime | None
    latest: datetime | None
    exact: bool
    by_wall: datetime | None  # the device's wall clock, put right by how wrong it was
    received_at: datetime
    odd: tuple[Odd, ...]


class InspectionView(Struct, frozen=True):
    """Everything the office knows of one inspection."""

    id: str
    plan: str  # empty: no draw chose it
    code: str
    name: str
    division: str
    lead: str
    second: str
    stage: Stage
    digest: str  # of the fold: the same on every device that knows the same operations
    items: tuple[ItemView, ...]
    findings: tuple[FindingView, ...]
    evidence: tuple[EvidenceView, ...]
    evidence_complete: bool  # every file that stands has arrived; none is concluded before
    signatures: tuple[SignatureView, ...]
    late: tuple[str, ...]
    verdict: VerdictView
    conclusion: ConclusionView | None
    order: OrderView | None
    moments: tuple[MomentView, ...]
    parts: tuple[PartView, ...] = ()  # of partner departments
    origin: Origin = "draw"
    measures: tuple[MeasureView, ...] = ()


class ConflictView(Struct, frozen=True):
    """An item on which the two inspectors disagree: both values, and whose."""

    inspection: str
    code: str
    name: str
    item: str
    text: TextView
    provisional: str
    said: tuple[SaidView, ...]
    since: datetime | None  # when the second of two different answers came
    sealed: bool  # both inspectors signed it so


class NewConclusion(Struct, frozen=True, forbid_unknown_fields=True):
    """The officer concludes; the outcome itself follows from the checklist's rules."""

    remark: Annotated[str, Meta(max_length=500)] = ""


class NewReview(Struct, frozen=True, forbid_unknown_fields=True):
    """The reviewer approves, releasing photos for publication, or returns with a reason."""

    approve: bool
    reason: Annotated[str, Meta(max_length=500)] = ""
    photos: Annotated[tuple[Sha256, ...], Meta(max_length=50)] = ()


class NotPublished(Struct, frozen=True):
    """An approved result that was held back; `code` is the refusal's."""

    inspection: str
    code: str
    fields: str


class PublishedView(Struct, frozen=True):
    """What one publishing did."""

    published: tuple[str, ...]
    refused: tuple[NotPublished, ...]
    waiting: int  # approved inspections of the division that are not published yet


class PublishedLine(Struct, frozen=True):
    """A published result in a list; `sha256` is of its JSON as published."""

    id: str
    code: str
    name: str
    result: TextView
    published_on: date
    sha256: str
