"""What a replica keeps, and a store of it in memory.

Every implementation passes the same contract suite (tests/contracts). Whatever is written inside
one `transaction` is durable when it ends, all of it, or none of it happened.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from sync.sites import Site

EXCLUDED = ("parked", "quarantined")


class Mine(Struct, frozen=True):
    """An operation of this device's own log; `note` is what the server said of it, if anything."""

    n: int
    inspection: str
    hash: str
    raw: bytes
    note: str = ""
    why: str = ""


class Theirs(Struct, frozen=True):
    """An operation that another device recorded, as the server told it."""

    id: str
    bucket: str
    hash: str
    who: str
    raw: bytes


class Row(Struct, frozen=True):
    """A server-owned row in one bucket: a task, a checklist."""

    bucket: str
    kind: str
    id: str
    rev: str
    body: bytes


class File(Struct, frozen=True):
    """An evidence file that this device took."""

    sha256: str
    size: int
    mime: str
    sent: bool = False


class Store(Protocol):
    """Everything one replica remembers."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make what is written inside durable together, or not at all."""
        ...

    def get(self, key: str) -> str:
        """Read a setting; empty when it was never set."""
        ...

    def set(self, key: str, value: str) -> None:
        """Write a setting."""
        ...

    def append(self, mine: Mine) -> None:
        """Append to the log; its number must be the next one."""
        ...

    def last(self) -> Mine | None:
        """Give the end of the log."""
        ...

    def log(self, first: int, limit: int) -> list[Mine]:
        """Give at most `limit` operations of the log from number `first` on."""
        ...

    def log_of(self, inspection: str) -> list[Mine]:
        """Give this device's operations of one inspection."""
        ...

    def note(self, n: int, d: str, why: str) -> None:
        """Keep what the server said of one operation."""
        ...

    def noted(self) -> list[Mine]:
        """Give the operations of which the server said something."""
        ...

    def retire(self, device: str) -> None:
        """Put the whole log away as the chain of a former device; the log begins anew."""
        ...

    def retired(self, device: str, first: int, limit: int) -> list[Mine]:
        """Give a stretch of the chain of a former device."""
        ...

    def forget(self, device: str) -> None:
        """Let go of the chain of a former device."""
        ...

    def wipe(self) -> None:
        """Forget logs, keys and what was read; the files that were not sent stay."""
        ...

    def put_row(self, row: Row) -> None:
        """Keep a row, replacing its former revision in the bucket."""
        ...

    def remove_row(self, bucket: str, kind: str, entity: str) -> None:
        """Forget a row in one bucket."""
        ...

    def rows(self, kind: str) -> list[Row]:
        """Give the rows of one kind by id, each once: as the last of its buckets has it."""
        ...

    def row(self, kind: str, entity: str) -> Row | None:
        """Give one row as `rows` does."""
        ...

    def put_theirs(self, theirs: Theirs) -> None:
        """Keep another device's operation."""
        ...

    def theirs_of(self, bucket: str) -> list[Theirs]:
        """Give the other devices' operations in a bucket."""
        ...

    def drop(self, bucket: str) -> None:
        """Forget everything that was read for a bucket; the own log stays."""
        ...

    def revisions(self, bucket: str) -> Iterable[tuple[str, str, str]]:
        """Give kind, id and revision of everything read for a bucket."""
        ...

    def put_sites(self, bucket: str, known: Sequence[tuple[Site, int]]) -> None:
        """Keep establishments of a bucket, each with its term, replacing what they were."""
        ...

    def remove_sites(self, bucket: str, codes: Iterable[str]) -> None:
        """Forget establishments in one bucket."""
        ...

    def sites_sum(self, bucket: str) -> tuple[int, int]:
        """Count the establishments of a bucket and add up their terms modulo 2^60."""
        ...

    def find_sites(self, words: Sequence[str], limit: int) -> list[Site]:
        """Find establishments of whose code, name, address or licences each word is a part.

        By name, each once; capitals of the Latin alphabet do not matter.
        """
        ...

    def keep_piece(self, digest: str, at: int, piece: bytes) -> None:
        """Keep a piece of a file that comes in pieces, in order."""
        ...

    def pieces(self, digest: str) -> bytes:
        """Give what came of a file so far."""
        ...

    def drop_pieces(self) -> None:
        """Forget every file that came in pieces."""
        ...

    def put_file(self, file: File) -> None:
        """Keep what is known of an evidence file."""
        ...

    def files(self) -> list[File]:
        """Give the evidence files in the order they were taken."""
        ...


class MemoryStore:
    """A store that lives as long as the process; a failed transaction leaves no trace."""

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}
        self._log: list[Mine] = []
        self._retired: dict[str, list[Mine]] = {}
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._theirs: dict[tuple[str, str], Theirs] = {}
        self._sites: dict[tuple[str, str], tuple[Site, int]] = {}
        self._pieces: dict[str, bytes] = {}
        self._files: dict[str, File] = {}

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Restore the former state when the block fails; what is kept is itself immutable."""
        before = {name: copy(value) for name, value in vars(self).items()}
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def get(self, key: str) -> str:
        """Read a setting."""
        return self._settings.get(key, "")

    def set(self, key: str, value: str) -> None:
        """Write a setting."""
        self._settings[key] = value

    def append(self, mine: Mine) -> None:
        """Append to the log."""
        assert mine.n == len(self._log) + 1
        self._log.append(mine)

    def last(self) -> Mine | None:
        """Give the end of the log."""
        return self._log[-1] if self._log else None

    def log(self, first: int, limit: int) -> list[Mine]:
        """Give a stretch of the log."""
        return self._log[first - 1 : first - 1 + limit]

    def log_of(self, inspection: str) -> list[Mine]:
        """Give this device's operations of one inspection."""
        return [mine for mine in self._log if mine.inspection == inspection]

    def note(self, n: int, d: str, why: str) -> None:
        """Keep what the server said of one operation."""
        mine = self._log[n - 1]
        self._log[n - 1] = Mine(mine.n, mine.inspection, mine.hash, mine.raw, d, why)

    def noted(self) -> list[Mine]:
        """Give the operations of which the server said something."""
        return [mine for mine in self._log if mine.note]

    def retire(self, device: str) -> None:
        """Put the log away."""
        self._retired[device], self._log = self._log, []

    def retired(self, device: str, first: int, limit: int) -> list[Mine]:
        """Give a stretch of a former chain."""
        return self._retired.get(device, [])[first - 1 : first - 1 + limit]

    def forget(self, device: str) -> None:
        """Let go of a former chain."""
        self._retired.pop(device, None)

    def wipe(self) -> None:
        """Forget all but the files that were not sent."""
        files, kept = self._files, wiped(self.get("identity"), self.get("file_key"))
        vars(self).update(vars(MemoryStore()))
        self._settings = kept
        self._files = {digest: file for digest, file in files.items() if not file.sent}

    def put_row(self, row: Row) -> None:
        """Keep a row."""
        self._rows[row.bucket, row.kind, row.id] = row

    def remove_row(self, bucket: str, kind: str, entity: str) -> None:
        """Forget a row in one bucket."""
        self._rows.pop((bucket, kind, entity), None)

    def rows(self, kind: str) -> list[Row]:
        """Give the rows of one kind."""
        held = sorted((row for row in self._rows.values() if row.kind == kind), key=_place)
        return list({row.id: row for row in held}.values())

    def row(self, kind: str, entity: str) -> Row | None:
        """Give one row."""
        found = [row for row in self._rows.values() if (row.kind, row.id) == (kind, entity)]
        return max(found, key=_place, default=None)

    def put_theirs(self, theirs: Theirs) -> None:
        """Keep another device's operation."""
        self._theirs[theirs.bucket, theirs.id] = theirs

    def theirs_of(self, bucket: str) -> list[Theirs]:
        """Give the other devices' operations in a bucket."""
        found = [theirs for theirs in self._theirs.values() if theirs.bucket == bucket]
        return sorted(found, key=lambda theirs: theirs.id)

    def drop(self, bucket: str) -> None:
        """Forget what was read for a bucket."""
        self._rows = {key: row for key, row in self._rows.items() if row.bucket != bucket}
        self._theirs = {key: op for key, op in self._theirs.items() if op.bucket != bucket}
        self._sites = {key: one for key, one in self._sites.items() if key[0] != bucket}

    def revisions(self, bucket: str) -> Iterable[tuple[str, str, str]]:
        """Give kind, id and revision of everything read for a bucket."""
        rows = [(r.kind, r.id, r.rev) for r in self._rows.values() if r.bucket == bucket]
        return rows + [("op", t.id, t.hash) for t in self.theirs_of(bucket)]

    def put_sites(self, bucket: str, known: Sequence[tuple[Site, int]]) -> None:
        """Keep establishments of a bucket."""
        self._sites.update(((bucket, site.code), (site, term)) for site, term in known)

    def remove_sites(self, bucket: str, codes: Iterable[str]) -> None:
        """Forget establishments in one bucket."""
        for code in codes:
            self._sites.pop((bucket, code), None)

    def sites_sum(self, bucket: str) -> tuple[int, int]:
        """Count the establishments of a bucket and add up their terms."""
        terms = [term for (held, _), (_, term) in self._sites.items() if held == bucket]
        return len(terms), sum(terms) % 2**60

    def find_sites(self, words: Sequence[str], limit: int) -> list[Site]:
        """Find establishments."""
        held = {site.code: site for site, _ in self._sites.values()}
        found = [site for site in held.values() if all(_says(site, word) for word in words)]
        return sorted(found, key=lambda site: (site.name, site.code))[:limit]

    def keep_piece(self, digest: str, at: int, piece: bytes) -> None:
        """Keep a piece of a file."""
        assert at == len(self._pieces.get(digest, b""))
        self._pieces[digest] = self._pieces.get(digest, b"") + piece

    def pieces(self, digest: str) -> bytes:
        """Give what came of a file so far."""
        return self._pieces.get(digest, b"")

    def drop_pieces(self) -> None:
        """Forget every file that came in pieces."""
        self._pieces = {}

    def put_file(self, file: File) -> None:
        """Keep what is known of an evidence file."""
        self._files[file.sha256] = file

    def files(self) -> list[File]:
        """Give the evidence files."""
        return list(self._files.values())


def _says(site: Site, word: str) -> bool:
    fields = (site.code, site.name, site.address, site.licences)
    return any(word.casefold() in field.casefold() for field in fields)


def _place(row: Row) -> tuple[str, str]:
    return row.id, row.bucket


def wiped(identity: str, file_key: str) -> dict[str, str]:
    """Give the settings of a wiped device: who it was without its key, and what opens its files."""
    fields = msgspec.json.decode(identity, type=dict[str, Raw])
    fields["secret"] = Raw(b'""')
    kept = msgspec.json.encode(fields).decode()
    return {"identity": kept, "revoked": "yes", "wiped": "yes", "file_key": file_key}
