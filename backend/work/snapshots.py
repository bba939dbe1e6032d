"""数据快照: a large bucket as one packed file, by the digest of its bytes; made when asked for.

Whoever knows the digest was told it in a signed answer. Files that nothing names are removed once
nobody can still be fetching them.
"""

import asyncio
import os
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from sync import squeeze
from sync.messages import Event, Gone
from sync.refusals import Reason, Refused

KEPT = timedelta(days=7)
LEVEL = 6


class Snapshots:
    """The snapshots below one folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "snapshots"

    async def has(self, digest: str) -> bool:
        """Tell whether a snapshot is there."""
        return bool(digest) and await asyncio.to_thread((self._folder / digest).is_file)

    async def make(self, events: Iterable[Event]) -> tuple[str, int]:
        """Write a snapshot of what is there, and give its digest and its size."""
        body = await asyncio.to_thread(_packed, events)
        digest = sha256(body).hexdigest()
        await asyncio.to_thread(self._write, digest, body)
        return digest, len(body)

    async def read(self, digest: str, first: int, end: int) -> tuple[bytes, int]:
        """Read a piece of a snapshot, and give it with the size of the whole.

        Refuses with SNAPSHOT_GONE.
        """
        return await asyncio.to_thread(self._read, digest, first, end)

    async def sweep(self, named: Collection[str], now: datetime) -> int:
        """Remove the snapshots that nothing names and that are old; count them."""
        return await asyncio.to_thread(self._sweep, set(named), (now - KEPT).timestamp())

    def _write(self, digest: str, body: bytes) -> None:
        """Write a file that is either whole or not there; after a crash it is made again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._folder, prefix="new-", delete=False) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).rename(self._folder / digest)

    def _read(self, digest: str, first: int, end: int) -> tuple[bytes, int]:
        try:
            with (self._folder / digest).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(min(first, size))
                return file.read(max(0, min(end, size) - first)), size
        except FileNotFoundError:
            raise Refused(Reason.SNAPSHOT_GONE, snapshot=digest) from None

    def _sweep(self, named: set[str], before: float) -> int:
        count = 0
        for path in self._folder.glob("*"):
            if path.name not in named and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                count += 1
        return count


def _packed(events: Iterable[Event]) -> bytes:
    lines = (msgspec.json.encode(event) for event in events if not isinstance(event, Gone))
    return squeeze.deflate(b"\n".join(lines), LEVEL)
