"""工作簿读取进程: the program that reads one sheet for `backend.workbooks`, and nothing else.

It runs isolated, with its own limits of memory and time: whatever a workbook is made of, only this
process can fall over. In: a JSON line with the sheet's name, then the workbook. Out: JSON lines.
"""

import json
import sys
from collections.abc import Iterable
from datetime import date, datetime, time
from io import BytesIO

from python_calamine import CalamineSheet, CalamineWorkbook

MEMORY_BYTES_MAX = 3 << 30
SECONDS_MAX = 300  # of computing, not of waiting for the reader
COLUMNS_MAX = 2_000
MERGED_MAX = 200_000
ROUNDED_FROM = 1e15  # a spreadsheet keeps 15 digits of a number


def text(cell: object) -> str:
    """Write a cell as a CSV would: days in ISO, and a number that lost digits in powers of ten."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float():
            if abs(cell) >= ROUNDED_FROM:
                return f"{cell:.14E}".replace("000000E", "E")
            return str(int(cell)) if cell == int(cell) else repr(cell)
        case datetime():
            at_midnight = cell.time() == time()
            return cell.date().isoformat() if at_midnight else cell.isoformat(" ", "seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def answer(book: CalamineWorkbook, wanted: str | None) -> Iterable[object]:
    """List the sheets, then the rows of the one that is wanted, or of the only one."""
    sheets = [one.name for one in book.sheets_metadata]
    name = wanted or (sheets[0] if len(sheets) == 1 else None)
    if name not in sheets:
        yield {"sheets": sheets, "sheet": "", "merged": []}
        return
    sheet: CalamineSheet = book.get_sheet_by_name(name)
    merged = sheet.merged_cell_ranges or []
    if sheet.total_width > COLUMNS_MAX or len(merged) > MERGED_MAX:
        yield {"error": f"a sheet may have {COLUMNS_MAX} columns and {MERGED_MAX} merged cells"}
        return
    yield {
        "sheets": sheets,
        "sheet": name,
        "merged": [[*first, *last] for first, last in merged],
    }
    for row in sheet.iter_rows():
        yield [text(cell) for cell in row]


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
        book = CalamineWorkbook.from_filelike(BytesIO(sys.stdin.buffer.read()))
        for line in answer(book, wanted):
            out.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
        out.write(b"null\n")  # all of it was said
    except BrokenPipeError:
        return
    except BaseException as error:  # a panic of the Rust reader is no Exception
        out.write(json.dumps({"error": str(error)[:200]}).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
