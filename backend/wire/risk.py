"""风险等级: how classes came about, and how many visits a year asks for and had."""

from msgspec import Struct

from backend.wire.base import TextView


class RiskRecord(Struct, frozen=True):
    """What our own inspections and the register make of an establishment's class."""

    static: int
    dynamic: int
    credit: int
    points: int
    by_points: str
    risk: str  # after the reasons
    reasons: tuple[TextView, ...]


class RiskLine(Struct, frozen=True):
    """An establishment, the class in force, and the visits of the year."""

    code: str
    name: str
    division: str
    risk: str  # in force: as the register has it
    source: str  # who classed it, and by what
    record: RiskRecord | None  # none: never inspected
    visits_min: int
    visits_max: int | None  # none: no limit
    visits: int  # 户次 of this year
    owing: int


class RiskSum(Struct, frozen=True):
    """A class of a division: 户 and 户次 apart."""

    risk: str
    establishments: int  # 户
    visited: int  # 户 with a visit this year
    due: int  # 户次 that the year asks for at least
    visits: int  # 户次 of this year
    owing: int  # 户次 that are still owed


class RiskPage(Struct, frozen=True):
    """The classes of a division in a year, and some of its establishments."""

    division: str
    year: int
    source: TextView  # the scheme in force
    sums: tuple[RiskSum, ...]
    rows: tuple[RiskLine, ...]
    after: str  # go on after this code; empty at the end
