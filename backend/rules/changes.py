"""变更事件: lines of somebody's change feed, and what they make of the rows of a register. Pure.

    {"source": "licensing", "id": "8812", "register": "establishments", "kind": "changed",
     "at": "2026-11-22T09:30:00+08:00", "fields": {"code": "91330106…", "status": "suspended"}}

`fields` has the key of the row; of the others those that the event says anything about.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from backend.rules.builders import BUILDERS
from backend.rules.dates import day
from backend.rules.mapping import OwnTable, bind
from backend.rules.reader import Bad, Problem, Row, shown
from backend.rules.records import REGISTERS, Register, written
from sync.refusals import Reason

LINE_BYTES_MAX = 64 * 1024
KEY_CHARS_MAX = 200
YEAR_MIN = 1900
BETWEEN = "\x1f"  # the parts of a key

Kind = Literal["created", "changed", "cancelled"]
Cells = Mapping[str, str]  # a row, every field as it is written in a file of ours

_unreadable = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_place = re.compile(r" - at `\$\.?([^`]*)`$")
_FLOATS = frozenset(("longitude", "latitude"))
_DAYS = frozenset(("listed_on", "first_day"))
_NOT_TOLD = frozenset(("missing_since",))  # an event names a row, so it is not missing


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """A line as it is written."""

    source: Annotated[str, Meta(min_length=1, max_length=60)]
    id: Annotated[str, Meta(min_length=1, max_length=80)]
    register: Register
    kind: Kind
    at: Annotated[datetime, Meta(tz=True)]
    fields: dict[str, str | int | float | bool | None]


class Change(Struct, frozen=True):
    """A line that can be read; one that waited since an earlier post has no line."""

    line: int
    source: str
    id: str
    register: Register
    key: str
    kind: Kind
    at: datetime
    fields: dict[str, str]
    division: str = ""  # of the officer who handed it in

    @property
    def name(self) -> tuple[str, str]:
        """Name it as its source does."""
        return self.source, self.id


class Fold(Struct):
    """What changes make of the rows of one register."""

    cells: dict[str, dict[str, str]] = {}  # the rows that are to be written, by key
    applied: dict[str, list[Change]] = {}  # by key
    stale: list[Change] = []
    waiting: list[Change] = []  # for their row to be created
    refused: list[tuple[Change, Problem]] = []


def read(body: bytes, *, until: datetime) -> tuple[list[Change], list[Problem]]:
    """Read the lines of a feed; what cannot be read is a problem of its line.

    What happens later than `until` would make all that comes after it too late.
    """
    changes: list[Change] = []
    problems: list[Problem] = []
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        found = _read(number, line, until)
        if isinstance(found, Change):
            changes.append(found)
        else:
            problems.append(found)
    return changes, problems


def key_of(register: Register, fields: Cells) -> str:
    """Put the key of a row together."""
    return BETWEEN.join(fields[name] for name in REGISTERS[register].key)


def fold(
    register: Register,
    changes: Iterable[Change],
    rows: Mapping[str, Cells],
    newest: Mapping[str, datetime],
) -> Fold:
    """Apply changes to the rows that are stored, each row's oldest change first.

    `newest` tells when the last change happened that was applied to a row: what happened before
    it came too late, and changes nothing.
    """
    done, last = Fold(), dict(newest)
    cells = {key: dict(row) for key, row in rows.items()}
    for one in sorted(changes, key=lambda change: change.at):
        if one.key in last and one.at < last[one.key]:
            done.stale.append(one)
        elif one.key not in cells and one.kind != "created":
            done.waiting.append(one)
        else:
            opened = _opened(register) if one.kind == "created" else {}
            after = {**cells.get(one.key, {}), **opened, **one.fields}
            if bad := _wrong(register, after):
                done.refused.append(
                    (
                        one,
                        Problem(
                            one.source,
                            one.line,
                            bad.column,
                            shown(bad.value),
                            bad.reason,
                            kept=False,
                        ),
                    )
                )
                continue
            cells[one.key] = done.cells[one.key] = after
            last[one.key] = one.at
            done.applied.setdefault(one.key, []).append(one)
    return done


def cells_of(register: Register, row: Mapping[Any, Any]) -> dict[str, str]:
    """Write a stored row as a line would."""
    told = (name for name in REGISTERS[register].stored if name not in _NOT_TOLD)
    return {name: written(row[name]) for name in told}


def same(one: Change, other: Change) -> bool:
    """Tell whether two lines of one name say the same."""
    said = ("register", "key", "kind", "at", "fields")
    return all(getattr(one, name) == getattr(other, name) for name in said)


def told(change: Change, reason: Reason, *, kept: bool = True) -> Problem:
    """Tell what became of a change."""
    return Problem(change.source, change.line, "id", shown(change.id), reason, kept)


def packed(fields: Cells) -> str:
    """Write fields for keeping."""
    return msgspec.json.encode(fields, order="deterministic").decode()


def unpacked(fields: str) -> dict[str, str]:
    """Read what was kept."""
    return msgspec.json.decode(fields, type=dict[str, str])


def _read(number: int, line: bytes, until: datetime) -> Change | Problem:
    def bad(field: str, value: object, reason: Reason) -> Problem:
        return Problem("", number, field, shown(str(value)), reason, kept=False)

    if len(line) > LINE_BYTES_MAX:
        return bad("", f"{len(line)} bytes", Reason.CHANGE_LINE_TOO_LONG)
    plain: object = None
    try:
        plain = msgspec.json.decode(line)
        one = msgspec.convert(plain, Line)
    except msgspec.ValidationError as error:
        found = _place.search(str(error))
        field, value = found[1] if found else "", str(error)
        if isinstance(plain, dict) and field in plain:
            value = str(cast(dict[str, object], plain)[field])
        return bad(field, value, Reason.CHANGE_LINE_INVALID)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return bad("", error, Reason.CHANGE_LINE_INVALID)
    if one.at.year < YEAR_MIN or one.at > until:
        return bad("at", one.at.isoformat(), Reason.ROW_VALUE_INVALID)
    fields: dict[str, str] = {}
    for name, told in one.fields.items():
        if name not in REGISTERS[one.register].stored or name in _NOT_TOLD:
            return bad(name, told, Reason.CHANGE_FIELD_UNKNOWN)
        fields[name] = written(told).strip()
        if isinstance(told, float) and name not in _FLOATS:
            return bad(name, told, Reason.ROW_VALUE_INVALID)
        if _unreadable.search(fields[name]):
            return bad(name, told, Reason.ROW_UNDECODABLE)
    if one.kind == "cancelled":
        closing = REGISTERS[one.register].closing
        if closing is None:
            return bad("kind", one.kind, Reason.CHANGE_NOT_CANCELLABLE)
        over = one.at.date() if closing.value is None else closing.value  # the day where it was
        fields.setdefault(closing.field, written(over))
    if "status" in fields:
        fields.setdefault("status_raw", fields["status"])
    problem = _name(one.register, fields)
    if problem is not None:
        return bad(*problem)
    return Change(
        line=number,
        source=one.source,
        id=one.id,
        register=one.register,
        key=key_of(one.register, fields),
        kind=one.kind,
        at=one.at.astimezone(UTC),
        fields=fields,
    )


def _name(register: Register, fields: dict[str, str]) -> tuple[str, str, Reason] | None:
    """See to it that the key is there, days in their one form; else tell what is wrong."""
    names = REGISTERS[register].key
    for name in names:
        if name not in fields or not (fields[name] or name == "division"):
            return name, "", Reason.ROW_VALUE_MISSING
        elif name in _DAYS:
            found = day(fields[name])
            if found is None:
                return name, fields[name], Reason.ROW_VALUE_INVALID
            fields[name] = found.isoformat()
    if len(key_of(register, fields)) > KEY_CHARS_MAX:
        return names[0], fields[names[0]], Reason.ROW_VALUE_TOO_LONG
    return None


def _opened(register: Register) -> dict[str, str]:
    """Undo what a cancellation says: what is created anew is not over."""
    spec = REGISTERS[register]
    if spec.closing is None:
        return {}
    defaults = zip(reversed(spec.fields), reversed(spec.record.__struct_defaults__), strict=False)
    field = spec.closing.field
    opened = {name: written(value) for name, value in defaults if name == field}
    return opened | ({"status_raw": ""} if field == "status" else {})


def _wrong(register: Register, cells: Cells) -> Bad | None:
    """Tell what is wrong with a row, if it were in a file of ours."""
    missing = [name for name in REGISTERS[register].required if name not in cells]
    if missing:
        return Bad(missing[0], "", Reason.ROW_VALUE_MISSING)
    table = OwnTable(register=register)
    fields = {field.name: field for field in bind(table, list(cells))}
    try:
        BUILDERS[register](Row(fields, list(cells.values()), table))
    except Bad as bad:
        return bad
    return None
