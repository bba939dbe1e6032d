"""A device's folder (终端目录): one SQLite file and the evidence files, each under its digest.

Several people may share a phone: each has a folder of their own in it, with a key of their own.

A file is safe here, synced to disk under its final name, before an operation speaks of it.
"""

import os
import re
import time
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from sync.media import Read
from sync.messages import Clock
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.sqlite_store import SqliteStore
from sync.store import File

FIRST = "first"  # whoever enrolled without a name
PEOPLE = "people"
CURRENT = "current"

_NAME = re.compile(r"\w[\w.-]{0,39}")
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

    def wipe(self) -> None:
        """Forget everything but the files that the server does not have; the key goes too."""
        kept = {file.sha256 for file in self.store.files() if not file.sent}
        self.store.wipe()
        for path in (self.folder / "files").iterdir():
            if path.name not in kept:
                path.unlink()

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()

    def _path(self, digest: str) -> Path:
        return self.folder / "files" / digest


def person_folder(folder: Path, who: str) -> Path:
    """Say where a person's own folder is on a phone; the first person's is the phone's itself."""
    if not who and (folder / CURRENT).is_file():
        who = (folder / CURRENT).read_text("utf-8").strip()
    if not who or who == FIRST:
        return folder
    if not _NAME.fullmatch(who):
        raise Refused(Reason.PERSON_UNKNOWN, who=who)
    return folder / PEOPLE / who


def make_current(folder: Path, who: str) -> None:
    """Let a person's folder be the one that commands use when they name nobody."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{CURRENT}.part"
    part.write_text(who, "utf-8")
    part.replace(folder / CURRENT)


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
