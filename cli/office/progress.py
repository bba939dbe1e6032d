"""导入进度: what a person at a terminal sees while an import goes on."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic
from typing import IO, Any, cast

from msgspec import Struct

from backend import progress
from backend.wire import ProgressView
from cli import client
from cli.output import Words, as_json, text
from sync.ids import new_id
from sync.refusals import Refused

HEADER = "Evenhand-Progress"
SECONDS_BETWEEN = 0.3
PHASES: dict[str, Words] = {
    "uploading": ("Uploading", "正在上传"),
    "checking": ("Checking", "正在校验文件"),
    "reading": ("Reading", "正在读取"),
    "comparing": ("Comparing with the register", "正在与名录比对"),
    "writing": ("Writing", "正在写入"),
    "indexing": ("Taking into the search index", "正在更新检索索引"),
}


class State(Struct, frozen=True):
    """How far an import is, as it is shown."""

    phase: str
    done: int
    total: int
    rows: int = 0


class Pace:
    """Tells how fast an import goes, from the states that it is shown one after the other."""

    def __init__(self) -> None:
        self._phase = ""
        self._begun = 0.0
        self._rows = 0

    def tell(self, state: State, at: float) -> str:
        """Say one line about a state at a time in seconds."""
        if state.phase != self._phase:
            self._phase, self._begun, self._rows = state.phase, at, state.rows
        spent = at - self._begun
        parts = [text(*PHASES[state.phase])]
        part = state.done / state.total if state.total else 0.0
        moving = state.phase in ("uploading", "checking", "reading")
        if moving and state.total:
            parts.append(f"{part:.0%}")
        if state.rows:
            parts.append(text(f"{state.rows:,} rows", f"{state.rows:,} 行"))
        if state.rows > self._rows and spent > 0:
            speed = f"{(state.rows - self._rows) / spent:,.0f}"
            parts.append(text(f"{speed} rows/s", f"每秒 {speed} 行"))
        if moving and 0 < part < 1 and spent > 0:
            left = clock(spent * (1 - part) / part)
            parts.append(text(f"{left} left", f"剩余 {left}"))
        return " · ".join(parts)


class Watch:
    """An import that is watched from its first byte sent to its answer."""

    def __init__(self) -> None:
        self.name = new_id()
        self._sent = self._total = 0
        self._indexing = False
        self._rows = 0

    @property
    def headers(self) -> dict[str, str]:
        """Name the import to the server."""
        return {HEADER: self.name}

    def files(self, files: Sequence[tuple[str, IO[bytes]]]) -> list[tuple[str, IO[bytes]]]:
        """Count what is sent of files."""
        for _, file in files:
            self._total += file.seek(0, 2)
            file.seek(0)
        return [(name, cast(IO[bytes], _Counted(file, self))) for name, file in files]

    def sent(self, size: int) -> None:
        """Take note of what was sent."""
        self._sent += size

    def index(self) -> None:
        """Go on to what follows an import."""
        self._indexing = True

    def state(self) -> State:
        """Ask how far the import is."""
        if self._indexing:
            return State("indexing", 0, 0, self._rows)
        if self._sent < self._total:
            return State("uploading", self._sent, self._total)
        view = _asked(self.name)
        if view is None:  # a server that does not know it, or not yet
            return State("uploading", self._sent, self._total)
        self._rows = view.rows
        phase = view.phase if view.phase in PHASES else "writing"
        return State(phase, view.bytes, view.total_bytes, view.rows)


class _Counted:
    """A file of which is counted what was read to be sent."""

    def __init__(self, file: IO[bytes], watch: Watch) -> None:
        self._file, self._watch = file, watch

    def read(self, size: int = -1) -> bytes:
        """Take the next bytes."""
        piece = self._file.read(size)
        self._watch.sent(len(piece))
        return piece

    def __getattr__(self, name: str) -> Any:
        if name == "fileno":
            raise AttributeError(name)
        return getattr(self._file, name)


@contextmanager
def watching() -> Generator[Watch]:
    """Show on a terminal how far the import of the block is; programs are shown nothing."""
    from rich.console import Console  # 0.1 s to import, and only long work needs it
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    watch = Watch()
    console = Console(stderr=True)
    if as_json() or not console.is_terminal:
        yield watch
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    over = Event()
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(text(*PHASES["uploading"]), total=None)

        def follow() -> None:
            pace = Pace()
            while not over.wait(SECONDS_BETWEEN):
                shown.update(task, description=pace.tell(watch.state(), monotonic()))

        follower = Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield watch
        finally:
            over.set()
            follower.join()


def clock(seconds: float) -> str:
    """Write a time as m:ss, or h:mm:ss."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def _asked(name: str) -> ProgressView | None:
    if client.server() == client.LOCAL:
        return progress.find(name)
    with suppress(Refused, client.Failed, client.Unreachable):
        return client.get(f"/office/registers/progress/{name}", ProgressView)
    return None
