"""预演: trials go by the rules of the draw, repeat, and would show a draw that is unfair."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import accumulate
from typing import Any

import drawings
import msgspec
import pytest

from backend.rules import bundle, draw, papers, rehearsal
from backend.rules.draw import Lot, Share
from backend.rules.ladder import Staffing
from backend.rules.rehearsal import Rehearsal, Report, middle, seed_of, wilson
from backend.rules.scheme import Quota, Weighing


def people(count: int = 8, **changes: Any) -> list[papers.RosterLine]:
    given = {"cap": 9, "qualifications": ("food",), "valid_to": "2027-12-31"} | changes
    return [msgspec.structs.replace(one, **given) for one in drawings.roster(count)]


def files(inspectors: list[papers.RosterLine] | None = None, **changes: Any) -> bundle.Files:
    return drawings.committed(
        drawings.task(**changes), inspectors=people() if inspectors is None else inspectors
    )


def tried(given: bundle.Files, trials: int, *, paired: int | None = None) -> Report:
    one = Rehearsal(given)
    for number in range(trials):
        one.draw(number, pair=number < (trials if paired is None else paired))
    return one.report()


def test_a_trial_gives_exactly_what_the_rules_of_the_draw_give() -> None:
    given = files(strata=["risk"], rate=(1, 5), minimum=2, rounding="systematic")
    task = papers.read(given["task.json"], papers.TaskPaper)
    commit = papers.read(given["commit.json"], papers.Commit)
    drawn: Counter[str] = Counter()
    seats: Counter[str] = Counter()
    for number in range(30):
        shares = bundle.shares_of(task, commit, seed_of("rounding", number))
        lots = bundle.lots_of(given, task, seed_of("objects", number), shares)
        drawn.update(lot.id for lot in lots if lot.status == "P")
        staffed = bundle.seats_of(given, task, seed_of("inspectors", number), lots)
        assert not isinstance(staffed, bundle.Unstaffed)
        seats.update(seat.inspector for seat in staffed.seats)

    one = Rehearsal(given)
    for number in range(30):
        one.draw(number, pair=True)
    report = one.report()

    assert one.hits == drawn
    assert {load.inspector: round(load.mean * 30) for load in report.loads} == dict(seats)


def test_no_seed_of_a_trial_can_be_that_of_a_draw_and_all_are_different() -> None:
    seeds = [seed_of(purpose, n) for n in range(1000)
             for purpose in ("objects", "inspectors", "rounding")]  # fmt: skip

    assert len(set(seeds)) == 3000
    assert seeds[0] == sha256(b"sjdraw/1 rehearsal|objects|0").hexdigest()


def test_the_same_plan_gives_the_same_report() -> None:
    assert tried(files(), 40) == tried(files(), 40)


def test_strata_add_up_and_keep_to_their_quota() -> None:
    given = files(strata=["risk"], rate=(1, 5), minimum=1)
    commit = papers.read(given["commit.json"], papers.Commit)

    report = tried(given, 400, paired=0)

    assert {one.stratum: one.eligible for one in report.strata} == {
        name: by["E"] for name, by in commit.counts.items()
    }
    for one in report.strata:
        want = math.ceil(one.eligible / 5)
        assert (one.drawn_least, one.drawn_most) == (want, want)
        assert one.chance == pytest.approx(want / one.eligible)
        assert one.seen == pytest.approx(one.chance)
        assert one.seen_least <= one.chance <= one.seen_most
        assert one.inside > 0.8
        assert abs(one.z) < 4
    assert (report.paired, report.loads[0].mean) == (0, 0)


def test_random_rounding_gives_each_stratum_its_quota_on_average() -> None:
    given = files(strata=["risk"], rate=(1, 9), minimum=0, rounding="systematic")

    report = tried(given, 600, paired=0)

    for one in report.strata:
        quota = one.eligible / 9
        assert {one.drawn_least, one.drawn_most} == {math.floor(quota), math.ceil(quota)}
        assert one.drawn_mean == pytest.approx(quota, abs=0.1)
        assert one.chance == pytest.approx(one.drawn_mean / one.eligible)
        assert abs(one.z) < 4


def test_a_weighted_plan_promises_each_site_its_own_chance() -> None:
    given = files(weights=[Weighing(by="risk", values=["D"], weight=5)], rate=(1, 5), minimum=0)

    report = tried(given, 600, paired=0)

    (one,) = report.strata
    assert one.chance_most == pytest.approx(5 * one.chance_least)
    assert one.chance == pytest.approx(one.drawn_mean / one.eligible)
    assert one.inside > 0.8
    assert abs(one.z) < 4


def test_who_is_certain_is_always_drawn() -> None:
    given = files(weights=[Weighing(by="risk", values=["D"], weight=5000)], rate=(2, 5))

    (one,) = tried(given, 50, paired=0).strata

    assert (one.chance_most, one.seen_most) == (1.0, 1.0)


def test_full_coverage_and_an_empty_stratum_are_no_accident() -> None:
    all_ = tried(files(rate=(1, 1)), 20, paired=0).strata[0]
    none = tried(
        files(strata=["risk"], minimum=0, quotas=[Quota({"risk": ["A"]}, count=0)]), 20, paired=0
    ).strata[0]

    assert (all_.chance, all_.seen, all_.inside, all_.z) == (1.0, 1.0, 1.0, 0.0)
    assert (none.stratum, none.chance, none.seen_most, none.inside) == ("A", 0.0, 0.0, 1.0)


def test_an_unfair_draw_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One site in ten has two tickets instead of one; 1,000 trials show it."""

    def biased(
        seed: str, eligible: Iterable[tuple[bytes, str]], shares: Mapping[str, Share]
    ) -> list[Lot]:
        (share,) = shares.values()
        tickets = sorted(
            (min(draw.ticket(seed, id.decode()), draw.ticket(seed, f"{id!r}again"))
             if n % 10 == 0 else draw.ticket(seed, id.decode()), id.decode())
            for n, (id, _) in enumerate(eligible)
        )  # fmt: skip
        return [Lot("all", 1, id, ticket, "P") for ticket, id in tickets[: share.primary]]

    honest = tried(files(rate=(1, 5)), 1000, paired=0).strata[0]
    monkeypatch.setattr(rehearsal.draw, "select", biased)
    crooked = tried(files(rate=(1, 5)), 1000, paired=0).strata[0]

    assert abs(honest.z) < 4 < crooked.z
    assert crooked.inside < honest.inside


def test_loads_and_pairs_add_up_to_the_seats() -> None:
    report = tried(files(), 50)

    assert report.trials == report.paired == 50
    assert sum(one.mean for one in report.loads) == pytest.approx(4 * 2)
    assert sum(n * times for n, times in report.histogram.items()) == 50 * 8
    assert sum(report.histogram.values()) == 50 * 8
    assert sum(one.mean for one in report.pairs) == pytest.approx(4)
    assert report.pair_mean == pytest.approx(4 / report.pairs_possible)
    assert (report.pairs_seen, report.pairs_possible) == (28, 28)
    assert report.pairs == sorted(report.pairs, key=lambda one: (-one.mean, one.one, one.other))
    assert all(one.least <= one.mean <= one.most <= one.cap for one in report.loads)
    assert [(rung.relaxed, rung.trials) for rung in report.rungs] == [([], 50)]


def test_who_can_hold_nothing_is_not_in_the_loads() -> None:
    crew = people(8)
    crew[0] = msgspec.structs.replace(crew[0], status="leave")
    crew[1] = msgspec.structs.replace(crew[1], cap=0)

    report = tried(files(crew), 20)

    assert [one.inspector for one in report.loads] == [one.inspector for one in crew[2:]]
    assert report.pairs_possible == 6 * 5 // 2


def test_what_cannot_be_staffed_is_counted_with_what_would_have_helped() -> None:
    report = tried(files(people(3, cap=1)), 20)

    assert (report.infeasible, report.rungs, report.pairs) == (20, [], [])
    assert report.causes == {"cap": 20}
    assert report.infeasible_low > 0.8
    assert report.infeasible_high == 1.0
    assert report.example is not None
    assert "positions can be held by 3 inspectors only" in report.example[0]


def test_rungs_of_the_ladder_are_counted_where_they_were_needed() -> None:
    crew = people(4, cap=2, districts=("310101001",))
    staffing = Staffing(districts="own")
    given = files(crew, staffing=staffing, relaxations=["any-district"], minimum=4)

    report = tried(given, 60)

    counted = {tuple(one.relaxed): one.trials for one in report.rungs}
    assert sum(counted.values()) + report.infeasible == 60
    assert counted[("any-district",)] > 30
    assert report.causes["district"] == counted[("any-district",)]


def test_a_large_pairing_is_tried_less_often_and_never_less_than_ten_times() -> None:
    small = Rehearsal(files())
    paper = drawings.task(rate=(1, 1))
    large = Rehearsal(
        drawings.committed(paper, inspectors=people(60, cap=90), frozen=drawings.frame(paper, 2360))
    )

    assert small.pairings(1000) == 1000
    assert large.pairings(1000) == 50
    assert large.pairings(20) == 20
    large.people = large.people * 100
    assert large.pairings(1000) == 10


@pytest.mark.parametrize(
    ("trials", "chance"), [(1000, 0.03), (1000, 0.5), (50, 0.2), (10, 0.999), (2000, 1e-4)]
)
def test_the_middle_of_a_binomial_leaves_at_most_a_fortieth_beyond_either_end(
    trials: int, chance: float
) -> None:
    exact = [math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k)
             if trials < 900 else 0.0 for k in range(trials + 1)]  # fmt: skip
    if trials >= 900:  # too small for the product: by logarithms
        exact = [
            math.exp(math.log(math.comb(trials, k)) + k * math.log(chance)
                     + (trials - k) * math.log(1 - chance)) for k in range(trials + 1)
        ]  # fmt: skip
    sums = list(accumulate(exact))

    low, high = middle(trials, chance)

    assert (sums[low - 1] if low else 0.0) <= 0.025 < sums[low]
    assert (sums[high - 1] if high else 0.0) < 0.975 <= sums[high] + 1e-9


def test_an_interval_of_a_share_holds_it() -> None:
    assert wilson(0, 1000) == pytest.approx((0.0, 0.00383), abs=1e-4)
    assert wilson(500, 1000) == pytest.approx((0.4691, 0.5309), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert middle(10, 0.0) == (0, 0)
    assert middle(10, 1.0) == (10, 10)
