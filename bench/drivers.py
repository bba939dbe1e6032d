"""Which PostgreSQL driver carries the push better: asyncpg or psycopg 3, below SQLAlchemy.

Both run our own intake of the same signed pushes in this process, in turns, each on its own copy
of one database: the same selects, locks, inserts and commits, without HTTP.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time

import msgspec
from _stage import AT, SHAPES, Client, client, show, stage
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from backend import db
from backend.work import intake

DRIVERS = ("asyncpg", "psycopg")
LOADS = {"200 an exchange": (200, 12), "1 an exchange": (1, 100)}


class Turn(Struct, frozen=True):
    """What one driver did in one round."""

    pushes: int
    seconds: float
    each_ms: list[float]
    cpu: float  # seconds of this process


class Result(Struct, frozen=True):
    """One driver under one load: medians over the rounds."""

    load: str
    at_once: int
    driver: str
    pushes: float  # a second
    ratio: float  # to the other, in the same round
    p50_ms: float
    p95_ms: float
    cpu_ms: float  # of this process, for one push


def main() -> None:
    options = _options()
    results: list[Result] = []
    with stage(("postgresql",), options.folder) as (databases, _):
        for load, (size, batches) in LOADS.items():
            pushes = batches * (options.rounds + 1)
            crowd = [client(n, SHAPES["item"], pushes=pushes, size=size) for n in range(4)]
            databases.prepare(crowd)
            for at_once in (1, 4):
                urls = {name: databases.copy("postgresql") for name in DRIVERS}
                results += asyncio.run(_cell(urls, load, crowd[:at_once], batches))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(results) + b"\n")
        return
    show(
        "Our intake of pushes through each PostgreSQL driver, in turns",
        ["operations", "driver"],
        ["at once", "pushes/s", "to the other", "p50 ms", "p95 ms", "cpu ms"],
        [
            [r.load, r.driver, str(r.at_once), f"{r.pushes:,.0f}", f"{r.ratio:.2f}",
             f"{r.p50_ms:.2f}", f"{r.p95_ms:.2f}", f"{r.cpu_ms:.2f}"]
            for r in results
        ],
    )  # fmt: skip


async def _cell(urls: dict[str, str], load: str, crowd: list[Client], batches: int) -> list[Result]:
    turns: dict[str, list[Turn]] = {name: [] for name in DRIVERS}
    async with AsyncExitStack() as stack:
        engines: dict[str, AsyncEngine] = {}
        for name in DRIVERS:
            url = urls[name].replace("+asyncpg", f"+{name}")
            engines[name] = create_async_engine(url, pool_pre_ping=True)
            stack.push_async_callback(engines[name].dispose)
        for turn in range(len(crowd[0].pushes) // batches):
            for name in DRIVERS if turn % 2 else reversed(DRIVERS):
                turns[name].append(await _turn(engines[name], crowd, turn * batches, batches))
    results: list[Result] = []
    for name in DRIVERS:
        other = next(one for one in DRIVERS if one != name)
        own, theirs = turns[name][1:], turns[other][1:]  # the first warms up
        each = [ms for turn in own for ms in turn.each_ms]
        results.append(
            Result(
                load=load,
                at_once=len(crowd),
                driver=name,
                pushes=median(turn.pushes / turn.seconds for turn in own),
                ratio=median(b.seconds / a.seconds for a, b in zip(own, theirs, strict=True)),
                p50_ms=median(each),
                p95_ms=quantiles(each, n=20)[-1],
                cpu_ms=median(turn.cpu * 1000 / turn.pushes for turn in own),
            )
        )
    return results


async def _turn(engine: AsyncEngine, crowd: list[Client], first: int, batches: int) -> Turn:
    each: list[float] = []

    async def push(one: Client) -> None:
        for signed in one.pushes[first : first + batches]:
            began = perf_counter()
            async with db.transaction(engine) as session:
                answer = await intake.exchange(session, signed.header, signed.body, AT)
                assert isinstance(answer, intake.Answered)
            each.append((perf_counter() - began) * 1000)

    started, used = perf_counter(), process_time()
    async with asyncio.TaskGroup() as group:
        for one in crowd:
            group.create_task(push(one))
    return Turn(len(each), perf_counter() - started, each, process_time() - used)


def _options() -> Namespace:
    parser = ArgumentParser(description="Which PostgreSQL driver carries the push better.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where to measure, on another disk")
    return parser.parse_args()


if __name__ == "__main__":
    main()
