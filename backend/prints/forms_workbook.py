"""检查表工作簿: a checklist as XLSX, to be read, compared and filled in.

Numbers of items and all other texts are texts: 3.10 stays 3.10, and nothing is ever a formula.
"""

import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from backend.prints import forms
from backend.prints.forms import DATED, options, told, words
from backend.prints.limits import bounds
from backend.prints.paper_words import Language
from sync.checklist import Checklist, Item

WIDTHS = (8, 6, 48, 24, 14, 20, 40, 10)
ROWS_BLANK = 30  # of a table
NAME_MAX = 31  # of a worksheet


def write(checklist: Checklist, language: Language) -> bytes:
    """Write a checklist: the form, a sheet for each table of rows, and the rules."""
    xlsxwriter: Any = import_module("xlsxwriter")  # has no types
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({
            "title": told(checklist.title, language), "created": DATED.replace(tzinfo=None)
        })  # fmt: skip
        writer = _Writer(book, checklist, language)
        writer.form()
        for item in checklist.items:
            if item.columns:
                writer.table(item)
        writer.rules()
    return out.getvalue()


class _Writer:
    """Writes one worksheet after the other."""

    def __init__(self, book: Any, checklist: Checklist, language: Language) -> None:
        self._book, self._checklist = book, checklist
        self._language: Language = language
        self._w = words(language)
        line = {"border": 1, "border_color": "#888888", "text_wrap": True, "valign": "top"}
        self._text = book.add_format({**line, "num_format": "@"})
        self._open = book.add_format({**line, "num_format": "@", "bg_color": "#FFFBE6"})
        self._head = book.add_format({**line, "bold": True, "bg_color": "#DDDDDD"})
        self._part = book.add_format({**line, "bold": True, "bg_color": "#F0F0F0"})
        self._big = book.add_format({"bold": True, "font_size": 14})

    def form(self) -> None:
        """Write all items, section by section."""
        w, language = self._w, self._language
        head = [
            w["no"], "★", w["asked"], w["limit"], w["answer"], w["remark"], w["basis"],
            w["days"],
        ]  # fmt: skip
        sheet = self._sheet(w["form"], head, WIDTHS)
        row = 2
        for section in self._checklist.sections:
            title = told(section.title, language)
            only = forms.only(section.when, self._checklist, language)
            self._row(sheet, row, [f"{title} {only}".strip(), *[""] * (len(head) - 1)], self._part)
            row += 1
            for item in section.items:
                self._row(sheet, row, self._cells(item), self._text)
                sheet.write_blank(row, 4, None, self._open)
                sheet.write_blank(row, 5, None, self._open)
                self._choose(sheet, row, item)
                row += 1

    def table(self, item: Item) -> None:
        """Write the empty rows of a table."""
        language = self._language
        heads = [
            f"{told(one.text, language)}{' *' if one.required else ''}" for one in item.columns
        ]
        sheet = self._sheet(f"{item.ref} {told(item.text, language)}", heads, [18] * len(heads))
        below = [
            "\n".join(filter(None, (bounds(one, one.unit, language) or one.unit,
                                    options(one, language))))
            for one in item.columns
        ]  # fmt: skip
        self._row(sheet, 2, below, self._part)
        for row in range(3, 3 + ROWS_BLANK):
            self._row(sheet, row, [""] * len(heads), self._open)
        for column, one in enumerate(item.columns):
            named = [told(choice.text, language) for choice in one.choices]
            self._list(sheet, (3, column, 2 + ROWS_BLANK, column), named)

    def rules(self) -> None:
        """Write the rules of the verdict."""
        w = self._w
        sheet = self._sheet(w["outcome"], [w["outcome"], w["rule"], w["handling"]], (20, 70, 30))
        data = forms.form_data(self._checklist, self._language)
        said: Any = data["rules"]
        for row, rule in enumerate(said, start=2):
            self._row(sheet, row, [rule["outcome"], rule["text"], rule["handling"]], self._text)

    def _cells(self, item: Item) -> list[str]:
        language = self._language
        notes = [
            told(item.text, language),
            told(item.hint, language) if item.hint else "",
            forms.only(item.when, self._checklist, language),
            self._w["should_be_no"] if item.expect == "no" else "",
        ]
        limit = bounds(item, item.unit, language) or options(item, language) or item.unit
        return [
            item.ref, "★" if item.key else "", "\n".join(filter(None, notes)), limit, "", "",
            told(item.basis, language), str(item.rectify_days),
        ]  # fmt: skip

    def _choose(self, sheet: Any, row: int, item: Item) -> None:
        named = [told(one.text, self._language) for one in item.choices if not item.several]
        if item.kind == "verdict":
            named = [self._w["yes"], self._w["no_answer"]]
        if named and item.may_be_na:
            named.append(self._w["na"])
        self._list(sheet, (row, 4, row, 4), named)

    def _list(self, sheet: Any, where: tuple[int, int, int, int], named: Sequence[str]) -> None:
        """Offer a list, if it is one that a spreadsheet can hold."""
        if named and len(",".join(named)) <= 255 and not any("," in one for one in named):
            sheet.data_validation(*where, {"validate": "list", "source": list(named)})

    def _sheet(self, name: str, head: Sequence[str], widths: Sequence[int]) -> Any:
        plain = "".join(" " if one in "[]:*?/\\'" else one for one in name).strip()
        sheet = self._book.add_worksheet(plain[:NAME_MAX].strip())
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.freeze_panes(2, 0)
        sheet.repeat_rows(1)
        one = self._checklist
        title = f"{told(one.title, self._language)} · {one.code} {one.version}"
        sheet.write_string(0, 0, title, self._big)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        self._row(sheet, 1, head, self._head)
        return sheet

    def _row(self, sheet: Any, row: int, cells: Sequence[str], form: Any) -> None:
        for column, cell in enumerate(cells):
            plain = f" {cell}" if cell.startswith("<r>") else cell  # no markup of the library's
            if plain:
                sheet.write_string(row, column, plain, form)
            else:
                sheet.write_blank(row, column, None, form)
