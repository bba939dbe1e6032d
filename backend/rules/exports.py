"""名录导出: rows of a register as CSV, NDJSON or XLSX, so that they read back the same. Pure.

CSV has a byte order mark, by which Excel knows UTF-8, and an apostrophe before any text that Excel
would take for a formula. NDJSON and XLSX keep every text as it is.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec

from backend.rules.records import REGISTERS, Register, written
from sync.refusals import Reason, Refused

SHEET_ROWS_MAX = 1_048_575  # below the header: the format has no more
COLUMN_WIDTH = 20  # characters
SHOWN_MAX = 80  # characters of a value that a refusal repeats

Values = Sequence[Any]

_risky = frozenset("=+-@\t\r＝＋－＠")  # begin a formula somewhere
_guarded = re.compile("'+[=+\\-@\t\r＝＋－＠]")
_special = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_x")
_no_character = re.compile("[\ufffe\uffff]")  # no XML may have them, and no escape is read
_like_escape = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_control = re.compile("[\x00-\x08\x0b-\x1f]")
_created = datetime(2000, 1, 1, tzinfo=UTC)  # the same rows are the same bytes
_sheet = "xl/worksheets/sheet1.xml"
_dimension = re.compile(rb"<dimension [^>]*>")


def guard(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    begins = text.lstrip("'")[:1]
    return f"'{text}" if begins in _risky else text


def unguard(text: str) -> str:
    """Take away the apostrophe that `guard` put there, and no other."""
    return text[1:] if _guarded.match(text) else text


def is_export(text: str, register: Register) -> bool:
    """Tell whether a CSV begins with the header that we write."""
    return text.removeprefix("\ufeff").startswith(",".join(REGISTERS[register].stored) + "\r\n")


class Csv:
    """Writes CSV."""

    media_type = "text/csv"  # the character set is added on the way

    def __init__(self, names: Sequence[str]) -> None:
        self.head = b"\xef\xbb\xbf" + ",".join(names).encode() + b"\r\n"

    def lines(self, rows: Sequence[Values]) -> bytes:
        """Write rows."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows(
            [guard(cell) if isinstance(cell, str) else written(cell) for cell in row]
            for row in rows
        )
        return text.getvalue().encode()


class Ndjson:
    """Writes one JSON object a line."""

    media_type = "application/x-ndjson"
    head = b""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._encode = msgspec.json.Encoder().encode_lines

    def lines(self, rows: Sequence[Values]) -> bytes:
        """Write rows."""
        return self._encode([dict(zip(self._names, row, strict=True)) for row in rows])


class Xlsx:
    """Writes a workbook of one sheet into a file, as the rows come.

    The library makes the package around the sheet; the rows are written here, because it writes
    few of them a second and does not keep every text (one that is `_x005F_x0041_`, or `<r></r>`).
    """

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self, names: Sequence[str], title: str, file: IO[bytes]) -> None:
        xlsxwriter: Any = import_module("xlsxwriter")  # has no types, and only workbooks need it
        shell = io.BytesIO()
        with xlsxwriter.Workbook(shell, {"constant_memory": True}) as book:
            book.set_properties({"created": _created})
            sheet = book.add_worksheet(title)
            as_text = book.add_format({"num_format": "@"})  # what is typed later stays text too
            sheet.set_column(0, len(names) - 1, COLUMN_WIDTH, as_text)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, names)
        self._package = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1)
        with ZipFile(shell) as made:
            before, self._after = made.read(_sheet).rsplit(b"</sheetData>", 1)
            for member in made.infolist():
                if member.filename != _sheet:
                    self._package.writestr(member, made.read(member), ZIP_DEFLATED)
        info = ZipInfo(_sheet)
        info.compress_type = ZIP_DEFLATED
        self._sheet = self._package.open(info, "w", force_zip64=True)
        self._sheet.write(_dimension.sub(b"", before))  # it speaks of the header alone
        self._row = 1
        self._letters = [_letters(column) for column in range(len(names))]

    def write(self, rows: Sequence[Values]) -> None:
        """Write rows."""
        lines: list[str] = []
        for row in rows:
            self._row += 1
            cells = "".join(
                _xml(cell, f"{letter}{self._row}")
                for letter, cell in zip(self._letters, row, strict=True)
            )
            lines.append(f'<row r="{self._row}">{cells}</row>')
        self._sheet.write("".join(lines).encode())

    def close(self) -> None:
        """Write what stands behind the rows."""
        self._sheet.write(b"</sheetData>" + self._after)
        self._sheet.close()
        self._package.close()


def _xml(value: object, place: str) -> str:
    """Write a cell: numbers as numbers where a spreadsheet keeps them, all else as text."""
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) else written(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and len(text) <= 16:
        return f'<c r="{place}"><v>{text}</v></c>'
    if _special.search(text):
        if _no_character.search(text):
            raise Refused(Reason.EXPORT_NO_CHARACTER, cell=place, value=ascii(text[:SHOWN_MAX]))
        text = _like_escape.sub("_x005F_", text)
        text = escape(_control.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
    return f'<c r="{place}" s="1" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _letters(column: int) -> str:
    """Name a column as a spreadsheet does: 0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(65 + letter) + name
    return name
