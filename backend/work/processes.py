"""分进程: pure work spread over the processors, for the few jobs that take seconds."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

PARTS_MIN = 40  # with fewer, starting a process costs more than it saves
PROCESSES_MAX = 8


def spread(work: Callable[[A], B], parts: Sequence[A], /) -> Iterable[B]:
    """Do as `map` does, with a process for each processor when there are many parts."""
    processes = min(processors(), PROCESSES_MAX)
    if processes == 1 or len(parts) < PARTS_MIN:
        return map(work, parts)
    return _spread(work, parts, processes)


def _spread(work: Callable[[A], B], parts: Sequence[A], processes: int) -> Iterator[B]:
    from concurrent.futures import ProcessPoolExecutor  # here, so that small commands start fast
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield from pool.map(work, parts)


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
