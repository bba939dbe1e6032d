"""How long one waits for a command: `evenhand device status`, and the server until it is well.

Measured in turns with `python -c pass`, the least that any command in Python takes.
"""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec
from _stage import (
    ROOT,
    SHAPES,
    Databases,
    arguments,
    client,
    granian,
    serving,
    show,
    stage,
    uvicorn,
)
from msgspec import Struct

from cli.home import Home
from sync import codec
from sync.messages import Enrolled

EVENHAND = Path(sys.executable).with_name("evenhand")


class Result(Struct, frozen=True):
    """One command: median and worst, and the ratio to bare Python in the same round."""

    what: str
    seconds: float
    worst: float
    ratio: float


def main() -> None:
    options = _options()
    results: list[Result] = []
    with stage(("sqlite",), options.folder) as (databases, folder):
        databases.prepare([client(0, SHAPES["item"], pushes=1, size=1)])
        home = _device(folder / "device")
        results = measure(options, databases, folder, home)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(results) + b"\n")
        return
    show(
        "Cold start, in turns",
        ["command"],
        ["median s", "worst s", "to python -c pass"],
        [[r.what, f"{r.seconds:.3f}", f"{r.worst:.3f}", f"{r.ratio:.1f}"] for r in results],
    )


def measure(options: Namespace, databases: Databases, folder: Path, home: Path) -> list[Result]:
    """Run everything in turns, so that a busy moment strikes all alike."""
    url = databases.copy("sqlite")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "evenhand --version": [str(EVENHAND), "--version"],
        "evenhand device status": [str(EVENHAND), "device", "status", "--home", str(home)],
    }
    times: dict[str, list[float]] = {}
    for number in range(options.rounds + 1):
        took = {what: _command(command) for what, command in commands.items()}
        if number % 3 == 0:
            for what, server in (("evenhand server serve", granian), ("uvicorn", uvicorn)):
                with serving(url, folder, server) as running:
                    took[f"{what}, until /health"] = running.seconds
        for what, seconds in took.items():
            if number:  # the first fills the caches
                times.setdefault(what, []).append(seconds)
    least = median(times["python -c pass"])
    return [Result(w, median(t), max(t), median(t) / least) for w, t in times.items()]


def _command(command: list[str]) -> float:
    started = perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=os.environ | {"NO_COLOR": "1"}
    )
    return perf_counter() - started


def _device(folder: Path) -> Path:
    """Enrol a device, as after a first visit to the office."""
    home = Home(folder)
    secret = codec.new_key()
    enrolled = Enrolled(
        device="01900000-0000-7000-8000-000000000001",
        inspector="01900000-0000-7000-8000-000000000002",
        name="李明",
        certificate="33-000001",
        server_key=codec.public_key(secret),
        epoch="bench",
    )
    home.replica.enrol(enrolled, server="http://127.0.0.1:8000", secret=secret)
    home.close()
    return folder


def _options() -> Namespace:
    parser = arguments("How long one waits for a command.")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


if __name__ == "__main__":
    main()
