"""Sending evidence files (证据上传): the device's half of tus 1.0, without I/O.

`send_blob` yields requests and is sent responses. It keeps no state of its own: after a cut it is
abandoned, and the next one asks the server how far the last one came. So no byte that the server
has is sent twice, and nothing is ever deleted here because of an answer.
"""

from base64 import b64encode
from collections.abc import Callable, Generator
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from sync.exchange import refusal
from sync.messages import Request, Response
from sync.refusals import Reason, Refused

PATH = "/device/blobs"
PART_BYTES = 128 * 1024  # about ten seconds on a slow 2G link
TRIES_MAX = 5

Read = Callable[[int, int], bytes]  # offset, size -> bytes


class Sent(Struct, frozen=True):
    """The server holds the whole file. `bytes_sent` went over the wire in this session."""

    sha256: str
    bytes_sent: int
    flag: str = ""  # a refusal's code: stored, but no sound picture


class _Begun(Struct, frozen=True):
    id: str
    offset: int


class _Wanted(Struct, frozen=True):
    stored: dict[str, str]
    begun: dict[str, _Begun]


class _Place(Struct, frozen=True):
    location: str
    offset: int
    flag: str = ""


_decode_wanted = msgspec.json.Decoder(_Wanted).decode


def reader(body: bytes) -> Read:
    """Read from bytes in memory."""
    return lambda offset, size: body[offset : offset + size]


def send_blob(
    read: Read, *, sha256: str, size: int, mime: str, part_bytes: int = PART_BYTES
) -> Generator[Request, Response, Sent]:
    """Send a file from where the server has it to its end.

    Raises Refused when the server will not have it, or cannot now (kind BUSY: try again later).
    """
    place = yield from _find(sha256=sha256, size=size, mime=mime)
    tries, hurt, bytes_sent = 0, False, 0
    while place.offset < size:
        part = read(place.offset, min(part_bytes, size - place.offset))
        if not part:
            raise Refused(Reason.EVIDENCE_DAMAGED, sha256=sha256, offset=place.offset)
        bytes_sent += len(part)
        response = yield _patch(place, part)
        if response.status == 204:
            after = _moved(place, response, size=size)
            if after.offset <= place.offset:
                raise Refused(Reason.ANSWER_STRANGE, status=response.status)
            place, tries = after, 0
            continue
        tries += 1
        if tries > TRIES_MAX:
            raise refusal(response)
        match response.status:
            case 409 | 423:  # one of us was elsewhere: ask
                place = yield from _ask(place, sha256=sha256, size=size, mime=mime)
            case 404 | 410:  # the server forgot the upload
                place = yield from _create(sha256=sha256, size=size, mime=mime)
            case 460 if not hurt:  # bytes were hurt on the way, and the server let go of them
                place = yield from _ask(place, sha256=sha256, size=size, mime=mime)
                hurt = True
            case _:
                raise refusal(response)
    return Sent(sha256=sha256, bytes_sent=bytes_sent, flag=place.flag)


def _find(*, sha256: str, size: int, mime: str) -> Generator[Request, Response, _Place]:
    body = msgspec.json.encode({"files": {sha256: size}})
    response = yield Request("POST", PATH + "/want", {"content-type": "application/json"}, body)
    if response.status != 200:
        raise refusal(response)
    try:
        wanted = _decode_wanted(response.body)
    except msgspec.DecodeError as error:
        raise Refused(Reason.ANSWER_STRANGE, status=response.status) from error
    if sha256 in wanted.stored:
        return _Place(PATH, size, wanted.stored[sha256])
    begun = wanted.begun.get(sha256)
    if begun is not None:
        return _Place(f"{PATH}/{begun.id}", begun.offset)
    return (yield from _create(sha256=sha256, size=size, mime=mime))


def _create(*, sha256: str, size: int, mime: str) -> Generator[Request, Response, _Place]:
    told = {"sha256": sha256, "mime": mime}
    headers = {
        "tus-resumable": "1.0.0",
        "upload-length": str(size),
        "upload-metadata": ",".join(
            f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items()
        ),
    }
    response = yield Request("POST", PATH, headers)
    if response.status not in (200, 201):
        raise refusal(response)
    location = urlsplit(response.headers.get("location", "")).path
    if not location:
        raise Refused(Reason.ANSWER_STRANGE, status=response.status)
    return _moved(_Place(location, 0), response, size=size)


def _ask(
    place: _Place, *, sha256: str, size: int, mime: str
) -> Generator[Request, Response, _Place]:
    response = yield Request("HEAD", place.location, {"tus-resumable": "1.0.0"})
    if response.status in (404, 410):
        return (yield from _create(sha256=sha256, size=size, mime=mime))
    if response.status != 200:
        raise refusal(response)
    return _moved(place, response, size=size)


def _patch(place: _Place, part: bytes) -> Request:
    headers = {
        "tus-resumable": "1.0.0",
        "upload-offset": str(place.offset),
        "content-type": "application/offset+octet-stream",
    }
    return Request("PATCH", place.location, headers, part)


def _moved(place: _Place, response: Response, *, size: int) -> _Place:
    """Believe the server about where the upload stands, if that is possible at all."""
    text = response.headers.get("upload-offset", "0")
    if not (text.isascii() and text.isdecimal() and int(text) <= size):
        raise Refused(Reason.ANSWER_STRANGE, status=response.status)
    return _Place(place.location, int(text), response.headers.get("evidence-flag", ""))
