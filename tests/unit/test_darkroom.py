"""暗房: large pictures take turns, in the order they came; small ones do not wait for them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock

import pytest

from backend import darkroom
from backend.darkroom import LARGE_PIXELS, SMALL_AT_ONCE, develop
from sync.refusals import Reason, Refused

PATIENCE_S = 60.0


class Bench:
    """Work that stands still until it is told to go on, and says what happened."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.go = Event()
        self.begun = Event()

    def still(self) -> None:
        self.told.append("begins")
        self.begun.set()
        assert self.go.wait(PATIENCE_S)
        self.told.append("ends")

    def does(self, name: str) -> Callable[[], None]:
        return lambda: self.told.append(name)


@contextmanager
def occupied(pixels: int = LARGE_PIXELS) -> Iterator[tuple[Bench, "asyncio.Task[None]"]]:
    bench = Bench()
    try:
        yield bench, asyncio.create_task(develop(pixels, bench.still))
    finally:
        bench.go.set()


async def test_large_pictures_take_turns_in_the_order_they_came_and_a_small_one_does_not_wait() -> (
    None
):
    with occupied() as (bench, first):
        await asyncio.to_thread(bench.begun.wait, PATIENCE_S)
        rest: list[asyncio.Task[None]] = []
        for name in ("second", "third", "fourth"):
            rest.append(asyncio.create_task(develop(LARGE_PIXELS, bench.does(name))))
            await asyncio.sleep(0)
        await develop(LARGE_PIXELS - 1, bench.does("small"))
        bench.go.set()
        await asyncio.gather(first, *rest)

    assert bench.told == ["begins", "small", "ends", "second", "third", "fourth"]


async def test_of_small_pictures_only_some_are_decoded_at_once() -> None:
    lock, go = Lock(), Event()
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == SMALL_AT_ONCE:
                go.set()  # all who may be in are
        assert go.wait(PATIENCE_S)
        with lock:
            inside -= 1

    await asyncio.gather(*(develop(1, work) for _ in range(20)))

    assert most == SMALL_AT_ONCE


async def test_who_gets_no_turn_in_time_is_refused_and_takes_none_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with occupied() as (bench, first):
        await asyncio.to_thread(bench.begun.wait, PATIENCE_S)
        monkeypatch.setattr(darkroom, "WAIT_S", 0.01)
        with pytest.raises(Refused) as refused:
            await develop(LARGE_PIXELS, bench.does("late"))
        monkeypatch.undo()
        bench.go.set()
        await first
        await develop(LARGE_PIXELS, bench.does("next"))

    assert refused.value.reason is Reason.BUSY
    assert bench.told == ["begins", "ends", "next"]


async def test_what_has_begun_is_waited_for_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(darkroom, "WAIT_S", 0.01)
    with occupied() as (bench, first):
        await asyncio.to_thread(bench.begun.wait, PATIENCE_S)
        done, _ = await asyncio.wait((first,), timeout=0.1)
        bench.go.set()
        await first

    assert not done
    assert bench.told == ["begins", "ends"]


async def test_who_stops_waiting_gives_up_the_turn() -> None:
    with occupied() as (bench, first):
        await asyncio.to_thread(bench.begun.wait, PATIENCE_S)
        gone = asyncio.create_task(develop(LARGE_PIXELS, bench.does("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
        bench.go.set()
        await first
        await develop(LARGE_PIXELS, bench.does("next"))

    assert gone.cancelled()
    assert bench.told == ["begins", "ends", "next"]


async def test_what_goes_wrong_is_told_to_who_asked() -> None:
    def wrong() -> None:
        raise Refused(Reason.PHOTO_TRUNCATED)

    with pytest.raises(Refused) as refused:
        await develop(1, wrong)

    assert refused.value.reason is Reason.PHOTO_TRUNCATED
