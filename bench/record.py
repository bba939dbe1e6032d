"""How fast a device records (记录): one answer, durable on return, against a bare durable insert.

A checklist of 300 items; a visit that just began, one with 500 operations, and one on a phone that
holds 20,000 of other visits; plain and encrypted. An answer and a bare insert of its bytes take
turns. Also the fold of 300 items and 500 operations.
"""

import sqlite3
import sys
from argparse import Namespace
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time

import msgspec
from _stage import arguments, form, show, stage, sync_ms
from msgspec import Struct

from sync import checklist, codec
from sync.checklist import Checklist
from sync.merge import Recorded, fold
from sync.messages import Clock, Enrolled
from sync.ops import Answer, SetAnswers, op_id
from sync.replica import Replica
from sync.sqlite_store import SqliteStore
from sync.store import Mine, Row

ITEMS = 300
OPS = 500
ELSEWHERE = 20_000
KEYS = {"plain": "", "encrypted": "a passphrase of some length"}


class Result(Struct, frozen=True):
    """One line of the table: medians of single answers."""

    storage: str
    visit: int  # operations on the inspection before
    elsewhere: int  # and on others
    bare_ms: float
    p50_ms: float
    p95_ms: float
    ratio: float
    cpu_ms: float


def main() -> None:
    options = _options()
    with stage((), options.folder) as (_, folder):
        disk = sync_ms(folder)
        results = [
            _measured(folder / f"{storage}-{visit}-{elsewhere}", storage, visit, elsewhere, options)
            for storage in KEYS
            for visit, elsewhere in ((0, 0), (OPS, 0), (OPS, ELSEWHERE))
        ]
    folded = _fold_ms()
    if options.json:
        facts = {"sync_ms": round(disk, 3), "fold_ms": round(folded, 3), "results": results}
        sys.stdout.buffer.write(msgspec.json.encode(facts) + b"\n")
        return
    show(
        f"record(), {ITEMS} items; a durable write takes {disk:.3f} ms;"
        f" the fold of {OPS} operations takes {folded:.2f} ms of processor",
        ["storage"],
        ["operations here", "elsewhere", "bare ms", "p50 ms", "p95 ms", "to bare", "cpu ms"],
        [
            [r.storage, str(r.visit), f"{r.elsewhere:,}", f"{r.bare_ms:.3f}", f"{r.p50_ms:.3f}",
             f"{r.p95_ms:.3f}", f"{r.ratio:.1f}", f"{r.cpu_ms:.3f}"]
            for r in results
        ],
    )  # fmt: skip


def _measured(folder: Path, storage: str, visit: int, elsewhere: int, options: Namespace) -> Result:
    folder.mkdir()
    store = SqliteStore(folder / "device.db", key=KEYS[storage])
    body = _form()
    replica = _device(store, body)
    with store.transaction():
        for n in range(elsewhere):
            _append(store, f"t{n // 100}", n + 1)
    answers = cycle((item.ref, _good(item.kind)) for item in body.items)

    def record() -> Mine:
        ref, good = next(answers)
        return replica.answer("visit", {ref: good})

    for _ in range(visit or 20):  # the first few also warm up
        record()
    bare = _bare(folder / "bare.db")
    took: list[float] = []
    bares: list[float] = []
    used = 0.0
    for _ in range(options.times):
        before, started = process_time(), perf_counter()
        mine = record()
        took.append((perf_counter() - started) * 1000)
        used += process_time() - before
        started = perf_counter()
        bare(mine.raw)
        bares.append((perf_counter() - started) * 1000)
    store.close()
    p50, p95 = median(took), quantiles(took, n=20)[-1]
    ratio, cpu = p50 / median(bares), used * 1000 / options.times
    return Result(storage, visit, elsewhere, median(bares), p50, p95, ratio, cpu)


def _bare(path: Path) -> Callable[[bytes], object]:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, raw BLOB)")
    return lambda raw: database.execute("INSERT INTO log (raw) VALUES (?)", (raw,))


def _device(store: SqliteStore, body: Checklist) -> Replica:
    secret = codec.new_key()
    replica = Replica(store, lambda: Clock(w=1, m=1, boot="bench"))
    enrolled = Enrolled("d1", "p1", "bench", "33-0001", "", "", codec.public_key(secret))
    replica.enrol(enrolled, server="", secret=secret)
    digest = checklist.digest(body)
    with store.transaction():
        store.put_row(Row("c", "checklist", digest, "r", checklist.canonical(body)))
        task = msgspec.json.encode({"id": "visit", "checklist": digest})
        store.put_row(Row("i:visit", "task", "visit", "r", task))
    return replica


def _append(store: SqliteStore, inspection: str, n: int) -> None:
    raw = msgspec.json.encode(_answer(inspection, str(n % ITEMS), n))
    store.append(Mine(n, inspection, codec.link("", raw), raw))


def _answer(inspection: str, ref: str, n: int) -> SetAnswers:
    return SetAnswers(f={ref: Answer("pass")}, n=n, e=inspection, w=1, m=1, boot="bench")


def _fold_ms() -> float:
    """Fold 500 operations on 300 items, of two devices."""
    known = [
        Recorded(
            op_id(f"d{n % 2}", n), codec.link("", b"%d" % n), "p1", _answer("t", str(n % ITEMS), n)
        )
        for n in range(1, OPS + 1)
    ]
    times: list[float] = []
    for _ in range(50):
        before = process_time()
        fold(known)
        times.append((process_time() - before) * 1000)
    return median(times)


def _form() -> Checklist:
    own = form()
    items = cycle(own.items)
    many = tuple(
        msgspec.structs.replace(next(items), ref=str(number)) for number in range(1, ITEMS + 1)
    )
    return msgspec.structs.replace(
        own, sections=(msgspec.structs.replace(own.sections[0], items=many),)
    )


def _good(kind: str) -> Answer:
    return Answer("-18.0" if kind == "temperature" else "pass")


def _options() -> Namespace:
    parser = arguments("How fast a device records, against bare inserts.")
    parser.add_argument("--times", type=int, default=300)
    return parser.parse_args()


if __name__ == "__main__":
    main()
