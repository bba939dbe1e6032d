"""Every table of a verdict, over all its combinations, against the rule written a second time."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from conftest import shared_data
from msgspec.structs import replace

from sync.checklist import (
    Bound,
    Checklist,
    Choice,
    Examined,
    Item,
    Rule,
    Section,
    Text,
    parse,
)
from sync.merge import Inspection, Said
from sync.merge import Item as Known
from sync.ops import AnswerKind
from sync.verdict import judge

FOLDER = Path(__file__).parents[2] / "fixtures" / "checklists"
FORMS = {path.stem: parse(path.read_bytes()) for path in sorted(FOLDER.glob("*.toml"))}
GRADED = [name for name, form in FORMS.items() if form.rules == FORMS["catering"].rules]
WORDS = Text("x", "某")

PRODUCTION = (  # 食品生产, as docs/explanation/verdict.md shows it
    Rule("no-problem", "conform", WORDS, {"failed": Bound(max="0")}),
    Rule(
        "few-problems",
        "basic",
        WORDS,
        {"key_failed": Bound(max="0"), "general_failed": Bound(min="1", max="8")},
    ),
    Rule("many-problems", "nonconform", WORDS),
)


def walled(form: Checklist, *, keys: int, generals: int) -> Checklist:
    """Ask so many key and general items, all of which may be not applicable, by a form's rules."""
    items = [Item(f"1.{n}", WORDS, WORDS, key=n <= keys) for n in range(1, keys + generals + 1)]
    return replace(form, sections=(Section(WORDS, tuple(items)),))


@cache
def said(word: str, kind: AnswerKind = "") -> Known:
    return Known(word, (Said("d:1", "w", word, "", kind),))


def outcome(form: Checklist, *, keys: tuple[int, int], generals: tuple[int, int]) -> str:
    """Judge (checked, failed) key and general items of a form, the others not applicable."""
    answers: dict[str, Known] = {}
    for item in form.items:
        checked, failed = keys if item.key else generals
        word = "fail" if failed > 0 else "pass" if checked > 0 else "na"
        answers[item.ref] = said(word)
        if item.key:
            keys = checked - 1, failed - 1
        else:
            generals = checked - 1, failed - 1
    return judge(form, Inspection(items=answers)).outcome


def grade_2016(key_failed: int, general_failed: int, general_checked: int) -> str:
    """domain.md 2.1 in words; what it leaves open as docs/explanation/verdict.md decides."""
    rate = Fraction(general_checked - general_failed, general_checked) if general_checked else 1
    if key_failed >= 2 or rate < Fraction(7, 10):
        return "nonconform"  # 重点项2项及以上不合格，或一般项合格率低于70%
    if key_failed + general_failed == 0:
        return "conform"  # 未发现问题
    return "basic"  # also one key item alone, which no clause of the form names


def grade_production(key_failed: int, general_failed: int) -> str:
    """食品生产: 1-8 general failures are basic; more, or any key failure, do not conform."""
    if key_failed > 0 or general_failed > 8:
        return "nonconform"
    return "basic" if general_failed > 0 else "conform"


def triples(keys: int, generals: int) -> Iterator[tuple[int, int, int]]:
    """Walk every (key failed, general failed, general checked)."""
    for key_failed, checked in product(range(keys + 1), range(generals + 1)):
        for general_failed in range(checked + 1):
            yield key_failed, general_failed, checked


def test_the_national_forms_are_graded_by_one_rule() -> None:
    assert {"catering", "food_sales", "food_sales_2026_2", "cold_store"} <= set(GRADED)


@pytest.mark.parametrize("name", GRADED)
def test_every_triple_of_a_graded_form_gets_the_grade_of_the_rule(name: str) -> None:
    counts = [item.key for item in FORMS[name].items]
    keys, generals = counts.count(True), min(counts.count(False), 23)
    least = FORMS[name].examined_min
    form = walled(FORMS[name], keys=keys, generals=generals)

    found = {
        (key_failed, failed, checked): outcome(
            form, keys=(keys, key_failed), generals=(checked, failed)
        )
        for key_failed, failed, checked in triples(keys, generals)
    }

    assert found == {
        (key_failed, failed, checked): grade_2016(key_failed, failed, checked)
        if checked >= least.general
        else ""  # 每次检查一般项不少于规定数
        for key_failed, failed, checked in triples(keys, generals)
    }


def test_every_number_of_key_items_checked_gets_its_grade_or_none() -> None:
    form = walled(FORMS["catering"], keys=7, generals=10)

    found = {
        (checked, failed): outcome(form, keys=(checked, failed), generals=(10, 1))
        for checked in range(8)
        for failed in range(checked + 1)
    }

    assert found == {
        (checked, failed): grade_2016(failed, 1, 10) if checked >= 3 else ""
        for checked in range(8)
        for failed in range(checked + 1)
    }


def test_without_any_general_item_the_key_items_decide_alone() -> None:
    form = replace(walled(FORMS["catering"], keys=7, generals=5), examined_min=Examined())

    found = [outcome(form, keys=(7, failed), generals=(0, 0)) for failed in range(8)]

    assert found == ["conform", "basic", *["nonconform"] * 6]


def test_every_triple_of_food_production_gets_the_grade_of_its_rule() -> None:
    form = walled(
        replace(FORMS["catering"], rules=PRODUCTION, examined_min=Examined(key=10, general=10)),
        keys=10,
        generals=20,
    )

    found = {
        (key_failed, failed, checked): outcome(
            form, keys=(10, key_failed), generals=(checked, failed)
        )
        for key_failed, failed, checked in triples(10, 20)
    }

    assert found == {
        (key_failed, failed, checked): grade_production(key_failed, failed) if checked >= 10 else ""
        for key_failed, failed, checked in triples(10, 20)
    }


# -- 英国与纽约: scoring is data -------------------------------------------------------------------


def rated(*answers: str) -> str:
    """Judge a visit of the UK-style form by its three scores."""
    form = FORMS["fhrs_style"]
    told = dict(zip(("1.3", "2.1", "3.2"), answers, strict=True))
    items = {item.ref: said("说明", "text") for item in form.items if item.kind == "text"}
    items |= {"1.1": said("none", "choice"), "3.1": said("2026-01-31", "date")}
    items |= {ref: said(answer, "choice") for ref, answer in told.items()}
    return judge(form, Inspection(items=items)).outcome


def test_every_row_of_the_table_of_food_hygiene_ratings_is_reproduced() -> None:
    table = (shared_data() / "test_vectors" / "fhrs_rating_table.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines()[1:]]

    found = [rated(*(f"s{points}" for points in row[:3])) for row in rows]

    assert len(rows) == 180
    assert found == [row[3] for row in rows]


def test_every_combination_of_scores_that_may_be_given_is_in_that_table() -> None:
    scored = [item for item in FORMS["fhrs_style"].items if "rated" in item.tags]

    points = [tuple(choice.points for choice in item.choices) for item in scored]

    assert points == [(0, 5, 10, 15, 20, 25), (0, 5, 10, 15, 20, 25), (0, 5, 10, 20, 30)]
    assert 6 * 6 * 5 == 180


def test_every_number_of_points_gets_its_letter() -> None:
    choices = tuple(Choice(f"p{n}", WORDS, "no" if n else "yes", n) for n in range(61))
    item = Item("1.1", WORDS, WORDS, kind="choice", choices=choices, tags=("general",))
    form = replace(FORMS["nyc_style"], sections=(Section(WORDS, (item,)),))

    found = [judge(form, Inspection(items={"1.1": said(f"p{n}", "choice")})) for n in range(61)]

    assert [one.outcome for one in found] == [
        "a" if n <= 13 else "b" if n <= 27 else "c" for n in range(61)
    ]
    assert [one.scores["points"] for one in found] == [str(n) for n in range(61)]


def test_points_grow_with_the_condition_and_start_where_the_kind_of_violation_starts() -> None:
    form = FORMS["nyc_style"]
    least = {"hazard": 7, "critical": 5, "general": 2}

    levels = [
        (item.tags[0], [choice.points for choice in item.choices])
        for item in form.items
        if item.kind == "choice"
    ]

    assert {kind for kind, _ in levels} == set(least)
    for kind, points in levels:
        assert points[:2] == [0, least[kind]]
        assert points == sorted(set(points))
        assert len(points) == 6


def test_violations_of_a_visit_add_up_across_sections() -> None:
    form = FORMS["nyc_style"]
    levels = {"1.3": "level2", "2.2": "level1", "3.1": "level1"}  # 8 + 5 + 2
    items = {
        item.ref: said(v, "choice")
        for item in form.items
        if item.kind == "choice"
        for v in [levels.get(item.ref, "ok")]
    }

    verdict = judge(form, Inspection(items=items))

    assert verdict.outcome == "b"
    assert verdict.scores == {"points": "15", "hazards": "1", "critical": "1"}
    assert verdict.not_asked == ("1.2",)
    assert verdict.failed == ("1.3", "2.2", "3.1")
