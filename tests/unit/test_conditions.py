"""Which items are asked, which stand in the way of a verdict, and what proves that one was met."""

from itertools import product

from small_forms import W, chosen, form, item, visit

from sync.checklist import Choice, Section, When
from sync.merge import Evidence, Signature
from sync.verdict import complying, judge

CHAIN = form(
    Section(W, (item("1"), item("2", when=When("1", ("pass",))))),
    Section(W, (item("3"), item("4", when=When("2", ("fail", "na")))), when=When("1", ("pass",))),
)


def test_over_all_answers_an_item_is_asked_exactly_while_its_condition_is_met() -> None:
    for one, two, three, four in product(("pass", "fail", "na", ""), repeat=4):
        said = {"1": one, "2": two, "3": three, "4": four}
        state = visit({ref: word for ref, word in said.items() if word})
        open_ = one == "pass"  # the second section, and item 2
        expected = ["1", *["2", "3"] * open_, *["4"] * (open_ and two in ("fail", "na"))]

        verdict = judge(CHAIN, state)

        assert verdict.not_asked == tuple(ref for ref in said if ref not in expected)
        assert verdict.unanswered == tuple(ref for ref in expected if not said[ref])
        assert verdict.failed == tuple(ref for ref in expected if said[ref] == "fail")
        assert verdict.not_applicable == sum(said[ref] == "na" for ref in expected)
        assert verdict.given == all(said[ref] for ref in expected)


def test_an_item_complies_by_its_answer_or_because_what_its_condition_looks_at_complies() -> None:
    hidden = When("1", ("fail",))
    chain = form(
        Section(W, (item("1"), item("2", when=hidden), item("3", when=When("2", ("fail",))))),
        Section(W, (item("4", when=When("1", ("fail",))),), when=hidden),
    )

    found = {
        (one, two): complying(chain, visit({"1": one, "2": two}))
        for one, two in product(("pass", "fail", "na", ("pass", "fail")), ("pass", "fail", "na"))
    }

    assert {said for said, names in found.items() if names} == {
        *product(("pass",), ("pass", "fail", "na")), ("fail", "pass"), (("pass", "fail"), "pass"),
    }  # fmt: skip
    assert found["pass", "fail"] == {"1", "2", "3", "4"}  # whatever was said before
    assert found["fail", "pass"] == {"2", "3"}
    assert found[("pass", "fail"), "pass"] == {"2", "3"}


def test_an_item_that_is_not_asked_meets_no_condition_whatever_was_answered_before() -> None:
    chain = form(
        Section(W, (item("1"), item("2", when=When("1", ("pass",))))),
        Section(W, (item("3", when=When("2", ("pass",))), item("4", when=When("3", ("pass",))))),
    )
    said = {"2": "pass", "3": "pass", "4": "fail"}

    before = judge(chain, visit({"1": "pass", **said}))
    after = judge(chain, visit({"1": "fail", **said}))

    assert (before.not_asked, before.failed) == ((), ("4",))
    assert (after.not_asked, after.failed) == (("2", "3", "4"), ("1",))


def test_an_item_is_asked_while_either_of_two_answers_that_differ_meets_its_condition() -> None:
    state = visit({"1": ("fail", "pass"), "2": "pass", "3": "pass"})

    verdict = judge(CHAIN, state)

    assert verdict.not_asked == ("4",)
    assert verdict.in_conflict == ("1",)
    assert not verdict.given


def test_an_answer_that_an_item_does_not_take_meets_no_condition() -> None:
    choices = (Choice("a", W), Choice("b", W))
    both = form(
        Section(W, (item("1", kind="choice", choices=choices), item("2", when=When("1", ("a",)))))
    )

    not_asked = [
        judge(both, visit({"1": answer})).not_asked
        for answer in (chosen("a"), "a", chosen("a b"), chosen("b"))
    ]

    assert not_asked == [(), ("2",), ("2",), ("2",)]


def test_one_of_several_choices_is_enough_for_a_condition() -> None:
    choices = (Choice("a", W), Choice("b", W), Choice("c", W))
    several = item("1", kind="choice", choices=choices, several=True)
    both = form(Section(W, (several, item("2", when=When("1", ("b", "c"))))))

    not_asked = [
        judge(both, visit({"1": chosen(words)})).not_asked for words in ("a", "a b", "a c", "b c")
    ]

    assert not_asked == [("2",), (), (), ()]


def test_the_items_of_a_partner_wait_for_the_partners_own_answers() -> None:
    own = visit({"1": "pass", "2": "pass", "3": "pass"})
    theirs = visit({f"f@1/{ref}": "pass" for ref in ("1", "2", "3")})

    verdicts = [judge(CHAIN, state, partner=True) for state in (own, theirs)]

    assert verdicts[0].unanswered == ("f@1/1",)
    assert verdicts[1].outcome == "good"
    assert verdicts[1].not_asked == ("f@1/4",)


SPOT = form(Section(W, (item("1", key=True), item("2", optional=True), item("3", optional=True))))


def test_an_item_that_may_be_left_out_counts_only_when_it_was_answered() -> None:
    counts = [
        (one.outcome, one.general_checked, one.unanswered, one.not_weighed)
        for more in ({}, {"2": "pass"}, {"2": "fail", "3": "na"}, {"2": "perhaps"})
        for one in [judge(SPOT, visit({"1": "pass", **more}))]
    ]

    assert counts == [
        ("good", 0, (), ("2", "3")),
        ("good", 1, (), ("3",)),
        ("bad", 1, (), ()),
        ("", 0, ("2",), ("3",)),
    ]


def test_what_the_task_demands_may_not_be_left_out() -> None:
    left = visit({"1": "pass", "3": "pass"})
    done = visit({"1": "pass", "2": "fail", "3": "pass"})

    assert judge(SPOT, left).outcome == "good"
    assert judge(SPOT, left, must=("2",)).unanswered == ("2",)
    assert judge(SPOT, left, must=("2",)).outcome == ""
    assert judge(SPOT, left, must=("3", "of another list")).outcome == "good"
    assert judge(SPOT, done, must=("2", "3")).outcome == "bad"
    named = visit({"f@1/1": "pass"})
    assert judge(SPOT, named, partner=True, must=("f@1/2",)).unanswered == ("f@1/2",)


def shot(mime: str, voided: str = "", where: str = "1") -> Evidence:
    return Evidence("d:2", "w", "b", 1, mime, where, "", voided)


PROOF = form(Section(W, (item("1", kind="photo"), item("2", kind="signature"))))
SIGNED = Signature("d:3", "w", "site", "王", "x", "", ())


def test_a_photo_item_is_answered_by_a_picture_bound_to_it() -> None:
    for evidence, answered in (
        ((), False),
        ((shot("image/jpeg"),), True),
        ((shot("application/pdf"),), False),
        ((shot("image/heic", "blurred"),), False),
        ((shot("image/heic", "blurred"), shot("image/png")), True),
        ((shot("image/png", where="2"),), False),
    ):
        verdict = judge(PROOF, visit({}, evidence=evidence, signatures=(SIGNED,)))

        assert verdict.unanswered == (() if answered else ("1",))
        assert (verdict.outcome, verdict.general_checked) == ("good" if answered else "", 0)


def test_a_photo_that_cannot_be_taken_is_not_applicable() -> None:
    verdict = judge(PROOF, visit({"1": "na"}, signatures=(SIGNED,)))

    assert (verdict.outcome, verdict.not_applicable) == ("good", 1)


def test_a_signature_item_is_answered_by_a_signature_of_its_role() -> None:
    officer = Signature("d:4", "w", "lead", "", "x", "", ())
    refused = Signature("d:5", "w", "site", "王", "x", "", (), refused="不认可", witness="赵")
    picture = (shot("image/png"),)

    verdicts = [
        judge(PROOF, visit({}, evidence=picture, signatures=signatures)).unanswered
        for signatures in ((), (officer,), (refused,), (refused, SIGNED))
    ]

    assert verdicts == [("2",), ("2",), ("2",), ()]


def test_whoever_will_not_sign_leaves_a_signature_item_not_applicable() -> None:
    refused = Signature("d:5", "w", "site", "王", "x", "", (), refused="不认可", witness="赵")
    picture = (shot("image/png"),)

    verdict = judge(PROOF, visit({"2": "na"}, evidence=picture, signatures=(refused,)))

    assert (verdict.outcome, verdict.not_applicable) == ("good", 1)


def test_every_item_of_a_form_has_one_place_in_its_verdict() -> None:
    """不重不漏: what is published as passed is what is left of the form."""
    choices = (Choice("a", W, "yes"), Choice("b", W))
    mixed = form(
        Section(
            W,
            (
                item("1", kind="choice", choices=choices),
                item("2", optional=True),
                item("3", when=When("2", ("fail",))),
                item("4", kind="text"),
            ),
        )
    )
    for one, two, three, four in product(
        (chosen("a"), chosen("b"), "na", None), ("pass", "fail", "na", None), ("pass", None),
        (chosen("x", "text"), None),
    ):  # fmt: skip
        said = {"1": one, "2": two, "3": three, "4": four}
        verdict = judge(mixed, visit({ref: v for ref, v in said.items() if v is not None}))

        placed = [*verdict.failed, *verdict.unanswered, *verdict.not_asked, *verdict.not_weighed]
        assert len(placed) == len(set(placed))
        passed = (one == chosen("a")) + (two == "pass") + (two == "fail" and three == "pass")
        assert len(placed) + verdict.not_applicable + passed == 4
        assert verdict.general_passed == passed
