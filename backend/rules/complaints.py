"""投诉举报: what may be done with a complaint when, and by when. Pure.

A complaint (投诉) is accepted and mediated; a report (举报) is verified. Terms are data
(`backend/complaints`), in working days, by division and day.
"""

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from backend.rules.calendar import Calendar, due
from backend.rules.disclosure import numbered
from backend.rules.governing import governing
from sync.checklist import Text
from sync.refusals import Reason, Refused

Kind = Literal["complaint", "report"]
Channel = Literal["12315", "12345", "letter", "visit", "web", "other"]
State = Literal["received", "accepted", "rejected", "closed"]
Step = Literal["accept", "reject", "extend", "close"]
KINDS: dict[Kind, Text] = {
    "complaint": Text("Complaint", "投诉"),
    "report": Text("Report", "举报"),
}
CHANNELS: tuple[Channel, ...] = get_args(Channel)
STATES: tuple[State, ...] = get_args(State)
ROWS_MAX = 2_000
HEADERS = {
    "编号": "number",
    "类型": "kind",
    "渠道": "channel",
    "接收日期": "received_on",
    "统一社会信用代码": "code",
    "地点": "place",
    "区划代码": "division",
    "事项": "matter",
    "内容": "text",
}
_WORDS = {word.zh: kind for kind, word in KINDS.items()}
_NEXT: dict[tuple[Kind, State], dict[Step, State]] = {
    ("complaint", "received"): {"accept": "accepted", "reject": "rejected"},
    ("complaint", "accepted"): {"close": "closed"},
    ("report", "received"): {"extend": "received", "reject": "rejected", "close": "closed"},
}
_SAYS_WHY: tuple[Step, ...] = ("reject", "extend", "close")


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """办理期限 of a division from a day on, in working days."""

    division: str
    since: date
    accept: int
    mediate: int
    verify: int
    extend: int


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Terms, ...]


class Clock(Struct, frozen=True):
    """What must be done next, and by when; nothing when it is done with."""

    step: Step | Literal[""]
    due_on: date | None


class Row(Struct, frozen=True, kw_only=True):
    """A complaint as a file tells of it."""

    number: str
    kind: Kind
    channel: Channel
    received_on: date
    matter: str
    code: str = ""
    place: str = ""
    division: str = ""
    text: str = ""


LENGTHS = {"number": 64, "code": 64, "place": 300, "division": 12, "matter": 200, "text": 2000}


def parse_terms(toml: str) -> tuple[Terms, ...]:
    """Read the terms of several divisions."""
    return msgspec.convert(tomllib.loads(toml), _File).terms


def terms_of(known: Iterable[Terms], division: str, day: date) -> Terms:
    """Choose the terms for a division on a day; before the country's first, these are as good."""
    every = list(known)
    first = min(one.since for one in every if not one.division)
    return governing(every, division, max(day, first))


def clock(
    kind: Kind,
    state: State,
    *,
    received_on: date,
    accepted_on: date | None,
    extended: bool,
    terms: Terms,
    calendar: Calendar,
) -> Clock:
    """Say what falls due next; the day it begins on does not count."""
    if state in ("closed", "rejected"):
        return Clock("", None)
    if kind == "report":
        days = terms.verify + (terms.extend if extended else 0)
        return Clock("close", due(received_on, days, calendar))
    if state == "received":
        return Clock("accept", due(received_on, terms.accept, calendar))
    assert accepted_on is not None
    return Clock("close", due(accepted_on, terms.mediate, calendar))


def after(kind: Kind, state: State, step: Step, *, extended: bool, why: str) -> State:
    """Give the state after a step, or refuse one that cannot be taken or does not say why."""
    reached = _NEXT.get((kind, state), {}).get(step)
    if reached is None or (step == "extend" and extended):
        raise Refused(Reason.COMPLAINT_STATE, state=state, kind=kind, step=step)
    if step in _SAYS_WHY and not why.strip():
        raise Refused(Reason.COMPLAINT_ANSWER_MISSING, step=step)
    return reached


def read(text: str) -> list[Row]:
    """Read complaints from CSV; refuse the whole at the first cell that cannot be taken.

    Columns by our names or the Chinese ones, in any order; row 1 is the header.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    rows: list[Row] = []
    names: list[str] = []
    try:
        for cells in reader:
            if not names:
                names = _names(cells)
            elif any(cell.strip() for cell in cells):
                rows.append(_row(reader.line_num, names, cells))
            if len(rows) > ROWS_MAX:
                raise _wrong(reader.line_num, "", "", f"More than {ROWS_MAX} rows.", "行数过多")
    except csv.Error as error:
        raise _wrong(reader.line_num, "", "", f"Not CSV: {error}.", "CSV 格式错误") from error
    if not names:
        raise _wrong(1, "", "", "The file is empty.", "文件为空")
    return rows


def _names(cells: list[str]) -> list[str]:
    names = [HEADERS.get(cell.strip(), cell.strip()) for cell in cells]
    for name in names:
        if name not in Row.__struct_fields__:
            raise _wrong(1, name, name, "No such column.", "未知列")
    for name in ("number", "kind", "channel", "received_on", "matter"):
        if names.count(name) != 1:
            raise _wrong(1, name, "", "This column must be there once.", "缺少此列或此列重复")
    return names


def _row(line: int, names: list[str], cells: list[str]) -> Row:
    if len(cells) != len(names):
        en = f"{len(cells)} cells under {len(names)} columns."
        raise _wrong(line, "", "", en, "单元格数量与列数不符")
    told = dict(zip(names, (cell.strip() for cell in cells), strict=True))
    told["kind"] = _WORDS.get(told["kind"], told["kind"])
    for name in ("number", "matter"):
        if not told[name]:
            raise _wrong(line, name, "", "It may not be empty.", "不能为空")
    for name, longest in LENGTHS.items():
        if len(told.get(name, "")) > longest:
            raise _wrong(line, name, told[name][:40], f"Longer than {longest}.", "内容过长")
    for name, words in (("kind", tuple(KINDS)), ("channel", CHANNELS)):
        if told[name] not in words:
            known = ", ".join(words)
            raise _wrong(line, name, told[name], f"None of: {known}.", f"应为：{known}")
    try:
        date.fromisoformat(told["received_on"])
    except ValueError as error:
        en = "Not a day like 2026-03-02."
        raise _wrong(
            line, "received_on", told["received_on"], en, "应为 2026-03-02 格式"
        ) from error
    return msgspec.convert(told, Row)


def _wrong(row: int, field: str, value: str, en: str, zh: str) -> Refused:
    return Refused(
        Reason.COMPLAINTS_INVALID, row=row, field=field, value=value, problem=en, problem_zh=zh
    )


def personal(found: Mapping[str, str]) -> str:
    """Name the fields with a telephone, an identity number or a mail address in them."""
    return " ".join(name for name, text in found.items() if numbered(text))
