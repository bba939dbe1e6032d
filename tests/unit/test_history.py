"""历史情况: it stays small, and loses the oldest and least important first."""

from datetime import date

import msgspec
import pytest

from sync import history
from sync.checklist import Text
from sync.history import Found, Grievance, History, Offence, Order, Permit, Visit

DAY = date(2026, 3, 2)


def full(many: int) -> History:
    words = "查" * history.TEXT_MAX
    return History(
        as_of=DAY,
        risk="C",
        credit_class="B",
        visits=tuple(
            Visit(f"v{n}", DAY, "draw", "form 1", Text("a", "b"), ("1.1",) * many,
                  tuple(Found(f"{words}{m}", "price-01") for m in range(many)))
            for n in range(3)
        ),
        offences=tuple(Offence("price-01", f"v{n}", DAY) for n in range(many)),
        orders=tuple(Order(f"v{n}", ("1.1",), DAY) for n in range(many)),
        permits=tuple(Permit(f"JY{n}", "food-operation", "active", DAY) for n in range(many)),
        complaints=tuple(Grievance(f"{n}", "report", DAY, words, "open") for n in range(many)),
    )  # fmt: skip


@pytest.mark.parametrize("many", [0, 1, 10, 60, 300])
@pytest.mark.parametrize("size", [300, 2_000, history.BYTES_MAX])
def test_a_history_never_exceeds_its_bytes(many: int, size: int) -> None:
    made = history.fit(full(many), size)

    assert len(msgspec.json.encode(made)) <= max(size, 700 if many <= 1 else size)


def test_a_history_that_fits_loses_nothing() -> None:
    assert history.fit(full(4)) == full(4)


def test_complaints_go_before_licences_and_what_is_open_stays() -> None:
    whole = full(60)

    made = history.fit(whole)

    assert made.complaints == ()
    assert made.offences == whole.offences
    assert made.orders == whole.orders
    assert [one.id for one in made.visits] == ["v0", "v1", "v2"]
    assert len(made.visits[0].findings) >= len(made.visits[2].findings)


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert history.shorten("短") == "短"
    assert len(history.shorten("长" * 500)) == history.TEXT_MAX
    assert history.shorten("长" * 500).endswith("…")
