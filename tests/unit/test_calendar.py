from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.calendar import due, local_day
from backend.work.calendars import working_days

CALENDAR = working_days()


@pytest.mark.parametrize(
    ("begins", "days", "ends"),
    [
        ("2026-03-02", 1, "2026-03-03"),
        ("2026-03-06", 1, "2026-03-09"),  # over a weekend
        ("2026-02-13", 1, "2026-02-14"),  # a Saturday that is worked
        ("2026-02-13", 2, "2026-02-24"),  # over Spring Festival
        ("2026-02-13", 6, "2026-02-28"),  # onto another worked Saturday
        ("2026-04-30", 1, "2026-05-06"),  # over Labour Day
        ("2026-05-08", 1, "2026-05-09"),
        ("2026-09-18", 1, "2026-09-20"),  # a Sunday that is worked
        ("2026-09-30", 3, "2026-10-10"),  # over National Day
        ("2026-03-02", 20, "2026-03-30"),
    ],
)
def test_a_term_ends_on_a_working_day(begins: str, days: int, ends: str) -> None:
    ending = due(date.fromisoformat(begins), days, CALENDAR)

    assert ending == date.fromisoformat(ends)


def test_the_year_2026_has_248_working_days() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]

    worked = [day for day in days if CALENDAR.works(day)]

    assert len(worked) == 248
    assert sum(day.weekday() >= 5 for day in worked) == 6


@given(st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.integers(1, 60))
def test_exactly_so_many_working_days_lie_between(begins: date, days: int) -> None:
    ending = due(begins, days, CALENDAR)

    between = [begins + timedelta(days=n) for n in range(1, (ending - begins).days + 1)]
    assert sum(CALENDAR.works(day) for day in between) == days
    assert CALENDAR.works(ending)


def test_a_year_without_its_notice_is_known_to_be_provisional() -> None:
    assert CALENDAR.covers(date(2026, 12, 31))
    assert not CALENDAR.covers(date(2027, 1, 1))


def test_the_day_is_the_day_in_china() -> None:
    assert local_day(datetime(2026, 3, 2, 15, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert local_day(datetime(2026, 3, 2, 16, 0, tzinfo=UTC)) == date(2026, 3, 3)
