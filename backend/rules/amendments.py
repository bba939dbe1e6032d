"""变更: what may follow a draw that was held: substitution 替补, replacement 换人, extension 增抽.

Nothing here is chosen. A site gives way only for what was true before the draw, and to the next
reserve; a seat goes to whom the same draw of inspectors gives it, with all others where they are.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from backend.rules import ladder
from backend.rules.draw import Lot, Share
from backend.rules.ladder import Person, Site, Terms
from backend.rules.pairing import Position, Seat, bottleneck, pair
from sync.refusals import Reason, Refused

Kind: TypeAlias = Literal["substitute", "replace", "extend"]
Words: TypeAlias = tuple[str, str]

FORCE_MAJEURE = "F01-force-majeure"
OVERLAPS: dict[str, Words] = {  # of a draw held between this one's commitment and its own holding
    "X02-annual-cap": (
        "a draw held in between has used up its inspections of this year",
        "期间举行的其他抽取已用尽其年度频次",
    ),
    "X08-drawn": ("a draw held in between has drawn it", "期间举行的其他抽取已抽中该对象"),
    "X08-campaign": (
        "another draw of this campaign has drawn it",
        "本专项行动的其他抽取已抽中该对象",
    ),
    "X08-cycle": (
        "another batch of this cycle has drawn it",
        "本周期的其他批次已抽中该对象",
    ),
}
SUBSTITUTIONS: dict[str, Words] = {
    **OVERLAPS,
    "X01-cancelled": ("its registration was cancelled before the frame", "名录冻结前已注销"),
    "X01-revoked": ("its licence was revoked before the frame", "名录冻结前已吊销"),
    "X01-moved": ("it had left the division before the frame", "名录冻结前已迁出辖区"),
    "X01-closed": ("it had closed for good before the frame", "名录冻结前已终止经营"),
    "X06-not-object": ("it was no object of this plan", "名录冻结时即非本计划对象"),
    "X09-wrong": ("the register was wrong about it", "名录冻结时登记信息有误"),
    FORCE_MAJEURE: ("force majeure keeps everybody away", "因不可抗力无法检查"),
}
RESULTS: dict[str, Words] = {  # what is found on site, national result list
    "not-found": ("not found at its address", "通过登记的住所（经营场所）无法联系"),
    "refused": ("does not cooperate", "不配合检查"),
    "closed-now": ("closed when the inspectors came", "检查时已停业"),
    "no-activity": ("does not do what was to be checked", "未发现开展本次抽查涉及的经营活动"),
}
REPLACEMENTS: dict[str, Words] = {
    "I01-leave": ("on leave", "请假"),
    "I02-illness": ("ill", "患病"),
    "I03-recusal": ("recusal upheld after the draw", "抽取后决定回避"),
    "I04-certificate": ("the certificate does not cover the visits", "执法证件有效期不足"),
    "I05-left": ("no longer an inspector here", "已离岗或调离"),
}
EXTENSIONS: dict[str, Words] = {
    "E01-shortfall": ("for sites that no reserve could take the place of", "弥补候补不足"),
    "E02-findings": ("what was found asks for more", "检查发现普遍问题，扩大抽查"),
    "E03-superior": ("ordered by a superior", "上级要求"),
}
REASONS: dict[Kind, dict[str, Words]] = {
    "substitute": SUBSTITUTIONS,
    "replace": REPLACEMENTS,
    "extend": EXTENSIONS,
}
_DRAWS = re.compile(r"[^#,]+#[1-9]\d*(,[^#,]+#[1-9]\d*)*")  # agency#seq of each
OF_ONE_SITE = "I03-recusal"  # keeps somebody from this site; every other reason from all of them


class Wanted(Struct, frozen=True, omit_defaults=True):
    """What an officer asks for. `since`: from when a reason to substitute has been true."""

    kind: Kind
    reason: str
    evidence: str  # what document shows it
    evidence_sha256: str = ""
    site: str = ""
    since: str = ""
    inspector: str = ""
    sites: list[str] = []
    stratum: str = ""
    count: int = 0


class Away(Struct, frozen=True, omit_defaults=True):
    """Somebody who cannot be asked now, at one site or (empty) at any, and what shows it."""

    inspector: str
    reason: str
    evidence: str
    site: str = ""


class Book(Struct, frozen=True):
    """What was committed to and drawn, as far as changes ask."""

    terms: Terms
    people: list[Person]
    recusals: frozenset[tuple[str, str, str]]
    lots: dict[tuple[str, int], Lot]  # by stratum and rank
    shares: dict[str, Share]
    regions: dict[str, str]
    seed: str  # of the inspectors
    top: int | None = None  # what the draw cut every cap to, for even loads
    snapshot: str = ""


class State(Struct, frozen=True):
    """Who is drawn and who sits where, after so many changes."""

    drawn: dict[str, Lot]
    used: dict[str, int]  # by stratum, the last rank that was called
    seats: dict[tuple[str, str], str]  # by group and position
    relieved: frozenset[tuple[str, str]]  # (inspector, site); no site: from all of them
    relaxed: list[str]


class Outcome(Struct, frozen=True):
    """What a change comes to: lots called, seats filled, and on which rung of the ladder."""

    lots: list[Lot]
    seats: list[Seat]
    relaxed: list[str]


def start(book: Book, seats: Iterable[tuple[str, str, str]], relaxed: list[str]) -> State:
    """Begin with what the draw gave: (group, position, inspector) of every seat."""
    return State(
        drawn={
            lot.id: lot
            for lot in book.lots.values()
            if lot.rank <= book.shares[lot.stratum].primary
        },
        used={name: share.primary for name, share in book.shares.items()},
        seats={(group, position): who for group, position, who in seats},
        relieved=frozenset(),
        relaxed=relaxed,
    )


def decide(book: Book, state: State, wanted: Wanted, away: Sequence[Away]) -> Outcome:
    """Work out the one thing that a change can come to, or refuse it."""
    require_reason(wanted, book.snapshot)
    left = relieve(book, state, wanted)
    lots = next_lots(book, left, wanted, state)
    seats, relaxed = fill(book, left, open_seats(book, state, wanted, lots), away)
    return Outcome(lots=lots, seats=seats, relaxed=relaxed)


def follow(book: Book, state: State, wanted: Wanted, outcome: Outcome) -> State:
    """Give the state after a change."""
    left = relieve(book, state, wanted)
    seats = {(seat.group, seat.position): seat.inspector for seat in outcome.seats}
    return msgspec.structs.replace(
        left,
        drawn=left.drawn | {lot.id: lot for lot in outcome.lots},
        used=left.used | {lot.stratum: lot.rank for lot in outcome.lots},
        seats=left.seats | seats,
        relaxed=outcome.relaxed,
    )


# -- what is refused -------------------------------------------------------------------------------


def require_reason(wanted: Wanted, snapshot: str) -> None:
    """Refuse a reason that is not on the closed list, or was not true when the frame was frozen."""
    if wanted.kind == "substitute" and wanted.reason in RESULTS:
        en, zh = RESULTS[wanted.reason]
        raise Refused(Reason.SUBSTITUTION_IS_RESULT, reason=wanted.reason, en=en, zh=zh)
    if wanted.reason not in REASONS[wanted.kind]:
        allowed = ", ".join(REASONS[wanted.kind])
        raise Refused(Reason.AMENDMENT_REASON_UNKNOWN, reason=wanted.reason, allowed=allowed)
    if wanted.kind != "substitute" or wanted.reason == FORCE_MAJEURE:
        return
    if wanted.reason in OVERLAPS:
        if not _DRAWS.fullmatch(wanted.evidence):
            raise Refused(Reason.SUBSTITUTION_NOT_OVER, site=wanted.site)
        return
    if not wanted.since or wanted.since > snapshot:
        raise Refused(Reason.SUBSTITUTION_LATER, since=wanted.since, snapshot=snapshot)


# -- the steps -------------------------------------------------------------------------------------


def relieve(book: Book, state: State, wanted: Wanted) -> State:
    """Take out the site that gives way, or the inspector who leaves his seats."""
    match wanted.kind:
        case "substitute":
            if wanted.site not in state.drawn:
                raise Refused(Reason.AMENDMENT_SITE_UNKNOWN, site=wanted.site)
            gone = {(group, place) for group, place in _seats_at(book, [wanted.site])}
            return msgspec.structs.replace(
                state,
                drawn={id: lot for id, lot in state.drawn.items() if id != wanted.site},
                seats={key: who for key, who in state.seats.items() if key not in gone},
            )
        case "replace":
            given_up = _held(book, state, wanted)
            where = wanted.sites if wanted.reason == OF_ONE_SITE else [""]
            return msgspec.structs.replace(
                state,
                seats={key: who for key, who in state.seats.items() if key not in given_up},
                relieved=state.relieved | {(wanted.inspector, site) for site in where},
            )
        case "extend":
            return state


def next_lots(book: Book, left: State, wanted: Wanted, before: State) -> list[Lot]:
    """Call the next lots of the stratum, in order; none for a substitution without a reserve."""
    match wanted.kind:
        case "substitute":
            stratum = before.drawn[wanted.site].stratum
            share, rank = book.shares[stratum], left.used[stratum] + 1
            reserve = rank <= share.primary + share.reserves
            return [book.lots[stratum, rank]] if reserve else []
        case "replace":
            return []
        case "extend":
            if wanted.stratum not in book.shares:
                known = ", ".join(sorted(book.shares))
                raise Refused(Reason.AMENDMENT_STRATUM_UNKNOWN, stratum=wanted.stratum, known=known)
            used = left.used[wanted.stratum]
            rest = book.shares[wanted.stratum].eligible - used
            if not 1 <= wanted.count <= rest:
                raise Refused(Reason.EXTENSION_TOO_MANY, asked=wanted.count, left=rest)
            return [book.lots[wanted.stratum, used + n] for n in range(1, wanted.count + 1)]


def open_seats(
    book: Book, before: State, wanted: Wanted, lots: Sequence[Lot]
) -> dict[str, list[tuple[str, str]]]:
    """List the seats to be filled, by site, as (group, position)."""
    if wanted.kind == "replace":
        held = _held(book, before, wanted)
        return {
            site: [key for key in _seats_at(book, [site]) if key in held] for site in wanted.sites
        }
    return {lot.id: _seats_at(book, [lot.id]) for lot in lots}


def fill(
    book: Book,
    left: State,
    seats: Mapping[str, Sequence[tuple[str, str]]],
    away: Iterable[Away],
) -> tuple[list[Seat], list[str]]:
    """Draw inspectors for these seats alone, everybody else staying where they are.

    It begins on the rung where the draw, or the last change, stands. An even load is kept as long
    as it can be: what caps were cut to grows by one seat at a time.
    """
    barred = left.relieved | {(one.inspector, one.site) for one in away}
    gone = {who for who, site in barred if not site}
    people = [one for one in book.people if one.inspector not in gone]
    late = {(site, who, "R01") for who, site in barred if site}
    roster = [one.inspector for one in people]
    held = Counter(left.seats.values())
    beside = _beside(left, roster)
    wanted = {key for keys in seats.values() for key in keys}
    sites = [Site(id, book.regions.get(id, "")) for id in seats]
    short: list[tuple[str, str]] = []
    for step in range(len(left.relaxed), len(book.terms.relaxations) + 1):
        relaxed = book.terms.relaxations[:step]
        given, more = ladder.given_by(relaxed)
        to_fill = [
            Position(one.group, one.name, one.eligible & ~beside.get(one.group, 0))
            for one in ladder.positions(book.terms, sites, people, book.recusals | late, given)
            if (one.group, one.name) in wanted
        ]
        for top in _tops(book, more):
            caps = {
                one.inspector: max(0, min(one.cap + more, top) - held[one.inspector])
                for one in people
            }
            cut = bottleneck(book.seed, roster, caps, to_fill)
            if cut is None:
                drawn = pair(book.seed, roster, caps, to_fill)
                assert isinstance(drawn, list), "there was a pairing within these caps"
                return drawn, relaxed
            short = list(cut.positions)
    positions = ", ".join(f"{group} {name}" for group, name in short[:20])
    raise Refused(Reason.AMENDMENT_UNSTAFFED, positions=positions, wanted=len(short))


def _seats_at(book: Book, sites: Iterable[str]) -> list[tuple[str, str]]:
    return [
        (ladder.group_of(book.terms.id, site, place), place.name)
        for site in sites
        for place in book.terms.places
    ]


def _held(book: Book, state: State, wanted: Wanted) -> set[tuple[str, str]]:
    """List the seats that an inspector holds at these sites; refuse a site without any."""
    held: set[tuple[str, str]] = set()
    for site in wanted.sites:
        here = {key for key in _seats_at(book, [site]) if state.seats.get(key) == wanted.inspector}
        if not here:
            raise Refused(Reason.AMENDMENT_SEAT_UNKNOWN, inspector=wanted.inspector, site=site)
        held |= here
    if not held:
        raise Refused(Reason.AMENDMENT_SEAT_UNKNOWN, inspector=wanted.inspector, site="")
    return held


def _beside(left: State, roster: Sequence[str]) -> dict[str, int]:
    """Tell by group who sits there already, as a bitset."""
    bit = {who: n for n, who in enumerate(roster)}
    beside: dict[str, int] = {}
    for (group, _), who in left.seats.items():
        if who in bit:
            beside[group] = beside.get(group, 0) | 1 << bit[who]
    return beside


def _tops(book: Book, more: int) -> Iterable[int]:
    highest = max((one.cap for one in book.people), default=0) + more
    return [highest] if book.top is None else range(book.top, max(book.top, highest) + 1)
