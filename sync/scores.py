"""得分: the figures that a checklist declares, made of what its items amount to. Pure.

An answer amounts to a pass or a failure, to nothing (it only tells), or takes its item out.
"""

from collections.abc import Collection, Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal, assert_never

from msgspec import Struct

from sync.answers import Reply, is_na, measured
from sync.checklist import Bound, Checklist, Choice, Column, Item, Limit, Score

Amount = Literal["pass", "fail", "na", ""]
ROUNDING = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


class Weighed(Struct, frozen=True):
    """An item with what its admissible answer amounts to and the points it costs."""

    item: Item
    amount: Amount
    points: int = 0


def weigh(item: Item, answer: Reply) -> Weighed:
    """Weigh an admissible answer to an item; limits include their ends."""
    if is_na(answer):
        return Weighed(item, "na")
    match item.kind:
        case "verdict":
            return _weighed(item, answer.v == "pass")
        case "number" | "temperature":
            named = next((one for one in item.limits if one.code == answer.limit), item)
            return _weighed(item, _within_limits(named, answer.v))
        case "count":
            return _weighed(item, _within_limits(item, answer.v))
        case "choice":
            chosen = [one for one in item.choices if one.code in answer.v.split(" ")]
            return Weighed(item, _chosen(chosen), sum(one.points for one in chosen))
        case "table":
            said = [cell for row in answer.rows for cell in _row(item.columns, row)]
            return _weighed(item, all(said) if said else None)
        case "text" | "date" | "photo" | "signature":
            return Weighed(item, "")
        case _:
            assert_never(item.kind)


def failing(item: Item, answer: Reply) -> tuple[dict[str, str], ...]:
    """Give the rows of a table in which something does not comply."""
    return tuple(row for row in answer.rows if not all(_row(item.columns, row)))


def complies(item: Item, answer: Reply) -> bool | None:
    """Tell whether an admissible answer complies; None when it says nothing about that."""
    return {"pass": True, "fail": False}.get(weigh(item, answer).amount)


def within(bound: Bound, value: Fraction) -> bool:
    """Tell whether a figure is within a bound, both ends included."""
    return _between(bound.min, bound.max, value)


def score(wanted: Score, weighed: Iterable[Weighed], tags: dict[str, Collection[str]]) -> str:
    """Work out a score as decimal text; a percentage of nothing is empty."""
    among = {item for item, own in tags.items() if not wanted.tags or set(own) & set(wanted.tags)}
    those = [one for one in weighed if one.item.ref in among and one.amount != "na"]
    match wanted.how:
        case "sum":
            return str(sum(one.points for one in those))
        case "max":
            return str(max((one.points for one in those), default=0))
        case "percent":
            return _percent(wanted, those)
        case "failed":
            return str(sum(one.amount == "fail" for one in those))
        case "passed":
            return str(sum(one.amount == "pass" for one in those))
        case "checked":
            return str(sum(one.amount != "" for one in those))
        case _:
            assert_never(wanted.how)


def tags_of(checklist: Checklist) -> dict[str, Collection[str]]:
    """Give the tags of every item: its own, its section's, and key or general."""
    return {
        item.ref: {*item.tags, *section.tags, "key" if item.key else "general"}
        for section in checklist.sections
        for item in section.items
    }


def _percent(wanted: Score, those: list[Weighed]) -> str:
    """实得分/应得分×100: what is left of the weights of the items that were weighed."""
    rated = [one for one in those if one.amount]
    due = sum(one.item.weight for one in rated)
    if due == 0:
        return ""
    got = sum(one.item.weight - min(_lost(one), one.item.weight) for one in rated)
    exact = Fraction(100 * got, due)
    step = Decimal(1).scaleb(-wanted.decimals)
    whole = Decimal(exact.numerator) / Decimal(exact.denominator)
    return str(whole.quantize(step, rounding=ROUNDING[wanted.rounding]))


def _lost(one: Weighed) -> int:
    return one.item.weight if one.amount == "fail" and one.points == 0 else one.points


def _weighed(item: Item, ok: bool | None) -> Weighed:
    if ok is None:
        return Weighed(item, "")
    return Weighed(item, "pass") if ok else Weighed(item, "fail", item.points)


def _chosen(chosen: list[Choice]) -> Amount:
    """One bad choice fails the item, whatever else was chosen."""
    said = {one.complies for one in chosen}
    if "no" in said:
        return "fail"
    if "yes" in said:
        return "pass"
    return "na" if said == {"na"} else ""


def _within_limits(limits: Item | Limit | Column, value: str) -> bool | None:
    if (limits.minimum, limits.maximum) == (None, None):
        return None
    return _between(limits.minimum, limits.maximum, Fraction(Decimal(value)))


def _row(columns: tuple[Column, ...], row: dict[str, str]) -> list[bool]:
    """Tell of every cell that has a limit in its row whether it is within it."""
    said: list[bool] = []
    for one in columns:
        value = row[one.code]
        if one.kind == "choice":
            complying = {choice.code: choice.complies for choice in one.choices}
            said += [complying[value] == "yes"] if complying.get(value) in ("yes", "no") else []
        elif value and one.kind in ("number", "count"):
            ok = _cell(one, row)
            said += [] if ok is None else [ok]
    return said


def _cell(column: Column, row: dict[str, str]) -> bool | None:
    chosen = row[column.by] if column.by else ""
    limits = next((one for one in column.limits if one.code == chosen), column)
    if column.over is None:
        return _within_limits(limits, row[column.code])
    base = measured(row[column.over])
    if base is None:  # an empty cell
        return None
    if base == 0:
        return False  # any price is too far above nothing
    over = Fraction(Decimal(row[column.code])) / Fraction(base) * 100 - 100
    return _between(limits.minimum, limits.maximum, over)


def _between(low: str | None, high: str | None, value: Fraction) -> bool:
    above = low is None or value >= Fraction(Decimal(low))
    below = high is None or value <= Fraction(Decimal(high))
    return above and below
