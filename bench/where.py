"""Where the time of a push goes: the same exchange in this process, sampled every millisecond."""

import asyncio
import signal
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import wraps
from inspect import iscoroutinefunction
from time import perf_counter, process_time
from types import FrameType, ModuleType
from typing import Any

import msgspec
from _stage import AT, KINDS, SHAPES, Client, arguments, client, show, stage
from sqlalchemy import event

from backend import db
from backend.work import intake, ledger
from sync import codec, hub

# What is told apart, innermost first; what is in none of these is "the rest".
PARTS: dict[str, tuple[tuple[ModuleType, str], ...]] = {
    "verify the signature": ((codec, "check_body"),),
    "read and chain": ((hub, "read"),),
    "load what is known": ((intake, "_load"),),
    "judge each operation": ((hub, "admit"),),
    "mark, and fold if need be": ((intake, "marks"), (intake, "fold")),
    "lock": ((ledger, "lock"),),
    "give places, chain the ledger": ((hub, "place"),),
    "write": ((ledger, "write"),),
    "answer and sign": ((intake, "_answer"),),
}
_part: list[str] = ["the rest"]
_samples: Counter[tuple[str, str]] = Counter()


def main() -> None:
    options = _options()
    found: dict[str, Any] = {}
    with stage(tuple(options.database), options.folder) as (databases, _):
        for shape in options.shape:
            one = client(0, SHAPES[shape], pushes=options.pushes, size=options.size)
            databases.prepare([one])
            for kind in options.database:
                took = asyncio.run(_run(databases.copy(kind), one))
                found[f"{shape} {kind}"] = took | _shares()
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    cells = [f"{name}\n{one['ms']:.0f} ms" for name, one in found.items()]
    for by in ("part", "library"):
        names = {name: 0.0 for one in found.values() for name in one[by]}
        for one in found.values():
            for name, share in one[by].items():
                names[name] += share
        rows = [
            [name, *(f"{one[by].get(name, 0):.0%}" for one in found.values())]
            for name in sorted(names, key=names.__getitem__, reverse=True)
        ]
        if by == "part":
            rows.append(["processor, ms", *(f"{one['cpu_ms']:.1f}" for one in found.values())])
            rows.append(["statements", *(f"{one['statements']:.0f}" for one in found.values())])
        show(
            f"Where the time of a push of {options.size} operations goes, by {by}",
            [by],
            cells,
            rows,
        )


async def _run(url: str, one: Client) -> dict[str, float]:
    """Push everything; give ms by the clock and of the processor, and statements, of one push."""
    _samples.clear()
    async with AsyncExitStack() as stack:
        engine = db.connect(url)
        stack.push_async_callback(engine.dispose)
        statements: Counter[str] = Counter()

        @event.listens_for(engine.sync_engine, "before_cursor_execute")
        def _(_1: Any, _2: Any, statement: str, *_: Any) -> None:
            statements[statement] += 1

        warm, started, used = len(one.pushes) // 4, 0.0, 0.0
        for number, signed in enumerate(one.pushes):
            if number == warm:
                started, used = perf_counter(), process_time()
                signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            async with db.transaction(engine) as session:
                answer = await intake.exchange(session, signed.header, signed.body, AT)
                assert isinstance(answer, intake.Answered)
        signal.setitimer(signal.ITIMER_REAL, 0)
        each = 1000 / (len(one.pushes) - warm)
        return {
            "ms": (perf_counter() - started) * each,
            "cpu_ms": (process_time() - used) * each,
            "statements": statements.total() / len(one.pushes),
        }


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
    parser = arguments("Where the time of a push goes.", KINDS)
    parser.add_argument("--pushes", type=int, default=12)
    parser.add_argument("--size", type=int, default=200, help="operations in a push")
    parser.add_argument("--shape", nargs="+", choices=tuple(SHAPES), default=tuple(SHAPES))
    return parser.parse_args()


if __name__ == "__main__":
    for _name, _functions in PARTS.items():
        for _module, _function in _functions:
            setattr(_module, _function, _marked(_name, getattr(_module, _function)))
    signal.signal(signal.SIGALRM, _sample)
    main()
