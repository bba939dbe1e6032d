"""分进程: pure work spread over the processors, for the few jobs that take seconds.

A worker is this module run by itself: it knows nothing of the program that started it, and takes
pickles from nobody else. So it is up at once, and small.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, TypeVar

A = TypeVar("A")
B = TypeVar("B")

PARTS_MIN = 20  # with fewer, starting a process costs more than it saves
PROCESSES_MAX = 8


def spread(work: Callable[[A], B], parts: Sequence[A], /) -> Iterable[B]:
    """Do as `map` does, with a process for each processor when there are many parts."""
    count = min(processors(), PROCESSES_MAX)
    if count == 1 or len(parts) < PARTS_MIN:
        return map(work, parts)
    return _spread(work, parts, count)


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _spread(work: Callable[[A], B], parts: Sequence[A], count: int) -> Iterator[B]:
    """Give every worker a part, and the next one when its answer was taken."""
    workers = [_Worker() for _ in range(count)]
    try:
        for n in range(min(count, len(parts))):
            workers[n].send((work, parts[n]))
        for n in range(len(parts)):
            worker = workers[n % count]
            done: B = pickle.load(worker.answers)
            if n + count < len(parts):
                worker.send((work, parts[n + count]))
            yield done
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self.answers = self._process.stdin, self._process.stdout

    def send(self, order: object) -> None:
        pickle.dump(order, self._orders)
        self._orders.flush()

    def stop(self) -> None:
        with suppress(BrokenPipeError):  # what it was not sent, it does not need any more
            self._orders.close()
        self.answers.close()
        self._process.wait()


def serve(orders: IO[bytes], answers: IO[bytes]) -> None:
    """Do what is ordered until there are no more orders."""
    while True:
        try:
            work, part = pickle.load(orders)
        except EOFError:
            return
        pickle.dump(work(part), answers)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
