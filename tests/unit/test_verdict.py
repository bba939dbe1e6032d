"""检查结论: every combination of answers, against the rule written down a second time."""

from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

from sync.checklist import Checklist, parse
from sync.merge import Evidence, Inspection, Item, Said
from sync.ops import Answer
from sync.refusals import Reason, Refused
from sync.scores import complies
from sync.verdict import judge, settled

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checklists"
FOOD = parse((FIXTURES / "food_sales.toml").read_bytes())
COLD = parse((FIXTURES / "cold_store.toml").read_bytes())
RULES = (FIXTURES / "cold_store.toml").read_text("utf-8").split("\n[[outcomes]]", 1)[1]


def small(*, keys: int, generals: int, rules: str = RULES, minimum: str = "") -> Checklist:
    """Write a checklist of so many key items K and general items; the last is a temperature."""
    refs = [f"1.{n}" for n in range(1, keys + generals + 1)]
    items = ""
    for n, ref in enumerate(refs):
        items += f'[[sections.items]]\nref = "{ref}"\ntext = {{ en = "?", zh = "？" }}\n'
        items += f'basis = {{ en = "a", zh = "甲" }}\nkey = {str(n < keys).lower()}\n'
        if n == keys + generals - 1:
            items += 'kind = "temperature"\nmaximum = "-18"\nunit = "°C"\n'
    return parse(
        f'code = "s"\nversion = "1"\ntitle = {{ en = "s", zh = "s" }}\n{minimum}\n'
        f'[[sections]]\ntitle = {{ en = "s", zh = "s" }}\n{items}\n[[outcomes]]{rules}'.encode()
    )


def answered(values: dict[str, str], *, proof: tuple[str, ...] = ()) -> Inspection:
    """Fold nothing: the inspection in which everyone agrees on these answers."""
    return Inspection(
        items={ref: Item(v, (Said("d:1", "w", v, ""),)) for ref, v in values.items()},
        evidence=tuple(Evidence("d:2", "w", "b", 1, "image/jpeg", ref, "", "") for ref in proof),
    )


def three_grades(keys: list[str], generals: list[str]) -> str:
    """The rule in words, written again: 符合 / 基本符合 / 不符合, none while one is missing."""
    if "" in keys + generals:
        return ""
    key_failed = keys.count("fail")
    checked = [answer for answer in generals if answer != "na"]
    rate = Fraction(checked.count("pass"), len(checked)) if checked else Fraction(1)
    if key_failed >= 2 or rate < Fraction(70, 100):
        return "nonconform"
    if key_failed == 0 and rate == 1:
        return "conform"
    return "basic"


@pytest.mark.parametrize(("keys", "generals"), [(2, 4), (3, 3), (1, 0), (0, 5)])
def test_every_combination_of_answers_gets_the_verdict_of_the_rule(
    keys: int, generals: int
) -> None:
    checklist = small(keys=keys, generals=generals)
    refs = [item.ref for item in checklist.items]
    temperature = {"pass": "-18", "fail": "-17.9", "na": "na", "": ""}
    seen: set[str] = set()

    for combination in product(("pass", "fail", "na", ""), repeat=len(refs)):
        said = dict(zip(refs, combination, strict=True))
        said[refs[-1]] = temperature[said[refs[-1]]]
        verdict = judge(checklist, answered({ref: v for ref, v in said.items() if v}))
        seen.add(verdict.outcome)
        expected = three_grades(list(combination[:keys]), list(combination[keys:]))

        assert verdict.outcome == expected, combination
        assert verdict.given == (expected != "")
        assert len(verdict.failed) == verdict.key_failed + verdict.general_failed
        assert verdict.general_checked == verdict.general_failed + verdict.general_passed
        assert len(verdict.unanswered) == combination.count("")
        assert verdict.not_applicable == combination.count("na")
    assert {"conform", ""} < seen


@pytest.mark.parametrize(
    ("general_fails", "key_fails", "outcome"),
    [(0, 0, "conform"), (1, 0, "basic"), (3, 0, "basic"), (4, 0, "nonconform"), (0, 1, "basic"),
     (3, 1, "basic"), (4, 1, "nonconform"), (0, 2, "nonconform")],
)  # fmt: skip
def test_seventy_percent_is_exact_and_one_key_failure_alone_is_basic(
    general_fails: int, key_fails: int, outcome: str
) -> None:
    checklist = small(keys=3, generals=11)
    values = {item.ref: "pass" for item in checklist.items} | {"1.14": "na"}  # ten generals apply
    values |= {f"1.{n}": "fail" for n in range(1, key_fails + 1)}
    values |= {f"1.{n}": "fail" for n in range(4, general_fails + 4)}

    verdict = judge(checklist, answered(values))

    assert verdict.outcome == outcome
    assert verdict.general_checked == 10


def test_answers_in_conflict_stop_the_verdict_and_are_named() -> None:
    checklist = small(keys=1, generals=2)
    agreed = answered({"1.1": "pass", "1.2": "pass", "1.3": "-20"})
    apart = Item("pass", (Said("a:1", "a", "pass", ""), Said("b:1", "b", "fail", "")))

    verdict = judge(checklist, Inspection(items=agreed.items | {"1.2": apart}))

    assert (verdict.outcome, verdict.clause) == ("", "")
    assert verdict.in_conflict == ("1.2",)
    with pytest.raises(Refused) as refused:
        settled(verdict)
    assert refused.value.reason is Reason.VERDICT_INCOMPLETE
    assert refused.value.details["in_conflict"] == "1.2"


def test_an_inadmissible_answer_is_no_answer_and_an_unknown_item_counts_for_nothing() -> None:
    checklist = small(keys=1, generals=2)

    verdict = judge(
        checklist, answered({"1.1": "perhaps", "1.2": "pass", "1.3": "pass", "9.9": "fail"})
    )

    assert verdict.unanswered == ("1.1", "1.3")
    assert verdict.failed == ()


def test_a_visit_is_not_called_too_short_while_it_goes_on() -> None:
    checklist = small(keys=1, generals=3, minimum="examined_min = { key = 1, general = 2 }")

    begun = judge(checklist, answered({"1.1": "pass"}))

    assert begun.unanswered == ("1.2", "1.3", "1.4")
    assert not begun.examined_short


def test_too_few_applicable_items_give_no_verdict() -> None:
    checklist = small(keys=1, generals=3, minimum="examined_min = { key = 1, general = 2 }")
    enough = {"1.1": "pass", "1.2": "pass", "1.3": "pass", "1.4": "na"}

    verdicts = [
        judge(checklist, answered(enough | changed))
        for changed in ({}, {"1.3": "na"}, {"1.1": "na"})
    ]

    assert [verdict.outcome for verdict in verdicts] == ["conform", "", ""]
    assert [verdict.examined_short for verdict in verdicts] == [False, True, True]
    with pytest.raises(Refused, match=r"verdict\.incomplete"):
        settled(verdicts[1])


@pytest.mark.parametrize(
    ("value", "fits"),
    [("-18", False), ("-0.01", False), ("-0", True), ("0", True), ("4.25", True), ("8", True),
     ("8.0", True), ("8.01", False)],
)  # fmt: skip
def test_limits_of_a_temperature_include_their_ends_and_are_compared_exactly(
    value: str, fits: bool
) -> None:
    chilled = COLD.item("2.2")
    assert chilled is not None

    ok = complies(chilled, Answer(value))

    assert ok is fits


def test_a_failed_item_that_needs_evidence_is_named_until_it_has_some() -> None:
    passed = {i.ref: "pass" if i.kind == "verdict" else "na" for i in COLD.items}
    failing = passed | {"2.1": "-15.5", "1.3": "fail"}

    bare = judge(COLD, answered(failing))
    proven = judge(COLD, answered(failing, proof=("2.1",)))

    assert bare.failed == ("1.3", "2.1")
    assert (bare.evidence_missing, proven.evidence_missing) == (("2.1",), ())
    assert bare.outcome == proven.outcome == "basic"
    assert settled(bare) is bare
    assert COLD.outcome(bare.outcome).handling == "rectify"


@pytest.mark.parametrize("checklist", [FOOD, COLD], ids=["food", "cold"])
def test_our_checklists_reach_each_of_their_outcomes(checklist: Checklist) -> None:
    cold = {"2.1": "-18", "2.2": "8", "2.3": "-12", "4.1": "4", "4.2": "-20"}
    fine = {i.ref: "pass" if i.kind == "verdict" else cold[i.ref] for i in checklist.items}
    keys = [i.ref for i in checklist.items if i.key and i.kind == "verdict"]

    outcomes = [
        judge(checklist, answered(fine | dict.fromkeys(keys[:failed], "fail"))).outcome
        for failed in range(3)
    ]

    assert outcomes == ["conform", "basic", "nonconform"]


@pytest.mark.parametrize(
    ("key_failed", "general_failed", "outcome"),
    [(0, 0, "conform"), (0, 1, "basic"), (0, 8, "basic"), (0, 9, "nonconform"),
     (1, 0, "nonconform"), (1, 8, "nonconform")],
)  # fmt: skip
def test_another_form_declares_another_rule_without_any_code(
    key_failed: int, general_failed: int, outcome: str
) -> None:
    """食品生产: one to eight general failures are basic, any key failure does not conform."""
    production = RULES.replace(
        'when = { key_failed = { max = "1" }, general_pass_percent = { min = "70" } }',
        'when = { key_failed = { max = "0" }, general_failed = { min = "1", max = "8" } }',
    )
    checklist = small(keys=2, generals=12, rules=production)
    values = {item.ref: "pass" for item in checklist.items} | {"1.14": "-20"}
    values |= {f"1.{n}": "fail" for n in range(1, key_failed + 1)}
    values |= {f"1.{n}": "fail" for n in range(3, general_failed + 3)}

    verdict = judge(checklist, answered(values))

    assert verdict.outcome == outcome
