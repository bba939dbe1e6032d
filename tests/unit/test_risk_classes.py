"""风险等级: every number of points, every reason, and the visits that a class implies."""

from datetime import date
from itertools import product
from pathlib import Path

import pytest

from backend.rules.risk import (
    CODES,
    RiskScheme,
    classify,
    credit_points,
    dynamic_points,
    parse,
    scheme_of,
    static_points,
    visits_due,
)

SCHEMES = parse(
    (Path(__file__).parents[2] / "backend" / "risk" / "cn.toml").read_text(encoding="utf-8")
)
DAY = date(2026, 11, 22)
NATIONAL = scheme_of(SCHEMES, "330102", DAY)
ANHUI = scheme_of(SCHEMES, "340104", DAY)
JINGMEN = scheme_of(SCHEMES, "420802", DAY)
TOML = """
[[schemes]]
division = ""
since = 2016-12-01
source = { en = "x", zh = "某" }
static_max = 40
dynamic_max = 60
static = { "*" = 1 }
failed = { key = 1, general = 1 }
bands = [
  { code = "A", up_to = 30, visits = [1, 0] },
  { code = "B", up_to = 45, visits = [1, 2] },
  { code = "C", up_to = 60, visits = [2, 3] },
  { code = "D", up_to = 100, visits = [3, 4] },
]
"""


def letter(points: int) -> str:
    """0-30 A, over 30 to 45 B, over 45 to 60 C, over 60 D (domain.md 2.2), written again."""
    return "A" if points <= 30 else "B" if points <= 45 else "C" if points <= 60 else "D"


@pytest.mark.parametrize("parts", SCHEMES, ids=lambda one: one.division or "CN")
def test_every_number_of_points_has_its_class_however_it_is_made_up(parts: RiskScheme) -> None:
    seen: dict[int, set[str]] = {}

    for static, dynamic, credit in product(
        range(parts.static_max + 1), range(parts.dynamic_max + 1), range(parts.credit_max + 1)
    ):
        made = classify(parts, static=static, dynamic=dynamic, credit=credit)
        seen.setdefault(static + dynamic + credit, set()).add(made.code)

        assert made.points == made.static + made.dynamic + made.credit
        assert made.code == made.by_points

    assert seen == {points: {letter(points)} for points in range(101)}


def test_more_points_than_a_part_has_count_as_all_of_them() -> None:
    made = classify(NATIONAL, static=999, dynamic=999, credit=999)

    assert (made.static, made.dynamic, made.credit, made.points) == (40, 60, 0, 100)


def test_one_reason_or_several_move_a_class_by_one_and_raising_goes_first() -> None:
    reasons = ("cases", "obstructed", "clean", "of no scheme")
    for points, known in product(
        range(101), (tuple(one for one, on in zip(reasons, which, strict=True) if on)
                     for which in product((True, False), repeat=4))
    ):  # fmt: skip
        raised = [one for one in ("cases", "obstructed") if one in known]
        lowered = ["clean"] if "clean" in known else []
        step = 1 if raised else -1 if lowered else 0
        expected = CODES[min(max("ABCD".index(letter(points)) + step, 0), 3)]

        made = classify(NATIONAL, static=min(points, 40), dynamic=max(points - 40, 0), known=known)

        assert (made.code, made.by_points) == (expected, letter(points))
        assert list(made.reasons) == (raised or lowered)


def test_a_class_implies_the_visits_of_its_division_and_year() -> None:
    old = scheme_of(SCHEMES, "340104", date(2021, 12, 31))

    asked = {
        name: [visits_due(scheme.band(code), before=0) for code in CODES]
        for name, scheme in (("CN", NATIONAL), ("34", ANHUI), ("4208", JINGMEN), ("2021", old))
    }

    assert asked == {
        "CN": [(1, None), (1, 2), (2, 3), (3, 4)],
        "34": [(1, None), (1, None), (2, None), (3, None)],
        "4208": [(1, None), (1, None), (2, None), (3, None)],
        "2021": [(1, None), (1, 2), (2, 3), (3, 4)],
    }
    assert [scheme.band("A").years for scheme in (NATIONAL, ANHUI)] == [1, 2]


def test_a_division_keeps_its_own_scheme_when_the_country_makes_a_newer_one() -> None:
    own = TOML.replace('division = ""', 'division = "34"').replace("2016-12-01", "2018-01-01")
    newer = TOML.replace("2016-12-01", "2026-01-01")
    known = [one for toml in (TOML, own, newer) for one in parse(toml)]

    chosen = [scheme_of(known, division, DAY) for division in ("34", "3401", "33", "")]

    assert [(one.division, one.since.year) for one in chosen] == [
        ("34", 2018), ("34", 2018), ("", 2026), ("", 2026),
    ]  # fmt: skip
    assert scheme_of(known, "3401", date(2017, 1, 1)).since.year == 2016


def test_once_in_two_years_asks_for_nothing_in_the_year_after_a_visit() -> None:
    band = ANHUI.band("A")

    assert visits_due(band, before=0) == (1, None)
    assert visits_due(band, before=1) == (0, None)
    assert visits_due(band, before=3) == (0, None)
    assert visits_due(NATIONAL.band("C"), before=1) == (1, 2)
    assert visits_due(NATIONAL.band("C"), before=9) == (0, 0)


def test_points_of_a_category_a_credit_class_and_a_last_inspection_are_data() -> None:
    assert static_points(NATIONAL, "catering") == 25
    assert static_points(NATIONAL, "bookshop") == 15
    assert [credit_points(ANHUI, one) for one in ("A", "D", "")] == [0, 20, 7]
    assert credit_points(NATIONAL, "D") == 0
    found = [dynamic_points(NATIONAL, key_failed=k, general_failed=g) for k, g in
             ((0, 0), (1, 0), (0, 1), (2, 3), (9, 9))]  # fmt: skip
    assert found == [0, 15, 5, 45, 60]


@pytest.mark.parametrize(
    ("was", "now"),
    [("up_to = 45", "up_to = 30"), ("up_to = 100", "up_to = 99"), ('code = "B"', 'code = "A"'),
     ("static_max = 40", "static_max = 41"), ("up_to = 30,", "up_to = -1,")],
)  # fmt: skip
def test_a_scheme_that_leaves_points_without_a_class_is_not_read(was: str, now: str) -> None:
    assert parse(TOML)

    with pytest.raises(ValueError, match=r"bands|parts"):
        parse(TOML.replace(was, now, 1))
