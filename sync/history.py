"""历史情况: what is known of an establishment before a visit; travels inside its task.

It holds no names of people and no text of complainants, and is small: whoever goes has it offline.
"""

from datetime import date
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync.checklist import Text

VISITS = 3
TEXT_MAX = 120  # characters of any text that people wrote
BYTES_MAX = 16_000

_One = TypeVar("_One")


class Found(Struct, frozen=True, omit_defaults=True):
    """A finding of an earlier visit."""

    text: str
    violation: str = ""  # its code in the catalogue
    fixed: bool = False  # 当场改正


class Visit(Struct, frozen=True):
    """An earlier inspection whose result was approved."""

    id: str
    day: date
    origin: str
    checklist: str  # its title's code and version: `cold-store-daily 2026.1`
    result: Text
    failed: tuple[str, ...]  # names of items, as in that inspection
    findings: tuple[Found, ...]


class Offence(Struct, frozen=True):
    """A violation that was found before: on which visit and day."""

    violation: str
    inspection: str
    day: date


class Order(Struct, frozen=True):
    """An order to put right that is open."""

    inspection: str
    items: tuple[str, ...]
    due_on: date


class Permit(Struct, frozen=True):
    """A licence and its validity."""

    number: str
    kind: str
    status: str
    valid_to: date | None


class Grievance(Struct, frozen=True):
    """A complaint or report (投诉举报); its matter names no person."""

    number: str
    kind: str
    received_on: date
    matter: str
    state: str


class History(Struct, frozen=True):
    """What is known of a place: newest first in every list."""

    as_of: date
    risk: str
    credit_class: str
    visits: tuple[Visit, ...] = ()
    offences: tuple[Offence, ...] = ()
    orders: tuple[Order, ...] = ()
    permits: tuple[Permit, ...] = ()
    complaints: tuple[Grievance, ...] = ()


def shorten(text: str) -> str:
    """Cut a text to what a history may hold of it, marking the cut."""
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def fit(history: History, size: int = BYTES_MAX) -> History:
    """Leave out the oldest until a history is no larger than `size` bytes of JSON.

    Complaints go first, then licences, findings, visits; what is open and what makes a repeat stays
    longest.
    """
    while len(msgspec.json.encode(history)) > size:
        if history.complaints:
            history = replace(history, complaints=_less(history.complaints))
        elif history.permits:
            history = replace(history, permits=_less(history.permits))
        elif any(visit.findings for visit in history.visits):
            told = max(n for n, visit in enumerate(history.visits) if visit.findings)
            visits = list(history.visits)
            visits[told] = replace(visits[told], findings=_less(visits[told].findings))
            history = replace(history, visits=tuple(visits))
        elif history.visits:
            history = replace(history, visits=history.visits[:-1])
        elif history.offences:
            history = replace(history, offences=_less(history.offences))
        else:
            assert history.orders, "a history without anything in it is small"
            history = replace(history, orders=_less(history.orders))
    return history


def _less(those: tuple[_One, ...]) -> tuple[_One, ...]:
    """Leave out the last tenth, one at least."""
    return those[: len(those) - 1 - len(those) // 10]
