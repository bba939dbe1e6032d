"""现场登记: what an operation must say for an inspection to be opened by it. Pure."""

import re

from sync import codec, particulars
from sync.ops import OpenInspection
from sync.refusals import Reason, Refused

OPENS = b"inspection.open/"  # in every operation that opens one

_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DIVISION = re.compile("[0-9]{6}([0-9]{3}){0,2}")
# What the server's tables take of each, in characters.
_LENGTHS = {
    "name": (1, 300),
    "address": (0, 500),
    "category": (1, 60),
    "reason": (2, 300),
    "code": (0, 64),
    "second": (0, 64),
    "certificate": (0, 40),
}


def check(op: OpenInspection) -> None:
    """Refuse with OPENING_INVALID what the server could make no task of."""
    field = _wrong(op)
    if field:
        raise Refused(Reason.OPENING_INVALID, field=field)


def whole(op: OpenInspection) -> bool:
    """Tell whether the server can make a task of an operation."""
    return not _wrong(op)


def _wrong(op: OpenInspection) -> str:
    for name, (least, most) in _LENGTHS.items():
        said = getattr(op, name)
        if not least <= len(said) <= most or "\0" in said:
            return name
    if not _ID.fullmatch(op.e):
        return "inspection"
    if not _DIVISION.fullmatch(op.division):
        return "division"
    if not codec.is_digest(op.checklist):
        return "checklist"
    try:
        particulars.check_place(op.longitude, op.latitude, op.datum, "")
    except Refused:
        return "place"
    return ""
