"""得分: the figures of a checklist, and what rounding and inapplicable items do to them."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sync.checklist import (
    Bound,
    Checklist,
    Choice,
    Item,
    Outcome,
    Rule,
    Score,
    Section,
    Text,
)
from sync.merge import Inspection, Said
from sync.merge import Item as Known
from sync.refusals import Refused
from sync.verdict import judge, settled

W = Text("x", "某")
QUANTIFIED = Score("score", W, "percent")  # 量化分级: 实得/应得×100, to one decimal


def item(ref: str, **more: Any) -> Item:
    return Item(ref, W, W, **more)


def graded(*items: Item, scores: tuple[Score, ...] = (QUANTIFIED,)) -> Checklist:
    """量化分级: 90 and more 优秀, 75 良好, 60 一般."""
    bands = (("excellent", "90"), ("good", "75"), ("fair", "60"))
    return Checklist(
        code="f",
        version="1",
        title=W,
        sections=(Section(W, items),),
        outcomes=tuple(Outcome(code, W, "none") for code, _ in (*bands, ("poor", "0"))),
        rules=(
            *(Rule(code, code, W, {"score": Bound(min=least)}) for code, least in bands),
            Rule("poor", "poor", W),
        ),
        scores=scores,
    )


def visit(values: dict[str, str]) -> Inspection:
    return Inspection(
        items={
            ref: Known(
                v, (Said("d:1", "w", v, "", "" if v in ("pass", "fail", "na") else "choice"),)
            )
            for ref, v in values.items()
        }
    )


def test_the_quantified_score_over_all_answers_leaves_the_inapplicable_out_of_its_denominator() -> (
    None
):
    weights = {"1": 40, "2": 25, "3": 20, "4": 10, "5": 5}
    form = graded(*(item(ref, weight=weight) for ref, weight in weights.items()))
    for words in product(("pass", "fail", "na"), repeat=5):
        said = dict(zip(weights, words, strict=True))
        due = 100 - sum(weights[ref] for ref, word in said.items() if word == "na")
        got = sum(weights[ref] for ref, word in said.items() if word == "pass")

        verdict = judge(form, visit(said))

        if due == 0:
            assert (verdict.scores, verdict.outcome) == ({"score": ""}, "")
            continue
        score = (Decimal(got) * 100 / due).quantize(Decimal("0.1"), ROUND_HALF_UP)
        assert verdict.scores == {"score": str(score)}
        grade = next(
            code
            for code, least in (("excellent", 90), ("good", 75), ("fair", 60), ("poor", 0))
            if score >= least
        )
        assert verdict.outcome == grade


def test_a_percentage_of_nothing_gives_no_verdict_though_every_item_is_answered() -> None:
    form = graded(item("1"), item("2"))

    verdict = judge(form, visit({"1": "na", "2": "na"}))

    assert (verdict.unanswered, verdict.examined_short) == ((), True)
    with pytest.raises(Refused, match=r"verdict\.incomplete"):
        settled(verdict)


def test_a_percentage_of_nothing_that_no_rule_asks_for_stops_nothing() -> None:
    aside = Score("aside", W, "percent", ("cold",))
    form = graded(item("1"), item("2", tags=("cold",)), scores=(QUANTIFIED, aside))

    verdict = judge(form, visit({"1": "pass", "2": "na"}))

    assert verdict.scores == {"score": "100.0", "aside": ""}
    assert verdict.outcome == "excellent"


@pytest.mark.parametrize(
    ("rounding", "decimals", "expected"),
    [("half-up", 1, "90.0"), ("half-even", 1, "90.0"), ("down", 1, "89.9"), ("half-up", 2, "89.95"),
     ("half-up", 0, "90")],
)  # fmt: skip
def test_the_grade_is_that_of_the_rounded_score_as_the_form_declares(
    rounding: Any, decimals: int, expected: str
) -> None:
    score = replace(QUANTIFIED, rounding=rounding, decimals=decimals)
    form = graded(
        item("1", weight=1000),
        item("2", weight=799),
        item("3", weight=201),
        scores=(score,),
    )

    verdict = judge(form, visit({"1": "pass", "2": "pass", "3": "fail"}))

    assert verdict.scores == {"score": expected}
    assert verdict.outcome == ("excellent" if float(expected) >= 90 else "good")


def test_a_half_is_rounded_to_even_only_where_the_form_says_so() -> None:
    form = graded(item("1", weight=1), item("2", weight=799))
    scores = [
        replace(QUANTIFIED, code=f"s{n}", decimals=1, rounding=how)
        for n, how in enumerate(("half-up", "half-even", "down"))
    ]
    form = replace(form, scores=(QUANTIFIED, *scores))

    found = judge(form, visit({"1": "fail", "2": "pass"})).scores  # 99.875
    two = judge(
        replace(form, scores=tuple(replace(one, decimals=2) for one in form.scores)),
        visit({"1": "fail", "2": "pass"}),
    ).scores

    assert found == {"score": "99.9", "s0": "99.9", "s1": "99.9", "s2": "99.8"}
    assert two == {"score": "99.88", "s0": "99.88", "s1": "99.88", "s2": "99.87"}
    assert Decimal("99.865").quantize(Decimal("0.01"), ROUND_HALF_EVEN) == Decimal("99.86")


def test_points_may_take_a_part_of_a_weight_and_never_more_than_all_of_it() -> None:
    choices = (Choice("ok", W, "yes"), Choice("part", W, "no", 2), Choice("bad", W, "no", 9))
    form = graded(
        item("1", kind="choice", choices=choices, weight=5),
        item("2", weight=3, points=1),
        item("3", weight=2),
    )

    found = [
        judge(form, visit(dict(zip("123", words, strict=True)))).scores["score"]
        for words in (
            ("ok", "pass", "pass"),  # 10 of 10
            ("part", "pass", "pass"),  # 8
            ("bad", "pass", "pass"),  # 5
            ("ok", "fail", "pass"),  # 9
            ("ok", "fail", "fail"),  # 7
            ("part", "na", "fail"),  # 3 of 7
        )
    ]

    assert found == ["100.0", "80.0", "50.0", "90.0", "70.0", "42.9"]


def test_scores_count_the_items_of_their_tags() -> None:
    tags = ("key",), ("general",), ("cold",), ("key", "cold"), ()
    scores = tuple(
        Score(f"{how}{n}", W, how, own)
        for n, own in enumerate(tags)
        for how in ("sum", "max", "failed", "passed", "checked")
    )
    form = graded(
        item("1", key=True, points=3),
        item("2", key=True, points=4, tags=("cold",)),
        item("3", points=5, tags=("cold",)),
        item("4", points=6),
        item("5", points=7),
        scores=(QUANTIFIED, *scores),
    )

    found = judge(form, visit({"1": "fail", "2": "fail", "3": "pass", "4": "fail", "5": "na"}))

    rows = {
        n: [found.scores[f"{how}{n}"] for how in ("sum", "max", "failed", "passed", "checked")]
        for n in range(5)
    }
    assert rows == {
        0: ["7", "4", "2", "0", "2"],
        1: ["6", "6", "1", "1", "2"],
        2: ["4", "4", "1", "1", "2"],
        3: ["7", "4", "2", "1", "3"],
        4: ["13", "6", "3", "1", "4"],
    }


def test_the_tag_of_a_section_is_that_of_its_items() -> None:
    form = graded(item("1"), scores=(QUANTIFIED, Score("n", W, "failed", ("cold",))))
    form = replace(form, sections=(*form.sections, Section(W, (item("2"),), tags=("cold",))))

    found = judge(form, visit({"1": "fail", "2": "fail"}))

    assert found.scores["n"] == "1"


@given(st.lists(st.tuples(st.integers(0, 100), st.sampled_from(["pass", "fail", "na"]))))
def test_no_failure_ever_raises_a_score(rows: list[tuple[int, str]]) -> None:
    form = graded(item("1"), *(item(f"2.{n + 1}", weight=w) for n, (w, _) in enumerate(rows)))
    said = {"1": "pass", **{f"2.{n + 1}": word for n, (_, word) in enumerate(rows)}}
    before = judge(form, visit(said)).scores["score"]

    for ref in said:
        after = judge(form, visit({**said, ref: "fail"})).scores["score"]

        if said[ref] == "pass":
            assert Decimal(after) <= Decimal(before)
        assert 0 <= Decimal(after) <= 100
