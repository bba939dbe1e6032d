"""抽取: the draw anyone can repeat (`sjdraw/1`).

A seed is bound to a commitment made before the seed could be known. Every object's ticket (签号) is
the SHA-256 of that seed and its public code; the smallest tickets of each stratum win, the next
ones are its reserves. No generator, no library and no order of rows has any part in it.
"""

import hmac
from array import array
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from math import isqrt
from typing import Literal

from msgspec import Struct

SPEC = "sjdraw/1"
_DIGEST = 32  # bytes
_TOGETHER = 1_000  # lots
_HIGHEST = b"\xff" * (_DIGEST + 1)  # above every ticket


class Seeds(Struct, frozen=True):
    """The seed of a draw and the three it is split into, in hex."""

    root: str
    objects: str
    inspectors: str
    rounding: str


class Share(Struct, frozen=True):
    """What one stratum gives: of `eligible` objects, this many lots and reserves."""

    eligible: int
    primary: int
    reserves: int


class Lot(Struct, frozen=True, gc=False):
    """中签: one object's place in its stratum: P is drawn, R is a reserve (候补)."""

    stratum: str
    rank: int
    id: str
    ticket: str
    status: Literal["P", "R"]


# -- the seed ------------------------------------------------------------------------------------


def nonce_commitment(who: str, nonce: str) -> str:
    """Compute what a contributor publishes beforehand; the nonce is 64 hex digits."""
    return sha256(f"{SPEC}|nonce|{who}|{nonce}".encode()).hexdigest()


def seed_text(sources: Mapping[str, str], nonces: Mapping[str, str]) -> bytes:
    """Write down all that the seed is made of: public values, then revealed nonces, in order."""
    rows = [f"{SPEC} seed"]
    rows += [f"source {name}={sources[name]}" for name in sorted(sources, key=str.encode)]
    rows += [f"nonce {who}={nonces[who]}" for who in sorted(nonces, key=str.encode)]
    return "".join(row + "\n" for row in rows).encode()


def derive(commit_hash: str, text: bytes, task_id: str) -> Seeds:
    """Bind the seed text to the commitment (HKDF-Extract) and split it by purpose."""
    key = hmac.digest(bytes.fromhex(commit_hash), text, "sha256")

    def part(purpose: str) -> str:
        return hmac.digest(key, f"{purpose}|{task_id}".encode(), "sha256").hex()

    return Seeds(
        root=key.hex(),
        objects=part("objects"),
        inspectors=part("inspectors"),
        rounding=part("rounding"),
    )


# -- how many ------------------------------------------------------------------------------------


def ceil_share(count: int, num: int, den: int) -> int:
    """Round a share up: the rule says "not less than" (不少于)."""
    return -(-count * num // den)


# -- tickets -------------------------------------------------------------------------------------


def ticket(seed: str, id: str) -> str:
    """Compute one object's ticket: printf '%s|%s' SEED ID | sha256sum."""
    return sha256(f"{seed}|{id}".encode()).hexdigest()


def select(
    seed: str, eligible: Iterable[tuple[bytes, str]], shares: Mapping[str, Share]
) -> list[Lot]:
    """Draw from (id as UTF-8, stratum) pairs in one pass, keeping only tickets below a bound.

    The order of the pairs does not matter, and taking more lots never changes those before them.
    """
    begun = sha256(f"{seed}|".encode()).copy
    pools = {name: Pool(share.primary + share.reserves) for name, share in shares.items()}
    for id, stratum in eligible:
        ticket = begun()
        ticket.update(id)
        number = ticket.digest()
        pool = pools[stratum]
        if number < pool.bound:
            pool.add(number + id)
    return [
        Lot(
            stratum=stratum,
            rank=rank,
            id=lot[_DIGEST:].decode(),
            ticket=lot[:_DIGEST].hex(),
            status="P" if rank <= shares[stratum].primary else "R",
        )
        for stratum, pool in sorted(pools.items(), key=lambda item: item[0].encode())
        for rank, lot in enumerate(pool.taken(), start=1)
    ]


class Pool:
    """The smallest tickets of one stratum so far.

    A lower bound is guessed from how many tickets lie below the last one, and holds if enough of
    them lie below it too: so nothing is sorted before the end.
    """

    def __init__(self, size: int) -> None:
        self.bound = _HIGHEST if size else b""
        self._size = size
        self._most = size + size // 4 + 1_000
        self._kept: list[bytes] = []

    def add(self, lot: bytes) -> None:
        """Take in a ticket below the bound, with its id behind it."""
        self._kept.append(lot)
        if len(self._kept) > self._most:
            self._lower()

    def smallest(self) -> list[bytes]:
        """Give as many as were asked for, smallest first; of the others none can be drawn."""
        self._kept.sort()
        del self._kept[self._size :]
        return self._kept

    def taken(self) -> Iterator[bytes]:
        """Give them one by one, and forget them: there may be a hundred thousand.

        They are put together first: what takes their place has the memory of all of them then.
        """
        lots, self._kept = self.smallest(), []
        parts: list[tuple[array[int], bytes]] = []
        while lots:
            part = lots[-_TOGETHER:]
            del lots[-_TOGETHER:]
            parts.append((array("H", map(len, part)), b"".join(part)))
        while parts:
            sizes, whole = parts.pop()
            end = 0
            for size in sizes:
                start, end = end, end + size
                yield whole[start:end]

    def _lower(self) -> None:
        aim = self._size + 8 * isqrt(self._size) + 100
        number = int.from_bytes(self.bound[:_DIGEST]) * aim // len(self._kept)
        guess = number.to_bytes(_DIGEST)
        below = [lot for lot in self._kept if lot < guess]
        if len(below) < self._size:  # then by the tickets themselves
            below = self.smallest()
            guess = below[-1]
        self._kept, self.bound = below, guess
