"""名录读取: rows of somebody's CSV become records of ours, each problem named by its row. Pure.

A row that cannot be read is reported and left out; nothing else of the file is lost. A row that is
only odd is reported and kept. A quote that is never closed costs its own line, not the rest.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import chain, islice
from operator import itemgetter
from typing import IO, Generic, Protocol, TypeVar

from msgspec import Struct

from backend.rules.coordinates import convert
from backend.rules.dates import day
from backend.rules.headers import headed
from backend.rules.identifiers import identify
from backend.rules.mapping import Field, Table, bind
from backend.rules.sources import Line, Opened, across, tables
from sync.refusals import Reason, Refused

SAMPLE_ROWS = 1_000  # looked at before the first is taken
ROUNDED_MIN = 3  # rounded codes among them, and the column is no column of codes any more
PROBLEMS_MAX = 100_000  # that are kept to be told; all are counted
CLEAN_MAX = 20_000  # rows remembered as read before
DEGREE_PLACES = 9  # 0.1 mm: more would be noise of the arithmetic
SHOWN_MAX = 80  # characters of a value that a problem repeats

_unreadable = re.compile("[\x00\ud800-\udfff]")
_division = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})?", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?(e-\d{1,2})?", re.ASCII)
_digits18 = re.compile(r"\d{18}", re.ASCII)
_float = re.compile(r"\d(\.\d+)?E\+\d+", re.ASCII)

DATUMS = ("", "WGS-84", "GCJ-02", "BD-09")


class Problem(Struct, frozen=True):
    """What is wrong or odd with one row; `row` is the line of the file on which it begins."""

    source: str
    row: int
    column: str
    value: str
    reason: Reason
    kept: bool  # the row was imported all the same


Record = TypeVar("Record", bound=Struct)


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
        """Take a division code of 2, 4, 6, 9 or 12 digits; empty only if the mapping says so."""
        value, source = self.value(name), self.fields[name].source
        whole = source.constant is not None or source.otherwise == ""
        if not _division.fullmatch(value):
            raise self.bad(name, Reason.ROW_VALUE_INVALID)
        if not value and not whole:
            raise self.bad(name, Reason.ROW_VALUE_MISSING)
        return value

    def day(self, name: str) -> date:
        """Take a day in the order that the mapping says, if it says one."""
        found = day(self.text(name, 40, required=True), self.fields[name].source.date)
        if found is None:
            raise self.bad(name, Reason.ROW_VALUE_INVALID)
        return found

    def degrees(self, name: str, limit: int) -> float | None:
        """Take a coordinate; one that cannot be right is dropped and reported."""
        value = self.value(name)
        if not value:
            return None
        number = float(value) if NUMBER.fullmatch(value) else 999.0
        if abs(number) > limit:
            self.note(name, Reason.ROW_VALUE_INVALID)
            return None
        return number

    def point(self) -> tuple[float | None, float | None, str]:
        """Take longitude, latitude and datum, converted if the mapping asks for it."""
        longitude, latitude = self.degrees("longitude", 180), self.degrees("latitude", 90)
        if longitude is None or latitude is None:
            return None, None, ""
        datum, to = self.one_of("datum", DATUMS, ""), self.table.convert
        if not to or datum == to:
            return longitude, latitude, datum
        found = convert(latitude=latitude, longitude=longitude, datum=datum, to=to)
        if found is None:
            self.note("longitude", Reason.ROW_VALUE_INVALID)
            return None, None, ""
        return round(found[1], DEGREE_PLACES), round(found[0], DEGREE_PLACES), to

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


class Problems:
    """All problems counted, and the first of them kept: refused rows apart from odd ones."""

    def __init__(self) -> None:
        self.codes = Counter[str]()
        self.refused = 0
        self._last = ("", 0)
        self._refused: list[Problem] = []
        self._odd: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it while there are few."""
        self.codes[problem.reason.code] += 1
        if not problem.kept and (problem.source, problem.row) != self._last:
            self.refused += 1  # a row counts once, whatever many of its cells are wrong
            self._last = (problem.source, problem.row)
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

    def begin(self, fields: Collection[str]) -> None:
        """Hear which fields the rows that follow have, once for each table of the files."""

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


class Quick(Protocol[Record]):
    """Reads the usual row at a glance, as it learns from the careful reading of others."""

    def read(self, cells: list[str]) -> Record | None:
        """Read a row, or leave it to the careful reader."""
        ...

    def learn(self, cells: list[str], record: Record) -> None:
        """Remember what the cells of a careful reading, nothing odd about it, became."""
        ...


def read(
    files: Iterable[tuple[str, IO[bytes]]],
    table: Table,
    build: Callable[[Row], Record],
    key: Callable[[Record], str],
    into: Reading[Record] | None = None,
    glance: Callable[[dict[str, Field], Table], Quick[Record]] | None = None,
) -> Reading[Record]:
    """Read files of one register, collapsing rows of one key as the mapping says."""
    reading = into if into is not None else Reading[Record]()
    for source, file in files:
        for opened in tables(source, file, table):
            try:
                _read_table(reading, opened, table, build, key, glance)
            finally:
                opened.close()
    return reading


def _read_table(
    reading: Reading[Record],
    opened: Opened,
    table: Table,
    build: Callable[[Row], Record],
    key: Callable[[Record], str],
    glance: Callable[[dict[str, Field], Table], Quick[Record]] | None,
) -> None:
    source = opened.detected.source
    header, rest = headed(opened, table)
    bound = bind(table, header)
    fields = {field.name: field for field in bound}
    reading.begin(fields)
    mapped = sorted({place for field in bound for place in field.places})
    merged = across(opened.merged)
    lines = _Sampled(rest)
    _refuse_rounded(source, header, fields, table, lines)
    clean: set[tuple[str, ...]] = set()  # rows that would say again what was read without a word
    again = False  # there are rows that say again what another said
    cut = itemgetter(*mapped, mapped[0])  # of one column it would give no tuple
    quick = glance(fields, table) if glance is not None else None
    last = table.collapse == "last"

    def problem(row: int, column: str, value: str, reason: Reason, *, kept: bool) -> None:
        reading.problems.add(Problem(source, row, column, shown(value), reason, kept))

    for line in lines:
        number, cells = line.number, line.cells
        if cells is not None and not any(cells):
            continue  # an empty line says nothing
        reading.rows += 1
        if cells is None or len(cells) != len(header):
            found = "" if cells is None else str(len(cells))
            problem(number, "", found, line.reason, kept=False)
            continue
        if number in merged:
            problem(number, "", "", Reason.ROW_CELLS_MERGED, kept=False)
            continue
        gist = cut(cells)
        if (again or len(clean) < CLEAN_MAX) and gist in clean:
            again = True
            continue
        if _unreadable.search("".join(gist)):
            for place in mapped:
                if _unreadable.search(cells[place]):
                    of = Reason.ROW_UNDECODABLE
                    problem(number, header[place], cells[place], of, kept=False)
            continue
        record = quick.read(cells) if quick is not None else None
        if record is None:
            row = Row(fields, cells, table)
            try:
                record = build(row)
            except Bad as bad:
                problem(number, bad.column, bad.value, bad.reason, kept=False)
                continue
            for column, value, of in row.odd:
                problem(number, column, value, of, kept=True)
            reading.take(key(record), record, source, number, last=last)
            if row.odd:
                continue
            if quick is not None:
                quick.learn(cells, record)
        else:
            reading.take(key(record), record, source, number, last=last)
        if len(clean) < CLEAN_MAX:
            clean.add(gist)


def shown(value: str) -> str:
    """Write a value so that what cannot be seen, or is no text, can be seen."""
    seen = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return "".join(seen)[:SHOWN_MAX]


class _Sampled:
    """Rows of which the first were looked at."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.first = list(islice(lines, SAMPLE_ROWS))

    def __iter__(self) -> Iterator[Line]:
        return chain(self.first, self._lines)


def _refuse_rounded(
    source: str, header: list[str], fields: dict[str, Field], table: Table, rows: _Sampled
) -> None:
    """Refuse a file whose column of codes went through a spreadsheet as numbers."""
    field = fields.get("code")
    if field is None or not table.identifiers:
        return
    for place in field.places:
        codes = [
            (line.number, line.cells[place].strip())
            for line in rows.first
            if line.cells is not None and place < len(line.cells)
        ]
        lost = [one for one in codes if _float.fullmatch(one[1].upper())]
        if len(lost) < ROUNDED_MIN:
            digits = [one for one in codes if _digits18.fullmatch(one[1])]
            lost = digits if all(code.endswith("000") for _, code in digits) else []
        if len(lost) >= ROUNDED_MIN:
            raise Refused(
                Reason.REGISTER_CODES_ROUNDED,
                file=source,
                column=header[place],
                row=lost[0][0],
                value=lost[0][1],
                rows=len(lost),
            )
