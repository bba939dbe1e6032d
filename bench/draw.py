"""The draw: freezing a frame, tickets and selection, verifying, pairing; against bare SHA-256.

The bare loop is `hashlib.sha256(id).digest()` over the same ids, block by block in the same pass,
so that both see the same machine. Times are the processor's; reading is told apart from either.
"""

import asyncio
import random
import resource
import sqlite3
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any

import asyncpg
import msgspec
from _stage import KINDS, SEED, show, stage

from backend.rules import bundle, draw, frame
from backend.rules.pairing import Bottleneck, Position, pair
from sync.ids import new_id

INSPECTORS, SITES, SEATS = 2_000, 10_000, 2
SEED_HEX = sha256(b"%d" % SEED).hexdigest()
FIELDS = "code, division, category, risk, status"
TABLE = """CREATE TABLE plain (code TEXT {collate} PRIMARY KEY, division TEXT NOT NULL,
    category TEXT NOT NULL, risk TEXT NOT NULL, status TEXT NOT NULL)"""
QUERY = f"SELECT {FIELDS} FROM plain ORDER BY code"
STATUS = {"active": "E\t", "cancelled": "X\tX01-cancelled"}
Row = tuple[str, str, str, str, str]


def main() -> None:
    options = _options()
    if options.child:
        print(msgspec.json.encode(_child(*options.child)).decode())
        return
    found: dict[str, list[dict[str, Any]]] = {"frames": [], "pairs": [], "other": []}
    with stage(tuple(options.database), options.folder) as (databases, _):
        databases.prepare([])
        for rows in options.rows:
            for kind in options.database:
                url = databases.copy(kind)
                _run("fill", url, rows)
                one = _run("frame", url, rows)
                found["frames"].append({"rows": rows, "database": kind} | one)
    found["pairs"] = [_run("pair", shape, 0) for shape in SHAPES]
    found["other"] = [_run("sampler", "", 110_000)]
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    _tell(found)


def _tell(found: Mapping[str, list[dict[str, Any]]]) -> None:
    show(
        "A frame frozen, and 3 % of it drawn; ratios are to the bare loop",
        ["database"],
        ["rows", "read s", "bare s", "freeze s", "ratio", "draw s", "ratio", "again s", "ratio",
         "packed MB", "peak MB"],
        [
            [
                one["database"], f"{one['rows']:,}", f"{one['read']:.1f}", f"{one['bare']:.2f}",
                f"{one['freeze']:.2f}", f"{one['freeze'] / one['bare']:.2f}",
                f"{one['select']:.2f}", f"{one['select'] / one['bare_select']:.2f}",
                f"{one['again']:.2f}", f"{one['again'] / one['bare']:.2f}",
                f"{one['packed']:.1f}", f"{one['peak']:.0f}",
            ]
            for one in found["frames"]
        ],
    )  # fmt: skip
    show(
        "10,000 sites x 2 paired with 2,000 inspectors",
        ["who may go", "seats"],
        ["s", "bare s", "ratio", "passed over", "peak MB"],
        [
            [
                one["who"], one["seats"], f"{one['seconds']:.1f}", f"{one['bare']:.1f}",
                f"{one['seconds'] / one['bare']:.2f}", f"{one['skipped']:,}", f"{one['peak']:.0f}",
            ]
            for one in found["pairs"]
        ],
    )  # fmt: skip
    for one in found["other"]:
        theirs = one["theirs"]
        told = (
            "not measured: `pip install consistent_sampler` beside us to compare"
            if theirs is None
            else f"{theirs:.2f} s, so {theirs / one['ours']:.1f} times ours"
        )
        print(f"\n3,300 of 110,000: ours {one['ours']:.3f} s; consistent-sampler {told}")


# -- one measurement, in a process of its own ----------------------------------------------------


def _run(what: str, where: str, rows: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", what, where, str(rows)]
    answer = subprocess.run(command, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()[-3000:]
    told: dict[str, Any] = msgspec.json.decode(answer.stdout)
    return told


def _child(what: str, where: str, rows: str) -> dict[str, Any]:
    match what:
        case "fill":
            told = asyncio.run(_fill(where, int(rows)))
        case "frame":
            told = asyncio.run(_frame(where))
        case "pair":
            told = _pair(where)
        case _:
            told = _sampler(int(rows))
    return told | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


# -- a frame -------------------------------------------------------------------------------------


def _register(rows: int) -> Iterator[Row]:
    chance = random.Random(SEED)
    for n in range(rows):
        code = f"9{chance.choice('123')}3301{chance.randrange(1, 13):02}MA{n:07}{n % 10}"
        yield (
            code, f"3301{chance.randrange(1, 13):02}0{chance.randrange(10, 40)}",
            chance.choice(("food-operation", "cold-store", "market", "食品销售")),
            chance.choice("ABCD"), "active" if chance.random() < 0.9 else "cancelled",
        )  # fmt: skip


async def _fill(url: str, rows: int) -> dict[str, Any]:
    register = _register(rows)
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition(":///")[2]) as base:
            base.execute(TABLE.format(collate=""))
            base.executemany("INSERT INTO plain VALUES (?, ?, ?, ?, ?)", register)
        return {}
    base_: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    await base_.execute(TABLE.format(collate='COLLATE "C"'))
    while some := list(islice(register, 50_000)):
        await base_.copy_records_to_table("plain", records=some)
    await base_.execute("VACUUM ANALYZE plain")
    await base_.close()
    return {}


async def _read(url: str) -> AsyncIterator[Sequence[Row]]:
    """Read the register in the order of the bytes of its codes, some rows at a time."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition(":///")[2]) as base:
            cursor = base.execute(QUERY)
            while some := cursor.fetchmany(frame.BLOCK):
                yield some
        return
    connection: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    async with connection.transaction():
        cursor_: Any = await connection.cursor(QUERY)
        while some_ := await cursor_.fetch(frame.BLOCK):
            yield some_
    await connection.close()


async def _frame(url: str) -> dict[str, Any]:
    """Read, hash bare, freeze; then draw from what is frozen and from bare ids."""
    bare = taken = 0.0
    freezer = frame.Freezer()
    begun = process_time()
    async for some in _read(url):
        ids = [row[0].encode() for row in some]
        tails = [
            f"\tall\t1\t{STATUS[status]}\t{division}\t{category}\t{risk}\t".encode()
            for _, division, category, risk, status in some
        ]
        started = process_time()
        for id in ids:
            sha256(id).digest()
        middle = process_time()
        freezer.add(ids, tails)
        bare += middle - started
        taken += process_time() - middle
    started = process_time()
    frozen = freezer.done()
    taken += process_time() - started
    read = process_time() - begun - bare - taken
    eligible = frozen.counts["all"]["E"]
    primary = -(-eligible * 3 // 100)
    shares = {"all": draw.Share(eligible=eligible, primary=primary, reserves=-(-primary // 5))}

    bare_select = reading = 0.0

    def ids_alone() -> Iterator[tuple[bytes, str]]:
        nonlocal bare_select, reading
        source = bundle.frame_rows(frozen.packed)
        while True:
            started = process_time()
            block = list(islice(source, frame.BLOCK))
            if not block:
                return
            ids = [row[:18] for row in block if b"\tE\t" in row]
            middle = process_time()
            for id in ids:
                sha256(id).digest()
            bare_select += process_time() - middle
            reading += middle - started
            for id in ids:
                yield id, "all"

    started = process_time()
    lots = draw.select(SEED_HEX, ids_alone(), shares)
    select = process_time() - started - bare_select - reading
    first = hash(tuple(lots))
    del lots
    started = process_time()
    again = draw.select(SEED_HEX, bundle.eligible(frozen.packed), shares)
    from_file = process_time() - started
    assert first == hash(tuple(again))
    return {
        "read": read, "bare": bare, "freeze": taken, "bare_select": bare_select, "select": select,
        "again": from_file, "packed": len(frozen.packed) / 1e6,
    }  # fmt: skip


# -- pairs ---------------------------------------------------------------------------------------

SHAPES = tuple(
    f"{who}/{seats}"
    for who in ("everybody", "own district", "other districts", "a random 100")
    for seats in ("two spare", "none spare")
)
DISTRICTS = 20


def _pair(shape: str) -> dict[str, Any]:
    who, _, seats = shape.partition("/")
    chance = random.Random(SEED)
    roster = [f"沪A{n:05d}" for n in range(INSPECTORS)]
    cap = SITES * SEATS // INSPECTORS + (2 if seats == "two spare" else 0)
    everybody, share = 2**INSPECTORS - 1, INSPECTORS // DISTRICTS
    task, positions = new_id(), list[Position]()
    for site in range(SITES):
        own = (2**share - 1) << site % DISTRICTS * share
        match who:
            case "own district":
                eligible = own
            case "other districts":
                eligible = everybody & ~own
            case "a random 100":
                eligible = sum(1 << j for j in chance.sample(range(INSPECTORS), 100))
            case _:
                eligible = everybody
        group = f"{task}/9133010{site:011d}/*"
        positions += [Position(group, place, eligible) for place in ("1主办", "2协办")[:SEATS]]
    started = process_time()
    found = pair(SEED_HEX, roster, dict.fromkeys(roster, cap), positions)
    seconds = process_time() - started
    assert not isinstance(found, Bottleneck)
    return {
        "who": who, "seats": seats, "seconds": seconds, "bare": _bare_tickets(roster, positions),
        "skipped": sum(len(seat.skipped) for seat in found),
    }  # fmt: skip


def _bare_tickets(roster: Sequence[str], positions: Sequence[Position]) -> float:
    """Hash what the definition needs and nothing else: a ticket of every inspector who may sit."""
    names = [name.encode() for name in roster]
    started = process_time()
    for one in positions:
        prefix = f"{SEED_HEX}|pair|{one.group}|{one.name}|".encode()
        for name in names[: one.eligible.bit_count()]:
            sha256(prefix + name).digest()
    return process_time() - started


# -- another library -----------------------------------------------------------------------------


def _sampler(rows: int) -> dict[str, Any]:
    ids = [f"9133010{n:011d}" for n in range(rows)]
    take = rows * 3 // 100
    shares = {"all": draw.Share(eligible=rows, primary=take, reserves=0)}
    started = process_time()
    lots = draw.select(SEED_HEX, ((id.encode(), "all") for id in ids), shares)
    ours = process_time() - started
    assert len(lots) == take
    try:
        sampler: Any = import_module("consistent_sampler").sampler
    except ImportError:
        return {"ours": ours, "theirs": None}
    started = process_time()
    theirs = list(sampler(ids, seed=SEED_HEX, take=take, output="id"))
    assert len(theirs) == take
    return {"ours": ours, "theirs": process_time() - started}


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[110_000])
    parser.add_argument("--database", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--folder", type=Path, help="where databases are kept")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=3, help="internal")
    return parser.parse_args()


if __name__ == "__main__":
    main()
