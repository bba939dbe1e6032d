"""后续处置: what falls due after a result, and what each measure needs. Pure.

How often a term may be extended, when a reminder is written and when a recheck falls due are data
(`backend/terms`), by division and day.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from backend.rules.calendar import Calendar, before, due
from backend.rules.governing import governing
from sync.checklist import Text

SUSPENSION = "suspension"  # 责令停止: by the checklist alone
RiskLevel = Literal["major", "serious", "general", "low"]
Which = Literal["open", "overdue", "all"]  # of a list
OVERDUE = "overdue"  # the step that is written, and told to the journal, once a term has passed


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """期限规则: the figures of one division from one day on; days are working days."""

    division: str
    since: date
    source: str
    extensions: int
    extension_days: int
    remind_before: tuple[int, ...]
    remind_after: tuple[int, ...]
    recheck_days: int
    suspension_days: int


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Terms, ...]


class Kind(Struct, frozen=True):
    """处置方式: what a measure is called, and what must be said when it is taken and closed."""

    label: Text
    needs: tuple[str, ...]
    closes_with: tuple[str, ...] = ()
    at_once: bool = False  # nothing is left to do once it was taken


MEASURES: dict[str, Kind] = {
    "interview": Kind(Text("Interview", "约谈"), ("who", "due_on"), ("outcome",)),
    "referral": Kind(Text("Referral", "移送"), ("who", "reference"), ("outcome",)),
    "case": Kind(Text("Case filed", "立案"), ("reference",), ("outcome",)),
    "warning": Kind(Text("Warning", "告诫"), ("text",), at_once=True),
    "guidance": Kind(Text("Guidance", "行政指导"), ("text",), at_once=True),
    SUSPENSION: Kind(Text("Ordered to stop", "责令停止"), (), ("outcome",)),
}

LEVELS: dict[str, Text] = {
    "major": Text("Major", "重大"),
    "serious": Text("Serious", "较大"),
    "general": Text("General", "一般"),
    "low": Text("Low", "低"),
}


def parse(toml: str) -> tuple[Terms, ...]:
    """Read the figures of several divisions."""
    return msgspec.convert(tomllib.loads(toml), _File).terms


def terms_of(known: Iterable[Terms], division: str, day: date) -> Terms:
    """Choose the figures for a division on a day."""
    return governing(known, division, day)


def steps_reached(due_on: date, today: date, terms: Terms, calendar: Calendar) -> tuple[str, ...]:
    """Name the steps of a term that a reminder is written for today: the newest that was reached.

    Whoever was away for a week is reminded once, not of every day missed; that the term has passed
    is always told.
    """
    days = [(before(due_on, n, calendar), f"before-{n}") for n in terms.remind_before]
    days.append((due_on, "due"))
    days.append((due_on + timedelta(days=1), OVERDUE))
    days += [(due(due_on, n, calendar), f"after-{n}") for n in terms.remind_after]
    reached = [(day, n, name) for n, (day, name) in enumerate(days) if day <= today]
    if not reached:
        return ()
    newest = max(reached)[2]
    return (newest,) if newest == OVERDUE or today <= due_on else (OVERDUE, newest)


def lacking(needs: Iterable[str], said: Mapping[str, object]) -> tuple[str, ...]:
    """Name what must be said and was not; blank texts say nothing."""
    return tuple(name for name in needs if not str(said.get(name) or "").strip())


def order_status(remedies: Iterable[str], *, continued: bool) -> str:
    """Tell how an order stands by its items: withdrawn ones do not count unless all are.

    `continued`: a recheck failed and another order was made of what is still open.
    """
    states = set(remedies) - {"withdrawn"}
    if not states:
        return "withdrawn"
    if "open" not in states:
        return "closed"
    return "renewed" if continued else "open"
