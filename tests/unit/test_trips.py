"""As few trips to the database as the work takes, and what they must not lose on the way."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from threading import Event, get_ident

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import func, select

from backend import db
from backend.tables import Blob
from backend.work import ledger

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ENDS = "SELECT pg_terminate_backend(pg_backend_pid())"
STORED = """INSERT INTO blob (sha256, size, stored_at, mime, flag, facts, unhashed)
VALUES ($1, $2, $3, '', '', '', FALSE) ON CONFLICT DO NOTHING"""


async def blobs(engine: AsyncEngine) -> int:
    ((found,),) = await db.glance(engine, "SELECT count(*) FROM blob")
    return int(found)


async def count(session: db.Session) -> int:
    return (await session.exec(select(func.count()).select_from(Blob))).one()


async def store(session: db.Session, digest: str) -> None:
    session.add(Blob(sha256=digest, size=1, mime="", stored_at=AT))
    await session.flush()


async def test_a_statement_alone_is_committed_and_counted(engine: AsyncEngine) -> None:
    assert await db.alone(engine, STORED, "a", 1, AT) == 1
    assert await db.alone(engine, STORED, "a", 1, AT) == 0
    assert await blobs(engine) == 1


async def test_a_statement_alone_writes_a_moment_as_everybody_does(engine: AsyncEngine) -> None:
    await db.alone(engine, STORED, "a", 1, AT)
    async with db.transaction(engine) as session:
        await store(session, "b")

    ((found,),) = await db.glance(engine, "SELECT count(DISTINCT stored_at) FROM blob")

    assert found == 1


async def test_a_statement_alone_that_fails_leaves_nothing_and_holds_nothing(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(Exception, match=r"(?i)null"):
        await db.alone(engine, STORED, "a", None, AT)

    assert await asyncio.wait_for(db.alone(engine, STORED, "b", 1, AT), 3) == 1
    assert await blobs(engine) == 1


@on_sqlite
async def test_a_statement_alone_whose_commit_fails_holds_nothing_when_the_next_has_its_turn(
    engine: AsyncEngine,
) -> None:
    async with db.transaction(engine) as session:
        for statement in (
            "CREATE TABLE one (id INTEGER PRIMARY KEY)",
            "CREATE TABLE many (one INTEGER REFERENCES one DEFERRABLE INITIALLY DEFERRED)",
        ):
            await (await session.connection()).exec_driver_sql(statement)

    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, db.SqliteThread)
        with pytest.raises(Exception, match="FOREIGN KEY"):
            await driver.alone("INSERT INTO many VALUES (?)", [1])
        held = driver.in_transaction

    assert not held


async def test_statements_alone_and_transactions_take_turns(engine: AsyncEngine) -> None:
    async def whole(n: int) -> None:
        async with db.transaction(engine) as session:
            await store(session, f"t{n}")

    writing = [whole(n) for n in range(10)]
    await asyncio.gather(*writing, *(db.alone(engine, STORED, f"a{n}", 1, AT) for n in range(10)))

    assert await blobs(engine) == 20


async def test_a_statement_alone_that_waits_too_long_asks_to_come_again(
    engine: AsyncEngine,
) -> None:
    hurried = db.connect(engine.url, busy_ms=50)

    async with db.transaction(hurried) as session:
        await store(session, "a")
        with pytest.raises(Exception, match=r".") as refused:
            await db.alone(hurried, STORED, "a", 1, AT)
    assert db.busy(refused.value)
    assert await db.alone(hurried, STORED, "a", 1, AT) == 0
    await hurried.dispose()


async def fail_late(hurried: AsyncEngine, other: AsyncEngine) -> None:
    async with db.transaction(hurried) as session:
        async with db.transaction(other) as holding:
            await store(holding, "a")
            with pytest.raises(DBAPIError, match="locked"):
                await session.exec(text("SELECT 1"))  # type: ignore[call-overload]
        await store(session, "b")
        raise ZeroDivisionError


@on_sqlite
async def test_nothing_is_written_outside_a_transaction_that_could_not_begin_at_first(
    engine: AsyncEngine,
) -> None:
    """Another process may hold the lock, which the queue of this one does not see."""
    other, hurried = db.connect(engine.url), db.connect(engine.url, busy_ms=50)

    with pytest.raises(ZeroDivisionError):
        await fail_late(hurried, other)

    assert await blobs(engine) == 1  # of `other`
    assert await db.alone(hurried, STORED, "c", 1, AT) == 1
    await other.dispose()
    await hurried.dispose()


async def test_a_statement_alone_writes_where_somebody_only_read(engine: AsyncEngine) -> None:
    for n in range(3):
        async with db.transaction(engine, write=False) as session:
            await session.exec(text("SELECT 1"))  # type: ignore[call-overload]
        assert await db.alone(engine, STORED, f"a{n}", 1, AT) == 1


async def test_whoever_only_reads_cannot_write_after_a_writer_that_did_nothing(
    engine: AsyncEngine,
) -> None:
    async with db.transaction(engine) as session:
        await session.connection()

    with pytest.raises(DBAPIError, match=r"read-?only"):
        async with db.transaction(engine, write=False) as session:
            await store(session, "a")

    assert await blobs(engine) == 0


async def fail(engine: AsyncEngine, *, write: bool) -> None:
    async with db.transaction(engine, write=write) as session:
        await session.connection()
        raise ZeroDivisionError


async def test_a_transaction_in_which_nothing_is_done_is_over_when_it_ends(
    engine: AsyncEngine,
) -> None:
    for write in (True, False, True):
        async with db.transaction(engine, write=write) as session:
            await session.connection()
        with pytest.raises(ZeroDivisionError):
            await fail(engine, write=write)

    assert await db.alone(engine, STORED, "a", 1, AT) == 1
    async with db.transaction(engine, write=False) as session:
        raw = await (await session.connection()).get_raw_connection()
        driver = raw.driver_connection
        if isinstance(driver, db.SqliteThread):
            assert not driver.in_transaction
    assert await blobs(engine) == 1


async def test_one_that_writes_later_stands_in_nobodys_way_until_it_holds(
    engine: AsyncEngine,
) -> None:
    async with db.transaction(engine, later=True) as session:
        before = await count(session)
        assert await asyncio.wait_for(db.alone(engine, STORED, "a", 1, AT), 3) == 1
        await db.hold(session)
        held = await count(session)
        await store(session, "b")
        await db.hold(session)

    assert (before, held, await blobs(engine)) == (0, 1, 2)


async def driver(engine: AsyncEngine) -> asyncpg.Connection:
    """Give what the engine lends next."""
    async with engine.connect() as connection:
        lent = (await connection.get_raw_connection()).driver_connection
        assert isinstance(lent, asyncpg.Connection)
        return lent


async def end_within(engine: AsyncEngine) -> None:
    async with db.transaction(engine) as session:
        await store(session, "a")
        await session.exec(text(ENDS))  # type: ignore[call-overload]


@on_postgresql
async def test_a_glance_costs_one_trip(engine: AsyncEngine) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()
    (await driver(engine)).add_query_logger(lambda told: asked.put_nowait(told.query))

    for n in (1, 2):
        await db.glance(engine, f"SELECT {n}")

    for n in (1, 2):
        assert await asyncio.wait_for(asked.get(), 20) == f"SELECT {n}"


@on_postgresql
async def test_who_comes_after_the_database_was_started_anew_notices_nothing(
    engine: AsyncEngine,
) -> None:
    closed, lent = asyncio.Event(), await driver(engine)
    lent.add_termination_listener(lambda _: closed.set())
    other = db.connect(engine.url)

    asked = "SELECT pg_terminate_backend($1)", lent.get_server_pid()
    ((ended,),) = await db.glance(other, *asked)
    await asyncio.wait_for(closed.wait(), 20)
    stored = await db.alone(engine, STORED, "a", 1, AT)
    await other.dispose()

    assert (ended, stored, await blobs(engine)) == (True, 1, 1)


@on_postgresql
async def test_whose_transaction_the_database_ends_is_asked_to_come_again(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(DBAPIError) as within:
        await end_within(engine)
    with pytest.raises(asyncpg.PostgresError) as alone:
        await db.glance(engine, ENDS)

    assert db.busy(within.value)
    assert db.busy(alone.value)
    assert await blobs(engine) == 0


async def ask_after_the_end(engine: AsyncEngine) -> None:
    async with db.transaction(engine) as session:
        await ledger.ask(session, ("SELECT 1", ()))
        await ledger.ask(session, (ENDS, ()))


@on_postgresql
async def test_whose_transaction_ends_under_the_driver_is_asked_to_come_again(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(DBAPIError) as ended:
        await ask_after_the_end(engine)

    assert db.busy(ended.value)
    assert await db.alone(engine, STORED, "a", 1, AT) == 1


async def store_and_fail(engine: AsyncEngine) -> None:
    async with db.transaction(engine) as session:
        await ledger.ask(session, (STORED, ("a", 1, AT)), (STORED, ("b", 1, AT)))
        raise ZeroDivisionError


async def test_what_the_driver_is_asked_is_part_of_the_sessions_transaction(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await store_and_fail(engine)
    rolled_back = await blobs(engine)
    async with db.transaction(engine) as session:
        await ledger.ask(session, (STORED, ("c", 1, AT)), (STORED, ("d", 1, AT)))

    assert (rolled_back, await blobs(engine)) == (0, 2)


async def test_a_session_goes_on_with_the_connection_of_its_next_transaction(
    engine: AsyncEngine,
) -> None:
    """Between two transactions the first one's connection may be somebody else's."""
    async with db.transaction(engine, write=False) as session:
        first = await db.driver(session)
        assert await db.driver(session) is first
        await session.commit()
        async with engine.connect() as connection:
            assert (await connection.get_raw_connection()).driver_connection is first
            second = await db.driver(session)

    assert second is not first


def where(_: sqlite3.Connection) -> int:
    return get_ident()


@on_sqlite
async def test_what_is_brief_takes_no_visit(engine: AsyncEngine) -> None:
    async with db.transaction(engine) as session:
        assert await db.at_once(session, where, brief=True) == get_ident()
        assert await db.at_once(session, where) != get_ident()


@on_sqlite
@pytest.mark.parametrize("later", [True, False])
async def test_nobody_is_held_up_while_what_is_brief_waits_for_another_process(
    engine: AsyncEngine, later: bool
) -> None:
    other = db.connect(engine.url)  # which has a queue of its own
    here: list[str] = []

    def watch(said: str) -> None:
        if get_ident() == thread:
            here.append(said)

    async def write() -> int:
        async with db.transaction(engine, later=later) as session:
            (await db.driver(session))._conn.set_trace_callback(watch)
            await db.hold(session)
            return await db.at_once(session, where, brief=True)

    thread = get_ident()
    async with db.transaction(other) as holding:
        await store(holding, "a")
        writing = asyncio.create_task(write())
        while not here:
            await count(holding)
        assert not writing.done()

    assert await writing != thread
    waits = [said.removeprefix("PRAGMA busy_timeout = ") for said in here]
    assert waits == ["0", "BEGIN IMMEDIATE", "60000"]
    await other.dispose()


@on_sqlite
async def test_what_is_brief_comes_after_what_somebody_left_behind(engine: AsyncEngine) -> None:
    """Whoever is cancelled leaves his work in the thread, which ends it."""
    began, goes_on, done = Event(), Event(), list[str]()

    def slow(_: sqlite3.Connection) -> None:
        began.set()
        goes_on.wait(20)
        done.append("slow")

    async with engine.connect() as connection:
        thread = (await connection.get_raw_connection()).driver_connection
        assert isinstance(thread, db.SqliteThread)
        left = asyncio.create_task(thread.at_once(slow))
        await asyncio.to_thread(began.wait, 20)
        left.cancel()
        brief = asyncio.create_task(thread.at_once(lambda _: done.append("brief"), brief=True))
        await asyncio.wait([left])
        before = list(done)
        goes_on.set()
        await brief

    assert (before, done) == ([], ["slow", "brief"])


@on_sqlite
@pytest.mark.parametrize("later", [True, False])
async def test_one_that_writes_later_lets_the_log_start_over(
    engine: AsyncEngine, later: bool
) -> None:
    async with db.transaction(engine, write=later, later=later) as session:
        await db.alone(engine, STORED, "a", 1, AT)
        assert await count(session) == 1
        with closing(sqlite3.connect(engine.url.database or "", timeout=0)) as other:
            held, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert bool(held) is not later  # a reader keeps its moment, and with it the log


@pytest.mark.parametrize("reads", [True, False])
async def test_one_that_held_keeps_all_others_waiting_until_it_is_over(
    engine: AsyncEngine, reads: bool
) -> None:
    writer: asyncio.Task[int] | None = None
    async with db.transaction(engine, later=True) as session:
        if reads:
            await count(session)
        await db.hold(session)
        await store(session, "a")
        writer = asyncio.create_task(db.alone(engine, STORED, "a", 1, AT))
        await count(session)
        assert not writer.done()

    assert await writer == 0  # it waited, and found what the first one had written


async def write_unheld(engine: AsyncEngine, *, hold: bool, brief: bool) -> None:
    async with db.transaction(engine, later=True) as session:
        await ledger.ask(session, (STORED, ("a", 1, AT)), brief=brief)
        if hold:
            await db.hold(session)
            await store(session, "b")


@on_sqlite
@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize("brief", [True, False])
async def test_one_that_writes_before_it_holds_is_found_out(
    engine: AsyncEngine, hold: bool, brief: bool
) -> None:
    with pytest.raises(RuntimeError, match="before it was held"):
        await write_unheld(engine, hold=hold, brief=brief)

    assert await blobs(engine) == 0
    assert await db.alone(engine, STORED, "a", 1, AT) == 1


async def hold_late(hurried: AsyncEngine, other: AsyncEngine) -> None:
    async with db.transaction(hurried, later=True) as session:
        await count(session)
        async with db.transaction(other) as holding:
            await store(holding, "a")
            await db.hold(session)
            with pytest.raises(DBAPIError, match="locked"):
                await count(session)
        await store(session, "b")
        raise ZeroDivisionError


@on_sqlite
async def test_one_that_could_not_hold_at_first_writes_nothing_outside_a_transaction(
    engine: AsyncEngine,
) -> None:
    other, hurried = db.connect(engine.url), db.connect(engine.url, busy_ms=50)

    with pytest.raises(ZeroDivisionError):
        await hold_late(hurried, other)

    assert await blobs(engine) == 1  # of `other`
    assert await db.alone(hurried, STORED, "c", 1, AT) == 1
    await other.dispose()
    await hurried.dispose()
