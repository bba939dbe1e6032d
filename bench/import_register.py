"""Importing a register: time and memory, against a bare insert of the same columns."""

import asyncio
import csv
import random
import resource
import sqlite3
import subprocess
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec
import psutil
from _stage import AT, KINDS, ROOT, SEED, arguments, show, stage

from backend import db
from backend.auth import Officer
from backend.rules.identifiers import uscc_check
from backend.work import registers
from sync.ids import new_id

OWN = ROOT / "fixtures" / "mappings" / "own.toml"
HEADER = [
    "统一社会信用代码",
    "名称",
    "业态",
    "区划代码",
    "地址",
    "风险等级",
    "登记状态",
    "经度",
    "纬度",
]
COLUMNS = (
    "id", "code", "name", "category", "division", "address", "risk", "status", "status_raw",
    "longitude", "latitude", "datum", "risk_source", "key_object", "parent_code",
    "successor_code", "missing_since", "revision_id",
)  # fmt: skip
TABLE = f"""CREATE TABLE plain ({", ".join(f"{one} TEXT" for one in COLUMNS[1:9])},
    longitude DOUBLE PRECISION, latitude DOUBLE PRECISION, datum TEXT, risk_source TEXT,
    key_object BOOLEAN, parent_code TEXT, successor_code TEXT, missing_since TEXT,
    id TEXT PRIMARY KEY, revision_id TEXT NOT NULL)"""
INDEXES = (
    "CREATE UNIQUE INDEX uq_plain_code ON plain (code)",
    "CREATE INDEX ix_plain_category ON plain (category)",
    "CREATE INDEX ix_plain_division ON plain (division)",
    "CREATE INDEX ix_plain_merged ON plain (successor_code) WHERE successor_code <> ''",
    "CREATE INDEX ix_plain_frame ON plain (code, division, category, risk, status, "
    "successor_code, revision_id, key_object)",
)
CHUNK = 5_000
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
WORDS = "临河海川家和城东远洋福源永盛鑫旺佳美新民惠众通达"
KINDS_OF_SHOP = ("农贸市场", "冷库", "食品销售", "食品销售", "食品销售")
STATES = ("存续", "在业", "存续", "停业", "注销", "迁出", "吊销，未注销")
# Of 3,002,673 rows of a real registry, so many were odd (shared/data/README.md).
DIRT = {
    "row.columns-wrong": 9, "code.shape-none": 497, "row.duplicate": 172, "code.check-wrong": 228,
    "code.normalised": 236, "row.private-use": 344,
}  # fmt: skip


def main() -> None:
    options = _options()
    if options.child:
        print(msgspec.json.encode(_child(*options.child)).decode())
        return
    found: list[dict[str, Any]] = []
    with stage(tuple(options.database), options.folder) as (databases, folder):
        databases.prepare([])
        for rows in options.rows:
            path = folder / f"register-{rows}.csv"
            expected = generate(path, rows)
            for kind in options.database:
                url = databases.copy(kind)
                bare = _run(f"bare-{kind}", databases.copy(kind), path)
                first = _run("import", url, path)
                again = _run("import", url, path)
                told = first["codes"]
                between = _run("import", url, _one_renamed(path))
                after = _run("import", url, path)
                assert told == expected, (told, expected)
                assert (again["created"], again["changed"]) == (0, 0)
                assert (between["created"], between["changed"]) == (0, 1)
                assert (after["created"], after["changed"]) == (0, 1)
                runs = {"bare": bare, "first": first, "again": again, "after": after}
                found.append({"rows": rows, "database": kind, **runs})
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    show(
        "Import of a register, with all its dirt reported",
        ["database"],
        ["rows", "bare s", "import s", "ratio", "cpu ratio", "again s", "of first",
         "after another s", "of first", "of its cpu", "peak MB"],
        [
            [
                one["database"], f"{one['rows']:,}", f"{one['bare']['seconds']:.1f}",
                f"{one['first']['seconds']:.1f}",
                f"{one['first']['seconds'] / one['bare']['seconds']:.2f}",
                f"{one['first']['cpu'] / one['bare']['cpu']:.2f}",
                f"{one['again']['seconds']:.1f}",
                f"{one['again']['seconds'] / one['first']['seconds']:.0%}",
                f"{one['after']['seconds']:.1f}",
                f"{one['after']['seconds'] / one['first']['seconds']:.0%}",
                f"{one['after']['cpu'] / one['first']['cpu']:.0%}",
                f"{one['first']['peak']:.0f}",
            ]
            for one in found
        ],
    )  # fmt: skip


def generate(path: Path, rows: int) -> dict[str, int]:
    """Write a register shaped like a real one; return what an import must report."""
    chance = random.Random(SEED)
    dirt = {name: max(1, count * rows // 3_002_673) for name, count in DIRT.items()}
    places = iter(chance.sample(range(1, rows), sum(dirt.values())))
    odd = {place: name for name, count in dirt.items() for place in islice(places, count)}
    codes = Counter[str]()
    last: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n in range(rows):
            row = _row(chance, n)
            match odd.get(n, ""):
                case "row.columns-wrong":
                    row = row[:-2] if n % 9 == 0 else [*row, "", ""]
                    codes["row.columns-wrong"] += 1
                case "code.shape-none":
                    row[0] = f"33010{n:08}"
                case "row.duplicate":
                    row[0] = last[0]
                    codes["row.duplicate"] += 1
                case "code.check-wrong":
                    row[0] = row[0][:17] + ("0" if row[0][17] != "0" else "1")
                    codes["code.check-wrong"] += 1
                case "code.normalised":
                    row[0] = f" {row[0][:9]}\u200b{row[0][9:]}"
                    codes["code.normalised"] += 1
                case "row.private-use":
                    row[1] += "\ue5e5"
                    codes["row.private-use"] += 1
                case _:
                    last = row
            writer.writerow(row)
    return dict(sorted(codes.items()))


def _row(chance: random.Random, n: int) -> list[str]:
    digits = chance.random() < 0.236
    office = "91" if digits else chance.choice(("91", "92", "92"))
    body = f"{office}3301{chance.randrange(1, 13):02}" + (
        f"{n:09}" if digits else f"MA{n % 1_000_000:06}{'ABCDEFGH'[n // 1_000_000]}"
    )
    near = chance.random()
    return [
        body + uscc_check(body),
        f"{chance.choice(SURNAMES)}{chance.choice(WORDS)}{chance.choice(WORDS)}商行{n}",
        chance.choice(KINDS_OF_SHOP),
        body[2:8] if near < 0.9 else "330199",
        f"杭州市人民路{chance.randrange(1, 2000)}号{chance.randrange(1, 30)}幢",
        chance.choice("ABCD"),
        chance.choice(STATES),
        f"{120 + near / 2:.6f}" if near < 0.7 else "",
        f"{30 + near / 2:.6f}" if near < 0.7 else "",
    ]


# -- one measurement, in a process of its own ----------------------------------------------------


def _run(what: str, url: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", what, url, str(path)]
    answer = subprocess.run(command, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()[-3000:]
    told: dict[str, Any] = msgspec.json.decode(answer.stdout)
    return told


def _one_renamed(path: Path) -> Path:
    """Write a file of the first row only, under another name: a revision that lies between."""
    with path.open(encoding="utf-8", newline="") as file:
        header, row = islice(csv.reader(file), 2)
    row[1] += "二店"
    other = path.with_suffix(".one.csv")
    other.write_text(f"{','.join(header)}\n{','.join(row)}\n", "utf-8")
    return other


def _child(what: str, url: str, path: str) -> dict[str, Any]:
    begun = _cpu(url)
    match what:
        case "import":
            told = asyncio.run(_import(url, Path(path)))
        case "bare-sqlite":
            told = _bare_sqlite(url.partition(":///")[2], Path(path))
        case _:
            told = asyncio.run(_bare_postgresql(url.replace("+asyncpg", ""), Path(path)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return told | {"peak": peak, "cpu": _cpu(url) - begun}


def _cpu(url: str) -> float:
    """Give the seconds of processor time of this process, and of the server that it works with."""
    seconds = process_time()
    for server in [] if url.startswith("sqlite") else _servers(url):
        with suppress(psutil.NoSuchProcess):  # then its parent has what it used
            seconds += sum(server.cpu_times()[:4])
    return seconds


def _servers(url: str) -> list[psutil.Process]:
    """Find the processes of the server whose socket is in the folder that the URL names."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    return [*postmaster.children(), postmaster]


async def _import(url: str, path: Path) -> dict[str, Any]:
    engine = db.connect(url)
    officer = Officer(id="", name="bench", role="admin", division="")
    begun = perf_counter()
    with path.open("rb") as file:
        async with db.transaction(engine) as session:
            told = await registers.import_register(
                session, officer, "establishments", [(path.name, file)], OWN.read_bytes(), now=AT
            )
    seconds = perf_counter() - begun
    await engine.dispose()
    return {
        "seconds": seconds, "created": told.created, "changed": told.changed,
        "codes": {
            code: count for code, count in told.codes.items() if count
        },
    }  # fmt: skip


def _rows(path: Path) -> Iterator[tuple[Any, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            if len(row) != len(HEADER):
                continue
            east, north = (float(row[7]), float(row[8])) if row[7] else (None, None)
            yield (
                new_id(), row[0], row[1], row[2], row[3], row[4],
                row[5], row[6], row[6], east, north, "WGS-84", "", False, "", "", None, "r",
            )  # fmt: skip


def _bare_sqlite(name: str, path: Path) -> dict[str, Any]:
    with sqlite3.connect(name, isolation_level=None) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        for statement in (TABLE, *INDEXES):
            base.execute(statement)
        marks = ", ".join("?" for _ in COLUMNS)
        begun = perf_counter()
        base.execute("BEGIN IMMEDIATE")
        base.executemany(
            f"INSERT OR IGNORE INTO plain ({', '.join(COLUMNS)}) VALUES ({marks})", _rows(path)
        )
        base.execute("COMMIT")
        return {"seconds": perf_counter() - begun}


async def _bare_postgresql(url: str, path: Path) -> dict[str, Any]:
    base: Any = await asyncpg.connect(url)
    for statement in (TABLE, *INDEXES):
        await base.execute(statement)
    rows = _rows(path)
    begun = perf_counter()
    async with base.transaction():
        await base.execute("CREATE TEMP TABLE loaded (LIKE plain) ON COMMIT DROP")
        while some := list(islice(rows, CHUNK)):
            await base.copy_records_to_table("loaded", records=some, columns=COLUMNS)
        names = ", ".join(COLUMNS)
        await base.execute(
            f"INSERT INTO plain ({names}) SELECT {names} FROM loaded ON CONFLICT DO NOTHING"
        )
    seconds = perf_counter() - begun
    await base.close()
    return {"seconds": seconds}


def _options() -> Namespace:
    parser = arguments(__doc__, KINDS)
    parser.add_argument("--rows", type=int, nargs="+", default=[30_000, 300_000])
    parser.add_argument("--child", nargs=3, help="internal")
    return parser.parse_args()


if __name__ == "__main__":
    main()
