"""The text of an enrolment QR code (登记二维码): server, one-time code, fingerprint of its key."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct

from sync.refusals import Reason, Refused

_FINGERPRINT = re.compile("[0-9a-f]{32}")


class Invitation(Struct, frozen=True):
    """Where to enrol, by which code, and who must answer there."""

    server: str
    code: str
    fingerprint: str


def write(invitation: Invitation) -> str:
    """Write the text of the QR code."""
    given = {"s": invitation.server, "c": invitation.code, "k": invitation.fingerprint}
    return "evenhand://enrol?" + urlencode(given, safe=":/")


def read(text: str) -> Invitation:
    """Read the text of a QR code, or refuse with ENROLMENT_TEXT_WRONG."""
    try:
        parts = urlsplit(text.strip())
        given = parse_qs(parts.query, strict_parsing=True, max_num_fields=10)
        (server,), (code,), (fingerprint,) = given["s"], given["c"], given["k"]
    except (ValueError, KeyError) as error:
        raise Refused(Reason.ENROLMENT_TEXT_WRONG) from error
    known = (parts.scheme, parts.netloc) == ("evenhand", "enrol")
    web = server.startswith(("http://", "https://"))
    if not (known and web and code and _FINGERPRINT.fullmatch(fingerprint)):
        raise Refused(Reason.ENROLMENT_TEXT_WRONG)
    return Invitation(server, code, fingerprint)
