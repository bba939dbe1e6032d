"""The draw: freezing a frame, tickets and selection, verifying, pairing; against bare SHA-256.

The bare loop is `hashlib.sha256(id).digest()` over the same ids, block by block in the same pass,
so that both see the same machine. Times are the processor's, of this process and of those that it
starts; reading the register, which is sorting it and writing lines, is told apart.
"""

import asyncio
import random
import resource
import sqlite3
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter, process_time, thread_time
from typing import Any, TypeVar

import msgspec

from backend import db
from backend.db import GENESIS
from backend.rules import bundle, draw, frame
from backend.rules.beacons import Dice
from backend.rules.pairing import Bottleneck, Position, pair
from backend.rules.papers import RosterLine, TaskPaper
from backend.rules.verification import verify
from backend.tables import Plan
from backend.work import frames, processes
from sync.ids import new_id

INSPECTORS, SITES, SEATS = 2_000, 10_000, 2
AT, SEED = datetime(2026, 3, 2, 1, 0, tzinfo=UTC), 20261122
SEED_HEX = sha256(b"%d" % SEED).hexdigest()
DISTRICTS = 20
PAIRED, CAP = 200, 4_000  # inspectors of a whole draw, and the seats of each
COLUMNS = (
    "id", "code", "division", "category", "risk", "status", "name", "address", "status_raw",
    "datum", "revision_id",
)  # fmt: skip
HELD = AT.replace(year=2027)
DICE = {"dice:bench": "0123456789" * 4}
Row = tuple[str, ...]
SECRET = "5a" * 32
A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(msgspec.json.encode(_child(*sys.argv[2:])).decode())
        return
    from _stage import KINDS, show, stage  # a process that measures needs none of it

    options = _options(KINDS)
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
    _tell(found, show)


def _tell(found: Mapping[str, list[dict[str, Any]]], show: Callable[..., None]) -> None:
    show(
        "A frame frozen, and 3 % of it drawn; ratios are to the bare loop",
        ["database"],
        ["rows", "read s", "bare s", "freeze s", "ratio", "packing s", "ratio of both", "order s",
         "ratio of all", "clock s", "draw s", "ratio", "from file s", "packed MB", "imports MB",
         "frozen MB", "drawn MB", "alone MB"],
        [
            [
                one["database"], f"{one['rows']:,}", f"{one['read']:.1f}", f"{one['bare']:.2f}",
                f"{one['freeze']:.2f}", f"{one['freeze'] / one['bare']:.2f}",
                f"{one['beside']:.2f}", f"{(one['freeze'] + one['beside']) / one['bare']:.2f}",
                f"{one['order']:.2f}",
                f"{(one['freeze'] + one['beside'] + one['order']) / one['bare']:.2f}",
                f"{one['clock']:.1f}", f"{one['select']:.2f}",
                f"{one['select'] / one['bare_select']:.2f}",
                f"{one['again']:.2f}", f"{one['packed']:.1f}", f"{one['imports']:.0f}",
                f"{one['peak_frozen']:.0f}",
                f"{one['peak_drawn']:.0f}", f"{one['peak_alone']:.0f}",
            ]
            for one in found["frames"]
        ],
    )  # fmt: skip
    show(
        f"The whole draw, two seats a site, {PAIRED} inspectors; and verifying its bundle",
        ["database"],
        ["rows", "commit s", "hold s", "verify s", "of both", "without seats", "peak MB"],
        [
            [
                one["database"], f"{one['rows']:,}", f"{one['commit']:.1f}", f"{one['hold']:.1f}",
                f"{one['verify']:.1f}", f"{_again(one, 0):.2f}", f"{_again(one, one['pair']):.2f}",
                f"{one['peak']:.0f}",
            ]
            for one in found["frames"]
        ],
    )  # fmt: skip
    show(
        "10,000 sites x 2 paired with 2,000 inspectors",
        ["who may go", "seats"],
        ["s", "bare s", "ratio", "clock s", "passed over", "peak MB"],
        [
            [
                one["who"], one["seats"], f"{one['seconds']:.1f}", f"{one['bare']:.1f}",
                f"{one['seconds'] / one['bare']:.2f}", f"{one['clock']:.1f}",
                f"{one['skipped']:,}", f"{one['peak']:.0f}",
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


def _again(one: Mapping[str, Any], shared: float) -> float:
    """Compare verifying a draw with making it, without what both do alike."""
    return float((one["verify"] - shared) / (one["commit"] + one["hold"] - shared))


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
        case "draw":
            told = _draw_alone(Path(where).read_bytes(), int(rows))
        case "pair":
            told = _pair(where)
        case _:
            told = _sampler(int(rows))
    return {"peak": _peak()} | told


def _peak() -> float:
    """Give the most memory that this process ever held, in MB.

    Not by `getrusage`: that begins with what the process that started this one held.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _seconds() -> float:
    """Give the processor time of this process, and of those it started that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = _seconds()
    return work(), _seconds() - started


# -- a frame -------------------------------------------------------------------------------------


def _register(rows: int, revision: str) -> Iterator[Row]:
    chance = random.Random(SEED)
    for n in range(rows):
        code = f"9{chance.choice('123')}3301{chance.randrange(1, 13):02}MA{n:07}{n % 10}"
        yield (
            f"0190a000-0000-7000-8000-{n:012}", code,
            f"3301{chance.randrange(1, 13):02}0{chance.randrange(10, 40)}",
            chance.choice(("food-operation", "cold-store", "market", "食品销售")),
            chance.choice("ABCD"), "active" if chance.random() < 0.9 else "cancelled",
            "城东食品有限公司第三分公司", "城东街道人民路一百二十三号", "", "", revision,
        )  # fmt: skip


async def _fill(url: str, rows: int) -> dict[str, Any]:
    """Fill the register; the terms for searching, which triggers would note, are left out."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition(":///")[2]) as base:
            for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                base.execute(f"DROP TRIGGER {name}")
            (revision,) = base.execute("SELECT id FROM revision").fetchone()
            places = ", ".join("?" * len(COLUMNS))
            base.executemany(
                f"INSERT INTO establishment ({', '.join(COLUMNS)}) VALUES ({places})",
                _register(rows, revision),
            )
        return {}
    import asyncpg  # only the driver of the database that is measured takes memory

    connection: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("ALTER TABLE establishment DISABLE TRIGGER USER")
    register = _register(rows, await connection.fetchval("SELECT id FROM revision"))
    while some := list(islice(register, 50_000)):
        await connection.copy_records_to_table("establishment", records=some, columns=COLUMNS)
    await connection.execute("VACUUM ANALYZE establishment")
    await connection.close()
    return {}


class _Timed(frame.Freezer):
    """Freezes, and times it beside the bare loop; packing runs in a thread and is told apart."""

    bare = taken = beside = 0.0

    def add(self, ids: Sequence[bytes], tails: Sequence[bytes]) -> bytes:
        started = thread_time()
        for id in ids:
            sha256(id).digest()
        middle = thread_time()
        written = super().add(ids, tails)
        _Timed.bare += middle - started
        _Timed.taken += thread_time() - middle
        return written

    def press(self, written: bytes) -> None:
        started = thread_time()
        super().press(written)
        _Timed.beside += thread_time() - started

    def done(self) -> frame.Frame:
        frozen, seconds = _timed(super().done)
        _Timed.taken += seconds
        return frozen


async def _frame(url: str) -> dict[str, Any]:
    """Freeze as the office does; draw from bare ids, then from the file; hold; verify."""
    plan = Plan(
        title="bench", agency="3301", division="3301", checklists='{"*":"a"}', rate_num=3,
        rate_den=100, sites_min=1, opens_on=HELD.date(), closes_on=HELD.date(), created_by="bench",
        created_at=AT,
    )  # fmt: skip
    registers, imports = frames.load(plan, now=AT), _peak()
    engine = db.connect(url)
    started, begun = _seconds(), perf_counter()
    vars(frames)["Freezer"] = _Timed
    async with db.transaction(engine, write=False) as session:
        frozen = await frames.freeze(session, registers)
    commit, clock = _seconds() - started - _Timed.bare, perf_counter() - begun
    await engine.dispose()
    told = {
        "read": commit - _Timed.taken - _Timed.beside, "bare": _Timed.bare,
        "freeze": _Timed.taken, "beside": _Timed.beside, "clock": clock,
        "packed": len(frozen.packed) / 1e6, "peak_frozen": _peak(), "imports": imports,
    }  # fmt: skip
    task = msgspec.structs.replace(registers.task, sources={"dice:bench": Dice(10, 40)})
    eligible = frozen.counts["all"]["E"]
    told |= _draw_alone(frozen.packed, eligible) | {"peak_drawn": _peak()}
    with NamedTemporaryFile() as file:  # and as on another day, by a server that froze nothing
        file.write(frozen.packed)
        file.flush()
        told["peak_alone"] = _run("draw", file.name, eligible)["peak"]
    files, seconds = _timed(partial(_committed, task, frozen))
    told["commit"] = commit + seconds
    del frozen
    paired = _Paired()
    held, told["hold"] = _timed(
        lambda: bundle.hold(
            files, DICE, {}, now=HELD, by="bench", secret=SECRET, spread=paired.spread
        )
    )
    assert isinstance(held, bundle.Held)
    told["pair"] = paired.seconds
    files = held.files
    del held
    steps, told["verify"] = _timed(lambda: verify(files))
    assert all(step.ok is not False for step in steps), steps
    told["order"] = await _ordering(url)
    return told


async def _ordering(url: str) -> float:
    """Time by the clock what it takes the database to give a frame's rows in order."""
    engine, took = db.connect(url), list[float]()
    async with db.transaction(engine, write=False) as session:
        given = frames.objects("3301", engine.dialect.name)
        for query in (given.order_by(None), given) * 2:
            begun = perf_counter()
            async for _ in db.partitions(session, query, frame.BLOCK):
                pass
            took.append(perf_counter() - begun)
    await engine.dispose()
    return min(took[1::2]) - min(took[::2])


class _Paired:
    """Computes the tickets of inspectors here, and times it."""

    seconds = 0.0

    def spread(self, work: Callable[[A], B], parts: Sequence[A], /) -> Iterator[B]:
        for part in parts:
            done, seconds = _timed(partial(work, part))
            self.seconds += seconds
            yield done


def _draw_alone(packed: bytes, eligible: int) -> dict[str, float]:
    """Draw from bare ids, then out of the packed file."""
    primary = -(-eligible * 3 // 100)
    shares = {"all": draw.Share(eligible=eligible, primary=primary, reserves=-(-primary // 5))}
    bare = reading = 0.0

    def ids_alone() -> Iterator[tuple[bytes, str]]:
        nonlocal bare, reading
        source = bundle.eligible(packed)
        while True:
            started = process_time()
            block = list(islice(source, frame.BLOCK))
            if not block:
                return
            middle = process_time()
            for id, _ in block:
                sha256(id).digest()
            bare += process_time() - middle
            reading += middle - started
            yield from block

    lots, seconds = _timed(lambda: draw.select(SEED_HEX, ids_alone(), shares))
    first = hash(tuple(lots))
    del lots
    again, from_file = _timed(lambda: draw.select(SEED_HEX, bundle.eligible(packed), shares))
    assert first == hash(tuple(again))
    return {"bare_select": bare, "select": seconds - bare - reading, "again": from_file}


def _committed(task: TaskPaper, frozen: frame.Frame) -> bundle.Files:
    people = [
        RosterLine(
            inspector=f"沪A{n:05d}", department="食品科", region="3301", qualifications=(),
            cap=CAP, valid_from="2020-01-01", valid_to="2030-01-01", status="active",
        )
        for n in range(PAIRED * (1 + frozen.size // 5_000_000))
    ]  # fmt: skip
    return bundle.commit(
        task, frozen, people, [], draw_id="bench", seq=1, prev=GENESIS, nonce_commits={},
        not_before=AT, now=AT, by="bench", version="bench", secret=SECRET,
    )  # fmt: skip


# -- pairs ---------------------------------------------------------------------------------------

SHAPES = tuple(
    f"{who}/{seats}"
    for who in ("everybody", "own district", "other districts", "a random 100")
    for seats in ("two spare", "none spare")
)


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
    begun = perf_counter()
    caps = dict.fromkeys(roster, cap)
    others = dict[str, int]()

    def spread(work: Callable[[A], B], parts: Sequence[A], /) -> Iterator[B]:
        for done in processes.spread(work, parts):
            others.update(_others())
            yield done

    found, seconds = _timed(lambda: pair(SEED_HEX, roster, caps, positions, spread=spread))
    clock = perf_counter() - begun
    assert not isinstance(found, Bottleneck)
    peak = _peak() + sum(others.values()) / 1024
    return {
        "who": who, "seats": seats, "seconds": seconds, "bare": _bare_tickets(roster, positions),
        "clock": clock,
        "skipped": sum(len(seat.skipped) for seat in found), "peak": peak,
    }  # fmt: skip


def _others() -> Iterator[tuple[str, int]]:
    """Tell the most memory of each process that this one started, in kB.

    What the system counts for all of them begins with what this process held at their start.
    """
    for started in Path("/proc/self/task").glob("*/children"):
        for pid in started.read_text().split():
            status = Path(f"/proc/{pid}/status").read_text()
            yield pid, int(status.partition("VmHWM:")[2].split()[0])


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


def _options(kinds: Sequence[str]) -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[110_000])
    parser.add_argument("--database", nargs="+", choices=kinds, default=list(kinds))
    parser.add_argument("--folder", type=Path, help="where databases are kept")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
