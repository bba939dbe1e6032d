"""检查项取值: the one text that each kind of answer is written in, and which item takes which.

There is one text for each meaning, so that equal means equal.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Protocol

from sync.checklist import VERDICTS, Column, Item, Kind
from sync.ops import AnswerKind
from sync.refusals import Reason

CHARS_MAX = 2000
ROWS_MAX = 200
COLUMNS_MAX = 30
TAKES: dict[Kind, tuple[AnswerKind, ...]] = {
    "verdict": ("",),
    "temperature": ("", "number"),
    "number": ("", "number"),
    "count": ("count",),
    "choice": ("choice",),
    "text": ("text",),
    "date": ("date",),
    "table": ("table",),
    "photo": (),  # answered by evidence bound to it
    "signature": (),  # answered by a signature
}

_decimal = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_count = re.compile("0|[1-9][0-9]{0,11}")
_code = re.compile(r"[a-z0-9][a-z0-9.\-]*")
_decimal_chars_max = 12


class Reply(Protocol):
    """What an answer tells, in an operation or as it stands."""

    @property
    def v(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> AnswerKind: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def instrument(self) -> str: ...  # noqa: D102
    @property
    def probe(self) -> str: ...  # noqa: D102
    @property
    def limit(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> tuple[dict[str, str], ...]: ...  # noqa: D102


def measured(value: str) -> Decimal | None:
    """Read a measured value: plain decimal text of at most 12 characters, no exponent."""
    fits = len(value) <= _decimal_chars_max and _decimal.fullmatch(value)
    return Decimal(value) if fits else None


def is_na(answer: Reply) -> bool:
    """Tell whether an answer says that its item does not apply (合理缺项)."""
    return answer.v == "na" and not answer.kind


def admits(items: Mapping[str, Item], ref: str, answer: Reply) -> Reason | None:
    """Tell why an answer, with all that it tells, may not be given to one of the items asked."""
    item = items.get(ref)
    if item is None:
        return Reason.ITEM_UNKNOWN
    return None if well_formed(answer) and fits(item, answer) else Reason.ANSWER_INADMISSIBLE


def fits(item: Item, answer: Reply) -> bool:
    """Tell whether an item takes an answer that is well formed."""
    if is_na(answer):
        return item.may_be_na and (not item.na_remark or answer.note.strip() != "")
    if answer.kind not in TAKES[item.kind]:
        return False
    match item.kind:
        case "verdict":
            return answer.v in VERDICTS
        case "number" | "temperature":
            return _reading(item, answer)
        case "choice":
            chosen = answer.v.split(" ")
            known = {one.code for one in item.choices}
            return known.issuperset(chosen) and (item.several or len(chosen) == 1)
        case "table":
            return all(_row(item.columns, row) for row in answer.rows)
        case _:
            return True  # what its form says is all there is to say


class Readings(frozenset[str]):
    """Words, and whatever is a measured value."""

    def __contains__(self, value: object) -> bool:
        """Tell whether it is one of them."""
        return super().__contains__(value) or (
            isinstance(value, str)
            and len(value) <= _decimal_chars_max
            and _decimal.fullmatch(value) is not None
        )


def plain(items: Mapping[str, Item]) -> dict[str, frozenset[str]]:
    """Give what each item surely takes for an answer of which nothing else is told.

    Only for speed: what is not in here may be admissible all the same.
    """
    return {name: _plain(item) for name, item in items.items()}


def _plain(item: Item) -> frozenset[str]:
    if item.kind == "verdict":
        return frozenset(_verdicts(item))
    if item.kind in ("number", "temperature") and not (
        item.limits or item.instrument or item.probe
    ):
        return Readings(_words(item))
    return frozenset(_words(item))


def _words(item: Item) -> tuple[str, ...]:
    return ("na",) if item.may_be_na and not item.na_remark else ()


def _verdicts(item: Item) -> tuple[str, ...]:
    return "pass", "fail", *_words(item)


def _reading(item: Item, answer: Reply) -> bool:
    """Accept a measured value in the unit of its item, with all that the item wants to know."""
    known = {limit.code for limit in item.limits}
    return (
        measured(answer.v) is not None
        and answer.unit == (item.unit if answer.kind else "")
        and (not known or answer.limit in known)
        and (not item.instrument or answer.instrument.strip() != "")
        and (not item.probe or answer.probe.strip() != "")
    )


def _row(columns: tuple[Column, ...], row: Mapping[str, str]) -> bool:
    """Accept a row with every column and no other; only a cell that is not required is empty."""
    return set(row) == {one.code for one in columns} and _wrong(columns, row) is None


def wrong_cell(item: Item, row: Mapping[str, str]) -> str | None:
    """Name the first column whose cell an item does not take in a row that has them all."""
    return _wrong(item.columns, row)


def _wrong(columns: tuple[Column, ...], row: Mapping[str, str]) -> str | None:
    for one in columns:
        cell = row[one.code]
        if not (_cell(one, cell) if cell else not one.required):
            return one.code
    return None


def _cell(column: Column, value: str) -> bool:
    if column.kind == "choice":
        return value in {one.code for one in column.choices}
    return _FORMS[column.kind](value)


def well_formed(answer: Reply) -> bool:
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


def _table(answer: Reply) -> bool:
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
