"""The write-ahead log grows and is copied, by whoever wrote, while nobody else can write."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db
from backend.sqlite_thread import LOG_PAGES, SqliteThread
from sync import wal
from sync.sqlite_store import SqliteStore
from sync.store import Mine

PAGE = bytes(4000)


def opened(path: Path, timeout: float = 0) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE IF NOT EXISTS page (body BLOB)")
    return connection


def fill(connection: sqlite3.Connection, pages: int) -> None:
    connection.executemany("INSERT INTO page VALUES (?)", [(PAGE,)] * pages)


def in_database(path: Path) -> int:
    """Count the pages that are in the database without its log."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as alone:
        found: int = alone.execute("SELECT count(*) FROM page").fetchone()[0]
        return found


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 3), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_the_versions_with_the_bug_are_known(version: tuple[int, ...], safe: bool) -> None:
    assert wal.safe(version) is safe
    assert ("guarded" in wal.library(version)) is not safe


def test_a_log_is_due_from_a_number_of_pages_on_and_not_again_after_it_was_started_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "some.db"
    before = wal.due(path, 50)

    with closing(opened(path)) as one:
        fill(one, 3)
        early = wal.due(path, 50)
        fill(one, 60)
        late = wal.due(path, 50)
        copied = wal.checkpoint(one, path)
        fill(one, 1)  # starts it over; the file stays as long as it was
        again = wal.due(path, 50)

    assert (before, early, late, copied, again) == (False, False, True, True, False)


def test_while_a_log_is_copied_nobody_can_write(tmp_path: Path) -> None:
    path, tried = tmp_path / "some.db", list[str]()
    with closing(opened(path)) as one, closing(opened(path)) as other:
        fill(one, 20)

        def try_to_write(statement: str) -> None:
            if "checkpoint" in statement:
                with pytest.raises(sqlite3.OperationalError) as locked:
                    fill(other, 1)
                tried.append(str(locked.value))

        one.set_trace_callback(try_to_write)
        copied = wal.checkpoint(one, path)
        fill(other, 1)

    assert copied
    assert tried == ["database is locked"]


def test_while_someone_writes_no_log_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(opened(path)) as one, closing(opened(path)) as other:
        fill(one, 20)
        before = in_database(path) if path.stat().st_size > 4096 else 0
        other.execute("BEGIN IMMEDIATE")

        copied = wal.checkpoint(one, path)

        other.execute("ROLLBACK")
        size = path.stat().st_size
    assert (copied, before, size) == (False, 0, 4096)


def test_a_log_that_cannot_be_copied_fails_nobody(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "some.db")) as one:
        fill(one, 20)

        assert not wal.checkpoint(one, tmp_path / "no such folder" / "some.db")


# -- the server ----------------------------------------------------------------------------------

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def bare(session: db.Session) -> SqliteThread:
    connection = await (await session.connection()).get_raw_connection()
    assert isinstance(connection.driver_connection, SqliteThread)
    return connection.driver_connection


async def write(engine: AsyncEngine, work: Callable[[sqlite3.Connection], object]) -> None:
    async with db.transaction(engine) as session:
        await db.at_once(session, work)


@on_sqlite
async def test_a_server_copies_a_long_log_and_only_a_long_one(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = tmp_path / "evenhand.db"
    await write(engine, lambda raw: raw.execute("CREATE TABLE page (body BLOB)"))

    half, more = LOG_PAGES // 2, LOG_PAGES * 6 // 10
    await write(engine, lambda raw: fill(raw, half))
    short = path.stat().st_size
    await write(engine, lambda raw: fill(raw, more))
    long = path.stat().st_size

    assert long > short + LOG_PAGES * 4096
    assert in_database(path) == half + more


@on_sqlite
async def test_on_a_sqlite_with_the_bug_no_connection_of_a_server_checkpoints_by_itself(
    engine: AsyncEngine,
) -> None:
    async with db.transaction(engine, write=False) as session:
        pages = await db.at_once(session, lambda raw: raw.execute("PRAGMA wal_autocheckpoint"))
        found = pages.fetchone()

    assert found == (LOG_PAGES if wal.safe() else 0,)


@on_sqlite
async def test_the_next_writer_begins_when_the_commit_before_it_is_over(
    engine: AsyncEngine,
) -> None:
    tried, early, begins = Event(), list[bool](), list[str]()

    def watch(statement: str) -> None:
        if statement == "COMMIT" and len(begins) == 1:
            early.append(tried.wait(0.3))
        if statement.strip() == "BEGIN IMMEDIATE":
            begins.append(statement)
            if len(begins) == 2:
                tried.set()

    async def writer() -> None:
        async with db.transaction(engine) as session:
            await db.at_once(session, lambda raw: raw.execute("SELECT 1").fetchall())

    async with (
        db.transaction(engine, write=False) as one,
        db.transaction(engine, write=False) as two,
    ):
        for session in (one, two):  # both connections are watched
            await (await bare(session)).at_once(lambda raw: raw.set_trace_callback(watch))
    begins.clear()
    early.clear()
    await asyncio.gather(writer(), writer())

    assert early == [False]
    assert len(begins) == 2


@on_sqlite
async def test_a_commit_that_fails_gives_the_turn_away(engine: AsyncEngine) -> None:
    def deny(raw: sqlite3.Connection) -> None:
        raw.execute("PRAGMA defer_foreign_keys = ON")
        raw.execute("INSERT INTO token (digest, account_id, expires_at) VALUES ('a', 'none', '')")

    with pytest.raises(Exception, match="FOREIGN KEY"):
        await write(engine, deny)
    await asyncio.wait_for(write(engine, lambda raw: raw.execute("SELECT 1")), 3)

    async with db.transaction(engine, write=False) as session:
        tokens = await db.at_once(
            session, lambda raw: raw.execute("SELECT count(*) FROM token").fetchone()
        )
    assert tokens == (0,)


# -- a device ------------------------------------------------------------------------------------


def test_a_device_copies_a_long_log_too(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    store = SqliteStore(path)

    for n in range(1, 1101):
        with store.transaction():
            store.append(Mine(n, "t1", "h", PAGE))
    before = path.stat().st_size

    assert before > 1000 * 4096 / 2
    assert not wal.due(path)
    store.close()
