"""行政区划: codes under their names, folded from the editions of the national list. Pure.

An edition is a list as it was in force on one day (GB/T 2260, or the statistical codes). Between
two of them nobody knows the day of a change, so `since` and `until` are days of editions: the
first that has a code under a name, and the first that has it no longer.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

NATION = "10"  # 100000 stands in the credit codes of those that the state itself registers

Standing = Literal["in force", "historical", "unknown"]

_edition = re.compile(r"[12]\d{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
_level = re.compile(
    "(自治县|自治州|自治旗|林区|矿区|地区|街道办事处|街道|民族乡|县|区|市|旗|盟|镇|乡)$"
)
_no_places = {"市辖区", "县", "市", "省直辖县级行政单位", "自治区直辖县级行政单位"}


class Named(Struct, frozen=True, order=True):
    """A code and what an edition calls it."""

    code: str
    name: str


class DivisionLine(Struct, frozen=True):
    """A code under one name through time; as a register has it."""

    code: str
    name: str
    since: str
    until: str  # empty: in force
    successors: str  # codes, sorted, comma-separated


def is_edition(text: str) -> bool:
    """Tell whether a text is a day, a month or a year that an edition can be called by."""
    return _edition.fullmatch(text) is not None


def shortened(code: str) -> str:
    """Write 330000 as 33, 330100 as 3301: so a division is a prefix of all that lies in it."""
    if len(code) in (9, 12) and code.endswith("000"):
        return shortened(code[:-3])
    if len(code) in (4, 6) and code.endswith("00"):
        return shortened(code[:-2])
    return code


def fold(editions: Mapping[str, Iterable[Named]]) -> list[DivisionLine]:
    """Fold editions into one register with its history, by code and then by age.

    An edition tells of a level only in the provinces of which it has that level: a list without
    townships closes none, and one without 台湾, 香港 and 澳门 says nothing of them. A pair that was
    out of a list between two others counts as in force all the while. Successors are concluded
    from names: the edition that lacks a pair has one new code of that name, or a new name for the
    same code, or one new code of that name but for 县, 区, 市 and so on; in the prefecture, or else
    in the province.
    """
    days = sorted(editions)
    held = {day: {Named(shortened(one.code), one.name) for one in editions[day]} for day in days}
    covered = {day: {(len(one.code), one.code[:2]) for one in held[day]} for day in days}
    first: dict[Named, str] = {}
    last: dict[Named, str] = {}
    for day in days:
        for one in held[day]:
            first.setdefault(one, day)
            last[one] = day
    until: dict[Named, str] = {}
    for one, day in last.items():
        area = len(one.code), one.code[:2]
        ends = (later for later in days if later > day and area in covered[later])
        until[one] = next(ends, "")
    successors = _successors(first, until)
    return [
        DivisionLine(one.code, one.name, first[one], until[one], successors.get(one, ""))
        for one in sorted(first, key=lambda one: (one.code, first[one], one.name))
    ]


def standings(codes: Iterable[str], known: Mapping[str, bool]) -> dict[str, Standing]:
    """Tell how divisions stand, each by its county, or else by what is known above it.

    `known` tells which codes are in force. What lies below a county is taken on trust.
    """
    levels = {(len(one), one[:2]) for one in known}
    return {code: _standing(shortened(code[:6]), known, levels) for code in codes}


def path(line: DivisionLine, above: Iterable[DivisionLine]) -> list[str]:
    """Name what a division lay in when it came, from the province downwards (省/市/县/乡)."""
    names: list[str] = []
    by_code: dict[str, list[DivisionLine]] = defaultdict(list)
    for one in above:
        if one.code != line.code and line.code.startswith(one.code):
            by_code[one.code].append(one)
    for code in sorted(by_code, key=len):
        lines = sorted(by_code[code], key=lambda one: one.since)
        then = [one for one in lines if _overlap(one, line)]
        names.append((then or lines)[-1].name)
    return [*names, line.name]


def _overlap(one: DivisionLine, other: DivisionLine) -> bool:
    return (not one.until or one.until > other.since) and (
        not other.until or other.until > one.since
    )


def _standing(place: str, known: Mapping[str, bool], levels: set[tuple[int, str]]) -> Standing:
    if place == NATION:
        return "in force"
    while place:
        if place in known:
            return "in force" if known[place] else "historical"
        if (len(place), place[:2]) in levels:
            return "unknown"
        place = place[:-2]  # the register does not have this level here
    return "unknown"


def _successors(first: Mapping[Named, str], until: Mapping[Named, str]) -> dict[Named, str]:
    """Find where a division went on, by its name and else by its code."""
    gone: dict[str, list[Named]] = defaultdict(list)
    come: dict[str, list[Named]] = defaultdict(list)
    for one, day in until.items():
        if day:
            gone[day].append(one)
    for one, day in first.items():
        come[day].append(one)
    found: dict[Named, str] = {}
    for day, ended in gone.items():
        alike = dict(_alike(ended, come[day], _stem))
        same = dict(_alike(ended, come[day], lambda name: name))
        new = {one.code for one in come[day]}
        for one in ended:
            claimed = any(code == one.code for other, code in alike.items() if other != one)
            renamed = one.code if one.code in new and not claimed else ""
            code = same.get(one) or renamed or alike.get(one)
            if code:
                found[one] = code
    return found


def _alike(
    ended: Iterable[Named], come: Iterable[Named], called: Callable[[str], str]
) -> Iterator[tuple[Named, str]]:
    """Pair what ended with the one that came of that name, near or in the province."""
    new: dict[tuple[str, int, str], list[str]] = defaultdict(list)
    for one in come:
        for area in {one.code[:2], one.code[:4]}:
            new[area, len(one.code), called(one.name)].append(one.code)
    for one in ended:
        for area in (one.code[:4], one.code[:2]):
            codes = new.get((area, len(one.code), called(one.name)), ())
            if len(codes) == 1 and one.name not in _no_places:
                yield one, codes[0]
                break


def _stem(name: str) -> str:
    """Cut off what changes when a county becomes a city; what is left of a name stays one."""
    stem = _level.sub("", name)
    return stem if len(stem) > 1 else name
