"""抽样框: who could be drawn and who not, frozen as sorted lines.

A frame may have ten million lines: it is written and hashed a block of lines at a time.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from itertools import chain, islice, pairwise
from operator import lt

from msgspec import Struct

from backend.rules import canonical
from backend.rules.differences import Differs
from backend.rules.merkle import Tree

BLOCK = 4_096  # lines at a time: more would leave the caches of the processor
ALIKE_MAX = 20_000  # lines that differ in more than their id, kept in memory
_LEVEL = 1  # of compression: 6 takes three times as long and saves a fifth


class Frozen(Struct, frozen=True, kw_only=True):
    """What is committed to of a frame; the hash is of the unpacked lines."""

    sha256: str
    root: str
    size: int
    counts: dict[str, dict[str, int]]


class Frame(Frozen, frozen=True, kw_only=True):
    """The frozen frame."""

    packed: bytes


class Freezer:
    """冻结: file, hash, Merkle root and counts, in one pass over lines sorted by id.

    What `add` gives must be pressed, in order; that may be done in another thread.
    """

    def __init__(self) -> None:
        """Start with no line."""
        self._tree, self._whole = Tree(), sha256()
        self._press = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)  # a gzip member, no name or time
        self._packed = BytesIO()
        self._alike: Counter[bytes] = Counter()  # tails not yet counted by stratum and status
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last = b""

    def add(self, ids: Sequence[bytes], tails: Sequence[bytes]) -> bytes:
        """Take in the next lines, some thousands at best: ids, and what follows from the tab on."""
        if not ids:
            return b""
        in_order = all(map(lt, chain((self._last,), ids), ids))
        assert in_order, "the frame is sorted by the bytes of its ids, each of them once"
        self._last = ids[-1]
        self._alike.update(tails)
        if len(self._alike) > ALIKE_MAX:
            self._count()
        rows = [id + tail for id, tail in zip(ids, tails, strict=True)]
        self._tree.extend(rows)
        return b"\n".join((*rows, b""))

    def press(self, written: bytes) -> None:
        """Pack the lines that were added, and hash them; other threads may run meanwhile."""
        self._whole.update(written)
        self._packed.write(self._press.compress(written))

    def done(self) -> Frame:
        """Close the file."""
        self._count()
        self._packed.write(self._press.flush())
        return Frame(
            packed=self._packed.getvalue(),
            sha256=self._whole.hexdigest(),
            root=self._tree.root().hex(),
            size=self._tree.size,
            counts=table_of(self._counts),
        )

    def _count(self) -> None:
        for tail, times in self._alike.items():
            _, stratum, _, status, _ = tail.split(b"\t", 4)
            self._counts[stratum.decode(), status.decode()] += times
        self._alike.clear()


def freeze(rows: Iterable[bytes]) -> Frame:
    """Freeze lines that are sorted by id."""
    freezer = Freezer()
    for block in blocks(rows):
        ends = [row.index(b"\t") for row in block]
        written = freezer.add(
            [row[:end] for row, end in zip(block, ends, strict=True)],
            [row[end:] for row, end in zip(block, ends, strict=True)],
        )
        freezer.press(written)
    return freezer.done()


def read_back(blocks: Iterable[list[bytes]], place: Callable[[bytes], tuple[str, str]]) -> Frozen:
    """Read a frozen frame: check every line and their order, and compute what was frozen.

    `place` checks a line and gives its stratum and status. Lines that differ in nothing but their
    id are checked once; the ids all of them.
    """
    reader = _Reader(place)
    for rows in blocks:
        reader.add(rows)
    return reader.done()


class _Reader:
    def __init__(self, place: Callable[[bytes], tuple[str, str]]) -> None:
        self._place = place
        self._tree, self._whole = Tree(), sha256()
        self._alike: dict[bytes, list[int]] = {}  # by what follows the id: how many
        self._places: dict[bytes, tuple[str, str]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last = b""

    def add(self, rows: list[bytes]) -> None:
        ids = [self._last]
        for row in rows:
            id, _, tail = row.partition(b"\t")
            alike = self._alike.get(tail)
            if alike is None:
                alike = self._learn(row, tail)
            alike[0] += 1
            ids.append(id)
        canonical.require_texts(ids[1:])
        if not all(map(lt, ids, ids[1:])):
            wrong = next(n for n, (a, b) in enumerate(pairwise(ids), start=1) if a >= b)
            raise _unsorted(self._tree.size + wrong)
        self._last = ids[-1]
        self._tree.extend(rows)
        self._whole.update(b"\n".join((*rows, b"")))

    def done(self) -> Frozen:
        self._count()
        return Frozen(
            sha256=self._whole.hexdigest(),
            root=self._tree.root().hex(),
            size=self._tree.size,
            counts=table_of(self._counts),
        )

    def _learn(self, row: bytes, tail: bytes) -> list[int]:
        if len(self._alike) >= ALIKE_MAX:
            self._count()
        self._places[tail] = self._place(row)
        self._alike[tail] = [0]
        return self._alike[tail]

    def _count(self) -> None:
        for tail, alike in self._alike.items():
            self._counts[self._places[tail]] += alike[0]
        self._alike.clear()
        self._places.clear()


def _unsorted(line: int) -> Differs:
    return Differs(f"Line {line} is out of order.", f"第 {line} 行次序有误。")


def blocks(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut a stream of lines into lists."""
    source = iter(rows)
    while block := list(islice(source, BLOCK)):
        yield block


def table_of(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Arrange counts by stratum and status, with a zero where there is none."""
    strata = sorted({stratum for stratum, _ in counts})
    return {name: {key: counts.get((name, key), 0) for key in ("E", "X")} for name in strata}
