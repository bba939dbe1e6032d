"""名录读取: rows of somebody's CSV become records of ours, each problem named by its row. Pure.

A row that cannot be read is reported and left out; nothing else of the file is lost. A row that is
only odd is reported and kept. A quote that is never closed costs its own line, not the rest.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from itertools import islice
from operator import eq, itemgetter
from typing import IO, Generic, Protocol, TypeVar

from msgspec import Struct

from backend.rules.dates import day
from backend.rules.decoding import BROKEN, lost, remarkable, remarks, replaced, spelled
from backend.rules.delimited import Block, Line
from backend.rules.headers import headed
from backend.rules.identifiers import identify
from backend.rules.mapping import Field, Table, bind
from backend.rules.sources import Opened, across, tables
from sync.coordinates import DATUMS, convert
from sync.refusals import Reason, Refused

SAMPLE_ROWS = 1_000  # looked at before the first is taken
ROUNDED_MIN = 3  # rounded codes among them, and the column is no column of codes any more
PROBLEMS_MAX = 100_000  # that are kept to be told; all are counted
DEGREE_PLACES = 9  # 0.1 mm: more would be noise of the arithmetic
SHOWN_MAX = 80  # characters of a value that a problem repeats
SHOWN_BEFORE = 20  # of them before bytes that are no text

KEYS = {"code", "certificate", "number", "licence", "parent_code", "successor_code"}

_division = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})?", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?(e-\d{1,2})?", re.ASCII)
_digits18 = re.compile(r"\d{18}", re.ASCII)
_float = re.compile(r"\d(\.\d+)?E\+\d+", re.ASCII)


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

    def __init__(
        self, fields: dict[str, Field], cells: list[str], table: Table, broken: Sequence[int] = ()
    ) -> None:
        self.fields, self.cells, self.table = fields, cells, table
        self._broken = frozenset(broken)
        if broken:
            self.cells = [replaced(cell) for cell in cells]
        self.odd: list[tuple[str, str, Reason]] = []

    def raw(self, name: str) -> str:
        """Take a field as it stands in the file; empty when it is not mapped."""
        field = self.fields.get(name)
        if field is None:
            return ""
        if field.source.constant is not None:
            return field.source.constant
        if name in KEYS and not self._broken.isdisjoint(field.places):
            raise Bad(field.column, "", Reason.ROW_UNDECODABLE)  # it would name somebody else
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
        return number + 0.0  # a workbook cannot say -0

    def point(self) -> tuple[float | None, float | None, str]:
        """Take longitude, latitude and datum, converted if the mapping asks for it."""
        longitude, latitude = self.degrees("longitude", 180), self.degrees("latitude", 90)
        if longitude is None or latitude is None:
            return None, None, ""
        datum, to = self.one_of("datum", ("", *DATUMS), ""), self.table.convert
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

    def is_broken(self, column: str) -> bool:
        """Tell whether a column of the mapping has lost what it had."""
        fields = (field for field in self.fields.values() if field.column == column)
        return any(not self._broken.isdisjoint(field.places) for field in fields)

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

    def take_many(
        self,
        some: "Glanced[Record]",
        key: Callable[[Record], str],
        source: str,
        rows: Sequence[int],
        *,
        last: bool,
    ) -> None:
        """Keep records that were read at a glance, nothing odd among them."""
        for row, fields in zip(rows, zip(*some.columns.values(), strict=True), strict=True):
            record = some.record(**dict(zip(some.columns, fields, strict=True)))
            self.take(key(record), record, source, row, last=last)


class Glanced(Generic[Record]):
    """Rows that were read at a glance: which to read with care, and the fields of all others."""

    def __init__(
        self, record: Callable[..., Record], odd: list[int], columns: dict[str, Sequence[object]]
    ) -> None:
        self.record, self.odd, self.columns = record, odd, columns

    def part(self, begin: int, end: int) -> "Glanced[Record]":
        """Take the rows from one to another, nothing odd among them."""
        columns = {name: column[begin:end] for name, column in self.columns.items()}
        return Glanced(self.record, [], columns)


class Quick(Protocol[Record]):
    """Reads the usual rows at a glance, as it learns from the careful reading of others."""

    def read(self, columns: list[Sequence[str]]) -> Glanced[Record] | None:
        """Read rows by their columns, or leave all of them to the careful reader."""
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
                reader = _TableReader(reading, opened, table, build, key)
                reader.quick = glance(reader.fields, table) if glance is not None else None
                reader.read()
            finally:
                opened.close()
    return reading


class _TableReader(Generic[Record]):
    """Reads one table: most rows many at a glance, the others one by one with care."""

    def __init__(
        self,
        reading: Reading[Record],
        opened: Opened,
        table: Table,
        build: Callable[[Row], Record],
        key: Callable[[Record], str],
    ) -> None:
        self.reading, self.table, self.build, self.key = reading, table, build, key
        self.source = opened.detected.source
        self.header, self.rows = headed(opened, table)
        self.bound = bind(table, self.header)
        self.fields = {field.name: field for field in self.bound}
        self.mapped = sorted({place for field in self.bound for place in field.places}) or [0]
        self.merged = across(opened.merged)
        self.cut = itemgetter(*self.mapped, self.mapped[0])  # of one it would give no tuple
        self.before: tuple[str, ...] | None = None  # the row before, if it was read without a word
        self.quick: Quick[Record] | None = None
        self.last = table.collapse == "last"

    def read(self) -> None:
        """Read all rows."""
        self.reading.begin(self.fields)
        sample = list(islice(self.rows, SAMPLE_ROWS))
        _refuse_rounded(self.source, self.header, self.fields, self.table, sample)
        self.rows.give_back(sample)
        for block in self.rows.blocks():
            glanced = self._glance(block.rows)
            if glanced is not None:
                self._take(block, glanced)
                continue
            for number, cells in zip(block.numbers, block.rows, strict=True):
                self._row(number, cells)

    def _glance(self, rows: Sequence[list[str] | None]) -> Glanced[Record] | None:
        """Read rows by their columns, if all have as many as the header."""
        if self.quick is None or self.merged:
            return None
        whole = [cells for cells in rows if cells is not None]
        if len(whole) != len(rows) or set(map(len, whole)) != {len(self.header)}:
            return None
        columns: list[Sequence[str]] = list(zip(*whole, strict=True))
        columns.append([""] * len(whole))
        glanced = self.quick.read(columns)
        if glanced is None:
            return None
        odd = set(glanced.odd)
        for place in self.mapped:
            column = columns[place]
            if remarkable("".join(column)):
                odd.update(at for at, cell in enumerate(column) if remarkable(cell))
        first = columns[self.mapped[0]]
        for at, same in enumerate(map(eq, first, first[1:]), 1):
            if same and self.cut(whole[at]) == self.cut(whole[at - 1]):
                odd.add(at)  # it says again what the row before it said
        glanced.odd = sorted(odd)
        return glanced

    def _take(self, block: Block, glanced: Glanced[Record]) -> None:
        """Take rows in their order: between those that are odd, many at once."""
        begin = 0
        for at in (*glanced.odd, len(block.rows)):
            if at > begin:
                self.reading.rows += at - begin
                some, numbers = glanced.part(begin, at), block.numbers[begin:at]
                self.reading.take_many(some, self.key, self.source, numbers, last=self.last)
                cells = block.rows[at - 1]
                assert cells is not None  # else nothing had been glanced at
                self.before = self.cut(cells)
            if at < len(block.rows):
                self._row(block.numbers[at], block.rows[at])
            begin = at + 1

    def _row(self, number: int, cells: list[str] | None) -> None:
        """Read one row with care."""
        if cells is not None and not any(cells):
            return  # an empty line says nothing
        self.reading.rows += 1
        if cells is None or len(cells) != len(self.header):
            found = "" if cells is None else str(len(cells))
            self._problem(number, "", found, Reason.ROW_COLUMNS_WRONG, kept=False)
            return
        if number in self.merged:
            self._problem(number, "", "", Reason.ROW_CELLS_MERGED, kept=False)
            return
        gist = self.cut(cells)
        if gist == self.before:
            return
        self.before = None
        strange: list[int] = []
        if remarkable("".join(gist)):
            strange = [place for place in self.mapped if remarkable(cells[place])]
        broken = [place for place in strange if lost(cells[place])]
        row = Row(self.fields, cells, self.table, broken)
        try:
            record = self.build(row)
        except Bad as bad:
            self._lost(number, cells, broken, kept=False)
            if not row.is_broken(bad.column):
                self._problem(number, bad.column, bad.value, bad.reason, kept=False)
            return
        self._lost(number, cells, broken, kept=True)
        for column, value, of in row.odd:
            self._problem(number, column, value, of, kept=True)
        for place in strange:
            for of in remarks(cells[place]):
                self._problem(number, self.header[place], cells[place], of, kept=True)
        self.reading.take(self.key(record), record, self.source, number, last=self.last)
        if row.odd or strange:
            return
        if self.quick is not None:
            self.quick.learn(cells, record)
        self.before = gist

    def _lost(self, number: int, cells: list[str], broken: list[int], *, kept: bool) -> None:
        """Tell what cells have lost."""
        for place in broken:
            value, reason = cells[place], Reason.ROW_FORMULA_ERROR
            if found := BROKEN.search(value):
                begin = max(found.start() - SHOWN_BEFORE, 0)
                value, reason = spelled(value[begin : begin + SHOWN_MAX]), Reason.ROW_UNDECODABLE
            self._problem(number, self.header[place], value, reason, kept=kept)

    def _problem(self, row: int, column: str, value: str, reason: Reason, *, kept: bool) -> None:
        problem = Problem(self.source, row, column, shown(value), reason, kept)
        self.reading.problems.add(problem)


def shown(value: str) -> str:
    """Write a value so that what cannot be seen, or is no text, can be seen."""
    seen = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
    return "".join(seen)[:SHOWN_MAX]


def _refuse_rounded(
    source: str, header: list[str], fields: dict[str, Field], table: Table, sample: list[Line]
) -> None:
    """Refuse a file whose column of codes went through a spreadsheet as numbers."""
    field = fields.get("code")
    if field is None or not table.identifiers:
        return
    for place in field.places:
        codes = [
            (line.number, line.cells[place].strip())
            for line in sample
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
