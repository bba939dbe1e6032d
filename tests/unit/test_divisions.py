"""行政区划: editions folded into one register, and how a code stands in it."""

import csv
from collections import Counter

import pytest
from conftest import shared_data
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.divisions import (
    DivisionLine,
    Named,
    fold,
    is_edition,
    path,
    shortened,
    standings,
)

OLD, NEW = "2007-12", "2023"
CODES = st.sampled_from(["33", "3301", "330102", "330103", "330105", "3302", "71"])
NAMES = st.sampled_from(["甲县", "甲区", "乙市", "乙区", "市辖区"])
LISTS = st.lists(st.builds(Named, CODES, NAMES), max_size=8)
EDITIONS = st.dictionaries(st.sampled_from(["2002-12", "2007-12", "2013", "2023"]), LISTS)


def named(*lines: str) -> list[Named]:
    return [Named(*line.split()) for line in lines]


def folded(old: list[Named], new: list[Named]) -> list[str]:
    """Fold two editions and write what ended as `code name until successors`."""
    lines = fold({NEW: new, OLD: old})
    return [" ".join((one.code, one.name, one.until, one.successors)) for one in lines if one.until]


def real() -> dict[str, list[Named]]:
    folder = shared_data() / "cn_divisions"
    editions: dict[str, list[Named]] = {NEW: []}
    for edition, name in (("2002-12", "gbt2260_2002.tsv"), (OLD, "gbt2260_2007.tsv")):
        with (folder / name).open(encoding="utf-8") as file:
            rows = csv.DictReader(file, delimiter="\t")
            editions[edition] = [Named(row["Code"], row["Name"]) for row in rows]
    for name in ("provinces", "cities", "areas", "streets"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as file:
            editions[NEW] += [Named(row["code"], row["name"]) for row in csv.DictReader(file)]
    return editions


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("330000", "33"),
        ("330100", "3301"),
        ("330106", "330106"),
        ("3300", "33"),
        ("330106000", "330106"),
        ("330106002000", "330106002"),
        ("441900003", "441900003"),
        ("441900000000", "4419"),
        ("", ""),
    ],
)
def test_a_code_is_a_prefix_of_what_lies_in_it(code: str, short: str) -> None:
    assert shortened(code) == short


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2002", True), ("2002-12", True), ("2002-12-31", True), ("200212", False),
        ("2002-13", False), ("2002-12-32", False), ("", False), ("2002-12\n", False),
    ],
)  # fmt: skip
def test_an_edition_is_called_by_a_year_a_month_or_a_day(text: str, right: bool) -> None:
    assert is_edition(text) is right


def test_a_division_lasts_from_the_first_edition_that_has_it_until_the_first_that_has_not() -> None:
    editions = {
        "2002-12": named("33 浙江省", "330102 甲县"),
        "2007-12": named("33 浙江省", "330102 甲县", "330103 乙县"),
        "2023": named("33 浙江省", "330103 乙县"),
    }

    assert fold(editions) == [
        DivisionLine("33", "浙江省", "2002-12", "", ""),
        DivisionLine("330102", "甲县", "2002-12", "2023", ""),
        DivisionLine("330103", "乙县", "2007-12", "", ""),
    ]


def test_one_that_is_out_of_a_single_edition_between_counts_as_in_force() -> None:
    editions = {
        "2002": named("330102 甲县", "330103 乙县"),
        "2007": named("330103 乙县"),
        "2023": named("330102 甲县", "330103 乙县"),
    }

    assert [one.until for one in fold(editions)] == ["", ""]


def test_an_edition_says_nothing_of_levels_and_provinces_that_it_does_not_have() -> None:
    old = named(
        "33 浙江省", "330102 上城区", "330102001 清波街道", "71 台湾省", "81 香港特别行政区"
    )

    assert folded(old, named("33 浙江省", "330102 上城区")) == []


@pytest.mark.parametrize(
    ("old", "new", "ended"),
    [
        ("110228 密云县", "110118 密云区", "110228 密云县 2023 110118"),
        ("469027 澄迈县", "469023 澄迈县", "469027 澄迈县 2023 469023"),
        ("420600 襄樊市", "420600 襄阳市", "4206 襄樊市 2023 4206"),
        ("542200 山南地区", "540500 山南市", "5422 山南地区 2023 5405"),
        ("330203 海曙县", "330204 江东区", "330203 海曙县 2023 "),
        ("330201 市辖区", "330202 市辖区", "330201 市辖区 2023 "),
        ("330302 城区", "330303 城县", "330302 城区 2023 "),
        ("330302 甲乙县", "440303 甲乙县", ""),
    ],
)
def test_successors_are_concluded_from_names_and_else_from_codes(
    old: str, new: str, ended: str
) -> None:
    assert folded(named(old), named(new)) == ([ended] if ended else [])


def test_a_code_that_another_moved_to_is_nobodys_new_name() -> None:
    old = named("232701 加格达奇区", "232723 漠河县")

    assert folded(old, named("232701 漠河市", "232761 加格达奇区")) == [
        "232701 加格达奇区 2023 232761",
        "232723 漠河县 2023 232701",
    ]
    assert folded(old, named("232701 漠河市")) == [
        "232701 加格达奇区 2023 ",
        "232723 漠河县 2023 232701",
    ]


def test_a_new_name_for_a_code_comes_before_a_likeness_elsewhere() -> None:
    old = named("360402 庐山区", "360427 星子县")

    assert folded(old, named("360402 濂溪区", "360483 庐山市")) == [
        "360402 庐山区 2023 360402",
        "360427 星子县 2023 ",
    ]


def test_of_two_places_that_are_alike_none_is_taken() -> None:
    assert folded(named("330102 甲乙县"), named("330203 甲乙区", "330304 甲乙市")) == [
        "330102 甲乙县 2023 "
    ]
    assert folded(named("330102 甲乙县"), named("330103 甲乙区", "330304 甲乙市")) == [
        "330102 甲乙县 2023 330103"
    ]


@given(EDITIONS)
def test_every_pair_is_there_once_and_begins_before_it_ends(
    editions: dict[str, list[Named]],
) -> None:
    lines = fold(editions)

    pairs = [(one.code, one.name) for one in lines]
    assert sorted(pairs) == sorted({(one.code, one.name) for of in editions.values() for one in of})
    assert all(one.since in editions for one in lines)
    assert all(not one.until or one.since < one.until for one in lines)
    codes = {one.code for one in lines}
    assert {one.successors for one in lines} <= codes | {""}


@given(EDITIONS)
def test_the_newest_edition_is_what_is_in_force(editions: dict[str, list[Named]]) -> None:
    newest = max(editions, default="")
    lines = fold(editions)

    listed = {(one.code, one.name) for one in editions.get(newest, [])}
    levels = {(len(code), code[:2]) for code, _ in listed}
    in_force = {
        (one.code, one.name)
        for one in lines
        if not one.until and (len(one.code), one.code[:2]) in levels
    }
    assert in_force == listed


KNOWN = {
    "33": True, "3301": True, "330106": True, "330103": False, "4419": True, "44": True,
    "440305": True, "71": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "standing"),
    [
        ("330106", "in force"),
        ("330106002", "in force"),
        ("330106002001", "in force"),
        ("330103", "historical"),
        ("330103005", "historical"),
        ("330199", "unknown"),
        ("330199001", "unknown"),
        ("33", "in force"),
        ("330000", "in force"),
        ("3399", "unknown"),
        ("441900003", "in force"),
        ("710101", "in force"),
        ("230199", "unknown"),
        ("100000", "in force"),
    ],
)
def test_a_division_stands_as_its_county_does(code: str, standing: str) -> None:
    assert standings([code], KNOWN) == {code: standing}


def test_the_path_of_a_division_has_the_names_of_its_time() -> None:
    lines = fold(
        {
            "2007": named("42 湖北省", "4206 襄樊市", "420602 襄城区", "420607 襄阳区"),
            "2023": named("42 湖北省", "4206 襄阳市", "420602 襄城区", "420607 襄州区"),
        }
    )
    by = {(one.code, one.since): one for one in lines}

    assert path(by["420607", "2007"], lines) == ["湖北省", "襄樊市", "襄阳区"]
    assert path(by["420607", "2023"], lines) == ["湖北省", "襄阳市", "襄州区"]
    assert path(by["42", "2007"], lines) == ["湖北省"]


def test_the_real_editions_fold_into_one_register() -> None:
    lines = fold(real())
    known = {one.code: False for one in lines} | {one.code: True for one in lines if not one.until}
    by = {(one.code, one.name): one for one in lines}

    assert len(lines) == 45552
    assert Counter(one.until for one in lines) == {"": 44702, "2023": 684, "2007-12": 166}
    assert by["110103", "崇文区"] == DivisionLine("110103", "崇文区", "2002-12", "2023", "")
    assert by["110228", "密云县"].successors == "110118"
    assert by["71", "台湾省"].until == by["81", "香港特别行政区"].until == ""
    assert by["110101001", "东华门街道"].since == "2023"
    zones = ("230199", "610131", "210242", "110807", "110103", "441900", "330106002")
    assert list(standings(zones, known).values()) == [
        *("unknown",) * 4, "historical", "in force", "in force",
    ]  # fmt: skip
