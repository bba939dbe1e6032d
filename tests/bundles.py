"""Bundles of every kind of draw, small, made by the pure rules alone: the same bytes every time."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import drawings
import msgspec

from backend.rules import bundle, drand, draw, eligibility, ladder, nist, papers
from backend.rules.beacons import Dice, Drand, Local, Lottery, Pulse, Source
from backend.rules.bundle import Files
from backend.rules.eligibility import Days, Subject
from backend.rules.papers import Extra, Place, RosterLine, TaskPaper
from backend.rules.scheme import Quota, Scope, Traits, Visits, Weighing

KEPT = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "vectors" / "beacons.json").read_text("utf-8")
)
DAYS = Days(year="2026-01-01", window="2026-08-24", superior="2026-08-22")
STRATA = ["risk", "division:9"]
SITES = 40
_HOUR = timedelta(hours=1)


def task(**changes: Any) -> TaskPaper:
    return drawings.task(**{"minimum": 1, "rate": (1, 10), "category": ""} | changes)


def frozen(paper: TaskPaper, sites: int = SITES) -> bundle.Frame:
    """Freeze businesses of four risk classes, two districts, three sizes; some are suspended."""
    write = eligibility.line_writer(paper, DAYS)
    subjects = (
        Subject(
            code=f"91310101{n:010d}" if n % 9 else f"食摊-上海-{n:04d}",
            status="active" if n % 13 else "suspended",
            traits=Traits(
                region="310101001" if n % 2 else "310101002",
                category="cold-store" if n % 5 else "市场/%",
                risk="ABCD"[n % 4],
                credit="serious" if n % 7 == 0 else "",
                size=str(1 + n % 3) if "size" in paper.columns else "",
            ),
            revision="r1",
        )
        for n in range(1, sites + 1)
    )
    return bundle.freeze(sorted(write(one) for one in subjects))


def person(n: int, **changes: Any) -> RosterLine:
    return msgspec.structs.replace(drawings.roster(n)[-1], valid_to="2027-12-31", **changes)


def crew(count: int = 8, **changes: Any) -> list[RosterLine]:
    return [person(n, **changes) for n in range(1, count + 1)]


def committed(
    paper: TaskPaper,
    *,
    people: list[RosterLine] | None = None,
    recusals: list[tuple[str, str, str]] | None = None,
    at: datetime = drawings.COMMITTED,
    not_before: datetime | None = None,
    seq: int = 1,
    prev: str = papers.NO_HASH,
    sites: int = SITES,
    nonces: dict[str, str] = drawings.NONCES,
    secret: str = drawings.SECRET,
) -> Files:
    return bundle.commit(
        paper,
        frozen(paper, sites),
        crew() if people is None else people,
        [("913101010000000001", "沪A0001", "R01")] if recusals is None else recusals,
        draw_id=f"0190d000-0000-7000-8000-{seq:012d}",
        seq=seq,
        prev=prev,
        nonce_commits={who: draw.nonce_commitment(who, nonce) for who, nonce in nonces.items()},
        not_before=not_before or at,
        now=at,
        by="officer-1",
        version="0.1.0",
        secret=secret,
    )


def held(
    files: Files,
    values: dict[str, str] | None = None,
    *,
    proofs: dict[str, dict[str, str]] | None = None,
    at: datetime = drawings.HELD,
    nonces: dict[str, str] = drawings.NONCES,
    secret: str = drawings.SECRET,
) -> Files:
    given = {drawings.DICE: drawings.DIGITS} if values is None else values
    result = bundle.hold(
        files, given, nonces, proofs=proofs or {}, now=at, by="officer-1", secret=secret
    )
    assert isinstance(result, bundle.Held), result
    return result.files


def drawn(paper: TaskPaper, people: list[RosterLine] | None = None, **changes: Any) -> Files:
    return held(committed(paper, people=people, **changes))


# -- sources ---------------------------------------------------------------------------------------


def from_drand(number: int = 0, **more: Any) -> Files:
    one = KEPT["drand"][number]
    source = Drand(chain=one["chain"], round=one["round"])
    at = drand.CHAINS[source.chain].time_of(source.round)
    files = committed(
        task(sources={one["id"]: source}, opens_on="2026-12-01"), at=at - _HOUR, not_before=at,
        **more,
    )  # fmt: skip
    return held(files, {one["id"]: one["value"]}, proofs={one["id"]: one["proof"]}, at=at + _HOUR)


def from_nist() -> Files:
    one = KEPT["nist"]
    source = Pulse(chain=1, at=one["id"].removeprefix("nist:1:"))
    at = datetime.fromisoformat(source.at)
    sources: dict[str, Source] = {one["id"]: source, drawings.DICE: Dice(sides=6, rolls=30)}
    files = committed(task(sources=sources), at=at - _HOUR, not_before=at)
    values = {one["id"]: one["value"], drawings.DICE: "654321" * 5}
    return held(files, values, proofs={one["id"]: nist.flatten(one["pulse"])}, at=at + _HOUR)


def from_lotteries() -> Files:
    sources: dict[str, Source] = {}
    values: dict[str, str] = {}
    for one in KEPT["lotteries"]:
        sources[one["id"]] = Lottery(game=one["game"], issue=one["issue"], on=one["on"])
        values[one["id"]] = one["value"]
    at = max(found for source in sources.values() if (found := source.ready_at()) is not None)
    files = committed(task(sources=sources), at=at - timedelta(days=400), not_before=at)
    return held(files, values, at=at + _HOUR)


def from_the_server() -> Files:
    sources: dict[str, Source] = {"local": Local(reason="no dice in the house")}
    return held(committed(task(sources=sources)), {"local": "5a" * 32})


# -- staffing --------------------------------------------------------------------------------------


def joint() -> Files:
    people = [*crew(6), *(person(n, department="fire", qualifications=()) for n in range(7, 11))]
    places = [
        Place("1主办", "market", ["food"]),
        Place("2协办", "market", []),
        Place("1成员", "fire", []),
        Place("2成员", "fire", []),
    ]
    return drawn(task(positions=places), people)


def relaxed() -> Files:
    """Nobody may go to the own district, and there are too few seats: two steps give way."""
    people = [
        *(person(n, region="310101001", cap=1, qualifications=("food",)) for n in range(1, 5)),
        *(person(n, region="310101002", cap=1) for n in range(5, 8)),
        person(8, status="expert", cap=9),
        person(9, status="leave", cap=9),
    ]
    paper = task(
        staffing=ladder.Staffing(districts="other", even=0, last_visit=True),
        relaxations=["last-visit", "any-district", "cap+1"],
    )
    codes = [row.split(b"\t")[0].decode() for row in bundle.frame_rows(frozen(paper).packed)]
    recusals = [(code, f"沪A{n:04d}", "R02") for n, code in enumerate(codes, 1) if n <= 4]
    return drawn(paper, people, recusals=recusals)


def tight() -> Files:
    """Every seat is needed, so that some are skipped, and some have none left."""
    people = [person(n, cap=2, qualifications=("food",) if n < 5 else ()) for n in range(1, 9)]
    return drawn(task(rate=(1, 5)), people)


def infeasible() -> Files:
    """Nobody has the qualification that is asked for, so the draw can only be voided."""
    files = committed(task(), people=crew(4, qualifications=()))
    done = bundle.hold(
        files, {drawings.DICE: drawings.DIGITS}, drawings.NONCES, now=drawings.HELD,
        by="officer-1", secret=drawings.SECRET,
    )  # fmt: skip
    assert isinstance(done, ladder.Unstaffed)
    return voided(files)


def voided(files: Files) -> Files:
    return bundle.void(
        files, reason="the pairing is impossible", now=drawings.HELD + _HOUR, by="officer-2",
        secret=drawings.SECRET,
    )  # fmt: skip


# -- all of them -----------------------------------------------------------------------------------

_NOBODY = Scope(categories=["kiln"])
_SEALED = {"mode": "sealed", "sealed_until": "2027-01-31T00:00:00+08:00"}
_WEIGHTS = [Weighing(by="credit", values=["serious"], weight=9)]
_QUOTAS = [
    Quota(where={"risk": ["D"]}, rate=(1, 2)),
    Quota(where={"risk": ["C"], "division:9": ["310101001"]}, count=2),
    Quota(where={"risk": ["B"]}, visits=Visits(per_year=(1, 2), batches=4, batch=3)),
]
_BOUNDED = [Quota(where={"risk": ["D"]}, rate=(1, 2), at_most=(2, 3))]

KINDS: dict[str, Callable[[], Files]] = {
    "single": lambda: drawn(task()),
    "strata, ceil": lambda: drawn(task(strata=STRATA), crew(12)),
    "strata, floor": lambda: drawn(task(strata=["category"], rounding="floor")),
    "strata, hamilton": lambda: drawn(task(strata=STRATA, rounding="hamilton", total=9), crew(12)),
    "strata, systematic": lambda: drawn(task(strata=STRATA, rounding="systematic"), crew(12)),
    "a total, systematic": lambda: drawn(
        task(strata=STRATA, rounding="systematic", total=10, quotas=_QUOTAS), crew(12)
    ),
    "quotas": lambda: drawn(
        task(strata=STRATA, quotas=_QUOTAS, campaign="c", columns=["evidence"]), crew(16)
    ),
    "upper rates": lambda: drawn(
        task(strata=STRATA[:1], rounding="ceil", at_most=(1, 5), quotas=_BOUNDED), crew(16)
    ),
    "weights": lambda: drawn(
        task(strata=["division:9"], weights=_WEIGHTS, columns=["credit", "size", "evidence"])
    ),
    "weights, some certain": lambda: drawn(
        task(weights=_WEIGHTS, columns=["credit", "evidence"], rate=(3, 10)), crew(12)
    ),
    "full coverage": lambda: drawn(
        task(rate=(1, 1), reserves=Extra(rate=(0, 1), minimum=0)), crew(12), sites=16
    ),
    "nobody eligible": lambda: drawn(task(scope=_NOBODY, columns=["evidence"])),
    "joint departments": joint,
    "a ladder taken": relaxed,
    "a ladder not needed": lambda: drawn(task(relaxations=["cap+1"]), crew(12)),
    "every seat needed": tight,
    "sealed and opened": lambda: drawn(task(**_SEALED)),
    "drand": from_drand,
    "drand, chained": lambda: from_drand(1),
    "nist and dice": from_nist,
    "lotteries": from_lotteries,
    "local": from_the_server,
    "committed": lambda: committed(task()),
    "infeasible": infeasible,
    "void": lambda: voided(drawn(task())),
}


@lru_cache(None)
def _made(kind: str) -> Files:
    return KINDS[kind]()


def make(kind: str) -> Files:
    """Give a bundle of a kind; it is made once."""
    return dict(_made(kind))
