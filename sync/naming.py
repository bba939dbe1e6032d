"""改称: what an operation refers to, under other names.

A re-issued operation has another name than the act had at first, so whoever refers to it does too.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from sync.ops import (
    AnyOp,
    CarryChecklist,
    DisposeSample,
    OpId,
    SetAnswers,
    Sign,
    TestSample,
    Void,
)

Ranges = tuple[tuple[int, int], ...]


def renamed(op: AnyOp, names: Mapping[OpId, OpId]) -> AnyOp:
    """Write an operation so that it refers to others by their new names; its own stays."""
    if not names:
        return op
    match op:
        case SetAnswers():
            return replace(op, s={ref: _each(ops, names) for ref, ops in op.s.items()})
        case Void():
            return replace(op, target=names.get(op.target, op.target))
        case TestSample() | DisposeSample():
            return replace(op, sample=names.get(op.sample, op.sample))
        case CarryChecklist():
            return replace(op, s=_each(op.s, names))
        case Sign():
            return replace(op, s=_each(op.s, names), covers=_covers(op.covers, names))
        case _:
            return op


def ranges(numbers: list[int]) -> Ranges:
    """Write ascending numbers as ranges."""
    spans: list[tuple[int, int]] = []
    for n in numbers:
        if spans and spans[-1][1] >= n - 1:
            spans[-1] = (spans[-1][0], n)
        else:
            spans.append((n, n))
    return tuple(spans)


def covering(ops: Iterable[OpId]) -> dict[str, Ranges]:
    """Write operations as ranges of numbers per device, in order."""
    numbers: dict[str, list[int]] = {}
    for one in ops:
        device, _, number = one.rpartition(":")
        numbers.setdefault(device, []).append(int(number))
    return {device: ranges(sorted(numbers[device])) for device in sorted(numbers)}


def _each(ops: tuple[OpId, ...], names: Mapping[OpId, OpId]) -> tuple[OpId, ...]:
    return tuple(names.get(op, op) for op in ops)


def _covers(covers: Mapping[str, Ranges], names: Mapping[OpId, OpId]) -> dict[str, Ranges]:
    """Take the renamed numbers out of the ranges of their devices, and put the new ones in."""
    gone: dict[str, list[int]] = {}
    for name in names:
        device, _, number = name.rpartition(":")
        gone.setdefault(device, []).append(int(number))
    left: dict[str, list[tuple[int, int]]] = {}
    come: dict[str, set[int]] = {}
    for device, spans in covers.items():
        numbers = sorted(gone.get(device, ()))
        for first, last in spans:
            start = first
            for n in numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]:
                if start < n:
                    left.setdefault(device, []).append((start, n - 1))
                start = n + 1
                then, _, number = names[f"{device}:{n}"].rpartition(":")
                come.setdefault(then, set()).add(int(number))
            if start <= last:
                left.setdefault(device, []).append((start, last))
    devices = sorted(left.keys() | come.keys())
    return {d: (*left.get(d, ()), *ranges(sorted(come.get(d, ())))) for d in devices}
