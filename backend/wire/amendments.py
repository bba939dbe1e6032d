"""抽取之后: what is asked to be changed of a held draw."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from backend.wire.field import Sha256

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
    """Which inspector leaves his seats: all of them, or by a recusal those at `sites`.

    Where a result is signed he stays. Why, and what shows it, is for the auditor only.
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

    While it waits, `called` and `seated` are empty: nobody is told what it would come to.
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
