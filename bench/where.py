"""Where the time of a push goes: the same exchange in this process, sampled every millisecond."""

import asyncio
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from time import perf_counter
from types import FrameType, ModuleType
from typing import Any

import msgspec
from _stage import AT, KINDS, SHAPES, Client, client, show, stage

from backend import db
from backend.work import intake
from sync import codec, hub

# What is told apart, innermost first; what is in none of these is "the rest".
PARTS: dict[str, tuple[tuple[ModuleType, str], ...]] = {
    "verify the signature": ((codec, "check_body"),),
    "read and chain": ((hub, "read"),),
    "load tasks and checklists": ((intake, "_facts"),),
    "judge each operation": ((hub, "admit"),),
    "chain the ledger": ((codec, "ledger_link"),),
    "append to the ledger": ((intake, "_extend"),),
    "decode operations again": ((intake, "decode_op"),),
    "fold": ((intake, "fold"),),
    "hash the state": ((intake, "digest"),),
    "load and store projections": ((intake, "project"),),
    "answer and sign": ((intake, "_answer"),),
}
_part: list[str] = ["the rest"]
_samples: Counter[tuple[str, str]] = Counter()


def main() -> None:
    options = _options()
    found: dict[str, Any] = {}
    with stage(tuple(options.database), options.folder) as (databases, _):
        for shape in options.shape:
            one = client(0, SHAPES[shape], pushes=options.pushes, size=200)
            databases.prepare([one])
            for kind in options.database:
                milliseconds = asyncio.run(_run(databases.copy(kind), one))
                found[f"{shape} {kind}"] = {"ms": milliseconds, **_shares()}
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    cells = [f"{name} {one['ms']:.1f} ms" for name, one in found.items()]
    for by in ("part", "library"):
        names = {name: 0.0 for one in found.values() for name in one[by]}
        for one in found.values():
            for name, share in one[by].items():
                names[name] += share
        rows = [
            [name, *(f"{one[by].get(name, 0):.0%}" for one in found.values())]
            for name in sorted(names, key=names.__getitem__, reverse=True)
        ]
        show(f"Where the time of a push of 200 operations goes, by {by}", [by], cells, rows)


async def _run(url: str, one: Client) -> float:
    _samples.clear()
    async with AsyncExitStack() as stack:
        engine = db.connect(url)
        stack.push_async_callback(engine.dispose)
        warm = len(one.pushes) // 4
        for number, signed in enumerate(one.pushes):
            if number == warm:
                started = perf_counter()
                signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            async with db.transaction(engine) as session:
                answer = await intake.exchange(session, signed.header, signed.body, AT)
                assert isinstance(answer, intake.Answered)
        signal.setitimer(signal.ITIMER_REAL, 0)
        return (perf_counter() - started) * 1000 / (len(one.pushes) - warm)


def _sample(_: int, frame: FrameType | None) -> None:
    library = "python"
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name == "selectors":
            library = "waiting for the database"
            break
        if name in (
            "sqlalchemy",
            "sqlmodel",
            "asyncpg",
            "aiosqlite",
            "sync",
            "backend",
            "pydantic",
        ):
            library = name
            break
        frame = frame.f_back
    _samples[_part[-1], library] += 1


def _shares() -> dict[str, dict[str, float]]:
    parts: Counter[str] = Counter()
    libraries: Counter[str] = Counter()
    for (part, library), count in _samples.items():
        parts[part] += count
        libraries[library] += count
    total = max(1, _samples.total())
    return {
        "part": {name: count / total for name, count in parts.most_common()},
        "library": {name: count / total for name, count in libraries.most_common()},
    }


def _marked(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Note while a function runs that its part is under way; pushes here come one by one."""
    if iscoroutinefunction(function):

        @wraps(function)
        async def slow(*args: Any, **kwargs: Any) -> Any:
            _part.append(part)
            try:
                return await function(*args, **kwargs)
            finally:
                _part.pop()

        return slow

    @wraps(function)
    def quick(*args: Any, **kwargs: Any) -> Any:
        _part.append(part)
        try:
            return function(*args, **kwargs)
        finally:
            _part.pop()

    return quick


def _options() -> Namespace:
    parser = ArgumentParser(description="Where the time of a push goes.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--pushes", type=int, default=12)
    parser.add_argument("--database", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--shape", nargs="+", choices=tuple(SHAPES), default=tuple(SHAPES))
    parser.add_argument("--folder", type=Path, help="where to measure, on another disk")
    return parser.parse_args()


if __name__ == "__main__":
    for _name, _functions in PARTS.items():
        for _module, _function in _functions:
            setattr(_module, _function, _marked(_name, getattr(_module, _function)))
    signal.signal(signal.SIGALRM, _sample)
    main()
