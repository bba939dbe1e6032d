"""投诉举报: clocks over the year's end, steps, and files with wrong cells."""

from datetime import date
from typing import Any

import pytest

from backend.rules import complaints as rules
from backend.rules.complaints import Clock, Kind, State, Step
from backend.work.calendars import working_days
from backend.work.code_lists import complaint_terms
from sync.refusals import Reason, Refused

TERMS = rules.terms_of(complaint_terms(), "330106", date(2026, 3, 2))
HEAD = "编号,类型,渠道,接收日期,事项,统一社会信用代码\n"
GOOD = "12315-1,投诉,12315,2026-02-27,买到过期食品,E1\n12315-2,report,letter,2026-03-01,无证经营,\n"


def clock(kind: Kind, state: State, received: date, **more: Any) -> Clock:
    told: dict[str, Any] = {"accepted_on": None, "extended": False} | more
    return rules.clock(
        kind, state, received_on=received, terms=TERMS, calendar=working_days(), **told
    )


@pytest.mark.parametrize(
    ("kind", "state", "more", "step", "due_on"),
    [
        ("complaint", "received", {}, "accept", date(2026, 2, 25)),  # over the Spring Festival
        ("complaint", "accepted", {"accepted_on": date(2026, 3, 2)}, "close", date(2026, 5, 8)),
        ("report", "received", {}, "close", date(2026, 3, 6)),
        ("report", "received", {"extended": True}, "close", date(2026, 3, 27)),
        ("complaint", "rejected", {}, "", None),
        ("report", "closed", {}, "", None),
    ],
)
def test_what_falls_due_next_is_counted_in_working_days(
    kind: Kind, state: State, more: dict[str, Any], step: Step, due_on: date | None
) -> None:
    assert clock(kind, state, date(2026, 2, 9), **more) == Clock(step, due_on)


def test_a_complaint_older_than_the_rules_has_the_oldest_terms() -> None:
    assert rules.terms_of(complaint_terms(), "33", date(2010, 1, 1)).accept == 7


ALLOWED: dict[tuple[Kind, State, Step], State] = {
    ("complaint", "received", "accept"): "accepted",
    ("complaint", "received", "reject"): "rejected",
    ("complaint", "accepted", "close"): "closed",
    ("report", "received", "extend"): "received",
    ("report", "received", "reject"): "rejected",
    ("report", "received", "close"): "closed",
}


@pytest.mark.parametrize("kind", rules.KINDS)
@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("step", ["accept", "reject", "extend", "close"])
def test_a_step_leads_where_the_rules_say_or_is_refused(
    kind: Kind, state: State, step: Step
) -> None:
    wanted = ALLOWED.get((kind, state, step))

    if wanted is None:
        with pytest.raises(Refused) as refused:
            rules.after(kind, state, step, extended=False, why="x")
        assert refused.value.reason is Reason.COMPLAINT_STATE
    else:
        assert rules.after(kind, state, step, extended=False, why="x") == wanted


def test_a_term_is_extended_once_and_for_a_reason() -> None:
    with pytest.raises(Refused) as twice:
        rules.after("report", "received", "extend", extended=True, why="x")
    with pytest.raises(Refused) as silent:
        rules.after("report", "received", "extend", extended=False, why=" ")

    assert twice.value.reason is Reason.COMPLAINT_STATE
    assert silent.value.reason is Reason.COMPLAINT_ANSWER_MISSING


def test_a_file_is_read_by_our_names_or_the_chinese_ones() -> None:
    rows = rules.read("\ufeff" + HEAD + GOOD + ",,,,,\n")
    ours = rules.read("number,kind,channel,received_on,matter\n1,report,web,2026-03-01,x\n")

    assert [one.number for one in rows] == ["12315-1", "12315-2"]
    assert [one.kind for one in rows] == ["complaint", "report"]
    assert rows[0].code == "E1"
    assert ours[0].received_on == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("old", "new", "row", "field", "value"),
    [
        ("类型", "种类", 1, "种类", "种类"),
        ("事项,", "", 1, "matter", ""),
        ("统一社会信用代码", "事项", 1, "matter", ""),
        ("投诉,", "表扬,", 2, "kind", "表扬"),
        ("letter", "pigeon", 3, "channel", "pigeon"),
        ("2026-03-01", "3月1日", 3, "received_on", "3月1日"),
        ("12315-2", "", 3, "number", ""),
        ("无证经营", "", 3, "matter", ""),
        ("无证经营", "长" * 201, 3, "matter", "长" * 40),
        ("无证经营,", "无证经营", 3, "", ""),
        ("无证经营", '"无证', 3, "", ""),
    ],
)
def test_a_cell_that_cannot_be_taken_is_refused_by_row_and_field(
    old: str, new: str, row: int, field: str, value: str
) -> None:
    with pytest.raises(Refused) as refused:
        rules.read((HEAD + GOOD).replace(old, new, 1))

    told = refused.value
    assert told.reason is Reason.COMPLAINTS_INVALID
    assert (told.details["row"], told.details["field"], told.details["value"]) == (
        row,
        field,
        value,
    )
    assert told.details["problem"]
    assert told.details["problem_zh"]


def test_a_file_without_anything_or_with_too_much_is_refused() -> None:
    with pytest.raises(Refused) as empty:
        rules.read("")
    with pytest.raises(Refused) as full:
        rules.read(HEAD + GOOD * (rules.ROWS_MAX // 2 + 1))

    assert empty.value.details["row"] == 1
    assert full.value.reason is Reason.COMPLAINTS_INVALID


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("电话 13800138000", "text"),
        ("a@b.cn", "text"),
        ("身份证 11010519491231002X", "text"),
        ("冷库", ""),
    ],
)
def test_personal_numbers_are_noticed(text: str, found: str) -> None:
    assert rules.personal({"matter": "x", "text": text}) == found
