"""SQLite 的线程: one connection in a thread of its own, and as few visits there as its work takes.

A visit wakes two threads, which costs more than most statements do. What is brief is done without
one, in the thread that asks, unless it would have to wait (decision 0034).
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias, TypeVar, cast

import aiosqlite
from aiosqlite.context import contextmanager

from sync import wal

T = TypeVar("T")
Mode: TypeAlias = Literal["read", "write", "later"]  # later: reads visit by visit until it holds

LOG_PAGES = 4000  # 16 MB: each copy of the log costs two durable writes more
FETCHED = 500  # rows that come along with a statement; the others when they are asked for


class SqliteThread(aiosqlite.Connection):
    """A connection that can do several things in one visit to its thread.

    `turn` waits until this one may write. `over` is called when a transaction has ended: not
    before, as SQLAlchemy's own events are.
    """

    _path = ""
    _mode: Mode = "read"
    _readonly = False
    _begins = False  # with the next visit
    _asked = _over = 0  # visits: somebody who was cancelled may have left one behind
    busy_ms = 5_000
    turn: Callable[[], Awaitable[None]]
    over: Callable[[], None] = staticmethod(lambda: None)

    @classmethod
    async def open(cls, path: str, **options: Any) -> "SqliteThread":
        """Open a database file."""
        opened = cls(partial(sqlite3.connect, path, **options), iter_chunk_size=FETCHED)
        opened._thread.daemon = True  # as SQLAlchemy has it: a forgotten one holds up no exit
        opened._path = path
        await opened
        return opened

    @contextmanager
    async def cursor(self) -> aiosqlite.Cursor:
        """Make a cursor, without a visit."""
        return Cursor(self)

    def begin(self, mode: Mode) -> None:
        """Begin a transaction, in one visit with the first thing that is done in it."""
        self._mode, self._begins = mode, mode != "later"

    async def hold(self) -> bool:
        """Begin to write, if that is still to come; tell whether what was read may have changed."""
        if self._mode != "later":
            return False
        await self.turn()
        self.begin("write")
        return True

    async def commit(self) -> None:
        """Commit, and if the write-ahead log has become long copy it into the database."""
        if not self._begins and self._mode != "later":
            await self.at_once(self._commit)
        self._begins = False
        self.over()

    async def rollback(self) -> None:
        """Roll back."""
        if not self._begins and self._mode != "later":
            await self.at_once(lambda raw: raw.rollback())
        self._begins = False
        self.over()

    async def alone(self, statement: str, values: Sequence[object]) -> int:
        """Run a statement in a transaction of its own, in one visit; count the rows it changed."""
        await self.turn()
        self._mode = "write"
        try:
            return await self.at_once(partial(self._alone, statement, values))
        finally:
            self.over()

    def _alone(self, statement: str, values: Sequence[object], raw: sqlite3.Connection) -> int:
        self._begin(raw)
        try:
            changed = raw.execute(statement, cast(Any, values)).rowcount
            self._commit(raw)
        except BaseException:
            raw.rollback()  # before the next writer has its turn
            raise
        return changed

    def _begin(self, raw: sqlite3.Connection) -> None:
        readonly = self._mode == "read"
        if readonly != self._readonly:
            raw.execute(f"PRAGMA query_only = {'ON' if readonly else 'OFF'}")
            self._readonly = readonly
        raw.execute("BEGIN" if readonly else "BEGIN IMMEDIATE")

    def _begin_unless_busy(self) -> bool:
        """Begin, unless that takes waiting for another process; tell whether it did."""
        self._conn.execute("PRAGMA busy_timeout = 0")
        try:
            self._begin(self._conn)
        except sqlite3.Error:
            return False  # the thread is asked, and tells what is the matter
        finally:
            self._conn.execute(f"PRAGMA busy_timeout = {self.busy_ms}")
        return True

    def _commit(self, raw: sqlite3.Connection) -> None:
        raw.commit()
        if not wal.safe() and wal.due(self._path, LOG_PAGES):
            wal.checkpoint(raw, self._path)

    def _glance(self, work: Callable[[sqlite3.Connection], T], raw: sqlite3.Connection) -> T:
        """Let somebody read for a moment: a log starts over only when nobody reads in it."""
        before = raw.total_changes
        raw.execute("BEGIN")
        try:
            done = work(raw)
            if raw.total_changes != before:  # `query_only` would have statements made anew
                raise RuntimeError("something was written before it was held")
            return done
        finally:
            raw.rollback()

    async def at_once(self, work: Callable[[sqlite3.Connection], T], *, brief: bool = False) -> T:
        """Run `work` with the bare connection, in one visit; without one, if that is brief.

        Brief is what reads or writes a few rows by their keys, and does not commit.
        """
        begins, self._begins = self._begins, False
        glances = self._mode == "later"
        if brief and self._asked == self._over and (not begins or self._begin_unless_busy()):
            return self._glance(work, self._conn) if glances else work(self._conn)

        def visit() -> T:
            try:
                if glances:
                    return self._glance(work, self._conn)
                if begins:
                    try:
                        self._begin(self._conn)
                    except BaseException:
                        self._begins = True  # nothing may be done here before it has begun
                        raise
                return work(self._conn)
            finally:
                self._over += 1

        self._asked += 1
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue = cast("SimpleQueue[tuple[asyncio.Future[T], Callable[[], T]]]", self._tx)
        queue.put_nowait((done, visit))
        return await done


class Cursor(aiosqlite.Cursor):
    """A cursor of one statement: it is made, run, read and closed in one visit.

    Only of a long answer is the rest fetched as it is asked for.
    """

    def __init__(self, thread: SqliteThread) -> None:
        self._thread = thread
        self._open: sqlite3.Cursor | None = None  # only while more rows may follow
        self._rows: deque[Any] = deque()
        self._said: tuple[Any, int, int | None] = (None, -1, None)

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "Cursor":
        """Run a statement, and fetch its first rows."""
        values = cast(Any, parameters or ())

        def work(raw: sqlite3.Connection) -> list[Any]:
            return self._read(raw.execute(sql, values), FETCHED)

        self._rows = deque(await self._thread.at_once(work))
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        """Run a statement with each of many values."""

        def work(raw: sqlite3.Connection) -> None:
            cursor = raw.executemany(sql, cast(Any, parameters))
            self._said = (None, cursor.rowcount, cursor.lastrowid)
            cursor.close()

        await self._thread.at_once(work)
        return self

    async def fetchone(self) -> Any:
        """Fetch a row, if there is another."""
        found = await self.fetchmany(1)
        return found[0] if found else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Fetch the next rows."""
        wanted = size or FETCHED
        if len(self._rows) < wanted and (cursor := self._open):
            rest = wanted - len(self._rows)
            self._rows += await self._thread.at_once(lambda _: self._read(cursor, rest))
        return [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        """Fetch all rows that are left."""
        if cursor := self._open:
            self._rows += await self._thread.at_once(lambda _: self._read(cursor, None))
        rows, self._rows = list(self._rows), deque()
        return rows

    async def close(self) -> None:
        """Let go of what was not fetched."""
        self._rows.clear()
        if cursor := self._open:
            self._open = None
            await self._thread.at_once(lambda _: cursor.close())

    @property
    def description(self) -> Any:
        """Name the columns, if it has any."""
        return self._said[0]

    @property
    def rowcount(self) -> int:
        """Count the rows that were changed, if that is known."""
        return self._said[1]

    @property
    def lastrowid(self) -> int | None:
        """Give the row that was inserted last."""
        return self._said[2]

    def _read(self, cursor: sqlite3.Cursor, limit: int | None) -> list[Any]:
        """Read rows in the thread, and close the cursor when they are at their end."""
        rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        more = limit is not None and len(rows) == limit
        self._said = (cursor.description, cursor.rowcount, cursor.lastrowid)
        self._open = cursor if more else None
        if not more:
            cursor.close()
        return rows
