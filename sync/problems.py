"""Problem documents (RFC 9457) as a device reads them."""

import msgspec
from msgspec import Struct

from sync.hub import UNREADABLE
from sync.messages import Response
from sync.refusals import Reason, Refused, by_code


class Problem(Struct, frozen=True):
    """The part of a problem document that a program reads."""

    code: str
    details: dict[str, int | str] = {}


def refusal(response: Response) -> Refused:
    """Read the refusal out of a problem response."""
    try:
        problem = msgspec.json.decode(response.body, type=Problem)
        return Refused(by_code(problem.code), **problem.details)
    except (*UNREADABLE, KeyError):
        return Refused(Reason.ANSWER_STRANGE, status=response.status)
