"""The store of a real device: one SQLite file, durable at every transaction's end.

Every transaction is an immediate one, so several processes of one device (a recording and a sync)
take turns and none can read a number that another is about to use.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from sync.sites import Site
from sync.sqlite_file import SqliteFile
from sync.store import File, Mine, Row, Theirs, wiped

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
CREATE INDEX IF NOT EXISTS held_id ON held (kind, id);
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

    def __init__(self, path: Path, *, key: str = "") -> None:
        self.file = SqliteFile(path, SCHEMA, key=key)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the write lock for the block and commit at its end."""
        return self.file.transaction()

    def get(self, key: str) -> str:
        """Read a setting."""
        found = self.file.run("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return str(found[0]) if found else ""

    def set(self, key: str, value: str) -> None:
        """Write a setting."""
        self.file.run("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))

    def append(self, mine: Mine) -> None:
        """Append to the log."""
        last = self.last()
        assert mine.n == (last.n if last else 0) + 1
        values = (mine.n, mine.inspection, mine.hash, mine.raw, mine.note, mine.why)
        self.file.run("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", values)

    def last(self) -> Mine | None:
        """Give the end of the log."""
        found = self.file.run(f"{MINE} ORDER BY n DESC LIMIT 1").fetchone()
        return Mine(*found) if found else None

    def log(self, first: int, limit: int) -> list[Mine]:
        """Give a stretch of the log."""
        return self._mine(f"{MINE} WHERE n >= ? ORDER BY n LIMIT ?", first, limit)

    def log_of(self, inspection: str) -> list[Mine]:
        """Give this device's operations of one inspection."""
        return self._mine(f"{MINE} WHERE inspection = ? ORDER BY n", inspection)

    def note(self, n: int, d: str, why: str) -> None:
        """Keep what the server said of one operation."""
        self.file.run("UPDATE log SET note = ?, why = ? WHERE n = ?", (d, why, n))

    def noted(self) -> list[Mine]:
        """Give the operations of which the server said something."""
        return self._mine(f"{MINE} WHERE note <> '' ORDER BY n")

    def retire(self, device: str) -> None:
        """Put the log away."""
        columns = "n, inspection, hash, raw, note, why"
        self.file.run(f"INSERT INTO retired SELECT ?, {columns} FROM log", (device,))
        self.file.run("DELETE FROM log")

    def retired(self, device: str, first: int, limit: int) -> list[Mine]:
        """Give a stretch of a former chain."""
        query = (
            "SELECT n, inspection, hash, raw, note, why FROM retired"
            " WHERE device = ? AND n >= ? ORDER BY n LIMIT ?"
        )
        return self._mine(query, device, first, limit)

    def forget(self, device: str) -> None:
        """Let go of a former chain."""
        self.file.run("DELETE FROM retired WHERE device = ?", (device,))

    def wipe(self) -> None:
        """Forget all but the files that were not sent, and leave no trace of it in the file."""
        kept = wiped(self.get("identity"), self.get("file_key"))
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'file'"
        tables = [name for (name,) in self.file.run(query) if not name.startswith("sqlite_")]
        self.file.run("PRAGMA secure_delete=ON")
        with self.transaction():
            for name in tables:
                self.file.run(f"DELETE FROM {name}")
            self.file.run("DELETE FROM file WHERE sent")
            self.file.many("INSERT INTO setting VALUES (?, ?)", kept.items())
        self.file.leave_no_trace()

    def snapshot(self, path: Path) -> None:
        """Write everything as it is now into a new file."""
        self.file.run("VACUUM INTO ?", (str(path),))

    def put_row(self, row: Row) -> None:
        """Keep a row."""
        values = (row.bucket, row.kind, row.id, row.rev, row.body)
        self.file.run("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", values)

    def remove_row(self, bucket: str, kind: str, entity: str) -> None:
        """Forget a row in one bucket."""
        where = "bucket = ? AND kind = ? AND id = ?"
        self.file.run(f"DELETE FROM held WHERE {where}", (bucket, kind, entity))

    def rows(self, kind: str) -> list[Row]:
        """Give the rows of one kind."""
        query = (
            "SELECT max(bucket), kind, id, rev, body FROM held"  # the other columns are that row's
            " WHERE kind = ? GROUP BY id ORDER BY id"
        )
        return [Row(*found) for found in self.file.run(query, (kind,))]

    def row(self, kind: str, entity: str) -> Row | None:
        """Give one row."""
        query = (
            "SELECT bucket, kind, id, rev, body FROM held"
            " WHERE kind = ? AND id = ? ORDER BY bucket DESC LIMIT 1"
        )
        found = self.file.run(query, (kind, entity)).fetchone()
        return Row(*found) if found else None

    def put_theirs(self, theirs: Theirs) -> None:
        """Keep another device's operation."""
        values = (theirs.bucket, theirs.id, theirs.hash, theirs.who, theirs.raw)
        self.file.run("INSERT OR REPLACE INTO theirs VALUES (?, ?, ?, ?, ?)", values)

    def theirs_of(self, bucket: str) -> list[Theirs]:
        """Give the other devices' operations in a bucket."""
        query = "SELECT id, bucket, hash, who, raw FROM theirs WHERE bucket = ? ORDER BY id"
        return [Theirs(*found) for found in self.file.run(query, (bucket,))]

    def drop(self, bucket: str) -> None:
        """Forget what was read for a bucket."""
        self.file.run("DELETE FROM held WHERE bucket = ?", (bucket,))
        self.file.run("DELETE FROM theirs WHERE bucket = ?", (bucket,))
        self.file.run("DELETE FROM site WHERE bucket = ?", (bucket,))

    def revisions(self, bucket: str) -> Iterable[tuple[str, str, str]]:
        """Give kind, id and revision of everything read for a bucket."""
        query = (
            "SELECT kind, id, rev FROM held WHERE bucket = ?1"
            " UNION ALL SELECT 'op', id, hash FROM theirs WHERE bucket = ?1"
        )
        return list(self.file.run(query, (bucket,)))

    def put_sites(self, bucket: str, known: Sequence[tuple[Site, int]]) -> None:
        """Keep establishments of a bucket."""
        self.file.many(
            "INSERT OR REPLACE INTO site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(bucket, *site, term) for site, term in known],
        )

    def remove_sites(self, bucket: str, codes: Iterable[str]) -> None:
        """Forget establishments in one bucket."""
        statement = "DELETE FROM site WHERE bucket = ? AND code = ?"
        self.file.many(statement, [(bucket, code) for code in codes])

    def sites_sum(self, bucket: str) -> tuple[int, int]:
        """Count the establishments of a bucket and add up their terms."""
        query = (  # in halves: the sum of all would be too large a number for SQLite
            "SELECT count(*), coalesce(sum(term >> 30), 0), coalesce(sum(term & 1073741823), 0)"
            " FROM site WHERE bucket = ?"
        )
        count, high, low = self.file.run(query, (bucket,)).fetchone()
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
        return [Site(*found) for found in self.file.run(query, (*likes, limit))]

    def keep_piece(self, digest: str, at: int, piece: bytes) -> None:
        """Keep a piece of a file."""
        self.file.run("INSERT OR REPLACE INTO piece VALUES (?, ?, ?)", (digest, at, piece))

    def pieces(self, digest: str) -> bytes:
        """Give what came of a file so far."""
        query = "SELECT body FROM piece WHERE digest = ? ORDER BY at"
        return b"".join(body for (body,) in self.file.run(query, (digest,)))

    def drop_pieces(self) -> None:
        """Forget every file that came in pieces."""
        self.file.run("DELETE FROM piece")

    def put_file(self, file: File) -> None:
        """Keep what is known of an evidence file."""
        self.file.run(
            "INSERT INTO file (sha256, size, mime, sent) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (sha256) DO UPDATE SET (size, mime, sent)"
            " = (excluded.size, excluded.mime, excluded.sent)",
            (file.sha256, file.size, file.mime, file.sent),
        )

    def files(self) -> list[File]:
        """Give the evidence files."""
        query = "SELECT sha256, size, mime, sent FROM file ORDER BY place"
        found = self.file.run(query)
        return [File(sha256, size, mime, bool(sent)) for sha256, size, mime, sent in found]

    def _mine(self, query: str, *values: object) -> list[Mine]:
        return [Mine(*found) for found in self.file.run(query, values)]
