"""工作簿读取进程: the program that reads one sheet for `backend.workbooks`, and nothing else.

It runs isolated, with its own limits of memory and time: whatever a workbook is made of, only this
process can fall over. In: a JSON line with the sheet's name, then the workbook. Out: JSON lines.
"""

import json
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import IO, NamedTuple
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZipFile, is_zipfile

from python_calamine import CalamineSheet, CalamineWorkbook

MEMORY_BYTES_MAX = 3 << 30
SECONDS_MAX = 300  # of computing, not of waiting for the reader
COLUMNS_MAX = 2_000
MERGED_MAX = 200_000
FAILED_MAX = 1_000_000
ROUNDED_FROM = 1e15  # a spreadsheet keeps 15 digits of a number
UNPACKED_BYTES_MAX = 8 << 30
RATIO_MAX = 200  # of unpacked to packed bytes, once there are many
RATIO_FROM_BYTES = 8 << 20
PIECE_BYTES = 1 << 20

NO_VALUE = "#VALUE!"  # stands for errors that only one program knows, such as Err:502


class Span(NamedTuple):
    """Cells from one row and column to another, counted from 0, both ends among them."""

    top: int
    left: int
    bottom: int
    right: int


class Scanned(NamedTuple):
    """What the library does not tell: cells that failed, and what is merged in an ODS."""

    failed: list[tuple[Span, str]]
    merged: list[Span]


# -- what fails in a cell ------------------------------------------------------------------------
# The library hands out nothing for a formula that failed, or stops at an error it does not know.

_xlsx_error = re.compile(rb"""(<(?:\w+:)?c\s[^<>]*?\bt=)(?:"e"|'e')""")
_ods_marks = re.compile(rb"-spanned=.(?!1\W)|value-type=.error|<text:p>(?:#|Err:)")
_error_text = re.compile(r"#[A-Z][A-Z_/0]*[!?]|#N/A|#GETTING_DATA|Err:\d{3}")
_biff_errors = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA",
}  # fmt: skip


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Take XML apart between its tags."""
    rest = b""
    while piece := file.read(PIECE_BYTES):
        piece = rest + piece
        cut = piece.rfind(b"<")
        if len(piece) - cut > PIECE_BYTES or cut < 0:
            cut = len(piece)  # no cell is that long
        rest = piece[cut:]
        yield piece[:cut]
    yield rest


def spoken(body: bytes) -> bytes:
    """Turn the error cells of an XLSX into texts; unpack all of it once, to know its size."""
    with ZipFile(BytesIO(body)) as box:
        members = [one for one in box.infolist() if one.filename.endswith((".xml", ".rels"))]
        total = sum(one.file_size for one in members)
        packed = sum(one.compress_size for one in members)
        if total > UNPACKED_BYTES_MAX or (total > RATIO_FROM_BYTES and total > packed * RATIO_MAX):
            raise ValueError(f"it unpacks to {total} bytes, from {packed}")
        failed = False
        for member in members:
            with box.open(member) as file:  # which stops at the size that is said there
                for piece in pieces(file):
                    failed = failed or bool(_xlsx_error.search(piece))
        if not failed:
            return body
        said = BytesIO()
        with ZipFile(said, "w", ZIP_DEFLATED, compresslevel=1) as out:
            for member in members:
                with box.open(member) as file, out.open(member.filename, "w") as to:
                    for piece in pieces(file):
                        to.write(_xlsx_error.sub(rb'\1"str"', piece))
        return said.getvalue()


class OdsSheet:
    """Finds what failed and what is merged in a sheet of an ODS, while its XML goes by."""

    def __init__(self, sheet: str) -> None:
        self.found = Scanned([], [])
        self._sheet = sheet
        self._inside = False
        self._row = self._rows = self._column = self._columns = 0
        self._failed = self._formula = self._text = False
        self._said = ""

    def start(self, tag: str, has: dict[str, str]) -> None:
        """Hear an element begin."""
        match tag:
            case "table:table":
                self._inside = has.get("table:name") == self._sheet
                self._row = self._rows = 0
            case "table:table-row":
                self._row += self._rows
                self._rows = int(has.get("table:number-rows-repeated", "1"))
                self._column = self._columns = 0
            case "table:table-cell" | "table:covered-table-cell":
                self._column += self._columns
                self._columns = int(has.get("table:number-columns-repeated", "1"))
                self._failed = "error" in (has.get(f"{one}:value-type") for one in ODS_TYPES)
                self._formula = "table:formula" in has
                self._said = ""
                down = int(has.get("table:number-rows-spanned", "1"))
                across = int(has.get("table:number-columns-spanned", "1"))
                if self._inside and (down > 1 or across > 1):
                    self._merge(down, across)
            case "text:p":
                self._text = not self._said
            case _:
                pass

    def end(self, tag: str) -> None:
        """Hear an element end."""
        if tag == "text:p":
            self._text = False
        elif tag == "table:table":
            self._inside = False
        elif tag.endswith("table-cell") and self._inside:
            known = _error_text.fullmatch(self._said.strip())
            if self._failed or (self._formula and known):
                self._fail(self._said.strip() if known else NO_VALUE)

    def text(self, said: str) -> None:
        """Hear what stands in an element."""
        if self._text and len(self._said) < 100:
            self._said += said

    def _merge(self, down: int, across: int) -> None:
        if len(self.found.merged) > MERGED_MAX:
            raise ValueError(f"a sheet may have {MERGED_MAX} merged cells")
        bottom, right = self._row + down - 1, self._column + across - 1
        self.found.merged.append(Span(self._row, self._column, bottom, right))

    def _fail(self, said: str) -> None:
        if len(self.found.failed) > FAILED_MAX:
            raise ValueError(f"a sheet may have {FAILED_MAX} formulas that failed")
        bottom, right = self._row + self._rows - 1, self._column + self._columns - 1
        said = said if said.startswith("#") else NO_VALUE
        self.found.failed.append((Span(self._row, self._column, bottom, right), said))


ODS_TYPES = ("calcext", "office")


def scan_ods(body: bytes, sheet: str) -> Scanned:
    """Find what failed and what is merged in a sheet of an ODS."""
    with ZipFile(BytesIO(body)) as box:
        with box.open("content.xml") as file:
            if not any(_ods_marks.search(piece) for piece in pieces(file)):
                return Scanned([], [])
        heard, parser = OdsSheet(sheet), expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = heard.start
        parser.EndElementHandler = heard.end
        parser.CharacterDataHandler = heard.text
        with box.open("content.xml") as file:
            parser.ParseFile(file)
    return heard.found


def ole_stream(body: bytes) -> bytes:
    """Take the workbook out of an OLE file ([MS-CFB])."""
    size, small = 1 << int.from_bytes(body[30:32], "little"), 64
    _, directory, _, cutoff, first_small, _, first_more, more = struct.unpack_from("<8I", body, 44)
    fat_places = list(struct.unpack_from("<109I", body, 76))

    def sector(place: int) -> bytes:
        return body[(place + 1) * size : (place + 2) * size]

    def numbers(data: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]))

    for _ in range(min(more, len(body) // size)):
        *places, first_more = numbers(sector(first_more))
        fat_places += places
    fat = [n for place in fat_places if place < len(body) // size for n in numbers(sector(place))]

    def chained(place: int, table: list[int]) -> Iterator[int]:
        for _ in table:
            if place >= len(table):
                return
            yield place
            place = table[place]

    def whole(place: int) -> bytes:
        return b"".join(map(sector, chained(place, fat)))

    entries = whole(directory)
    root = b""
    for at in range(0, len(entries), 128):
        name = entries[at : at + 64].decode("utf-16-le", "replace").rstrip("\0")
        start, length = struct.unpack_from("<II", entries, at + 116)
        if at == 0:
            root = whole(start)
        elif name.lower() in ("workbook", "book"):
            if length >= cutoff:
                return whole(start)[:length]
            table = numbers(whole(first_small))
            parts = (root[one * small : (one + 1) * small] for one in chained(start, table))
            return b"".join(parts)[:length]
    raise ValueError("there is no workbook in it")


def records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a workbook stream ([MS-XLS]) of one sheet, or of what is before them."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        depth += (kind == 0x0809) - (kind == 0x000A)  # charts lie inside sheets
        if depth == 0:
            return
        if depth == 1:
            yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def scan_xls(body: bytes, place: int) -> Scanned:
    """Find what failed in a sheet of an XLS."""
    stream = ole_stream(body)
    sheets = [data for kind, data in records(stream, 0) if kind == 0x0085]
    failed: list[tuple[Span, str]] = []
    for kind, data in records(stream, struct.unpack_from("<I", sheets[place])[0]):
        code = None
        if kind == 0x0205 and data[7]:
            code = data[6]
        elif kind == 0x0006 and data[12:14] == b"\xff\xff" and data[6] == 2:
            code = data[8]
        if code is not None:
            row, column = struct.unpack_from("<HH", data)
            failed.append((Span(row, column, row, column), _biff_errors.get(code, NO_VALUE)))
    return Scanned(failed, [])


# -- the rows ------------------------------------------------------------------------------------


def text(cell: object) -> str:
    """Write a cell as a CSV would: days in ISO, and a number that lost digits in powers of ten."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float():
            if not abs(cell) < ROUNDED_FROM:
                return f"{cell:.14E}".replace("000000E", "E")
            return str(int(cell)) if cell == int(cell) else repr(cell)
        case datetime():
            at_midnight = cell.time() == time()
            return cell.date().isoformat() if at_midnight else cell.isoformat(" ", "seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def rows(sheet: CalamineSheet, failed: list[tuple[Span, str]], left: int) -> Iterator[list[str]]:
    """Write the rows of a sheet, whose first column is `left`, with what failed in them."""
    waiting = sorted(failed, reverse=True)
    now: list[tuple[Span, str]] = []
    for place, row in enumerate(sheet.iter_rows()):
        cells = [text(cell) for cell in row]
        now = [one for one in now if one[0].bottom >= place]
        while waiting and waiting[-1][0].top <= place:
            now.append(waiting.pop())
        for span, said in now:
            for column in range(span.left - left, min(span.right - left, len(cells) - 1) + 1):
                cells[column] = said
        yield cells


def answer(body: bytes, wanted: str | None) -> Iterable[object]:
    """List the sheets, then the rows of the one that is wanted, or of the only one."""
    ods = xlsx = False
    if is_zipfile(BytesIO(body)):
        with ZipFile(BytesIO(body)) as box:
            ods = "content.xml" in box.namelist()
        xlsx = not ods
        body = spoken(body)
    book = CalamineWorkbook.from_filelike(BytesIO(body))
    sheets = [one.name for one in book.sheets_metadata]
    name = wanted or (sheets[0] if len(sheets) == 1 else None)
    if name not in sheets:
        yield {"sheets": sheets, "sheet": "", "merged": []}
        return
    sheet: CalamineSheet = book.get_sheet_by_name(name)
    found = Scanned([], [])
    if ods:
        found = scan_ods(body, name)
    elif not xlsx:
        found = scan_xls(body, sheets.index(name))
    merged = found.merged or [Span(*first, *last) for first, last in sheet.merged_cell_ranges or ()]
    if sheet.total_width > COLUMNS_MAX or len(merged) > MERGED_MAX:
        yield {"error": f"a sheet may have {COLUMNS_MAX} columns and {MERGED_MAX} merged cells"}
        return
    left = (sheet.start or (0, 0))[1]  # the rows begin there
    yield {
        "sheets": sheets,
        "sheet": name,
        "merged": [
            (one.top, max(one.left - left, 0), one.bottom, one.right - left)
            for one in merged
            if one.right >= left
        ],
    }
    yield from rows(sheet, found.failed, left)


def limit() -> None:
    """Bound this process where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer one question."""
    limit()
    wanted = json.loads(sys.stdin.buffer.readline())
    out = sys.stdout.buffer
    try:
        for line in answer(sys.stdin.buffer.read(), wanted):
            out.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
        out.write(b"null\n")  # all of it was said
    except BrokenPipeError:
        return
    except BaseException as error:  # a panic of the Rust reader is no Exception
        out.write(json.dumps({"error": str(error)[:200]}).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
