"""检查项取值: the one text that each kind of answer is written in, so that equal means equal."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from sync.ops import Answer, AnswerKind

CHARS_MAX = 2000
ROWS_MAX = 200
COLUMNS_MAX = 30

_decimal = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_count = re.compile("0|[1-9][0-9]{0,11}")
_code = re.compile(r"[a-z0-9][a-z0-9.\-]*")
_decimal_chars_max = 12


def measured(value: str) -> Decimal | None:
    """Read a measured value: plain decimal text of at most 12 characters, no exponent."""
    fits = len(value) <= _decimal_chars_max and _decimal.fullmatch(value)
    return Decimal(value) if fits else None


def well_formed(answer: Answer) -> bool:
    """Tell whether an answer is written as its kind demands, and tells nothing that it has not."""
    how = (answer.unit, answer.instrument, answer.probe, answer.limit)
    texts = [answer.v, *how, *(text for row in answer.rows for text in row.values())]
    if any(len(text) > CHARS_MAX or "\0" in text for text in texts):
        return False
    if any(how) and answer.kind != "number":
        return False
    if answer.kind == "table":
        return _table(answer)
    return not answer.rows and _FORMS[answer.kind](answer.v)


def _choice(value: str) -> bool:
    """Accept one or several codes, in order, none twice, one space between them."""
    codes = value.split(" ")
    return all(map(_code.fullmatch, codes)) and codes == sorted(set(codes))


def _date(value: str) -> bool:
    """Accept a day, as 2026-11-22."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _table(answer: Answer) -> bool:
    """Accept rows that all have the same columns, and their number as the value."""
    columns = answer.rows[0].keys() if answer.rows else set[str]()
    return (
        0 < len(answer.rows) <= ROWS_MAX
        and 0 < len(columns) <= COLUMNS_MAX
        and all(row.keys() == columns for row in answer.rows)
        and all(map(_code.fullmatch, columns))
        and answer.v == str(len(answer.rows))
    )


_FORMS: dict[AnswerKind, Callable[[str], bool]] = {
    "": lambda _: True,
    "number": lambda value: measured(value) is not None,
    "count": lambda value: _count.fullmatch(value) is not None,
    "choice": _choice,
    "text": lambda value: value.strip() == value != "",
    "date": _date,
}
