"""A device's folder (终端目录): one SQLite file and the evidence files, each under its digest.

A file is safe here, synced to disk under its final name, before an operation speaks of it.
"""

import os
import time
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from sync.media import Read
from sync.messages import Clock
from sync.replica import Replica
from sync.sqlite_store import SqliteStore
from sync.store import File

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MAGIC = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}


class Home:
    """Where one device keeps everything it knows."""

    def __init__(self, folder: Path, *, skew_ms: int = 0) -> None:
        self.folder = folder
        self._skew_ms = skew_ms
        (folder / "files").mkdir(parents=True, exist_ok=True)
        self.store = SqliteStore(folder / "device.db")
        self.replica = Replica(self.store, self.clock)

    def clock(self) -> Clock:
        """Read the three clocks; `skew_ms` makes the wall clock wrong, for rehearsals."""
        wall, monotonic = time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
        return Clock(w=wall + self._skew_ms, m=monotonic, boot=boot())

    def keep(self, path: Path) -> File:
        """Copy a file in, durably, and say what it is."""
        body = path.read_bytes()
        digest = sha256(body).hexdigest()
        final = self._path(digest)
        if not final.exists():
            partial = final.with_suffix(".part")
            with partial.open("wb") as out:
                out.write(body)
                out.flush()
                os.fsync(out.fileno())
            partial.rename(final)
            _sync_folder(final.parent)
        return File(digest, len(body), _mime(body, path))

    def reader(self, digest: str) -> Read:
        """Read a kept file piece by piece."""

        def read(offset: int, size: int) -> bytes:
            with self._path(digest).open("rb") as kept:
                kept.seek(offset)
                return kept.read(size)

        return read

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()

    def _path(self, digest: str) -> Path:
        return self.folder / "files" / digest


def boot() -> str:
    """Name this boot of the machine, so that monotonic times can be compared within it."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # not Linux: when it booted, to the minute
        return f"booted-{(time.time_ns() - time.monotonic_ns()) // 60_000_000_000}"


def _mime(body: bytes, path: Path) -> str:
    for magic, mime in _MAGIC.items():
        if body.startswith(magic):
            return mime
    if body[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "image/heic"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return guess_type(path.name)[0] or "application/octet-stream"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
