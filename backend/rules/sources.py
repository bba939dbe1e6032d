"""名录文件: bytes of any supported format become rows of text with their row numbers in the file.

CSV and NDJSON in any usual encoding, workbooks, and these in gzip or zip. What was taken for what
is told (`Detected`). Everything is bounded: lines, columns, and what packed files unpack to.
"""

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

import msgspec
from msgspec import Struct

from backend.rules.decoding import SAMPLE_BYTES, choose
from backend.rules.delimited import (
    OWN_ROW_LINES_MAX,
    ROW_LINES_MAX,
    Block,
    Line,
    Rows,
    delimiter_of,
    grouped,
    quoting,
    records,
)
from backend.rules.exports import is_export, unguard
from backend.rules.mapping import OwnTable, Table
from backend.workbooks import Merged, Readable, Workbook
from sync.refusals import Reason, Refused

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


class Opened(Struct):
    """A table being read: its rows, title rows and header among them, each once."""

    detected: Detected
    rows: Rows
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
        return Opened(found, Rows(grouped(_sheet_rows(book))), about.merged, book)
    stream.text = True
    encoding = choose(source, sample, lambda: stream.peek(ASCII_BYTES_MAX), table)
    text = sample.decode(encoding, "replace")
    lines = io.TextIOWrapper(
        io.BufferedReader(stream, 1 << 18), encoding, errors="evenhand.cells", newline=""
    )
    if _is_ndjson(text):
        return Opened(Detected(source, "NDJSON", packed, encoding), Rows(grouped(_objects(lines))))
    if text.lstrip("\ufeff \t\r\n").startswith("[{"):
        raise _unreadable(source, "it is one JSON array; write one object a line (NDJSON)")
    delimiter = table.delimiter if table.delimiter != "auto" else delimiter_of(text)
    quote, escape = quoting(text, delimiter)
    most = ROW_LINES_MAX
    if isinstance(table, OwnTable) and is_export(text, table.register):
        delimiter, quote, escape = ",", '"', ""  # whatever its texts look like
        most = OWN_ROW_LINES_MAX
    found = Detected(source, "CSV", packed, encoding, delimiter, quote, escape)
    blocks = records(lines, delimiter, quote, escape, most)
    return Opened(found, Rows(map(_unguarded, blocks) if isinstance(table, OwnTable) else blocks))


def _unguarded(block: Block) -> Block:
    """Take away what an export puts before a text that looks like a formula."""
    return Block(block.numbers, [row and list(map(unguard, row)) for row in block.rows])


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
    rows: set[int] = set()
    seen = -1
    for top, bottom in sorted((one[0], one[2]) for one in merged if one[3] > one[1]):
        rows.update(range(max(top, seen + 1) + 1, bottom + 2))
        seen = max(seen, bottom)
    return frozenset(rows)


def _unreadable(source: str, problem: str) -> Refused:
    return Refused(Reason.REGISTER_NOT_CSV, file=source, problem=problem[:200])


def _bomb(source: str) -> Refused:
    limit = f"{UNPACKED_BYTES_MAX} bytes, and {RATIO_MAX} times what is packed"
    return Refused(Reason.REGISTER_OVER_LIMIT, file=source, limit=limit)
