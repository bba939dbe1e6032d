"""投诉举报: what people tell of establishments, and what is done with it."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from backend.rules.complaints import ROWS_MAX, Channel, Kind, State, Step
from backend.wire.base import LINE, Division

Number = Annotated[str, Meta(pattern=LINE, max_length=64)]


class NewComplaint(Struct, frozen=True, forbid_unknown_fields=True):
    """A complaint as the hotline passes it on, without whoever complained.

    Of a registered establishment by its `code`; else where it is, and in which division.
    """

    number: Number
    kind: Kind
    channel: Channel
    received_on: date
    matter: Annotated[str, Meta(pattern=LINE, max_length=200)]
    code: Annotated[str, Meta(max_length=64)] = ""
    place: Annotated[str, Meta(max_length=300)] = ""
    division: Division = ""
    text: Annotated[str, Meta(max_length=2000)] = ""


class NewComplaints(Struct, frozen=True, forbid_unknown_fields=True):
    """Complaints as the text of a CSV file."""

    csv: Annotated[str, Meta(min_length=1, max_length=ROWS_MAX * 3000)]


class NewStep(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done with a complaint, and the answer or the reason."""

    number: Number
    step: Step
    answer: Annotated[str, Meta(max_length=2000)] = ""


class ComplaintView(Struct, frozen=True):
    """A complaint and what falls due next; `provisional`: that year's holidays are not known."""

    number: str
    kind: Kind
    channel: Channel
    division: str
    code: str
    name: str  # of the establishment, if it is registered
    place: str
    matter: str
    text: str
    received_on: date
    state: State
    accepted_on: date | None
    extended_for: str
    closed_on: date | None
    answer: str
    next_step: str
    due_on: date | None
    overdue: bool
    provisional: bool


class ComplaintsView(Struct, frozen=True):
    """What an import of complaints did."""

    entered: int
    unchanged: int
