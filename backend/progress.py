"""导入进度: how far the imports of this process are, for the officers who wait for them.

An import counts into an object of its own while it runs, wherever it runs; whoever asks reads the
numbers as they stand. A server of several processes knows only the imports of the one that is
asked. Nothing is kept but the newest.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from os import SEEK_END, SEEK_SET
from typing import IO, Any, Literal, Protocol, TypeVar, cast

from backend.wire import ProgressView
from sync.refusals import Reason, Refused

KEPT_MAX = 100  # imports that are remembered, those that are done among them

Phase = Literal["checking", "reading", "comparing", "writing", "done", "failed"]
Files = Sequence[tuple[str, IO[bytes]]]


class Counts(Protocol):
    """Something that counts the rows it has read."""

    rows: int


Reading = TypeVar("Reading", bound=Counts)


class Progress:
    """How far one import is; written by one thread, read by others."""

    def __init__(self) -> None:
        self.phase: Phase = "checking"
        self.total_bytes = 0
        self._counts: Counts | None = None
        self._positions: dict[int, int] = {}

    def enter(self, phase: Phase) -> None:
        """Begin another part of the work, which looks at the files from their start."""
        if phase in ("checking", "reading"):
            self._positions.clear()
        self.phase = phase

    def counts(self, reading: Counts) -> None:
        """Take the number of rows from a reading while it goes on."""
        self._counts = reading

    def at(self, file: int, position: int) -> None:
        """Take note how far a file was read."""
        self._positions[file] = position

    def view(self) -> ProgressView:
        """Tell the numbers as they stand."""
        rows = self._counts.rows if self._counts is not None else 0
        read = min(sum(list(self._positions.values())), self.total_bytes)
        return ProgressView(self.phase, bytes=read, total_bytes=self.total_bytes, rows=rows)

    def finish(self, phase: Phase) -> None:
        """Keep the last numbers, and nothing that was read."""
        self.phase = phase
        if self._counts is not None:
            self._counts = _Counted(self._counts.rows)


class _Counted:
    """A number of rows that stays."""

    def __init__(self, rows: int) -> None:
        self.rows = rows


class _Watched:
    """A file of which is known how far it was read."""

    def __init__(self, file: IO[bytes], number: int, progress: Progress) -> None:
        self._file, self._number, self._progress = file, number, progress

    def read(self, size: int = -1) -> bytes:
        """Take the next bytes."""
        piece = self._file.read(size)
        self._progress.at(self._number, self._file.tell())
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_current: ContextVar[Progress | None] = ContextVar("evenhand.progress", default=None)
_known: dict[tuple[str, str], Progress] = {}  # whose and which, in the order of their begin


@contextmanager
def watched(owner: str, name: str, files: Files) -> Generator[Files]:
    """Count an import under a name of its owner's choice, if it has one, for the block."""
    if not name:
        yield files
        return
    progress = Progress()
    progress.total_bytes = sum(_size(file) for _, file in files)
    _known.pop((owner, name), None)
    while len(_known) >= KEPT_MAX:
        del _known[next(iter(_known))]
    _known[owner, name] = progress
    token = _current.set(progress)
    try:
        yield [
            (source, cast(IO[bytes], _Watched(file, number, progress)))
            for number, (source, file) in enumerate(files)
        ]
    except BaseException:
        progress.finish("failed")
        raise
    else:
        progress.finish("done")
    finally:
        _current.reset(token)


def enter(phase: Phase) -> None:
    """Begin another part of the import that is going on here."""
    if (progress := _current.get()) is not None:
        progress.enter(phase)


def counted(reading: Reading) -> Reading:
    """Take the number of rows of the import that is going on here from a reading."""
    if (progress := _current.get()) is not None:
        progress.counts(reading)
    return reading


def get_progress(owner: str, name: str) -> ProgressView:
    """Tell how far an import is; refuse what is not known here, or somebody else's."""
    progress = _known.get((owner, name))
    if progress is None:
        raise Refused(Reason.NOT_FOUND)
    return progress.view()


def find(name: str) -> ProgressView | None:
    """Tell how far an import is that this very process asked for."""
    mine = (progress for (_, known), progress in list(_known.items()) if known == name)
    return next((progress.view() for progress in mine), None)


def _size(file: IO[bytes]) -> int:
    here = file.tell()
    file.seek(0, SEEK_END)
    size = file.tell()
    file.seek(here, SEEK_SET)
    return size
