"""名额: how many lots every stratum gives, in exact integers (`sjdraw/1`, C.5).

A quota is a fraction. It is rounded up, down, by largest remainder to a fixed total, or at random
without bias; what chance it takes comes from the seed, so anyone can repeat it.
"""

from bisect import bisect_left
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from itertools import accumulate, pairwise
from math import ceil, floor

from backend.rules.draw import Share, ceil_share
from backend.rules.scheme import Rounding

WHOLE = 2**256


def seeded(rounding: Rounding) -> bool:
    """Whether the rounding takes its chance from the seed, so that it is not known before."""
    return rounding in ("hamilton", "systematic")


def allocate(
    counts: Mapping[str, int],
    asked: Mapping[str, Fraction],
    *,
    rounding: Rounding,
    total: int,
    minimum: int,
    reserve_rate: tuple[int, int],
    reserve_minimum: int,
    seed: str,
) -> dict[str, Share]:
    """Give each stratum its lots: its quota rounded, at least `minimum`, at most all it has.

    `total`: so many in all, in proportion to the quotas; 0 means that none is set. Reserves are a
    share of the lots, rounded up, at least `reserve_minimum`, out of what is left.
    """
    strata = sorted(counts, key=str.encode)
    floors = {name: min(minimum, counts[name]) for name in strata}
    exact = {name: asked[name] for name in strata}
    if total:
        exact = apportioned(exact, floors, counts, total)
    whole = _rounded(exact, rounding, seed)
    shares: dict[str, Share] = {}
    for name in strata:
        primary = min(max(whole[name], floors[name]), counts[name])
        wanted = max(ceil_share(primary, *reserve_rate), reserve_minimum)
        shares[name] = Share(
            eligible=counts[name], primary=primary, reserves=min(wanted, counts[name] - primary)
        )
    return shares


def _rounded(exact: Mapping[str, Fraction], rounding: Rounding, seed: str) -> dict[str, int]:
    match rounding:
        case "ceil":
            return {name: ceil(quota) for name, quota in exact.items()}
        case "floor":
            return {name: floor(quota) for name, quota in exact.items()}
        case "hamilton":
            return _hamilton(exact, seed)
        case "systematic":
            return _systematic(exact, seed)


def _hamilton(exact: Mapping[str, Fraction], seed: str) -> dict[str, int]:
    """Round down, then give what is left of the total to the largest remainders."""
    whole = {name: floor(quota) for name, quota in exact.items()}
    left = int(sum(exact.values(), Fraction())) - sum(whole.values())

    def rank(name: str) -> tuple[Fraction, bytes]:
        return whole[name] - exact[name], sha256(f"{seed}|tie|{name}".encode()).digest()

    for name in sorted(exact, key=rank)[:left]:
        whole[name] += 1
    return whole


def _systematic(exact: Mapping[str, Fraction], seed: str) -> dict[str, int]:
    """Round every cumulative quota down after the same random shift: unbiased in each stratum."""
    shift = Fraction(int(sha256(f"{seed}|round".encode()).hexdigest(), 16), WHOLE)
    ends = accumulate(exact.values(), initial=shift)
    return {
        name: floor(end) - floor(start)
        for name, (start, end) in zip(exact, pairwise(ends), strict=True)
    }


def apportioned(
    asked: Mapping[str, Fraction],
    least: Mapping[str, int],
    most: Mapping[str, int],
    total: int,
) -> dict[str, Fraction]:
    """Share a total out in proportion to what is asked, each within its bounds.

    There is one factor by which all quotas, cut off at their bounds, add up to the total. A total
    out of reach gives the nearest.
    """
    bends = sorted(
        Fraction(bound[name]) / quota
        for name, quota in asked.items()
        if quota
        for bound in (least, most)
    )

    def given(factor: Fraction) -> dict[str, Fraction]:
        return {
            name: min(max(quota * factor, Fraction(least[name])), Fraction(most[name]))
            if quota
            else Fraction(least[name])
            for name, quota in asked.items()
        }

    past = bisect_left(
        bends, Fraction(total), key=lambda bend: sum(given(bend).values(), Fraction())
    )
    below = bends[past - 1] if past else Fraction(0)
    start = sum(given(below).values(), Fraction())
    if past == len(bends) or start >= total:
        return given(below)
    end = sum(given(bends[past]).values(), Fraction())
    return given(below + (bends[past] - below) * (total - start) / (end - start))


def most_of_each(
    counts: Mapping[str, int],
    asked: Mapping[str, Fraction],
    *,
    rounding: Rounding,
    total: int,
    minimum: int,
) -> dict[str, int]:
    """Give the largest number of lots of each stratum that any seed could lead to."""
    least = {name: min(minimum, count) for name, count in counts.items()}
    exact = apportioned(asked, least, counts, total) if total else asked
    down = rounding == "floor"
    return {
        name: min(max(floor(exact[name]) if down else ceil(exact[name]), least[name]), count)
        for name, count in counts.items()
    }


def most_lots(
    counts: Mapping[str, int],
    asked: Mapping[str, Fraction],
    *,
    rounding: Rounding,
    total: int,
    minimum: int,
) -> int:
    """Give the largest number of lots in all that any seed could lead to."""
    each = most_of_each(counts, asked, rounding=rounding, total=total, minimum=minimum)
    highest = sum(each.values())
    if total:
        return min(total, highest)
    if rounding == "systematic":
        least = sum(min(minimum, count) for count in counts.values())
        return min(highest, ceil(sum(asked.values(), Fraction())) + least)
    return highest
