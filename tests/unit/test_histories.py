"""历史情况: what failed before must be answered again, wherever it is still asked."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from backend.rules.histories import Past, history_of, must_again, offences_of
from sync import checklist
from sync.checklist import Text
from sync.history import VISITS, Found, History, Visit

FORMS = Path(__file__).parents[2] / "fixtures" / "checklists"
COLD = checklist.parse((FORMS / "cold_store.toml").read_bytes())
FOOD = checklist.parse((FORMS / "food_sales.toml").read_bytes())
SHORTER = replace(COLD, version="2027.1", sections=COLD.sections[1:])  # without 1.1 to 1.3
DAY = date(2026, 3, 2)


def past(
    form: str,
    *failed: str,
    n: int = 1,
    codes: tuple[str, ...] = (),
    unseen: tuple[str, ...] | None = None,
) -> Past:
    found = tuple(Found("x", code) for code in codes)
    day = DAY - timedelta(days=n)
    return Past(Visit(f"v{n}", day, "draw", form, Text("a", "b"), failed, found), form, unseen)


OWN, OTHER = COLD.code, FOOD.code
FIRST = next(item.ref for item in FOOD.items)


@pytest.mark.parametrize(
    ("visits", "forms", "must"),
    [
        ((), (COLD,), ()),
        ((past(OWN, "1.1", "3.4"),), (COLD,), ("1.1", "3.4")),
        ((past(OWN, "1.1", "3.4"),), (SHORTER,), ("3.4",)),  # 1.1 is asked no more
        ((past(OTHER, "1.1"),), (COLD,), ()),  # 1.1 of another form is another question
        ((past(OWN), past(OWN, "3.4", n=2)), (COLD,), ()),  # put right since
        ((past(OTHER, FIRST), past(OWN, "3.4", n=2)), (COLD,), ("3.4",)),
        ((past(OTHER, FIRST), past(OWN, "3.4", n=2)), (COLD, FOOD), None),
        ((past(OTHER, f"{OWN}@2025.1/3.4"),), (COLD,), ("3.4",)),  # a partner brought it then
    ],
)
def test_what_failed_on_the_last_visit_of_a_form_is_asked_again(
    visits: tuple[Past, ...], forms: tuple[checklist.Checklist, ...], must: tuple[str, ...] | None
) -> None:
    expected = ("3.4", checklist.named(FOOD, FIRST)) if must is None else must

    assert must_again(visits, forms) == expected


@pytest.mark.parametrize(
    ("visits", "must"),
    [
        ((past(OWN, unseen=("1.1",)), past(OWN, "1.1", "3.4", n=2)), ("1.1",)),
        ((past(OWN, "3.4", unseen=("1.1",)), past(OWN, "1.1", "3.4", n=2)), ("3.4", "1.1")),
        ((past(OWN, "1.2", unseen=("1.1",)), past(OWN, "1.1", n=2)), ("1.2", "1.1")),  # added
        (
            (
                past(OWN, unseen=("1.1", "1.2")),
                past(OWN, unseen=("1.2", "3.4"), n=2),
                past(OWN, "1.1", "1.2", "3.4", n=3),
            ),
            ("1.2",),
        ),
        ((past(OWN, unseen=("1.1",)), past(OWN, n=2), past(OWN, "1.1", n=3)), ()),
        ((past(OWN, unseen=("1.1",)), past(OTHER, "1.1", n=2), past(OWN, "1.1", n=3)), ("1.1",)),
        ((past(OWN, unseen=("1.1",)),), ()),
        (  # a partner's items are told by their names
            (
                past(OTHER, f"{OWN}@1/3.4", unseen=(f"{OWN}@1/1.1", "1.2")),
                past(OTHER, f"{OWN}@1/1.1", f"{OWN}@1/1.2", n=2),
            ),
            ("3.4", "1.1"),
        ),
    ],
)
def test_what_a_recheck_left_alone_is_as_the_visit_before_found_it(
    visits: tuple[Past, ...], must: tuple[str, ...]
) -> None:
    assert must_again(visits, (COLD,)) == must


def test_every_visit_tells_each_of_its_violations_once() -> None:
    some = [past(OWN, n=1, codes=("b", "a", "b")), past(OWN, n=400, codes=("a", ""))]

    found = offences_of(some, since=DAY - timedelta(days=399))

    assert [(one.violation, one.inspection) for one in found] == [("a", "v1"), ("b", "v1")]


def test_a_history_has_the_last_visits_and_all_their_offences() -> None:
    some = [past(OWN, n=n, codes=("a",)) for n in range(1, 6)]

    made = history_of(some, History(DAY, "B", ""), visits=VISITS, today=DAY)

    assert [one.id for one in made.visits] == ["v1", "v2", "v3"]
    assert [one.inspection for one in made.offences] == ["v1", "v2", "v3", "v4", "v5"]
