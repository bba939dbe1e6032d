"""A bundle with strata, quotas, weights and every reason proves itself, and no line can lie."""

import gzip
import json
from collections.abc import Callable

import drawings
import msgspec
import pytest

from backend.rules import bundle, canonical, eligibility, papers
from backend.rules.bundle import Files
from backend.rules.canonical import NotCanonical
from backend.rules.eligibility import Days, Exemption, Past, Subject, Visit
from backend.rules.papers import TaskPaper
from backend.rules.scheme import Exclusion, Quota, Scope, Traits, Visits, Weighing
from backend.rules.verification import explain, verify

DAYS = Days(year="2026-01-01", window="2026-08-24", superior="2026-08-22")
COLUMNS = ["credit", "key", "department", "product", "size", "evidence"]


def rich(**changes: object) -> TaskPaper:
    plain = drawings.task(
        category="",
        strata=["risk", "division:9"],
        rounding="hamilton",
        total=12,
        minimum=1,
        quotas=[Quota(where={"risk": ["D"]}, rate=(1, 2))],
        weights=[Weighing(by="credit", values=["serious"], weight=5)],
        scope=Scope(categories=["cold-store"], key="elsewhere"),
        exclusion=Exclusion(window_days=90, annual_cap=2, superior_months=3),
        columns=COLUMNS,
        snapshot="2026-11-22",
    )
    return msgspec.structs.replace(plain, **changes)


def subject(n: int = 1, **changes: object) -> Subject:
    traits = Traits(
        region="310101001" if n % 2 else "310101002",
        category="cold-store" if n % 10 else "market",
        risk="ABCD"[n % 4],
        credit="serious" if n % 7 == 0 else "",
        key="yes" if n % 11 == 0 else "",
        size=str(1 + n % 3),
    )
    plain = Subject(
        code=f"91310101{n:010d}", status="active" if n % 17 else "revoked", traits=traits,
        revision="r1",
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def visit(**changes: object) -> Visit:
    plain = Visit(
        draw="310101#3", agency="310101", plan="P3", campaign="", batch=0, day="2026-09-01",
        inspected="", same_item=False,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def frozen(task: TaskPaper) -> bundle.Frame:
    write = eligibility.line_writer(task, DAYS)
    rows = [write(subject(n)) for n in range(1, 81)]
    return bundle.freeze(sorted(rows))


@pytest.fixture(scope="module")
def whole() -> Files:
    return drawings.held(
        drawings.committed(rich(), inspectors=drawings.roster(20), frozen=frozen(rich()))
    ).files


def test_a_rich_bundle_proves_itself_and_its_quotas_are_exact(whole: Files) -> None:
    steps = verify(whole)

    assert [step.name for step in steps if not step.ok] == []
    lots = [row.decode().split("\t") for row in canonical.lines(whole["selection.tsv"])]
    assert sum(lot[4] == "P" for lot in lots) == 12
    assert {lot[0] for lot in lots} == {
        f"{risk}/{place}"
        for risk, place in [("A", "310101002"), ("B", "310101001"), ("C", "310101002"),
                            ("D", "310101001")]
    }  # fmt: skip


def test_every_object_of_a_weighted_draw_learns_its_rank(whole: Files) -> None:
    lots = [row.decode().split("\t") for row in canonical.lines(whole["selection.tsv"])]

    places = [explain(whole, lot[2]) for lot in lots]

    assert [(one.rank, one.lot, one.stratum) for one in places if one] == [
        (int(lot[1]), lot[4], lot[0]) for lot in lots
    ]


def quota_raised(files: Files) -> Files:
    shares = json.loads(files["allocation.json"])
    first, last = sorted(shares)[0], sorted(shares)[-1]
    shares[first]["primary"] += 1
    shares[last]["primary"] -= 1
    return files | {"allocation.json": canonical.encode(shares)}


def lots_by_ticket(files: Files) -> Files:
    """The weights are left out of the order."""
    rows = [row.split(b"\t") for row in canonical.lines(files["selection.tsv"])]
    rows.sort(key=lambda row: (row[0], row[3]))
    selection = canonical.table(map(b"\t".join, rows))
    events = papers.read_log(files["log.ndjson"])
    changed = msgspec.structs.replace(events[1], selection=canonical.digest(selection))
    log = papers.append_log(papers.append_log(b"", events[0]), changed)
    return files | {"selection.tsv": selection, "log.ndjson": log}


@pytest.mark.parametrize(
    ("cheat", "step"), [(quota_raised, "allocation"), (lots_by_ticket, "selection")]
)
def test_a_cheat_with_quotas_or_weights_is_found(
    whole: Files, cheat: Callable[[Files], Files], step: str
) -> None:
    changed = {name: body for name, body in cheat(whole).items() if name not in papers.SEALS}

    steps = verify(bundle.seal(changed, drawings.SECRET))

    assert next(one.name for one in steps if one.ok is False) == step


# -- why somebody cannot be drawn ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "past", "reason", "evidence"),
    [
        ({}, None, "", ""),
        ({"status": "revoked"}, None, "X01-revoked", "revision:r1"),
        ({"status": "gone"}, None, "X01-not-active", "revision:r1"),
        ({"successor": "B"}, None, "X01-merged", "successor:B"),
        ({}, Past(exemption=Exemption("X07", "文1号")), "X07-named", "文1号"),
        ({}, Past([visit()]), "X08-drawn", "310101#3"),
        ({}, Past([visit(day="2026-08-23")]), "", ""),
        ({}, Past([visit(day="2026-08-24")]), "X08-drawn", "310101#3"),
        ({}, Past([visit(day="2026-01-01"), visit(draw="CN#1", day="2026-02-01")]),
         "X02-annual-cap", "310101#3,CN#1"),
        ({}, Past([visit(day="2025-12-31"), visit(day="2026-02-01")]), "", ""),
        ({}, Past([visit(day="2026-02-01", agency="31", same_item=True, inspected="2026-08-22")]),
         "X03-superior", "310101#3"),
        ({}, Past([visit(day="2026-02-01", agency="CN", same_item=True, inspected="2026-09-22")]),
         "X03-superior", "310101#3"),
        ({}, Past([visit(day="2026-02-01", agency="31", same_item=True, inspected="2026-08-21")]),
         "", ""),
        ({}, Past([visit(day="2026-02-01", agency="31", inspected="2026-09-22")]), "", ""),
        ({}, Past([visit(day="2026-02-01", same_item=True, inspected="2026-09-22")]), "", ""),
        ({}, Past([visit(day="2026-02-01", agency="310104", same_item=True,
                         inspected="2026-09-22")]), "", ""),
    ],
)  # fmt: skip
def test_the_first_reason_that_holds_is_given_with_its_evidence(
    changes: dict[str, object], past: Past | None, reason: str, evidence: str
) -> None:
    task = rich()

    row = eligibility.line_writer(task, DAYS)(subject(1, **changes), past)

    line = eligibility.line_reader(task)(row)
    assert (line.reason, line.evidence) == (reason, evidence)
    assert line.status == ("X" if reason else "E")


@pytest.mark.parametrize(
    ("batch", "campaign", "reason"),
    [
        (1, "C", "X08-cycle"),
        (2, "C", "X08-cycle"),
        (0, "C", ""),
        (3, "C", ""),
        (1, "D", ""),
    ],
)
def test_a_turn_counts_within_its_cycle_and_campaign(
    batch: int, campaign: str, reason: str
) -> None:
    turns = Visits(per_year=(1, 1), batches=3, batch=3)
    task = rich(
        campaign="C", exclusion=None, total=0, rounding="ceil",
        quotas=[Quota(where={}, visits=turns)],
    )  # fmt: skip

    before = Past([visit(campaign=campaign, batch=batch)])
    row = eligibility.line_writer(task, DAYS)(subject(), before)

    assert eligibility.line_reader(task)(row).reason == reason


LIES = [
    ("1", {"status": "X", "reason": "X06-not-of-category", "evidence": "revision:r1"}),
    ("10", {"status": "E", "reason": "", "evidence": ""}),
    ("11", {"status": "E", "reason": "", "evidence": ""}),
    ("1", {"status": "X", "reason": "X05-key-object", "evidence": "revision:r1"}),
    ("10", {"reason": "X06-not-of-risk"}),
    ("10", {"reason": "X08-drawn", "evidence": "310101#3"}),
    ("10", {"evidence": ""}),
    ("1", {"evidence": "revision:r1"}),
    ("1", {"reason": "X07-named"}),
    ("17", {"reason": "X01-bribed"}),
    ("1", {"status": "X", "reason": "X08-campaign", "evidence": "310101#3"}),
    ("1", {"status": "X", "reason": "X08-cycle", "evidence": "310101#3"}),
    ("1", {"stratum": "A/310101001"}),
    ("1", {"weight": "7"}),
    ("1", {"size": "0"}),
    ("1", {"size": "02"}),
    ("1", {"region": "310104001", "stratum": "B/310104001"}),
    ("1", {"id": ""}),
]
NAMES = ["id", "stratum", "weight", "status", "reason", "region", "category", "risk", *COLUMNS]


@pytest.mark.parametrize(("number", "lie"), LIES)
def test_no_line_says_what_its_own_columns_or_the_task_refute(
    number: str, lie: dict[str, str]
) -> None:
    task = rich()
    row = eligibility.line_writer(task, DAYS)(subject(int(number)))
    fields = dict(zip(NAMES, row.decode().split("\t"), strict=True))
    eligibility.line_reader(task)(row)

    with pytest.raises(NotCanonical):
        eligibility.line_reader(task)("\t".join((fields | lie).values()).encode())


def test_fields_that_a_task_does_not_use_are_not_in_it() -> None:
    old, new = papers.write(drawings.task()), papers.write(rich())

    assert set(json.loads(new)) - set(json.loads(old)) == {
        "scope", "total", "quotas", "weights", "exclusion", "columns", "snapshot",
    }  # fmt: skip
    assert papers.read(new, TaskPaper) == rich()


@pytest.mark.parametrize("place", [3, 1023])
def test_a_line_out_of_order_is_found_within_and_between_blocks(place: int) -> None:
    files = drawings.committed()
    paper = papers.read(files["task.json"], TaskPaper)
    rows = list(bundle.frame_rows(drawings.frame(paper, sites=1100).packed))
    rows[place], rows[place + 1] = rows[place + 1], rows[place]
    moved = files | {"frame.tsv.gz": gzip.compress(b"\n".join((*rows, b"")), mtime=0)}

    steps = {step.name: step for step in verify(bundle.seal(moved, drawings.SECRET))}

    assert steps["frame"].ok is False
    assert steps["frame"].en == f"Line {place + 2} is out of order."
