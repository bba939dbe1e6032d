"""名录: what a row of each register becomes, and what sets the registers apart. Pure.

A record's first fields must be there in every file; what a file does not have is left as it is
in a row that is stored, and is as given here in one that is new.
"""

from datetime import date, datetime
from typing import Literal, TypeVar

from msgspec import Struct

STATUSES = ("active", "suspended", "revoked", "cancelled", "moved", "unknown")
PROVISIONAL = "provisional"  # 临时对象: in no register yet; no file says so of a row
RESERVED = "PROV-"  # what its code begins with, and no other's
RISKS = ("A", "B", "C", "D")
CREDIT_CLASSES = ("", "A", "B", "C", "D")  # empty: not classed
LISTS = ("abnormal", "serious")

Register = Literal[
    "establishments",
    "licences",
    "listings",
    "inspectors",
    "leave",
    "recusals",
    "departments",
    "divisions",
]


class EstablishmentRecord(Struct, frozen=True, gc=False):
    """A row of the register of establishments (检查对象名录库)."""

    code: str
    name: str
    category: str
    division: str
    address: str = ""
    risk: str = "B"
    status: str = "active"
    status_raw: str = ""
    longitude: float | None = None
    latitude: float | None = None
    datum: str = ""
    risk_source: str = ""
    credit_class: str = ""
    key_object: bool = False
    parent_code: str = ""
    successor_code: str = ""
    missing_since: datetime | None = None
    licence: str = ""  # by which the code is found where it is empty; not stored


class LicenceRecord(Struct, frozen=True, gc=False):
    """A row of the register of licences (许可证)."""

    number: str
    code: str
    kind: str
    scope: str = ""
    issuer: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    status: str = "active"
    status_raw: str = ""
    missing_since: datetime | None = None


class ListingRecord(Struct, frozen=True, gc=False):
    """A row of a credit list (信用名单)."""

    code: str
    kind: str
    listed_on: date
    removed_on: date | None = None
    reason: str = ""
    authority: str = ""
    missing_since: datetime | None = None


class InspectorRecord(Struct, frozen=True, gc=False):
    """A row of the register of inspectors (执法检查人员名录库)."""

    certificate: str
    name: str
    department: str
    division: str
    valid_from: date
    valid_to: date
    qualifications: str = ""
    cap: int = 10
    active: bool = True
    districts: str = ""
    expert: bool = False
    missing_since: datetime | None = None


class LeaveRecord(Struct, frozen=True, gc=False):
    """A row of the list of absences (请假)."""

    certificate: str
    first_day: date
    last_day: date
    reason: str = ""
    missing_since: datetime | None = None


class RecusalRecord(Struct, frozen=True, gc=False):
    """A row of the list of recusals (回避)."""

    code: str
    certificate: str
    reason: str
    missing_since: datetime | None = None


class DepartmentRecord(Struct, frozen=True, gc=False):
    """A row of the list of departments (部门)."""

    name: str
    division: str
    parent: str = ""
    code: str = ""
    missing_since: datetime | None = None


class DivisionRecord(Struct, frozen=True, gc=False):
    """A row of an edition of the list of divisions (行政区划)."""

    code: str
    name: str
    since: str = ""
    until: str = ""
    successors: str = ""
    missing_since: datetime | None = None


Record = TypeVar("Record", bound=Struct)


class Reference(Struct, frozen=True):
    """A field that names a row of a register; where it `must` be there, the row is refused."""

    field: str
    register: Register
    target: str  # the field of that register
    must: bool = True


class Closing(Struct, frozen=True):
    """What closes a row that the files do not name any more (`--missing close`)."""

    field: str
    value: str | bool | None = None  # none: the day of the import


class Spec(Struct, frozen=True):
    """What sets a register apart; everything else is the same for all."""

    name: Register
    record: type[Struct]
    key: tuple[str, ...]
    shown: str  # the field that tells people more than the key
    division: str  # the field that decides whose the row is, here or in the register it refers to
    references: tuple[Reference, ...] = ()
    closing: Closing | None = None
    unstored: tuple[str, ...] = ()
    depends: tuple[Register, ...] = ()  # what else decides how a file is read

    @property
    def fields(self) -> tuple[str, ...]:
        """Name what a mapping may map."""
        return self.record.__struct_fields__

    @property
    def required(self) -> tuple[str, ...]:
        """Name what a mapping must map."""
        return self.fields[: len(self.fields) - len(self.record.__struct_defaults__)]

    @property
    def usual(self) -> dict[str, object]:
        """Give what a new row has where the files say nothing."""
        return dict(
            zip(self.fields[len(self.required) :], self.record.__struct_defaults__, strict=True)
        )

    @property
    def stored(self) -> tuple[str, ...]:
        """Name the columns of the register, its versions and its exports."""
        return tuple(name for name in self.fields if name not in self.unstored)

    @property
    def owner(self) -> Reference | None:
        """Tell which reference leads to the division, if the row has none of its own."""
        return next((one for one in self.references if one.field == self.division), None)

    def taken(self, mapped: frozenset[str]) -> tuple[str, ...]:
        """Name the fields that a file with these columns decides; the others are left alone.

        A status comes with its text, a point whole.
        """
        point = {"longitude", "latitude"}
        found = {*self.key, *(mapped - {*point, "datum"})}
        if point <= mapped:
            found |= {*point, "datum"}
        if "status" in mapped and "status_raw" in self.fields:
            found.add("status_raw")
        return tuple(name for name in self.fields if name in found)


_cancelled = Closing("status", "cancelled")
_establishment = Reference("code", "establishments", "code")
_inspector = Reference("certificate", "inspectors", "certificate")

REGISTERS: dict[Register, Spec] = {
    one.name: one
    for one in (
        Spec(
            name="establishments",
            record=EstablishmentRecord,
            key=("code",),
            shown="name",
            division="division",
            references=(Reference("parent_code", "establishments", "code", must=False),),
            closing=_cancelled,
            unstored=("licence",),
            depends=("licences", "divisions"),
        ),
        Spec(
            name="licences",
            record=LicenceRecord,
            key=("number",),
            shown="kind",
            division="code",
            references=(_establishment,),
            closing=_cancelled,
        ),
        Spec(
            name="listings",
            record=ListingRecord,
            key=("code", "kind", "listed_on"),
            shown="reason",
            division="code",
            references=(_establishment,),
            closing=Closing("removed_on"),
        ),
        Spec(
            name="inspectors",
            record=InspectorRecord,
            key=("certificate",),
            shown="name",
            division="division",
            closing=Closing("active", value=False),
            depends=("divisions",),
        ),
        Spec(
            name="leave",
            record=LeaveRecord,
            key=("certificate", "first_day"),
            shown="reason",
            division="certificate",
            references=(_inspector,),
        ),
        Spec(
            name="recusals",
            record=RecusalRecord,
            key=("code", "certificate"),
            shown="reason",
            division="code",
            references=(_establishment, _inspector),
        ),
        Spec(
            name="departments",
            record=DepartmentRecord,
            key=("name", "division"),
            shown="name",
            division="division",
            references=(Reference("parent", "departments", "name", must=False),),
            depends=("divisions",),
        ),
        Spec(
            name="divisions",
            record=DivisionRecord,
            key=("code", "name"),
            shown="name",
            division="code",
            closing=Closing("until"),
        ),
    )
}


def written(value: object) -> str:
    """Write a stored value so that it is read again as it was: in exports and in our own feeds."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case date():  # a moment too
            return value.isoformat()
        case _:
            return str(value)
