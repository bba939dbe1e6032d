"""名录记录: how a row of each register is built from the fields of a file. Pure."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from msgspec import Struct

from backend.rules.divisions import shortened
from backend.rules.reader import Row
from backend.rules.records import (
    CREDIT_CLASSES,
    LISTS,
    RESERVED,
    RISKS,
    STATUSES,
    DepartmentRecord,
    DivisionRecord,
    EstablishmentRecord,
    InspectorRecord,
    LeaveRecord,
    LicenceRecord,
    ListingRecord,
    RecusalRecord,
    Register,
)
from sync.refusals import Reason

ENDLESS = ("", "长期", "長期", "长期有效")

_count = re.compile(r"\d{1,4}", re.ASCII)
_edition = re.compile(r"(\d{4}(-\d{2}(-\d{2})?)?)?", re.ASCII)
_code = re.compile(r"\d{2,12}", re.ASCII)


def establishment(row: Row) -> EstablishmentRecord:
    """Read a row of the register of establishments.

    It may lack its code where a licence, or a name at an address, may tell whose row it is.
    """
    longitude, latitude, datum = row.point()
    licence, address = row.text("licence", 64), row.text("address", 500)
    found_later = (licence or address) and not row.raw("code")
    code = "" if found_later else row.code("code")
    for name, one in (("code", code), ("licence", licence)):  # a licence may become the code
        if one[: len(RESERVED)].upper() == RESERVED:
            raise row.bad(name, Reason.CODE_RESERVED)
    return EstablishmentRecord(
        code=code,
        name=row.text("name", 300, required=True),
        category=row.text("category", 60, required=True),
        division=row.division("division"),
        address=address,
        risk=row.one_of("risk", RISKS, "B"),
        status=row.one_of("status", STATUSES, "active"),
        status_raw=_raw(row),
        longitude=longitude,
        latitude=latitude,
        datum=datum,
        risk_source=row.text("risk_source", 120),
        credit_class=row.one_of("credit_class", CREDIT_CLASSES, ""),
        key_object=_yes(row, "key_object", default="false"),
        parent_code=_other_code(row, "parent_code"),
        successor_code=_other_code(row, "successor_code"),
        missing_since=_moment(row, "missing_since"),
        licence=licence,
    )


def licence(row: Row) -> LicenceRecord:
    """Read a row of the register of licences."""
    valid_from, valid_to = _maybe_day(row, "valid_from"), _maybe_day(row, "valid_to")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise row.bad("valid_to", Reason.ROW_VALUE_INVALID)
    return LicenceRecord(
        number=row.text("number", 64, required=True),
        code=row.code("code"),
        kind=row.text("kind", 60, required=True),
        scope=row.text("scope", 300),
        issuer=row.text("issuer", 120),
        valid_from=valid_from,
        valid_to=valid_to,
        status=row.one_of("status", STATUSES, "active"),
        status_raw=_raw(row),
        missing_since=_moment(row, "missing_since"),
    )


def listing(row: Row) -> ListingRecord:
    """Read a row of a credit list."""
    listed_on, removed_on = row.day("listed_on"), _maybe_day(row, "removed_on")
    if removed_on is not None and removed_on < listed_on:
        raise row.bad("removed_on", Reason.ROW_VALUE_INVALID)
    return ListingRecord(
        code=row.code("code"),
        kind=row.one_of("kind", LISTS, ""),
        listed_on=listed_on,
        removed_on=removed_on,
        reason=row.text("reason", 300),
        authority=row.text("authority", 120),
        missing_since=_moment(row, "missing_since"),
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
        active=_yes(row, "active", default="true"),
        districts=_codes(row, "districts"),
        expert=_yes(row, "expert", default="false"),
        missing_since=_moment(row, "missing_since"),
    )


def leave(row: Row) -> LeaveRecord:
    """Read a row of the list of absences."""
    first_day, last_day = row.day("first_day"), row.day("last_day")
    if last_day < first_day:
        raise row.bad("last_day", Reason.ROW_VALUE_INVALID)
    return LeaveRecord(
        certificate=row.text("certificate", 40, required=True),
        first_day=first_day,
        last_day=last_day,
        reason=row.text("reason", 200),
        missing_since=_moment(row, "missing_since"),
    )


def recusal(row: Row) -> RecusalRecord:
    """Read a row of the list of recusals."""
    return RecusalRecord(
        code=row.code("code"),
        certificate=row.text("certificate", 40, required=True),
        reason=row.text("reason", 200, required=True),
        missing_since=_moment(row, "missing_since"),
    )


def department(row: Row) -> DepartmentRecord:
    """Read a row of the list of departments."""
    return DepartmentRecord(
        name=row.text("name", 80, required=True),
        division=row.division("division"),
        parent=row.text("parent", 80),
        code=row.text("code", 64),
        missing_since=_moment(row, "missing_since"),
    )


def division(row: Row) -> DivisionRecord:
    """Read a row of an edition of the list of divisions."""
    code = shortened(row.division("code"))
    if not code:
        raise row.bad("code", Reason.ROW_VALUE_MISSING)
    return DivisionRecord(
        code=code,
        name=row.text("name", 120, required=True),
        since=_part_of_a_day(row, "since"),
        until=_part_of_a_day(row, "until"),
        successors=_codes(row, "successors"),
        missing_since=_moment(row, "missing_since"),
    )


BUILDERS: dict[Register, Callable[[Row], Struct]] = {
    "establishments": establishment,
    "licences": licence,
    "listings": listing,
    "inspectors": inspector,
    "leave": leave,
    "recusals": recusal,
    "departments": department,
    "divisions": division,
}


def _raw(row: Row) -> str:
    """Keep the status as it was written, or as it was kept before."""
    return row.raw("status_raw" if "status_raw" in row.fields else "status")[:120].strip()


def _yes(row: Row, name: str, *, default: str) -> bool:
    return row.one_of(name, ("true", "false"), default) == "true"


def _other_code(row: Row, name: str) -> str:
    return row.code(name) if row.raw(name) else ""


def _maybe_day(row: Row, name: str) -> date | None:
    """Take a day, or none where there is no end."""
    return None if row.value(name) in ENDLESS else row.day(name)


def _codes(row: Row, name: str) -> str:
    """Take a list of division codes, sorted."""
    codes = sorted({shortened(one.strip()) for one in row.text(name, 300).split(",")} - {""})
    if not all(_code.fullmatch(one) for one in codes):
        raise row.bad(name, Reason.ROW_VALUE_INVALID)
    return ",".join(codes)


def _part_of_a_day(row: Row, name: str) -> str:
    value = row.text(name, 10)
    if not _edition.fullmatch(value):
        raise row.bad(name, Reason.ROW_VALUE_INVALID)
    return value


def _moment(row: Row, name: str) -> datetime | None:
    """Take a moment as our exports write it."""
    value = row.value(name)
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise row.bad(name, Reason.ROW_VALUE_INVALID) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
