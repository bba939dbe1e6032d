"""账本导出: the lines of a ledger's export, each one JSON object in the one form that counts.

A line reads back to the same bytes or it is no line: so no byte of it is without meaning. Bytes are
base64, moments of the ledger milliseconds since 1970.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import Struct

from backend.rules.differences import Differs

GENESIS = "0" * 64

Key: TypeAlias = tuple[str, int, str]  # device, n, hash


class Start(Struct, frozen=True, tag_field="t", tag="ledger/1", forbid_unknown_fields=True):
    """Whose ledger this is, and when it was written out."""

    epoch: str
    key: str  # the server's, Ed25519
    at: str


class DeviceLine(Struct, frozen=True, tag_field="t", tag="device", forbid_unknown_fields=True):
    """A device, whose it is, its key, and the end of its chain."""

    id: str
    who: str
    label: str
    key: str
    n: int
    hash: str


class BatchLine(Struct, frozen=True, tag_field="t", tag="batch", forbid_unknown_fields=True):
    """The first line and the signature of a push."""

    dev: str
    first: int
    count: int
    line: bytes
    sig: str


class EntryLine(Struct, frozen=True, tag_field="t", tag="entry", forbid_unknown_fields=True):
    """An operation at its place in the ledger; `seq` is its place in the feed if it counts."""

    position: int
    dev: str
    n: int
    e: str
    kind: str
    hash: str
    root: str
    verdict: str
    why: str
    seq: int | None
    at: int
    raw: bytes


class ForkLine(Struct, frozen=True, tag_field="t", tag="fork", forbid_unknown_fields=True):
    """An operation whose place in its chain was taken by another."""

    dev: str
    n: int
    hash: str
    raw: bytes


class ActLine(Struct, frozen=True, tag_field="t", tag="act", forbid_unknown_fields=True):
    """An act of the journal."""

    n: int
    at: str
    actor: str
    verb: str
    subject: str
    details: str
    prev: str
    hash: str


class RulingLine(Struct, frozen=True, tag_field="t", tag="ruling", forbid_unknown_fields=True):
    """A later judgement, and the act that made it."""

    act: int
    dev: str
    n: int
    hash: str
    verdict: str
    why: str
    waived: str


class FoldLine(Struct, frozen=True, tag_field="t", tag="inspection", forbid_unknown_fields=True):
    """What the server keeps of the fold of an inspection."""

    id: str
    operations: int  # how many count
    conflicts: int
    late: int
    signed: bool


class EndLine(Struct, frozen=True, tag_field="t", tag="end", forbid_unknown_fields=True):
    """Where ledger and journal end, the digest of all lines before, and the server's signature."""

    ledger_n: int
    ledger_root: str
    act_n: int
    act_hash: str
    digest: str
    sig: str


Line: TypeAlias = (
    Start
    | DeviceLine
    | BatchLine
    | EntryLine
    | ForkLine
    | ActLine
    | RulingLine
    | FoldLine
    | EndLine
)

_decode = msgspec.json.Decoder(Line).decode


class Broken(ValueError):
    """A line that is none."""


def write(line: Line) -> bytes:
    """Write one line with its line feed."""
    return msgspec.json.encode(line) + b"\n"


def read(lines: Iterator[bytes]) -> Iterator[tuple[bytes, Line]]:
    """Read lines, each with its bytes; raise Broken at the first that is not in its one form."""
    for number, raw in enumerate(lines, start=1):
        try:
            line: Line = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Broken(f"{number}: {error}") from None
        if write(line) != raw:
            raise Broken(f"{number}")
        yield raw, line


def signed_text(digest: str, end: EndLine) -> bytes:
    """Write what the server signs under an export."""
    ends = f"{end.ledger_n}\n{end.ledger_root}\n{end.act_n}\n{end.act_hash}"
    return f"evenhand-ledger/1\n{digest}\n{ends}".encode()


class Digest:
    """The digest of the lines so far."""

    def __init__(self) -> None:
        self._hash = sha256(b"evenhand-ledger/1\n")

    def add(self, raw: bytes) -> None:
        """Take in one line."""
        self._hash.update(raw)

    def hex(self) -> str:
        """Give it as text."""
        return self._hash.hexdigest()


class Witnessed(Struct, frozen=True):
    """The ends of ledger and journal as somebody noted them down earlier."""

    epoch: str
    ledger_n: int
    ledger_root: str
    act_n: int
    act_hash: str
    public_key: str = ""


class Ledger:
    """What was read of an export."""

    def __init__(self) -> None:
        self.start: Start | None = None
        self.end: EndLine | None = None
        self.devices: dict[str, DeviceLine] = {}
        self.batches: list[BatchLine] = []
        self.entries: list[EntryLine] = []
        self.forks: list[ForkLine] = []
        self.acts: list[ActLine] = []
        self.rulings: list[RulingLine] = []
        self.folds: dict[str, FoldLine] = {}

    def add(self, line: object) -> None:
        """Sort one line in."""
        match line:
            case DeviceLine():
                self.devices[line.id] = line
            case BatchLine():
                self.batches.append(line)
            case EntryLine():
                self.entries.append(line)
            case ForkLine():
                self.forks.append(line)
            case ActLine():
                self.acts.append(line)
            case RulingLine():
                self.rulings.append(line)
            case FoldLine():
                self.folds[line.id] = line
            case _:
                raise AssertionError(line)

    def device(self, name: str) -> DeviceLine:
        """Give a device, or stop the step."""
        if name not in self.devices:
            raise Differs(f"Device {name} is not in the file.", f"文件中没有终端 {name}。")
        return self.devices[name]

    @property
    def operations(self) -> list[EntryLine | ForkLine]:
        """Give all operations, those in forks last."""
        return [*self.entries, *self.forks]

    def ruled(self) -> dict[Key, list[RulingLine]]:
        """Give what was ruled on each operation, the newest last."""
        found: dict[Key, list[RulingLine]] = {}
        for one in sorted(self.rulings, key=lambda one: one.act):
            found.setdefault((one.dev, one.n, one.hash), []).append(one)
        return found
