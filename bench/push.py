"""How fast pushes are taken in (上传): real signed batches over HTTP, against bare inserts.

Every round runs three slices of the same batches, one after the other: pushed to the server,
inserted bare into a table with nothing but its key, and inserted bare into the ledger's own table.
"""

import sys
from argparse import ArgumentParser, Namespace
from itertools import product
from pathlib import Path
from statistics import median, quantiles

import msgspec
from _crew import Crew, Slice, inserting, pushing
from _stage import KINDS, SHAPES, Client, Databases, Kind, client, serving, show, stage, sync_ms
from msgspec import Struct


class Result(Struct, frozen=True):
    """One line of the table: medians over the rounds, and the worst ratio."""

    shape: str
    database: Kind
    clients: int
    bare: float  # rows a second
    ledger: float  # rows a second, into the ledger's table with its indexes
    push: float  # operations a second
    ratio: float  # push to bare, in the same round
    ratio_worst: float
    ratio_ledger: float
    p50_ms: float  # of one batch
    p95_ms: float
    memory_mb: float


def main() -> None:
    options = _options()
    results, bytes_each, disk = measure(options)
    if options.json:
        facts = {"sync_ms": round(disk, 3), "size": options.size, "bytes": bytes_each}
        sys.stdout.buffer.write(msgspec.json.encode({**facts, "results": results}) + b"\n")
        return
    sizes = ", ".join(f"{name} {size} B" for name, size in bytes_each.items())
    show(
        f"Push, {options.size} operations a batch ({sizes}); a durable write takes {disk:.3f} ms",
        ["operations", "database"],
        ["clients", "bare/s", "ledger/s", "push/s", "of bare", "worst", "of ledger", "p50 ms",
         "p95 ms", "MB"],
        [
            [r.shape, r.database, str(r.clients), f"{r.bare:,.0f}", f"{r.ledger:,.0f}",
             f"{r.push:,.0f}", f"{r.ratio:.3f}", f"{r.ratio_worst:.3f}", f"{r.ratio_ledger:.3f}",
             f"{r.p50_ms:.1f}", f"{r.p95_ms:.1f}", f"{r.memory_mb:.0f}"]
            for r in results
        ],
    )  # fmt: skip


def measure(options: Namespace) -> tuple[list[Result], dict[str, int], float]:
    """Measure every combination, and give the size of the operations of each shape."""
    results: list[Result] = []
    bytes_each: dict[str, int] = {}
    with stage(tuple(options.database), options.folder) as (databases, folder):
        disk = sync_ms(folder)
        for name in options.shape:
            pushes = (options.rounds + 1) * options.batches
            crowd = [
                client(number, SHAPES[name], pushes=pushes, size=options.size)
                for number in range(max(options.clients))
            ]
            bodies = [len(signed.body) for one in crowd for signed in one.pushes]
            bytes_each[name] = sum(bodies) // (len(bodies) * options.size)
            databases.prepare(crowd)
            for kind, clients in product(options.database, options.clients):
                results.append(_cell(databases, folder, kind, name, crowd[:clients], options))
    return results, bytes_each, disk


def _cell(
    databases: Databases,
    folder: Path,
    kind: Kind,
    shape: str,
    crowd: list[Client],
    options: Namespace,
) -> Result:
    rounds: list[tuple[Slice, Slice, Slice]] = []
    each = max(1, options.batches // (1 if len(crowd) == 1 else 2))
    idle = databases.copy(kind)
    with (
        serving(databases.copy(kind), folder) as server,
        Crew(crowd, pushing, server.port) as pushers,
        Crew(crowd, inserting, idle, "bare") as bare,
        Crew(crowd, inserting, idle, "entry") as ledger,
    ):
        for first in range(0, (options.rounds + 1) * each, each):
            last = first + each
            rounds.append(
                (pushers.run(first, last), bare.run(first, last), ledger.run(first, last))
            )
        memory = server.memory()
    rounds = rounds[1:]  # the first warms up
    ratios = [push.rate / plain.rate for push, plain, _ in rounds]
    batches = [ms for push, _, _ in rounds for ms in push.batches_ms]
    return Result(
        shape=shape,
        database=kind,
        clients=len(crowd),
        bare=median(plain.rate for _, plain, _ in rounds),
        ledger=median(own.rate for _, _, own in rounds),
        push=median(push.rate for push, _, _ in rounds),
        ratio=median(ratios),
        ratio_worst=min(ratios),
        ratio_ledger=median(push.rate / own.rate for push, _, own in rounds),
        p50_ms=median(batches),
        p95_ms=quantiles(batches, n=20)[-1],
        memory_mb=memory,
    )


def _options() -> Namespace:
    parser = ArgumentParser(description="How fast pushes are taken in, against bare inserts.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, default=8, help="of one client in one round")
    parser.add_argument("--size", type=int, default=200, help="operations in a batch")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--database", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--shape", nargs="+", choices=tuple(SHAPES), default=tuple(SHAPES))
    parser.add_argument("--folder", type=Path, help="where to measure, on another disk")
    return parser.parse_args()


if __name__ == "__main__":
    main()
