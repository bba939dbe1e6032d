"""Client processes that wait at a line, then push or insert one slice of their batches each."""

import asyncio
import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, process_time, sleep
from typing import Any

import asyncpg
from _stage import COLUMNS, Client, Signed
from msgspec import Struct
from sqlalchemy import make_url

from sync.messages import decode_answer_head

Send = Callable[[Signed], int]  # gives how often it had to try again


class Slice(Struct, frozen=True):
    """What one slice took: from the first start to the last end, and each batch by itself."""

    operations: int
    seconds: float
    batches_ms: list[float]
    busy: int  # times that the server asked to try again
    cpu: float  # seconds of processor time of the processes that did it

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


class Crew:
    """One process for each client, doing one thing to its batches, a slice at a time."""

    def __init__(self, clients: list[Client], start: Callable[..., Send], *args: Any) -> None:
        context = get_context("fork")  # the batches are there already and need no pickling
        self._lines: list[Connection] = []
        self._processes = []
        for client in clients:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, client, start, args), daemon=True)
            process.start()
            theirs.close()
            self._lines.append(ours)
            self._processes.append(process)
        for line in self._lines:
            assert line.recv() == "ready"

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.send(None)
        for process in self._processes:
            process.join(10)

    def run(self, first: int, last: int) -> Slice:
        """Let every client do its batches from `first` up to `last`."""
        at = perf_counter() + 0.02  # the clock is the same in all processes of one machine
        for line in self._lines:
            line.send((at, first, last))
        done = [line.recv() for line in self._lines]
        for told in done:
            assert not isinstance(told, str), told
        ends = [end for end, *_ in done]
        return Slice(
            operations=sum(count for _, count, *_ in done),
            seconds=max(ends) - at,
            batches_ms=[ms for _, _, batches, *_ in done for ms in batches],
            busy=sum(busy for *_, busy, _ in done),
            cpu=sum(used for *_, used in done),
        )


def _work(line: Connection, client: Client, start: Callable[..., Send], args: Any) -> None:
    send = start(*args)
    line.send("ready")
    while (job := line.recv()) is not None:
        at, first, last = job
        while (wait := at - perf_counter()) > 0:
            sleep(wait)
        done, busy, batches, before = 0, 0, [], process_time()
        try:
            for signed in client.pushes[first:last]:
                began = perf_counter()
                busy += send(signed)
                batches.append((perf_counter() - began) * 1000)
                done += len(signed.rows)
        except Exception as error:
            line.send(f"{type(error).__name__}: {error}, in batch {first + len(batches)}")
            return
        line.send((perf_counter(), done, batches, busy, process_time() - before))


# -- what a client may do ------------------------------------------------------------------------


def pushing(port: int) -> Send:
    """Push over one kept connection, and insist on the acknowledgement."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(signed: Signed) -> tuple[int, bytes]:
        connection.request("POST", "/sync/v1", signed.body, {"sync-signature": signed.header})
        response = connection.getresponse()
        return response.status, response.read()

    def send(signed: Signed) -> int:
        busy = 0
        while (answer := ask(signed))[0] == HTTPStatus.SERVICE_UNAVAILABLE:
            busy += 1
        status, body = answer
        assert status == HTTPStatus.OK, body.decode()
        head = decode_answer_head(body.split(b"\n", 1)[0])
        assert head.ack.n == signed.last, head
        assert not head.notes, head.notes[:3]
        return busy

    return send


def inserting(url: str, table: str) -> Send:
    """Insert the rows with nothing but the driver: one executemany and one commit a batch."""
    return (_into_sqlite if url.startswith("sqlite") else _into_postgresql)(url, table)


def _into_sqlite(url: str, table: str) -> Send:
    path = make_url(url).database
    assert path is not None
    database = sqlite3.connect(path, isolation_level=None, timeout=60)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        database.execute(f"PRAGMA {pragma}")
    marks = ", ".join("?" * len(COLUMNS))
    statement = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({marks})"

    def send(signed: Signed) -> int:
        rows = [(*row[:-1], row[-1].replace(tzinfo=None).isoformat(" ")) for row in signed.rows]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(statement, rows)
        database.execute("COMMIT")
        return 0

    return send


def _into_postgresql(url: str, table: str) -> Send:
    loop = asyncio.new_event_loop()
    database = loop.run_until_complete(asyncpg.connect(plain(url)))
    marks = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
    statement = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES ({marks})"

    async def insert(rows: list[tuple[Any, ...]]) -> int:
        async with database.transaction():
            await database.executemany(statement, rows)
        return 0

    return lambda signed: loop.run_until_complete(insert(signed.rows))


def plain(url: str) -> str:
    """Take the driver's name out of a URL."""
    return url.replace("+asyncpg", "").replace("+psycopg", "")
