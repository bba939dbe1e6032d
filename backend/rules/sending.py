"""派员: whom an office may send without a draw: two who are allowed to go and have a day for it."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Literal

from msgspec import Struct

WINDOW_MAX = 366  # days

Unfit = Literal["inactive", "expert", "certificate", "recused", "leave"]


class Candidate(Struct, frozen=True):
    """An inspector who is to be sent to one establishment."""

    certificate: str
    active: bool
    expert: bool
    valid_from: date
    valid_to: date
    recused: bool = False
    away: tuple[tuple[date, date], ...] = ()  # first and last days of leave


def unfit(one: Candidate, opens_on: date, closes_on: date) -> Unfit | None:
    """Say why an inspector cannot be sent in a window; None: they can.

    The certificate must be valid on every day of it, and on one day they must not be on leave.
    """
    if not one.active:
        return "inactive"
    if one.expert:  # goes along, in no inspector's place
        return "expert"
    if one.valid_from > opens_on or one.valid_to < closes_on:
        return "certificate"
    if one.recused:
        return "recused"
    return None if _free([one], opens_on, closes_on) else "leave"


def meet(those: Iterable[Candidate], opens_on: date, closes_on: date) -> bool:
    """Tell whether there is a day on which all of them can go."""
    return _free(list(those), opens_on, closes_on)


def _free(those: list[Candidate], opens_on: date, closes_on: date) -> bool:
    leaves = [leave for one in those for leave in one.away]
    return any(
        not any(first <= day <= last for first, last in leaves)
        for day in _days(opens_on, closes_on)
    )


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)
