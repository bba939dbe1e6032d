"""What makes a large draw fast changes nothing of it: blocks, bounds, parts and processes."""

import gzip
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from operator import mul
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.rules import bundle, draw, frame, pairing
from backend.rules.canonical import NotCanonical
from backend.rules.differences import Differs
from backend.rules.draw import Pool
from backend.rules.pairing import Position, pair
from backend.work import processes

SEED = "c4" * 32
Instance = tuple[list[Position], list[str], dict[str, int]]

# -- inspectors ------------------------------------------------------------------------------------


@st.composite
def instances(pick: st.DrawFn) -> Instance:
    roster = [f"沪A{n:03d}" for n in range(pick(st.integers(1, 40)))]
    whole = 2 ** len(roster) - 1
    seats = [
        Position(f"G{group}", place, pick(st.integers(0, whole) | st.just(whole)))
        for group in range(pick(st.integers(1, 8)))
        for place in ("1主办", "2协办")
    ]
    return seats, roster, {name: pick(st.integers(0, 2)) for name in roster}


@given(instances(), st.integers(0, 100), st.integers(0, 50))
def test_in_which_parts_tickets_are_computed_and_how_many_at_once_does_not_matter(
    instance: Instance, part: int, first: int
) -> None:
    seats, roster, caps = instance
    expected = pair(SEED, roster, caps, seats)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "PART", part)
        patch.setattr(pairing, "FIRST", first)
        found = pair(SEED, roster, caps, seats)

    assert found == expected


def test_other_processes_give_the_pairing_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    roster = [f"I{n:02d}" for n in range(30)]
    seats = [Position(f"G{n:02d}", place, 2**30 - 1) for n in range(30) for place in "12"]
    caps = dict.fromkeys(roster, 2)  # none to spare
    monkeypatch.setattr(pairing, "PART", 30)
    monkeypatch.setattr(processes, "processors", lambda: 2)

    apart = pair(SEED, roster, caps, seats, spread=processes.spread)

    assert apart == pair(SEED, roster, caps, seats)


@pytest.mark.parametrize("more", [0, 1, 7])
def test_many_parts_leave_the_process_and_come_back_in_order(
    monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    numbers = list(range(processes.PARTS_MIN + more))
    monkeypatch.setattr(processes, "processors", lambda: 3)

    doubled = processes.spread(partial(mul, 2), numbers)
    homes = set(processes.spread(Path.resolve, [Path("/proc/self")] * len(numbers)))

    assert list(doubled) == [2 * n for n in numbers]
    assert len(homes) == 3
    assert Path("/proc/self").resolve() not in homes


def test_few_parts_or_one_processor_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Path("/proc/self")] * processes.PARTS_MIN

    monkeypatch.setattr(processes, "processors", lambda: 2)
    few = set(processes.spread(Path.resolve, many[1:]))
    monkeypatch.setattr(processes, "processors", lambda: 1)
    alone = set(processes.spread(Path.resolve, many))

    assert few == alone == {Path("/proc/self").resolve()}


def test_what_goes_wrong_in_another_process_goes_wrong_here(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "processors", lambda: 2)

    with pytest.raises(EOFError):
        list(processes.spread(int, ["x"] * processes.PARTS_MIN))

    assert "invalid literal for int()" in capfd.readouterr().err


# -- lots ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [1, 30, 0.03], ids=["even", "low", "high"])
@pytest.mark.parametrize("size", [0, 1, 700, 4_000, 9_000])
def test_the_smallest_are_kept_however_tickets_lie(size: int, skew: float) -> None:
    chance = Random(size)
    lots = [
        int(chance.random() ** skew * 2**64).to_bytes(9) + bytes(23) + b"%d" % n
        for n in range(8_000)
    ]
    pool = Pool(size)

    for lot in lots:
        if lot[:32] < pool.bound:
            pool.add(lot)

    assert pool.smallest() == sorted(lots)[:size]


@pytest.mark.parametrize("primary", [100, 1_000, 3_210])
def test_the_lots_of_a_city_are_those_that_sorting_all_of_its_tickets_gives(primary: int) -> None:
    names = [b"%d" % n for n in range(120_000)]
    share = {"all": draw.Share(eligible=len(names), primary=primary, reserves=0)}

    lots = draw.select(SEED, [(name, "all") for name in names], share)

    by_ticket = sorted(names, key=lambda name: sha256(SEED.encode() + b"|" + name).digest())
    assert [lot.id.encode() for lot in lots] == by_ticket[:primary]
    assert [lot.rank for lot in lots] == list(range(1, primary + 1))


# -- the frame -------------------------------------------------------------------------------------

words = st.text("abc 食", min_size=1, max_size=3)
rows = st.dictionaries(words, st.tuples(st.sampled_from("AB"), st.sampled_from("EX")), max_size=30)


def lines_of(objects: dict[str, tuple[str, str]]) -> list[bytes]:
    return sorted(
        f"{id}\t{stratum}\t1\t{status}\t\t31".encode() for id, (stratum, status) in objects.items()
    )


def place(row: bytes) -> tuple[str, str]:
    _, stratum, _, status, _ = row.decode().split("\t", 4)
    return stratum, status


@given(rows, st.integers(0, 5), st.integers(1, 40))
def test_a_frame_is_read_back_as_it_was_frozen_in_any_blocks(
    objects: dict[str, tuple[str, str]], alike: int, block: int
) -> None:
    lines = lines_of(objects)
    whole = frame.freeze(lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "ALIKE_MAX", alike)
        patch.setattr(frame, "BLOCK", block)
        frozen = frame.freeze(lines)
        back = frame.read_back(bundle.frame_blocks(frozen.packed, block=block), place)
        eligible = list(bundle.eligible(frozen.packed))

    assert gzip.decompress(frozen.packed) == b"".join(line + b"\n" for line in lines)
    assert (frozen.sha256, frozen.root, frozen.counts) == (whole.sha256, whole.root, whole.counts)
    assert (back.sha256, back.root, back.size, back.counts) == (
        whole.sha256, whole.root, len(lines), whole.counts,
    )  # fmt: skip
    assert eligible == [
        (id.encode(), objects[id][0])
        for id in sorted(objects, key=str.encode)
        if objects[id][1] == "E"
    ]


@pytest.mark.parametrize("ids", ["ba", "aab", "abb", "acb"])
def test_lines_out_of_order_are_never_frozen_nor_read_back(ids: str) -> None:
    lines = [f"{id}\tA\t1\tE\t\t{n}".encode() for n, id in enumerate(ids)]

    with pytest.raises(AssertionError):
        frame.freeze(lines)
    with pytest.raises(Differs):
        frame.read_back([lines], place)
    with pytest.raises(Differs):
        frame.read_back([[line] for line in lines], place)


@pytest.mark.parametrize(
    "ids", [["", "a"], ["a", "b\u0007"], ["a", "e\u0301"], ["a", "食\u2028"], ["a\u001fb", "食"]]
)
def test_an_id_that_is_not_canonical_is_found_among_lines_alike(ids: Sequence[str]) -> None:
    lines = [f"{id}\tA\t1\tE\t\t31".encode() for id in ids]

    with pytest.raises(NotCanonical):
        frame.read_back([lines], place)


def test_half_a_character_is_not_made_whole_by_its_neighbour() -> None:
    halves = ["食".encode()[:2], "食".encode()[2:]]

    with pytest.raises(UnicodeDecodeError):
        frame.read_back([[half + b"\tA\t1\tE\t\t31" for half in halves]], place)
