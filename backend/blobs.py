"""Evidence at rest (证据文件), addressed by the SHA-256 of its bytes.

    partial/<upload>   grows chunk by chunk while a device sends
    whole/ab/abcd…     complete, read-only, never written again

A file is whole only after its digest was checked, its bytes and its directory were flushed to disk.
"""

import asyncio
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import ParamSpec, TypeVar

from sync.refusals import Reason, Refused

READ_BYTES = 1 << 20

P = ParamSpec("P")
R = TypeVar("R")


class Blobs:
    """The files below one folder. Safe for several processes: partial files are locked to write."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._partial = root / "partial"
        self._whole = root / "whole"

    def path(self, sha256: str) -> Path:
        """Say where a whole file is, or would be."""
        assert len(sha256) == 64
        assert set(sha256) <= set("0123456789abcdef")
        return self._whole / sha256[:2] / sha256

    async def has(self, sha256: str) -> bool:
        """Tell whether a file is whole."""
        return await asyncio.to_thread(self.path(sha256).is_file)

    async def free(self) -> int:
        """Count the bytes that the disk has left for files."""
        return await asyncio.to_thread(self._free)

    async def read(self, sha256: str) -> bytes:
        """Read a whole file."""
        return await asyncio.to_thread(self.path(sha256).read_bytes)

    async def put(
        self, sha256: str, body: bytes, *, free_min: int, look: Callable[[bytes], R]
    ) -> R | None:
        """Store a small file that is here in one piece, if its digest is right, and look into it.

        One trip to a thread and two flushes: one for the bytes, one for the folder.
        """

        def work() -> R | None:
            if self._free() < len(body) + free_min:
                raise Refused(Reason.STORAGE_FULL)
            return look(body) if self._put(sha256, body) else None

        return await _in_thread(work)

    async def offset(self, upload: str) -> int:
        """Count the bytes that arrived so far, 0 for an upload that has none."""
        return await asyncio.to_thread(self._offset, upload)

    async def append(self, upload: str, *, at: int, chunk: bytes) -> bool:
        """Write a chunk if the partial file is exactly `at` bytes long, and tell whether it was.

        The comparison is the lock between two senders of one upload: whoever is behind is told so,
        and a sender that died with its connection open blocks nobody.
        """
        return await _in_thread(self._append, upload, at, chunk)

    async def flush(self, upload: str) -> None:
        """Make what arrived so far durable."""
        await _in_thread(self._flush, upload)

    async def finish(self, upload: str, *, sha256: str, size: int) -> bool:
        """Make a partial file whole if its size and digest are right; otherwise forget its bytes.

        Finishing again, or finishing a file that another upload finished first, changes nothing.
        """
        return await _in_thread(self._finish, upload, sha256, size)

    async def discard(self, upload: str) -> None:
        """Forget a partial file."""
        await asyncio.to_thread(self._discard, upload)

    def _free(self) -> int:
        _make_folder(self._root)
        return shutil.disk_usage(self._root).free

    def _offset(self, upload: str) -> int:
        try:
            return (self._partial / upload).stat().st_size
        except FileNotFoundError:
            return 0

    def _append(self, upload: str, at: int, chunk: bytes) -> bool:
        if at == 0:
            _make_folder(self._partial)
        with self._locked(upload, create=at == 0) as fd:
            if fd is None or os.fstat(fd).st_size != at:
                return False
            try:
                _write_all(fd, chunk)
            except OSError:
                os.ftruncate(fd, at)  # half a chunk on a full disk would still be good bytes, but
                raise  #                the sender is told that none of this chunk was taken
            return True

    def _flush(self, upload: str) -> None:
        with self._locked(upload, create=False) as fd:
            if fd is not None:
                os.fsync(fd)
                _flush_folder(self._partial)

    def _put(self, sha256: str, body: bytes) -> bool:
        if new_sha256(body).hexdigest() != sha256:
            return False
        if self.path(sha256).is_file():
            _flush_folder(self.path(sha256).parent)  # whoever stored it may not be there yet
            return True
        _make_folder(self._partial)
        with self._locked(sha256, create=True) as fd:  # so what a crash left is written over
            if fd is None:
                return self.path(sha256).is_file()
            os.ftruncate(fd, 0)
            try:
                _write_all(fd, body)
                self._publish(fd, sha256, sha256)
            except OSError:
                self._discard(sha256)
                raise
            return True

    def _finish(self, upload: str, sha256: str, size: int) -> bool:
        with self._locked(upload, create=False) as fd:
            if fd is None:
                return self.path(sha256).is_file()
            if size == 0 or os.fstat(fd).st_size != size or _digest(fd) != sha256:
                self._discard(upload)
                return False
            self._publish(fd, upload, sha256)
            return True

    def _publish(self, fd: int, upload: str, sha256: str) -> None:
        """Move a partial file, locked and proved, to its name once its bytes are durable."""
        os.fchmod(fd, 0o440)
        os.fsync(fd)
        goal = self.path(sha256)
        _make_folder(goal.parent)
        (self._partial / upload).rename(goal)  # over an equal file, if another was first
        _flush_folder(goal.parent)
        if upload != sha256:
            with self._locked(sha256, create=False) as piece:  # what a killed `put` left of it
                if piece is not None:
                    self._discard(sha256)

    def _discard(self, upload: str) -> None:
        with suppress(FileNotFoundError):
            (self._partial / upload).unlink()
            _flush_folder(self._partial)

    @contextmanager
    def _locked(self, upload: str, *, create: bool) -> Generator[int | None]:
        """Hold a partial file alone; none when it is not there (any more)."""
        path = self._partial / upload
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0), 0o640)
        except FileNotFoundError:
            yield None
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            # while we waited, it may have become whole under another name: never write to that
            yield fd if _is_still(path, fd) else None
        finally:
            os.close(fd)


async def _in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused(Reason.STORAGE_FULL) from error
        raise


def _is_still(path: Path, fd: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except FileNotFoundError:
        return False


def _write_all(fd: int, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _digest(fd: int) -> str:
    hasher, at = new_sha256(), 0
    while block := os.pread(fd, READ_BYTES, at):
        hasher.update(block)
        at += len(block)
    return hasher.hexdigest()


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durable in its parent."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
