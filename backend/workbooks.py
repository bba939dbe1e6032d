"""工作簿: XLSX, XLS and ODS, read in a process of their own (see `backend.workbook_worker`)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from sync.refusals import Reason, Refused

WORKBOOK_BYTES_MAX = 256 << 20
PIECE_BYTES = 1 << 20

T = TypeVar("T")
Merged = tuple[int, int, int, int]  # first row, first column, last row, last column; from 0


class Readable(Protocol):
    """Something to take the next bytes of."""

    def read(self, size: int, /) -> bytes | None:
        """Take up to so many bytes; none are left when there are none."""
        ...


class Sheet(Struct, frozen=True):
    """The sheets of a workbook, and the one that is read; empty when none was chosen."""

    sheets: tuple[str, ...] = ()
    sheet: str = ""
    merged: tuple[Merged, ...] = ()
    error: str = ""


class Workbook:
    """A workbook being read: what it holds, then its rows, each once."""

    def __init__(self, source: str, file: Readable, sheet: str) -> None:
        self.source = source
        worker = Path(__file__).with_name("workbook_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._send(file, sheet)
            self.about = self._decode(self._line(), Sheet)
            if self.about.error:
                raise self._refused(self.about.error)
        except BaseException:
            self.close()
            raise

    def rows(self) -> Iterator[list[str]]:
        """Give the rows from the sheet's first on, empty ones too."""
        try:
            while (line := self._line()) != b"null\n":
                if line.startswith(b"{"):
                    raise self._refused(self._decode(line, Sheet).error)
                yield self._decode(line, list[str])
        finally:
            self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _send(self, file: Readable, sheet: str) -> None:
        assert self._process.stdin is not None
        sent = 0
        try:
            self._process.stdin.write(msgspec.json.encode(sheet or None) + b"\n")
            while piece := file.read(PIECE_BYTES):
                sent += len(piece)
                if sent > WORKBOOK_BYTES_MAX:
                    raise Refused(
                        Reason.REGISTER_OVER_LIMIT,
                        file=self.source,
                        limit=f"a workbook of {WORKBOOK_BYTES_MAX} bytes",
                    )
                self._process.stdin.write(piece)
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._refused("its reader ended") from None

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._refused("it needs more memory or time than a workbook may have")
        return line

    @staticmethod
    def _decode(line: bytes, shape: type[T]) -> T:
        return msgspec.json.decode(line, type=shape)

    def _refused(self, problem: str) -> Refused:
        return Refused(Reason.REGISTER_NOT_CSV, file=self.source, problem=problem)
