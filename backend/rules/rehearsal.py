"""预演: a plan drawn many times over with seeds that no draw can have, before anyone commits to it.

Every trial goes through the very rules of the draw. Only sums are kept, never a list: nobody can
pick a favourite. The seeds are a fixed list, so the same plan gives the same report.
"""

import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from itertools import combinations

from msgspec import Struct

from backend.rules import bundle, draw, ladder, papers, weighted
from backend.rules.draw import Share
from backend.rules.ladder import Rung, Site, Unstaffed
from backend.rules.papers import TaskPaper

LABEL = "sjdraw/1 rehearsal"  # a seed of a draw is an HMAC under its commitment, never of this
PAIR_STEPS_MAX = 24_000_000  # of all trials of the pairing together: some twenty seconds
POSITION_STEPS = 60  # what seating one position takes beside the tickets of the inspectors
PAIRED_MIN = 10
Z95 = 1.959964


class Stratum(Struct, frozen=True):
    """How often the sites of one stratum were drawn, and how often they should have been."""

    stratum: str
    eligible: int
    quota: str  # exact, before any rounding
    drawn_least: int
    drawn_most: int
    drawn_mean: float
    chance: float  # of a site in one draw: the mean of what the rules promise
    seen: float  # the mean of what was seen
    chance_least: float  # they differ between sites in a weighted draw
    chance_most: float
    low: float  # 19 of 20 sites should have been seen in this share of the trials or more,
    high: float  # and this or less
    seen_least: float
    seen_most: float
    inside: float  # the share of sites that were
    z: float  # of chi-square over the sites; beyond 4 it is no chance


class Load(Struct, frozen=True):
    """The seats of one inspector over the trials."""

    inspector: str
    cap: int
    mean: float
    least: int
    most: int


class Pair(Struct, frozen=True):
    """How often two inspectors go together in one draw."""

    one: str
    other: str
    mean: float


class Rungs(Struct, frozen=True):
    """In how many trials these steps of the ladder had to give way."""

    relaxed: list[str]
    trials: int


class Report(Struct, frozen=True):
    """What came of all trials."""

    trials: int  # of the lots
    paired: int  # of the pairing; fewer where a pairing is large
    strata: list[Stratum]
    loads: list[Load]
    histogram: dict[int, int]  # seats: how often somebody had so many in a trial
    pairs: list[Pair]  # the most frequent first
    pairs_seen: int
    pairs_possible: int
    pair_mean: float  # of any two, if all were alike
    rungs: list[Rungs]
    infeasible: int
    infeasible_low: float  # 95 % interval of the share
    infeasible_high: float
    causes: dict[str, int]  # rules that alone would have helped, over trials off the first rung
    example: tuple[str, str] | None  # of the first trial without a pairing, in words


def seed_of(purpose: str, number: int) -> str:
    """Give the seed of a trial."""
    return sha256(f"{LABEL}|{purpose}|{number}".encode()).hexdigest()


class Rehearsal:
    """Trials of one frozen frame, one after the other."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """Read what is committed to: task.json, frame.tsv.gz, roster.tsv, recusal.tsv."""
        self.task = papers.read(files["task.json"], TaskPaper)
        self.people = papers.read_roster(files["roster.tsv"])
        self.recusals = papers.read_recusals(files.get("recusal.tsv", b""))
        self.entries: list[tuple[bytes, str, int]] = []
        self.regions: dict[str, str] = {}
        for row in bundle.frame_rows(files["frame.tsv.gz"]):
            id, stratum, weight, status, _, region, _ = row.split(b"\t", 6)
            if status == b"E":
                self.entries.append((id, stratum.decode(), int(weight)))
                self.regions[id.decode()] = region.decode()
        self.counts: Counter[str] = Counter(stratum for _, stratum, _ in self.entries)
        self.trials = self.paired = 0
        self.hits: Counter[str] = Counter()
        self.shares: dict[str, Counter[int]] = {name: Counter() for name in self.counts}
        self.seats: dict[str, Counter[int]] = {one.inspector: Counter() for one in self.people}
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.rungs: Counter[tuple[str, ...]] = Counter()
        self.causes: Counter[str] = Counter()
        self.stuck: list[Rung] = []
        self.infeasible = 0

    def pairings(self, trials: int) -> int:
        """Tell in how many of the trials the inspectors are drawn too."""
        positions = bundle.most_lots(self.task, self.counts) * len(self.task.positions)
        steps = max(1, positions * (len(self.people) + POSITION_STEPS))
        return min(trials, max(PAIRED_MIN, PAIR_STEPS_MAX // steps))

    def draw(self, number: int, *, pair: bool) -> None:
        """Hold trial `number`: the lots, and if asked the inspectors."""
        shares = bundle.shares(self.task, self.counts, seed_of("rounding", number))
        drawn = self._lots(seed_of("objects", number), _without_reserves(shares))
        self.trials += 1
        self.hits.update(drawn)
        for name, share in shares.items():
            self.shares[name][share.primary] += 1
        if pair:
            self._pair(number, drawn)

    def report(self) -> Report:
        """Add up what came of the trials so far."""
        asked = bundle.asked(self.task, self.counts)
        sites: dict[str, list[tuple[str, int]]] = {name: [] for name in self.counts}
        for id, stratum, weight in self.entries:
            sites[stratum].append((id.decode(), weight))
        able = self._able()
        possible = len(able) * (len(able) - 1) // 2
        low, high = wilson(self.infeasible, self.paired)
        staffed = max(1, self.paired - self.infeasible)
        return Report(
            trials=self.trials,
            paired=self.paired,
            strata=[
                self._stratum(name, str(asked[name]), sites[name])
                for name in sorted(sites, key=str.encode)
            ],
            loads=[self._load(one) for one in self.people if one.inspector in able],
            histogram=dict(sorted(sum((self.seats[who] for who in able), Counter[int]()).items())),
            pairs=[
                Pair(one, other, times / staffed)
                for (one, other), times in sorted(
                    self.pairs.items(), key=lambda item: (-item[1], item[0])
                )
            ],
            pairs_seen=len(self.pairs),
            pairs_possible=possible,
            pair_mean=self.pairs.total() / staffed / possible if possible else 0.0,
            rungs=[Rungs(list(steps), times) for steps, times in sorted(self.rungs.items())],
            infeasible=self.infeasible,
            infeasible_low=low,
            infeasible_high=high,
            causes=dict(self.causes.most_common()),
            example=ladder.words(self.stuck[0]) if self.stuck else None,
        )

    # -- one trial -------------------------------------------------------------------------------

    def _lots(self, seed: str, shares: Mapping[str, Share]) -> list[str]:
        if self.task.weighted():
            return [lot.id for lot in weighted.select(seed, self.entries, shares)]
        plain = ((id, stratum) for id, stratum, _ in self.entries)
        return [lot.id for lot in draw.select(seed, plain, shares)]

    def _pair(self, number: int, drawn: list[str]) -> None:
        self.paired += 1
        sites = [Site(id, self.regions[id]) for id in drawn]
        found = ladder.staff(
            self.task.terms(), sites, self.people, self.recusals,
            seed=seed_of("inspectors", number),
        )  # fmt: skip
        failed = found.failed if isinstance(found, Unstaffed) else found.standing.failed
        if failed:
            self.causes.update(failed[0].causes)
        if isinstance(found, Unstaffed):
            self.infeasible += 1
            self.stuck = self.stuck or failed[-1:]
            return
        self.rungs[tuple(found.standing.relaxed)] += 1
        loads: Counter[str] = Counter()
        together: dict[str, list[str]] = {}
        for seat in found.seats:
            loads[seat.inspector] += 1
            site = seat.group.removeprefix(f"{self.task.id}/")
            together.setdefault(site, []).append(seat.inspector)
        for who, seats in self.seats.items():
            seats[loads[who]] += 1
        for group in together.values():
            self.pairs.update(combinations(sorted(set(group)), 2))

    # -- sums ------------------------------------------------------------------------------------

    def _able(self) -> set[str]:
        """List who may hold some position at some site."""
        terms = self.task.terms()
        return {
            one.inspector
            for one in self.people
            if one.cap and any(not ladder.barriers(one, place, terms) for place in terms.places)
        }

    def _load(self, person: ladder.Person) -> Load:
        seats = self.seats[person.inspector]
        held = max(1, seats.total())
        return Load(
            inspector=person.inspector,
            cap=person.cap,
            mean=sum(load * times for load, times in seats.items()) / held,
            least=min(seats, default=0),
            most=max(seats, default=0),
        )

    def _stratum(self, name: str, quota: str, sites: list[tuple[str, int]]) -> Stratum:
        """Compare how often each site was drawn with the chance that it should have."""
        trials, drawn = self.trials, self.shares[name]
        expected: list[float] = []
        square, free = 0.0, 0
        inside = 0
        lows: list[int] = []
        highs: list[int] = []
        chances = self._chances(name, [weight for _, weight in sites])
        for id, weight in sites:
            mean, variance = chances[weight]
            expected.append(mean)
            low, high = middle(trials, mean)
            lows.append(low)
            highs.append(high)
            inside += low <= self.hits[id] <= high
            if variance > 0:
                square += (self.hits[id] - trials * mean) ** 2 / (trials * variance)
                free += 1
        square *= (free - 1) / free if free > 1 else 0
        degrees = max(1, free - 1)
        seen = [self.hits[id] / trials for id, _ in sites]
        return Stratum(
            stratum=name,
            eligible=len(sites),
            quota=quota,
            drawn_least=min(drawn),
            drawn_most=max(drawn),
            drawn_mean=sum(count * times for count, times in drawn.items()) / trials,
            chance=sum(expected) / len(sites),
            seen=sum(seen) / len(sites),
            chance_least=min(expected),
            chance_most=max(expected),
            low=min(lows) / trials,
            high=max(highs) / trials,
            seen_least=min(seen),
            seen_most=max(seen),
            inside=inside / len(sites),
            z=(square - degrees) / math.sqrt(2 * degrees) if free > 1 else 0.0,
        )

    def _chances(self, name: str, weights: list[int]) -> dict[int, tuple[float, float]]:
        """Give by weight the mean chance over the trials, and its mean variance."""
        sums: dict[int, list[float]] = {weight: [0.0, 0.0] for weight in set(weights)}
        entries = [(0, b"", weight if self.task.weighted() else 1) for weight in weights]
        for take, times in self.shares[name].items():
            field = weighted.field_of(entries, take)
            certain = {weight for _, _, weight in field.certain}
            for weight, sum_ in sums.items():
                own = weight if self.task.weighted() else 1
                sure = own in certain or field.whole == 0
                chance = 1.0 if sure else field.take * own / field.whole
                sum_[0] += times * chance
                sum_[1] += times * chance * (1 - chance)
        return {
            weight: (mean / self.trials, variance / self.trials)
            for weight, (mean, variance) in sums.items()
        }


def wilson(times: int, trials: int) -> tuple[float, float]:
    """Give the 95 % interval of a share seen so many times."""
    if trials == 0:
        return 0.0, 1.0
    share, square = times / trials, Z95 * Z95
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z95 / (1 + square / trials) * math.sqrt(
        share * (1 - share) / trials + square / (4 * trials * trials)
    )  # fmt: skip
    return max(0.0, middle - half), min(1.0, middle + half)


@lru_cache(maxsize=4_096)
def middle(trials: int, chance: float) -> tuple[int, int]:
    """Give the counts between which 95 % of a binomial lie: 2.5 % at most are beyond either end."""
    if chance <= 0 or chance >= 1:
        fixed = trials if chance >= 1 else 0
        return fixed, fixed
    below, low, count = 0.0, -1, -1
    while below < 0.975:
        count += 1
        below += math.exp(
            math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
            + count * math.log(chance) + (trials - count) * math.log1p(-chance)
        )  # fmt: skip
        if low < 0 and below > 0.025:
            low = count
        if count == trials:
            break
    return low, count


def _without_reserves(shares: Mapping[str, Share]) -> dict[str, Share]:
    return {name: Share(one.eligible, one.primary, 0) for name, one in shares.items()}
