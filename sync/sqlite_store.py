"""The store of a real device: one SQLite file, durable at every transaction's end.

One connection writes and checkpoints, under an immediate transaction, so several processes of one
device (a recording and a sync) take turns and none can read a number that another is about to use.
"""

import sqlite3
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from sync.store import File, Mine, Row, Theirs

BUSY_MS = 10_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS log (
    n INTEGER PRIMARY KEY, inspection TEXT NOT NULL, hash TEXT NOT NULL, raw BLOB NOT NULL,
    note TEXT NOT NULL, why TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS log_inspection ON log (inspection);
CREATE TABLE IF NOT EXISTS held (
    bucket TEXT, kind TEXT, id TEXT, rev TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (bucket, kind, id)
) STRICT;
CREATE TABLE IF NOT EXISTS theirs (
    bucket TEXT, id TEXT, hash TEXT NOT NULL, who TEXT NOT NULL, raw BLOB NOT NULL,
    PRIMARY KEY (bucket, id)
) STRICT;
CREATE TABLE IF NOT EXISTS file (
    place INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, size INTEGER NOT NULL,
    mime TEXT NOT NULL, sent INTEGER NOT NULL
) STRICT;
"""

MINE = "SELECT n, inspection, hash, raw, note, why FROM log"


class SqliteStore:
    """A replica's memory in one file."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Hold the write lock for the block and commit at its end."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # on a full disk SQLite has rolled back by itself
                self._db.execute("ROLLBACK")
            raise

    def get(self, key: str) -> str:
        """Read a setting."""
        found = self._db.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else ""

    def set(self, key: str, value: str) -> None:
        """Write a setting."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))

    def append(self, mine: Mine) -> None:
        """Append to the log."""
        last = self.last()
        assert mine.n == (last.n if last else 0) + 1
        values = (mine.n, mine.inspection, mine.hash, mine.raw, mine.note, mine.why)
        self._db.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", values)

    def last(self) -> Mine | None:
        """Give the end of the log."""
        found = self._db.execute(f"{MINE} ORDER BY n DESC LIMIT 1").fetchone()
        return Mine(*found) if found else None

    def log(self, first: int, limit: int) -> list[Mine]:
        """Give a stretch of the log."""
        return self._mine(f"{MINE} WHERE n >= ? ORDER BY n LIMIT ?", first, limit)

    def log_of(self, inspection: str) -> list[Mine]:
        """Give this device's operations of one inspection."""
        return self._mine(f"{MINE} WHERE inspection = ? ORDER BY n", inspection)

    def note(self, n: int, d: str, why: str) -> None:
        """Keep what the server said of one operation."""
        self._db.execute("UPDATE log SET note = ?, why = ? WHERE n = ?", (d, why, n))

    def noted(self) -> list[Mine]:
        """Give the operations of which the server said something."""
        return self._mine(f"{MINE} WHERE note <> '' ORDER BY n")

    def put_row(self, row: Row) -> None:
        """Keep a row."""
        values = (row.bucket, row.kind, row.id, row.rev, row.body)
        self._db.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", values)

    def remove_row(self, bucket: str, kind: str, entity: str) -> None:
        """Forget a row in one bucket."""
        where = "bucket = ? AND kind = ? AND id = ?"
        self._db.execute(f"DELETE FROM held WHERE {where}", (bucket, kind, entity))

    def rows(self, kind: str) -> list[Row]:
        """Give the rows of one kind."""
        query = (
            "SELECT max(bucket), kind, id, rev, body FROM held"  # the other columns are that row's
            " WHERE kind = ? GROUP BY id ORDER BY id"
        )
        return [Row(*found) for found in self._db.execute(query, (kind,))]

    def put_theirs(self, theirs: Theirs) -> None:
        """Keep another device's operation."""
        values = (theirs.bucket, theirs.id, theirs.hash, theirs.who, theirs.raw)
        self._db.execute("INSERT OR REPLACE INTO theirs VALUES (?, ?, ?, ?, ?)", values)

    def theirs_of(self, bucket: str) -> list[Theirs]:
        """Give the other devices' operations in a bucket."""
        query = "SELECT id, bucket, hash, who, raw FROM theirs WHERE bucket = ? ORDER BY id"
        return [Theirs(*found) for found in self._db.execute(query, (bucket,))]

    def drop(self, bucket: str) -> None:
        """Forget what was read for a bucket."""
        self._db.execute("DELETE FROM held WHERE bucket = ?", (bucket,))
        self._db.execute("DELETE FROM theirs WHERE bucket = ?", (bucket,))

    def revisions(self, bucket: str) -> Iterable[tuple[str, str, str]]:
        """Give kind, id and revision of everything read for a bucket."""
        query = (
            "SELECT kind, id, rev FROM held WHERE bucket = ?1"
            " UNION ALL SELECT 'op', id, hash FROM theirs WHERE bucket = ?1"
        )
        return list(self._db.execute(query, (bucket,)))

    def put_file(self, file: File) -> None:
        """Keep what is known of an evidence file."""
        self._db.execute(
            "INSERT INTO file (sha256, size, mime, sent) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (sha256) DO UPDATE SET (size, mime, sent)"
            " = (excluded.size, excluded.mime, excluded.sent)",
            (file.sha256, file.size, file.mime, file.sent),
        )

    def files(self) -> list[File]:
        """Give the evidence files."""
        query = "SELECT sha256, size, mime, sent FROM file ORDER BY place"
        found = self._db.execute(query)
        return [File(sha256, size, mime, bool(sent)) for sha256, size, mime, sent in found]

    def _mine(self, query: str, *values: object) -> list[Mine]:
        return [Mine(*found) for found in self._db.execute(query, values)]
