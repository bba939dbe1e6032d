"""One inspector with one device (执法人员), as a process of its own.

    python -m cli.demo.inspector enrol  HOME SKEW SERVER CODE
    python -m cli.demo.inspector record HOME SKEW SCRIPT   (no network; may be killed, begun again)
    python -m cli.demo.inspector sync   HOME SKEW SERVER [--twice]
    python -m cli.demo.inspector print  HOME SKEW INSPECTION FILE   (no network)

Every line on standard output is JSON; a recorded operation is printed only once it is durable.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

import msgspec
from msgspec import Struct

from cli.client import Unreachable
from cli.device import sync_over
from cli.device_identity import enrol_at
from cli.device_print import print_known
from cli.home import Home
from cli.link import Ask, link
from cli.main import UNREACHABLE
from cli.output import language
from sync import violations
from sync.exchange import PATH
from sync.merge import digest
from sync.messages import Request, Response
from sync.ops import Answer, Arrive
from sync.replica import Replica
from sync.store import Mine


class Step(Struct, frozen=True, kw_only=True, tag_field="do", tag=str.lower):
    """One act on site; exactly one operation."""

    inspection: str


class Come(Step, frozen=True, kw_only=True):
    """Arrive."""

    how: Literal["scanned", "shown"]
    code: str


class Fill(Step, frozen=True, kw_only=True):
    """Answer one item."""

    item: str
    value: str
    note: str = ""
    unit: str = ""
    instrument: str = ""


class Find(Step, frozen=True, kw_only=True):
    """Record a finding, in words of one's own or by its code in the catalogue."""

    item: str
    text: str
    basis: str
    violation: str = ""


class Photo(Step, frozen=True, kw_only=True):
    """Attach a photo."""

    item: str
    path: str
    caption: str


class SignOff(Step, frozen=True, kw_only=True):
    """Sign what is known."""

    role: str
    name: str = ""
    reason: str = ""


AnyStep = Come | Fill | Find | Photo | SignOff


class Script(Struct, frozen=True):
    """What to record, and after how many operations it begins."""

    steps: tuple[AnyStep, ...]
    after: int = 0


class Done(Struct, frozen=True):
    """One durable operation."""

    n: int
    hash: str


class Given(Struct, frozen=True):
    """What a task demands."""

    must: tuple[str, ...] = ()


class Synced(Struct, frozen=True):
    """What a sync did, and what the device now holds."""

    sent: int
    rounds: int
    alarms: int
    files: int
    bytes_sent: int
    tasks: tuple[str, ...]
    must: dict[str, tuple[str, ...]]  # task -> what may not be left out
    digests: dict[str, str]  # inspection -> digest of the fold
    noted: dict[int, str]


def main(arguments: list[str]) -> None:
    """Do what one phase of the day asks."""
    phase, folder, skew, *rest = arguments
    home = Home(Path(folder), skew_ms=int(skew))
    match phase, rest:
        case "enrol", [server, code]:
            with link(server) as ask:
                enrol_at(home.replica, ask, server=server, code=code, label="demo")
                _tell(_synced(home, ask))
        case "record", [path]:
            _record(home, msgspec.json.decode(Path(path).read_bytes(), type=Script))
        case "sync", [server, *flags]:
            with link(server) as ask:
                _tell(_synced(home, _twice(ask) if "--twice" in flags else ask))
        case "print", [inspection, path]:
            _print(home, inspection, Path(path))
        case _:
            raise SystemExit(__doc__)


def _record(home: Home, script: Script) -> None:
    """Go on with the script from where the log ends, for it may have been begun before."""
    begun = home.store.log(script.after + 1, len(script.steps))
    for mine in begun:
        _tell(Done(mine.n, mine.hash))
    for step in script.steps[len(begun) :]:
        mine = _act(home, step)
        _tell(Done(mine.n, mine.hash))
        sys.stdin.readline()  # whoever holds the other end decides when we go on; nobody: at once


def _act(home: Home, step: AnyStep) -> Mine:
    replica, inspection = home.replica, step.inspection
    match step:
        case Come():
            approval = "2026-11" if step.code else ""
            return replica.tell(
                inspection,
                lambda at: Arrive(how=step.how, code=step.code, approval=approval, **at),
            )
        case Fill():
            answer = Answer(
                step.value,
                step.note,
                kind="number" if step.instrument else "",
                unit=step.unit,
                instrument=step.instrument,
            )
            return replica.answer(inspection, {step.item: answer})
        case Find(violation=""):
            return replica.find(inspection, step.text, basis=step.basis, item=step.item)
        case Find():
            return _quote(replica, step)
        case Photo():
            file = home.keep(Path(step.path))
            return replica.attach(inspection, file, item=step.item, caption=step.caption)
        case SignOff():
            return replica.sign(inspection, step.role, name=step.name, reason=step.reason)


def _quote(replica: Replica, step: Find) -> Mine:
    rows = replica.store.rows("catalogue")
    picked = violations.pick({row.id: violations.load(row.body) for row in rows}, step.violation)
    act, basis = picked.violation, picked.basis
    return replica.find(
        step.inspection,
        f"{act.text.zh} / {act.text.en}",
        basis=f"{basis.zh} ({basis.en})",
        item=step.item,
        violation=act.code,
        catalogue=picked.digest,
    )


def _print(home: Home, inspection: str, path: Path) -> None:
    sizes = {file.sha256: file.size for file in home.files()}

    def read(digest: str) -> bytes | None:
        return home.reader(digest)(0, sizes[digest]) if digest in sizes else None

    printed = print_known(home.replica, read, inspection, "record", language())
    path.write_bytes(printed.pdf)


def _synced(home: Home, ask: Ask) -> Synced:
    done = sync_over(home, ask)
    bodies = {row.id: row.body for row in home.replica.tasks()}
    tasks = tuple(bodies)
    return Synced(
        sent=done.exchanged.sent,
        rounds=done.exchanged.rounds,
        alarms=done.exchanged.alarms,
        files=done.delivered.files,
        bytes_sent=done.delivered.bytes_sent,
        tasks=tasks,
        must={id: msgspec.json.decode(body, type=Given).must for id, body in bodies.items()},
        digests={task: digest(home.replica.inspection(task)) for task in tasks},
        noted={mine.n: f"{mine.note} {mine.why}".strip() for mine in home.store.noted()},
    )


def _twice(ask: Ask) -> Callable[[Request], Response]:
    """Send every push a second time, as a device does whose first answer was lost."""

    def stubborn(request: Request) -> Response:
        if request.path == PATH:
            ask(request)
        return ask(request)

    return stubborn


def _tell(value: Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def _run() -> NoReturn:
    try:
        main(sys.argv[1:])
    except Unreachable as error:
        print(error, file=sys.stderr)
        sys.exit(UNREACHABLE)
    sys.exit(0)


if __name__ == "__main__":
    _run()
