"""XLSForm 表达式: the few conditions and constraints that a checklist can say too. Pure."""

import re
from decimal import Decimal
from typing import NamedTuple

NUMBER = r"-?\d{1,9}(?:\.\d{1,6})?"
_equals = re.compile(r"""\$\{\s*([\w.\-]+)\s*\}\s*(!?=)\s*(?:'([^']*)'|"([^"]*)")""")
_selected = re.compile(
    r"""(not\s*\(\s*)?selected\s*\(\s*\$\{\s*([\w.\-]+)\s*\}\s*,\s*(?:'([^']*)'|"([^"]*)")\s*\)(?(1)\s*\))"""
)
_bound = re.compile(rf"\.\s*(<=|>=|<|>)\s*({NUMBER})")


class Condition(NamedTuple):
    """Asked while a question has one of these choices or, `unless`, none of them."""

    name: str
    choices: tuple[str, ...]
    unless: bool


class Limits(NamedTuple):
    """Limits as decimal text, both ends included."""

    low: str | None
    high: str | None


def condition(relevant: str) -> Condition | None:
    """Read a `relevant`: one or several choices of one question; None if it is anything else."""
    parts = [_part(one) for one in re.split(r"\s+or\s+", _bare(relevant))]
    read = [one for one in parts if one is not None]
    if len(read) < len(parts) or len({(one.name, one.unless) for one in read}) != 1:
        return None
    if read[0].unless and len(read) > 1:
        return None  # not this or not that: always
    return Condition(read[0].name, tuple(one.choices[0] for one in read), read[0].unless)


def limits(constraint: str, *, whole: bool) -> Limits | None:
    """Read a `constraint` as limits of a number, `whole` of an integer; None if it is more."""
    parts = re.split(r"\s+and\s+", _bare(constraint))
    found: dict[str, str] = {}
    for one in parts:
        bound = _bound.fullmatch(_bare(one))
        if bound is None or bound[1][0] in found:
            return None
        number = Decimal(bound[2])
        if len(bound[1]) == 1:  # an end that is not included
            if not whole or number != number.to_integral_value():
                return None
            number += 1 if bound[1] == ">" else -1
        found[bound[1][0]] = _plain(number)
    low, high = found.get(">"), found.get("<")
    if low is not None and high is not None and Decimal(low) > Decimal(high):
        return None
    return Limits(low, high)


def _part(one: str) -> Condition | None:
    one = _bare(one)
    if equals := _equals.fullmatch(one):
        return Condition(equals[1], (equals[3] or equals[4] or "",), equals[2] == "!=")
    if selected := _selected.fullmatch(one):
        return Condition(selected[2], (selected[3] or selected[4] or "",), bool(selected[1]))
    return None


def _bare(expression: str) -> str:
    """Take off brackets that are around all of it."""
    expression = expression.strip()
    while expression.startswith("(") and expression.endswith(")"):
        depth = 0
        for at, one in enumerate(expression):
            depth += (one == "(") - (one == ")")
            if depth == 0 and at < len(expression) - 1:
                return expression
        expression = expression[1:-1].strip()
    return expression


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
