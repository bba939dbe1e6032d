"""The store of a real device: one SQLite file, durable at every transaction's end.

One connection writes and checkpoints, under an immediate transaction, so several processes of one
device (a recording and a sync) take turns and none can read a number that another is about to use.
"""

import re
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from sync.sites import Site
from sync.store import File, Mine, Row, Theirs, wiped

BUSY_MS = 10_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS log (
    n INTEGER PRIMARY KEY, inspection TEXT NOT NULL, hash TEXT NOT NULL, raw BLOB NOT NULL,
    note TEXT NOT NULL, why TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS log_inspection ON log (inspection);
CREATE TABLE IF NOT EXISTS retired (
    device TEXT, n INTEGER, inspection TEXT NOT NULL, hash TEXT NOT NULL, raw BLOB NOT NULL,
    note TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (device, n)
) STRICT;
CREATE TABLE IF NOT EXISTS held (
    bucket TEXT, kind TEXT, id TEXT, rev TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (bucket, kind, id)
) STRICT;
CREATE TABLE IF NOT EXISTS theirs (
    bucket TEXT, id TEXT, hash TEXT NOT NULL, who TEXT NOT NULL, raw BLOB NOT NULL,
    PRIMARY KEY (bucket, id)
) STRICT;
CREATE TABLE IF NOT EXISTS site (
    bucket TEXT, code TEXT, name TEXT NOT NULL, address TEXT NOT NULL, category TEXT NOT NULL,
    division TEXT NOT NULL, risk TEXT NOT NULL, status TEXT NOT NULL, licences TEXT NOT NULL,
    term INTEGER NOT NULL, PRIMARY KEY (bucket, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS piece (
    digest TEXT, at INTEGER, body BLOB NOT NULL, PRIMARY KEY (digest, at)
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

    def retire(self, device: str) -> None:
        """Put the log away."""
        columns = "n, inspection, hash, raw, note, why"
        self._db.execute(f"INSERT INTO retired SELECT ?, {columns} FROM log", (device,))
        self._db.execute("DELETE FROM log")

    def retired(self, device: str, first: int, limit: int) -> list[Mine]:
        """Give a stretch of a former chain."""
        query = (
            "SELECT n, inspection, hash, raw, note, why FROM retired"
            " WHERE device = ? AND n >= ? ORDER BY n LIMIT ?"
        )
        return self._mine(query, device, first, limit)

    def forget(self, device: str) -> None:
        """Let go of a former chain."""
        self._db.execute("DELETE FROM retired WHERE device = ?", (device,))

    def wipe(self) -> None:
        """Forget all but the files that were not sent, and leave no trace of it in the file."""
        kept = wiped(self.get("identity"))
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'file'"
        tables = [name for (name,) in self._db.execute(query) if not name.startswith("sqlite_")]
        self._db.execute("PRAGMA secure_delete=ON")
        with self.transaction():
            for name in tables:
                self._db.execute(f"DELETE FROM {name}")
            self._db.execute("DELETE FROM file WHERE sent")
            self._db.executemany("INSERT INTO setting VALUES (?, ?)", kept.items())
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def snapshot(self, path: Path) -> None:
        """Write everything as it is now into a new file."""
        self._db.execute("VACUUM INTO ?", (str(path),))

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
        self._db.execute("DELETE FROM site WHERE bucket = ?", (bucket,))

    def revisions(self, bucket: str) -> Iterable[tuple[str, str, str]]:
        """Give kind, id and revision of everything read for a bucket."""
        query = (
            "SELECT kind, id, rev FROM held WHERE bucket = ?1"
            " UNION ALL SELECT 'op', id, hash FROM theirs WHERE bucket = ?1"
        )
        return list(self._db.execute(query, (bucket,)))

    def put_sites(self, bucket: str, known: Sequence[tuple[Site, int]]) -> None:
        """Keep establishments of a bucket."""
        self._db.executemany(
            "INSERT OR REPLACE INTO site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(bucket, *site, term) for site, term in known],
        )

    def remove_sites(self, bucket: str, codes: Iterable[str]) -> None:
        """Forget establishments in one bucket."""
        statement = "DELETE FROM site WHERE bucket = ? AND code = ?"
        self._db.executemany(statement, [(bucket, code) for code in codes])

    def sites_sum(self, bucket: str) -> tuple[int, int]:
        """Count the establishments of a bucket and add up their terms."""
        query = (  # in halves: the sum of all would be too large a number for SQLite
            "SELECT count(*), coalesce(sum(term >> 30), 0), coalesce(sum(term & 1073741823), 0)"
            " FROM site WHERE bucket = ?"
        )
        count, high, low = self._db.execute(query, (bucket,)).fetchone()
        return int(count), ((int(high) << 30) + int(low)) % 2**60

    def find_sites(self, words: Sequence[str], limit: int) -> list[Site]:
        """Find establishments."""
        fields = "code || ' ' || name || ' ' || address || ' ' || licences"
        clauses = " AND ".join([f"{fields} LIKE ? ESCAPE '\\'"] * len(words)) or "TRUE"
        query = (
            "SELECT code, name, address, category, division, risk, status, licences FROM site"
            f" WHERE {clauses} GROUP BY code ORDER BY name, code LIMIT ?"
        )
        likes = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
        return [Site(*found) for found in self._db.execute(query, (*likes, limit))]

    def keep_piece(self, digest: str, at: int, piece: bytes) -> None:
        """Keep a piece of a file."""
        self._db.execute("INSERT OR REPLACE INTO piece VALUES (?, ?, ?)", (digest, at, piece))

    def pieces(self, digest: str) -> bytes:
        """Give what came of a file so far."""
        query = "SELECT body FROM piece WHERE digest = ? ORDER BY at"
        return b"".join(body for (body,) in self._db.execute(query, (digest,)))

    def drop_pieces(self) -> None:
        """Forget every file that came in pieces."""
        self._db.execute("DELETE FROM piece")

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
