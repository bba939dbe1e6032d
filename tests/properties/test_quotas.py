"""Quotas are exact whatever the strata, and lots by weight depend on nothing but tickets."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.rules import quotas, weighted
from backend.rules.draw import Lot, Share
from backend.rules.scheme import Rounding

seeds = st.binary(min_size=32, max_size=32).map(bytes.hex)
counts = st.dictionaries(
    st.text("ABCD/0123456789", min_size=1, max_size=6), st.integers(0, 60), min_size=1, max_size=9
)
rates = st.tuples(st.integers(0, 30), st.integers(1, 30)).map(lambda r: Fraction(min(r), max(r)))


@st.composite
def plans(pick: st.DrawFn) -> tuple[dict[str, int], dict[str, Fraction]]:
    sizes = pick(counts)
    return sizes, {name: size * pick(rates) for name, size in sizes.items()}


def given_by(
    plan: tuple[dict[str, int], dict[str, Fraction]],
    *,
    rounding: Rounding,
    seed: str,
    total: int = 0,
    minimum: int = 0,
) -> dict[str, int]:
    sizes, asked = plan
    shares = quotas.allocate(
        sizes, asked, rounding=rounding, total=total, minimum=minimum, reserve_rate=(1, 5),
        reserve_minimum=3, seed=seed,
    )  # fmt: skip
    for name, share in shares.items():
        assert share.eligible == sizes[name]
        assert share.primary + share.reserves <= sizes[name]
    return {name: share.primary for name, share in shares.items()}


@settings(deadline=None)
@given(plans(), seeds, st.integers(0, 3))
def test_each_rounding_keeps_its_promise(
    plan: tuple[dict[str, int], dict[str, Fraction]], seed: str, minimum: int
) -> None:
    sizes, asked = plan
    least = {name: min(minimum, size) for name, size in sizes.items()}

    up = given_by(plan, rounding="ceil", seed=seed, minimum=minimum)
    down = given_by(plan, rounding="floor", seed=seed, minimum=minimum)
    chance = given_by(plan, rounding="systematic", seed=seed)

    assert up == {name: max(ceil(asked[name]), least[name]) for name in up}
    assert down == {name: max(floor(asked[name]), least[name]) for name in down}
    assert all(floor(asked[name]) <= chance[name] <= ceil(asked[name]) for name in sizes)
    assert floor(sum(asked.values())) <= sum(chance.values()) <= ceil(sum(asked.values()))


@settings(deadline=None)
@given(plans(), seeds, st.integers(0, 3), st.data(), st.sampled_from(["hamilton", "systematic"]))
def test_a_total_is_met_exactly_within_the_bounds_of_every_stratum(
    plan: tuple[dict[str, int], dict[str, Fraction]],
    seed: str,
    minimum: int,
    data: st.DataObject,
    rounding: Rounding,
) -> None:
    sizes, asked = plan
    least = {name: min(minimum, size) for name, size in sizes.items()}
    most = {name: sizes[name] if asked[name] else least[name] for name in sizes}
    low, high = sum(least.values()), sum(most.values())
    total = data.draw(st.integers(max(1, low), max(1, low, high)))

    found = given_by(plan, rounding=rounding, seed=seed, total=total, minimum=minimum)
    bound = quotas.most_of_each(sizes, asked, rounding=rounding, total=total, minimum=minimum)

    assert sum(found.values()) == min(total, high)
    assert all(least[name] <= found[name] <= most[name] for name in sizes)
    assert all(found[name] <= bound[name] for name in sizes)
    shares = quotas.apportioned(asked, least, sizes, total)
    free = [n for n in sizes if asked[n] and least[n] < shares[n] < most[n]]
    assert len({shares[name] / asked[name] for name in free}) <= 1  # one factor for all


@settings(deadline=None)
@given(plans(), seeds, st.integers(0, 2), st.integers(0, 40))
def test_the_bound_before_the_seed_holds_and_the_order_of_strata_does_not_matter(
    plan: tuple[dict[str, int], dict[str, Fraction]], seed: str, minimum: int, total: int
) -> None:
    sizes, asked = plan
    turned = dict(reversed(sizes.items())), dict(reversed(asked.items()))
    roundings: Sequence[Rounding] = ("ceil", "floor", "systematic") if not total else ("hamilton",)

    for rounding in roundings:
        found = given_by(plan, rounding=rounding, seed=seed, total=total, minimum=minimum)
        again = given_by(turned, rounding=rounding, seed=seed, total=total, minimum=minimum)
        most = quotas.most_lots(sizes, asked, rounding=rounding, total=total, minimum=minimum)
        assert found == again
        low = sum(min(minimum, size) for size in sizes.values())
        assert sum(found.values()) <= max(most, low)


entries = st.lists(
    st.tuples(st.text("0123456789食", min_size=1, max_size=6), st.integers(1, 40)),
    unique_by=lambda one: one[0],
    max_size=25,
)


def drawn(seed: str, rows: Sequence[tuple[str, int]], take: int, *, more: int = 3) -> list[Lot]:
    shares = {"A": Share(eligible=len(rows), primary=min(take, len(rows)), reserves=more)}
    return weighted.select(seed, [(id.encode(), "A", weight) for id, weight in rows], shares)


@settings(deadline=None)
@given(seeds, entries, st.integers(0, 25), st.randoms())
def test_lots_by_weight_do_not_depend_on_the_order_and_their_number_is_exact(
    seed: str, rows: list[tuple[str, int]], take: int, random: Random
) -> None:
    lots = drawn(seed, rows, take)

    assert lots == drawn(seed, random.sample(rows, len(rows)), take)
    assert sum(lot.status == "P" for lot in lots) == min(take, len(rows))
    assert len({lot.id for lot in lots}) == len(lots)


@settings(deadline=None)
@given(seeds, entries.filter(bool), st.integers(1, 25))
def test_more_reserves_only_lengthen_the_list_and_the_certain_are_always_drawn(
    seed: str, rows: list[tuple[str, int]], take: int
) -> None:
    whole = sum(weight for _, weight in rows)

    lots = drawn(seed, rows, take, more=2)

    assert drawn(seed, rows, take, more=9)[: len(lots)] == lots
    sure = {id for id, weight in rows if min(take, len(rows)) * weight >= whole}
    assert sure <= {lot.id for lot in lots if lot.status == "P"}


@settings(deadline=None)
@given(seeds, entries, st.integers(0, 25), st.integers(2, 9))
def test_weights_all_multiplied_alike_draw_the_same(
    seed: str, rows: list[tuple[str, int]], take: int, times: int
) -> None:
    scaled = [(id, weight * times) for id, weight in rows]

    assert drawn(seed, scaled, take) == drawn(seed, rows, take)


def test_chances_are_in_proportion_to_the_weights() -> None:
    rows = [(f"{n}", weight) for n, weight in enumerate([1, 1, 2, 2, 3, 4, 5, 6])]
    counted = dict.fromkeys((id for id, _ in rows), 0)

    for number in range(4_000):
        for lot in drawn(f"{number:064x}", rows, 3, more=0):
            counted[lot.id] += 1

    for id, weight in rows:
        assert abs(counted[id] / 4_000 - 3 * weight / 24) < 0.03
