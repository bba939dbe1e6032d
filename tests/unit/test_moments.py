"""When operations happened, by the clocks that came with them."""

import msgspec
import pytest

from sync.messages import Clock
from sync.moments import Moment, Push, Told, moments, sealed, sent, told

DAY = 86_400_000
NOON = 1_772_413_200_000  # when the push came
YEARS = 315_576_000_000  # ten


def op(n: int, *, m: int = 0, w: int = NOON, boot: str = "b1", came: int = NOON) -> Told:
    return Told(n, Clock(w, m, boot), came)


def push(
    *, first: int = 1, count: int = 9, m: int = DAY, w: int = NOON, boot: str = "b1",
    came: int = NOON,
) -> Push:  # fmt: skip
    return Push(first, count, Clock(w, m, boot), came)


def when(ops: list[Told], *pushes: Push, **more: int) -> list[Moment]:
    return moments(ops, pushes or (push(),), enrolled_ms=NOON - 30 * DAY, **more)


def test_with_one_boot_the_age_is_exact_whatever_the_wall_clock_says() -> None:
    right = when([op(1, m=DAY - 60_000)])[0]
    wrong = when([op(1, m=DAY - 60_000, w=NOON - YEARS)], push(w=NOON - YEARS))[0]

    assert (right.earliest, right.latest, right.exact) == (NOON - 60_000, NOON - 60_000, True)
    assert (wrong.earliest, wrong.latest, wrong.exact) == (NOON - 60_000, NOON - 60_000, True)
    assert right.odd == ()
    assert wrong.odd == ("clock-skewed",)
    assert wrong.by_wall == NOON


def test_after_a_restart_it_lies_between_its_neighbours_in_the_chain() -> None:
    early = push(first=1, count=1, m=5_000, came=NOON - 2 * DAY)
    late = push(first=2, count=3, m=DAY, boot="b2")
    ops = [
        op(1, m=4_000, came=NOON - 2 * DAY),
        op(2, m=9_000, boot="b1"),
        op(3, m=DAY - 1000, boot="b2"),
        op(4, m=DAY, boot="b2"),
    ]

    found = when(ops, early, late)

    assert [one.exact for one in found] == [True, False, True, True]
    assert (found[1].earliest, found[1].latest) == (NOON - 2 * DAY - 1000, NOON - 1000)


def test_the_first_is_not_older_than_the_device() -> None:
    found = when([op(1, boot="gone")])

    assert (found[0].earliest, found[0].latest) == (NOON - 30 * DAY, NOON)


@pytest.mark.parametrize(
    ("second", "odd"),
    [
        (op(2, m=DAY - 1000, w=NOON - 1), ("wall-went-back",)),
        (op(2, m=1000), ("boot-went-back",)),
        (op(2, m=2 * DAY), ("after-arrival",)),
        (op(2, m=DAY, w=2**60), ("clock-absurd",)),
        (op(2, m=-(2**60)), ("clock-absurd", "boot-went-back")),
        (op(2, m=DAY), ()),
    ],
)
def test_what_cannot_be_is_flagged(second: Told, odd: tuple[str, ...]) -> None:
    found = when([op(1, m=DAY - 60_000), second])

    assert found[1].odd == odd


def test_what_was_surely_before_the_dispatch_or_after_the_seal_is_flagged() -> None:
    ops = [op(1, m=0), op(2, m=DAY - 1000), op(3, m=DAY)]

    found = [sealed(one, NOON - 1000) for one in when(ops, dispatched_ms=NOON - DAY + 1)]

    assert [one.odd for one in found] == [("before-dispatch",), (), ("after-seal",)]


def test_what_may_have_been_after_the_dispatch_is_not_flagged() -> None:
    found = when([op(1, boot="gone")], dispatched_ms=NOON - 1)

    assert sealed(found[0], NOON - DAY).odd == ()


def test_another_history_of_the_same_numbers_tells_nothing() -> None:
    forked = push(m=5, came=NOON - DAY)

    found = when([op(1, m=DAY - 1000)], forked, push())

    assert found[0].earliest == NOON - 1000
    assert when([op(1, m=DAY)], forked) == []


def test_clocks_are_read_from_any_kind_and_never_fail() -> None:
    raw = b'{"t":"tomorrow/7","n":1,"e":"x","w":-5,"m":6,"boot":"b","hint":[]}'
    head = {"v": "2036-01-01", "dev": "d", "clock": Clock(1, 2, "b"), "tomorrow": {}}

    assert told(1, raw, NOON) == Told(1, Clock(-5, 6, "b"), NOON)
    assert told(1, b"\xff", NOON) is None
    assert told(1, b"[" * 100_000, NOON) is None
    assert told(1, b'{"w":"1","m":2,"boot":""}', NOON) is None
    assert sent(msgspec.json.encode(head)) == Clock(1, 2, "b")
