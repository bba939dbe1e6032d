"""What follows a draw can come to one thing only."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

import drawings
import msgspec
import pytest
from changes import (
    LATER,
    drawn,
    extension,
    failing,
    made,
    replacement,
    substitution,
    written,
)

from backend.rules import amendments, bundle, canonical, draw, events, papers
from backend.rules import site as sites
from backend.rules.amendments import REASONS, RESULTS, Away, Wanted
from backend.rules.bundle import Files
from backend.rules.ladder import Staffing
from backend.rules.verification import verify
from sync.refusals import Reason, Refused


def refusal(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value


# -- what comes of it ------------------------------------------------------------------------------


def test_a_substitution_calls_the_next_reserve_and_nobody_else_moves(whole: Files) -> None:
    rows = [canonical.fields(row, 5) for row in canonical.lines(whole["selection.tsv"])]
    reserves = [row[2] for row in rows if row[4] == "R"]
    before = events.replay(whole)
    gone = rows[1][2]

    after = events.replay(made(whole, substitution(gone)))

    assert after.drawn.keys() == before.drawn.keys() - {gone} | {reserves[0]}
    stayed = {key: who for key, who in before.seats.items() if f"/{gone}/" not in key[0]}
    assert stayed.items() <= after.seats.items()
    assert len(after.seats) == len(before.seats)


def test_any_number_of_changes_leaves_everybody_elses_place() -> None:
    random = Random(4)
    files = drawings.held(drawings.committed(inspectors=drawings.roster(40))).files
    for _ in range(8):
        before = events.replay(files)
        site = random.choice(sorted(before.drawn))
        wanted = random.choice([substitution(site), replacement(files, site), extension(1)])

        files = made(files, wanted)
        after = events.replay(files)

        lost = {key for key, who in before.seats.items() if after.seats.get(key) != who}
        touched = {wanted.site} if wanted.kind == "substitute" else set(wanted.sites)
        assert all(any(f"/{one}/" in group for one in touched) for group, _ in lost)
        assert before.drawn.keys() - after.drawn.keys() <= {wanted.site}
        held = Counter(after.seats.values())
        assert max(held.values()) <= 3
        assert failing(files) == []


def test_a_replacement_is_what_the_draw_of_that_position_gives(whole: Files) -> None:
    site = drawn(whole)[0]
    wanted = replacement(whole, site)
    book, before = events.open_book(whole), events.replay(whole)
    ((group, place),) = [
        key for key, who in before.seats.items() if who == wanted.inspector and site in key[0]
    ]
    beside = {who for (other, _), who in before.seats.items() if other == group}
    held = Counter(before.seats.values())
    able = [
        one.inspector
        for one in book.people
        if "food" in one.qualifications and one.valid_to > "2026-12-31"
        and one.inspector not in beside and held[one.inspector] < one.cap
        and (site, one.inspector, "R01") not in book.recusals
    ]  # fmt: skip
    ticket = {who: draw.ticket(book.seed, f"pair|{group}|{place}|{who}") for who in able}

    after = events.replay(made(whole, wanted))

    assert after.seats[group, place] == min(able, key=lambda who: ticket[who])
    assert {key for key in before.seats if before.seats[key] != after.seats[key]} == {
        (group, place)
    }


def test_who_cannot_be_asked_is_passed_over_and_the_next_ticket_counts(whole: Files) -> None:
    site = drawn(whole)[0]
    wanted = replacement(whole, site)
    first = events.replay(made(whole, wanted))
    key = next(
        key for key, who in events.replay(whole).seats.items()
        if who == wanted.inspector and site in key[0]
    )  # fmt: skip
    away = [Away(inspector=first.seats[key], reason="I01-leave", evidence="revision:r9")]

    files = made(whole, wanted, away)

    assert events.replay(files).seats[key] not in (wanted.inspector, first.seats[key])
    assert failing(files) == []


def test_who_left_is_not_seated_again_but_who_is_recused_only_stays_away_from_one_site(
    whole: Files,
) -> None:
    site, other = drawn(whole)[:2]
    ill = replacement(whole, site)
    recused = replacement(whole, other, "I03-recusal")

    after = events.replay(made(whole, ill))
    after_recusal = events.replay(made(whole, recused))

    assert (ill.inspector, "") in after.relieved
    assert (recused.inspector, other) in after_recusal.relieved


def test_every_seat_of_an_inspector_is_filled_at_once(whole: Files) -> None:
    before = events.replay(whole)
    busiest, count = Counter(before.seats.values()).most_common(1)[0]
    sites = [
        site
        for site in drawn(whole)
        if any(f"/{site}/" in group and who == busiest for (group, _), who in before.seats.items())
    ]
    wanted = Wanted(
        kind="replace", reason="I05-left", evidence="调令 3", inspector=busiest, sites=sites
    )

    files = made(whole, wanted)

    assert count == len(sites) > 1
    assert busiest not in events.replay(files).seats.values()
    assert failing(files) == []


def test_an_extension_is_what_a_longer_draw_would_have_given(whole: Files) -> None:
    book = events.open_book(whole, {"all": 20})
    longer = [book.lots["all", rank].id for rank in range(1, 13)]

    files = made(made(whole, extension(3)), extension(5))

    assert drawn(files) == longer
    assert drawn(files)[:4] == drawn(whole)
    assert failing(files) == []


def test_reserves_are_called_in_order_until_there_are_none_and_the_shortfall_is_told(
    whole: Files,
) -> None:
    files = whole
    for site in drawn(whole):
        files = made(files, substitution(site))

    counted = events.tally(papers.read_log(files["log.ndjson"]), len(drawn(files)))

    assert (counted.drawn, counted.substituted, counted.shortfall, counted.listed) == (4, 4, 1, 3)
    assert counted.substitution_rate == "100.0"
    assert events.tally_of(files) == counted
    assert failing(files) == []
    told = next(step for step in verify(files) if step.name == "changes")
    assert "1 without a reserve" in told.en
    assert "1 户无候补" in told.zh


def test_the_page_of_a_draw_on_a_static_site_tells_the_substitution_rate(changed: Files) -> None:
    voided = bundle.void(changed, reason="r", now=LATER, by="c", secret=drawings.SECRET)
    counted = events.tally_of(changed)

    pages = sites.write([], {"d": changed}, {}, script=b"", secret=drawings.SECRET)
    of_void = sites.write([], {"d": voided}, {}, script=b"", secret=drawings.SECRET)

    assert counted is not None
    assert (counted.drawn, counted.listed, counted.substitution_rate) == (4, 6, "16.7")
    assert "a substitution rate of 16.7%" in pages["verify/d.html"].decode()
    assert "substitution" not in of_void["verify/d.html"].decode()
    assert events.tally_of(drawings.committed()) is None


def test_a_lot_that_was_called_is_never_called_again(whole: Files) -> None:
    first = drawn(whole)[0]
    files = made(whole, extension(1))
    fifth = drawn(files)[-1]

    files = made(made(files, substitution(fifth)), substitution(first))

    assert fifth not in drawn(files)
    assert first not in drawn(files)
    assert len(set(drawn(files))) == 5


def test_nobody_from_outside_the_declared_ladder_is_sent() -> None:
    few = [one for one in drawings.roster() if one.inspector in ("沪A0001", "沪A0002", "沪A0003")]
    files = drawings.held(drawings.committed(inspectors=few)).files
    site = drawn(files)[0]
    away = [Away(inspector=one.inspector, reason="I02-illness", evidence="7") for one in few]

    refused = refusal(lambda: made(files, replacement(files, site), away))

    assert refused.reason is Reason.AMENDMENT_UNSTAFFED
    assert site in str(refused.details["positions"])


def test_the_ladder_is_gone_down_further_only_as_it_was_declared() -> None:
    tight = [msgspec.structs.replace(one, cap=2) for one in drawings.roster(5)][:4]
    task = drawings.task(relaxations=["cap+1", "cap+2"])
    files = drawings.held(drawings.committed(task, inspectors=tight)).files
    assert events.replay(files).relaxed == []

    once = made(files, extension(1))
    twice = made(once, extension(1))

    assert events.replay(once).relaxed == ["cap+1"]
    assert events.replay(twice).relaxed[:1] == ["cap+1"]
    assert failing(twice) == []


def test_even_loads_stay_even_as_long_as_they_can() -> None:
    task = drawings.task(staffing=Staffing(even=0))
    files = drawings.held(drawings.committed(task, inspectors=drawings.roster(16))).files
    loads = Counter(events.replay(files).seats.values())

    grown = made(files, extension(8))

    assert max(loads.values()) == 1
    after = Counter(events.replay(grown).seats.values())
    assert (max(after.values()), after.total()) == (2, 24)  # a cap would allow three
    assert failing(grown) == []


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", sorted(RESULTS))
def test_what_is_found_on_site_is_refused_by_name(whole: Files, reason: str) -> None:
    refused = refusal(lambda: made(whole, substitution(drawn(whole)[0], reason)))

    assert refused.reason is Reason.SUBSTITUTION_IS_RESULT
    assert refused.details["zh"] == RESULTS[reason][1]
    assert "result" in refused.reason.remedy_en


def test_a_change_needs_a_reason_of_the_closed_list(whole: Files) -> None:
    site = drawn(whole)[0]

    for wanted in (
        substitution(site, "X03-superior"), replacement(whole, site, "I09-dislike"),
        extension(1, "E09-more"),
    ):  # fmt: skip
        refused = refusal(partial(made, whole, wanted))
        assert refused.reason is Reason.AMENDMENT_REASON_UNKNOWN
        assert str(refused.details["allowed"]).split(", ") == list(REASONS[wanted.kind])


@pytest.mark.parametrize("since", ["", "2026-11-23"])
def test_what_came_after_the_snapshot_is_no_reason_unless_it_is_force_majeure(
    whole: Files, since: str
) -> None:
    site = drawn(whole)[0]

    late = refusal(lambda: made(whole, substitution(site, since=since)))
    flood = made(whole, substitution(site, amendments.FORCE_MAJEURE, since))

    assert late.reason is Reason.SUBSTITUTION_LATER
    assert failing(flood) == []


def test_whoever_gives_way_to_another_draw_names_it(whole: Files) -> None:
    told = substitution(drawn(whole)[0], "X02-annual-cap", since="")
    proper = msgspec.structs.replace(told, evidence="310101#3,33#12")
    book = events.open_book(whole)
    outcome = amendments.decide(book, events.replay(whole, book), proper, [])

    refused = refusal(lambda: made(whole, told))
    honest, cheat = made(whole, proper), written(whole, told, outcome)

    assert refused.reason is Reason.SUBSTITUTION_NOT_OVER
    assert failing(honest) == []
    assert [step.name for step in failing(cheat)][:1] == ["changes"]


def test_only_who_is_on_the_list_gives_way(whole: Files) -> None:
    site = drawn(whole)[0]
    files = made(whole, substitution(site))

    assert refusal(lambda: made(files, substitution(site))).reason is Reason.AMENDMENT_SITE_UNKNOWN
    stranger = msgspec.structs.replace(replacement(whole, site), inspector="沪A9999")
    assert refusal(lambda: made(whole, stranger)).reason is Reason.AMENDMENT_SEAT_UNKNOWN
    nowhere = msgspec.structs.replace(stranger, sites=[])
    assert refusal(lambda: made(whole, nowhere)).reason is Reason.AMENDMENT_SEAT_UNKNOWN


@pytest.mark.parametrize("count", [0, 10_000])
def test_an_extension_stays_within_the_stratum(whole: Files, count: int) -> None:
    other = msgspec.structs.replace(extension(1), stratum="D")

    assert refusal(lambda: made(whole, extension(count))).reason is Reason.EXTENSION_TOO_MANY
    assert refusal(lambda: made(whole, other)).reason is Reason.AMENDMENT_STRATUM_UNKNOWN
