"""Whom an office may send, and on which days two can go together."""

from datetime import date

import pytest
from msgspec.structs import replace

from backend.rules.sending import Candidate, Unfit, meet, unfit
from backend.work.visits import lowest

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 6)
ONE = Candidate(certificate="A1", active=True, expert=False, valid_from=FIRST, valid_to=LAST)


def away(first: int, last: int) -> tuple[date, date]:
    return date(2026, 3, first), date(2026, 3, last)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (ONE, None),
        (replace(ONE, active=False), "inactive"),
        (replace(ONE, expert=True), "expert"),
        (replace(ONE, valid_from=date(2026, 3, 3)), "certificate"),
        (replace(ONE, valid_to=date(2026, 3, 5)), "certificate"),
        (replace(ONE, recused=True), "recused"),
        (replace(ONE, away=(away(1, 6),)), "leave"),
        (replace(ONE, away=(away(2, 3), away(4, 9))), "leave"),
        (replace(ONE, away=(away(2, 3), away(5, 9))), None),
        (replace(ONE, away=(away(3, 6),)), None),
        (replace(ONE, away=(away(2, 5),)), None),
    ],
)
def test_whoever_cannot_go_is_told_the_first_reason(one: Candidate, why: Unfit | None) -> None:
    assert unfit(one, FIRST, LAST) == why


def test_two_go_together_on_a_day_that_both_have() -> None:
    early, late = replace(ONE, away=(away(2, 4),)), replace(ONE, away=(away(5, 6),))
    short = replace(ONE, away=(away(6, 6),))

    assert not meet([early, late], FIRST, LAST)
    assert meet([early, short], FIRST, LAST)
    assert meet([ONE, late], FIRST, LAST)


def test_the_lowest_number_that_any_plan_sets_is_the_years() -> None:
    assert [lowest(caps) for caps in ([], [0], [0, 3], [2, 0, 5])] == [0, 0, 3, 2]
