"""SQLite's write-ahead log (预写日志): when it is copied into the database, and when that is safe.

Most versions have the WAL-reset bug: a checkpoint beside another connection's commit may lose what
that commit wrote. There nothing checkpoints by itself, and `checkpoint` holds every writer off.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

PAGES = 1000  # as SQLite itself has it

_HEADER = 32
_FRAME_HEADER = 24


def safe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Tell whether a version of SQLite is without the bug."""
    branches = ((3, 44, 6), (3, 50, 7))
    mended = any(branch <= version < (3, branch[1] + 1) for branch in branches)
    return mended or version >= (3, 51, 3)


def library(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Name a version of SQLite and say whether checkpoints are guarded."""
    name = "SQLite " + ".".join(map(str, version))
    return name if safe(version) else f"{name}, checkpoints guarded"


def due(database: str | Path, pages: int = PAGES) -> bool:
    """Tell whether the log has grown to `pages`.

    The file keeps its size when it is started over, so look whether that page carries the salt of
    the log as it is now. SQLite never locks this file: opening it lets go of no lock.
    """
    with suppress(FileNotFoundError), open(f"{database}-wal", "rb", buffering=0) as log:
        header = log.read(_HEADER)
        frame = _FRAME_HEADER + int.from_bytes(header[8:12])
        log.seek(_HEADER + (pages - 1) * frame)
        return log.read(16)[8:] == header[16:24] != b""
    return False


def checkpoint(connection: sqlite3.Connection, database: str | Path) -> bool:
    """Copy the log into the database while nobody can write, if nobody is writing now.

    A second connection holds the write lock meanwhile. Whatever fails, what was committed stands,
    and the next commit tries again.
    """
    with suppress(sqlite3.Error):
        guard = sqlite3.connect(database, timeout=0, isolation_level=None)
        with closing(guard):  # which rolls back
            guard.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            return True
    return False
