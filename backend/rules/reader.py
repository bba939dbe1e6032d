"""名录读取: rows of somebody's CSV become records of ours, each problem named by its row. Pure.

A row that cannot be read is reported and left out; nothing else of the file is lost. A row that is
only odd is reported and kept. A quote that is never closed costs its own line, not the rest.
"""

import codecs
import csv
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import IO, Generic, TypeVar

from msgspec import Struct

from backend.rules.identifiers import identify
from backend.rules.mapping import Field, Table, bind
from sync.refusals import Reason, Refused

ROW_LINES_MAX = 50  # more lines than this in one row: a quote was not closed
SAMPLE_BYTES = 64 * 1024
PROBLEMS_MAX = 1_000  # that are told in full; all are counted
CLEAN_MAX = 100_000  # rows remembered as read before
SHOWN_MAX = 80  # characters of a value that a problem repeats

_unreadable = re.compile("[\x00\ud800-\udfff]")
_division = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})?", re.ASCII)
_date = re.compile(r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?", re.ASCII)
_number = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?", re.ASCII)
_float = re.compile(r"\d(\.\d+)?E\+\d+", re.ASCII)
_not_text = (
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)
_count = re.compile(r"\d{1,4}", re.ASCII)

STATUSES = ("active", "suspended", "revoked", "cancelled", "moved", "unknown")
RISKS = ("A", "B", "C", "D")
DATUMS = ("", "WGS-84", "GCJ-02", "BD-09")


class Problem(Struct, frozen=True):
    """What is wrong or odd with one row; `row` is the line of the file on which it begins."""

    source: str
    row: int
    column: str
    value: str
    reason: Reason
    kept: bool  # the row was imported all the same


class EstablishmentRecord(Struct, frozen=True):
    """A row of the register of establishments (检查对象名录库)."""

    code: str
    name: str
    category: str
    division: str
    address: str
    risk: str
    status: str
    status_raw: str
    longitude: float | None
    latitude: float | None
    datum: str


class InspectorRecord(Struct, frozen=True):
    """A row of the register of inspectors (执法检查人员名录库)."""

    certificate: str
    name: str
    department: str
    division: str
    qualifications: str
    cap: int
    valid_from: date
    valid_to: date
    active: bool


class RecusalRecord(Struct, frozen=True):
    """A row of the list of recusals (回避)."""

    code: str
    certificate: str
    reason: str


Record = TypeVar("Record", EstablishmentRecord, InspectorRecord, RecusalRecord)


class Bad(Exception):
    """A row that cannot be imported."""

    def __init__(self, column: str, value: str, reason: Reason) -> None:
        super().__init__(reason.code)
        self.column, self.value, self.reason = column, value, reason


class Row:
    """One row while it is read: its fields by our names, and what is odd about them."""

    def __init__(self, fields: dict[str, Field], cells: list[str], table: Table) -> None:
        self.fields, self.cells, self.table = fields, cells, table
        self.odd: list[tuple[str, str, Reason]] = []

    def raw(self, name: str) -> str:
        """Take a field as it stands in the file; empty when it is not mapped."""
        field = self.fields.get(name)
        if field is None:
            return ""
        if field.source.constant is not None:
            return field.source.constant
        parts = (self.cells[place].strip() for place in field.places)
        return field.source.separator.join(part for part in parts if part)

    def value(self, name: str, default: str = "") -> str:
        """Take a field through its value map."""
        raw = self.raw(name)
        field = self.fields.get(name)
        if field is None:
            return default
        source = field.source
        if source.split:
            return ",".join(sorted({self._ours(field, one) for one in raw.split(source.split)}))
        return self._ours(field, raw) or default

    def text(self, name: str, chars_max: int, *, required: bool = False, default: str = "") -> str:
        """Take a text of limited length."""
        value = self.value(name, default)
        if required and not value:
            raise self.bad(name, Reason.ROW_VALUE_MISSING)
        if len(value) > chars_max:
            raise self.bad(name, Reason.ROW_VALUE_TOO_LONG)
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Take one of our own words."""
        value = self.value(name, default)
        if value not in allowed:
            raise self.bad(name, Reason.ROW_VALUE_UNKNOWN)
        return value

    def code(self, name: str) -> str:
        """Take an identifier, normalised and checked when the mapping says that it is one."""
        raw = self.text(name, 64, required=True)
        if not self.table.identifiers:
            return raw
        identifier = identify(raw)
        if identifier.kind == "missing":
            raise self.bad(name, Reason.CODE_MISSING)
        if _float.fullmatch(identifier.value):  # a spreadsheet ate the digits; they are gone
            raise self.bad(name, Reason.CODE_ROUNDED)
        if identifier.value != raw:
            self.note(name, Reason.CODE_NORMALISED)
        if identifier.warning is not None:
            self.note(name, identifier.warning)
        return identifier.value

    def division(self, name: str) -> str:
        """Take a division code of 2, 4, 6, 9 or 12 digits; empty only as a constant."""
        value = self.value(name)
        constant = self.fields[name].source.constant is not None
        if not _division.fullmatch(value):
            raise self.bad(name, Reason.ROW_VALUE_INVALID)
        if not value and not constant:
            raise self.bad(name, Reason.ROW_VALUE_MISSING)
        return value

    def day(self, name: str) -> date:
        """Take a date: 2026-01-31, 2026/1/31 or 2026年1月31日."""
        found = _date.fullmatch(self.text(name, 20, required=True))
        if found is None:
            raise self.bad(name, Reason.ROW_VALUE_INVALID)
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            raise self.bad(name, Reason.ROW_VALUE_INVALID) from None

    def degrees(self, name: str, limit: int) -> float | None:
        """Take a coordinate; one that cannot be right is dropped and reported."""
        value = self.value(name)
        if not value:
            return None
        number = float(value) if _number.fullmatch(value) else 999.0
        if abs(number) > limit:
            self.note(name, Reason.ROW_VALUE_INVALID)
            return None
        return number

    def note(self, name: str, reason: Reason) -> None:
        """Remember what is odd."""
        self.odd.append((self._column(name), self.raw(name), reason))

    def bad(self, name: str, reason: Reason) -> Bad:
        """Give the row up."""
        return Bad(self._column(name), self.raw(name), reason)

    def _column(self, name: str) -> str:
        field = self.fields.get(name)
        return (field.column if field else "") or name

    def _ours(self, field: Field, theirs: str) -> str:
        source, theirs = field.source, theirs.strip()
        if not source.values or not theirs:
            return theirs or source.otherwise or ""
        ours = source.values.get(theirs, source.otherwise)
        if ours is None:
            raise Bad(field.column, theirs, Reason.ROW_VALUE_UNKNOWN)
        return ours


def establishment(row: Row) -> EstablishmentRecord:
    """Read a row of the register of establishments."""
    longitude, latitude = row.degrees("longitude", 180), row.degrees("latitude", 90)
    if longitude is None or latitude is None:
        longitude = latitude = None
    return EstablishmentRecord(
        code=row.code("code"),
        name=row.text("name", 300, required=True),
        category=row.text("category", 60, required=True),
        division=row.division("division"),
        address=row.text("address", 500),
        risk=row.one_of("risk", RISKS, "B"),
        status=row.one_of("status", STATUSES, "active"),
        status_raw=row.raw("status")[:120],
        longitude=longitude,
        latitude=latitude,
        datum=row.one_of("datum", DATUMS, "") if longitude is not None else "",
    )


def inspector(row: Row) -> InspectorRecord:
    """Read a row of the register of inspectors."""
    valid_from, valid_to = row.day("valid_from"), row.day("valid_to")
    if valid_to < valid_from:
        raise row.bad("valid_to", Reason.ROW_VALUE_INVALID)
    cap = row.text("cap", 4, default="10")
    if not _count.fullmatch(cap):
        raise row.bad("cap", Reason.ROW_VALUE_INVALID)
    return InspectorRecord(
        certificate=row.text("certificate", 40, required=True),
        name=row.text("name", 80, required=True),
        department=row.text("department", 80, required=True),
        division=row.division("division"),
        qualifications=row.text("qualifications", 300),
        cap=int(cap),
        valid_from=valid_from,
        valid_to=valid_to,
        active=row.one_of("active", ("true", "false"), "true") == "true",
    )


def recusal(row: Row) -> RecusalRecord:
    """Read a row of the list of recusals."""
    return RecusalRecord(
        code=row.code("code"),
        certificate=row.text("certificate", 40, required=True),
        reason=row.text("reason", 200, required=True),
    )


class Problems:
    """All problems counted, and the first of them kept: refused rows apart from odd ones."""

    def __init__(self) -> None:
        self.codes = Counter[str]()
        self.refused = 0
        self._refused: list[Problem] = []
        self._odd: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it while there are few."""
        self.codes[problem.reason.code] += 1
        self.refused += not problem.kept
        of = self._odd if problem.kept else self._refused
        if len(of) < PROBLEMS_MAX:
            of.append(problem)

    @property
    def first(self) -> list[Problem]:
        """Give the first problems, refused rows before odd ones."""
        return [*self._refused, *self._odd][:PROBLEMS_MAX]


class Reading(Generic[Record]):
    """What came out of the files: one record per key, where it stood, and the problems."""

    def __init__(self) -> None:
        self.rows = 0
        self.records: dict[str, Record] = {}
        self.places: dict[str, tuple[str, int]] = {}
        self.problems = Problems()

    def take(self, key: str, record: Record, source: str, row: int, *, last: bool) -> None:
        """Keep a record by its key; of several that differ, the first or the last one."""
        known = self.records.get(key)
        if known is None:
            self.places[key] = (source, row)
        elif known != record:
            reason = Reason.ROW_DUPLICATE
            self.problems.add(Problem(source, row, "", shown(key), reason, kept=last))
        if known is None or last:
            self.records[key] = record


def read(
    files: Iterable[tuple[str, IO[bytes]]],
    table: Table,
    build: Callable[[Row], Record],
    key: Callable[[Record], str],
    into: Reading[Record] | None = None,
) -> Reading[Record]:
    """Read files of one register, collapsing rows of one key as the mapping says."""
    reading = into if into is not None else Reading[Record]()
    for source, file in files:
        encoding = _encoding(file, table, source)
        text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")
        try:
            _read_file(reading, source, text, table, build, key)
        finally:
            text.detach()
    return reading


def _read_file(
    reading: Reading[Record],
    source: str,
    text: Iterable[str],
    table: Table,
    build: Callable[[Row], Record],
    key: Callable[[Record], str],
) -> None:
    records = _records(text, table.delimiter)
    _, header = next(records, (0, None))
    if header is None:
        raise Refused(Reason.REGISTER_NOT_CSV, file=source, problem="no header row")
    bound = bind(table, header)
    fields = {field.name: field for field in bound}
    mapped = sorted({place for field in bound for place in field.places})
    clean: set[tuple[str, ...]] = set()  # rows that would say again what was read without a word

    def problem(row: int, column: str, value: str, reason: Reason, *, kept: bool) -> None:
        reading.problems.add(Problem(source, row, column, shown(value), reason, kept))

    for number, cells in records:
        if cells is not None and not any(cells):
            continue  # an empty line says nothing
        reading.rows += 1
        if cells is None or len(cells) != len(header):
            found = "" if cells is None else str(len(cells))
            problem(number, "", found, Reason.ROW_COLUMNS_WRONG, kept=False)
            continue
        gist = tuple(cells[place] for place in mapped)
        if gist in clean:
            continue
        row = Row(fields, cells, table)
        try:
            if _unreadable.search("".join(gist)):
                place = next(place for place in mapped if _unreadable.search(cells[place]))
                raise Bad(header[place], cells[place], Reason.ROW_UNDECODABLE)
            record = build(row)
        except Bad as bad:
            problem(number, bad.column, bad.value, bad.reason, kept=False)
            continue
        for column, value, reason in row.odd:
            problem(number, column, value, reason, kept=True)
        reading.take(key(record), record, source, number, last=table.collapse == "last")
        if not row.odd and len(clean) < CLEAN_MAX:
            clean.add(gist)


def shown(value: str) -> str:
    """Write a value so that what cannot be seen, or is no text, can be seen."""
    seen = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return "".join(seen)[:SHOWN_MAX]


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

    def begin(self) -> int:
        """Begin a row; return the number of its first line."""
        self._taken.clear()
        return self.number + 1

    def give_back(self) -> bool:
        """Give all but the first line of the row back; tell whether there was a row at all."""
        self._again.extendleft(reversed(self._taken[1:]))
        self.number -= max(len(self._taken) - 1, 0)
        return bool(self._taken)


def _records(text: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the rows with the number of their first line; None for one that cannot be read."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = lines.begin()
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.give_back()
            yield number, None


def _encoding(file: IO[bytes], table: Table, source: str) -> str:
    """Choose the encoding from the mapping or, for auto, from how the beginning reads."""
    sample = file.read(SAMPLE_BYTES)
    file.seek(0)
    if sample.startswith(_not_text) or sample.count(0) * 10 > len(sample):
        raise Refused(Reason.REGISTER_NOT_CSV, file=source, problem="this is no UTF-8 or GB18030")
    if table.encoding == "gb18030":
        return "gb18030"
    if table.encoding == "utf-8" or sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    foreign = sum(byte > 127 for byte in sample)
    wrong = sample.decode("utf-8", "replace").count("\ufffd")
    return "utf-8-sig" if wrong * 20 <= foreign else "gb18030"  # a few wrong bytes are just that
