"""A device's folder (终端目录): one SQLite file and the evidence files, each under its digest.

Several people may share a phone: each has a folder of their own in it, with a key of their own.

A file is safe here, synced to disk under its final name, before an operation speaks of it. In an
encrypted folder the files' key lies in the database, which a passphrase opens.
"""

import os
import re
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from errno import EACCES, EDQUOT, EFBIG, ENOSPC, EPERM, EROFS
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from sync import vault
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
_FULL = (ENOSPC, EDQUOT, EFBIG)
_READ_ONLY = (EROFS, EACCES, EPERM)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MAGIC = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}

_BRANDS = {  # ISO/IEC 23008-12, and AVIF
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"avif": "image/avif",
}


class Home:
    """Where one device keeps everything it knows; with a key, encrypted, files and all."""

    def __init__(self, folder: Path, *, skew_ms: int = 0, key: str = "") -> None:
        self.folder = folder
        self._skew_ms = skew_ms
        with _writing(folder):
            (folder / "files").mkdir(parents=True, exist_ok=True)
        self.store = SqliteStore(folder / "device.db", key=key)
        if self.store.file.encrypted and not self.store.get("file_key"):
            with self.store.transaction():
                self.store.set("file_key", secrets.token_hex(32))
        self.replica = Replica(self.store, self.clock)

    def clock(self) -> Clock:
        """Read the three clocks; `skew_ms` makes the wall clock wrong, for rehearsals."""
        wall, monotonic = time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
        return Clock(w=wall + self._skew_ms, m=monotonic, boot=boot())

    def keep(self, path: Path) -> File:
        """Copy a file in, durably, and say what it is."""
        body = path.read_bytes()
        digest = sha256(body).hexdigest()
        self.keep_body(digest, body)
        return File(digest, len(body), _mime(body, path))

    def keep_body(self, digest: str, body: bytes) -> None:
        """Keep a file's content, durably and under its digest only, encrypted if the folder is."""
        final = self._path(digest)
        if final.exists():
            return
        partial = final.with_suffix(".part")
        with _writing(final.parent):
            try:
                with partial.open("wb") as out:
                    out.writelines(
                        vault.sealed(key, digest, body) if (key := self._key) else [body]
                    )
                    out.flush()
                    os.fsync(out.fileno())
            except BaseException:
                partial.unlink(missing_ok=True)  # a full disk needs the room
                raise
            partial.rename(final)
            _sync_folder(final.parent)

    def files(self) -> list[File]:
        """List the files that are here; to a new phone those already sent need not come along."""
        return [file for file in self.store.files() if self._path(file.sha256).exists()]

    def reader(self, digest: str) -> Read:
        """Read a kept file piece by piece."""

        def read(offset: int, size: int) -> bytes:
            with self._path(digest).open("rb") as kept:
                if key := self._key:
                    return vault.opened(key, digest, kept, offset, size)
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

    @property
    def _key(self) -> bytes:
        return bytes.fromhex(self.store.get("file_key"))

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
    with _writing(folder):
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
    if body[4:8] == b"ftyp" and body[8:12] in _BRANDS:
        return _BRANDS[body[8:12]]
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return guess_type(path.name)[0] or "application/octet-stream"


@contextmanager
def _writing(folder: Path) -> Generator[None]:
    """Refuse what a full or a read-only storage does not take."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Refused(Reason.DEVICE_DISK_FULL, folder=str(folder)) from error
        if error.errno in _READ_ONLY:
            raise Refused(Reason.DEVICE_READ_ONLY, folder=str(folder)) from error
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
