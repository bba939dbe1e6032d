"""How fast pushes are taken in (上传): real signed batches over HTTP, against bare inserts.

Every round pushes a slice of the batches to the server, then inserts all of them bare, into a
fresh table with nothing but its key and into a fresh ledger with its indexes. `of bare` is the
rate beside as many bare connections as clients, `of one` beside one. `of reference` is the rate
beside a bare insert on another machine, whose disk takes its time; it is no ratio of this run.
`of cpu` is the processor time of a bare batch beside that of a pushed one, databases' own included:
on a busy machine the fairest of the ratios.
"""

import sys
from argparse import Namespace
from functools import partial
from itertools import islice
from statistics import median, quantiles

import msgspec
from _crew import Crew, Slice, inserting, pushing
from _stage import (
    KINDS,
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
    sync_ms,
)
from msgspec import Struct

# Bare inserts a second of 1 KB records, 200 a transaction, one connection: as stated, not measured.
REFERENCE: dict[Kind, int] = {"sqlite": 38_500, "postgresql": 15_500}


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
    ratio_one: float  # push to what one connection inserts bare, however many clients push
    ratio_ledger: float
    ratio_reference: float  # to REFERENCE
    p50_ms: float  # of one batch
    p95_ms: float
    cpu_ms: float  # of the server's processes, for one batch
    ratio_cpu: float  # of a bare batch to one that is pushed, the database's own included
    busy: int  # answers that asked to try again
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
        ["clients", "bare/s", "ledger/s", "push/s", "of bare", "worst", "of one", "of ledger",
         "of reference", "p50 ms", "p95 ms", "cpu ms", "of cpu",
         "busy", "MB"],
        [
            [r.shape, r.database, str(r.clients), f"{r.bare:,.0f}", f"{r.ledger:,.0f}",
             f"{r.push:,.0f}", f"{r.ratio:.3f}", f"{r.ratio_worst:.3f}", f"{r.ratio_one:.3f}",
             f"{r.ratio_ledger:.3f}", f"{r.ratio_reference:.2f}",
             f"{r.p50_ms:.1f}", f"{r.p95_ms:.1f}", f"{r.cpu_ms:.1f}", f"{r.ratio_cpu:.3f}",
             str(r.busy), f"{r.memory_mb:.0f}"]
            for r in results
        ],
    )  # fmt: skip


def measure(options: Namespace) -> tuple[list[Result], dict[str, int], float]:
    """Measure every combination, and give the size of the operations of each shape."""
    results: list[Result] = []
    bytes_each: dict[str, int] = {}
    command = partial(granian, workers=options.workers)
    with stage(tuple(options.database), options.folder) as (databases, folder):
        disk = sync_ms(folder)
        for name in options.shape:
            each = max(2, options.batches // (4 if SHAPES[name].per_inspection == 1 else 1))
            pushes = (options.rounds + 1) * each
            crowd = [
                client(number, SHAPES[name], pushes=pushes, size=options.size)
                for number in range(sum(options.clients))
            ]
            bodies = [len(signed.body) for one in crowd for signed in one.pushes]
            bytes_each[name] = sum(bodies) // (len(bodies) * options.size)
            databases.prepare(crowd)
            for kind in options.database:
                with serving(databases.copy(kind), folder, command) as server:
                    rest = iter(crowd)
                    for clients in options.clients:
                        some = list(islice(rest, clients))
                        results.append(_cell(databases, server, kind, name, some, options))
    return results, bytes_each, disk


def _cell(
    databases: Databases,
    server: Server,
    kind: Kind,
    shape: str,
    crowd: list[Client],
    options: Namespace,
) -> Result:
    rounds: list[tuple[Slice, Slice, Slice]] = []
    ones: list[float] = []
    total, each = len(crowd[0].pushes), len(crowd[0].pushes) // (options.rounds + 1)
    with Crew(crowd, pushing, server.port) as pushers:
        pushers.run(0, each)  # warms up
        used, ours, bare_cpu = 0.0, 0.0, 0.0
        for first in range(each, total, each):
            before, storing = server.cpu(), databases.cpu()
            pushed = pushers.run(first, first + each)
            used += server.cpu() - before
            ours += server.cpu() - before + databases.cpu() - storing
            bare, ledger, bare_ms = _bare(crowd, databases, kind)
            bare_cpu += bare_ms
            rounds.append((pushed, bare, ledger))
            one = bare if len(crowd) == 1 else _bare(crowd[:1], databases, kind)[0]
            ones.append(pushed.rate / one.rate)
    ratios = [push.rate / bare.rate for push, bare, _ in rounds]
    batches = [ms for push, _, _ in rounds for ms in push.batches_ms]
    return Result(
        shape=shape,
        database=kind,
        clients=len(crowd),
        bare=median(bare.rate for _, bare, _ in rounds),
        ledger=median(ledger.rate for _, _, ledger in rounds),
        push=median(push.rate for push, _, _ in rounds),
        ratio=median(ratios),
        ratio_worst=min(ratios),
        ratio_one=median(ones),
        ratio_ledger=median(push.rate / ledger.rate for push, _, ledger in rounds),
        ratio_reference=median(push.rate for push, *_ in rounds) / REFERENCE[kind],
        p50_ms=median(batches),
        p95_ms=quantiles(batches, n=20)[-1],
        cpu_ms=used * 1000 / len(batches),
        ratio_cpu=bare_cpu / len(rounds) / (ours * 1000 / len(batches)),
        busy=sum(push.busy for push, _, _ in rounds),
        memory_mb=server.memory(),
    )


def _bare(crowd: list[Client], databases: Databases, kind: Kind) -> tuple[Slice, Slice, float]:
    """Insert bare and into the ledger's table; give ms of processor time of a bare batch too."""
    slices: list[Slice] = []
    used: list[float] = []
    url = databases.copy(kind)
    for table in ("bare", "entry"):
        with Crew(crowd, inserting, url, table) as inserters:
            inserters.run(0, 1)
            before = databases.cpu()
            slices.append(inserters.run(1, len(crowd[0].pushes)))
            used.append(slices[-1].cpu + databases.cpu() - before)
    return slices[0], slices[1], used[0] * 1000 / len(slices[0].batches_ms)


def _options() -> Namespace:
    parser = arguments("How fast pushes are taken in, against bare inserts.", KINDS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--batches", type=int, default=8, help="of a client in a round; a quarter of whole records"
    )
    parser.add_argument("--size", type=int, default=200, help="operations in a batch")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--shape", nargs="+", choices=tuple(SHAPES), default=tuple(SHAPES))
    return parser.parse_args()


if __name__ == "__main__":
    main()
