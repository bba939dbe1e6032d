"""人员匹配: the lexicographic feasible draw of inspectors.

Each position in turn, in the order of its ticket, takes the inspector with the lowest ticket whose
choice still lets every later position be filled. So the outcome is random, unique, independent of
row order and program, and complete whenever any complete pairing exists.

Inside: a matching kept complete at all times. Whether position t may take inspector j is asked by
looking for one alternating path that frees a seat of j; sets of inspectors are integers (bitsets).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import chain, compress
from typing import Protocol, TypeVar

from msgspec import Struct

PART = 250_000  # tickets computed at a time
FIRST = 16  # of a position's inspectors that are put in order at once, on average
HIGHEST = b"\xff" * 33  # above every ticket
WHOLE = 2**256
_MASKS_KEPT = 64  # most positions share a few sets of inspectors

A = TypeVar("A")
B = TypeVar("B")


class Spread(Protocol):
    """Applies a pure function to each of some parts, in order, wherever it likes."""

    def __call__(self, work: Callable[[A], B], parts: Sequence[A], /) -> Iterable[B]:
        """Do as `map` does."""
        ...


class Position(Struct, frozen=True):
    """One seat at one site: `group` is where its holders must differ; `eligible` who may sit."""

    group: str
    name: str
    eligible: int  # bit i is the i-th of the roster


class Seat(Struct, frozen=True):
    """A position filled, and those who came before but would have left others unfilled."""

    group: str
    position: str
    inspector: str
    skipped: tuple[str, ...]


class Bottleneck(Struct, frozen=True):
    """Why no complete pairing exists: these positions share these inspectors, with fewer seats.

    `seats` is the sum over the inspectors of min(free cap, groups among the positions that can use
    them): a cut in the network, so nothing the draw might do could help. It is as small as can be:
    all of these positions but any one could be filled.
    """

    positions: tuple[tuple[str, str], ...]
    inspectors: tuple[str, ...]
    seats: int


def pair(
    seed: str,
    roster: Sequence[str],
    caps: Mapping[str, int],
    positions: Iterable[Position],
    *,
    spread: Spread = map,
) -> list[Seat] | Bottleneck:
    """Fill every position, or say exactly why that cannot be done.

    `spread` may compute tickets elsewhere: those of one position depend on no other.
    """
    ordered = in_turn(seed, positions)
    matching = _complete(ordered, roster, caps)
    if isinstance(matching, Bottleneck):
        return matching
    tickets = _Tickets(seed, [name.encode() for name in roster])
    firsts = chain.from_iterable(spread(tickets.firsts, _parts(ordered)))
    seats: list[Seat] = []
    for index, (position, first) in enumerate(zip(ordered, firsts, strict=True)):
        chosen, skipped = _choose(matching, index, tickets.order(position, first))
        seats.append(
            Seat(
                group=position.group,
                position=position.name,
                inspector=roster[chosen],
                skipped=tuple(roster[j] for j in skipped),
            )
        )
    return sorted(seats, key=lambda seat: (seat.group.encode(), seat.position.encode()))


def bottleneck(
    seed: str, roster: Sequence[str], caps: Mapping[str, int], positions: Iterable[Position]
) -> Bottleneck | None:
    """Say only whether every position can be filled: the bottleneck that `pair` would give."""
    matching = _complete(in_turn(seed, positions), roster, caps)
    return matching if isinstance(matching, Bottleneck) else None


def bits(mask: int) -> Iterator[int]:
    """List the members of a bitset, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def in_turn(seed: str, positions: Iterable[Position]) -> list[Position]:
    """Order positions as they choose, each by its own ticket."""
    return sorted(positions, key=lambda one: (_slot(seed, one), one.group, one.name))


def _complete(
    ordered: Sequence[Position], roster: Sequence[str], caps: Mapping[str, int]
) -> "_Matching | Bottleneck":
    """Seat everybody somewhere, before anyone is seated for good."""
    matching = _Matching(ordered, [caps[name] for name in roster])
    for index in range(len(ordered)):
        if (cut := matching.place(index)) is not None:
            return _bottleneck(ordered, roster, caps, cut)
    return matching


def _slot(seed: str, position: Position) -> bytes:
    return sha256(f"{seed}|slot|{position.group}|{position.name}".encode()).digest()


def _parts(ordered: Sequence[Position]) -> list[list[Position]]:
    """Cut positions into parts of about as many tickets each."""
    parts: list[list[Position]] = []
    room = 0
    for one in ordered:
        if room <= 0:
            parts.append([])
            room = PART
        parts[-1].append(one)
        room -= one.eligible.bit_count()
    return parts


class _Tickets(Struct, frozen=True):
    """The order in which a position asks the inspectors."""

    seed: str
    roster: list[bytes]  # names as UTF-8

    def firsts(self, positions: Sequence[Position]) -> list[list[int]]:
        """List for each position the few with the smallest tickets: mostly one of them sits."""
        numbers = {name: j for j, name in enumerate(self.roster)}
        able = lru_cache(_MASKS_KEPT)(self._able)
        firsts: list[list[int]] = []
        for one in positions:
            names = able(one.eligible)
            few = min(WHOLE - 1, FIRST * WHOLE // max(1, len(names)))
            below = self._below(one, names, few.to_bytes(32))
            firsts.append([numbers[name] for name in below])
        return firsts

    def order(self, position: Position, first: Sequence[int]) -> Iterator[int]:
        """List all who may sit here by ticket; the first of them are known."""
        yield from first
        names = self._able(position.eligible)
        if len(names) > len(first):
            numbers = {name: j for j, name in enumerate(self.roster)}
            ordered = self._below(position, names, HIGHEST)
            yield from (numbers[name] for name in ordered[len(first) :])

    def _able(self, mask: int) -> list[bytes]:
        digits = f"{mask:b}".encode()[::-1].replace(b"0", b"\0")
        return list(compress(self.roster, digits))

    def _below(self, position: Position, names: Sequence[bytes], bound: bytes) -> list[bytes]:
        """List by ticket those whose ticket is below a bound."""
        copy = sha256(f"{self.seed}|pair|{position.group}|{position.name}|".encode()).copy
        below: list[tuple[bytes, bytes]] = []
        for name in names:  # all the time of a large draw is spent here, so: nothing but the hash
            ticket = copy()
            ticket.update(name)
            number = ticket.digest()
            if number < bound:
                below.append((number, name))
        below.sort()
        return [name for _, name in below]


def _choose(matching: "_Matching", index: int, order: Iterator[int]) -> tuple[int, list[int]]:
    skipped: list[int] = []
    for j in order:
        if matching.is_fixed_in_group(index, j):
            continue
        if matching.fix(index, j):
            return j, skipped
        skipped.append(j)
    raise AssertionError("the matching is complete, so its own choice was feasible")


def _bottleneck(
    positions: Sequence[Position], roster: Sequence[str], caps: Mapping[str, int], cut: list[int]
) -> Bottleneck:
    able: dict[str, int] = {}  # by group: who could sit at any of its positions in the cut
    for index in cut:
        one = positions[index]
        able[one.group] = able.get(one.group, 0) | one.eligible
    groups: Counter[int] = Counter()  # by inspector: how many groups could use him
    for mask, times in Counter(able.values()).items():
        for j in bits(mask):
            groups[j] += times
    return Bottleneck(
        positions=tuple(sorted((positions[i].group, positions[i].name) for i in cut)),
        inspectors=tuple(roster[j] for j in sorted(groups)),
        seats=sum(min(caps[roster[j]], count) for j, count in groups.items()),
    )


class _Closed(Struct, frozen=True):
    """A part of the network that no free seat can be reached from.

    It stays so until the end: every seat in it is used, and only by positions in it. So a position
    outside it can never take an inspector inside it.
    """

    inspectors: int
    positions: frozenset[int]


class _Matching:
    """Positions matched to inspectors, within caps and with no inspector twice in a group."""

    def __init__(self, positions: Sequence[Position], caps: Sequence[int]) -> None:
        self.eligible = [one.eligible for one in positions]
        numbers = {name: n for n, name in enumerate(dict.fromkeys(p.group for p in positions))}
        self.group = [numbers[one.group] for one in positions]
        self.members: list[list[int]] = [[] for _ in numbers]  # placed and not yet fixed
        self.taken = [0] * len(numbers)  # bitset of the inspectors seated in the group
        self.fixed = [0] * len(numbers)  # of those, the ones fixed for good
        self.at = [-1] * len(positions)
        self.on: list[set[int]] = [set() for _ in caps]  # placed and not yet fixed
        self.spare = list(caps)
        self.free = sum(1 << j for j, cap in enumerate(caps) if cap > 0)
        self.closed: list[_Closed] = []

    def place(self, index: int) -> list[int] | None:
        """Seat one more position, moving others as needed; else give the positions of the cut."""
        path = self._search([index])
        if isinstance(path, _Closed):
            return sorted(path.positions)
        self.members[self.group[index]].append(index)
        self._follow(path)
        return None

    def is_fixed_in_group(self, index: int, j: int) -> bool:
        """Whether this inspector already sits in the group for good."""
        return bool(self.fixed[self.group[index]] >> j & 1)

    def fix(self, index: int, j: int) -> bool:
        """Seat a position at j for good, unless the rest could then not be filled."""
        if self.at[index] != j and not self._move(index, j):
            return False
        group = self.group[index]
        self.members[group].remove(index)
        self.on[j].discard(index)
        self.fixed[group] |= 1 << j
        return True

    def _move(self, index: int, j: int) -> bool:
        """Bring a position to j by one alternating path, or leave everything as it was."""
        if any(c.inspectors >> j & 1 and index not in c.positions for c in self.closed):
            return False
        group, before = self.group[index], self.at[index]
        rival = next((m for m in self.members[group] if self.at[m] == j), None)
        self._unseat(index)
        if rival is None and self.spare[j] > 0:
            self._seat(index, j)
            return True
        pushed = [rival] if rival is not None else list(self.on[j])
        path = self._search(pushed, blocked=(group, j), seen=0 if rival is not None else 1 << j)
        if isinstance(path, _Closed):
            self._seat(index, before)
            self.closed.append(path)
            return False
        self._follow(path)
        self._seat(index, j)
        return True

    def _search(
        self, starts: list[int], *, blocked: tuple[int, int] | None = None, seen: int = 0
    ) -> list[tuple[int, int]] | _Closed:
        """Find moves (position, inspector) that seat one of `starts` elsewhere; else what was seen.

        `blocked` is a (group, inspector) about to be taken, `seen` the inspectors already asked.
        A position may go to an inspector who has a free seat, push out one of his positions, or
        push out its own sibling.
        """
        cause: dict[int, tuple[int, int] | None] = dict.fromkeys(starts)
        queue = list(starts)
        for p in queue:
            group = self.group[p]
            taken = self.taken[group]
            if blocked is not None and blocked[0] == group:
                taken |= 1 << blocked[1]
            reach = self.eligible[p] & ~taken & ~seen
            if hit := reach & self.free:
                return self._trace(cause, p, (hit & -hit).bit_length() - 1)
            seen |= reach
            for j in bits(reach):
                for q in self.on[j]:
                    if q not in cause:
                        cause[q] = (p, j)
                        queue.append(q)
            for q in self.members[group]:
                j = self.at[q]
                if q not in cause and j >= 0 and self.eligible[p] >> j & 1:
                    cause[q] = (p, j)
                    queue.append(q)
        return _Closed(inspectors=seen, positions=frozenset(cause))

    def _trace(
        self, cause: dict[int, tuple[int, int] | None], p: int, j: int
    ) -> list[tuple[int, int]]:
        path = [(p, j)]
        while (step := cause[p]) is not None:
            path.append(step)
            p = step[0]
        return path

    def _follow(self, path: list[tuple[int, int]]) -> None:
        for p, _ in path:
            if self.at[p] >= 0:
                self._unseat(p)
        for p, j in path:
            self._seat(p, j)

    def _seat(self, p: int, j: int) -> None:
        self.at[p] = j
        self.on[j].add(p)
        self.taken[self.group[p]] |= 1 << j
        self.spare[j] -= 1
        if self.spare[j] == 0:
            self.free &= ~(1 << j)

    def _unseat(self, p: int) -> None:
        j = self.at[p]
        self.at[p] = -1
        self.on[j].discard(p)
        self.taken[self.group[p]] &= ~(1 << j)
        self.spare[j] += 1
        self.free |= 1 << j
