"""派员: who may hold a position, what gives way in which order, and how it is told."""

import re

import pytest
from msgspec.structs import replace

from backend.rules.ladder import (
    LAST_VISIT,
    RULES,
    WORDS,
    Districts,
    Person,
    Place,
    Rule,
    Rung,
    Site,
    Staffed,
    Staffing,
    Terms,
    Unstaffed,
    barriers,
    free_seats,
    given_by,
    is_out_of_bounds,
    positions,
    staff,
    words,
)

SEED = "c3" * 32
LEAD, SECOND = Place("1主办", "*", ["food"]), Place("2协办", "*", [])
EXPERT = Place("3专家", "*", [], expert=True)
TERMS = Terms(
    id="T",
    division="310101",
    inspectors_under="310101",
    opens_on="2026-12-01",
    closes_on="2026-12-31",
    places=[LEAD, SECOND],
    staffing=Staffing(),
    relaxations=[],
)
PERSON = Person(
    inspector="I1",
    department="market",
    region="310101",
    districts=(),
    qualifications=("food", "special"),
    cap=2,
    valid_from="2024-01-01",
    valid_to="2026-12-31",
    status="active",
)
SITE = Site("S1", "31010101")


def people(count: int, **changes: object) -> list[Person]:
    return [replace(PERSON, inspector=f"I{n}", **changes) for n in range(1, count + 1)]


# -- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "place", "rules"),
    [
        ({}, LEAD, set[str]()),
        ({"qualifications": ("special",)}, LEAD, {"qualification"}),
        ({"qualifications": ()}, SECOND, set[str]()),
        ({"department": "fire"}, Place("1", "market", []), {"department"}),
        ({"region": "310104"}, LEAD, {"division"}),
        ({"region": "310101003"}, LEAD, set[str]()),
        ({"valid_from": "2026-12-02"}, LEAD, {"certificate"}),
        ({"valid_to": "2026-12-30"}, LEAD, {"certificate"}),
        ({"status": "expert"}, LEAD, {"kind"}),
        ({"status": "expert"}, EXPERT, set[str]()),
        ({}, EXPERT, {"kind"}),
        ({"status": "leave"}, SECOND, {"leave"}),
        ({"status": "leave", "region": "11", "qualifications": ()}, LEAD,
         {"leave", "division", "qualification"}),
    ],
)  # fmt: skip
def test_each_rule_that_keeps_somebody_from_a_position_is_named(
    changes: dict[str, object], place: Place, rules: set[str]
) -> None:
    assert barriers(replace(PERSON, **changes), place, TERMS) == rules


@pytest.mark.parametrize(
    ("districts", "home", "own", "other"),
    [
        ((), "310101", False, False),  # of the whole office: goes anywhere
        ((), "31010101", False, True),
        ((), "31010102", True, False),
        (("31010102",), "31010101", True, False),  # what is listed comes before the home
        (("31010101", "31010102"), "310101", False, True),
        (("310101", "31010101"), "310101", False, True),
        ((), "3101", False, False),
    ],
)
def test_a_district_is_where_somebody_must_or_must_not_go(
    districts: tuple[str, ...], home: str, own: bool, other: bool
) -> None:
    person = replace(PERSON, districts=districts, region=home)

    def out(mode: Districts) -> bool:
        return is_out_of_bounds(
            person, SITE.region, replace(TERMS, staffing=Staffing(districts=mode))
        )

    assert (out("any"), out("own"), out("other")) == (False, own, other)


@pytest.mark.parametrize(
    ("away", "busy", "left"),
    [(0, 0, 10), (3, 0, 9), (15, 0, 5), (15, 4, 1), (31, 0, 0), (40, 2, 0)],
)
def test_leave_takes_its_share_of_the_cap_rounded_down(away: int, busy: int, left: int) -> None:
    assert free_seats(cap=10, busy=busy, days=31, away=away) == left


def test_a_recusal_keeps_one_inspector_from_one_site_in_every_position() -> None:
    sites = [SITE, Site("S2", SITE.region)]

    seats = positions(TERMS, sites, people(3), {("S2", "I2", "R01"), ("S9", "I1", "R01")})

    assert [seat.eligible for seat in seats] == [0b111, 0b111, 0b101, 0b101]
    assert [seat.group for seat in seats] == ["T/S1/*", "T/S1/*", "T/S2/*", "T/S2/*"]


# -- balance ---------------------------------------------------------------------------------------


def test_a_balanced_pairing_spreads_the_load_and_others_need_not() -> None:
    sites = [Site(f"S{n:02d}", SITE.region) for n in range(30)]
    crowd = people(12, cap=10)
    even = replace(TERMS, staffing=Staffing(even=0))

    loose = staff(TERMS, sites, crowd, (), seed=SEED)
    close = staff(even, sites, crowd, (), seed=SEED)

    assert isinstance(loose, Staffed)
    assert isinstance(close, Staffed)
    assert loose.standing.level == 0
    assert loose.standing.most - loose.standing.least > 2
    assert (close.standing.level, close.standing.least, close.standing.most) == (5, 5, 5)


def test_slack_lets_some_have_more_than_the_smallest_load() -> None:
    sites = [Site(f"S{n:02d}", SITE.region) for n in range(30)]

    found = staff(
        replace(TERMS, staffing=Staffing(even=2)), sites, people(12, cap=10), (), seed=SEED
    )

    assert isinstance(found, Staffed)
    assert found.standing.level == 5
    assert 5 < found.standing.most <= 7


def test_a_balance_gives_way_where_only_a_few_may_go() -> None:
    sites = [Site(f"S{n}", SITE.region) for n in range(4)]
    crowd = [
        *people(1, cap=9),
        *(replace(PERSON, inspector=f"J{n}", qualifications=()) for n in "ab"),
    ]

    found = staff(replace(TERMS, staffing=Staffing(even=0)), sites, crowd, (), seed=SEED)

    assert isinstance(found, Staffed)
    assert found.standing.level == 4  # the only one with the qualification leads everywhere


# -- the ladder ------------------------------------------------------------------------------------

CROSS = replace(TERMS, staffing=Staffing(districts="other"))


def test_nothing_gives_way_when_nothing_has_to() -> None:
    terms = replace(TERMS, relaxations=["any-district", "cap+1"])

    found = staff(terms, [SITE], people(2), (), seed=SEED)

    assert isinstance(found, Staffed)
    assert (found.standing.relaxed, found.standing.failed) == ([], [])


def test_steps_are_taken_in_order_and_each_says_why_it_did_not_do() -> None:
    terms = replace(CROSS, relaxations=["cap+1", "any-district", "last-visit"])
    own = people(2, districts=(SITE.region,))

    found = staff(terms, [SITE], own, (), seed=SEED)

    assert isinstance(found, Staffed)
    assert found.standing.relaxed == ["cap+1", "any-district"]
    assert [rung.relaxed for rung in found.standing.failed] == [[], ["cap+1"]]
    assert [rung.causes for rung in found.standing.failed] == [["district"], ["district"]]
    assert found.standing.failed[0].positions == [("T/S1/*", "1主办")] or found.standing.failed[
        0
    ].positions == [("T/S1/*", "2协办")]


def test_who_was_there_the_last_time_comes_again_only_by_a_declared_step() -> None:
    recusals = {("S1", "I1", LAST_VISIT)}

    strict = staff(TERMS, [SITE], people(2), recusals, seed=SEED)
    declared = staff(
        replace(TERMS, relaxations=["last-visit"]), [SITE], people(2), recusals, seed=SEED
    )

    assert isinstance(strict, Unstaffed)
    assert strict.failed[0].causes == ["last-visit"]
    assert isinstance(declared, Staffed)
    assert {seat.inspector for seat in declared.seats} == {"I1", "I2"}


@pytest.mark.parametrize(
    ("changes", "recusals", "rule"),
    [
        ({}, {("S1", "I1", "R01")}, "recusal"),
        ({"qualifications": ()}, set[tuple[str, str, str]](), "qualification"),
        ({"valid_to": "2026-12-01"}, set[tuple[str, str, str]](), "certificate"),
        ({"status": "leave"}, set[tuple[str, str, str]](), "leave"),
        ({"status": "expert"}, set[tuple[str, str, str]](), "kind"),
        ({"region": "310104"}, set[tuple[str, str, str]](), "division"),
        ({"cap": 0}, set[tuple[str, str, str]](), "cap"),
    ],
)
def test_no_ladder_lifts_what_makes_an_inspection_lawful_and_the_rule_is_named(
    changes: dict[str, object], recusals: set[tuple[str, str, str]], rule: Rule
) -> None:
    terms = replace(
        TERMS,
        relaxations=["any-district", "last-visit"],
        places=[LEAD, Place("2协办", "*", ["food"])],
    )
    crowd = [replace(PERSON, inspector="I1", **changes), replace(PERSON, inspector="I2")]

    found = staff(terms, [SITE], crowd, recusals, seed=SEED)

    assert isinstance(found, Unstaffed)
    assert [rung.causes for rung in found.failed] == [[rule]] * 3


def test_more_seats_are_given_to_everybody_and_add_up() -> None:
    sites = [Site(f"S{n}", SITE.region) for n in range(5)]
    terms = replace(TERMS, relaxations=["cap+1", "cap+2"])

    found = staff(terms, sites, people(2), (), seed=SEED)

    assert isinstance(found, Staffed)
    assert found.standing.relaxed == ["cap+1", "cap+2"]
    assert found.standing.most == 5
    assert found.standing.failed[1].seats == 6


def test_seats_are_never_given_to_who_is_away_all_the_time() -> None:
    terms = replace(TERMS, relaxations=["cap+9"])

    found = staff(terms, [SITE], [*people(1), replace(PERSON, inspector="I9", status="leave")], (),
                  seed=SEED)  # fmt: skip

    assert isinstance(found, Unstaffed)


def test_two_positions_and_one_inspector_is_told_as_too_few_people() -> None:
    found = staff(replace(TERMS, places=[LEAD, LEAD]), [SITE], people(1), (), seed=SEED)

    assert isinstance(found, Unstaffed)
    assert found.failed[0].causes == []
    assert words(found.failed[0]) == (
        "2 positions can be held by 1 inspectors only, who have 1 seats for them. "
        "No single rule makes it so.",
        "2 个岗位只能由 1 名人员承担，他们仅有 1 个名额。并非某一条规则单独造成。",
    )


def test_every_rule_has_its_words_in_both_languages() -> None:
    for rule in RULES:
        rung = Rung(relaxed=[], positions=[("g", "1")], inspectors=[], seats=0, causes=[rule])
        en, zh = words(rung)
        assert WORDS[rule][0] in en
        assert WORDS[rule][1] in zh
        assert re.search("[一-鿿]", WORDS[rule][1])


def test_steps_are_read_as_written() -> None:
    assert given_by([]) == (frozenset(), 0)
    assert given_by(["cap+2", "any-district", "cap+10", "last-visit"]) == (
        frozenset({"district", "last-visit"}),
        12,
    )
    with pytest.raises(AssertionError):
        given_by(["recusal"])
