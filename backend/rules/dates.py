"""日期: days as registers write them: ISO, slashes, Chinese, ROC years, spreadsheet serials. Pure.

What can be read in two ways (3/4/2019) is read in neither unless the mapping says which.
"""

import re
import unicodedata
from datetime import date, timedelta
from typing import Literal

Order = Literal["auto", "ymd", "dmy", "mdy", "roc", "excel"]

ROC_YEAR_ZERO = 1911
SERIAL_MIN, SERIAL_MAX = 10_000, 80_000  # 1927 to 2119: shorter numbers are years or days

_time = r"(?:[ T]+\d{1,2}(?:[:时点]\d{1,2}){0,2}(?:[.:秒分]\d*)*(?:Z|[+-]\d{2}:?\d{2})?)?"
_parts = re.compile(
    r"(?P<era>民国|民國)?(\d{1,4})(?P<mark>[-/.年])(\d{1,2})[-/.月](\d{1,4})日?" + _time, re.ASCII
)
_packed = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_serial = re.compile(r"(\d{5})(?:\.\d+)?", re.ASCII)
_excel_epoch = date(1899, 12, 30)  # with the 29 February 1900 that never was behind it


def day(text: str, order: Order = "auto") -> date | None:
    """Read a day; None when it is none, or could be another one."""
    text = unicodedata.normalize("NFKC", text).strip()
    if found := _serial.fullmatch(text):
        days = int(found[1])
        if order not in ("auto", "excel") or not SERIAL_MIN <= days <= SERIAL_MAX:
            return None
        return _excel_epoch + timedelta(days)
    if found := _packed.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    found = _parts.fullmatch(text)
    if found is None:
        return None
    first, middle, last = found[2], int(found[4]), found[5]
    if len(first) <= 2 and len(last) == 4 and not found["era"]:
        return _year_last(int(first), middle, int(last), order)
    if len(last) > 2:
        return None
    return _year_first(first, middle, int(last), order, found["era"], found["mark"])


def _year_first(
    year: str, month: int, on: int, order: Order, era: str | None, mark: str
) -> date | None:
    """Read 2026-01-31, 105/07/29 or 104年2月13日: a year below 1000 counts from 1911."""
    of_republic = bool(era) or order == "roc" or len(year) == 3 or year.startswith("0")
    if of_republic and (era or len(year.lstrip("0")) <= 3):
        if not era and order != "roc" and len(year.lstrip("0")) < 3:
            return None  # 98/7/2 may be of 1998 or of 2009
        return _date(int(year) + ROC_YEAR_ZERO, month, on)
    return _date(int(year), month, on) if len(year) == 4 else None


def _year_last(first: int, second: int, year: int, order: Order) -> date | None:
    if order == "dmy":
        return _date(year, second, first)
    if order == "mdy":
        return _date(year, first, second)
    return _date(year, first, first) if first == second else None


def _date(year: int, month: int, on: int) -> date | None:
    try:
        return date(year, month, on)
    except ValueError:
        return None
