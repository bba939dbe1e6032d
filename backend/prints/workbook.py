"""工作簿: the list, the inspectors, the strata and what proves them, as XLSX.

Every text is written as a text: none is ever a formula. The same list is the same bytes.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from backend.prints import pages
from backend.prints.pages import COMMAND
from backend.prints.paper_words import Language
from backend.prints.sheet import Sheet, inspectors

WIDTH_MAX = 60
Cell = str | int


def write(sheet: Sheet, language: Language) -> bytes:
    """Write the workbook of a list."""
    xlsxwriter: Any = import_module("xlsxwriter")  # has no types
    w = pages.words(language)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        at = datetime.fromisoformat(sheet.changed_at).replace(tzinfo=None)
        book.set_properties({"title": sheet.title, "created": at})
        add = _Adder(book, sheet, [pair[language == "zh"] for pair in sheet.marks])
        seats = _columns(sheet)
        add.table(
            w["sites"],
            [w["no"], w["code"], w["name"], w["address"], w["kind"], w["risk"], w["region"],
             w["stratum"], w["rank"], w["ticket"], *seats],
            [
                [row.number, row.id, row.name, row.address, row.category, row.risk, row.region,
                 pages.stratum(row.stratum, language), row.rank, row.ticket,
                 *(f"{seat.name} {seat.certificate}".strip() for seat in row.seats)]
                for row in sheet.rows
            ],
        )  # fmt: skip
        add.table(
            w["people"],
            [w["certificate"], w["who"], w["seats"], w["sites"]],
            [
                [who, next(s.name for s in rows[0].seats if s.certificate == who), len(rows),
                 ", ".join(f"{row.number} {row.name or row.id}" for row in rows)]
                for who, rows in inspectors(sheet).items()
            ],
        )  # fmt: skip
        add.table(
            w["strata"],
            [w["stratum"], w["eligible"], w["excluded"], w["drawn"], w["reserves"]],
            [
                [pages.stratum(one.stratum, language), one.eligible, one.excluded, one.drawn,
                 one.reserves]
                for one in sheet.counts
            ],
        )  # fmt: skip
        add.table(w["check"], ["", ""], _proof(sheet, language))
    return out.getvalue()


def _columns(sheet: Sheet) -> list[str]:
    first = sheet.rows[0].seats if sheet.rows else []
    return [f"{seat.department} {seat.position}".strip() for seat in first]


def _proof(sheet: Sheet, language: Language) -> list[Sequence[Cell]]:
    w = pages.words(language)
    rows: list[Sequence[Cell]] = [
        [w["agency"], sheet.agency_name],
        [w["number"], sheet.seq],
        [w["commitment"], sheet.commit],
        [w["created_at"], sheet.created_at],
        [w["drawn_at"], sheet.drawn_at],
        [w["window"], pages.window(sheet, language)],
        [w["root"], sheet.frame_root],
    ]
    rows += [[w["source"], f"{one.id} = {one.value}"] for one in sheet.sources]
    rows += [
        [w["nonces"], ", ".join(sheet.contributors)],
        [w["seed"], sheet.seed],
        [w["how"], COMMAND],
    ]
    if sheet.address:
        rows.append([w["scan"], sheet.address])
    return rows


class _Adder:
    """Adds one worksheet after the other, each with the marks that nobody may overlook."""

    def __init__(self, book: Any, sheet: Sheet, marks: list[str]) -> None:
        self._book, self._title, self._marks = book, sheet.title, marks
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self._loud = book.add_format({"bold": True, "font_color": "#B00020"})
        self._big = book.add_format({"bold": True, "font_size": 14})
        self._text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self._count = book.add_format({"valign": "top"})

    def table(self, name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Add a worksheet: title, marks, head, rows; wide enough to be read, and to be printed."""
        sheet = self._book.add_worksheet(name[:31].replace(":", ""))
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_landscape()
        sheet.write_string(0, 0, _plain(self._title), self._big)
        top = 1
        for mark in self._marks:
            sheet.write_string(top, 0, _plain(mark), self._loud)
            top += 1
        for column, word in enumerate(head):
            longest = max((_width(str(row[column])) for row in rows), default=0)
            sheet.set_column(column, column, min(WIDTH_MAX, max(_width(word), longest) + 2))
            if word:
                sheet.write_string(top, column, word, self._head)
        sheet.freeze_panes(top + 1, 0)
        sheet.repeat_rows(top)
        for n, row in enumerate(rows, start=top + 1):
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(n, column, cell, self._count)
                else:
                    sheet.write_string(n, column, _plain(cell), self._text)


def _plain(text: str) -> str:
    """Keep the library from taking a text for markup of its own."""
    return f" {text}" if text.startswith("<r>") else text


def _width(text: str) -> int:
    """Count columns: a Chinese character takes two."""
    return sum(2 if ord(one) > 0x2E80 else 1 for one in text)
