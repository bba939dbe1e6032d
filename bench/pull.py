"""How fast devices are told what is new (下行): real pulls over HTTP, sizes as on the wire.

Every database has a bucket of 10,000 rows and one of 1,000,000, of each of which a hundred changed
last; a full inspection; and a division of 110,000 establishments. What is compared is asked for in
turn, so that whatever else the machine does falls on both.
"""

import asyncio
import random
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from hashlib import sha256
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import msgspec
import sqlalchemy as sa
from _stage import AT, KINDS, SEED, Client, arguments, client, serving, show, stage
from _stage import SHAPES as OPERATIONS
from sqlmodel import SQLModel

from backend import db
from backend.auth import Officer
from backend.rules.identifiers import uscc_check
from backend.work import registers
from sync import codec, pages, squeeze
from sync.exchange import drive, exchange
from sync.messages import (
    VERSION,
    Clock,
    End,
    Enrolled,
    Pull,
    PushHead,
    Request,
    Response,
    decode_event,
)
from sync.ops import Answer, op_id
from sync.replica import Replica
from sync.sqlite_store import SqliteStore
from sync.versions import write_push_head

FEW, MANY, CHANGED = 10_000, 1_000_000, 100
CHUNK = 20_000
DIVISION = "330402"  # of the inspectors and of the sites of `_stage`
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
WORDS = "临河海川家和城东远洋福源永盛鑫旺佳美新民惠众通达华丰瑞祥安康宏泰兴隆金玉满堂春秋明月清风"
ROADS = "人民解放中山建设和平文化学院体育新华光明胜利友谊青年北京南京上海杭州江滨湖西山前站"
SHOPS = ("便利店", "餐饮店", "水果超市", "副食品商行", "农家乐", "小吃店", "烘焙坊", "药房", "冷库")


class Asker:
    """A connection that counts what goes over it in both directions, headers and all."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self.up = self.down = self.asked = 0

    def __call__(self, request: Request) -> Response:
        request = squeeze.packed(request)
        headers = {"accept-encoding": "gzip", **request.headers}
        self._connection.request(request.method, request.path, request.body, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status < 400, body.decode()
        self.asked += 1
        self.up += len(request.body) + sum(len(k) + len(v) + 4 for k, v in headers.items()) + 60
        self.down += len(body) + sum(len(k) + len(v) + 4 for k, v in answer.getheaders()) + 19
        if answer.getheader("content-encoding") == "gzip":
            body = squeeze.inflate(body, bytes_max=1 << 30, ratio_max=1 << 20)
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, told, body)


def main() -> None:
    options = _options()
    found: list[dict[str, Any]] = []
    with stage(tuple(options.database), options.folder) as (databases, folder):
        clients = [client(n, OPERATIONS["record"], pushes=1, size=1) for n in range(4)]
        day = client(9, OPERATIONS["item"], pushes=1, size=6 * 30)
        databases.prepare([*clients, day])
        for kind in options.database:
            url = databases.copy(kind)
            asyncio.run(_import(url, options))
            with serving(url, folder) as server:
                said = {"database": kind} | _first_load(
                    url, server.port, clients[3], options, server.cpu
                )
                first = asyncio.run(_fill(url, clients, options))
                found.append(said | _measure(server.port, first, clients, day, options, server.cpu))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    names = dict.fromkeys(name for one in found for name in one)
    rows = [[name, *(_shown(one.get(name, "")) for one in found)] for name in names]
    show("What a device is told", ["what"], [str(one["database"]) for one in found], rows)


def _measure(
    port: int,
    first: int,
    clients: list[Client],
    day: Client,
    options: Namespace,
    cpu: Callable[[], float],
) -> dict[str, Any]:
    few, many, full, _ = clients
    said: dict[str, Any] = {}
    end = _pull(Asker(port), few, Pull("", 0, ())).next
    asker = Asker(port)
    pulled, rounds, seconds, used = 0, 0, 0.0, cpu()
    pull, began = Pull("", 0, ()), perf_counter()
    while True:
        answer = _ask(asker, full, pull)
        lines = answer.body.count(b"\n") - 1
        last = decode_event(answer.body[answer.body.rfind(b"\n") + 1 :])
        assert isinstance(last, End)
        pulled, rounds = pulled + lines, rounds + 1
        have, part = _held(answer.body)
        pull = Pull(_epoch(answer.body), last.next, have, part=part)
        if have:
            break  # the establishments that follow are measured below
    seconds = perf_counter() - began
    said["full pages: records"] = pulled
    said["full pages: records/s"] = pulled / seconds
    said["full pages: server cpu ms a page"] = (cpu() - used) * 1000 / rounds
    said |= _changes(port, few, many, (first, end), options.rounds, cpu)
    said |= _day(port, day)
    return said


def _changes(
    port: int,
    few: Client,
    many: Client,
    places: tuple[int, int],
    rounds: int,
    cpu: Callable[[], float],
) -> dict[str, Any]:
    """Ask for the last hundred changes of either bucket, and for nothing new, in turn."""
    first, end = places
    asker, times = Asker(port), dict[str, list[float]]()
    wire = dict[str, int]()
    epoch = _epoch(_ask(asker, few, Pull("", 0, ())).body)
    have = {one.device: _have(one) for one in (few, many)}
    asked = (
        ("100 of 10,000", few, first + FEW),
        ("100 of 1,000,000", many, first + FEW + CHANGED + MANY),
        ("no change", many, end),
    )
    for _ in range(rounds):
        for name, who, cursor in asked:
            down, up = asker.down, asker.up
            began = perf_counter()
            answer = _ask(asker, who, Pull(epoch, cursor, have[who.device]))
            times.setdefault(name, []).append((perf_counter() - began) * 1000)
            wire[name], wire[f"{name} up"] = asker.down - down, asker.up - up
            told = answer.body.count(b'\n{"t":"put"')
            assert told == (0 if name == "no change" else CHANGED), (name, told)
    said: dict[str, Any] = {f"{name}: p50 ms": median(all_) for name, all_ in times.items()}
    for name, who, cursor in asked:
        before = cpu()
        for _ in range(rounds):
            _ask(asker, who, Pull(epoch, cursor, have[who.device]))
        said[f"{name}: server cpu ms"] = (cpu() - before) * 1000 / rounds
    said["1,000,000 to 10,000"] = said["100 of 1,000,000: p50 ms"] / said["100 of 10,000: p50 ms"]
    said["no change: bytes down"] = wire["no change"]
    said["no change: bytes up"] = wire["no change up"]
    return said


def _first_load(
    url: str, port: int, who: Client, options: Namespace, cpu: Callable[[], float]
) -> dict[str, Any]:
    """Let new devices read a division from nothing, the first time and when its file is there."""
    said: dict[str, Any] = {}
    with TemporaryDirectory(prefix="evenhand-", dir=options.folder) as folder:
        for name in ("first load, file made", "first load"):
            store = SqliteStore(Path(folder) / f"{name}.db")
            replica, asker = _replica(store, who, port), Asker(port)
            began, used, served = perf_counter(), process_time(), cpu()
            drive(exchange(replica), asker)
            said[f"{name}: s"] = perf_counter() - began
            said[f"{name}: cpu s of the device"] = process_time() - used
            said[f"{name}: cpu s of the server"] = cpu() - served
            said[f"{name}: MB down"] = asker.down / 1e6
            said[f"{name}: requests"] = asker.asked
            found, _ = store.sites_sum(f"d:{DIVISION}")
            assert found >= options.sites, found
        began = perf_counter()
        assert store.find_sites(["王", "店"], 20)
        said["search on the device: ms"] = (perf_counter() - began) * 1000
        asyncio.run(_rename(url))
        asker = Asker(port)
        for name in ("one changed", "then nothing"):
            asker, began = Asker(port), perf_counter()
            done = drive(exchange(replica), asker)
            said[f"{name}: ms"] = (perf_counter() - began) * 1000
            said[f"{name}: bytes down"] = asker.down
            assert (done.alarms, done.rounds) == (0, 1), done
        assert store.find_sites(["改名了的店"], 5)
    return said


def _day(port: int, who: Client) -> dict[str, Any]:
    """Push a day's work: six inspections, an operation for each of thirty items."""
    with TemporaryDirectory(prefix="evenhand-") as folder:
        replica, asker = _replica(SqliteStore(Path(folder) / "d.db"), who, port), Asker(port)
        drive(exchange(replica), Asker(port))  # what the office had to say, in the morning
        for signed in who.pushes:
            for row in signed.rows:
                fields = msgspec.json.decode(row[10])
                answers = {ref: Answer(**one) for ref, one in fields["f"].items()}
                _record(replica, fields["e"], answers)
        done = drive(
            exchange(
                replica,
            ),
            asker,
        )
        assert replica.unsent() == 0
    return {"a day: bytes up": asker.up, "a day: round trips": done.rounds,
            "a day: operations": done.sent}  # fmt: skip


def _record(replica: Replica, inspection: str, answers: dict[str, Answer]) -> None:
    from sync.ops import SetAnswers

    replica.record(inspection, lambda stamp: SetAnswers(f=answers, **stamp))


# -- devices -------------------------------------------------------------------------------------


def _replica(store: SqliteStore, who: Client, port: int) -> Replica:
    answer = _ask(Asker(port), who, None)
    _, _, _ = codec.open_header(answer.headers[codec.SIGNATURE_HEADER])
    enrolled = Enrolled(who.device, who.inspector, "李明", "1", _SERVER_KEY[0], "")
    ticks = iter(range(1, 1 << 40))
    at = 1_767_000_000_000

    def clock() -> Clock:
        tick = 9_000 * next(ticks)
        return Clock(at + tick, tick, "5d8f2a31-7c06-4b7e-9f57-2f5e5e0c7a11")

    replica = Replica(store, clock)
    replica.enrol(enrolled, server="", secret=who.secret)
    return replica


_SERVER_KEY = [""]


def _ask(asker: Asker, who: Client, pull: Pull | None) -> Response:
    genesis = codec.genesis(who.device)
    head = PushHead(
        v=VERSION, dev=who.device, first=1, count=0, prev=genesis, head=genesis,
        clock=Clock(w=1_767_000_000_000, m=1, boot="bench"), pull=pull,
    )  # fmt: skip
    body = write_push_head(head)
    header = codec.seal_body(who.secret, who.device, body)
    answer = asker(Request("POST", "/sync/v1", {codec.SIGNATURE_HEADER: header}, body))
    assert answer.status == 200, answer.body.decode()
    return answer


def _pull(asker: Asker, who: Client, pull: Pull) -> End:
    last = decode_event(_ask(asker, who, pull).body.rpartition(b"\n")[2])
    assert isinstance(last, End)
    return last


def _epoch(body: bytes) -> str:
    epoch: str = msgspec.json.decode(body.partition(b"\n")[0])["epoch"]
    return epoch


def _held(body: bytes) -> tuple[tuple[str, ...], dict[str, tuple[int, int]]]:
    """Read up to where the first bucket was told: whole, or in part."""
    start = body.find(b'\n{"t":"part"')
    told = msgspec.json.decode(body[start + 1 :].partition(b"\n")[0])
    if told["whole"]:
        return (told["b"],), {}
    return (), {told["b"]: (told["after"], told["since"])}


def _have(who: Client) -> tuple[str, ...]:
    return (f"d:{DIVISION}", f"i:{who.tasks[0]}")


# -- what is there -------------------------------------------------------------------------------


async def _import(url: str, options: Namespace) -> None:
    """Let there be a register, and the inspectors work in its division."""
    engine = db.connect(url)
    async with engine.begin() as connection:
        tables = SQLModel.metadata.tables
        key: str = (await connection.execute(sa.select(tables["head"].c.secret_key))).scalar_one()
        _SERVER_KEY[0] = codec.public_key(key)
        await connection.execute(sa.update(tables["inspector"]).values(division=DIVISION))
    async with db.transaction(engine) as session:
        officer = Officer("bench", "bench", "admin", "")
        files = [("sites.csv", _register(options.sites))]
        await registers.import_register(session, officer, "establishments", files, now=AT)
    async with db.transaction(engine) as session:
        files = [("licences.csv", _licences(options.sites))]
        later = AT + timedelta(hours=1)
        await registers.import_register(session, officer, "licences", files, now=later)
    await engine.dispose()


async def _fill(url: str, clients: list[Client], options: Namespace) -> int:
    """Fill three inspections, and give the place after which they were told.

    The establishments have their places before, so that nobody is told of them again.
    """
    few, many, full, _ = clients
    engine = db.connect(url)
    async with engine.begin() as connection:
        tables = SQLModel.metadata.tables
        found = await connection.execute(sa.select(tables["head"].c.feed_n))
        first = place = int(found.scalar_one())
        for who, rows in ((few, FEW), (many, MANY)):
            bucket, total, last = f"i:{who.tasks[0]}", 0, place + rows + CHANGED
            made = _rows(bucket, place, rows)
            while some := list(islice(made, CHUNK)):
                total += sum(pages.term("row", one["entity"], one["rev"]) for one in some)
                await connection.execute(sa.insert(tables["feed"]), some)
            await _sum(connection, bucket, rows, total, last)
            place = last
        place = await _entries(connection, full, place, options.records)
        await connection.execute(sa.update(tables["head"]).values(feed_n=place))
    if engine.dialect.name == "postgresql":
        async with engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.exec_driver_sql("VACUUM ANALYZE")
    await engine.dispose()
    return first


def _rows(bucket: str, place: int, rows: int) -> Iterator[dict[str, Any]]:
    """Make rows of a bucket in the order of their places; the last hundred changed once more."""
    for n in range(rows):
        seq = place + n + 1 if n < rows - CHANGED else place + n + 1 + CHANGED
        body = msgspec.json.encode({"n": n, "said": "冷库温度计校准记录", "x": n * 7919 % 10007})
        yield {"bucket": bucket, "kind": "row", "entity": f"{n:08}", "seq": seq,
               "rev": sha256(body).hexdigest(), "gone": False, "body": body}  # fmt: skip


async def _entries(connection: Any, who: Client, place: int, records: int) -> int:
    """Put operations of another device into the inspection of one, 1 kB of 30 answers each."""
    tables, bucket = SQLModel.metadata.tables, f"i:{who.tasks[0]}"
    other = client(20, OPERATIONS["record"], pushes=records // 200, size=200)
    inspector = (
        await connection.execute(sa.select(tables["inspector"].c.id).limit(1))
    ).scalar_one()
    await connection.execute(
        sa.insert(tables["device"]).values(
            id=other.device, inspector_id=inspector, label="b", public_key="0" * 64,
            enrolled_at=AT, head_hash="0" * 64, head_n=0, skew_ms=0,
        )
    )  # fmt: skip
    total, n = 0, 0
    for signed in other.pushes:
        values: list[dict[str, Any]] = []
        for row in signed.rows:
            n += 1
            total += pages.term("op", op_id(other.device, n), row[6])
            values.append({
                "device_id": other.device, "n": n, "position": 10**6 + n, "seq": place + n,
                "inspection_id": who.tasks[0], "kind": row[5], "hash": row[6], "root": row[7],
                "verdict": "ok", "why": "", "raw": row[10], "received_at": AT,
            })  # fmt: skip
        await connection.execute(sa.insert(tables["entry"]), values)
    await _sum(connection, bucket, n, total, place + n)
    return place + n


async def _sum(connection: Any, bucket: str, count: int, total: int, seq: int) -> None:
    await connection.execute(
        sa.insert(SQLModel.metadata.tables["bucket"]).values(
            name=bucket, count=count, total=total % 2**60, seq=seq, snapshot="",
            snapshot_size=0, snapshot_seq=0,
        )
    )  # fmt: skip


async def _rename(url: str) -> None:
    """Let one establishment have another name, as a change feed would."""
    engine = db.connect(url)
    async with db.transaction(engine) as session:
        officer = Officer("bench", "bench", "admin", "")
        record = {"code": _code(7), "name": "改名了的店"}
        later = AT + timedelta(hours=2)
        await registers.import_records(
            session, officer, "establishments", [record], source_name="bench", now=later
        )
    await engine.dispose()


def _register(count: int) -> Any:
    """Write a register whose names and addresses repeat no more than real ones do."""
    chance = random.Random(SEED)
    lines = ["code,name,category,division,address,risk"]
    for n in range(count):
        name = (
            f"{''.join(chance.choices(WORDS, k=2))}{chance.choice(SURNAMES)}"
            f"{''.join(chance.choices(WORDS, k=2))}{chance.choice(SHOPS)}"
        )
        address = (
            f"临河市城东区{''.join(chance.choices(ROADS, k=2))}路{chance.randrange(1, 999)}号"
            f"{chance.randrange(1, 30)}幢{chance.randrange(100, 2500)}室"
        )
        category = chance.choice(("catering", "food-sales", "food-sales", "market", "cold-store"))
        lines.append(f"{_code(n)},{name},{category},{DIVISION},{address},{chance.choice('ABCD')}")
    return _file(lines)


def _licences(count: int) -> Any:
    chance = random.Random(SEED + 1)
    lines = ["number,code,kind,issuer"]
    for n in range(count):
        if chance.random() < 0.7:
            number = f"JY{chance.randrange(1, 4)}{DIVISION}{n:06}{chance.randrange(10)}"
            lines.append(f"{number},{_code(n)},food-operation,临河市")
    return _file(lines)


def _file(lines: Iterable[str]) -> Any:
    from io import BytesIO

    return BytesIO("\n".join(lines).encode())


def _code(n: int) -> str:
    """Give a credit code: a person's or a company's, its middle as random as theirs."""
    middle = (n * 6_180_339 + SEED) % 10**7  # each once, in no order
    body = f"92{DIVISION}MA{middle:07}" if n % 3 else f"91{DIVISION}{middle:07}{n % 97:02}"
    return body + uscc_check(body)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _options() -> Namespace:
    parser = arguments("How fast devices are told what is new.", KINDS)
    parser.add_argument("--rounds", type=int, default=100, help="of each small pull")
    parser.add_argument("--records", type=int, default=20_000, help="in the full inspection")
    parser.add_argument("--sites", type=int, default=110_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
