"""TOML with line numbers: read a file into a struct, and refuse it where it is wrong.

Checklists (检查表) and catalogues are written by people, who want to hear line and field.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sync.refusals import Reason, Refused

Fault = tuple[str, str, str]  # path, English, 中文

_Read = TypeVar("_Read", bound=Struct)


def read(
    toml: bytes,
    into: type[_Read],
    faults: Callable[[_Read], Iterable[Fault]],
    reason: Reason = Reason.CHECKLIST_INVALID,
) -> _Read:
    """Read a struct from TOML; refuse it naming line and field when anything is wrong.

    `faults` tells what types cannot: the first that it yields is refused.
    """
    try:
        text = toml.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = toml.count(b"\n", 0, error.start) + 1
        raise _invalid(reason, line, "", "The file is not UTF-8.", "文件不是 UTF-8 编码") from error
    text = text.replace("\r\n", "\n")
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers and nesting without end
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise _invalid(reason, line, "", f"Not TOML: {error}", "TOML 语法错误") from error
    lines = _lines(text)
    try:
        found = msgspec.convert(raw, into)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        named = re.search(r"required field `(\w+)`", problem)
        path = place[place.find("$") + 1 :].lstrip(".").rstrip("`")
        path = _join(path, named[1]) if named else path
        raise _invalid(
            reason, _near(lines, path), path, problem, "缺少字段或取值不符合要求"
        ) from error
    for path, en, zh in _all_faults(raw, found, faults):
        raise _invalid(reason, _near(lines, path), path, en, zh)
    return found


def twice(path: str, codes: Sequence[str], name: str = "code") -> Iterator[Fault]:
    """Find what has the code of an earlier one of its list."""
    for n, code in enumerate(codes):
        if code in codes[:n]:
            yield f"{path}[{n}].{name}", f"{code} appears twice.", f"{code} 重复"


def _all_faults(
    raw: dict[str, object], found: _Read, faults: Callable[[_Read], Iterable[Fault]]
) -> Iterator[Fault]:
    yield from _unknown(raw, found, "")
    yield from faults(found)


def _unknown(raw: Any, known: Any, path: str) -> Iterator[Fault]:
    """Compare what the file says with what was understood: nothing may be left over."""
    if isinstance(known, Struct):
        for key, value in raw.items():
            if key not in known.__struct_fields__:
                yield _join(path, key), f"Field {key} is unknown.", f"未知字段 {key}"
            else:
                yield from _unknown(value, getattr(known, key), _join(path, key))
    elif isinstance(known, tuple):
        for n, value in enumerate(raw):
            yield from _unknown(value, known[n], f"{path}[{n}]")
    elif isinstance(known, dict):
        for key, value in raw.items():
            yield from _unknown(value, known[key], _join(path, key))


# -- where a field is in the file ----------------------------------------------------------------


def _lines(text: str) -> dict[str, int]:
    """Map the path of every table and key that starts a line to its number, from 1.

    Also of every inline table that starts a line of an array: `choices = [` and its lines.
    """
    lines: dict[str, int] = {"": 1}
    count: dict[str, int] = {}
    here, array, open_string = "", "", False
    for number, line in enumerate(text.split("\n"), start=1):
        inside = open_string
        open_string ^= (line.count('"""') + line.count("'''")) % 2 == 1
        if inside:
            continue
        if header := re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]", line):
            here, array = "", ""
            parts = header[2].split(".")
            for n, part in enumerate(parts, start=1):
                here = _join(here, part)
                if header[1] == "[[" and n == len(parts):
                    count[here] = count.get(here, -1) + 1
                if here in count:
                    here = f"{here}[{count[here]}]"
            lines.setdefault(here, number)
        elif key := re.match(r"\s*([\w.\-]+)\s*=\s*(\[\s*(#.*)?$)?", line):
            lines.setdefault(_join(here, key[1]), number)
            array = _join(here, key[1]) if key[2] else ""
        elif array and re.match(r"\s*\{", line):
            count[array] = count.get(array, -1) + 1
            lines.setdefault(f"{array}[{count[array]}]", number)
    return lines


def _near(lines: dict[str, int], path: str) -> int:
    """Give the line of the field or, when it has none, of the nearest table around it."""
    near = path
    while near not in lines:
        near = near[: max(near.rfind("."), near.rfind("["), 0)]
    return lines[near]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _invalid(reason: Reason, line: int, path: str, en: str, zh: str) -> Refused:
    return Refused(reason, line=line, field=path, problem=en, problem_zh=zh)
