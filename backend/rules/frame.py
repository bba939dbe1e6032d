"""抽样框: who could be drawn and who not, frozen as sorted lines.

A frame may have ten million lines: it is written and hashed a block of lines at a time.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from itertools import chain, islice
from operator import lt

from msgspec import Struct

from backend.rules.merkle import Tree

BLOCK = 1_024  # lines at a time: more would leave the caches of the processor
_LEVEL = 1  # of compression: 6 takes three times as long and saves a fifth


class Frame(Struct, frozen=True):
    """The frozen frame; the hash is of the unpacked lines."""

    packed: bytes
    sha256: str
    root: str
    size: int
    counts: dict[str, dict[str, int]]


class Freezer:
    """冻结: file, hash, Merkle root and counts, in one pass over lines sorted by id."""

    def __init__(self) -> None:
        """Start with no line."""
        self._tree, self._whole = Tree(), sha256()
        self._press = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)  # a gzip member, no name or time
        self._packed = BytesIO()
        self._counts: Counter[tuple[bytes, bytes]] = Counter()
        self._last = b""

    def add(self, rows: Sequence[bytes]) -> None:
        """Take in the next lines, some thousands at best."""
        if not rows:
            return
        cells = [row.split(b"\t", 4) for row in rows]
        ids, strata, _, statuses, _ = zip(*cells, strict=True)
        in_order = all(map(lt, chain((self._last,), ids), ids))
        assert in_order, "the frame is sorted by the bytes of its ids, each of them once"
        self._last = ids[-1]
        self._counts.update(zip(strata, statuses, strict=True))
        self._tree.extend(rows)
        written = b"\n".join((*rows, b""))
        self._whole.update(written)
        self._packed.write(self._press.compress(written))

    def done(self) -> Frame:
        """Close the file."""
        self._packed.write(self._press.flush())
        counts = {(a.decode(), b.decode()): n for (a, b), n in self._counts.items()}
        return Frame(
            packed=self._packed.getvalue(),
            sha256=self._whole.hexdigest(),
            root=self._tree.root().hex(),
            size=self._tree.size,
            counts=table_of(counts),
        )


def freeze(rows: Iterable[bytes]) -> Frame:
    """Freeze lines that are sorted by id."""
    freezer = Freezer()
    for block in blocks(rows):
        freezer.add(block)
    return freezer.done()


def blocks(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut a stream of lines into lists."""
    source = iter(rows)
    while block := list(islice(source, BLOCK)):
        yield block


def table_of(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Arrange counts by stratum and status, with a zero where there is none."""
    strata = sorted({stratum for stratum, _ in counts})
    return {name: {key: counts.get((name, key), 0) for key in ("E", "X")} for name in strata}
