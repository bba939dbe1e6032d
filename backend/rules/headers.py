"""表头: find the header of a table below its title rows, in one row or in two. Pure."""

from itertools import islice

from backend.rules.decoding import replaced
from backend.rules.delimited import Rows
from backend.rules.mapping import Table, fits
from backend.rules.sources import COLUMNS_MAX, Opened
from sync.refusals import Reason, Refused

HEADER_ROWS_MAX = 30  # title rows, then the header, are among the first


def headed(opened: Opened, table: Table | None) -> tuple[list[str], Rows]:
    """Find the header below any title rows: the first row, or two of them joined, that fits.

    Without a mapping, or where none fits, it is the first of the fullest rows.
    """
    source = opened.detected.source
    first = list(islice(opened.rows, HEADER_ROWS_MAX))
    best: list[str] | None = None
    rest = 0
    for place, line in enumerate(first):
        if line.cells is None or not any(line.cells):
            continue
        cells = [replaced(cell) for cell in line.cells]
        if len(cells) > COLUMNS_MAX:
            limit = f"{COLUMNS_MAX} columns"
            raise Refused(Reason.REGISTER_OVER_LIMIT, file=source, limit=limit)
        below = first[place + 1].cells if place + 1 < len(first) else None
        for header, after in ((cells, place + 1), (_joined(cells, below), place + 2)):
            if table is not None and header and fits(table, header):
                opened.header_row = first[after - 1].number
                opened.rows.give_back(first[after:])
                return _named(header), opened.rows
        if best is None or len(set(filter(None, cells))) > len(set(filter(None, best))) * 2:
            best, rest = cells, place + 1
            opened.header_row = line.number
    if best is None:
        raise Refused(Reason.REGISTER_NOT_CSV, file=source, problem="no header row")
    opened.rows.give_back(first[rest:])
    return _named(best), opened.rows


def _joined(upper: list[str], lower: list[str] | None) -> list[str]:
    """Join a header of two rows: a name that stands over several columns belongs to each."""
    if lower is None or len(lower) != len(upper):
        return []
    names: list[str] = []
    over = ""
    for above, below in zip(upper, lower, strict=True):
        over = above if above.strip() or not below.strip() else over
        names.append(" ".join(part for part in (over.strip(), below.strip()) if part))
    return names


def _named(header: list[str]) -> list[str]:
    """Name the columns that have no name by their place: #1 is the first."""
    return [name.strip() or f"#{place}" for place, name in enumerate(header, 1)]
