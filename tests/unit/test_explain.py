"""释明: what is told of a draw is what the rules did, seat by seat."""

from collections import Counter
from hashlib import sha256
from typing import Any

import drawings
import pytest

from backend.rules import bundle, draw, explain, papers
from backend.rules.explain import Asked, Cut
from backend.rules.ladder import Person, Staffing
from backend.rules.pairing import Bottleneck, Position, pair
from backend.rules.papers import Place
from backend.rules.scheme import Weighing


def person(name: str, cap: int, *, food: bool = True, **changes: Any) -> Person:
    return Person(
        inspector=name,
        department=changes.get("department", "market"),
        region=changes.get("region", "310101"),
        qualifications=("food",) if food else (),
        cap=cap,
        valid_from="2024-01-01",
        valid_to=changes.get("valid_to", "2027-12-31"),
        status=changes.get("status", "active"),
        districts=changes.get("districts", ()),
    )


def tight(digits: str = drawings.DIGITS, **changes: Any) -> bundle.Held:
    """Hold a draw whose inspectors have hardly more seats than it has positions."""
    people = [person(f"I{n:02}", 3, food=n < 6) for n in range(9)]
    people += [
        person("L1", 9, status="leave"),
        person("C1", 9, valid_to="2026-12-15"),
        person("D1", 9, region="440305"),
    ]
    paper = drawings.task(minimum=12, **changes)
    return drawings.held(drawings.committed(paper, inspectors=people), digits)


def sites_of(held: bundle.Held) -> list[str]:
    return [lot.id for lot in held.lots if lot.status == "P"]


def asked(held: bundle.Held) -> list[tuple[str, str, Asked]]:
    """List everybody who was asked: of which site, for which position, and why."""
    found: list[tuple[str, str, Asked]] = []
    for id in sites_of(held):
        site = explain.site(held.files, id)
        assert site is not None
        found += [(id, one.position, met) for one in site.positions for met in one.asked]
    return found


def test_a_drawn_business_learns_its_ticket_its_rank_and_the_last_that_was_drawn() -> None:
    held = drawings.held(drawings.committed())
    first, last = held.lots[0], held.lots[3]

    site = explain.site(held.files, first.id)

    assert site is not None
    assert (site.place.lot, site.place.rank, site.place.ticket) == ("P", 1, first.ticket)
    assert (site.last_ticket, site.reserves, site.weighed) == (last.ticket, 3, None)
    assert [one.inspector for one in site.positions] == ["沪A0003", "沪A0008"]


def test_who_was_not_drawn_has_a_larger_ticket_than_the_last_that_was() -> None:
    held = drawings.held(drawings.committed())
    drawn = {lot.id for lot in held.lots}
    others = [id.decode() for id, _ in bundle.eligible(held.files["frame.tsv.gz"])]

    told = [explain.site(held.files, id) for id in others if id not in drawn]

    assert len(told) == 51 - 7
    for site in told:
        assert site is not None
        assert site.place.ticket > site.last_ticket == held.lots[3].ticket
        assert (site.place.lot, site.positions) == ("", [])


def test_who_was_excluded_learns_the_reason_and_no_ticket() -> None:
    held = drawings.held(drawings.committed())
    rows = [row.split(b"\t") for row in bundle.frame_rows(held.files["frame.tsv.gz"])]
    excluded = next(row[0].decode() for row in rows if row[3] == b"X")

    site = explain.site(held.files, excluded)

    assert site is not None
    assert site.place.reason.startswith("X0")
    assert (site.place.ticket, site.last_ticket) == ("", "")


def test_before_the_draw_nothing_is_told_but_whether_one_can_be_drawn() -> None:
    files = drawings.committed()

    site = explain.site(files, "913101010000000014")

    assert site is not None
    assert (site.place.status, site.place.ticket, site.positions) == ("E", "", [])
    assert explain.site(files, "nobody") is None


def test_everybody_up_to_the_holder_is_listed_in_the_order_of_their_tickets() -> None:
    held = tight()
    seed = papers.read(held.files["seed.json"], papers.SeedPaper).inspectors
    id = sites_of(held)[0]

    site = explain.site(held.files, id)

    assert site is not None
    for one in site.positions:
        tickets = {
            name: sha256(f"{seed}|pair|T2026-001/{id}/*|{one.position}|{name}".encode()).hexdigest()
            for name in [f"I{n:02}" for n in range(9)] + ["L1", "C1", "D1"]
        }
        before = sorted(name for name, t in tickets.items() if t <= tickets[one.inspector])
        assert sorted(met.inspector for met in one.asked) == before
        assert [met.ticket for met in one.asked] == sorted(met.ticket for met in one.asked)
        assert [met.inspector for met in one.asked][-1] == one.inspector


def test_every_one_of_those_skipped_has_a_reason_and_nobody_else_is_said_to_be_skipped() -> None:
    held = tight()
    skipped = {
        (seat.group.split("/")[1], seat.position, name)
        for seat in held.seats
        for name in seat.skipped
    }

    told = asked(held)

    because = {(id, name, met.inspector) for id, name, met in told if met.why in ("full", "cut")}
    assert because == skipped
    assert {met.why for _, _, met in told} == {"seated", "here", "rule", "full", "cut"}


def test_rules_are_named_as_they_are() -> None:
    told = asked(tight())

    by_name = {
        name: {rule for _, _, met in told if met.inspector == name for rule in met.rules}
        for name in ("L1", "C1", "D1", "I08")
    }

    assert by_name["L1"] == {"leave"}
    assert by_name["C1"] == {"certificate"}
    assert by_name["D1"] == {"division"}
    assert by_name["I08"] == {"qualification"}


def test_recusal_last_visit_and_district_are_told_from_each_other() -> None:
    staffing = Staffing(districts="other", last_visit=True)
    people = [
        person("I01", 9), person("I02", 9), person("I03", 9),
        person("R1", 9), person("R2", 9), person("D1", 9, districts=("310101001", "310101002")),
    ]  # fmt: skip
    paper = drawings.task(staffing=staffing, minimum=12)
    frame = drawings.frame(paper)
    codes = [row.split(b"\t")[0].decode() for row in bundle.frame_rows(frame.packed)]
    recusals = [(code, "R1", "R01") for code in codes] + [(code, "R2", "R02") for code in codes]
    files = bundle.commit(
        paper, frame, people, recusals, draw_id="0190d000-0000-7000-8000-000000000001", seq=1,
        prev="0" * 64,
        nonce_commits={who: draw.nonce_commitment(who, n) for who, n in drawings.NONCES.items()},
        not_before=drawings.COMMITTED,
        now=drawings.COMMITTED, by="officer-1", version="0.1.0", secret=drawings.SECRET,
    )  # fmt: skip
    held = drawings.held(files)

    told = asked(held)

    for name, rules in {"R1": ["recusal"], "R2": ["last-visit"], "D1": ["district"]}.items():
        found = [met.rules for _, _, met in told if met.inspector == name]
        assert found
        assert all(one == rules for one in found)
    public = {name: body for name, body in held.files.items() if name != "recusal.tsv"}
    hidden = explain.site(public, sites_of(held)[0])
    assert hidden is not None
    assert not hidden.recusals_known
    assert "kept" in {met.why for one in hidden.positions for met in one.asked}


def test_a_cut_is_a_true_one_and_a_full_inspector_holds_all_his_seats_before() -> None:
    held = tight()
    loads = Counter(seat.inspector for seat in held.seats)

    told = asked(held)

    cuts = [(met.inspector, met.cut) for _, _, met in told if met.why == "cut"]
    assert cuts
    for _, cut in cuts:
        assert isinstance(cut, Cut)
        assert cut.seats < len(cut.positions)
    for met in (met for _, _, met in told if met.why == "full"):
        assert len(met.sites) == loads[met.inspector] == 3


def test_taking_who_was_skipped_leaves_no_complete_pairing() -> None:
    """What the explanation claims, tried out: seat him there, and there is a bottleneck."""
    held = tight()
    id, position, met = next(one for one in asked(held) if one[2].why == "cut")
    walk = explain._Walk(held.files)
    turn = walk.turn[f"T2026-001/{id}/*", position]
    forced: list[Position] = []
    for n, one in enumerate(walk.ordered):
        who = met.inspector if n == turn else walk.taken[one.group, one.name][0]
        eligible = 1 << walk.index[who] if n <= turn else one.eligible
        forced.append(Position(one.group, one.name, eligible))

    found = pair(walk.seed, walk.roster, walk.caps, forced)

    assert isinstance(found, Bottleneck)


def test_the_cap_of_an_even_pairing_is_the_level_and_the_slack() -> None:
    people = [person(f"I{n:02}", 9) for n in range(6)]
    paper = drawings.task(minimum=12, staffing=Staffing(even=0))
    held = drawings.held(drawings.committed(paper, inspectors=people))

    one = explain.inspector(held.files, "I00")

    assert one is not None
    assert (one.cap, len(one.seats)) == (4, 4)
    assert {met.why for _, _, met in asked(held)} >= {"full", "seated"}


def test_what_gave_way_keeps_nobody_away_and_seats_that_were_added_count() -> None:
    people = [person(f"I{n:02}", 3, districts=("440305",)) for n in range(6)]
    paper = drawings.task(
        minimum=12, staffing=Staffing(districts="own"), relaxations=["any-district", "cap+1"]
    )
    held = drawings.held(
        drawings.committed(
            paper, inspectors=[*people, person("L1", 3, status="leave", districts=("440305",))]
        )
    )

    one = explain.inspector(held.files, "I00")

    assert one is not None
    assert (one.cap, len(one.seats)) == (4, 4)
    rules = {rule for _, _, met in asked(held) for rule in met.rules}
    assert rules == {"leave"}


def test_an_inspector_learns_the_sites_the_partners_and_why_not_the_other_positions() -> None:
    held = tight()
    whole = len(held.seats)

    told = {f"I{n:02}": explain.inspector(held.files, f"I{n:02}") for n in range(9)}
    away = explain.inspector(held.files, "L1")

    for name, one in told.items():
        assert one is not None
        mine = [seat for seat in held.seats if seat.inspector == name]
        assert len(one.seats) == len(mine)
        assert len(one.seats) + sum(one.others.values()) == whole
        for seat in one.seats:
            beside = [
                other.inspector
                for other in held.seats
                if seat.site in other.group and other.inspector != name
            ]
            assert seat.partners == sorted(beside)
    assert away is not None
    assert (away.seats, away.others, away.rules["leave"]) == ([], {"rule": whole}, whole)
    assert explain.inspector(held.files, "nobody") is None


def test_a_weighted_place_is_told_by_its_key_or_as_certain() -> None:
    paper = drawings.task(
        strata="single", minimum=12, weights=[Weighing(by="risk", values=["D"], weight=40)]
    )
    held = drawings.held(drawings.committed(paper, inspectors=drawings.roster(30)))
    drawn = [lot for lot in held.lots if lot.status == "P"]

    told = [explain.site(held.files, lot.id) for lot in held.lots]
    weights = [one.weighed for one in told if one is not None]

    assert len(weights) == len(held.lots)
    for lot, weighed in zip(held.lots, weights, strict=True):
        assert weighed is not None
        if not weighed.certain:
            assert (int(weighed.key) <= int(weighed.last_key)) == (lot.status == "P"), lot
    assert drawn


def test_a_joint_plan_is_told_department_by_department() -> None:
    positions = [
        Place("1主办", "market", []), Place("2协办", "market", []), Place("1消防", "fire/救援", [])
    ]  # fmt: skip
    people = [person(f"M{n}", 6) for n in range(6)] + [person("F1", 6, department="fire/救援")]
    held = drawings.held(drawings.committed(drawings.task(positions=positions), inspectors=people))

    site = explain.site(held.files, sites_of(held)[0])
    fire = explain.inspector(held.files, "F1")

    assert site is not None
    assert {one.department for one in site.positions} == {"market", "fire/救援"}
    assert fire is not None
    assert [len(seat.partners) for seat in fire.seats] == [2, 2, 2, 2]


def test_a_void_draw_says_so() -> None:
    held = drawings.held(drawings.committed())
    void = bundle.void(
        held.files, reason="the hall was locked", now=drawings.HELD, by="o", secret=drawings.SECRET
    )

    site = explain.site(void, held.lots[0].id)

    assert site is not None
    assert site.void == "the hall was locked"


@pytest.mark.parametrize("name", ["task.json", "seed.json", "selection.tsv", "roster.tsv"])
def test_what_cannot_be_read_is_an_error_and_no_explanation(name: str) -> None:
    held = drawings.held(drawings.committed())
    broken = held.files | {name: b"nothing of the kind"}

    with pytest.raises((ValueError, LookupError)):
        explain.site(broken, held.lots[0].id)
