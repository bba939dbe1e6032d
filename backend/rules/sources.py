"""名录文件: bytes of any supported format become rows of text with their row numbers in the file.

CSV and NDJSON in any usual encoding, workbooks, and these in gzip or zip. What was taken for what
is told (`Detected`). Everything is bounded: lines, columns, and what packed files unpack to.
"""

import codecs
import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import IO, Any

import msgspec
from msgspec import Struct

from backend.rules.mapping import Table
from backend.workbooks import Merged, Readable, Workbook
from sync.refusals import Reason, Refused

BLOCK_LINES = 64
ROW_LINES_MAX = 50  # more lines than this in one row: a quote was not closed
SAMPLE_BYTES = 64 * 1024
ASCII_BYTES_MAX = 4 << 20  # looked through for the first byte that tells the encoding
LINE_BYTES_MAX = 1 << 20
COLUMNS_MAX = 2_000
UNPACKED_BYTES_MAX = 8 << 30
RATIO_MAX = 200  # of unpacked to packed bytes, once there are many; real registers pack 5 to 30
RATIO_FROM_BYTES = 8 << 20
MEMBERS_MAX = 100
SHEETS_BETWEEN = " / "  # no sheet's name has a slash
SAMPLE_OBJECTS = 1_000

_gzip = b"\x1f\x8b"
_zip = (b"PK\x03\x04", b"PK\x05\x06")
_ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_delimiters = (",", "\t", ";", "|")
_common_gb = frozenset("市区县路号街镇公司有限食品店农场商行经营责任发展贸易中心村业名称地址餐饮超")
_common_big5 = frozenset(
    "市區縣路號街鎮公司有限食品店農場商行經營責任發展貿易中心村業名稱地址餐飲段"
)


class Detected(Struct, frozen=True):
    """What a file was taken for."""

    source: str
    form: str  # CSV, NDJSON or workbook
    packed: str = ""  # gzip or zip
    encoding: str = ""
    delimiter: str = ""
    quote: str = ""
    escape: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()


class Line(Struct, frozen=True):
    """A row with its number in the file; `cells` is None when it cannot be read."""

    number: int
    cells: list[str] | None
    reason: Reason = Reason.ROW_COLUMNS_WRONG


class Opened(Struct):
    """A table being read: its rows, title rows and header among them, each once."""

    detected: Detected
    rows: Iterator[Line]
    merged: tuple[Merged, ...] = ()
    book: Workbook | None = None
    header_row: int = 0  # once it was looked for

    def close(self) -> None:
        """Let go of what the rows are read with."""
        if self.book is not None:
            self.book.close()


def tables(source: str, file: IO[bytes], table: Table) -> Iterator[Opened]:
    """Open every table of a file: one, but for a zip with several files."""
    stream = _Stream(file, source)
    start = stream.peek(8)
    if start.startswith(_gzip):
        yield _open(source, _Stream(_unzipped(file), source, packed=file), table, "gzip")
    elif start.startswith(_zip) and not _is_workbook(source, file):
        yield from _members(source, file, table)
    else:
        yield _open(source, stream, table, "")


def _open(source: str, stream: "_Stream", table: Table, packed: str) -> Opened:
    sample = stream.peek(SAMPLE_BYTES)
    if sample.startswith((_ole, *_zip)):
        book = Workbook(source, stream, table.sheet)
        about = book.about
        if not about.sheet:
            book.close()
            raise Refused(
                Reason.REGISTER_SHEET_MISSING,
                file=source,
                sheet=table.sheet,
                sheets=SHEETS_BETWEEN.join(about.sheets),
            )
        found = Detected(source, "workbook", packed, sheet=about.sheet, sheets=about.sheets)
        return Opened(found, _sheet_rows(book), about.merged, book)
    encoding = _encoding(source, stream, sample, table)
    text = sample.decode(encoding, "replace")
    lines = io.TextIOWrapper(
        io.BufferedReader(stream, 1 << 18), encoding, errors="evenhand.cells", newline=""
    )
    if _is_ndjson(text):
        return Opened(Detected(source, "NDJSON", packed, encoding), _objects(lines))
    if text.lstrip("\ufeff \t\r\n").startswith("[{"):
        raise _unreadable(source, "it is one JSON array; write one object a line (NDJSON)")
    delimiter = table.delimiter if table.delimiter != "auto" else _delimiter(text)
    quote, escape = _quoting(text, delimiter)
    found = Detected(source, "CSV", packed, encoding, delimiter, quote, escape)
    return Opened(found, _records(lines, delimiter, quote, escape))


# -- packed files --------------------------------------------------------------------------------


def _unzipped(file: IO[bytes]) -> Readable:
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb")


def _is_workbook(source: str, file: IO[bytes]) -> bool:
    """Tell a workbook, which is a zip too, from a zip of files."""
    try:
        with zipfile.ZipFile(file) as box:
            names = box.namelist()
            _bounded(source, box)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _unreadable(source, f"this zip is damaged: {error}") from error
    finally:
        file.seek(0)
    return "[Content_Types].xml" in names or "content.xml" in names


def _bounded(source: str, box: zipfile.ZipFile) -> None:
    """Refuse a zip that says itself that it holds too much."""
    members = box.infolist()
    total = sum(one.file_size for one in members)
    packed = sum(one.compress_size for one in members) or 1
    if total > UNPACKED_BYTES_MAX or (total > RATIO_FROM_BYTES and total > packed * RATIO_MAX):
        raise _bomb(source)


def _members(source: str, file: IO[bytes], table: Table) -> Iterator[Opened]:
    with zipfile.ZipFile(file) as box:
        members = [
            one
            for one in box.infolist()
            if not one.is_dir() and not one.filename.startswith(("__MACOSX/", "."))
        ]
        if not members or len(members) > MEMBERS_MAX:
            raise _unreadable(source, f"a zip may hold 1 to {MEMBERS_MAX} files")
        for member in sorted(members, key=lambda one: one.filename):
            name = f"{source}/{_name(member)}"
            try:
                with box.open(member) as inner:
                    yield _open(name, _Stream(inner, name, member.compress_size), table, "zip")
            except (
                zipfile.BadZipFile,
                RuntimeError,
                NotImplementedError,
                OSError,
                ValueError,
            ) as error:  # encrypted, or packed in a way of its own
                raise _unreadable(name, str(error)) from error


def _name(member: zipfile.ZipInfo) -> str:
    """Read a member's name, which Chinese Windows writes in GBK and does not say so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


class _Stream(io.RawIOBase):
    """Bytes of a file from its start, refused when a line, or all that is unpacked, is too long."""

    def __init__(
        self,
        file: Readable,
        source: str,
        packed_bytes: int | None = None,
        packed: IO[bytes] | None = None,
    ) -> None:
        super().__init__()
        self._file, self._source = file, source
        self._packed_bytes, self._packed = packed_bytes, packed
        self._ahead = b""
        self._total = self._line = 0
        self.text = False  # lines are counted

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def peek(self, size: int) -> bytes:
        """Look at the next bytes without taking them."""
        while len(self._ahead) < size:
            piece = self._next(min(size - len(self._ahead), SAMPLE_BYTES))
            if not piece:
                break
            self._ahead += piece
        return self._ahead[:size]

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take the next bytes."""
        if self._ahead:
            piece, self._ahead = self._ahead[: len(buffer)], self._ahead[len(buffer) :]
        else:
            piece = self._next(len(buffer))
        if self.text:
            end = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            self._line = len(piece) - end if end >= 0 else self._line + len(piece)
            if self._line > LINE_BYTES_MAX:
                raise Refused(
                    Reason.REGISTER_OVER_LIMIT,
                    file=self._source,
                    limit=f"a line of {LINE_BYTES_MAX} bytes",
                )
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self, size: int) -> bytes:
        try:
            piece = self._file.read(size) or b""
        except (EOFError, OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
            raise _unreadable(self._source, f"the packed file is damaged: {error}") from error
        self._total += len(piece)
        if self._packed is not None:
            self._packed_bytes = self._packed.tell()
        if self._packed_bytes is not None and (
            self._total > UNPACKED_BYTES_MAX
            or (self._total > RATIO_FROM_BYTES and self._total > self._packed_bytes * RATIO_MAX)
        ):
            raise _bomb(self._source)
        return piece


# -- text ----------------------------------------------------------------------------------------


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Keep bytes that are no text as lone surrogates, so that their cell can be named."""
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error("evenhand.cells", _escaped)


def _encoding(source: str, stream: _Stream, sample: bytes, table: Table) -> str:
    """Choose the encoding from the mapping or, for auto, from how the beginning reads."""
    stream.text = True
    if table.encoding not in ("auto", "utf-8"):
        return table.encoding
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8) or table.encoding == "utf-8":
        return "utf-8-sig"
    if sample.count(0) * 10 > len(sample):
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if min(even, odd) * 4 > max(even, odd):
            raise _unreadable(source, "this is no text in a known encoding")
        return "utf-16-le" if odd > even else "utf-16-be"
    if sample.isascii() and len(sample) == SAMPLE_BYTES:
        sample = stream.peek(ASCII_BYTES_MAX)
    first = next(iter(re.finditer(rb"[\x80-\xff]", sample)), None)
    if first is None:
        return "utf-8-sig"
    sample = sample[max(first.start() - 1_000, 0) :][:SAMPLE_BYTES]
    foreign = sum(byte > 127 for byte in sample)
    wrong = sample.decode("utf-8", "replace").count("\ufffd")
    if wrong * 20 <= foreign:  # a few wrong bytes are just that
        return "utf-8-sig"
    return max(("gb18030", "cp950"), key=lambda one: _likeness(sample, one))


def _likeness(sample: bytes, encoding: str) -> float:
    """Score how much a sample looks like a register of addresses and companies."""
    text = [char for char in sample.decode(encoding, "replace") if char > "\x7f"]
    common = _common_gb if encoding == "gb18030" else _common_big5
    wrong = text.count("\ufffd")
    return (sum(char in common for char in text) - wrong * 2) / max(len(text), 1)


def _delimiter(text: str) -> str:
    """Choose the delimiter that cuts most lines of the beginning into equally many cells."""
    best, delimiter = (0.0, 0), ","
    lines = text.splitlines()[:60]
    for one in _delimiters:
        counts = [line.count(one) for line in lines if line.strip()]
        widths = [count for count in counts if count]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        score = (round(widths.count(usual) / len(counts), 1), usual)
        if score > best:
            best, delimiter = score, one
    return delimiter


def _quoting(text: str, delimiter: str) -> tuple[str, str]:
    """Tell the quote character, and the backslash where it escapes one."""
    lines = text.splitlines()[:200]
    cell = re.compile(rf"(?:^|{re.escape(delimiter)})'.*'(?:{re.escape(delimiter)}|$)")
    single = any(map(cell.search, lines)) and (
        _widths(lines, delimiter, "'") < _widths(lines, delimiter, '"')
    )
    quote = "'" if single else '"'
    escapes = f"\\{quote}" in text and quote * 2 not in text
    return quote, "\\" if escapes else ""


def _widths(lines: list[str], delimiter: str, quote: str) -> tuple[int, int]:
    """Count how many widths a quote character leaves the rows, and the cells it leaves quoted."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, quotechar=quote))
    except csv.Error:
        return len(lines) + 1, 0
    cells = (cell for row in rows for cell in row)
    return len({len(row) for row in rows}), sum(cell[:1] in ("'", '"') for cell in cells)


class _Lines:
    """Lines of a text that can be given back when a row turns out to have swallowed them."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._again = deque[str]()
        self._taken: list[str] = []
        self.number = 0  # of the line that was handed out last

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= ROW_LINES_MAX:
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._text)
        self._taken.append(line)
        self.number += 1
        return line

    def block(self) -> list[str]:
        """Take the next lines at once; none are left when there are none."""
        if self._again:
            block = [self._again.popleft() for _ in range(min(len(self._again), BLOCK_LINES))]
        else:
            block = list(islice(self._text, BLOCK_LINES))
        self.number += len(block)
        return block

    def restore(self, block: list[str]) -> None:
        """Give a block back."""
        self._again.extendleft(reversed(block))
        self.number -= len(block)

    def begin(self) -> int:
        """Begin a row; return the number of its first line."""
        self._taken.clear()
        return self.number + 1

    def give_back(self) -> bool:
        """Give all but the first line of the row back; tell whether there was a row at all."""
        self._again.extendleft(reversed(self._taken[1:]))
        self.number -= max(len(self._taken) - 1, 0)
        return bool(self._taken)


def _records(text: Iterable[str], delimiter: str, quote: str, escape: str) -> Iterator[Line]:
    """Yield the rows of a CSV with the number of their first line.

    Where no row takes several lines, many are read at once.
    """
    lines = _Lines(text)
    how = csv.reader(
        lines, delimiter=delimiter, quotechar=quote, escapechar=escape or None, strict=True
    )
    while block := lines.block():
        try:
            rows = list(csv.reader(block, dialect=how.dialect))
        except csv.Error:
            rows = []
        if len(rows) == len(block):  # no line yields two rows, so each is one
            yield from map(Line, count(lines.number - len(block) + 1), rows)
            continue
        end = lines.number
        lines.restore(block)
        while lines.number < end:
            number = lines.begin()
            try:
                yield Line(number, next(how))
            except StopIteration:
                return
            except csv.Error:
                lines.give_back()
                yield Line(number, None)
        lines.begin()


# -- NDJSON --------------------------------------------------------------------------------------


def _is_ndjson(text: str) -> bool:
    line = text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    return line.startswith("{") and (_object(line) is not None or '":' in line)


def _object(line: str) -> dict[str, str] | None:
    """Read one object, numbers as they are written; None when the line is no object."""
    try:
        read = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        return {name: _flat(value) for name, value in msgspec.convert(read, dict[str, Any]).items()}
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def _flat(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _objects(text: Iterable[str]) -> Iterator[Line]:
    """Yield the names of the first objects as a header, then the values of each object."""
    lines = enumerate(text, 1)
    first: list[tuple[int, dict[str, str] | None]] = []
    header: dict[str, None] = {}
    for number, line in lines:
        if line.strip():
            one = _object(line)
            first.append((number, one))
            header.update(dict.fromkeys(one or ()))
        if len(first) == SAMPLE_OBJECTS:
            break
    names = list(header)
    yield Line(0, names)
    for number, one in first:
        yield _values(number, one, names)
    for number, line in lines:
        if line.strip():
            yield _values(number, _object(line), names)


def _values(number: int, one: dict[str, str] | None, names: list[str]) -> Line:
    return Line(number, None if one is None else [one.get(name, "") for name in names])


# -- workbooks -----------------------------------------------------------------------------------


def _sheet_rows(book: Workbook) -> Iterator[Line]:
    """Yield the rows; a cell merged downwards holds for each, one merged across loses the row."""
    down: dict[int, list[tuple[int, int, int]]] = {}  # first row → last row, columns
    for top, left, bottom, right in book.about.merged:
        down.setdefault(top, []).append((bottom, left, right))
    open_ranges: list[tuple[int, int, str]] = []  # last row, column, value
    for place, cells in enumerate(book.rows()):
        open_ranges = [one for one in open_ranges if one[0] >= place]
        for _, column, value in open_ranges:
            cells[column] = value
        for bottom, left, right in down.get(place, ()):
            if left == right and bottom > place and left < len(cells):
                open_ranges.append((bottom, left, cells[left]))
        yield Line(place + 1, cells)


def across(merged: tuple[Merged, ...]) -> frozenset[int]:
    """Tell in which rows of a sheet, counted from 1, a cell is merged across columns."""
    return frozenset(
        row + 1
        for top, left, bottom, right in merged
        if right > left
        for row in range(top, min(bottom, top + 10_000) + 1)
    )


def _unreadable(source: str, problem: str) -> Refused:
    return Refused(Reason.REGISTER_NOT_CSV, file=source, problem=problem[:200])


def _bomb(source: str) -> Refused:
    limit = f"{UNPACKED_BYTES_MAX} bytes, and {RATIO_MAX} times what is packed"
    return Refused(Reason.REGISTER_OVER_LIMIT, file=source, limit=limit)
