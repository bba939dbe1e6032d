"""What the office and the public send and receive. Only plain values; importable by the CLI.

A request forbids unknown fields; a view is filled from a row by `msgspec.convert`. In a pattern
`$` alone would let a line feed through at the end, so `(?!\\n)` or a length follows.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from backend.rules.scheme import Scheme

# 行政区划代码: GB/T 2260 and GB/T 10114, 2 to 12 digits; empty for the whole country
Division = Annotated[str, Meta(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?$(?!\n)")]

# -- accounts ------------------------------------------------------------------------------------

AccountName = Annotated[str, Meta(min_length=1, max_length=80)]
Password = Annotated[str, Meta(min_length=12, max_length=200)]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to log in."""

    name: AccountName
    password: Annotated[str, Meta(min_length=1, max_length=200)]


class LoginView(Struct, frozen=True):
    """An open session: send the token as `Authorization: Bearer …`."""

    token: str
    expires_at: datetime
    name: str
    role: str
    division: str


class OfficerView(Struct, frozen=True):
    """Who is logged in."""

    id: str
    name: str
    role: str
    division: str


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """An account to create."""

    name: AccountName
    password: Password
    role: Literal["admin", "supervisor", "reviewer"]
    division: Division = ""
    inspector: str | None = None


class AccountView(Struct, frozen=True):
    """An account as admins see it."""

    id: str
    name: str
    role: str
    division: str
    inspector_id: str | None
    active: bool


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of the officer's own password."""

    old: Annotated[str, Meta(min_length=1, max_length=200)]
    new: Password


# -- heads ---------------------------------------------------------------------------------------


class HeadsView(Struct, frozen=True):
    """The ends of the ledger and the journal, and the key that signs receipts, for any witness."""

    epoch: str
    public_key: str
    ledger_n: int
    ledger_root: str
    act_n: int
    act_hash: str


class HealthView(Struct, frozen=True):
    """The server and its database answer."""

    status: Literal["ok"]
    database: str
    schema: str


# -- evidence ------------------------------------------------------------------------------------

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
FileSize = Annotated[int, Meta(ge=0, le=2**53)]


class WantBlobs(Struct, frozen=True, forbid_unknown_fields=True):
    """Files that a device holds: size by digest. Which of them should it send?"""

    files: Annotated[dict[Sha256, FileSize], Meta(max_length=1000)]


class NewUpload(Struct, frozen=True, forbid_unknown_fields=True):
    """A file about to be sent."""

    sha256: Sha256
    size: FileSize
    mime: Annotated[str, Meta(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$(?!\n)", max_length=80)]


class UploadState(Struct, frozen=True):
    """How far an upload is. `flag` is a refusal's code if the stored file is no sound picture."""

    id: str
    sha256: str
    size: int
    mime: str
    offset: int
    expires: datetime
    flag: str = ""


class BlobsWanted(Struct, frozen=True):
    """Of the files asked about: stored (digest: flag), begun, and missing. Send the last two."""

    stored: dict[str, str]
    begun: dict[str, UploadState]
    missing: tuple[str, ...]


# -- devices -------------------------------------------------------------------------------------


class NewInvite(Struct, frozen=True, forbid_unknown_fields=True):
    """An inspector, by certificate, who gets a device."""

    certificate: Annotated[str, Meta(min_length=1, max_length=40)]


class InviteView(Struct, frozen=True):
    """A one-time code; it is shown once and kept nowhere."""

    code: str
    certificate: str
    name: str
    expires_at: datetime


class DeviceView(Struct, frozen=True):
    """A device, and how far the ledger knows it."""

    id: str
    label: str
    certificate: str
    name: str
    operations: int
    enrolled_at: datetime
    seen_at: datetime | None
    skew_ms: int
    revoked_at: datetime | None


class EntryView(Struct, frozen=True):
    """One operation of a device as the ledger holds it."""

    n: int
    position: int
    hash: str
    kind: str
    inspection_id: str
    verdict: str
    why: str
    received_at: datetime


# -- plans, draws, tasks -------------------------------------------------------------------------

Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,40}$(?!\n)")]


class NewPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """A plan: the rate is [3, 100] for 3 %; `checklists` names a digest by category or `*`."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    division: Division
    checklists: Annotated[
        dict[
            Annotated[str, Meta(min_length=1, max_length=60)],
            Annotated[str, Meta(min_length=1, max_length=64)],
        ],
        Meta(min_length=1, max_length=100),
    ]
    opens_on: date
    closes_on: date
    rate: tuple[Annotated[int, Meta(ge=0, le=1_000_000)], Annotated[int, Meta(ge=1, le=1_000_000)]]
    minimum: Annotated[int, Meta(ge=0, le=10_000_000)] = 1
    category: Annotated[str, Meta(max_length=60)] = ""
    qualification: Annotated[str, Meta(max_length=60, pattern=r"^[^,\s]*$(?!\n)")] = ""
    seats: Literal[2] = 2
    scheme: Scheme = field(default_factory=Scheme)
    parent: Annotated[str, Meta(max_length=36)] = ""


class DrawSummary(Struct, frozen=True):
    """A draw in one line."""

    id: str
    seq: int
    status: str
    commit_hash: str
    committed_at: datetime
    drawn_at: datetime | None


class StratumView(Struct, frozen=True):
    """What a stratum would give if it were frozen now; `most` where the seed rounds the quota."""

    stratum: str
    eligible: int
    excluded: dict[str, int]  # by reason
    quota: str  # exact, as a fraction
    most: int


class NestedPlan(Struct, frozen=True):
    """A plan of a campaign (专项行动), in one line."""

    id: str
    title: str
    division: str
    eligible: int
    sites: int
    status: str  # of its newest draw, or empty


class PlanView(Struct, frozen=True):
    """A plan as the office sees it, with its draws, void ones too, and those of its campaign."""

    id: str
    title: str
    division: str
    category: str
    checklists: dict[str, str]
    rate: tuple[int, int]
    minimum: int
    seats: int
    qualification: str
    opens_on: date
    closes_on: date
    created_at: datetime
    eligible: int
    sites: int
    draws: list[DrawSummary]
    directed: bool = False
    parent: str = ""
    scheme: Scheme = field(default_factory=Scheme)
    preview: list[StratumView] = []
    nested: list[NestedPlan] = []


class NewDice(Struct, frozen=True, forbid_unknown_fields=True):
    """A ceremony to come: how many rolls of which die, and the name it is announced under."""

    ceremony: Label
    sides: Literal[6, 8, 10] = 10
    rolls: Annotated[int, Meta(ge=1, le=200)] = 20


class NewRound(Struct, frozen=True, forbid_unknown_fields=True):
    """A drand beacon: the first round of the chain (name or hash) that is not before this time."""

    at: Annotated[datetime, Meta(tz=True)]
    chain: Annotated[str, Meta(max_length=64)] = "quicknet"


class NewPulse(Struct, frozen=True, forbid_unknown_fields=True):
    """A pulse of NIST's beacon, at a full minute."""

    at: Annotated[datetime, Meta(tz=True)]
    chain: Annotated[int, Meta(ge=1, le=1000)] = 2


class NewLottery(Struct, frozen=True, forbid_unknown_fields=True):
    """An issue (期) of a published lottery, and the day it is announced for."""

    game: Literal["kl8", "ssq", "dlt", "qlc", "pl5", "fc3d"]
    issue: Annotated[str, Meta(pattern=r"^[0-9]{5,7}$(?!\n)")]
    on: date


class CommitOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """The order to freeze and commit: where the seed will come from, who has committed a nonce.

    `local` is the reason for a draw that nobody can check; with `sealed_until` the content stays
    closed until then, or until two officers open it.
    """

    dice: Annotated[list[NewDice], Meta(max_length=8)] = []
    drand: Annotated[list[NewRound], Meta(max_length=4)] = []
    nist: Annotated[list[NewPulse], Meta(max_length=4)] = []
    lotteries: Annotated[list[NewLottery], Meta(max_length=8)] = []
    local: Annotated[str, Meta(min_length=5, max_length=300)] | None = None
    sealed_until: Annotated[datetime, Meta(tz=True)] | None = None
    nonce_commits: Annotated[dict[Label, Sha256], Meta(max_length=16)] = {}
    not_before: Annotated[datetime, Meta(tz=True)] | None = None


Proof = Annotated[  # a signature and what was signed, by the names that the source has for them
    dict[
        Annotated[str, Meta(pattern=r"^[A-Za-z.]{1,40}$(?!\n)")],
        Annotated[str, Meta(pattern=r"^[ -~]*$(?!\n)", max_length=8_000)],
    ],
    Meta(max_length=24),
]


class HoldOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What the public sources gave, what proves it, and the nonces now revealed.

    What people type (dice, lotteries) must have been typed alike by another officer before; it may
    be left out when two have.
    """

    digits: Annotated[dict[str, Annotated[str, Meta(max_length=200)]], Meta(max_length=16)] = {}
    nonces: Annotated[dict[Label, Sha256], Meta(max_length=16)] = {}
    proofs: Annotated[dict[str, Proof], Meta(max_length=16)] = {}


class TypeOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """One officer's typing of one public value."""

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    value: Annotated[str, Meta(min_length=1, max_length=200)]


class VoidOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a draw is void; the reason is published."""

    reason: Annotated[str, Meta(min_length=5, max_length=300)]


class DrawView(Struct, frozen=True):
    """A draw as the office sees it; `sources` and `nonces` are what holding it will need."""

    id: str
    plan_id: str
    agency: str
    seq: int
    status: str
    commit_hash: str
    committed_at: datetime
    not_before: str
    sources: dict[str, str]
    nonces: list[str]
    in_scope: int
    eligible: int
    drawn_at: datetime | None
    seed: str | None
    bundle_sha256: str | None
    sites: int
    files: list[str]
    verifiable: bool  # false: the seed came from the office's own server
    public_bits: int
    total_bits: int  # with the nonces
    ready_at: datetime
    typed: dict[str, str]  # by source that people type: "" | one | differ | settled
    sealed_until: datetime | None
    unsealed_at: datetime | None


class TallyView(Struct, frozen=True):
    """What became of the list of a draw, as it is published."""

    drawn: int
    substituted: int
    shortfall: int  # of these, without a reserve
    replaced: int  # seats
    extended: int
    listed: int  # now
    substitution_rate: str  # of the drawn and the extended, in per cent


class PublicDraw(Struct, frozen=True):
    """A link in an agency's chain of commitments, as anyone may see it."""

    id: str
    agency: str
    seq: int
    status: str
    commit_hash: str
    committed_at: datetime
    drawn_at: datetime | None
    bundle_sha256: str | None
    files: list[str]
    plan_id: str
    verifiable: bool
    void_reason: str | None
    sealed_until: datetime | None  # none: not sealed
    content: Literal["open", "sealed"]
    tally: TallyView | None  # none: not drawn yet, or sealed


class SiteView(Struct, frozen=True):
    """The establishment of a task."""

    code: str
    name: str
    category: str
    address: str
    division: str
    risk: str
    longitude: float | None
    latitude: float | None
    datum: str


class OnSite(Struct, frozen=True):
    """An inspector of a task."""

    id: str
    name: str
    certificate: str


class SeatView(Struct, frozen=True):
    """An inspector's place in a task: of which department, in which position, with what list."""

    department: str  # `*`: any
    position: str
    inspector: OnSite
    checklist: str


class DrawnBy(Struct, frozen=True):
    """The draw that chose the site."""

    id: str
    commit_hash: str
    bundle_sha256: str


class TaskView(Struct, frozen=True):
    """A task as the office and the devices of its inspectors see it."""

    id: str
    plan: str
    place: int
    establishment: SiteView
    checklist: str
    lead: OnSite
    second: OnSite
    opens_on: date
    closes_on: date
    draw: DrawnBy
    dispatched_at: datetime | None = None
    seats: list[SeatView] = []  # of every department, the lead's first two being lead and second


class Dispatched(Struct, frozen=True):
    """How many tasks went out now, and how many are out in all."""

    now: int
    total: int


# -- registers and checklists --------------------------------------------------------------------


class RowProblem(Struct, frozen=True):
    """What is wrong or odd with one row; `row` is the line of the file on which it begins."""

    source: str
    row: int
    column: str
    value: str
    code: str
    kept: bool  # the row was imported all the same
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str


class FieldChange(Struct, frozen=True):
    """A field before and after; empty when it was or is not there."""

    field: str
    before: str
    after: str


class EstablishmentChange(Struct, frozen=True):
    """What an import does to one row of a register."""

    kind: Literal["new", "changed", "reappeared", "missing"]
    code: str  # its key
    name: str  # of a row that has none: what tells people most of it
    fields: list[FieldChange]


class ImportView(Struct, frozen=True):
    """What an import did. Rows of one key are one record; every problem is counted by its code."""

    revision: str
    register: str
    rows: int
    created: int
    changed: int
    unchanged: int
    refused: int  # rows that were left out
    codes: dict[str, int]
    problems: list[RowProblem]  # refused rows first; as many as were asked for
    dry_run: bool = False  # nothing was written; there is no revision
    policy: str = "keep"  # what was to become of those missing: keep, mark or close
    missing: int = 0  # rows of the division, not yet closed, that no file names
    reappeared: int = 0  # named again after an import had marked them as missing
    fields: dict[str, int] = {}  # how many rows changed in each field
    changes: list[EstablishmentChange] = []  # the first of each kind


class ProgressView(Struct, frozen=True):
    """How far an import is: bytes of the files in this phase, rows since its begin."""

    phase: Literal["checking", "reading", "comparing", "writing", "done", "failed"]
    bytes: int
    total_bytes: int
    rows: int


class RevisionView(Struct, frozen=True):
    """An import or undo, as recorded."""

    id: str
    register_name: str
    source_name: str
    source_sha256: str
    at: datetime
    actor: str
    division: str
    rows: int
    created: int
    changed: int
    unchanged: int
    reappeared: int
    missing: int
    refused: int
    undoes_id: str | None
    undone_id: str | None  # the revision that undid this one


class VersionView(Struct, frozen=True):
    """What one revision did to one row of a register."""

    revision: str
    at: datetime
    actor: str
    source: str
    kind: Literal["created", "changed", "removed"]
    fields: list[FieldChange]
    key: str = ""  # of the row, all of it


class UndoRevision(Struct, frozen=True, forbid_unknown_fields=True):
    """How to undo a revision; `force` gives later changes up."""

    force: bool = False


class UndoView(Struct, frozen=True):
    """What an undo did."""

    revision: str
    undone: str
    restored: int
    removed: int
    lost: int  # later changes that were given up


class EstablishmentView(Struct, frozen=True):
    """An establishment as the office sees it."""

    id: str
    code: str
    name: str
    category: str
    division: str
    address: str
    risk: str
    status: str
    status_raw: str
    longitude: float | None
    latitude: float | None
    datum: str
    risk_source: str = ""  # who classed the risk, and by what
    key_object: bool = False
    parent_code: str = ""  # of the place that it is in: the market of a stall
    successor_code: str = ""  # of the establishment that it was found to be the same as


class FoundPage(Struct, frozen=True):
    """What a search found, in the order of arrival, and after which place to go on."""

    found: list[EstablishmentView]
    after: int | None  # none: that was all


class IndexView(Struct, frozen=True):
    """How many establishments the search index took in."""

    indexed: int


class NewComparison(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to look for suspected duplicates; empty: the officer's own division."""

    division: Division = ""


class ComparisonView(Struct, frozen=True):
    """What a comparison of a register with itself came to."""

    compared: int
    suspected: int
    new: int  # of the suspected: not on the review list before


class LookalikeView(Struct, frozen=True):
    """Two establishments that may be one, what speaks for it, and what people decided."""

    id: str
    score: int
    first: EstablishmentView
    second: EstablishmentView
    evidence: dict[str, str | int | bool | None]
    decision: str
    decided_by: str


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person found two suspected establishments to be."""

    decision: Literal["same", "different"]
    stays: Literal["first", "second"] = "first"  # which of the two, when they are the same


class InspectorView(Struct, frozen=True):
    """An inspector as the office sees them."""

    id: str
    certificate: str
    name: str
    department: str
    division: str
    qualifications: str
    cap: int
    valid_from: date
    valid_to: date
    active: bool
    districts: str = ""
    expert: bool = False


class RecusalView(Struct, frozen=True):
    """Who may not inspect whom."""

    code: str
    establishment: str
    certificate: str
    inspector: str
    reason: str


class LicenceRow(Struct, frozen=True):
    """A licence of an establishment."""

    id: str
    number: str
    code: str
    kind: str
    scope: str
    issuer: str
    valid_from: date | None
    valid_to: date | None
    status: str
    status_raw: str


class ListingRow(Struct, frozen=True):
    """An establishment on a credit list."""

    id: str
    code: str
    kind: str
    listed_on: date
    removed_on: date | None
    reason: str
    authority: str


class LeaveRow(Struct, frozen=True):
    """Days on which an inspector is away."""

    id: str
    certificate: str
    first_day: date
    last_day: date
    reason: str


class DepartmentRow(Struct, frozen=True):
    """A department."""

    id: str
    name: str
    division: str
    parent: str
    code: str


class DivisionRow(Struct, frozen=True):
    """A division of one edition or several."""

    id: str
    code: str
    name: str
    since: str
    until: str
    successors: str


RegisterPage = (
    list[EstablishmentView]
    | list[InspectorView]
    | list[RecusalView]
    | list[LicenceRow]
    | list[ListingRow]
    | list[LeaveRow]
    | list[DepartmentRow]
    | list[DivisionRow]
)


class NewChecklist(Struct, frozen=True, forbid_unknown_fields=True):
    """A checklist to release, as its TOML text."""

    toml: Annotated[str, Meta(min_length=1, max_length=500_000)]


class ChecklistView(Struct, frozen=True):
    """A released checklist."""

    digest: str
    code: str
    version: str
    title_en: str
    title_zh: str
    released_at: datetime


# -- after the visit -----------------------------------------------------------------------------

Stage = Literal["assigned", "recording", "signed", "concluded", "returned", "approved", "published"]


class TextView(Struct, frozen=True):
    """A text in both languages."""

    en: str
    zh: str


class InspectionLine(Struct, frozen=True):
    """An inspection in a list."""

    id: str
    plan: str
    code: str
    name: str
    division: str
    stage: Stage
    conflicts: int
    late: int
    outcome: str = ""
    publish_by: date | None = None


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
    """A file of an inspection: has it arrived, and is it sound?"""

    sha256: str
    who: str
    item: str
    caption: str
    mime: str
    size: int
    arrived: bool
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


class OrderView(Struct, frozen=True):
    """责令整改: what must be put right and by when."""

    items: tuple[str, ...]
    ordered_on: date
    due_on: date
    working_days: int
    status: str


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


class InspectionView(Struct, frozen=True):
    """Everything the office knows of one inspection."""

    id: str
    plan: str
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
    signatures: tuple[SignatureView, ...]
    late: tuple[str, ...]
    verdict: VerdictView
    conclusion: ConclusionView | None
    order: OrderView | None


class ConflictView(Struct, frozen=True):
    """An item on which the two inspectors disagree: both values, and whose."""

    inspection: str
    code: str
    name: str
    item: str
    text: TextView
    provisional: str
    said: tuple[SaidView, ...]


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


# -- divisions -----------------------------------------------------------------------------------


class SuccessorView(Struct, frozen=True):
    """A division that followed another; its name is empty when no list has it."""

    code: str
    name: str


class DivisionNameView(Struct, frozen=True):
    """What a code was called from one edition until another, and what it lay in when that began."""

    name: str
    path: tuple[str, ...]  # 省, 市, 县, 乡
    since: str
    until: str  # empty: in force
    successors: tuple[SuccessorView, ...]


class DivisionView(Struct, frozen=True):
    """A code of the list of divisions, with all its names, the oldest first."""

    code: str
    in_force: bool
    names: tuple[DivisionNameView, ...]


# -- change feeds --------------------------------------------------------------------------------


class ChangedRegister(Struct, frozen=True):
    """What a post of changes did to one register, as one revision."""

    register: str
    revision: str
    created: int
    changed: int
    unchanged: int


class ChangesView(Struct, frozen=True):
    """What became of the lines of one post; `row` of a problem is its line, from 1.

    A problem that is `kept` left its change on record: it waits, or it came too late.
    """

    lines: int
    applied: int  # those that waited before, and were released, among them
    known: int  # sent before, and applied once
    stale: int  # happened before what was applied already
    waiting: int  # for a row that is not registered yet
    released: int  # had waited, and were applied now
    refused: int
    registers: list[ChangedRegister]
    problems: list[RowProblem]  # refused ones first; as many as are told


# -- after a draw --------------------------------------------------------------------------------

ReasonCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,30}$(?!\n)")]
Evidence = Annotated[str, Meta(min_length=2, max_length=200)]
Code = Annotated[str, Meta(min_length=1, max_length=64)]


class SubstituteOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Which site gives way, for what was already true when the frame was frozen.

    Reason and evidence are published; `since`: from when it has been true.
    """

    site: Code
    reason: ReasonCode
    evidence: Evidence
    evidence_sha256: Sha256 | None = None
    since: date | None = None


class ReplaceOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Which inspector leaves his seats: at these sites, or (none) wherever no result is signed.

    Why, and what shows it, is for the auditor only.
    """

    inspector: Annotated[str, Meta(min_length=1, max_length=40)]
    reason: ReasonCode
    evidence: Evidence
    evidence_sha256: Sha256 | None = None
    sites: Annotated[list[Code], Meta(max_length=500)] = []


class ExtendOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """How many more of a stratum are drawn: the next tickets. Reason and evidence are published."""

    count: Annotated[int, Meta(ge=1, le=10_000)]
    reason: ReasonCode
    evidence: Evidence
    evidence_sha256: Sha256 | None = None
    stratum: Annotated[str, Meta(min_length=1, max_length=300)] = "all"


class DecideOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What the second officer decides; `remark`: why not."""

    approve: bool
    remark: Annotated[str, Meta(max_length=300)] = ""


class SeatedView(Struct, frozen=True):
    """A seat that a change filled."""

    site: str
    position: str
    inspector: str  # certificate


class AmendmentView(Struct, frozen=True):
    """A change of a draw that was asked for, and what it comes to: the only thing it can.

    While it waits, `called` and `seated` are what it would come to when it was asked for.
    """

    id: str
    draw_id: str
    kind: str  # substitute | replace | extend
    reason: str
    evidence: str
    evidence_sha256: str
    since: str
    site: str
    inspector: str
    sites: list[str]
    stratum: str
    count: int
    asked_by: str
    asked_at: datetime
    status: str  # pending | approved | declined
    decided_by: str
    decided_at: datetime | None
    remark: str
    n: int | None  # its line in the log
    called: list[str]
    seated: list[SeatedView]


# -- rehearsals (预演) ----------------------------------------------------------------------------


class RehearsalView(Struct, frozen=True):
    """What a plan would commit to now, for trials that are no draw; files as in a bundle."""

    task: str
    frame: bytes
    roster: str
    recusals: str
