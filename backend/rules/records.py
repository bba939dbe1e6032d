"""名录记录: what a row of each register becomes, and how it is built from its fields. Pure."""

import re
from datetime import date

from msgspec import Struct

from backend.rules.reader import Row
from sync.refusals import Reason

STATUSES = ("active", "suspended", "revoked", "cancelled", "moved", "unknown")
RISKS = ("A", "B", "C", "D")

_count = re.compile(r"\d{1,4}", re.ASCII)


class EstablishmentRecord(Struct, frozen=True):
    """A row of the register of establishments (检查对象名录库)."""

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


class InspectorRecord(Struct, frozen=True):
    """A row of the register of inspectors (执法检查人员名录库)."""

    certificate: str
    name: str
    department: str
    division: str
    qualifications: str
    cap: int
    valid_from: date
    valid_to: date
    active: bool


class RecusalRecord(Struct, frozen=True):
    """A row of the list of recusals (回避)."""

    code: str
    certificate: str
    reason: str


def establishment(row: Row) -> EstablishmentRecord:
    """Read a row of the register of establishments."""
    longitude, latitude, datum = row.point()
    return EstablishmentRecord(
        code=row.code("code"),
        name=row.text("name", 300, required=True),
        category=row.text("category", 60, required=True),
        division=row.division("division"),
        address=row.text("address", 500),
        risk=row.one_of("risk", RISKS, "B"),
        status=row.one_of("status", STATUSES, "active"),
        status_raw=row.raw("status")[:120],
        longitude=longitude,
        latitude=latitude,
        datum=datum,
    )


def inspector(row: Row) -> InspectorRecord:
    """Read a row of the register of inspectors."""
    valid_from, valid_to = row.day("valid_from"), row.day("valid_to")
    if valid_to < valid_from:
        raise row.bad("valid_to", Reason.ROW_VALUE_INVALID)
    cap = row.text("cap", 4, default="10")
    if not _count.fullmatch(cap):
        raise row.bad("cap", Reason.ROW_VALUE_INVALID)
    return InspectorRecord(
        certificate=row.text("certificate", 40, required=True),
        name=row.text("name", 80, required=True),
        department=row.text("department", 80, required=True),
        division=row.division("division"),
        qualifications=row.text("qualifications", 300),
        cap=int(cap),
        valid_from=valid_from,
        valid_to=valid_to,
        active=row.one_of("active", ("true", "false"), "true") == "true",
    )


def recusal(row: Row) -> RecusalRecord:
    """Read a row of the list of recusals."""
    return RecusalRecord(
        code=row.code("code"),
        certificate=row.text("certificate", 40, required=True),
        reason=row.text("reason", 200, required=True),
    )
