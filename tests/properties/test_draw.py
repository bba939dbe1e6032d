"""What must hold of every draw: no order matters, nothing moves others, pairing is complete."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules import draw, merkle
from backend.rules.pairing import Bottleneck, Position, bits, pair

SEED = "ab" * 32
ids = st.lists(st.text("0123456789ABC食摊-", min_size=1, max_size=12), unique=True, max_size=40)
seeds = st.binary(min_size=32, max_size=32).map(bytes.hex)


def drawn(seed: str, names: Sequence[str], take: int) -> list[str]:
    share = {"all": draw.Share(eligible=len(names), primary=take, reserves=0)}
    return [lot.id for lot in draw.select(seed, [(name.encode(), "all") for name in names], share)]


# -- tickets ---------------------------------------------------------------------------------------


@given(seeds, ids, st.randoms(), st.integers(0, 40))
def test_the_order_of_the_register_does_not_matter(
    seed: str, names: list[str], random: Random, take: int
) -> None:
    shuffled = random.sample(names, len(names))

    assert drawn(seed, names, take) == drawn(seed, shuffled, take)


@given(seeds, ids, st.integers(0, 40), st.integers(0, 40))
def test_a_longer_list_extends_a_shorter_one(
    seed: str, names: list[str], take: int, more: int
) -> None:
    assert drawn(seed, names, take + more)[: min(take, len(names))] == drawn(seed, names, take)


@given(seeds, ids, st.text("XYZ", min_size=1, max_size=5))
def test_a_new_site_moves_nobody_else(seed: str, names: list[str], new: str) -> None:
    before = drawn(seed, names, len(names))

    after = drawn(seed, [*names, new], len(names) + 1)

    assert [name for name in after if name != new] == before


@given(seeds, ids, st.integers(1, 5))
def test_strata_never_mix(seed: str, names: list[str], take: int) -> None:
    stratum = {name: "AB"[len(name) % 2] for name in names}
    shares = {name: draw.Share(eligible=0, primary=take, reserves=2) for name in "AB"}

    lots = draw.select(seed, [(name.encode(), stratum[name]) for name in names], shares)

    for one in "AB":
        alone = [name for name in names if stratum[name] == one]
        assert [lot.id for lot in lots if lot.stratum == one] == drawn(seed, alone, take + 2)


def test_a_large_register_gives_what_sorting_it_gives() -> None:
    names = [f"{n:06d}" for n in range(20_000)]

    by_bound = drawn(SEED, names, 300)

    assert by_bound == sorted(names, key=lambda name: draw.ticket(SEED, name))[:300]


# -- the tree --------------------------------------------------------------------------------------

rows = st.lists(st.binary(min_size=1, max_size=4).filter(lambda b: b"\t" not in b), unique=True)


def recursive_root(lines: Sequence[bytes]) -> bytes:
    """The definition of RFC 6962, word by word."""
    if not lines:
        return sha256(b"").digest()
    if len(lines) == 1:
        return sha256(b"\0" + lines[0]).digest()
    split = 1 << (len(lines) - 1).bit_length() - 1
    return sha256(b"\1" + recursive_root(lines[:split]) + recursive_root(lines[split:])).digest()


@given(rows)
def test_the_stack_gives_the_root_of_the_definition(lines: list[bytes]) -> None:
    assert merkle.root(lines) == recursive_root(lines)


@given(rows, st.lists(st.integers(0, 9)))
def test_it_does_not_matter_in_which_blocks_the_lines_come(
    lines: list[bytes], sizes: list[int]
) -> None:
    tree, rest = merkle.Tree(), list(lines)

    for size in [*sizes, len(lines)]:
        tree.extend(rest[:size])
        rest = rest[size:]

    assert (tree.size, tree.root()) == (len(lines), recursive_root(lines))


@given(rows.filter(bool), st.data())
def test_every_line_is_proved_and_no_other_is(lines: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(lines) - 1))
    root, proof = merkle.root(lines), merkle.prove(lines, index)

    assert merkle.includes(root, len(lines), proof)
    for other in range(len(lines) + 1):
        if other != index:
            moved = merkle.Inclusion(index=other, line=proof.line, path=proof.path)
            assert not merkle.includes(root, len(lines), moved)
    altered = merkle.Inclusion(index=index, line=proof.line + b"x", path=proof.path)
    assert not merkle.includes(root, len(lines), altered)


@given(rows, st.binary(min_size=1, max_size=4).filter(lambda b: b"\t" not in b))
def test_an_identifier_is_either_in_the_tree_or_proved_absent(
    lines: list[bytes], key: bytes
) -> None:
    lines.sort()
    root = merkle.root(lines)
    if key in lines:
        for left in range(-1, len(lines)):  # whatever neighbours a liar may choose
            pair_of = merkle.Absence(
                left=merkle.prove(lines, left) if left >= 0 else None,
                right=merkle.prove(lines, left + 1) if left + 1 < len(lines) else None,
            )
            assert not merkle.excludes(root, len(lines), key, pair_of)
        return

    proof = merkle.prove_absence(lines, key)

    assert merkle.excludes(root, len(lines), key, proof)


# -- pairing ---------------------------------------------------------------------------------------


@st.composite
def instances(pick: st.DrawFn) -> tuple[list[str], dict[str, int], list[Position]]:
    count = pick(st.integers(1, 5))
    roster = [f"I{n}" for n in range(count)]
    caps = {name: pick(st.integers(0, 3)) for name in roster}
    positions = [
        Position(f"G{group}", str(seat), pick(st.integers(0, 2**count - 1)))
        for group in range(pick(st.integers(1, 4)))
        for seat in range(pick(st.integers(1, 3)))
    ]
    return roster, caps, positions


def fillable(
    positions: Sequence[tuple[str, int]], seats: dict[int, int], used: set[tuple[str, int]]
) -> bool:
    """Whether all positions can be filled: a maximum flow by depth-first search, nothing clever."""
    arcs: dict[object, dict[object, int]] = {}

    def arc(tail: object, tip: object, room: int) -> None:
        arcs.setdefault(tail, {})[tip] = room
        arcs.setdefault(tip, {}).setdefault(tail, 0)

    for n, (group, eligible) in enumerate(positions):
        arc("source", ("position", n), 1)
        for who in bits(eligible):
            if (group, who) not in used:
                arc(("position", n), (group, who), 1)
                arc((group, who), ("inspector", who), 1)
                arc(("inspector", who), "sink", seats[who])

    def push(node: object, seen: set[object]) -> bool:
        if node == "sink":
            return True
        seen.add(node)
        for tip, room in arcs.get(node, {}).items():
            if room > 0 and tip not in seen and push(tip, seen):
                arcs[node][tip] -= 1
                arcs[tip][node] += 1
                return True
        return False

    return all(push("source", set()) for _ in positions)


def by_definition(
    seed: str, roster: list[str], caps: dict[str, int], positions: list[Position]
) -> dict[tuple[str, str], str] | None:
    """The lexicographic feasible draw as it is defined: ask the flow for every candidate."""

    def number(*parts: str) -> str:
        return sha256("|".join((seed, *parts)).encode()).hexdigest()

    ordered = sorted(positions, key=lambda p: number("slot", p.group, p.name))
    rest = [(one.group, one.eligible) for one in ordered]
    seats = dict(enumerate(caps[name] for name in roster))
    used: set[tuple[str, int]] = set()
    if not fillable(rest, seats, used):
        return None
    chosen: dict[tuple[str, str], str] = {}
    for n, one in enumerate(ordered):
        for who in sorted(
            bits(one.eligible), key=lambda w: number("pair", one.group, one.name, roster[w])
        ):
            if (one.group, who) in used or not seats[who]:
                continue
            then = {**seats, who: seats[who] - 1}
            if fillable(rest[n + 1 :], then, used | {(one.group, who)}):
                seats, used = then, used | {(one.group, who)}
                chosen[one.group, one.name] = roster[who]
                break
    return chosen


@given(seeds, instances(), st.randoms())
def test_pairing_is_the_definition_and_the_order_of_rows_does_not_matter(
    seed: str, instance: tuple[list[str], dict[str, int], list[Position]], random: Random
) -> None:
    roster, caps, positions = instance
    found = pair(seed, roster, caps, random.sample(positions, len(positions)))

    expected = by_definition(seed, roster, caps, positions)

    if expected is None:
        assert isinstance(found, Bottleneck)
        assert_is_violated(found, roster, caps, positions)
    else:
        assert not isinstance(found, Bottleneck)
        assert {(seat.group, seat.position): seat.inspector for seat in found} == expected


def assert_is_violated(
    cut: Bottleneck, roster: list[str], caps: dict[str, int], positions: list[Position]
) -> None:
    """The positions named need more seats than the inspectors named have between them."""
    named = [one for one in positions if (one.group, one.name) in cut.positions]
    groups: dict[str, set[str]] = {}
    for one in named:
        for who in bits(one.eligible):
            groups.setdefault(roster[who], set()).add(one.group)

    assert set(cut.inspectors) == groups.keys()
    assert cut.seats == sum(min(caps[who], len(those)) for who, those in groups.items())
    assert cut.seats < len(named) == len(cut.positions)


@pytest.mark.parametrize("number", range(40))
def test_tight_pairings_of_many_sites_are_the_definition(number: int) -> None:
    random = Random(number)
    roster = [f"I{n}" for n in range(6)]
    positions = [
        Position(f"G{group}", str(seat), random.getrandbits(6) | random.getrandbits(6))
        for group in range(9)
        for seat in range(2)
    ]
    caps = dict.fromkeys(roster, 3)

    found = pair(f"{number:064x}", roster, caps, positions)

    expected = by_definition(f"{number:064x}", roster, caps, positions)
    assert isinstance(found, Bottleneck) == (expected is None)
    if isinstance(found, list):
        assert {(seat.group, seat.position): seat.inspector for seat in found} == expected


def test_interchangeable_inspectors_are_paired_equally_often() -> None:
    roster = [f"I{n}" for n in range(6)]
    sites = [Position(f"G{n // 2}", str(n % 2), 0b111111) for n in range(6)]
    pairs: Counter[frozenset[str]] = Counter()

    for number in range(1_000):
        seats = pair(f"{number:064x}", roster, dict.fromkeys(roster, 1), sites)
        assert isinstance(seats, list)
        pairs.update(
            frozenset(s.inspector for s in seats if s.group == f"G{group}") for group in range(3)
        )

    assert len(pairs) == 15
    assert chi_square(list(pairs.values()), 3_000 / 15) < 36.1  # 14 degrees of freedom, p = 0.001


# -- fairness, and the faulty draws that it must tell from ours ------------------------------------

SITES, TAKE, DRAWS = 60, 6, 2_000
CHI_SQUARE_MAX = 98.3  # 59 degrees of freedom, p = 0.001
Drawing = Callable[[str, list[int]], list[int]]


def ours(seed: str, sites: list[int]) -> list[int]:
    return [int(name) for name in drawn(seed, [str(site) for site in sites], TAKE)]


def skip_number(seed: str, sites: list[int]) -> list[int]:
    """Every n-th site from a random start, without wrapping round."""
    step = len(sites) // TAKE + 1
    start = int(seed, 16) % step
    return sites[start::step][:TAKE]


def rounded(seed: str, sites: list[int]) -> list[int]:
    """round(random * (n - 1)): the first and the last get half a chance."""
    chosen: list[int] = []
    for part in _numbers(seed):
        site = sites[round(part / 2**32 * (len(sites) - 1))]
        if site not in chosen:
            chosen.append(site)
        if len(chosen) == TAKE:
            break
    return chosen


def modulo(seed: str, sites: list[int]) -> list[int]:
    """A byte modulo the count: the low sites come more often."""
    chosen: list[int] = []
    for part in _numbers(seed):
        site = sites[part % 256 % len(sites)]
        if site not in chosen:
            chosen.append(site)
        if len(chosen) == TAKE:
            break
    return chosen


def ties_by_row(seed: str, sites: list[int]) -> list[int]:
    """Tickets of so few digits that the row number decides."""
    rows = sorted(enumerate(sites), key=lambda row: (draw.ticket(seed, str(row[1]))[0], row[0]))
    return [site for _, site in rows[:TAKE]]


def redrawn(seed: str, sites: list[int]) -> list[int]:
    """Drawn again and again until a friend, site 7, is not on the list."""
    for again in range(10):
        found = ours(sha256(f"{seed}{again}".encode()).hexdigest(), sites)
        if 7 not in found:
            break
    return found


def _numbers(seed: str) -> Iterator[int]:
    for n in range(10_000):
        yield int(sha256(f"{seed}{n}".encode()).hexdigest()[:8], 16)


def chi_square(counts: Sequence[int], expected: float) -> float:
    return sum((count - expected) ** 2 for count in counts) / expected


def unfairness(drawing: Drawing) -> float:
    """Chi-square of how often each site is drawn, corrected for drawing without replacement."""
    sites = list(range(SITES))
    counts: Counter[int] = Counter()
    for number in range(DRAWS):
        counts.update(drawing(sha256(f"{number}".encode()).hexdigest(), sites))
    share = TAKE / SITES
    spread = chi_square([counts[site] for site in sites], DRAWS * share) / (1 - share)
    return spread * (SITES - 1) / SITES


def test_every_site_has_the_same_chance() -> None:
    assert unfairness(ours) < CHI_SQUARE_MAX


@pytest.mark.parametrize("mutant", [skip_number, rounded, modulo, ties_by_row, redrawn])
def test_a_faulty_draw_is_told_from_ours_by_its_counts(mutant: Drawing) -> None:
    assert unfairness(mutant) > CHI_SQUARE_MAX


@pytest.mark.parametrize("mutant", [skip_number, rounded, modulo, ties_by_row])
def test_a_faulty_draw_depends_on_the_order_of_the_register(mutant: Drawing) -> None:
    sites = list(range(SITES))

    assert ours(SEED, sites) == ours(SEED, sites[::-1])
    assert any(
        sorted(mutant(f"{n:064x}", sites)) != sorted(mutant(f"{n:064x}", sites[::-1]))
        for n in range(20)
    )


def test_inspectors_dealt_in_turn_give_few_pairs_and_are_told_by_that() -> None:
    dealt = {frozenset((f"I{n % 6}", f"I{(n + 1) % 6}")) for n in range(1_000)}

    assert len(dealt) == 6  # of the fifteen that the draw above gives equally often
