from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.calendar import before, due
from backend.rules.followup import (
    MEASURES,
    SUSPENSION,
    Terms,
    lacking,
    order_status,
    parse,
    steps_reached,
    terms_of,
)
from backend.work.calendars import terms, working_days

CALENDAR = working_days()
TERMS = Terms(
    division="", since=date(2016, 1, 1), source="", extensions=1, extension_days=15,
    remind_before=(5, 3, 1), remind_after=(5,), recheck_days=5, suspension_days=5,
)  # fmt: skip
MORE = """
[[terms]]
division = "{0}"
since = {1}
source = "a test"
extensions = {2}
extension_days = 10
remind_before = []
remind_after = []
recheck_days = 5
suspension_days = 5
"""


@pytest.mark.parametrize(
    ("today", "steps"),
    [
        ("2026-09-14", ()),
        ("2026-09-21", ()),
        ("2026-09-22", ("before-5",)),  # 22 23 24 28 29 are worked, 25 to 27 are 中秋
        ("2026-09-23", ("before-5",)),
        ("2026-09-24", ("before-3",)),
        ("2026-09-28", ("before-3",)),
        ("2026-09-29", ("before-1",)),
        ("2026-09-30", ("due",)),
        ("2026-10-01", ("overdue",)),  # the first day off after the last day of the term
        ("2026-10-08", ("overdue",)),
        ("2026-10-12", ("overdue",)),
        ("2026-10-13", ("overdue", "after-5")),  # 8 9 10 12 13 are worked, 10 is a Saturday
        ("2027-01-01", ("overdue", "after-5")),
    ],
)
def test_a_term_is_reminded_of_by_working_days(today: str, steps: tuple[str, ...]) -> None:
    due_on = date(2026, 9, 30)

    reached = steps_reached(due_on, date.fromisoformat(today), TERMS, CALENDAR)

    assert reached == steps


@given(st.dates(date(2024, 1, 1), date(2027, 6, 30)), st.integers(-20, 60))
def test_a_step_that_was_reached_never_goes_back(due_on: date, days: int) -> None:
    today = due_on + timedelta(days=days)

    now, later = (steps_reached(due_on, today + timedelta(days=n), TERMS, CALENDAR) for n in (0, 1))

    order = ("before-5", "before-3", "before-1", "due", "overdue", "after-5")
    assert [order.index(one) for one in now[-1:]] <= [order.index(one) for one in later[-1:]]
    assert ("overdue" in now) == (days > 0)


@given(st.dates(date(2024, 1, 1), date(2027, 6, 30)), st.integers(1, 30))
def test_counting_back_undoes_counting_forward(day: date, days: int) -> None:
    if not CALENDAR.works(day):
        day = due(day, 1, CALENDAR)

    assert before(due(day, days, CALENDAR), days, CALENDAR) == day
    assert due(before(day, days, CALENDAR), days, CALENDAR) == day


def test_the_figures_of_the_nearest_division_hold_from_their_day_on() -> None:
    known = [
        *terms(),
        *parse(MORE.format("33", "2020-01-01", 2)),
        *parse(MORE.format("3301", "2026-03-01", 3)),
        *parse(MORE.format("3301", "2026-06-01", 4)),
    ]

    found = {
        (division, day): terms_of(known, division, date.fromisoformat(day)).extensions
        for division in ("310101", "330106", "3302")
        for day in ("2026-02-28", "2026-03-01", "2026-06-01")
    }

    assert [found["310101", day] for day in ("2026-02-28", "2026-03-01", "2026-06-01")] == [1] * 3
    assert [found["330106", day] for day in ("2026-02-28", "2026-03-01", "2026-06-01")] == [2, 3, 4]
    assert [found["3302", day] for day in ("2026-02-28", "2026-03-01", "2026-06-01")] == [2] * 3


@pytest.mark.parametrize(
    ("items", "continued", "status"),
    [
        (["open", "closed"], False, "open"),
        (["open", "closed"], True, "renewed"),
        (["closed", "withdrawn"], False, "closed"),
        (["closed", "withdrawn"], True, "closed"),
        (["withdrawn"], False, "withdrawn"),
        ([], False, "withdrawn"),
    ],
)
def test_an_order_stands_as_its_items_do(items: list[str], continued: bool, status: str) -> None:
    assert order_status(items, continued=continued) == status


def test_a_blank_text_says_nothing() -> None:
    needs = MEASURES["interview"].needs

    assert lacking(needs, {"who": "王经理", "due_on": date(2026, 3, 9)}) == ()
    assert lacking(needs, {"who": " \t", "due_on": None}) == ("who", "due_on")


def test_what_is_done_at_once_needs_nothing_to_close() -> None:
    assert [name for name, one in MEASURES.items() if one.at_once] == ["warning", "guidance"]
    assert all(one.at_once or one.closes_with for one in MEASURES.values())
    assert MEASURES[SUSPENSION].needs == ()
