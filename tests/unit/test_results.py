"""检查结果代码表: lists by division and day, and what conclusions keep naming."""

from datetime import date

import pytest

from backend.rules import results
from backend.rules.results import in_force, label, read, result_of
from backend.work.code_lists import result_lists

LISTS = result_lists()
DAY = date(2026, 3, 2)
LOCAL = """
code = "district"
version = "{version}"
division = "330106"
since = {since}
extends = "zhejiang 2026.1"

[[results]]
code = "closed"
reported_as = "no-activity"
label = {{ en = "Shut", zh = "{zh}" }}
given = "officer"
visit = "none"
"""


def test_eight_results_have_national_numbers_and_others_are_reported_as_one_of_them() -> None:
    national = in_force(LISTS, "310101", DAY)

    assert national.name == "national 2026.1"
    assert [one.number for one in national.results if one.number] == list("12345678")
    assert all(one.number or national.result(one.reported_as) for one in national.results)
    assert {one.code for one in national.results if one.given == "checklist"} == {
        result_of([("none", 0)]), result_of([("rectify", 1)]), result_of([("stop", 1)]),
    }  # fmt: skip


def test_a_province_has_its_own_codes_for_the_same_results() -> None:
    ours, theirs = in_force(LISTS, "330106", DAY), in_force(LISTS, "", DAY)

    codes = {one.number: one.local for one in ours.results if one.number}
    assert ours.name == "zhejiang 2026.1"
    assert codes == dict(zip("12345678", "1BC6E8FA", strict=True))
    assert {one.local for one in theirs.results} == {""}
    assert ours.result("other-law") is not None
    assert theirs.result("other-law") is None
    assert ours.follow_ups == theirs.follow_ups


def test_the_newest_list_of_the_longest_division_is_in_force_on_its_day() -> None:
    files = [
        LOCAL.format(version="1", since="2026-01-01", zh="关"),
        LOCAL.format(version="2", since="2026-06-01", zh="停"),
        *_shipped(),
    ]
    lists = read(files)

    assert in_force(lists, "330106001", DAY).name == "district 1"
    assert in_force(lists, "330106", date(2026, 6, 1)).name == "district 2"
    assert in_force(lists, "330106", date(2025, 12, 31)).name == "zhejiang 2026.1"
    assert in_force(lists, "330102", DAY).name == "zhejiang 2026.1"
    assert label(lists, "district 1", "closed").zh == "关"
    assert label(lists, "district 2", "closed").zh == "停"
    assert label(lists, "national 2026.1", "closed").zh == "已关闭停业或正在组织清算"


def test_a_list_that_extends_nothing_known_or_numbers_nothing_known_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="nobody has"):
        read([LOCAL.format(version="1", since="2026-01-01", zh="关")])
    with pytest.raises(AssertionError, match="of no result"):
        read([*_shipped(), LOCAL.format(version="1", since="2026-01-01", zh="关").replace(
            "[[results]]", '[local]\nnobody = "9"\n[[results]]')])  # fmt: skip


@pytest.mark.parametrize(
    ("failed", "codes"), [((), ("none",)), (("1.1",), ("order",)), (("1.1", "2.1"), ("order",))]
)
def test_an_order_follows_where_items_failed(
    failed: tuple[str, ...], codes: tuple[str, ...]
) -> None:
    assert results.follow_ups_of(failed) == codes
    assert all(LISTS[0].follow_up(code) for code in codes)


def _shipped() -> list[str]:
    from importlib.resources import files

    folder = files("backend") / "results"
    return [one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".toml")]
