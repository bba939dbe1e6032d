"""Which server carries our push route better: granian or uvicorn, in turns, on one machine.

Each has its own copy of the same database and gets the same batches. The order changes with every
round, so that neither profits from a quiet moment.
"""

import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

import msgspec
from _crew import Crew, Slice, pushing
from _stage import (
    SHAPES,
    Client,
    Databases,
    Kind,
    Server,
    arguments,
    client,
    granian,
    serving,
    show,
    stage,
    uvicorn,
)
from msgspec import Struct

COMMANDS: dict[str, Callable[[int], list[str]]] = {"granian": granian, "uvicorn": uvicorn}
LOADS = {  # operations in a batch, batches of one client in a round
    "200 an exchange": (200, 6),
    "1 an exchange": (1, 100),
}


class Result(Struct, frozen=True):
    """One server under one load: medians over the rounds."""

    database: Kind
    load: str
    clients: int
    server: str
    pushes: float  # a second
    ratio: float  # to the other, in the same round
    p50_ms: float
    p95_ms: float
    cpu_ms: float  # of the server's processes, for one push
    start_s: float
    memory_mb: float


def main() -> None:
    options = _options()
    results: list[Result] = []
    with stage(tuple(options.database), options.folder) as (databases, folder):
        for load, (size, batches) in LOADS.items():
            each = max(1, batches * options.scale)
            pushes = each * (options.rounds + 1)
            crowd = [
                client(number, SHAPES["item"], pushes=pushes, size=size)
                for number in range(sum(options.clients))
            ]
            databases.prepare(crowd)
            for kind in options.database:
                results += _both(databases, folder, kind, load, crowd, each, options.clients)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(results) + b"\n")
        return
    show(
        "Pushes a second, granian and uvicorn in turns",
        ["database", "operations", "server"],
        ["clients", "pushes/s", "to the other", "p50 ms", "p95 ms", "cpu ms", "start s", "MB"],
        [
            [r.database, r.load, r.server, str(r.clients), f"{r.pushes:,.0f}", f"{r.ratio:.2f}",
             f"{r.p50_ms:.2f}", f"{r.p95_ms:.2f}", f"{r.cpu_ms:.2f}", f"{r.start_s:.2f}",
             f"{r.memory_mb:.0f}"]
            for r in results
        ],
    )  # fmt: skip


def _both(
    databases: Databases,
    folder: Path,
    kind: Kind,
    load: str,
    crowd: list[Client],
    each: int,
    counts: list[int],
) -> list[Result]:
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serving(databases.copy(kind), folder, command))
            for name, command in COMMANDS.items()
        }
        rest = iter(crowd)
        return [
            result
            for clients in counts
            for result in _cell(servers, kind, load, list(islice(rest, clients)), each)
        ]


def _cell(
    servers: dict[str, Server], kind: Kind, load: str, crowd: list[Client], each: int
) -> list[Result]:
    slices: dict[str, list[Slice]] = {name: [] for name in COMMANDS}
    cpu: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with ExitStack() as stack:
        crews = {
            name: stack.enter_context(Crew(crowd, pushing, server.port))
            for name, server in servers.items()
        }
        for turn in range(len(crowd[0].pushes) // each):
            for name in COMMANDS if turn % 2 else reversed(COMMANDS):
                before = servers[name].cpu()
                slices[name].append(crews[name].run(turn * each, (turn + 1) * each))
                cpu[name].append((servers[name].cpu() - before) * 1000 / (each * len(crowd)))
    results: list[Result] = []
    for name, server in servers.items():
        other = next(one for one in COMMANDS if one != name)
        own = slices[name][1:]  # the first warms up
        batches = [ms for one in own for ms in one.batches_ms]
        results.append(
            Result(
                database=kind,
                load=load,
                clients=len(crowd),
                server=name,
                pushes=median(len(one.batches_ms) / one.seconds for one in own),
                ratio=median(
                    theirs.seconds / one.seconds
                    for one, theirs in zip(own, slices[other][1:], strict=True)
                ),
                p50_ms=median(batches),
                p95_ms=quantiles(batches, n=20)[-1],
                cpu_ms=median(cpu[name][1:]),
                start_s=server.seconds,
                memory_mb=server.memory(),
            )
        )
    return results


def _options() -> Namespace:
    parser = arguments("Which server carries our push route better.", ["sqlite"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, default=1, help="so many times longer slices")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    return parser.parse_args()


if __name__ == "__main__":
    main()
