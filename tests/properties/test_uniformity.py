"""公平: over 20,000 fixed seeds every site and every inspector, and every two, come equally often.

The seeds are SHA-256("0") to SHA-256("19999"), so every count is a known number and nothing here
flickers. What is looked at is always a set of k out of n, whose counts split into two independent
parts (`orders`): how often each one comes, and how often each two come beyond what the two explain.
Each is chi-square; ours must stay between the outer thousandths, a faulty draw must fall beyond
one in a million.

Power, asserted below: at the level of one in a thousand, a draw is found out with probability 0.95
where one of the 24 sites comes in 27.2 % of the draws instead of 25 %, one of the 8 inspectors in
76.9 % instead of 75 %, one of the 28 pairs sits at a site in 4.7 % instead of 3.6 %, or two sites
come together in 7.0 % instead of 5.4 % while neither comes more often.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from itertools import combinations, islice

import pytest
from msgspec import Struct

from backend.rules import draw
from backend.rules.pairing import Position, pair

DRAWS = 20_000
ALPHA, BEYOND = 1e-3, 1e-6
Sampler = Callable[[str], Sequence[int]]


class Kind(Struct, frozen=True):
    """A set of `take` out of `count`."""

    count: int
    take: int

    def together(self, size: int) -> float:
        """Compute the chance that so many given ones are all in the set."""
        return math.perm(self.take, size) / math.perm(self.count, size)

    def degrees(self) -> tuple[int, int]:
        """Count the degrees of freedom of the two parts."""
        return self.count - 1, self.count * (self.count - 3) // 2

    def spreads(self) -> tuple[float, float]:
        """Compute the variance of one draw in every direction of the two parts.

        They are the eigenvalues of the covariance of sets of a fixed size (Johnson scheme).
        """
        one, two, three, four = map(self.together, (1, 2, 3, 4))
        return one - two, two - 2 * three + four


SITES = Kind(count=24, take=6)
CREW = Kind(count=8, take=6)  # of 8 inspectors, 6 are sent out
PAIR = Kind(count=8, take=2)  # and two of them to the first site


# -- chi-square ------------------------------------------------------------------------------------


def survival(x: float, degrees: float) -> float:
    """Compute the chance of a chi-square above x: the regularised upper gamma function."""
    a, z = degrees / 2, x / 2
    if z <= 0:
        return 1.0
    scale = math.exp(a * math.log(z) - z - math.lgamma(a))
    if z < a + 1:  # series of the lower function
        term = total = 1 / a
        n = a
        while term > total * 1e-16:
            n += 1
            term *= z / n
            total += term
        return 1 - scale * total
    b, c = z + 1 - a, 1e300  # continued fraction of the upper one, by Lentz
    d = h = 1 / b
    for i in range(1, 10_000):
        step = -i * (i - a)
        b += 2
        d = 1 / (step * d + b)
        c = b + step / c
        h *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return scale * h


def critical(degrees: int, level: float) -> float:
    """Find the value that a chi-square exceeds with this chance."""
    low, high = 0.0, 10.0 * degrees + 100
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if survival(middle, degrees) > level else (low, middle)
    return high


def power(degrees: int, shift: float) -> float:
    """Compute how probably a non-central chi-square is beyond the level: a mixture by Poisson."""
    edge = critical(degrees, ALPHA)
    return sum(
        math.exp(j * math.log(shift / 2) - shift / 2 - math.lgamma(j + 1))
        * survival(edge, degrees + 2 * j)
        for j in range(int(shift / 2 + 20 * math.sqrt(shift) + 50))
    )


@pytest.mark.parametrize(
    ("x", "degrees", "chance"),
    [
        (3.8415, 1, 0.05), (10.8276, 1, 0.001), (0.0158, 1, 0.90), (18.3070, 10, 0.05),
        (29.5883, 10, 0.001), (3.9403, 10, 0.95), (67.5048, 50, 0.05), (86.6608, 50, 0.001),
        (149.4493, 100, 0.001), (77.9295, 100, 0.95),
    ],
)  # fmt: skip
def test_chi_square_is_as_in_the_tables(x: float, degrees: int, chance: float) -> None:
    assert survival(x, degrees) == pytest.approx(chance, rel=2e-3)
    assert critical(degrees, chance) == pytest.approx(x, rel=4e-3)


def test_chi_square_of_one_and_two_degrees_is_the_closed_form() -> None:
    for x in (0.1, 1.0, 3.0, 10.0, 40.0):
        assert survival(x, 1) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=1e-10)
        assert survival(x, 2) == pytest.approx(math.exp(-x / 2), rel=1e-10)


@pytest.mark.parametrize(
    ("kind", "part", "effect"),
    [(SITES, 0, 0.022), (CREW, 0, 0.019), (PAIR, 1, 0.0112), (SITES, 1, 0.016)],
)
def test_the_power_is_as_stated(kind: Kind, part: int, effect: float) -> None:
    """One site or pair has `effect` more, taken equally from all others."""
    share = (kind.count, kind.count - 3)[part] / (kind.count - 1)  # of it lies in this part

    shift = DRAWS * effect**2 * share / kind.spreads()[part]

    assert power(kind.degrees()[part], shift) > 0.95


# -- the test of uniformity ------------------------------------------------------------------------


@cache
def seeds() -> list[str]:
    return [sha256(str(n).encode()).hexdigest() for n in range(DRAWS)]


def orders(kind: Kind, sampler: Sampler) -> tuple[float, float]:
    """Compute the two chances that sets drawn fairly vary more than these: by ones, by twos."""
    ones = [0] * kind.count
    twos: Counter[tuple[int, int]] = Counter()
    for seed in seeds():
        chosen = sorted(sampler(seed))
        assert len(set(chosen)) == kind.take
        for one in chosen:
            ones[one] += 1
        twos.update(combinations(chosen, 2))
    of_one, of_two = DRAWS * kind.together(1), DRAWS * kind.together(2)
    first = sum((count - of_one) ** 2 for count in ones)
    lean = [(count - of_one) * (kind.take - 1) / (kind.count - 2) for count in ones]
    second = sum(
        (twos[i, j] - of_two - lean[i] - lean[j]) ** 2
        for i, j in combinations(range(kind.count), 2)
    )
    (dof_1, dof_2), (spread_1, spread_2) = kind.degrees(), kind.spreads()
    return (
        survival(first / (DRAWS * spread_1), dof_1),
        survival(second / (DRAWS * spread_2), dof_2),
    )


def assert_is_fair(kind: Kind, sampler: Sampler) -> None:
    for chance in orders(kind, sampler):
        assert ALPHA < chance < 1 - ALPHA


# -- ours ------------------------------------------------------------------------------------------


def our_sites(seed: str) -> list[int]:
    share = {"all": draw.Share(eligible=SITES.count, primary=SITES.take, reserves=0)}
    return [int(lot.id) for lot in draw.select(seed, [(id, "all") for id in _IDS], share)]


_IDS = [b"%d" % n for n in range(SITES.count)]
_ROSTER = [f"I{n}" for n in range(CREW.count)]
_SEATS = [Position(f"S{n // 2}", str(n % 2), 2**CREW.count - 1) for n in range(CREW.take)]


def our_seats(seed: str) -> list[int]:
    """Send six of eight inspectors to three sites, two to each; no one goes twice."""
    seats = pair(seed, _ROSTER, dict.fromkeys(_ROSTER, 1), _SEATS)
    assert isinstance(seats, list)
    return [_ROSTER.index(seat.inspector) for seat in seats]


def our_first_site(seed: str) -> list[int]:
    return our_seats(seed)[:2]


@pytest.mark.parametrize(
    ("kind", "sampler"), [(SITES, our_sites), (CREW, our_seats), (PAIR, our_first_site)]
)
def test_every_one_and_every_two_come_equally_often(kind: Kind, sampler: Sampler) -> None:
    assert_is_fair(kind, sampler)


def test_every_inspector_sits_equally_often_in_every_position() -> None:
    counts: Counter[tuple[int, int]] = Counter()

    for seed in seeds():
        counts.update(enumerate(our_seats(seed)))

    mean = DRAWS / CREW.count
    for position in range(CREW.take):
        spread = sum((counts[position, who] - mean) ** 2 for who in range(CREW.count)) / mean
        assert ALPHA < survival(spread, CREW.count - 1) < 1 - ALPHA


# -- faulty draws, all of them seen in use ---------------------------------------------------------


def numbers(seed: str) -> Iterator[int]:
    """Give whole numbers of 32 bits that depend on the seed alone."""
    block = seed.encode()
    while True:
        block = sha256(block).digest()
        yield from (int.from_bytes(block[i : i + 4], "big") for i in range(0, 32, 4))


def distinct(picks: Iterator[int], take: int) -> list[int]:
    chosen: dict[int, None] = {}
    while len(chosen) < take:
        chosen[next(picks)] = None
    return list(chosen)


def skip_number(kind: Kind) -> Sampler:
    """Every n-th from a random start, from the end if the list runs out: no wrapping round."""

    def sample(seed: str) -> list[int]:
        step = kind.count // kind.take + 1
        start = next(numbers(seed)) % step
        reached = list(range(start, kind.count, step))[: kind.take]
        rest = (n for n in reversed(range(kind.count)) if n not in reached)
        return reached + list(islice(rest, kind.take - len(reached)))

    return sample


def rounded(kind: Kind) -> Sampler:
    """round(random * (n - 1)): the first and the last get half a chance."""

    def sample(seed: str) -> list[int]:
        picks = (round(number / 2**32 * (kind.count - 1)) for number in numbers(seed))
        return distinct(picks, kind.take)

    return sample


def modulo(kind: Kind) -> Sampler:
    """A small random number modulo n: the first ones come more often (0 to 99, as in `%02d`)."""

    def sample(seed: str) -> list[int]:
        picks = (number % 100 % kind.count for number in numbers(seed))
        return distinct(picks, kind.take)

    return sample


def round_robin(kind: Kind) -> Sampler:
    """From a random start, one after the other: each equally often, always beside the same."""

    def sample(seed: str) -> list[int]:
        start = next(numbers(seed)) % kind.count
        return [(start + n) % kind.count for n in range(kind.take)]

    return sample


def ties_by_row(kind: Kind) -> Sampler:
    """Tickets so short that equal ones are common, and the row number decides between them."""

    def sample(seed: str) -> list[int]:
        rows = sorted(range(kind.count), key=lambda n: (draw.ticket(seed, str(n))[:1], n))
        return rows[: kind.take]

    return sample


MUTANTS = (skip_number, rounded, modulo, round_robin, ties_by_row)


@pytest.mark.parametrize("kind", [SITES, CREW, PAIR], ids=["sites", "crew", "pair"])
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_faulty_draw_is_found_out(mutant: Callable[[Kind], Sampler], kind: Kind) -> None:
    assert min(orders(kind, mutant(kind))) < BEYOND


def test_inspectors_in_turn_come_equally_often_and_are_found_out_by_their_pairs_alone() -> None:
    by_ones, by_twos = orders(PAIR, round_robin(PAIR))

    assert by_ones > ALPHA
    assert by_twos < BEYOND
