"""Which answers each kind of item takes, and whether they comply."""

from typing import Any

import pytest

from sync.answers import admits, plain
from sync.checklist import Choice, Column, Item, Limit, Text
from sync.ops import Answer
from sync.refusals import Reason
from sync.scores import complies, weigh

WORDS = Text("x", "某")
NO = Reason.ANSWER_INADMISSIBLE


def item(**more: Any) -> Item:
    return Item("1", WORDS, WORDS, **more)


CORE = item(
    kind="temperature",
    unit="°C",
    probe=True,
    instrument=True,
    limits=(Limit("frozen", WORDS, maximum="-18"), Limit("chilled", WORDS, "0", "4")),
)
READ = {"kind": "number", "unit": "°C", "instrument": "TH-7", "probe": "core"}
PH = item(kind="number", minimum="4.6", maximum="8")
WEIGHT = item(kind="number", unit="g", may_be_na=False)
COUNT = item(kind="count", maximum="2")
PICK = item(
    kind="choice",
    several=True,
    choices=(
        Choice("clean", WORDS, "yes"),
        Choice("mould", WORDS, "no", 5),
        Choice("rats", WORDS, "no", 7),
        Choice("closed", WORDS, "na"),
        Choice("other", WORDS),
    ),
)
ONE = item(kind="choice", choices=PICK.choices)
PRICES = item(
    kind="table",
    columns=(
        Column("goods", WORDS, required=True),
        Column("bought", WORDS, "number", "元", required=True),
        Column("price", WORDS, "number", "元", maximum="35", over="bought"),
    ),
)
ROOMS = item(
    kind="table",
    columns=(
        Column("room", WORDS, required=True),
        Column(
            "sort",
            WORDS,
            "choice",
            choices=(Choice("chilled", WORDS), Choice("dry", WORDS), Choice("frozen", WORDS)),
        ),
        Column("degrees", WORDS, "number", "°C", limits=CORE.limits, by="sort"),
        Column("since", WORDS, "date"),
        Column("doors", WORDS, "count", maximum="2"),
        Column("state", WORDS, "choice", choices=PICK.choices),
    ),
)


def priced(*rows: tuple[str, str, str]) -> Answer:
    cells = tuple({"goods": a, "bought": b, "price": c} for a, b, c in rows)
    return Answer(str(len(rows)), kind="table", rows=cells)


def room(**cells: str) -> Answer:
    empty = {"room": "1", "sort": "", "degrees": "", "since": "", "doors": "", "state": ""}
    return Answer("1", kind="table", rows=({**empty, **cells},))


@pytest.mark.parametrize(
    ("asked", "answer", "ok"),
    [
        (CORE, Answer("-18", limit="frozen", **READ), True),
        (CORE, Answer("-17.99", limit="frozen", **READ), False),
        (CORE, Answer("-18", limit="chilled", **READ), False),
        (CORE, Answer("0", limit="chilled", **READ), True),
        (CORE, Answer("4.0", limit="chilled", **READ), True),
        (CORE, Answer("4.01", limit="chilled", **READ), False),
        (CORE, Answer("na"), None),
        (PH, Answer("4.6"), True),
        (PH, Answer("8.1", kind="number"), False),
        (PH, Answer("8.0", kind="number", instrument="P", limit="by the label"), True),
        (WEIGHT, Answer("125", kind="number", unit="g"), None),
        (COUNT, Answer("2", kind="count"), True),
        (COUNT, Answer("3", kind="count"), False),
        (item(kind="count"), Answer("3", kind="count"), None),
        (PICK, Answer("clean", kind="choice"), True),
        (PICK, Answer("clean other", kind="choice"), True),
        (PICK, Answer("clean mould", kind="choice"), False),
        (PICK, Answer("closed", kind="choice"), None),
        (PICK, Answer("clean closed", kind="choice"), True),
        (PICK, Answer("other", kind="choice"), None),
        (ONE, Answer("rats", kind="choice"), False),
        (item(kind="text"), Answer("门口有积水", kind="text"), None),
        (item(kind="text"), Answer("na", kind="text"), None),
        (item(kind="date"), Answer("2026-11-22", kind="date"), None),
        (PRICES, priced(("rice", "10", "13.5")), True),
        (PRICES, priced(("rice", "10", "13.51")), False),
        (PRICES, priced(("rice", "10", "9"), ("oil", "60", "61")), True),
        (PRICES, priced(("rice", "10", "9"), ("oil", "60", "90")), False),
        (PRICES, priced(("rice", "0", "9")), False),
        (PRICES, priced(("rice", "10", "")), None),
        (ROOMS, room(sort="frozen", degrees="-18"), True),
        (ROOMS, room(sort="frozen", degrees="-15"), False),
        (ROOMS, room(sort="chilled", degrees="-1"), False),
        (ROOMS, room(sort="dry", degrees="30"), None),
        (ROOMS, room(degrees="30"), None),
        (ROOMS, room(doors="3", sort="frozen", degrees="-20"), False),
        (ROOMS, room(since="2026-02-28"), None),
        (ROOMS, room(state="clean"), True),
        (ROOMS, room(state="rats"), False),
        (ROOMS, room(state="other"), None),
        (item(kind="photo"), Answer("na"), None),
        (item(), Answer("pass"), True),
        (item(), Answer("fail", note="expired"), False),
    ],
    ids=str,
)
def test_an_answer_of_its_kind_is_taken_and_complies_within_the_limit_that_applied(
    asked: Item, answer: Answer, ok: bool | None
) -> None:
    assert admits({"1": asked}, "1", answer) is None
    assert complies(asked, answer) is ok


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (CORE, Answer("-18", **READ)),  # which limit applied?
        (CORE, Answer("-18", limit="warm", **READ)),
        (CORE, Answer("-18")),
        (CORE, Answer("-18", limit="frozen", **(READ | {"probe": " "}))),
        (CORE, Answer("-18", limit="frozen", **(READ | {"instrument": ""}))),
        (CORE, Answer("-18", limit="frozen", **(READ | {"unit": "°F"}))),
        (PH, Answer("4.6", kind="number", unit="pH")),
        (PH, Answer("5", kind="count")),
        (WEIGHT, Answer("na")),
        (COUNT, Answer("2")),
        (COUNT, Answer("1.5", kind="count")),
        (ONE, Answer("clean rats", kind="choice")),
        (ONE, Answer("clean")),
        (PICK, Answer("clean mice", kind="choice")),
        (item(kind="text"), Answer("门口有积水")),
        (item(kind="date"), Answer("2026-02-30", kind="date")),
        (item(kind="photo"), Answer("pass")),
        (item(kind="photo"), Answer("x", kind="text")),
        (item(kind="signature"), Answer("pass")),
        (item(kind="photo", may_be_na=False), Answer("na")),
        (PRICES, priced(("", "10", "13.5"))),
        (PRICES, priced(("rice", "", "13.5"))),
        (PRICES, priced(("rice", "ten", "13.5"))),
        (PRICES, Answer("1", kind="table", rows=({"goods": "rice", "bought": "1"},))),
        (PRICES, Answer("1", kind="table", rows=({"g": "r", "bought": "1", "price": "1"},))),
        (
            PRICES,
            Answer(
                "1",
                kind="table",
                rows=({"goods": "r", "bought": "1", "price": "1", "more": "1"},),
            ),
        ),
        (PRICES, Answer("1")),
        (ROOMS, room(sort="warm")),
        (ROOMS, room(since="yesterday")),
        (ROOMS, room(doors="-1")),
        (ROOMS, room(state="clean rats")),
        (item(), Answer("clean", kind="choice")),
    ],
    ids=str,
)
def test_what_an_item_does_not_take_is_refused(asked: Item, answer: Answer) -> None:
    assert admits({"1": asked}, "1", answer) is NO


def test_not_applicable_wants_a_remark_where_the_form_says_so() -> None:
    strict = {"1": item(na_remark=True), "2": item(kind="count", na_remark=True), "3": item()}

    bare = [admits(strict, ref, Answer("na")) for ref in strict]
    blank = [admits(strict, ref, Answer("na", note=" ")) for ref in strict]
    noted = [admits(strict, ref, Answer("na", note="no cold dishes here")) for ref in strict]

    assert bare == blank == [NO, NO, None]
    assert noted == [None, None, None]
    assert admits(strict, "1", Answer("pass")) is None


def test_no_word_is_taken_for_an_answer_without_asking_unless_it_always_is_one() -> None:
    items = {
        "1": item(),
        "2": item(may_be_na=False),
        "3": item(na_remark=True),
        "4": item(kind="text"),
        "5": CORE,
        "6": item(kind="photo", may_be_na=False),
    }

    words = plain(items)

    assert words == {
        "1": {"pass", "fail", "na"},
        "2": {"pass", "fail"},
        "3": {"pass", "fail"},
        "4": {"na"},
        "5": {"na"},
        "6": set(),
    }


@pytest.mark.parametrize(
    ("asked", "answer", "amount", "points"),
    [
        (item(points=4), Answer("fail"), "fail", 4),
        (item(points=4), Answer("pass"), "pass", 0),
        (item(points=4), Answer("na"), "na", 0),
        (PICK, Answer("mould rats", kind="choice"), "fail", 12),
        (PICK, Answer("closed", kind="choice"), "na", 0),
        (PICK, Answer("other", kind="choice"), "", 0),
    ],
    ids=str,
)
def test_points_are_lost_by_failing_or_by_what_was_chosen(
    asked: Item, answer: Answer, amount: str, points: int
) -> None:
    weighed = weigh(asked, answer)

    assert (weighed.amount, weighed.points) == (amount, points)
