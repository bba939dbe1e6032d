"""字段映射: which column of someone's file is which of our fields, written as TOML. Pure.

[establishments]
identifiers = true                                    # codes are Chinese registration numbers
[establishments.fields]
code = "统一社会信用代码"                                # a column
address = ["乡镇", "地址"]                              # columns, put together
status = { column = "状态", values = { "存续" = "active" }, otherwise = "unknown" }
datum = { constant = "WGS-84" }

A table without fields, or no mapping at all, reads a header of our own field names: an export.
"""

import json
import tomllib
import unicodedata
from typing import Literal

import msgspec
from msgspec import Struct

from backend.rules.dates import Order
from backend.rules.records import REGISTERS, Register
from sync.refusals import Reason, Refused

FIELDS = {one.name: one.fields for one in REGISTERS.values()}
REQUIRED = {one.name: one.required for one in REGISTERS.values()}


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a field comes from: a column, several columns put together, or a constant."""

    column: str = ""
    columns: tuple[str, ...] = ()
    separator: str = ""
    constant: str | None = None
    values: dict[str, str] = {}  # theirs → ours
    otherwise: str | None = None  # for a value that `values` does not have; else it is a problem
    date: Order = "auto"  # how a day is written, where it could be another one
    split: str = ""  # the value is a list: split here, map each part


Origin = str | tuple[str, ...] | Source


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """How to read one register from a file."""

    fields: dict[str, Origin] = {}
    encoding: Literal[
        "auto", "utf-8", "utf-16", "gb18030", "gbk", "big5", "cp950", "big5-hkscs", "cp1252"
    ] = "auto"  # fmt: skip
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"
    convert: Literal["", "WGS-84", "GCJ-02", "BD-09"] = ""  # the datum that points are stored in
    sheet: str = ""  # of a workbook that has several
    collapse: Literal["first", "last"] = "last"  # which row of one code is taken
    identifiers: bool = False  # codes are Chinese registration numbers: normalise and check them


class OwnTable(Table, frozen=True, kw_only=True):
    """How to read a register from a file of ours: its header has our field names."""

    register: Register


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping may describe any of the registers."""

    title: str = ""
    establishments: Table | None = None
    licences: Table | None = None
    listings: Table | None = None
    inspectors: Table | None = None
    leave: Table | None = None
    recusals: Table | None = None
    departments: Table | None = None
    divisions: Table | None = None


class Field(Struct, frozen=True):
    """A field with its columns found in the header of a file."""

    name: str
    column: str  # as the file calls it, for problems
    places: tuple[int, ...]
    source: Source


def parse(toml: bytes, register: Register) -> Table:
    """Read the table of one register from a mapping; refuse it naming the field that is wrong."""
    if not toml.strip():
        return OwnTable(register=register)
    try:
        mapping = msgspec.convert(tomllib.loads(toml.decode("utf-8-sig")), Mapping)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        raise Refused(Reason.MAPPING_INVALID, field=place.rstrip("`"), problem=problem) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, nesting without end
        raise Refused(Reason.MAPPING_INVALID, field="", problem=str(error)[:200]) from error
    table: Table | None = getattr(mapping, register)
    if table is None:
        raise Refused(Reason.MAPPING_REGISTER_MISSING, register=register)
    if not table.fields:
        return OwnTable(register=register, **msgspec.structs.asdict(table))
    for name, origin in table.fields.items():
        if name not in FIELDS[register]:
            raise _invalid(register, name, f"{register} have no such field")
        if isinstance(origin, Source) and _origins(origin) != 1:
            raise _invalid(register, name, "give one of column, columns and constant")
    if ("longitude" in table.fields) != ("latitude" in table.fields):
        raise _invalid(register, "longitude", "a point needs its longitude and its latitude")
    if table.convert and "datum" not in table.fields:
        raise _invalid(register, "datum", "say the datum of the points that are to be converted")
    for name in REQUIRED[register]:
        found_by_licence = name == "code" and "licence" in table.fields
        if name not in table.fields and not found_by_licence:
            raise _invalid(register, name, "this field must be mapped")
    return table


def bind(table: Table, header: list[str]) -> list[Field]:
    """Find the columns of a mapping in a file's header; widths and spaces do not matter."""
    if isinstance(table, OwnTable):
        return _bind_own(table, header)
    names = [_plain(name) or f"#{place}" for place, name in enumerate(header, 1)]
    fields: list[Field] = []
    for name, origin in table.fields.items():
        match origin:
            case str():
                source = Source(column=origin)
            case tuple():
                source = Source(columns=origin)
            case Source():
                source = origin
        columns = (source.column,) if source.column else source.columns
        for column in columns:
            if _plain(column) not in names:
                raise Refused(
                    Reason.MAPPING_COLUMN_MISSING,
                    field=name,
                    column=column,
                    columns=", ".join(header)[:400],
                )
        places = tuple(names.index(_plain(column)) for column in columns)
        fields.append(Field(name, " + ".join(columns), places, source))
    return fields


def choose_sheet(toml: bytes, register: Register, sheet: str) -> bytes:
    """Write another sheet into the table of one register, and leave the rest as it is."""
    lines = toml.decode("utf-8-sig", "surrogateescape").splitlines()
    start = next((n for n, one in enumerate(lines) if _plain(one).startswith(f"[{register}]")), -1)
    if start >= 0:
        after = (n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("["))
        end = next(after, len(lines))
        old = [n for n in range(start + 1, end) if _plain(lines[n]).startswith("sheet=")]
        for n in reversed(old):
            del lines[n]
        lines.insert(start + 1, f"sheet = {json.dumps(sheet, ensure_ascii=False)}")
    return "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"


def fits(table: Table, header: list[str]) -> bool:
    """Tell whether a header has every column of a mapping."""
    try:
        bind(table, header)
    except Refused:
        return False
    return True


def _bind_own(table: OwnTable, header: list[str]) -> list[Field]:
    """Take every column for the field of its name."""
    names = [name.strip() for name in header]
    known, required = FIELDS[table.register], REQUIRED[table.register]
    if len(set(names)) < len(names) or not set(required) <= set(names) <= set(known):
        raise Refused(
            Reason.MAPPING_NEEDED, register=table.register, columns=", ".join(header)[:400]
        )
    return [
        Field(
            name, name, (place,), Source(column=name, otherwise="" if name == "division" else None)
        )
        for place, name in enumerate(names)
    ]


def _origins(source: Source) -> int:
    return bool(source.column) + bool(source.columns) + (source.constant is not None)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _invalid(register: Register, name: str, problem: str) -> Refused:
    return Refused(Reason.MAPPING_INVALID, field=f"{register}.fields.{name}", problem=problem)
