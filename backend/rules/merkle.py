"""默克尔树: one hash for a whole list, and short proofs that a line is in it, or is not.

The tree of RFC 6962 and RFC 9162: leaf = SHA-256(00 ‖ line), node = SHA-256(01 ‖ left ‖ right),
an odd node is promoted. Lines are sorted by their identifier, so absence is shown by neighbours.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice

from msgspec import Struct

_BLOCK = 4_096
_LEAF, _NODE = sha256(b"\0").copy, sha256(b"\1").copy


class Inclusion(Struct, frozen=True):
    """A line, its index from 0, and the hashes that lead from its leaf to the root."""

    index: int
    line: bytes
    path: tuple[bytes, ...]


class Absence(Struct, frozen=True):
    """The two neighbours between which an identifier would stand; one is none at an end."""

    left: Inclusion | None
    right: Inclusion | None


class Tree:
    """The root of a stream of lines, in memory for one hash per level and one block of lines."""

    def __init__(self) -> None:
        """Start with no line."""
        self.size = 0
        self._peaks: list[bytes] = []  # roots of full subtrees, largest first

    def add(self, line: bytes) -> None:
        """Take in the next line."""
        node = sha256(b"\0" + line).digest()
        merges = self.size
        while merges & 1:
            node = sha256(b"\1" + self._peaks.pop() + node).digest()
            merges >>= 1
        self._peaks.append(node)
        self.size += 1

    def extend(self, lines: Sequence[bytes]) -> None:
        """Take in the next lines, a whole level at a time: the larger the block, the faster."""
        level = _leaves(lines)
        merges = self.size
        self.size += len(level)
        left: list[bytes] = []  # what has no neighbour yet, smallest subtree first
        while level:
            if merges & 1:
                level.insert(0, self._peaks.pop())
            if len(level) % 2:
                left.append(level.pop())
            level = _above(level)
            merges >>= 1
        self._peaks += reversed(left)

    def root(self) -> bytes:
        """Give the root over the lines so far."""
        if not self._peaks:
            return sha256(b"").digest()
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = sha256(b"\1" + peak + node).digest()
        return node


def root(lines: Iterable[bytes]) -> bytes:
    """Compute the root over some lines."""
    tree, rest = Tree(), iter(lines)
    while block := list(islice(rest, _BLOCK)):
        tree.extend(block)
    return tree.root()


def _leaves(lines: Iterable[bytes]) -> list[bytes]:
    leaves: list[bytes] = []
    for line in lines:  # a copy of a hash that has begun takes a tenth less than a new one
        leaf = _LEAF()
        leaf.update(line)
        leaves.append(leaf.digest())
    return leaves


def _above(level: Iterable[bytes]) -> list[bytes]:
    nodes: list[bytes] = []
    hashes = iter(level)
    for left in hashes:
        node = _NODE()
        node.update(left)
        node.update(next(hashes))
        nodes.append(node.digest())
    return nodes


def prove(lines: Sequence[bytes], index: int) -> Inclusion:
    """Prove that the line at an index is in the tree; costs as much as the root."""
    assert 0 <= index < len(lines), "a proof is asked for a line that exists"
    level = _leaves(lines)
    path: list[bytes] = []
    at = index
    while len(level) > 1:
        if at ^ 1 < len(level):
            path.append(level[at ^ 1])
        odd = level[len(level) & ~1 :]  # promoted
        level, at = _above(level[: len(level) & ~1]) + odd, at // 2
    return Inclusion(index=index, line=lines[index], path=tuple(path))


def includes(root: bytes, size: int, proof: Inclusion) -> bool:
    """Check a proof against the root of a tree of `size` lines (RFC 9162 §2.1.3.2)."""
    if not 0 <= proof.index < size:
        return False
    at, last = proof.index, size - 1
    node = sha256(b"\0" + proof.line).digest()
    for sibling in proof.path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = sha256(b"\1" + sibling + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def prove_absence(lines: Sequence[bytes], key: bytes) -> Absence:
    """Prove that no line has this identifier as its first field; the lines are sorted by it."""
    after = sum(1 for line in lines if _key(line) < key)
    assert after == len(lines) or _key(lines[after]) != key, "the identifier is not absent"
    return Absence(
        left=prove(lines, after - 1) if after else None,
        right=prove(lines, after) if after < len(lines) else None,
    )


def excludes(root: bytes, size: int, key: bytes, proof: Absence) -> bool:
    """Check that two neighbours leave no room for an identifier."""
    left, right = proof.left, proof.right
    if left is None and right is None:
        return size == 0 and root == Tree().root()
    if left is not None and not (_key(left.line) < key and includes(root, size, left)):
        return False
    if right is not None and not (key < _key(right.line) and includes(root, size, right)):
        return False
    before = -1 if left is None else left.index
    after = size if right is None else right.index
    return after == before + 1


def _key(line: bytes) -> bytes:
    return line.partition(b"\t")[0]
