"""XLSForm 工作表: the cells of a sheet by header, and which of them only we know. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from backend.rules.xlsform_problems import Problem, Trouble, problem

MARK = "evenhand_row"  # goes through pyxform with each row of the survey
ROWS_MAX, COLUMNS_MAX, CHARS_MAX = 5_000, 200, 5_000
OWN = {  # columns of ours, which XLSForm does not know; `::language` may follow
    "survey": {
        "ref", "key", "expect", "evidence", "rectify_days", "unit", "basis", "may_be_na",
        "na_remark", "instrument", "probe",
    },
    "choices": {"complies", "points"},
    "settings": {"title", "basis"},
}  # fmt: skip

_unseen = re.compile(r"[\x00-\x1f\x7f\xa0]+")


class Row(NamedTuple):
    """A row as the spreadsheet counts it, from 1."""

    number: int
    cells: dict[str, str]


class Sheet(NamedTuple):
    """A sheet under the headers of its first row; empty rows are kept, so that rows count."""

    name: str
    headers: list[str]
    rows: list[Row]
    problems: list[Problem]

    @property
    def standard(self) -> list[str]:
        """The headers that XLSForm may know."""
        return [one for one in self.headers if _base(one) not in OWN[self.name]]

    def of_xlsform(self, row: Row) -> dict[str, str]:
        """Give the cells of a row that XLSForm may know."""
        return {name: row.cells[name] for name in self.standard if name in row.cells}

    def own(self, row: Row, column: str) -> dict[str, str]:
        """Give the cells of a column of ours, by language; empty for none."""
        return {
            name.partition("::")[2].strip(): cell
            for name, cell in row.cells.items()
            if _base(name) == column
        }


def read_sheet(name: str, cells: Sequence[Sequence[str]]) -> Sheet:
    """Read a sheet; one that is far larger than any form is refused."""
    found: list[Problem] = []
    if len(cells) > ROWS_MAX or any(len(row) > COLUMNS_MAX for row in cells):
        limit = f"{ROWS_MAX} × {COLUMNS_MAX}"
        return Sheet(name, [], [], [problem(Trouble.SIZE, name, 0, "", limit)])
    head = [_header(_clean(one)) for one in cells[0]] if cells else []
    for n, one in enumerate(head):
        if one and one in head[:n]:
            found.append(problem(Trouble.HEADER, name, 1, one, ""))
    rows: list[Row] = []
    for number, row in enumerate(cells[1:], start=2):
        told = {key: _clean(cell) for key, cell in zip(head, row, strict=False) if key}
        for key, cell in told.items():
            if len(cell) > CHARS_MAX:
                found.append(problem(Trouble.TEXT, name, number, key, cell))
        rows.append(Row(number, {key: cell for key, cell in told.items() if cell}))
    while rows and not rows[-1].cells:
        rows.pop()
    return Sheet(name, [one for one in head if one], rows, found)


def _clean(cell: str) -> str:
    return " ".join(_unseen.sub(" ", cell).split())


def _header(text: str) -> str:
    """Write a header as XLSForm does: small letters, but for the language and for namespaces."""
    name, mark, language = text.partition("::")
    return (name if ":" in name else name.lower()) + mark + language


def _base(header: str) -> str:
    return header.partition("::")[0].strip().lower()
