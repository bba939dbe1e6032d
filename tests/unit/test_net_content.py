from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import net_content
from sync.net_content import UNITS, SamplingPlan, assess, sampling_plan, tolerance, written
from sync.refusals import Reason, Refused

# the published table, by hand: label, unit, T
TABLE = [
    ("5", "g", "0.5"), ("50", "g", "4.5"), ("51", "mL", "4.5"), ("100", "g", "4.5"),
    ("105", "g", "4.8"), ("200", "g", "9"), ("201", "mL", "9"), ("300", "g", "9"),
    ("330", "mL", "9.9"), ("333", "mL", "10"), ("500", "g", "15"), ("501", "g", "15"),
    ("1000", "g", "15"), ("1", "kg", "0.015"), ("1500", "g", "23"), ("1.5", "L", "0.023"),
    ("10000", "g", "150"), ("10", "kg", "0.15"), ("15", "kg", "0.15"), ("25", "kg", "0.25"),
    ("50", "kg", "0.5"),
    ("5", "m", "0"), ("6", "m", "0.12"), ("600", "cm", "12"),
    ("2", "m²", "0.06"), ("50", "dm²", "1.5"),
    ("50", "pieces", "0"), ("51", "pieces", "1"), ("100", "pieces", "1"), ("101", "pieces", "2"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "unit", "allowed"), TABLE)
def test_the_tolerable_deficiency_is_that_of_the_table(label: str, unit: str, allowed: str) -> None:
    assert tolerance(Fraction(label), unit) == Fraction(allowed)


def test_beyond_fifty_kilograms_there_is_no_tolerance() -> None:
    assert tolerance(Fraction(50_001), "g") is None
    with pytest.raises(Refused) as refused:
        assess("60", "kg", "3", ["60"])
    assert refused.value.reason is Reason.LOT_INVALID


@pytest.mark.parametrize(
    ("lot", "packages", "factor", "short_max"),
    [
        (1, 1, "0", 0), (10, 10, "0", 0),
        (11, 10, "1.028", 0), (50, 10, "1.028", 0),
        (51, 13, "0.848", 1), (99, 13, "0.848", 1),
        (100, 50, "0.379", 3), (500, 50, "0.379", 3),
        (501, 80, "0.295", 5), (3200, 80, "0.295", 5),
        (3201, 125, "0.234", 7),
    ],
)  # fmt: skip
def test_the_larger_the_lot_the_more_are_weighed(
    lot: int, packages: int, factor: str, short_max: int
) -> None:
    assert sampling_plan(lot) == SamplingPlan(packages, Fraction(factor), short_max)


@pytest.mark.parametrize(
    ("contents", "complies"),
    [
        (["500"] * 10, True),
        (["499"] * 10, False),  # the mean is short and nothing spreads
        (["485.0"] + ["502"] * 9, True),  # short by T and no more
        (["484.9"] + ["503"] * 9, False),  # one is short by more than T, none may be
        (["500"] * 9, None),  # ten are asked for
        (["469.9"] + ["510"] * 4, False),  # more than 2T: no further weighing helps
    ],
)
def test_a_lot_of_fifty_half_kilograms(contents: list[str], complies: bool | None) -> None:
    assert assess("500", "g", "50", contents).complies is complies


def test_of_a_larger_lot_some_may_be_short_but_none_by_twice_as_much() -> None:
    three, four = ["480"] * 3 + ["502"] * 47, ["480"] * 4 + ["502"] * 46

    found = assess("500", "g", "500", three)

    assert (found.complies, found.short, found.short_max, found.far_short) == (True, 3, 3, 0)
    assert assess("500", "g", "500", four).complies is False
    assert assess("500", "g", "500", ["470", *three[1:]]).far_short == 0
    assert assess("500", "g", "500", ["469.9", *three[1:]]).complies is False


@given(
    st.lists(st.integers(4_600, 5_300), min_size=2, max_size=60),
    st.sampled_from([9, 40, 80, 300, 1000, 5000]),
)
def test_the_mean_reaches_the_label_as_floating_point_says(tenths: list[int], lot: int) -> None:
    contents = [f"{one // 10}.{one % 10}" for one in tenths][:lot]

    found = assess("500", "g", str(lot), contents)

    values = [float(one) for one in contents]
    mean = sum(values) / len(values)
    spread = sqrt(sum((one - mean) ** 2 for one in values) / max(len(values) - 1, 1))
    reached = mean + float(sampling_plan(lot).factor) * spread
    if abs(reached - 500) > 1e-6:
        assert found.mean_reached == (reached > 500)
    assert found.short == sum(470 <= one < 485 for one in values)
    assert found.far_short == sum(one < 470 for one in values)


@given(st.lists(st.integers(4_600, 5_300), min_size=10, max_size=10), st.integers(0, 9))
def test_more_in_a_short_package_never_makes_a_lot_fail_by_packages(
    tenths: list[int], which: int
) -> None:
    before = assess("500", "g", "50", [str(one // 10) for one in tenths])

    tenths[which] += 100
    after = assess("500", "g", "50", [str(one // 10) for one in tenths])

    assert (after.short + after.far_short) <= (before.short + before.far_short)
    assert after.mean > before.mean


@pytest.mark.parametrize(
    ("nominal", "unit", "lot", "contents", "field"),
    [
        ("0", "g", "10", ["1"], "nominal"), ("-5", "g", "10", ["1"], "nominal"),
        ("5e2", "g", "10", ["1"], "nominal"), ("500", "oz", "10", ["1"], "unit"),
        ("500", "g", "0", ["1"], "lot"), ("500", "g", "10", [], "contents"),
        ("500", "g", "1", ["1", "2"], "contents"), ("500", "g", "10", ["-1"], "contents"),
        ("500", "g", "10", ["１"], "contents"),
        ("500", "g", "1.5", ["1"], "lot"), ("500", "g", "many", ["1"], "lot"),
    ],
)  # fmt: skip
def test_what_no_label_says_is_refused_by_field(
    nominal: str, unit: str, lot: str, contents: list[str], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        assess(nominal, unit, lot, contents)

    assert refused.value.reason is Reason.LOT_INVALID
    assert refused.value.details["field"] == field


def test_figures_are_written_without_zeros_that_say_nothing() -> None:
    told = [written(Fraction(one)) for one in ("500", "0.015", "1/3", "15.0", "0")]

    assert told == ["500", "0.015", "0.334", "15", "0"]
    assert set(UNITS) == {"g", "kg", "mL", "L", "m", "cm", "m²", "dm²", "pieces"}
    assert net_content.WHOLE_LOT == 10
