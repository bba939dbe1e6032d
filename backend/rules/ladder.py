"""派员: who may hold which position, and what gives way (让步) when nobody can.

The task declares an ordered ladder of relaxations before the seed exists. The draw of inspectors
takes the first rung on which a complete pairing exists; each one above it is recorded with the
exact bottleneck and the rules that made it. Recusal, qualification and certificate never give way.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from backend.rules.pairing import Bottleneck, Position, Seat, Spread, bits, bottleneck, pair

Districts: TypeAlias = Literal["any", "own", "other"]
Rule: TypeAlias = Literal[
    "cap", "certificate", "department", "district", "division", "kind", "last-visit", "leave",
    "qualification", "recusal",
]  # fmt: skip
Step: TypeAlias = Annotated[
    str, Meta(pattern=r"^(any-district|last-visit|cap\+[1-9][0-9]?)$(?!\n)")
]

LAST_VISIT = "R02"  # the reason in recusal.tsv of who was there the last time; all others are R01
STATUSES = ("active", "expert", "leave")
WORDS: dict[Rule, tuple[str, str]] = {
    "cap": ("the inspectors had more free seats", "放宽人员任务上限"),
    "certificate": ("certificates covered the whole window", "执法证件有效期覆盖全部检查时段"),
    "department": ("another department could fill in", "可由其他部门补位"),
    "district": ("the rule on districts were lifted", "取消辖区限制"),
    "division": ("inspectors of other divisions could come", "可从其他辖区抽调"),
    "kind": ("experts could stand in for inspectors, or the reverse", "专家与执法人员可互相替代"),
    "last-visit": ("inspectors of the last visit could come again", "允许上次检查人员再次检查"),
    "leave": ("nobody were on leave", "无人请假"),
    "qualification": ("others had the qualification", "其他人员具备所需资格"),
    "recusal": ("nobody had to stay away", "无人需要回避"),
}
RULES: tuple[Rule, ...] = tuple(WORDS)
_NONE: frozenset[Rule] = frozenset()


class Staffing(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """派员规则: what the task asks of a pairing beside qualification, certificate and recusal."""

    districts: Districts = "any"  # own: only there; other: never there (所所交叉)
    even: Annotated[int, Meta(ge=0, le=100)] | None = None  # so many above the smallest load
    last_visit: bool = False  # who was there the last time stays away, as a recusal


class Person(Struct, frozen=True):
    """An inspector, as far as positions ask: the certificate number is the key, no name."""

    inspector: str
    department: str
    region: str
    qualifications: tuple[str, ...]
    cap: int  # seats still free
    valid_from: str
    valid_to: str
    status: str  # one of STATUSES
    districts: tuple[str, ...] = ()


class Place(Struct, frozen=True, omit_defaults=True):
    """A position at every site: 主办, 协办 or 专家, from any department (`*`) or one."""

    name: str
    department: str
    qualifications: list[str]
    expert: bool = False


class Terms(Struct, frozen=True):
    """What the task says of positions."""

    id: str
    division: str
    inspectors_under: str
    opens_on: str
    closes_on: str
    places: list[Place]
    staffing: Staffing
    relaxations: list[str]


class Site(Struct, frozen=True):
    """A site to staff: its code and its division."""

    id: str
    region: str


class Rung(Struct, frozen=True):
    """A rung on which no complete pairing exists: these positions, these inspectors, so many seats.

    Any one position fewer could be filled. `causes`: the rules of which each alone, if lifted,
    would let these positions be filled; none of them: there are too few people for any one rule.
    """

    relaxed: list[str]
    positions: list[tuple[str, str]]
    inspectors: list[str]
    seats: int
    causes: list[Rule]


class Standing(Struct, frozen=True):
    """pairing.json: the rung that was taken, and why none before it."""

    relaxed: list[str]
    level: int  # nobody holds more seats than this and the slack; 0: no balance is asked for
    least: int  # seats of whoever has fewest, among those who may sit anywhere
    most: int
    failed: list[Rung]


class Staffed(Struct, frozen=True):
    """A complete pairing."""

    seats: list[Seat]
    standing: Standing


class Unstaffed(Struct, frozen=True):
    """No pairing on any rung; the last one says what is missing."""

    failed: list[Rung]


# -- who may sit where ---------------------------------------------------------------------------


def barriers(person: Person, place: Place, terms: Terms) -> frozenset[Rule]:
    """List the rules that keep someone from a position, at whatever site."""
    kept: dict[Rule, bool] = {
        "certificate": not (
            person.valid_from <= terms.opens_on and terms.closes_on <= person.valid_to
        ),
        "department": place.department not in ("*", person.department),
        "division": not person.region.startswith(terms.inspectors_under),
        "kind": (person.status == "expert") != place.expert and person.status != "leave",
        "leave": person.status == "leave",
        "qualification": not set(place.qualifications) <= set(person.qualifications),
    }
    return frozenset(rule for rule, barred in kept.items() if barred)


def is_out_of_bounds(person: Person, region: str, terms: Terms) -> bool:
    """Whether the rule on districts keeps someone from a site in this division.

    Who has no districts has their home division. One that holds the whole task is no district:
    its people go anywhere.
    """
    own = [one for one in person.districts or (person.region,)]
    match terms.staffing.districts:
        case "any":
            return False
        case "own":
            return not region.startswith(tuple(own))
        case "other":
            return region.startswith(tuple(d for d in own if not terms.division.startswith(d)))


def positions(
    terms: Terms,
    sites: Iterable[Site],
    people: Sequence[Person],
    recusals: Collection[tuple[str, str, str]],
    lifted: frozenset[Rule] = _NONE,
) -> list[Position]:
    """List every seat to fill: a group per site and department, who may sit there as a bitset."""
    index = {one.inspector: bit for bit, one in enumerate(people)}
    able = [
        sum(1 << bit for bit, one in enumerate(people) if barriers(one, place, terms) <= lifted)
        for place in terms.places
    ]
    barred: dict[str, int] = {}
    for code, inspector, reason in recusals:
        rule: Rule = "last-visit" if reason == LAST_VISIT else "recusal"
        if inspector in index and rule not in lifted:
            barred[code] = barred.get(code, 0) | 1 << index[inspector]
    outside: dict[str, int] = {}
    seats: list[Position] = []
    for site in sites:
        if site.region not in outside:
            outside[site.region] = 0 if "district" in lifted else sum(
                1 << bit for bit, one in enumerate(people)
                if is_out_of_bounds(one, site.region, terms)
            )  # fmt: skip
        away = outside[site.region] | barred.get(site.id, 0)
        for place, mask in zip(terms.places, able, strict=True):
            seats.append(Position(group_of(terms.id, site.id, place), place.name, mask & ~away))
    return seats


def group_of(task_id: str, site: str, place: Place) -> str:
    """Name the group of a site within which nobody sits twice."""
    return f"{task_id}/{site}/{place.department}"


def free_seats(*, cap: int, busy: int, days: int, away: int) -> int:
    """Give the seats left to someone who is away for some days of the window and busy elsewhere.

    The cap shrinks with the days at work, rounded down; who is away all the time has none.
    """
    return max(0, cap * max(0, days - away) // days - busy)


# -- the ladder ----------------------------------------------------------------------------------


def staff(
    terms: Terms,
    sites: Sequence[Site],
    people: Sequence[Person],
    recusals: Collection[tuple[str, str, str]],
    *,
    seed: str,
    lifted: frozenset[Rule] = _NONE,
    spread: Spread = map,
) -> Staffed | Unstaffed:
    """Draw the inspectors on the first rung that has a complete pairing.

    `lifted`: rules not to ask for at all, when who is drawn is not known yet.
    """
    failed: list[Rung] = []
    for step in range(len(terms.relaxations) + 1):
        relaxed = terms.relaxations[:step]
        given, more = given_by(relaxed)
        seats = positions(terms, sites, people, recusals, given | lifted)
        roster = [one.inspector for one in people]
        caps = {one.inspector: one.cap + more for one in people}
        cut = bottleneck(seed, roster, caps, seats)
        if cut is None:
            return _staffed(terms, seed, people, caps, seats, relaxed, failed, spread)
        failed.append(
            Rung(
                relaxed=relaxed,
                positions=list(cut.positions),
                inspectors=list(cut.inspectors),
                seats=cut.seats,
                causes=_causes(terms, sites, people, recusals, cut, caps, given | lifted),
            )
        )
    return Unstaffed(failed)


def given_by(steps: Iterable[str]) -> tuple[frozenset[Rule], int]:
    """Read what some steps of the ladder lift, and how many seats they add to every cap."""
    rules: set[Rule] = set()
    more = 0
    for step in steps:
        match step.partition("+"):
            case ("any-district", _, _):
                rules.add("district")
            case ("last-visit", _, _):
                rules.add("last-visit")
            case ("cap", _, count) if re.fullmatch("[1-9][0-9]?", count):
                more += int(count)
            case _:
                raise AssertionError(f"a step of the ladder was not checked: {step!r}")
    return frozenset(rules), more


def words(rung: Rung) -> tuple[str, str]:
    """Say in both languages who cannot be seated, and what would have helped."""
    wanted, holders = len(rung.positions), len(rung.inspectors)
    en = (
        f"{wanted} positions can be held by {holders} inspectors only, "
        f"who have {rung.seats} seats for them."
    )
    zh = f"{wanted} 个岗位只能由 {holders} 名人员承担，他们仅有 {rung.seats} 个名额。"
    if not rung.causes:
        return en + " No single rule makes it so.", zh + "并非某一条规则单独造成。"
    because = [WORDS[rule] for rule in RULES if rule in rung.causes]
    return (
        f"{en} They could be filled if {', or if '.join(text for text, _ in because)}.",
        f"{zh}若{'，或'.join(text for _, text in because)}，即可满足。",
    )


def _staffed(
    terms: Terms,
    seed: str,
    people: Sequence[Person],
    caps: Mapping[str, int],
    seats: Sequence[Position],
    relaxed: list[str],
    failed: list[Rung],
    spread: Spread,
) -> Staffed:
    roster = [one.inspector for one in people]
    level, slack = 0, terms.staffing.even
    if slack is not None:
        level = smallest_load(seed, roster, caps, seats)
        caps = {name: min(cap, level + slack) for name, cap in caps.items()}
    drawn = pair(seed, roster, caps, seats, spread=spread)
    assert not isinstance(drawn, Bottleneck), "there was a pairing within these caps"
    anywhere = 0
    for mask in {one.eligible for one in seats}:
        anywhere |= mask
    held = Counter(seat.inspector for seat in drawn)
    loads = [held[roster[j]] for j in bits(anywhere)]
    standing = Standing(
        relaxed=relaxed,
        level=level,
        least=min(loads, default=0),
        most=max(loads, default=0),
        failed=failed,
    )
    return Staffed(seats=drawn, standing=standing)


def smallest_load(
    seed: str, roster: Sequence[str], caps: Mapping[str, int], seats: Sequence[Position]
) -> int:
    """Find the smallest load such that a pairing exists in which nobody has more (均衡)."""
    high = max(caps.values(), default=0)
    low = -(-len(seats) // max(1, len(roster)))
    trial = low  # it nearly always does
    while low < high:
        within = {name: min(cap, trial) for name, cap in caps.items()}
        if bottleneck(seed, roster, within, seats) is None:
            high = trial
        else:
            low = trial + 1
        trial = (low + high) // 2
    return high


def _causes(
    terms: Terms,
    sites: Sequence[Site],
    people: Sequence[Person],
    recusals: Collection[tuple[str, str, str]],
    cut: Bottleneck,
    caps: Mapping[str, int],
    given: frozenset[Rule],
) -> list[Rule]:
    """List the rules of which each alone, if lifted, would let the positions of a cut be filled."""
    short = set(cut.positions)
    roster = [one.inspector for one in people]
    enough = dict.fromkeys(roster, len(short))

    def helps(rule: Rule) -> bool:
        seats = [
            one
            for one in positions(terms, sites, people, recusals, given.union((rule,)))
            if (one.group, one.name) in short
        ]
        return bottleneck("", roster, enough if rule == "cap" else caps, seats) is None

    return [rule for rule in RULES if rule not in given and helps(rule)]
