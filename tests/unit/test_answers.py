"""The one text that each kind of answer is written in, and which answers agree."""

from typing import Any

import msgspec
import pytest

from sync import answers
from sync.answers import well_formed
from sync.checklist import Item, Text
from sync.merge import Recorded, fold
from sync.ops import Answer, SetAnswers, decode_op
from sync.refusals import Reason

ROW = {"goods": "米", "yuan": "39.90"}
STAMP: dict[str, Any] = {"n": 1, "e": "t", "w": 0, "m": 0, "boot": "b"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer("pass", "n" * 9_000),
        Answer("-17.5", kind="number", unit="°C", instrument="TH-2", probe="core", limit="<= -18"),
        Answer("0", kind="number"),
        Answer("0", kind="count"),
        Answer("999999999999", kind="count"),
        Answer("a", kind="choice"),
        Answer("a a.1 b-2", kind="choice"),
        Answer("后厨有积水", kind="text"),
        Answer("2024-02-29", kind="date"),
        Answer("2", kind="table", rows=(ROW, ROW)),
    ],
    ids=str,
)
def test_an_answer_in_its_one_form_is_well_formed(answer: Answer) -> None:
    assert well_formed(answer)


@pytest.mark.parametrize(
    "answer",
    [
        Answer("pass", unit="°C"),
        Answer("pass", rows=(ROW,)),
        Answer("a\0b"),
        Answer("1e3", kind="number"),
        Answer("+1", kind="number"),
        Answer("1.", kind="number"),
        Answer("１", kind="number"),
        Answer("1", kind="number", unit="\0"),
        Answer("1", kind="number", limit="x" * 2_001),
        Answer("01", kind="count"),
        Answer("-1", kind="count"),
        Answer("1", kind="count", unit="kg"),
        Answer("b a", kind="choice"),
        Answer("a a", kind="choice"),
        Answer("a  b", kind="choice"),
        Answer("", kind="choice"),
        Answer("A", kind="choice"),
        Answer("", kind="text"),
        Answer(" x", kind="text"),
        Answer("x" * 2_001, kind="text"),
        Answer("2023-02-29", kind="date"),
        Answer("20240229", kind="date"),
        Answer("2024-W09-4", kind="date"),
        Answer("0", kind="table"),
        Answer("1", kind="table", rows=(ROW, ROW)),
        Answer("2", kind="table", rows=(ROW, {"goods": "油"})),
        Answer("1", kind="table", rows=({},)),
        Answer("1", kind="table", rows=({"Yuan ": "1"},)),
        Answer("1", kind="table", rows=({"yuan": "\0"},)),
        Answer("1", kind="table", unit="kg", rows=(ROW,)),
        Answer("201", kind="table", rows=(ROW,) * 201),
        Answer("1", kind="table", rows=({f"c{n}": "" for n in range(31)},)),
    ],
    ids=lambda one: f"{one.kind} {one.v[:9]!r} {len(one.rows)}",
)
def test_an_answer_in_any_other_form_is_not(answer: Answer) -> None:
    assert not well_formed(answer)


def test_a_kind_that_nobody_knows_is_another_form() -> None:
    raw = msgspec.json.encode(SetAnswers(f={"1": Answer("1", kind="count")}, **STAMP))

    with pytest.raises(msgspec.ValidationError):
        decode_op(raw.replace(b'"count"', b'"colour"'))


WORDS = Text("x", "某")
COLD = Item("1", WORDS, WORDS, kind="temperature", maximum="-18", unit="°C", may_be_na=False)
ITEMS = {"1": COLD, "2": Item("2", WORDS, WORDS)}


@pytest.mark.parametrize(
    ("ref", "answer", "refusal"),
    [
        ("1", Answer("-19"), None),
        ("1", Answer("-19", kind="number", unit="°C", instrument="TH"), None),
        ("1", Answer("-19", kind="number", unit="°F"), Reason.ANSWER_INADMISSIBLE),
        ("1", Answer("-19", kind="number"), Reason.ANSWER_INADMISSIBLE),
        ("1", Answer("-19", kind="count"), Reason.ANSWER_INADMISSIBLE),
        ("1", Answer("na"), Reason.ANSWER_INADMISSIBLE),
        ("2", Answer("na"), None),
        ("2", Answer("pass"), None),
        ("2", Answer("pass", kind="text"), Reason.ANSWER_INADMISSIBLE),
        ("2", Answer("1", kind="number"), Reason.ANSWER_INADMISSIBLE),
        ("9", Answer("pass"), Reason.ITEM_UNKNOWN),
    ],
    ids=str,
)
def test_an_item_takes_answers_of_its_kind_in_its_unit(
    ref: str, answer: Answer, refusal: Reason | None
) -> None:
    assert answers.admits(ITEMS, ref, answer) is refusal


def agree(*answers: Answer) -> bool:
    ops = [
        Recorded(f"d{n}:1", f"{n:064}", "x", SetAnswers(f={"1": answer}, **STAMP))
        for n, answer in enumerate(answers)
    ]
    return not fold(ops).items["1"].conflict


def test_answers_agree_in_what_they_say_and_not_in_how_they_were_measured() -> None:
    one = Answer("-19", kind="number", unit="°C", instrument="A")

    assert agree(one, msgspec.structs.replace(one, instrument="B", note="x"), Answer("-19"))
    assert not agree(one, msgspec.structs.replace(one, v="-19.0"))
    assert not agree(
        Answer("1", kind="table", rows=(ROW,)),
        Answer("1", kind="table", rows=({**ROW, "yuan": "40.00"},)),
    )
