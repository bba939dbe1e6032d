"""One SQLite file of a device (终端数据库): plain or encrypted, and readable on any card.

What is committed is on disk. A storage that is full or takes no writing is a refusal; what the file
holds can be read all the same.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sync import wal
from sync.refusals import Reason, Refused

BUSY_MS = 10_000
ATTEMPTS = 20  # to make a file that other programs make at the same moment

_FULL = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
    )
)


class SqliteFile:
    """A connection to one file, for one process of a device; others may have theirs."""

    def __init__(self, path: Path, schema: str, *, key: str = "") -> None:
        self._path = path
        self._unwritable: Reason | None = None
        self.library, self.encrypted, self._guarded = wal.library(), False, not wal.safe()
        opened: sqlite3.Connection | None = None
        try:
            self._db = opened = self._opened(key)
            self._prepare(schema)
        except Exception as error:
            if opened is not None:
                opened.close()
            self._unwritable = _reason(error)
            if self._unwritable is None:
                raise self._told(error) from error
            self._db = self._opened_to_read(key, self._unwritable)

    @property
    def writable(self) -> bool:
        """Tell whether anything could be written when the file was opened."""
        return self._unwritable is None

    def run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run a statement."""
        try:
            return self._db.execute(statement, values)
        except Exception as error:
            raise self._told(error) from error

    def many(self, statement: str, values: Iterable[Sequence[object]]) -> None:
        """Run a statement for each of these."""
        try:
            self._db.executemany(statement, values)
        except Exception as error:
            raise self._told(error) from error

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Hold the write lock for the block and commit at its end."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # on a full disk SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            raise
        if self._guarded and wal.due(self._path):
            wal.checkpoint(self._db, self._path)

    def leave_no_trace(self) -> None:
        """Write the file anew, without what was deleted, and without its log."""
        self.run("VACUUM")
        try:  # waits until nobody else has the file open
            self._db.execute("PRAGMA journal_mode=DELETE").fetchall()
        except Exception as error:
            if _code(error) & 0xFF != sqlite3.SQLITE_BUSY:  # who closes the file last removes it
                raise
        self._log_ahead()

    def close(self) -> None:
        """Close the file; the last to close it leaves no log behind."""
        self._db.close()

    def _opened(self, key: str, *, only_read: bool = False) -> sqlite3.Connection:
        """Open it as what it is: plain, or encrypted; a new one as is asked for.

        With a key the cipher's library opens both kinds: two libraries in one process would undo
        each other's locks on the file.
        """
        uri = f"file:{quote(str(self._path))}" + "?immutable=1" * only_read
        new = not self._path.exists() or self._path.stat().st_size == 0
        connect = self._cipher(needed=new) if key else sqlite3.connect
        if key and connect is not sqlite3.connect:
            opened = connect(uri, uri=True, isolation_level=None)
            quoted = key.replace("'", "''")
            opened.execute("PRAGMA cipher_log_level = NONE")  # it would tell standard error
            opened.execute(f"PRAGMA key = '{quoted}'")
            if _is_database(opened):
                self.library, self.encrypted = f"{self.library}, encrypted", True
                return opened
        plain = connect(uri, uri=True, isolation_level=None)
        if _is_database(plain):
            return plain
        if not key:
            raise Refused(Reason.DEVICE_LOCKED, file=str(self._path))
        self._cipher(needed=True)
        raise Refused(Reason.DEVICE_KEY_WRONG, file=str(self._path))

    def _cipher(self, *, needed: bool) -> Callable[..., sqlite3.Connection]:
        """Give the cipher's way to connect, or Python's where it is neither there nor needed."""
        try:
            from sqlcipher3 import dbapi2
        except ModuleNotFoundError:
            if needed:
                raise Refused(Reason.DEVICE_CIPHER_MISSING) from None
            return sqlite3.connect
        version = dbapi2.sqlite_version_info
        if not wal.safe(version):
            raise Refused(Reason.DEVICE_CIPHER_MISSING, found=dbapi2.sqlite_version)
        self.library, self._guarded = wal.library(version), False
        return dbapi2.connect

    def _prepare(self, schema: str) -> None:
        self._db.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        self._log_ahead()
        self._db.execute("PRAGMA synchronous=FULL")
        if self._guarded:
            self._db.execute("PRAGMA wal_autocheckpoint=0")
        self._db.executescript(schema)

    def _log_ahead(self) -> None:
        """Keep a write-ahead log; SQLite waits for nobody here, so wait for the write lock."""
        for _ in range(ATTEMPTS):
            try:
                self._db.execute("PRAGMA journal_mode=WAL").fetchall()
                return
            except Exception as error:
                if _code(error) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute("COMMIT")
        raise Refused(Reason.DEVICE_BUSY, file=str(self._path))

    def _opened_to_read(self, key: str, why: Reason) -> sqlite3.Connection:
        """Open the file alone; what may be in a log beside it is not passed over in silence."""
        log = self._path.with_name(f"{self._path.name}-wal")
        beside = log.exists() and log.stat().st_size > 0
        if beside or not self._path.exists() or self._path.stat().st_size == 0:
            raise Refused(why, file=str(self._path))
        try:
            return self._opened(key, only_read=True)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> Exception:
        """Give the refusal that an error amounts to, or the error."""
        if _code(error) & 0xFF == sqlite3.SQLITE_BUSY:
            return Refused(Reason.DEVICE_BUSY, file=str(self._path))
        reason = _reason(error)
        if reason is None:
            return error
        return Refused(self._unwritable or reason, file=str(self._path))


def _is_database(connection: sqlite3.Connection) -> bool:
    """Tell whether it can be read as it was opened; it is closed if not."""
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
    except Exception as error:
        connection.close()
        if _code(error) == sqlite3.SQLITE_NOTADB:
            return False
        raise
    return True


def _reason(error: Exception) -> Reason | None:
    """Tell what a full or read-only storage is to SQLite."""
    code = _code(error)
    if code in _FULL:
        return Reason.DEVICE_DISK_FULL
    if code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return Reason.DEVICE_READ_ONLY
    return None


def _code(error: Exception) -> int:
    """Give SQLite's code of an error; the cipher's errors are of classes of its own."""
    return getattr(error, "sqlite_errorcode", 0)
