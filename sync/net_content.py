"""净含量 (JJF 1070, OIML R 87): whether a lot of packages holds what its label says. Pure.

A package may be short by the tolerable deficiency T, few may be short by up to 2T, none by more,
and the mean of the sample, corrected for its spread, must reach the label. All in exact fractions.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

from msgspec import Struct

from sync.answers import measured
from sync.refusals import Reason, Refused

Quantity: TypeAlias = Literal["content", "length", "area", "count"]

# unit -> what it measures, and how many of the unit that tolerances are in (g or mL, m, m², 1)
UNITS: dict[str, tuple[Quantity, Fraction]] = {
    "g": ("content", Fraction(1)),
    "kg": ("content", Fraction(1000)),
    "mL": ("content", Fraction(1)),
    "L": ("content", Fraction(1000)),
    "m": ("length", Fraction(1)),
    "cm": ("length", Fraction(1, 100)),
    "m²": ("area", Fraction(1)),
    "dm²": ("area", Fraction(1, 100)),
    "pieces": ("count", Fraction(1)),
}

# up to this many g or mL: per cent of it, or a fixed deficiency (table 3 of JJF 1070-2005)
_TOLERANCES: tuple[tuple[int, Fraction | None, Fraction | None], ...] = (
    (50, Fraction(9), None),
    (100, None, Fraction(9, 2)),
    (200, Fraction(9, 2), None),
    (300, None, Fraction(9)),
    (500, Fraction(3), None),
    (1_000, None, Fraction(15)),
    (10_000, Fraction(3, 2), None),
    (15_000, None, Fraction(150)),
    (50_000, Fraction(1), None),
)

LENGTH_FREE = Fraction(5)  # metres: up to here nothing may be missing
COUNT_FREE = Fraction(50)  # pieces, likewise


class SamplingPlan(Struct, frozen=True):
    """抽样方案: how many packages of a lot are weighed, and how many of them may be short."""

    packages: int
    factor: Fraction  # 修正因子 λ: times the standard deviation, added to the mean
    short_max: int  # may be short by more than T and at most 2T


_PLANS: tuple[tuple[int, SamplingPlan], ...] = (
    (50, SamplingPlan(10, Fraction("1.028"), 0)),
    (99, SamplingPlan(13, Fraction("0.848"), 1)),
    (500, SamplingPlan(50, Fraction("0.379"), 3)),
    (3_200, SamplingPlan(80, Fraction("0.295"), 5)),
)
_LARGE = SamplingPlan(125, Fraction("0.234"), 7)
WHOLE_LOT = 10  # packages: a smaller lot is weighed whole, and its mean is the mean


class Assessment(Struct, frozen=True):
    """检验结果: a lot as it was weighed; `complies` is none while too few packages were."""

    complies: bool | None
    asked: int  # packages
    weighed: int
    tolerance: Fraction  # T, in the unit of the label
    mean: Fraction
    mean_reached: bool
    short: int  # packages short by more than T and at most 2T
    short_max: int
    far_short: int  # by more than 2T


def sampling_plan(lot: int) -> SamplingPlan:
    """Say how a lot of so many packages is sampled."""
    if lot <= WHOLE_LOT:
        return SamplingPlan(lot, Fraction(0), 0)
    return next((one for most, one in _PLANS if lot <= most), _LARGE)


def tolerance(nominal: Fraction, unit: str) -> Fraction | None:
    """Give the tolerable deficiency T of a label, in its unit; none beyond the table (50 kg).

    Rounded up to 0.1 g or mL up to 1 kg or L, to 1 above; a count to whole pieces.
    """
    kind, scale = UNITS[unit]
    base = nominal * scale
    match kind:
        case "content":
            row = next((row for row in _TOLERANCES if base <= row[0]), None)
            if row is None:
                return None
            _, percent, fixed = row
            found = base * percent / 100 if percent is not None else fixed
            assert found is not None
            step = Fraction(1, 10) if base <= 1_000 else Fraction(1)
            return -(-found // step) * step / scale
        case "length":
            return Fraction(0) if base <= LENGTH_FREE else nominal * 2 / 100
        case "area":
            return nominal * 3 / 100
        case "count":
            return Fraction(0) if base <= COUNT_FREE else Fraction(-(-nominal // 100))


def assess(nominal: str, unit: str, lot: str, contents: Sequence[str]) -> Assessment:
    """Judge a lot by the contents of its packages, in the unit of its label, as decimal text.

    Refuses with LOT_INVALID what no label can say, and a label beyond the table.
    """
    label = _amount(nominal, "nominal")
    if label <= 0:
        raise Refused(Reason.LOT_INVALID, field="nominal", value=nominal)
    if unit not in UNITS:
        raise Refused(Reason.LOT_INVALID, field="unit", value=unit)
    packages = _amount(lot, "lot")
    if packages < 1 or packages.denominator != 1:
        raise Refused(Reason.LOT_INVALID, field="lot", value=lot)
    if not 0 < len(contents) <= packages:
        raise Refused(Reason.LOT_INVALID, field="contents", value=str(len(contents)))
    found = [_amount(one, "contents") for one in contents]
    allowed = tolerance(label, unit)
    if allowed is None:
        raise Refused(Reason.LOT_INVALID, field="nominal", value=nominal)

    how = sampling_plan(int(packages))
    missing = [label - one for one in found]
    short = sum(allowed < one <= 2 * allowed for one in missing)
    far_short = sum(one > 2 * allowed for one in missing)
    mean = sum(found, Fraction(0)) / len(found)
    reached = _reaches(label, found, mean, how.factor)
    enough = len(found) >= how.packages
    kept = reached and short <= how.short_max and not far_short
    return Assessment(
        complies=kept if enough or far_short else None,
        asked=how.packages,
        weighed=len(found),
        tolerance=allowed,
        mean=mean,
        mean_reached=reached,
        short=short,
        short_max=how.short_max,
        far_short=far_short,
    )


def written(value: Fraction, places: int = 3) -> str:
    """Write a figure for people, rounded up at so many places, without trailing zeros."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    text = format(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_CEILING), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _reaches(label: Fraction, found: Sequence[Fraction], mean: Fraction, factor: Fraction) -> bool:
    """Tell whether mean + λ·s reaches the label; squared on both sides, so no root is taken."""
    if mean >= label or len(found) < 2:
        return mean >= label
    variance = sum(((one - mean) ** 2 for one in found), Fraction(0)) / (len(found) - 1)
    return factor**2 * variance >= (label - mean) ** 2


def _amount(value: str, field: str) -> Fraction:
    amount = measured(value)
    if amount is None or amount < 0:
        raise Refused(Reason.LOT_INVALID, field=field, value=value)
    return Fraction(amount)
