"""何时发生: when an operation truly happened, as far as anyone can tell. Pure; decides nothing.

Every operation carries the device's wall clock, its monotonic clock and the boot that this counts
from; every push carries the same three at the moment of sending, and the server knows when it came.
With the same boot in both, the age of an operation is the difference of two monotonic clocks, which
nobody can set: that is exact. Otherwise it lies between what came before and after it in the chain.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta, timezone
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from sync.messages import Clock

CHINA = timezone(timedelta(hours=8))  # 北京时间: of days, and of clocks that say no zone
LIMIT_MS = 2**53  # beyond it no clock is believed
SKEW_MAX_MS = 10 * 60_000  # a wall clock may be wrong by this much
DRIFT_MAX_MS = 2 * 60_000  # and a monotonic one, over the weeks that a device may be away

Odd: TypeAlias = Literal[
    "clock-absurd",  # a number that no clock shows
    "clock-skewed",  # the wall clock was wrong by more than SKEW_MAX_MS
    "wall-went-back",  # by its wall clock before its predecessor
    "boot-went-back",  # by its monotonic clock before its predecessor
    "after-arrival",  # by its monotonic clock after it had come
    "before-dispatch",  # before the task was handed out
    "after-seal",  # after both inspectors had signed
]


class Push(Struct, frozen=True):
    """One batch as it came: its numbers, the clocks in its first line, and when it came."""

    first: int
    count: int
    clock: Clock
    received_ms: int


class Told(Struct, frozen=True):
    """The clocks of one operation, as it tells them, and when it came."""

    n: int
    clock: Clock
    received_ms: int


class Moment(Struct, frozen=True):
    """When an operation happened: between `earliest` and `latest`, ms since 1970 by the server.

    `exact` when both follow from one boot; `by_wall` is what the device's wall clock claims, put
    right by how wrong it was when it sent.
    """

    n: int
    earliest: int
    latest: int
    exact: bool
    by_wall: int
    odd: tuple[Odd, ...] = ()


class _Clocks(Struct, frozen=True):
    w: int
    m: int
    boot: str


_decode_clocks = msgspec.json.Decoder(_Clocks).decode
_decode_head = msgspec.json.Decoder(type=dict[str, msgspec.Raw]).decode


def told(n: int, raw: bytes, received_ms: int) -> Told | None:
    """Read the clocks of an operation of any kind and version; None when it tells none."""
    try:
        clocks = _decode_clocks(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Told(n, Clock(clocks.w, clocks.m, clocks.boot), received_ms)


def sent(head_line: bytes) -> Clock:
    """Read the clocks of the first line of a push that was stored."""
    return msgspec.json.decode(_decode_head(head_line)["clock"], type=Clock)


def moments(
    ops: Iterable[Told],
    pushes: Sequence[Push],
    *,
    enrolled_ms: int,
    dispatched_ms: int | None = None,
) -> list[Moment]:
    """Derive when the operations of one device happened, in the order of its chain.

    `pushes` are those that brought them. `enrolled_ms` bounds the first of them from below, for
    before it the device had no name.
    """
    found: list[Moment] = []
    before: Told | None = None
    floor = enrolled_ms
    for op in sorted(ops, key=lambda op: op.n):
        push = next((push for push in pushes if _brought(push, op)), None)
        if push is None:
            continue
        one = _moment(op, push, floor)
        odd = [*one.odd, *_order(op, before, went_back=one.latest < floor)]
        if dispatched_ms is not None and one.latest < dispatched_ms:
            odd.append("before-dispatch")
        found.append(msgspec.structs.replace(one, odd=tuple(odd)))
        floor, before = max(floor, one.earliest), op
    return _bounded(found)


def sealed(moment: Moment, signed_ms: int) -> Moment:
    """Flag what surely happened after both inspectors had signed."""
    if moment.earliest <= signed_ms:
        return moment
    return msgspec.structs.replace(moment, odd=(*moment.odd, "after-seal"))


def _moment(op: Told, push: Push, floor: int) -> Moment:
    odd: list[Odd] = []
    skew = push.clock.w - push.received_ms
    absurd = max(map(abs, (op.clock.w, op.clock.m))) > LIMIT_MS
    by_wall = 0 if absurd else op.clock.w - skew
    if absurd:
        odd.append("clock-absurd")
    if abs(skew) > SKEW_MAX_MS:
        odd.append("clock-skewed")
    if op.clock.boot != push.clock.boot or absurd:
        return Moment(op.n, min(floor, push.received_ms), push.received_ms, False, by_wall, (*odd,))
    at = push.received_ms - (push.clock.m - op.clock.m)
    if at > push.received_ms + DRIFT_MAX_MS:
        odd.append("after-arrival")
    at = min(at, push.received_ms)
    return Moment(op.n, at, at, True, by_wall, tuple(odd))


def _brought(push: Push, op: Told) -> bool:
    """Tell whether it was this push: another history of the same numbers came at another time."""
    return push.first <= op.n < push.first + push.count and push.received_ms == op.received_ms


def _order(op: Told, before: Told | None, *, went_back: bool) -> list[Odd]:
    if before is None:
        return []
    same = op.clock.boot == before.clock.boot and op.clock.m < before.clock.m
    odd: list[Odd] = ["wall-went-back"] if op.clock.w < before.clock.w else []
    return [*odd, "boot-went-back"] if same or went_back else odd


def _bounded(found: list[Moment]) -> list[Moment]:
    """Bound each from above by what came after it in the chain."""
    latest: int | None = None
    bounded: list[Moment] = []
    for one in reversed(found):
        if latest is not None and not one.exact and latest < one.latest:
            one = msgspec.structs.replace(one, latest=max(latest, one.earliest))
        latest = one.latest if latest is None else min(latest, one.latest)
        bounded.append(one)
    return bounded[::-1]
