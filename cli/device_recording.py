"""Recording on a device (现场记录): open it for one inspection, and say what was recorded."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from cli.device_identity import opened
from cli.device_tasks import named
from cli.home import Home
from cli.output import say, show
from sync.refusals import Reason, Refused
from sync.replica import Replica


@contextmanager
def recording(folder: Path, inspection: str) -> Generator[tuple[Home, str]]:
    """Open a device to record in an inspection; one that was revoked and emptied records no more.

    Gives the device and the inspection's whole id.
    """
    with opened(folder) as home:
        if home.store.get("wiped"):
            raise Refused(Reason.DEVICE_REVOKED, device=home.replica.identity.enrolled.device)
        yield home, named(home.replica, inspection)


def record(folder: Path, inspection: str, act: Callable[[Replica, str], int]) -> None:
    """Record one operation and say its number."""
    with recording(folder, inspection) as (home, one):
        n = act(home.replica, one)
    say_recorded(n)


def say_recorded(n: int) -> None:
    """Say under which number an operation was recorded."""
    say(f"Recorded as operation {n}.", f"已记录为第 {n} 号操作。")
    show({"n": n}, {})
