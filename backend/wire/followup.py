"""后续处置: orders and their items, measures, risks, reminders, and what a tick did."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from backend.rules.followup import RiskLevel
from backend.wire.base import LINE, LINES, TextView
from backend.wire.field import Sha256

PROOF_BYTES_MAX = 10 * 1024 * 1024  # of one document
PROOF_BODY_MAX = 14 * 1024 * 1024  # the same as base64, and its frame

Said = Annotated[str, Meta(pattern=LINES, max_length=500)]
Long = Annotated[str, Meta(max_length=4000)]
Short = Annotated[str, Meta(max_length=120)]
ItemName = Annotated[str, Meta(min_length=1, max_length=120)]
ItemNames = Annotated[tuple[ItemName, ...], Meta(max_length=1000)]


class RemedyView(Struct, frozen=True):
    """整改项: an item of an order and what became of it.

    `checked` is the inspection that found that it complies, `failed` the last that found it does
    not; its own order then asks for it anew.
    """

    item: str
    text: TextView
    status: str  # open | closed | withdrawn
    working_days: int
    due_on: date
    closed_on: date | None
    checked: str
    failed: str
    proof_sha256: str
    note: str


class ExtensionView(Struct, frozen=True):
    """延期: which items, each with its day before and after."""

    items: dict[str, tuple[date, date]]
    working_days: int
    reason: str
    granted_by: str
    at: datetime


class OrderView(Struct, frozen=True):
    """责令整改: what must be put right and by when; `due_on` is of the first open item."""

    items: tuple[str, ...]
    ordered_on: date
    due_on: date
    working_days: int
    status: str  # open | renewed | closed | withdrawn
    id: str = ""
    inspection: str = ""
    code: str = ""
    name: str = ""
    division: str = ""
    closed_on: date | None = None
    provisional: bool = False  # the holiday notice of that year is not known yet
    remedies: tuple[RemedyView, ...] = ()
    extensions: tuple[ExtensionView, ...] = ()
    rechecks: tuple[str, ...] = ()  # 复查: tasks that follow this order


class OrderLine(Struct, frozen=True):
    """An order in a list; `days_over` counts working days since the first open term passed."""

    id: str
    inspection: str
    code: str
    name: str
    division: str
    open: tuple[str, ...]
    ordered_on: date
    due_on: date
    days_over: int
    status: str  # open | renewed | closed | withdrawn


class ExtendTerm(Struct, frozen=True, forbid_unknown_fields=True):
    """Grant more working days for some items, or for all that are open."""

    working_days: Annotated[int, Meta(ge=1, le=365)]
    reason: Said
    items: ItemNames = ()


class NewProof(Struct, frozen=True, forbid_unknown_fields=True):
    """A document that an establishment handed in; base64 in JSON."""

    document: Annotated[bytes, Meta(min_length=1, max_length=PROOF_BYTES_MAX)]


class ProofView(Struct, frozen=True):
    """A document that is kept, by the digest that orders and risks name it by."""

    sha256: str
    size: int


class CloseItems(Struct, frozen=True, forbid_unknown_fields=True):
    """Close items, or all that are open, by what the establishment handed in."""

    proof_sha256: Sha256
    note: Said
    items: ItemNames = ()


class NewMeasure(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a measure. Nobody orders to stop by hand: that follows from the checklist."""

    kind: Literal["interview", "referral", "case", "warning", "guidance"]
    who: Short = ""
    reference: Short = ""
    text: Long = ""
    due_on: date | None = None


class CloseMeasure(Struct, frozen=True, forbid_unknown_fields=True):
    """Say what came of a measure: minutes of an interview, an answer, a decision."""

    outcome: Long
    reference: Short = ""


class WithdrawMeasure(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a measure back."""

    reason: Said


class MeasureView(Struct, frozen=True):
    """处置措施: one measure that followed an inspection."""

    id: str
    inspection: str
    code: str
    name: str
    kind: str
    label: TextView
    status: str  # open | renewed | closed | withdrawn
    opened_on: date
    due_on: date | None
    who: str
    reference: str
    text: str
    items: tuple[str, ...]
    closed_on: date | None
    outcome: str
    taken_by: str  # empty: it follows from the checklist


class NewRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """Enter a risk of an establishment, with who sees to it."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    item: Annotated[str, Meta(pattern=LINE, max_length=200)]
    level: RiskLevel
    owner: Annotated[str, Meta(pattern=LINE, max_length=80)]
    measure: Said
    due_on: date
    inspection: Annotated[str, Meta(max_length=64)] = ""


class CloseRisk(Struct, frozen=True, forbid_unknown_fields=True):
    """Say with what a risk was brought under control."""

    closed_with: Said
    proof_sha256: Sha256 | Literal[""] = ""


class RiskView(Struct, frozen=True):
    """风险清单: an entry of the risk list."""

    id: str
    code: str
    name: str
    division: str
    inspection: str
    item: str
    level: str
    label: TextView
    owner: str
    measure: str
    due_on: date
    overdue: bool
    closed_on: date | None
    closed_with: str
    proof_sha256: str


class ReminderView(Struct, frozen=True):
    """催办: what falls due, or did; `step` is before-N, due, overdue, after-N or stuck."""

    kind: str  # order | measure | risk | recheck | publication
    subject: str
    inspection: str
    code: str
    name: str
    step: str
    due_on: date
    written_on: date
    detail: str  # of a step that is stuck: the refusal's code


class Ticked(Struct, frozen=True):
    """What a tick did; all empty when nothing had fallen due."""

    rechecks: tuple[str, ...]  # tasks that were made
    stuck: tuple[str, ...]  # inspections whose recheck nobody could be given
    overdue: tuple[ReminderView, ...]  # told to the journal now
    reminders: int
    cleared: int
    publications: int  # results whose publication is due within the reminded days, or late
    tombstones: int
    snapshots: int
    prepared: int = 0  # snapshots of divisions that were made before a device asks
    hashed: int = 0  # pictures that were looked at, to find those that show the same
