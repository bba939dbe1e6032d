"""分隔文本: lines of a CSV become rows of cells with the numbers of their first lines. Pure."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import TextIOBase
from itertools import islice

from msgspec import Struct

BLOCK_CHARS = 64 * 1024  # of lines that are read at once
BLOCK_ROWS = 500  # of a file that is not read by lines
FIRST_ROWS = 50  # of those that were looked at before: there is still much to learn
ROW_LINES_MAX = 50  # more lines than this in one row: a quote was not closed
OWN_ROW_LINES_MAX = 2_000  # in an export, which closes every quote: a row has fewer characters

_delimiters = (",", "\t", ";", "|")
csv.field_size_limit(1 << 20)  # more than a line has: a long cell is told as one by its field


class Line(Struct, frozen=True):
    """A row with its number in the file; `cells` is None when it cannot be read."""

    number: int
    cells: list[str] | None


class Block(Struct, frozen=True):
    """Some rows that follow each other, with their numbers."""

    numbers: Sequence[int]
    rows: Sequence[list[str] | None]


class Rows:
    """The rows of a table, one by one or many at once; some can be given back."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = iter(blocks)
        self._ahead = deque[Line]()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        while not self._ahead:
            block = next(self._blocks)
            self._ahead.extend(map(Line, block.numbers, block.rows))
        return self._ahead.popleft()

    def give_back(self, lines: Sequence[Line]) -> None:
        """Put rows before those that are left."""
        self._ahead.extendleft(reversed(lines))

    def blocks(self) -> Iterator[Block]:
        """Take all that is left."""
        ahead = list(self._ahead)
        self._ahead.clear()
        yield from grouped(ahead, FIRST_ROWS)
        yield from self._blocks


def grouped(lines: Iterable[Line], rows: int = BLOCK_ROWS) -> Iterator[Block]:
    """Put rows together that come one by one."""
    left = iter(lines)
    while some := list(islice(left, rows)):
        yield Block([line.number for line in some], [line.cells for line in some])


def delimiter_of(text: str) -> str:
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


def quoting(text: str, delimiter: str) -> tuple[str, str]:
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

    def __init__(self, text: TextIOBase, most: int) -> None:
        self._text = text
        self._most = most  # of one row
        self._again = deque[str]()
        self._taken: list[str] = []
        self.number = 0  # of the line that was handed out last

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= self._most:
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._text)
        self._taken.append(line)
        self.number += 1
        return line

    def block(self) -> list[str]:
        """Take the next lines at once; none are left when there are none."""
        if self._again:
            block = list(self._again)
            self._again.clear()
        else:
            block = self._text.readlines(BLOCK_CHARS)
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

    def give_back(self) -> None:
        """Give all but the first line of the row back."""
        self._again.extendleft(reversed(self._taken[1:]))
        self.number -= max(len(self._taken) - 1, 0)


def records(
    text: TextIOBase, delimiter: str, quote: str, escape: str, most: int = ROW_LINES_MAX
) -> Iterator[Block]:
    """Yield the rows of a CSV, of so many lines at most; what takes one line is read quickly."""
    lines = _Lines(text, most)
    dialect = _dialect(delimiter, quote, escape)
    how = csv.reader(lines, dialect=dialect)
    while block := lines.block():
        first, end = lines.number - len(block) + 1, lines.number
        rows, ends = _whole(block, dialect, most)
        if rows:
            each = len(rows) == len(block)
            numbers = range(first, end + 1) if each else [first, *(first + at for at in ends[:-1])]
            yield Block(numbers, rows)
            block = block[ends[-1] :]
        if block:
            lines.restore(block)
            yield from grouped(_one_by_one(lines, how, end))
            lines.begin()


def _dialect(sign: str, quote: str, escape: str) -> type[csv.Dialect]:
    class How(csv.excel):
        delimiter = sign
        quotechar = quote
        escapechar = escape or None
        strict = True

    return How


def _whole(
    block: list[str], dialect: type[csv.Dialect], most: int
) -> tuple[list[list[str]], Sequence[int]]:
    """Read rows up to one that does not end where it should, and count the lines up to each end."""
    with suppress(csv.Error):
        quick = list(csv.reader(block, dialect=dialect))
        if len(quick) == len(block):  # no line yields two rows, so each is one
            return quick, range(1, len(quick) + 1)
    reader = csv.reader(block, dialect=dialect)
    rows: list[list[str]] = []
    ends: list[int] = []
    with suppress(csv.Error):
        for row in reader:
            end = reader.line_num
            if end - (ends[-1] if ends else 0) > most:
                break
            rows.append(row)
            ends.append(end)
    return rows, ends


def _one_by_one(lines: _Lines, how: Iterator[list[str]], end: int) -> Iterator[Line]:
    while lines.number < end:
        number = lines.begin()
        try:
            yield Line(number, next(how))
        except StopIteration:
            return
        except csv.Error:
            lines.give_back()
            yield Line(number, None)
