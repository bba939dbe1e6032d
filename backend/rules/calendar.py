"""工作日: deadlines in working days, by the State Council's yearly holiday notice as data.

A day off moved to a weekend (调休) makes that weekend day a working day. For a year whose notice is
not known yet only the weekend rule applies, and a deadline that falls into it is provisional.
"""

import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import msgspec
from msgspec import Struct

from sync.moments import CHINA as CHINA

SATURDAY = 5


class Span(Struct, frozen=True, forbid_unknown_fields=True):
    """A holiday; both ends are days off."""

    name: str
    first: date
    last: date


class Notice(Struct, frozen=True, forbid_unknown_fields=True):
    """One year's notice."""

    source: str
    url: str
    year: int
    holidays: tuple[Span, ...]
    working_weekends: tuple[date, ...]


class Calendar(Struct, frozen=True):
    """The notices that are known, as sets of days."""

    years: frozenset[int]
    off: frozenset[date]
    on: frozenset[date]

    def covers(self, day: date) -> bool:
        """Tell whether the notice for this day's year is known."""
        return day.year in self.years

    def works(self, day: date) -> bool:
        """Tell whether this is a working day."""
        if day in self.on:
            return True
        return day.weekday() < SATURDAY and day not in self.off


def parse(toml: str) -> Notice:
    """Read one year's notice."""
    return msgspec.convert(tomllib.loads(toml), Notice)


def build(notices: Iterable[Notice]) -> Calendar:
    """Join notices into one calendar."""
    known = list(notices)
    off = {
        span.first + timedelta(days=n)
        for notice in known
        for span in notice.holidays
        for n in range((span.last - span.first).days + 1)
    }
    return Calendar(
        years=frozenset(notice.year for notice in known),
        off=frozenset(off),
        on=frozenset(day for notice in known for day in notice.working_weekends),
    )


def due(day: date, working_days: int, calendar: Calendar) -> date:
    """Give the last day of a term of working days; the day it begins on does not count.

    民法典 article 201: the day itself is not counted; counting starts on the next.
    """
    assert working_days >= 1
    left = working_days
    while left:
        day += timedelta(days=1)
        left -= calendar.works(day)
    return day


def before(day: date, working_days: int, calendar: Calendar) -> date:
    """Give the day that lies so many working days earlier; a term from there ends on it or before.

    Nothing ends on a day off, so from one the count is to the working day before it.
    """
    left = working_days
    while left:
        day -= timedelta(days=1)
        left -= calendar.works(day)
    return day


def local_day(moment: datetime) -> date:
    """Give the day that a moment falls on in China."""
    return moment.astimezone(UTC).astimezone(CHINA).date()
