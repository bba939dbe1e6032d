"""Exporting a register, and feeding it with changes: time and memory, against bare statements."""

import asyncio
import csv
import io
import resource
import sqlite3
import subprocess
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any, cast

import asyncpg
import msgspec
from _stage import AT, KINDS, Kind, arguments, show, stage
from search import DIVISION, KINDS_OF_TRADE, MAKE, NUMBERS, PLACES, STREETS, WORDS

from backend import db
from backend.auth import Officer
from backend.rules.records import REGISTERS, written
from backend.work import changes, exports

OFFICER = Officer(id="", name="bench", role="admin", division="")
NAMES = ", ".join(REGISTERS["establishments"].stored)
EVERY = f"SELECT {NAMES} FROM establishment ORDER BY code"
BARE = "CREATE TABLE plain (code TEXT PRIMARY KEY, name TEXT, category TEXT, division TEXT)"
PUT = """INSERT INTO plain (code, name, category, division) VALUES ({marks})
    ON CONFLICT (code) DO UPDATE SET name = excluded.name"""
CHUNK = 2_000  # rows
POSTS = 60  # of one line each
LINES = 10_000  # of one long post


def main() -> None:
    options = _options()
    if options.child:
        print(msgspec.json.encode(_child(*options.child)).decode())
        return
    found: list[dict[str, Any]] = []
    with stage(tuple(options.database), options.folder) as (databases, _):
        databases.prepare([])
        for rows in options.rows:
            for kind in options.database:
                url = databases.copy(kind)
                asyncio.run(_fill(url, kind, rows))
                one: dict[str, Any] = {"database": kind, "rows": rows}
                for what in ("bare", "csv", "ndjson", "feed"):
                    one[what] = _run(what, url)
                found.append(one)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    show(
        "Export of a register as CSV, against csv.writer over the same rows",
        ["database"],
        ["rows", "bare s", "csv s", "ratio", "first byte s", "peak MB", "ndjson s", "bare MB"],
        [
            [
                one["database"], f"{one['rows']:,}", f"{one['bare']['seconds']:.1f}",
                f"{one['csv']['seconds']:.1f}",
                f"{one['csv']['seconds'] / one['bare']['seconds']:.2f}",
                f"{one['csv']['first']:.2f}", f"{one['csv']['peak']:.0f}",
                f"{one['ndjson']['seconds']:.1f}", f"{one['bare']['peak']:.0f}",
            ]
            for one in found
        ],
    )  # fmt: skip
    show(
        "A change feed into the register, against bare upserts into a table of four columns",
        ["database"],
        ["rows", "one line ms", "bare ms", "ratio", f"{LINES:,} lines, rows/s", "bare", "ratio"],
        [
            [
                one["database"], f"{one['rows']:,}", f"{feed['one']:.1f}", f"{feed['bare']:.2f}",
                f"{feed['one'] / feed['bare']:.0f}", f"{LINES / feed['many']:,.0f}",
                f"{LINES / feed['bare_many']:,.0f}", f"{feed['many'] / feed['bare_many']:.1f}",
            ]
            for one in found
            for feed in [one["feed"]]
        ],
    )  # fmt: skip


async def _fill(url: str, kind: Kind, rows: int) -> None:
    engine = db.connect(url)
    make = MAKE.format(
        division=DIVISION.format(province=rows // 31 + 1), places=PLACES, words=WORDS,
        trades=KINDS_OF_TRADE, streets=STREETS,
    )  # fmt: skip
    async with engine.begin() as connection:
        await connection.exec_driver_sql(NUMBERS[kind].format(rows=rows) + make)
    async with engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.exec_driver_sql("VACUUM ANALYZE" if kind == "postgresql" else "ANALYZE")
    await engine.dispose()


# -- one measurement, in a process of its own ----------------------------------------------------


def _run(what: str, url: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", what, url]
    answer = subprocess.run(command, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()[-3000:]
    told: dict[str, Any] = msgspec.json.decode(answer.stdout)
    return told


def _child(what: str, url: str) -> dict[str, Any]:
    match what:
        case "bare":
            told = asyncio.run(_bare(url))
        case "feed":
            told = asyncio.run(_feed(url))
        case _:
            told = asyncio.run(_export(url, cast(exports.Format, what)))
    return told | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


async def _export(url: str, format: exports.Format) -> dict[str, Any]:
    engine = db.connect(url)
    begun, first, size = perf_counter(), 0.0, 0
    async with db.transaction(engine, write=False) as session:
        export = await exports.export_register(session, OFFICER, "establishments", format)
    async for piece in export.pieces:
        if size > 3_000 and not first:  # past the header
            first = perf_counter() - begun
        size += len(piece)
    seconds = perf_counter() - begun
    await engine.dispose()
    return {"seconds": seconds, "first": first, "bytes": size}


async def _bare(url: str) -> dict[str, Any]:
    begun, size = perf_counter(), 0
    async for some in _every(url):
        text = io.StringIO(newline="")
        csv.writer(text).writerows(some)
        size += len(text.getvalue().encode())
    return {"seconds": perf_counter() - begun, "bytes": size}


async def _every(url: str) -> AsyncIterator[Sequence[Any]]:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition(":///")[2]) as base:
            cursor = base.execute(EVERY)
            while some := cursor.fetchmany(CHUNK):
                yield some
        return
    base: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    async with base.transaction():
        cursor = await base.cursor(EVERY)
        while some := await cursor.fetch(CHUNK):
            yield some
    await base.close()


async def _feed(url: str) -> dict[str, Any]:
    engine = db.connect(url)
    ones: list[float] = []
    for n in range(POSTS + 1):
        ones.append(await _post(engine, [n]))
    many = await _post(engine, range(POSTS + 1, POSTS + 1 + LINES))
    await engine.dispose()
    bare, bare_many = await _bare_puts(url)
    return {"one": median(ones[1:]) * 1000, "many": many, "bare": bare * 1000,
            "bare_many": bare_many}  # fmt: skip


async def _post(engine: Any, numbers: Sequence[int]) -> float:
    body = b"\n".join(map(_line, numbers))
    begun = perf_counter()
    async with db.transaction(engine) as session:
        done = await changes.apply_changes(session, OFFICER, body, now=AT)
    seconds = perf_counter() - begun
    assert done.applied == len(numbers), done
    return seconds


def _line(n: int) -> bytes:
    """Write an event: of a new establishment, as most are."""
    code, name, category, division = _shop(n)
    fields = {"code": code, "name": name, "category": category, "division": division}
    return msgspec.json.encode(
        {
            "source": "bench", "id": str(n), "register": "establishments", "kind": "created",
            "at": written(AT - timedelta(days=1)), "fields": fields,
        }
    )  # fmt: skip


def _shop(n: int) -> tuple[str, str, str, str]:
    return f"F{n:08}", f"海川冷库{n}", "cold-store", "330106"


async def _bare_puts(url: str) -> tuple[float, float]:
    many = [_shop(n) for n in range(POSTS, POSTS + LINES)]
    ones: list[float] = []
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition(":///")[2], isolation_level=None) as base:
            base.execute("PRAGMA synchronous = FULL")
            base.execute(BARE)
            put = PUT.format(marks="?, ?, ?, ?")
            for n in range(POSTS):
                begun = perf_counter()
                base.execute(put, _shop(n))
                ones.append(perf_counter() - begun)
            begun = perf_counter()
            base.execute("BEGIN IMMEDIATE")
            base.executemany(put, many)
            base.execute("COMMIT")
            return median(ones), perf_counter() - begun
    base_: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    await base_.execute(BARE)
    put = PUT.format(marks="$1, $2, $3, $4")
    for n in range(POSTS):
        begun = perf_counter()
        await base_.execute(put, *_shop(n))
        ones.append(perf_counter() - begun)
    begun = perf_counter()
    async with base_.transaction():
        await base_.executemany(put, many)
    seconds = perf_counter() - begun
    await base_.close()
    return median(ones), seconds


def _options() -> Namespace:
    parser = arguments(__doc__, KINDS)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 300_000])
    parser.add_argument("--child", nargs=2, help="internal")
    return parser.parse_args()


if __name__ == "__main__":
    main()
