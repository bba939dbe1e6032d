"""How many each stratum gives and who is drawn by weight: the known answers, and in small."""

from fractions import Fraction
from hashlib import sha256

import drawings
import pytest
from conftest import shared_data

from backend.rules import bundle, quotas, scheme, weighted
from backend.rules.draw import Share
from backend.rules.scheme import Quota, Rounding, Visits

ROUNDING_SEED = "2139f938076fad21f8573d57ef797d94ee7cb170ecc053d5561d772857bc1050"
ELIGIBLE = {"A": 19, "B": 12, "D": 8}
RATES = [  # under which the answers of the specification come out; it does not say its own
    Quota(where={"risk": ["A"]}, rate=(1, 100)),
    Quota(where={"risk": ["D"]}, rate=(1, 10)),
]


def answer(head: str) -> str:
    text = (shared_data() / "test_vectors" / "draw_known_answers.txt").read_text()
    line = next(line for line in text.splitlines() if line.startswith("ceil k"))
    return line.partition(head)[2].partition("}")[0].strip() + "}"


@pytest.mark.parametrize(
    ("rounding", "total", "head"),
    [
        ("ceil", 0, "ceil k"),
        ("floor", 0, "floor"),
        ("hamilton", 5, "hamilton(5)"),
        ("systematic", 0, "systematic"),
    ],
)
def test_the_known_quotas_come_out(rounding: Rounding, total: int, head: str) -> None:
    paper = drawings.task(strata=["risk"], quotas=RATES, rounding=rounding, total=total, minimum=0)

    shares = bundle.shares(paper, ELIGIBLE, ROUNDING_SEED)

    assert str({name: share.primary for name, share in shares.items()}) == answer(head)


def test_the_known_weighted_lots_are_drawn() -> None:
    rows = [row.decode().split("\t") for row in drawings.known_frame()]
    entries = [(r[0].encode(), r[1], int(r[2])) for r in rows if r[3] == "E"]
    text = (shared_data() / "test_vectors" / "draw_known_answers.txt").read_text()
    expected = [line for line in text.splitlines() if line[:3] in ("A [", "B [", "D [")]
    shares = {
        line[0]: Share(eligible=ELIGIBLE[line[0]], primary=line.count("'P'"), reserves=0)
        for line in expected
    }

    lots = weighted.select(drawings.OBJECTS_SEED, entries, shares)

    found = [
        f"{name} {[(lot.id, lot.status) for lot in lots if lot.stratum == name]}" for name in "ABD"
    ]
    assert found == expected


def test_systematic_rounding_is_unbiased_and_never_off_by_one() -> None:
    exact = {"a": Fraction(731, 100), "b": Fraction(1236, 100), "c": Fraction(485, 100)}
    counts = dict.fromkeys(exact, 100)
    sums = dict.fromkeys(exact, 0)

    for number in range(2_000):
        shares = quotas.allocate(
            counts, exact, rounding="systematic", total=0, minimum=0,
            reserve_rate=(0, 1), reserve_minimum=0, seed=f"{number:064x}",
        )  # fmt: skip
        assert sum(share.primary for share in shares.values()) in (24, 25)
        for name, share in shares.items():
            assert abs(share.primary - exact[name]) < 1
            sums[name] += share.primary

    for name in exact:
        assert abs(sums[name] / 2_000 - exact[name]) < 0.04  # four standard deviations


def test_a_tie_of_remainders_is_broken_by_the_seed() -> None:
    counts = {"a": 10, "b": 10}
    asked = {"a": Fraction(1), "b": Fraction(1)}

    winners = {
        max(shares, key=lambda name: shares[name].primary)
        for number in range(20)
        if (
            shares := quotas.allocate(
                counts, asked, rounding="hamilton", total=3, minimum=0,
                reserve_rate=(0, 1), reserve_minimum=0, seed=f"{number:064x}",
            )
        )
    }  # fmt: skip

    assert winners == {"a", "b"}


@pytest.mark.parametrize("number", range(12))
def test_systematic_rounding_shifts_by_the_seed(number: int) -> None:
    exact = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
    seed = f"{number:064x}"

    shares = quotas.allocate(
        {"a": 9, "b": 9}, exact, rounding="systematic", total=0, minimum=0,
        reserve_rate=(0, 1), reserve_minimum=0, seed=seed,
    )  # fmt: skip

    upper_half = sha256(f"{seed}|round".encode()).digest()[0] >= 128
    assert (shares["a"].primary, shares["b"].primary) == (upper_half, not upper_half)


@pytest.mark.parametrize("number", range(12))
def test_the_lower_ticket_of_a_tie_wins(number: int) -> None:
    paper = drawings.task(strata=["risk"], rounding="hamilton", total=3, minimum=0)
    seed = f"{number:064x}"

    shares = bundle.shares(paper, {"a": 10, "b": 10}, seed)

    winner = min("ab", key=lambda name: sha256(f"{seed}|tie|{name}".encode()).digest())
    assert shares[winner].primary == 2


@pytest.mark.parametrize(
    ("counts", "minimum", "total", "given"),
    [
        ({"a": 100, "b": 10, "c": 1}, 1, 10, {"a": 8, "b": 1, "c": 1}),
        ({"a": 100, "b": 10, "c": 1}, 0, 111, {"a": 100, "b": 10, "c": 1}),
        ({"a": 3, "b": 3, "c": 300}, 2, 6, {"a": 2, "b": 2, "c": 2}),
        ({"a": 0, "b": 5}, 2, 4, {"a": 0, "b": 4}),
    ],
)
def test_a_total_is_shared_out_within_bounds(
    counts: dict[str, int], minimum: int, total: int, given: dict[str, int]
) -> None:
    paper = drawings.task(strata=["risk"], rounding="hamilton", total=total, minimum=minimum)

    shares = bundle.shares(paper, counts, ROUNDING_SEED)

    assert {name: share.primary for name, share in shares.items()} == given


def test_the_first_quota_that_fits_a_stratum_counts() -> None:
    rules = [
        Quota(where={"risk": ["D"], "division:6": ["310101"]}, count=2),
        Quota(where={"risk": ["D", "C"]}, rate=(1, 2)),
    ]
    counts = {"D/310101": 9, "D/310104": 9, "C/310101": 8, "A/310101": 100, "D/310105": 0}

    asked = scheme.asked(["risk", "division:6"], rules, (3, 100), counts)

    assert asked == {
        "D/310101": 2, "D/310104": Fraction(9, 2), "C/310101": 4, "A/310101": 3, "D/310105": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("per_year", "batches", "rates"),
    [
        ((1, 1), 4, ["1/4", "1/3", "1/2", "1", "1/4"]),
        ((2, 1), 4, ["1/2", "1", "1/2", "1"]),
        ((4, 1), 4, ["1", "1"]),
        ((1, 2), 1, ["1/2", "1", "1/2"]),
    ],
)
def test_a_frequency_gives_everybody_their_turn_once_in_a_cycle(
    per_year: tuple[int, int], batches: int, rates: list[str]
) -> None:
    visits = [Visits(per_year=per_year, batches=batches, batch=n) for n in range(1, len(rates) + 1)]

    assert [str(one.rate()) for one in visits] == rates


def test_who_is_certain_comes_first_and_weights_never_cross_strata() -> None:
    entries = [(f"{n}".encode(), "AB"[n % 2], 1 if n < 18 else 50) for n in range(20)]
    shares = {name: Share(eligible=10, primary=3, reserves=2) for name in "AB"}

    lots = weighted.select("ab" * 32, entries, shares)

    assert [lot.id for lot in lots if lot.rank == 1] == ["18", "19"]
    assert all("AB"[int(lot.id) % 2] == lot.stratum for lot in lots)
    assert [lot.status for lot in lots] == ["P", "P", "P", "R", "R"] * 2


def test_a_weight_of_all_is_a_draw_without_lots_and_still_has_an_order() -> None:
    entries = [(f"{n}".encode(), "A", n + 1) for n in range(5)]

    every = weighted.select("ab" * 32, entries, {"A": Share(5, 5, 0)})
    none = weighted.select("ab" * 32, entries, {"A": Share(5, 0, 3)})

    assert [lot.rank for lot in every] == [1, 2, 3, 4, 5]
    assert [lot.status for lot in none] == ["R", "R", "R"]


def test_names_of_strata_are_ascii_and_can_be_read_back() -> None:
    traits = scheme.Traits(region="310101001", category="冷库/50%", risk="")

    name = scheme.stratum_of(["category", "risk", "division:6"], traits)

    assert name.isascii()
    assert scheme.values_of(["category", "risk", "division:6"], name) == {
        "category": "冷库/50%", "risk": "none", "division:6": "310101",
    }  # fmt: skip
