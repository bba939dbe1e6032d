"""复查: what a recheck asks that asks only what must be checked again, and what it amounts to."""

from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace
from small_forms import W, form, item, visit

from sync import checklist
from sync.checklist import Choice, Examined, Score, Section, When, named
from sync.merge import Evidence
from sync.refusals import Reason, Refused
from sync.verdict import complying, judge, judge_visit

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checklists"
PLAIN = form(Section(W, tuple(item(ref) for ref in ("1", "2", "3", "4"))))
ROOMS = form(
    Section(W, (item("1"),)),
    Section(
        W,
        (item("2"), item("3", when=When("2", ("fail",))), item("4", optional=True)),
        when=When("1", ("pass",)),
    ),
    Section(W, (item("5"),)),
)


def test_over_all_answers_what_must_be_checked_again_decides_and_nothing_else() -> None:
    must = ("1", "3")

    for said in product(("pass", "fail", "na", ""), repeat=4):
        state = visit({str(n): word for n, word in enumerate(said, 1) if word})
        found = judge(PLAIN, state, must=must, narrow=True)
        one, three = said[0], said[2]

        assert found.unanswered == tuple(ref for ref, w in (("1", one), ("3", three)) if not w)
        assert found.not_asked == tuple(ref for ref in "24" if not said[int(ref) - 1])
        assert found.failed == tuple(ref for ref in "1234" if said[int(ref) - 1] == "fail")
        if "" in (one, three):
            assert (found.outcome, found.unremedied) == ("", ())
        else:
            rest = tuple(ref for ref, w in (("1", one), ("3", three)) if w != "pass")
            assert found.unremedied == rest
            assert found.outcome == ("not-remedied" if rest else "remedied")
        assert (found.graded, found.clause, found.scores) == (False, "", {})


@pytest.mark.parametrize(
    ("must", "said", "unanswered", "unremedied"),
    [
        (("2",), {}, ("1",), None),  # whether it is asked is not known yet
        (("2",), {"1": "pass"}, ("2",), None),
        (("2",), {"1": "pass", "2": "pass"}, (), ()),
        (("2",), {"1": "pass", "2": "fail"}, ("3",), None),  # what it opens is asked
        (("2",), {"1": "pass", "2": "fail", "3": "pass"}, (), ("2",)),
        (("2",), {"1": "pass", "2": "fail", "3": "fail"}, (), ("2", "3")),
        (("2",), {"1": "fail"}, (), ("2", "1")),  # asked no more, and nothing shows that it is well
        (("1",), {"1": "pass"}, ("2",), None),  # it opens a section
        (("1",), {"1": "pass", "2": "pass"}, (), ()),  # of which 4 may be left out
        (("4",), {"1": "pass"}, ("4",), None),  # but not what must be checked again
        (("4",), {"1": "pass", "4": "pass"}, (), ()),
        (("5",), {"5": "pass"}, (), ()),
        (("5",), {"5": "pass", "1": "pass", "2": "fail"}, (), ()),  # added by the inspector
        (("5", "9"), {"5": "pass"}, (), ("9",)),  # another version of the form has no 9
    ],
)
def test_a_recheck_asks_what_conditions_make_of_it(
    must: tuple[str, ...],
    said: dict[str, str],
    unanswered: tuple[str, ...],
    unremedied: tuple[str, ...] | None,
) -> None:
    found = judge(ROOMS, visit(said), must=must, narrow=True)

    assert found.unanswered == unanswered
    assert found.given == (unremedied is not None)
    assert found.unremedied == (unremedied or ())


DEEP = form(
    Section(
        W,
        (
            item("1"),
            item("2", when=When("1", ("pass",)), optional=True),
            item("3", when=When("2", ("pass",))),
            item("4", when=When("3", ("fail",))),
            item("5", when=When("4", ("fail",))),
        ),
    )
)


@pytest.mark.parametrize(
    ("said", "unanswered"),
    [
        ({}, ("1",)),  # what the condition of its condition looks at
        ({"1": "pass"}, ("2",)),  # which may not be left out now
        ({"1": "pass", "2": "pass"}, ("3",)),
        ({"1": "pass", "2": "pass", "3": "fail"}, ("4",)),
        ({"1": "pass", "2": "pass", "3": "fail", "4": "fail"}, ("5",)),  # what the opened opens
    ],
)
def test_conditions_are_followed_however_far_they_go(
    said: dict[str, str], unanswered: tuple[str, ...]
) -> None:
    assert judge(DEEP, visit(said), must=("3",), narrow=True).unanswered == unanswered


def test_what_is_put_right_by_its_condition_is_remedied() -> None:
    sold = form(Section(W, (item("1"), item("2", when=When("1", ("fail",))))))

    found = judge(sold, visit({"1": "pass"}), must=("2",), narrow=True)

    assert found.outcome == "remedied"


def test_inspectors_who_disagree_keep_the_verdict_back_also_over_what_they_added() -> None:
    found = judge(PLAIN, visit({"1": "pass", "4": ("pass", "fail")}), must=("1",), narrow=True)

    assert (found.outcome, found.in_conflict) == ("", ("4",))


def test_what_the_inspector_adds_and_finds_bad_is_ordered_and_needs_its_evidence() -> None:
    strict = form(Section(W, (item("1"), item("2", evidence=True))))
    state = visit({"1": "pass", "2": "fail"})
    shown = replace(state, evidence=(Evidence("d:2", "w", "b", 1, "image/jpeg", "2", "", ""),))

    bare, proved = (judge(strict, one, must=("1",), narrow=True) for one in (state, shown))

    assert (bare.outcome, bare.failed, bare.evidence_missing) == ("remedied", ("2",), ("2",))
    assert proved.evidence_missing == ()


def test_no_least_number_of_items_and_no_score_is_asked_of_a_recheck() -> None:
    scored = replace(
        PLAIN,
        examined_min=Examined(general=4),
        scores=(Score("share", W, "percent"),),
    )
    state = visit({"1": "pass"})

    whole = judge(scored, visit({ref: "pass" for ref in "123"} | {"4": "na"}), must=("1",))
    narrow = judge(scored, state, must=("1",), narrow=True)

    assert (whole.outcome, whole.examined_short, whole.graded) == ("", True, True)
    assert (narrow.outcome, narrow.examined_short, narrow.scores) == ("remedied", False, {})


def test_the_verdict_of_a_visit_names_what_is_left_on_every_checklist() -> None:
    fire = replace(PLAIN, code="fire")
    name = named(fire, "2")
    must = ("1", name)

    told = [
        judge_visit([PLAIN, fire], visit({"1": one, name: two}), must=must, narrow=True)
        for one, two in product(("pass", "fail"), repeat=2)
    ]
    half = judge_visit([PLAIN, fire], visit({name: "fail"}), must=must, narrow=True)
    only = judge_visit([PLAIN, fire], visit({name: "fail"}), must=(name,), narrow=True)

    assert [(own.unremedied, part.unremedied) for own, part in told] == [
        ((), ()), ((name,), (name,)), (("1",), ()), (("1", name), (name,)),
    ]  # fmt: skip
    assert [own.outcome for own, _ in told] == ["remedied", *["not-remedied"] * 3]
    assert [one.outcome for one in half] == ["", "not-remedied"]
    assert [one.outcome for one in only] == ["not-remedied", "not-remedied"]


def test_a_visit_that_asks_all_is_judged_as_before() -> None:
    fire = replace(PLAIN, code="fire")
    state = visit({"1": "fail", "2": "pass", "3": "pass", "4": "pass"})

    told = judge_visit([PLAIN, fire], state, must=("1",))

    assert told == [judge(PLAIN, state, must=("1",)), judge(fire, state, partner=True)]
    assert (told[0].outcome, told[0].graded, told[0].unremedied) == ("bad", True, ())


def test_a_choice_that_takes_an_item_out_does_not_show_that_it_was_put_right() -> None:
    gone = Choice("gone", W, complies="na")
    asked = form(Section(W, (item("1", kind="choice", choices=(gone, Choice("well", W, "yes"))),)))
    state = visit({"1": "na"})

    found = judge(asked, state, must=("1",), narrow=True)

    assert complying(asked, state) == frozenset()
    assert (found.outcome, found.unremedied, found.failed) == ("not-remedied", ("1",), ())


def test_a_form_that_does_not_say_keeps_its_digest_and_is_asked_as_a_whole() -> None:
    text = (FIXTURES / "cold_store.toml").read_text("utf-8")
    silent = checklist.parse(text.encode())
    said = checklist.parse(text.replace("version", 'recheck = "whole"\nversion', 1).encode())
    other = checklist.parse(text.replace("version", 'recheck = "must"\nversion', 1).encode())

    assert b"recheck" not in checklist.canonical(silent)
    assert checklist.digest(said) == checklist.digest(silent) != checklist.digest(other)
    assert checklist.load(checklist.canonical(silent)).recheck == "whole"
    assert checklist.load(checklist.canonical(other)).recheck == "must"


@pytest.mark.parametrize("wrong", ['recheck = "some"', 'recheck = ""', "recheck = true"])
def test_a_form_says_what_a_recheck_asks_in_one_of_two_words(wrong: str) -> None:
    text = (FIXTURES / "cold_store.toml").read_text("utf-8")

    with pytest.raises(Refused) as refused:
        checklist.parse(text.replace("version", f"{wrong}\nversion", 1).encode())

    assert refused.value.reason is Reason.CHECKLIST_INVALID


@pytest.mark.parametrize("code", ["remedied", "not-remedied"])
def test_no_form_takes_the_words_of_a_recheck_for_its_grades(code: str) -> None:
    text = (FIXTURES / "cold_store.toml").read_text("utf-8").replace('"conform"', f'"{code}"')

    with pytest.raises(Refused) as refused:
        checklist.parse(text.encode())

    assert refused.value.reason is Reason.CHECKLIST_INVALID
    assert refused.value.details["field"] == "outcomes[0].code"
