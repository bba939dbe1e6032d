"""风险等级: points make a class from A (low) to D, and a class so many visits a year. Pure.

Static, dynamic and credit points, thresholds, frequencies and the reasons for one class more or
less are data (`backend/risk`), by division and day.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from backend.rules.governing import governing
from sync.checklist import Text

RiskCode = Literal["A", "B", "C", "D"]
CODES: tuple[RiskCode, ...] = get_args(RiskCode)
ANY = "*"
POINTS_MAX = 100


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """A class: up to so many points, and how often it is visited within so many years."""

    code: RiskCode
    up_to: int
    visits: tuple[int, int]  # at least, and at most; at most 0: no limit
    years: int = 1


class Failed(Struct, frozen=True, forbid_unknown_fields=True):
    """Dynamic points of each item that failed."""

    key: int
    general: int


class RiskScheme(Struct, frozen=True, forbid_unknown_fields=True):
    """分级办法: the figures of one division from one day on."""

    division: str
    since: date
    source: Text
    static_max: int
    dynamic_max: int
    bands: tuple[Band, ...]
    static: dict[str, int]
    failed: Failed
    credit_max: int = 0
    credit: dict[str, int] = {}
    raised: dict[str, Text] = {}
    lowered: dict[str, Text] = {}

    def band(self, code: RiskCode) -> Band:
        """Find the band of a class."""
        return next(one for one in self.bands if one.code == code)


class Classed(Struct, frozen=True):
    """How a class came about."""

    static: int
    dynamic: int
    credit: int
    points: int
    by_points: RiskCode
    code: RiskCode
    reasons: tuple[str, ...]  # why it is one class more or less than by points


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    schemes: tuple[RiskScheme, ...]


def parse(toml: str) -> tuple[RiskScheme, ...]:
    """Read the schemes of several divisions; ValueError when one leaves points unclassed."""
    schemes = msgspec.convert(tomllib.loads(toml), _File).schemes
    for one in schemes:
        ends = [band.up_to for band in one.bands]
        if tuple(band.code for band in one.bands) != CODES or ends[-1] != POINTS_MAX:
            raise ValueError(f"the bands of {one.division!r} are not A to D up to {POINTS_MAX}")
        if any(low >= high for low, high in pairwise((-1, *ends))):
            raise ValueError(f"the bands of {one.division!r} do not rise")
        if one.static_max + one.dynamic_max + one.credit_max != POINTS_MAX:
            raise ValueError(f"the parts of {one.division!r} do not make {POINTS_MAX} points")
    return schemes


def scheme_of(known: Iterable[RiskScheme], division: str, day: date) -> RiskScheme:
    """Choose the scheme for a division on a day."""
    return governing(known, division, day)


def classify(
    scheme: RiskScheme, *, static: int, dynamic: int, credit: int = 0, known: Collection[str] = ()
) -> Classed:
    """Make a class of points; whatever is `known` to raise it goes before what lowers it.

    One class at most, however many reasons there are, and never beyond A or D.
    """
    static = min(static, scheme.static_max)
    dynamic = min(dynamic, scheme.dynamic_max)
    credit = min(credit, scheme.credit_max)
    points = static + dynamic + credit
    by_points: RiskCode = next(band.code for band in scheme.bands if points <= band.up_to)
    raised = tuple(reason for reason in scheme.raised if reason in known)
    lowered = tuple(reason for reason in scheme.lowered if reason in known)
    step = 1 if raised else -1 if lowered else 0
    at = min(max(CODES.index(by_points) + step, 0), len(CODES) - 1)
    return Classed(
        static=static,
        dynamic=dynamic,
        credit=credit,
        points=points,
        by_points=by_points,
        code=CODES[at],
        reasons=raised or lowered,
    )


def static_points(scheme: RiskScheme, category: str) -> int:
    """Give the points of a category (业态)."""
    return _of(scheme.static, category)


def credit_points(scheme: RiskScheme, credit_class: str) -> int:
    """Give the points of a credit class; one that was never classed has those of any other."""
    return _of(scheme.credit, credit_class)


def dynamic_points(scheme: RiskScheme, *, key_failed: int, general_failed: int) -> int:
    """Give the points of what the last inspection found, up to all that there are."""
    found = key_failed * scheme.failed.key + general_failed * scheme.failed.general
    return min(found, scheme.dynamic_max)


def visits_due(band: Band, *, before: int) -> tuple[int, int | None]:
    """Tell how many visits a year asks for: at least, and at most if there is a limit.

    `before`: those of the earlier years that the frequency spans, which count against it.
    """
    least, most = band.visits
    return max(least - before, 0), (max(most - before, 0) if most else None)


def _of(points: Mapping[str, int], name: str) -> int:
    return points.get(name, points.get(ANY, 0))
