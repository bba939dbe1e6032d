"""检查结果: inspections and what follows from them."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from backend.wire.base import LINES, TextView
from backend.wire.field import Sha256
from backend.wire.followup import MeasureView, OrderView
from backend.wire.pictures import FactsView, MaskBoxes, RemarkView
from sync.moments import Odd
from sync.origins import Origin
from sync.particulars import Particulars
from sync.taking_part import Act

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
    outdated: bool = False  # what was concluded has changed on site since


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
    violation: str = ""  # its code in the catalogue (违法行为清单)
    catalogue: str = ""  # its digest
    fixed: bool = False  # 当场改正
    repeats: tuple[str, ...] = ()  # earlier inspections that found the same
    first_exempt: bool = False  # 首违不罚 may apply, under `conditions`; people decide
    conditions: TextView | None = None


class EvidenceView(Struct, frozen=True):
    """A file of an inspection: has it arrived, is it sound, and which device attached it?

    `rendition` is the digest of a small picture that the device made of it: derived, no evidence.
    `of` is the digest of the picture that it annotates, `remarks` what is to be said of a picture.
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
    of: str = ""
    role: str = ""
    facts: FactsView | None = None
    remarks: tuple[RemarkView, ...] = ()


class SignatureView(Struct, frozen=True):
    """A signature."""

    who: str
    role: str
    name: str
    reason: str
    amended: bool
    strokes: Literal["none", "here", "awaited"] = "none"  # the file with the drawing
    refused: str = ""  # why the person in charge would not sign
    witness: str = ""


class TakingPartView(Struct, frozen=True):
    """What lead or second did on their own device; whoever did nothing took no part."""

    who: str
    name: str
    role: str
    did: tuple[Act, ...]
    lacking: tuple[Act, ...]


class ScoreView(Struct, frozen=True):
    """得分: a figure that the checklist declares; empty for a percentage of nothing."""

    code: str
    label: TextView
    value: str


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
    scores: tuple[ScoreView, ...] = ()
    not_asked: tuple[str, ...] = ()  # their condition is not met, or a recheck leaves them
    evidence_missing: tuple[str, ...] = ()  # failed, and nothing is attached to them
    graded: bool = True  # false: of a recheck that asks only what must be checked again
    unremedied: tuple[str, ...] = ()  # 未整改到位


class PartView(Struct, frozen=True):
    """部门联合: what a partner's checklist makes of the answers."""

    departments: tuple[str, ...]
    checklist: str  # its digest
    title: TextView
    verdict: VerdictView


class FollowUpView(Struct, frozen=True):
    """后续处置: what follows, in the words of the list."""

    code: str
    label: TextView


class ConclusionView(Struct, frozen=True):
    """检查结果: what was concluded and what the review made of it."""

    outcome: str  # empty: no checklist decided, the officer found the result
    label: TextView | None
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
    result_list: str = ""  # the version of the list that has the result
    national: str = ""  # its national number, or that of the result it is reported as
    local: str = ""  # the division's own code
    follow_ups: tuple[FollowUpView, ...] = ()
    n: int = 1  # concluded so often
    correction: str = ""  # why it corrects what was published
    outdated: bool = False  # the inspection has changed since


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
    taking_part: tuple[TakingPartView, ...] = ()
    on_site: Particulars = Particulars()  # arrivals, samples, seizures, lots; `who` as above
    pictures_waiting: int = 0  # not looked at yet; any may show the same as one of these


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
    """The officer concludes; the outcome itself follows from the checklist's rules.

    `result` is one that no checklist decides, such as `unreachable`; `correction` says why what is
    published already is corrected, and is published itself.
    """

    remark: Annotated[str, Meta(max_length=500)] = ""
    result: Annotated[str, Meta(max_length=40)] = ""
    follow_ups: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=10)] = ()
    correction: Annotated[str, Meta(max_length=300)] = ""


class ResultView(Struct, frozen=True):
    """检查结果: a code of the list in force."""

    code: str
    label: TextView
    given: str  # by the checklist, or by the officer
    visit: str  # what must be answered: full, partial, none
    needs: tuple[str, ...]
    number: str
    local: str
    reported_as: str


class ResultListView(Struct, frozen=True):
    """检查结果代码表: the list in force for a division."""

    name: str
    division: str
    since: date
    results: tuple[ResultView, ...]
    follow_ups: tuple[FollowUpView, ...]


class NewReview(Struct, frozen=True, forbid_unknown_fields=True):
    """The reviewer approves, releasing photos for publication, or returns with a reason.

    `masks` hides parts of released photos, instead of what was hidden before.
    """

    approve: bool
    reason: Annotated[str, Meta(max_length=500)] = ""
    photos: Annotated[tuple[Sha256, ...], Meta(max_length=50)] = ()
    masks: Annotated[dict[Sha256, MaskBoxes], Meta(max_length=50)] = {}


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
    corrects: str = ""  # the sha256 of what it replaced
    n: int = 1


class NewWithholding(Struct, frozen=True, forbid_unknown_fields=True):
    """Why what was published before a correction is withheld; it is published with the notice."""

    reason: Annotated[str, Meta(pattern=LINES, max_length=300)]


class WithheldView(Struct, frozen=True):
    """What is told of a publication that is withheld; `sha256` is of what stood there."""

    id: str
    n: int
    sha256: str
    published_on: date
    withheld_on: date
    reason: str
