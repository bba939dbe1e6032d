"""加权抽取: a draw in which some have more chance, in exact integers (`sjdraw/1`, C.6).

Pareto πps (Rosén): whoever is certain comes first; the others are ranked by their ticket's odds
over the odds they should have. No logarithm, so every machine gives the same list.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from backend.rules.draw import Lot, Share

WHOLE = 2**256
Entry = tuple[int, bytes, int]  # ticket, id, weight


def select(
    seed: str, eligible: Iterable[tuple[bytes, str, int]], shares: Mapping[str, Share]
) -> list[Lot]:
    """Draw from (id as UTF-8, stratum, weight) triples; their order does not matter."""
    prefix = f"{seed}|".encode()
    entries: dict[str, list[Entry]] = {name: [] for name in shares}
    for id, stratum, weight in eligible:
        number = int.from_bytes(sha256(prefix + id).digest())
        entries[stratum].append((number, id, weight))
    return [
        Lot(
            stratum=stratum,
            rank=rank,
            id=id.decode(),
            ticket=f"{number:064x}",
            status="P" if rank <= share.primary else "R",
        )
        for stratum, share in sorted(shares.items(), key=lambda item: item[0].encode())
        for rank, (number, id, _) in enumerate(
            ranked(entries[stratum], share.primary)[: share.primary + share.reserves], start=1
        )
    ]


class Field(Struct, frozen=True):
    """One stratum of which some are certain; `take` and `whole` are what is left for the others."""

    certain: list[Entry]
    rest: list[Entry]
    take: int
    whole: int


def field_of(entries: Sequence[Entry], take: int) -> Field:
    """Set those apart who are certain when `take` are drawn."""
    certain: list[Entry] = []
    rest = list(entries)
    whole = sum(weight for _, _, weight in rest)
    while sure := [one for one in rest if take and take * one[2] >= whole]:
        certain += sure
        rest = [one for one in rest if take * one[2] < whole]
        take -= len(sure)
        whole -= sum(weight for _, _, weight in sure)
    return Field(certain, rest, take, whole)


def ranked(entries: Sequence[Entry], take: int) -> list[Entry]:
    """Rank one stratum of which `take` are drawn: the certain by ticket, then the others by key."""
    field = field_of(entries, take)
    return [
        *sorted(field.certain),
        *sorted(field.rest, key=lambda one: (key(one, field.take, field.whole), one)),
    ]


def key(entry: Entry, take: int, whole: int) -> int:
    """Compute the ticket's odds over the odds of being drawn; without a draw, by weight alone."""
    number, _, weight = entry
    half = 2 * number + 1
    odds_to, odds_of = (whole - take * weight, take * weight) if take else (whole, weight)
    return half * odds_to * WHOLE // ((2 * WHOLE - half) * odds_of)
