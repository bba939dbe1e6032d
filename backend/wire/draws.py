"""抽查: plans, draws, tasks and rehearsals."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from backend.rules.scheme import Scheme
from backend.wire.base import Division
from backend.wire.field import Sha256
from sync.checklist import Asks
from sync.history import History
from sync.origins import Origin

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


class Beside(Struct, frozen=True):
    """Another draw that is committed to and not held yet, and may draw some of the same."""

    draw: str  # agency#seq
    shared: int  # active establishments that are in the division and of the categories of both


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
    beside: list[Beside] = []  # told when it is committed to


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
    plan: str  # empty: assigned, not drawn
    place: int  # in the draw, from 1; 0: assigned
    establishment: SiteView
    checklist: str
    lead: OnSite
    second: OnSite
    opens_on: date
    closes_on: date
    draw: DrawnBy | None
    dispatched_at: datetime | None = None
    seats: list[SeatView] = []  # of every department, the lead's first two being lead and second
    origin: Origin = "draw"
    must: list[str] = []  # names of items that must be answered this time
    asks: Asks = "whole"  # must: a recheck that asks these alone, and what they open
    reason: str = ""  # why the office assigned it
    reference: str = ""  # the complaint's number
    follows: str = ""  # the inspection that it follows
    part_of: str = ""  # the task of the market whose stall this is
    announced: bool = True  # false: 暗访, nobody is told before
    returned: str = ""  # why a review returned what was concluded: it is open again
    history: History | None = None


class Dispatched(Struct, frozen=True):
    """How many tasks went out now, and how many are out in all."""

    now: int
    total: int


class RehearsalView(Struct, frozen=True):
    """What a plan would commit to now, for trials that are no draw; files as in a bundle."""

    task: str
    frame: bytes
    roster: str
    recusals: str
