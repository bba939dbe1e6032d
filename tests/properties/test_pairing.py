"""Pairing against brute force: complete whenever it can be, and exact about why when it cannot."""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules.ladder import (
    RULES,
    Person,
    Place,
    Site,
    Staffed,
    Staffing,
    Terms,
    Unstaffed,
    given_by,
    positions,
    staff,
)
from backend.rules.pairing import Bottleneck, Position, bits, bottleneck, pair

SEED = "5a" * 32
Caps = dict[str, int]


def fits(positions: Sequence[Position], roster: Sequence[str], caps: Caps) -> bool:
    """Whether any assignment at all fills every position: every one of them is tried."""

    def fill(n: int, left: Caps, sitting: frozenset[tuple[str, str]]) -> bool:
        if n == len(positions):
            return True
        one = positions[n]
        return any(
            fill(n + 1, {**left, who: left[who] - 1}, sitting | {(one.group, who)})
            for who in (roster[j] for j in bits(one.eligible))
            if left[who] and (one.group, who) not in sitting
        )

    return fill(0, caps, frozenset())


def assert_is_a_smallest_violator(
    cut: Bottleneck, positions: Sequence[Position], roster: Sequence[str], caps: Caps
) -> None:
    """These cannot be filled, by counting and by trying; without any one of them, they can."""
    named = [one for one in positions if (one.group, one.name) in cut.positions]
    groups: dict[str, set[str]] = {}
    for one in named:
        for j in bits(one.eligible):
            groups.setdefault(roster[j], set()).add(one.group)

    assert len(named) == len(cut.positions)
    assert set(cut.inspectors) == groups.keys()
    assert cut.seats == sum(min(caps[who], len(of)) for who, of in groups.items()) < len(named)
    assert not fits(named, roster, caps)
    for spared in named:
        assert fits([one for one in named if one is not spared], roster, caps)


# -- all small instances ---------------------------------------------------------------------------


def small_instances() -> Iterator[tuple[list[Position], list[str], Caps]]:
    """Every choice of who may sit where and of caps: 1 to 3 inspectors, 1 to 3 positions."""
    for people, grouping in product((1, 2, 3), ("a", "aa", "ab", "aab", "abc")):
        roster = [f"I{n}" for n in range(people)]
        caps_of = list(product(range(3 if people < 3 else 2), repeat=people))
        for masks in product(range(2**people), repeat=len(grouping)):
            seats = [
                Position(group, str(n), mask)
                for n, (group, mask) in enumerate(zip(grouping, masks, strict=True))
            ]
            for caps in caps_of:
                yield seats, roster, dict(zip(roster, caps, strict=True))


def test_no_small_instance_that_can_be_filled_is_called_infeasible_nor_the_reverse() -> None:
    feasible = infeasible = 0

    for seats, roster, caps in small_instances():
        found = pair(SEED, roster, caps, seats)
        if isinstance(found, Bottleneck):
            assert_is_a_smallest_violator(found, seats, roster, caps)
            infeasible += 1
        else:
            assert fits(seats, roster, caps)
            feasible += 1

    assert (feasible, infeasible) == (994, 9_840)


def test_the_answer_and_the_bottleneck_do_not_depend_on_any_order() -> None:
    seats = [Position("a", "1", 0b011), Position("a", "2", 0b001), Position("b", "1", 0b110)]
    tight = [*seats, Position("b", "2", 0b010), Position("c", "1", 0b001)]
    roster = ["I0", "I1", "I2"]

    for instance in (seats, tight):
        found = {
            repr(pair(SEED, roster, dict.fromkeys(roster, 1 + len(instance) // 4), shuffled))
            for shuffled in permutations(instance)
        }
        assert len(found) == 1


# -- larger ones, at random ------------------------------------------------------------------------


@st.composite
def instances(pick: st.DrawFn) -> tuple[list[Position], list[str], Caps]:
    people = pick(st.integers(1, 5))
    roster = [f"I{n}" for n in range(people)]
    caps = {name: pick(st.integers(0, 3)) for name in roster}
    seats = [
        Position(f"G{group}", str(seat), pick(st.integers(0, 2**people - 1)))
        for group in range(pick(st.integers(1, 4)))
        for seat in range(pick(st.integers(1, 3)))
    ]
    return seats, roster, caps


@given(instances(), st.randoms())
def test_a_pairing_keeps_caps_and_eligibility_and_a_bottleneck_is_as_small_as_can_be(
    instance: tuple[list[Position], list[str], Caps], random: Random
) -> None:
    seats, roster, caps = instance
    may = {(one.group, one.name): one.eligible for one in seats}

    found = pair(SEED, roster, caps, random.sample(seats, len(seats)))

    assert (bottleneck(SEED, roster, caps, seats) is None) == isinstance(found, list)
    if isinstance(found, Bottleneck):
        assert_is_a_smallest_violator(found, seats, roster, caps)
        return
    assert len(found) == len(seats)
    assert len({(seat.group, seat.inspector) for seat in found}) == len(found)
    assert all(may[s.group, s.position] >> roster.index(s.inspector) & 1 for s in found)
    for who in roster:
        assert sum(seat.inspector == who for seat in found) <= caps[who]


@given(instances(), st.permutations(range(5)))
def test_the_order_of_the_roster_does_not_matter(
    instance: tuple[list[Position], list[str], Caps], order: list[int]
) -> None:
    seats, roster, caps = instance
    order = [j for j in order if j < len(roster)]
    moved = [
        Position(one.group, one.name, sum(1 << order.index(j) for j in bits(one.eligible)))
        for one in seats
    ]

    found = pair(SEED, roster, caps, seats)
    again = pair(SEED, [roster[j] for j in order], caps, moved)

    if isinstance(found, Bottleneck):
        assert isinstance(again, Bottleneck)
        assert (found.positions, found.seats) == (again.positions, again.seats)
        assert set(found.inspectors) == set(again.inspectors)
    else:
        assert found == again


# -- the ladder ------------------------------------------------------------------------------------


@st.composite
def offices(
    pick: st.DrawFn,
) -> tuple[Terms, list[Site], list[Person], set[tuple[str, str, str]]]:
    """A small office with every rule in it, on the edge of what it can staff."""
    sites = [Site(f"S{n}", pick(st.sampled_from(["31010101", "31010102"]))) for n in range(3)]
    people = [
        Person(
            inspector=f"I{n}",
            department="market",
            region="310101",
            districts=pick(st.sampled_from([(), ("31010101",), ("31010101", "31010102")])),
            qualifications=pick(st.sampled_from([(), ("food",)])),
            cap=pick(st.integers(0, 2)),
            valid_from="2024-01-01",
            valid_to=pick(st.sampled_from(["2027-01-01", "2026-12-15"])),
            status=pick(st.sampled_from(["active", "active", "leave"])),
        )
        for n in range(pick(st.integers(2, 4)))
    ]
    recusals = pick(
        st.sets(
            st.tuples(
                st.sampled_from([one.id for one in sites]),
                st.sampled_from([one.inspector for one in people]),
                st.sampled_from(["R01", "R02"]),
            ),
            max_size=4,
        )
    )
    terms = Terms(
        id="T",
        division="310101",
        inspectors_under="310101",
        opens_on="2026-12-01",
        closes_on="2026-12-31",
        places=[Place("1", "*", ["food"]), Place("2", "*", [])],
        staffing=Staffing(
            districts=pick(st.sampled_from(["any", "own", "other"])),
            even=pick(st.none() | st.integers(0, 1)),
        ),
        relaxations=pick(
            st.lists(st.sampled_from(["any-district", "last-visit", "cap+1"]), max_size=3)
        ),
    )
    return terms, sites[: pick(st.integers(1, 3))], people, recusals


@given(offices())
def test_the_first_rung_that_can_be_staffed_is_taken_and_the_others_say_why_not(
    office: tuple[Terms, list[Site], list[Person], set[tuple[str, str, str]]],
) -> None:
    terms, sites, people, recusals = office
    roster = [one.inspector for one in people]

    found = staff(terms, sites, people, recusals, seed=SEED)

    failed = found.standing.failed if isinstance(found, Staffed) else found.failed
    for step in range(len(terms.relaxations) + 1):
        rules, more = given_by(terms.relaxations[:step])
        seats = positions(terms, sites, people, recusals, rules)
        caps = {one.inspector: one.cap + more for one in people}
        if fits(seats, roster, caps):
            assert isinstance(found, Staffed)
            assert found.standing.relaxed == terms.relaxations[:step]
            assert len(failed) == step
            return
        rung = failed[step]
        cut = Bottleneck(tuple(rung.positions), tuple(rung.inspectors), rung.seats)
        assert rung.relaxed == terms.relaxations[:step]
        assert_is_a_smallest_violator(cut, seats, roster, caps)
        for rule in RULES:
            lifted = positions(terms, sites, people, recusals, rules.union((rule,)))
            short = [one for one in lifted if (one.group, one.name) in rung.positions]
            enough = dict.fromkeys(roster, 6) if rule == "cap" else caps
            helps = rule not in rules and fits(short, roster, enough)
            assert (rule in rung.causes) == helps
    assert isinstance(found, Unstaffed)


@given(offices())
def test_a_balanced_pairing_has_the_smallest_load_that_any_pairing_has(
    office: tuple[Terms, list[Site], list[Person], set[tuple[str, str, str]]],
) -> None:
    terms, sites, people, recusals = office
    found = staff(terms, sites, people, recusals, seed=SEED)
    if isinstance(found, Unstaffed) or terms.staffing.even is None:
        return

    level, slack = found.standing.level, terms.staffing.even

    rules, more = given_by(found.standing.relaxed)
    seats = positions(terms, sites, people, recusals, rules)
    roster = [one.inspector for one in people]
    caps = {one.inspector: one.cap + more for one in people}
    assert found.standing.most <= level + slack
    assert fits(seats, roster, {who: min(cap, level) for who, cap in caps.items()})
    assert not fits(seats, roster, {who: min(cap, level - 1) for who, cap in caps.items()})


@pytest.mark.parametrize("number", range(20))
def test_the_bottleneck_of_a_crowd_is_a_violator_by_counting(number: int) -> None:
    random = Random(number)
    roster = [f"I{n:02d}" for n in range(30)]
    caps = dict.fromkeys(roster, 2)
    seats = [
        Position(f"G{group:02d}", str(seat), sum(1 << j for j in random.sample(range(30), 4)))
        for group in range(34)
        for seat in range(2)
    ]

    found = bottleneck(f"{number:064x}", roster, caps, seats)

    assert found is not None
    short = [one for one in seats if (one.group, one.name) in found.positions]
    assert found.seats == len(short) - 1
    for spared in short:
        rest = [one for one in short if one is not spared]
        assert bottleneck(SEED, roster, caps, rest) is None
