"""释明: why one business was drawn or not, and why these inspectors, from the files alone.

The finished pairing is walked again: what every position was offered, in which order, and what
stood against each inspector before the one who sits there. It tells, `verification` proves.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from backend.rules import (
    bundle,
    canonical,
    course,
    draw,
    ladder,
    pairing,
    papers,
    verification,
    weighted,
)
from backend.rules.course import Course
from backend.rules.ladder import Person, Rule, Standing
from backend.rules.pairing import Position
from backend.rules.papers import SeedPaper, TaskPaper
from backend.rules.verification import Explained

Why: TypeAlias = Literal[
    "seated",  # the one who sits here
    "behind",  # somebody with a smaller ticket was taken
    "here",  # already sits at this site
    "rule",  # a rule keeps him away
    "full",  # no free seat left when it was this position's turn
    "cut",  # taking him would have left other positions without anybody
    "kept",  # for a reason in a file that only the auditor has
]


class Cut(Struct, frozen=True):
    """What could not have been staffed any more: positions, who could hold them, their seats."""

    positions: list[tuple[str, str]]
    inspectors: list[str]
    seats: int


class Asked(Struct, frozen=True):
    """One inspector as a position met him."""

    inspector: str
    ticket: str
    why: Why
    rules: list[Rule] = []
    sites: list[str] = []  # where his seats were already taken, or where he sits
    cut: Cut | None = None


class Filled(Struct, frozen=True):
    """One position of a site: everybody up to its holder, in the order of their tickets."""

    department: str
    position: str
    turn: int  # of all positions of the draw, from 1
    inspector: str
    asked: list[Asked]


class Weighed(Struct, frozen=True):
    """The place in a weighted draw: certain, or ranked by a key."""

    weight: int
    certain: bool
    key: str = ""  # as written: a whole number; the smallest are drawn
    last_key: str = ""  # of the last that was drawn


class Site(Struct, frozen=True):
    """One object of a draw: its place, and how its positions were filled."""

    place: Explained
    reserves: int = 0
    last_ticket: str = ""  # of the last that was drawn in the stratum
    weighed: Weighed | None = None
    positions: list[Filled] = []
    void: str = ""  # the reason, if the draw is void
    recusals_known: bool = True
    since: Course | None = None  # what followed the draw


class Held(Struct, frozen=True):
    """One seat of an inspector."""

    site: str
    department: str
    position: str
    ticket: str
    partners: list[str]


class Inspector(Struct, frozen=True):
    """One inspector in a draw: where he sits, and what kept him from all other positions."""

    inspector: str
    cap: int  # seats he could hold in this draw
    seats: list[Held]
    others: dict[str, int]  # how many positions, by why
    rules: dict[str, int]  # of those kept away by a rule: how many by each
    void: str = ""
    recusals_known: bool = True
    since: Course | None = None


def site(files: Mapping[str, bytes], id: str) -> Site | None:
    """Explain one object; none if it is not in the frame."""
    place = verification.explain(files, id)
    if place is None:
        return None
    told = Site(place, void=_void(files), recusals_known="recusal.tsv" in files)
    if not place.ticket:
        return told
    rows = (row.decode().split("\t") for row in canonical.lines(files["selection.tsv"]))
    lots = [row for row in rows if row[0] == place.stratum]
    drawn = [row[3] for row in lots if row[4] == "P"]
    told = msgspec.structs.replace(
        told,
        reserves=len(lots) - len(drawn),
        last_ticket=drawn[-1] if drawn else "",
        since=course.of_site(files, id),
    )
    if papers.read(files["task.json"], TaskPaper).weighted():
        told = msgspec.structs.replace(told, weighed=_weighed(files, place))
    if place.lot == "P":
        walk = _Walk(files)
        told = msgspec.structs.replace(told, positions=[*walk.filled(id)])
    return told


def inspector(files: Mapping[str, bytes], certificate: str) -> Inspector | None:
    """Explain one inspector of a draw that was held; none if not on its roster."""
    walk = _Walk(files)
    if certificate not in walk.index:
        return None
    seats: list[Held] = []
    others: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for position in walk.ordered:
        met = walk.met(position, certificate)
        if met.why == "seated":
            site, place = walk.places[position.group, position.name]
            partners = walk.beside(site, certificate)
            seats.append(Held(site, place.department, place.name, met.ticket, partners))
        else:
            others[met.why] += 1
            rules.update(met.rules)
    return Inspector(
        inspector=certificate,
        cap=walk.caps[certificate],
        seats=sorted(seats, key=lambda one: (one.site, one.department, one.position)),
        others=dict(others),
        rules=dict(rules),
        void=_void(files),
        recusals_known="recusal.tsv" in files,
        since=course.of_inspector(files, certificate),
    )


def _void(files: Mapping[str, bytes]) -> str:
    events = papers.read_log(files["log.ndjson"])
    return next((one.reason for one in events if one.event == "void"), "")


def _weighed(files: Mapping[str, bytes], place: Explained) -> Weighed:
    seeds = papers.read(files["seed.json"], SeedPaper)
    prefix = f"{seeds.objects}|".encode()
    entries = [
        (int.from_bytes(sha256(prefix + other).digest()), other, weight)
        for other, stratum, weight in bundle.weighed(files["frame.tsv.gz"])
        if stratum == place.stratum
    ]
    field = weighted.field_of(entries, place.primary)
    mine = next(one for one in entries if one[1] == place.id.encode())
    if mine in field.certain:
        return Weighed(mine[2], certain=True)
    keys = sorted(weighted.key(one, field.take, field.whole) for one in field.rest)
    return Weighed(
        mine[2],
        certain=False,
        key=str(weighted.key(mine, field.take, field.whole)),
        last_key=str(keys[field.take - 1]) if field.take else "",
    )


class _Walk:
    """A finished pairing, walked again in the turn of its positions."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.task = papers.read(files["task.json"], TaskPaper)
        self.terms = self.task.terms()
        self.seed = papers.read(files["seed.json"], SeedPaper).inspectors
        self.people = papers.read_roster(files["roster.tsv"])
        self.roster = [one.inspector for one in self.people]
        self.index = {name: j for j, name in enumerate(self.roster)}
        recusals = papers.read_recusals(files.get("recusal.tsv", b""))
        self.recused: dict[tuple[str, str], set[Rule]] = {}
        for code, who, reason in recusals:
            rule: Rule = "last-visit" if reason == ladder.LAST_VISIT else "recusal"
            self.recused.setdefault((code, who), set()).add(rule)
        rows = (row.decode().split("\t") for row in canonical.lines(files["selection.tsv"]))
        drawn = [row[2] for row in rows if row[4] == "P"]
        self.regions = bundle.regions(files["frame.tsv.gz"], drawn)
        sites = [ladder.Site(id, self.regions[id]) for id in drawn]
        standing = papers.STANDING in files and papers.read(files[papers.STANDING], Standing)
        self.lifted, more = ladder.given_by(standing.relaxed if standing else ())
        self.caps = {one.inspector: one.cap + more for one in self.people}
        slack = self.terms.staffing.even
        if standing and slack is not None:
            level = standing.level + slack
            self.caps = {name: min(cap, level) for name, cap in self.caps.items()}
        places = ladder.positions(self.terms, sites, self.people, recusals, self.lifted)
        self.ordered = pairing.in_turn(self.seed, places)
        self.turn = {(one.group, one.name): n for n, one in enumerate(self.ordered)}
        self.taken: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
        self.held: dict[str, list[tuple[int, Position]]] = {name: [] for name in self.roster}
        for row in canonical.lines(files["assignment.tsv"]):
            group, name, who, skipped = row.decode().split("\t")
            self.taken[group, name] = who, frozenset(filter(None, skipped.split(",")))
        for n, one in enumerate(self.ordered):
            self.held[self.taken[one.group, one.name][0]].append((n, one))
        self.places = {
            (ladder.group_of(self.task.id, id, place), place.name): (id, place)
            for id in drawn
            for place in self.terms.places
        }
        self.at_site: dict[str, list[Position]] = {}
        for one in self.ordered:
            self.at_site.setdefault(self.places[one.group, one.name][0], []).append(one)

    def filled(self, id: str) -> Iterator[Filled]:
        """List the positions of a site, sorted as in assignment.tsv."""
        for position in sorted(self.at_site[id], key=lambda one: (one.group, one.name)):
            key = position.group, position.name
            holder = self.taken[key][0]
            met = [self.met(position, name, cuts=True) for name in self.roster]
            last = self.ticket(position, holder)
            yield Filled(
                department=self.places[key][1].department,
                position=position.name,
                turn=self.turn[key] + 1,
                inspector=holder,
                asked=sorted((one for one in met if one.ticket <= last), key=_by_ticket),
            )

    def met(self, position: Position, name: str, *, cuts: bool = False) -> Asked:
        """Tell what became of one inspector at one position; `cuts`: and what it would have cut."""
        holder, skipped = self.taken[position.group, position.name]
        ticket = self.ticket(position, name)
        if name == holder:
            return Asked(name, ticket, "seated")
        if not position.eligible >> self.index[name] & 1:
            return Asked(name, ticket, "rule", rules=self.rules(position, name))
        turn = self.turn[position.group, position.name]
        earlier = [one for n, one in self.held[name] if n < turn]
        if any(one.group == position.group for one in earlier):
            return Asked(name, ticket, "here")
        if ticket > self.ticket(position, holder):
            return Asked(name, ticket, "behind")
        if name not in skipped:
            return Asked(name, ticket, "kept")
        if len(earlier) >= self.caps[name]:
            sites = sorted(self.places[one.group, one.name][0] for one in earlier)
            return Asked(name, ticket, "full", sites=sites)
        return Asked(name, ticket, "cut", cut=self.cut(turn, name) if cuts else None)

    def cut(self, turn: int, name: str) -> Cut | None:
        """Find what could not have been staffed if the position of this turn had taken him."""
        fixed: dict[str, int] = {}  # by group: who sits there for good
        caps = dict(self.caps)
        for n, one in enumerate(self.ordered[: turn + 1]):
            who = name if n == turn else self.taken[one.group, one.name][0]
            fixed[one.group] = fixed.get(one.group, 0) | 1 << self.index[who]
            caps[who] -= 1
        left = [
            msgspec.structs.replace(one, eligible=one.eligible & ~fixed.get(one.group, 0))
            for one in self.ordered[turn + 1 :]
        ]
        found = pairing.bottleneck(self.seed, self.roster, caps, left)
        if found is None:
            return None
        return Cut(list(found.positions), list(found.inspectors), found.seats)

    def rules(self, position: Position, name: str) -> list[Rule]:
        """List the rules that keep someone from a position."""
        person: Person = self.people[self.index[name]]
        id, place = self.places[position.group, position.name]
        found = ladder.barriers(person, place, self.terms) | self.recused.get((id, name), set())
        if ladder.is_out_of_bounds(person, self.regions[id], self.terms):
            found |= {"district"}
        return [rule for rule in ladder.RULES if rule in found - self.lifted]

    def beside(self, site: str, name: str) -> list[str]:
        """List who else sits at a site, of any department."""
        sitting = {self.taken[one.group, one.name][0] for one in self.at_site[site]}
        return sorted(sitting - {name})

    def ticket(self, position: Position, name: str) -> str:
        """Compute the ticket of an inspector for a position."""
        return draw.ticket(self.seed, f"pair|{position.group}|{position.name}|{name}")


def _by_ticket(one: Asked) -> str:
    return one.ticket
