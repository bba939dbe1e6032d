"""来源: the lines of a change feed, from a file that may grow or from standard input, in batches.

They are read beside what sends them. At the end, and when asked to end, all that was read is given.
"""

import os
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from time import monotonic
from types import FrameType
from typing import IO, cast

from msgspec import Struct

from backend.rules.changes import LINE_BYTES_MAX

LINES_MAX = 1_000  # in a batch: of so many the server tells all that is wrong
BYTES_MAX = 2 << 20  # in a batch, about
SILENCE_SECONDS = 1.0  # and what was read is sent
AGE_SECONDS_MAX = 2.0  # of the first line of a batch, where there is no silence
LOOK_SECONDS = 0.2  # between two looks at whether there is more
PIECE_BYTES = 1 << 16
KEPT_BYTES = LINE_BYTES_MAX + 1  # of a longer line, which is refused by its length


class Batch(Struct, frozen=True):
    """Some lines that follow each other."""

    first_line: int
    last_line: int
    body: bytes


def batches(path: Path, ending: Event, *, follow: bool) -> Iterator[Batch]:
    """Give the lines of a file, or of standard input (`-`), in batches, as they arrive."""
    pieces = _typed_in(ending) if str(path) == "-" else _grown(path, ending, follow=follow)
    lines = _Lines(pieces, ending, unfinished=not follow or str(path) == "-")
    number = 0
    while (line := lines.next()) is not None:
        taken, size, oldest = [line], len(line), monotonic()
        while len(taken) < LINES_MAX and size < BYTES_MAX:
            left = oldest + AGE_SECONDS_MAX - monotonic()
            line = lines.next(min(SILENCE_SECONDS, left))
            if line is None:
                break
            taken.append(line)
            size += len(line)
        yield Batch(number + 1, number + len(taken), b"\n".join(taken))
        number += len(taken)


@contextmanager
def ended_gently() -> Generator[Event]:
    """Give what is set when somebody asks to end, once; who asks twice interrupts."""
    ending = Event()

    def end(_: int, __: FrameType | None) -> None:
        if ending.is_set():
            raise KeyboardInterrupt
        ending.set()

    asked = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, end) for one in asked]
    try:
        yield ending
    finally:
        for one, handler in zip(asked, before, strict=True):
            signal.signal(one, handler)


class _Lines:
    """Lines that a thread reads ahead."""

    def __init__(self, pieces: Iterable[bytes], ending: Event, *, unfinished: bool) -> None:
        self._ahead = Queue[bytes | Exception | None](LINES_MAX)
        self._ending, self._over = ending, False
        reader = Thread(target=self._read, args=(pieces, unfinished), daemon=True)
        reader.start()

    def next(self, seconds: float | None = None) -> bytes | None:
        """Take a line; nothing when none comes in time, or none will."""
        until = None if seconds is None else monotonic() + seconds
        while not self._over:
            left = LOOK_SECONDS if until is None else min(LOOK_SECONDS, until - monotonic())
            try:
                line = self._ahead.get(timeout=max(left, 0.0))
            except Empty:
                if self._ending.is_set():
                    self._over = True
                elif until is not None and monotonic() >= until:
                    return None
                continue
            if isinstance(line, Exception):
                raise line
            self._over = line is None
            return line
        return None

    def _read(self, pieces: Iterable[bytes], unfinished: bool) -> None:
        left = b""
        try:
            for piece in pieces:
                *lines, left = (left + piece).split(b"\n")
                left = left[:KEPT_BYTES]
                for line in lines:
                    self._ahead.put(line[:KEPT_BYTES])
            if left and unfinished:
                self._ahead.put(left)
            self._ahead.put(None)
        except Exception as error:  # it belongs to who takes the lines
            self._ahead.put(error)


def _typed_in(ending: Event) -> Iterator[bytes]:
    """Read standard input without its buffer, whose lock a thread must not hold at the end."""
    source = cast(IO[bytes], getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))
    while not ending.is_set() and (piece := source.read(PIECE_BYTES)):
        yield piece


def _grown(path: Path, ending: Event, *, follow: bool) -> Iterator[bytes]:
    """Read a file; and what is written to it later, or to a new one of its name."""
    file = path.open("rb", buffering=0)
    try:
        while not ending.is_set():
            replaced = follow and _replaced(path, file.fileno(), file.tell())
            if piece := file.read(PIECE_BYTES):
                yield piece
            elif replaced:
                file.close()
                file = path.open("rb", buffering=0)
                yield b"\n"  # no line goes on in another file
            elif follow:
                ending.wait(LOOK_SECONDS)
            else:
                return
    finally:
        file.close()


def _replaced(path: Path, opened: int, at: int) -> bool:
    """Tell whether a path leads to another file by now, or to one that was cut."""
    try:
        there = path.stat()
    except FileNotFoundError:  # it was moved away, and the new one is about to come
        return False
    return there.st_ino != os.fstat(opened).st_ino or there.st_size < at
