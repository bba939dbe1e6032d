from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.calendar import due, local_day
from backend.work.calendars import working_days

CALENDAR = working_days()
TERMS = range(1, 31)

# Written from the notices a second time, as the days on which a week is not as usual: a weekday
# off (-) or a weekend day worked (+). Nothing here is read from the files that are tested.
UNUSUAL = """
2024 -0101 +0204 -0212 -0213 -0214 -0215 -0216 +0218 -0404 -0405 +0407 +0428 -0501 -0502 -0503
2024 +0511 -0610 +0914 -0916 -0917 +0929 -1001 -1002 -1003 -1004 -1007 +1012
2025 -0101 +0126 -0128 -0129 -0130 -0131 -0203 -0204 +0208 -0404 +0427 -0501 -0502 -0505 -0602
2025 +0928 -1001 -1002 -1003 -1006 -1007 -1008 +1011
2026 -0101 -0102 +0104 +0214 -0216 -0217 -0218 -0219 -0220 -0223 +0228 -0406 -0501 -0504 -0505
2026 +0509 -0619 +0920 -0925 -1001 -1002 -1005 -1006 -1007 +1010
"""
FLIPPED = {
    date(int(line[:4]), int(one[1:3]), int(one[3:]))
    for line in UNUSUAL.strip().splitlines()
    for one in line.split()[1:]
}


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
        # 春节 2024: off 10 to 17 February, the Sundays before and after it worked
        ("2024-02-02", 1, "2024-02-04"),
        ("2024-02-08", 1, "2024-02-09"),  # 除夕 itself is worked this year
        ("2024-02-09", 1, "2024-02-18"),
        ("2024-02-09", 3, "2024-02-20"),
        ("2024-02-14", 1, "2024-02-18"),  # a term that begins on a day off
        # 国庆 2024: 中秋 and 国庆 within three weeks
        ("2024-09-13", 3, "2024-09-19"),
        ("2024-09-27", 2, "2024-09-30"),
        ("2024-09-30", 1, "2024-10-08"),
        ("2024-09-30", 5, "2024-10-12"),
        ("2024-12-31", 1, "2025-01-02"),  # over New Year
        # 春节 2025: from 除夕 on
        ("2025-01-24", 1, "2025-01-26"),
        ("2025-01-27", 1, "2025-02-05"),
        ("2025-01-27", 4, "2025-02-08"),
        ("2025-01-27", 5, "2025-02-10"),
        # 国庆 and 中秋 2025 together
        ("2025-09-26", 1, "2025-09-28"),
        ("2025-09-30", 1, "2025-10-09"),
        ("2025-09-30", 3, "2025-10-11"),
        ("2025-09-30", 4, "2025-10-13"),
        ("2025-12-31", 1, "2026-01-04"),  # New Year 2026, and the Sunday after it
    ],
)
def test_a_term_ends_on_a_working_day(begins: str, days: int, ends: str) -> None:
    ending = due(date.fromisoformat(begins), days, CALENDAR)

    assert ending == date.fromisoformat(ends)


def test_every_term_from_every_day_of_three_years_ends_where_counting_day_by_day_ends() -> None:
    wrong: list[tuple[date, int]] = []

    day = date(2024, 1, 1)
    while day < date(2027, 1, 1):
        counted, left = day, 0
        for days in TERMS:
            while left < days:
                counted += timedelta(days=1)
                left += (counted.isoweekday() <= 5) != (counted in FLIPPED)
            if due(day, days, CALENDAR) != counted:
                wrong.append((day, days))
        day += timedelta(days=1)

    assert wrong == []


@pytest.mark.parametrize(
    ("year", "worked", "weekends"), [(2024, 251, 8), (2025, 248, 5), (2026, 248, 6)]
)
def test_a_year_has_as_many_working_days_as_its_notice_leaves(
    year: int, worked: int, weekends: int
) -> None:
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]

    found = [day for day in days if CALENDAR.works(day)]

    assert len(found) == worked
    assert sum(day.weekday() >= 5 for day in found) == weekends


@given(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(1, 60))
def test_exactly_so_many_working_days_lie_between(begins: date, days: int) -> None:
    ending = due(begins, days, CALENDAR)

    between = [begins + timedelta(days=n) for n in range(1, (ending - begins).days + 1)]
    assert sum(CALENDAR.works(day) for day in between) == days
    assert CALENDAR.works(ending)


def test_a_year_without_its_notice_is_known_to_be_provisional() -> None:
    assert CALENDAR.covers(date(2024, 1, 1))
    assert CALENDAR.covers(date(2026, 12, 31))
    assert not CALENDAR.covers(date(2027, 1, 1))


def test_the_day_is_the_day_in_china() -> None:
    assert local_day(datetime(2026, 3, 2, 15, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert local_day(datetime(2026, 3, 2, 16, 0, tzinfo=UTC)) == date(2026, 3, 3)
