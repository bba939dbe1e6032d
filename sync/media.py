"""Sending evidence files (证据上传): the device's half of tus 1.0, without I/O.

`send_blob` yields requests and is sent responses. It keeps no state of its own: after a cut it is
abandoned, and the next one asks the server how far the last one came. So no byte that the server
has is sent twice, and nothing is ever deleted here because of an answer.
"""

from base64 import b64encode
from collections.abc import Callable, Generator, Mapping
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from sync.messages import Request, Response
from sync.problems import refusal
from sync.refusals import Reason, Refused

PATH = "/device/blobs"
WANTED_MAX = 1000  # files in one question
PART_BYTES_MIN = 16 * 1024
PART_BYTES = 64 * 1024  # the first part: eight seconds at 64 kbit/s
PART_BYTES_MAX = 256 * 1024
TRIES_MAX = 5

Read = Callable[[int, int], bytes]  # offset, size -> bytes


class Announced(Struct, frozen=True):
    """A file to be sent; `original` is the digest that it is a small rendition of, if it is one."""

    sha256: str
    size: int
    mime: str
    original: str = ""


class Sent(Struct, frozen=True):
    """The server holds the whole file. `bytes_sent` went over the wire in this session."""

    sha256: str
    bytes_sent: int
    flag: str = ""  # a refusal's code: stored, but no sound picture


class Begun(Struct, frozen=True):
    """An upload that the server knows, and how far it came."""

    id: str
    offset: int


class Known(Struct, frozen=True):
    """Which files the server has (digest: flag), has in part, and has small renditions of."""

    stored: dict[str, str]
    begun: dict[str, Begun]
    previewed: tuple[str, ...] = ()


class Pace:
    """What a link has taught so far: parts double when they arrive, and halve when it is cut.

    The server keeps what arrived of a part that was cut. Small parts are for what stands between,
    which may hold a part back until it is whole; large ones spare the round trips.
    """

    def __init__(self, part_bytes: int = PART_BYTES, *, fixed: bool = False) -> None:
        self.part_bytes = part_bytes
        self.bytes_sent = 0
        self._fixed = fixed
        self._reached: dict[str, int] = {}

    @property
    def progress(self) -> int:
        """Count the bytes that the server is known to have taken."""
        return sum(self._reached.values())

    def sends(self, part: bytes) -> None:
        """A part goes out."""
        self.bytes_sent += len(part)

    def reached(self, sha256: str, offset: int) -> None:
        """The server has this much of a file."""
        self._reached[sha256] = max(offset, self._reached.get(sha256, 0))

    def arrived(self) -> None:
        """A part arrived as it was sent."""
        if not self._fixed:
            self.part_bytes = min(self.part_bytes * 2, PART_BYTES_MAX)

    def cut(self) -> None:
        """The link broke."""
        if not self._fixed:
            self.part_bytes = max(self.part_bytes // 2, PART_BYTES_MIN)


class _Place(Struct, frozen=True):
    location: str
    offset: int
    flag: str = ""


_decode_known = msgspec.json.Decoder(Known).decode


def reader(body: bytes) -> Read:
    """Read from bytes in memory."""
    return lambda offset, size: body[offset : offset + size]


def ask_known(files: Mapping[str, int]) -> Generator[Request, Response, Known]:
    """Ask of many files at once, by digest and size, what the server has of them."""
    stored: dict[str, str] = {}
    begun: dict[str, Begun] = {}
    previewed: tuple[str, ...] = ()
    for some in _stretches(files):
        body = msgspec.json.encode({"files": some})
        response = yield Request("POST", PATH + "/want", {"content-type": "application/json"}, body)
        if response.status != 200:
            raise refusal(response)
        try:
            known = _decode_known(response.body)
        except msgspec.DecodeError as error:
            raise Refused(Reason.ANSWER_STRANGE, status=response.status) from error
        stored |= known.stored
        begun |= known.begun
        previewed += known.previewed
    return Known(stored, begun, previewed)


def send_blob(
    read: Read, file: Announced, *, pace: Pace | None = None, known: Known | None = None
) -> Generator[Request, Response, Sent]:
    """Send a file from where the server has it to its end; a small one is a single request.

    Raises Refused when the server will not have it, or cannot now (kind BUSY: try again later).
    """
    pace = pace or Pace()
    if known is None and not file.original:
        known = yield from ask_known({file.sha256: file.size})
    place = _place(known, file)
    tries, hurt, before = 0, False, pace.bytes_sent
    while place is None or place.offset < file.size:
        at = place.offset if place else 0
        pace.reached(file.sha256, at)
        part = read(at, min(pace.part_bytes, file.size - at))
        if not part:
            raise Refused(Reason.EVIDENCE_DAMAGED, sha256=file.sha256, offset=at)
        pace.sends(part)
        response = yield _patch(place, part) if place else _create(file, part)
        if response.status in (201, 204):
            place, tries = _after(place, response, file), 0
            pace.arrived()
            continue
        tries += 1
        if tries > TRIES_MAX:
            raise refusal(response)
        match response.status:
            case 409 | 423 if place:  # one of us was elsewhere: ask
                place = yield from _ask(place, file)
            case 404 | 410 if place:  # the server forgot the upload
                place = None
            case 460 if not hurt:  # bytes were hurt on the way, and the server let go of them
                place = (yield from _ask(place, file)) if place else None
                hurt = True
            case _:
                raise refusal(response)
    pace.reached(file.sha256, file.size)
    return Sent(file.sha256, pace.bytes_sent - before, place.flag)


def _stretches(files: Mapping[str, int]) -> list[dict[str, int]]:
    rest = list(files.items())
    return [dict(rest[at : at + WANTED_MAX]) for at in range(0, len(rest), WANTED_MAX)]


def _place(known: Known | None, file: Announced) -> _Place | None:
    if known is None:
        return None
    if file.sha256 in known.stored:
        return _Place(PATH, file.size, known.stored[file.sha256])
    begun = known.begun.get(file.sha256)
    return _Place(f"{PATH}/{begun.id}", begun.offset) if begun else None


def _create(file: Announced, part: bytes) -> Request:
    told = {"sha256": file.sha256, "mime": file.mime}
    if file.original:
        told["for"] = file.original
    headers = {
        "tus-resumable": "1.0.0",
        "upload-length": str(file.size),
        "upload-metadata": ",".join(
            f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items()
        ),
        "content-type": "application/offset+octet-stream",
    }
    return Request("POST", PATH, headers, part)


def _ask(place: _Place, file: Announced) -> Generator[Request, Response, _Place | None]:
    response = yield Request("HEAD", place.location, {"tus-resumable": "1.0.0"})
    if response.status in (404, 410):
        return None
    if response.status != 200:
        raise refusal(response)
    return _moved(place.location, response, size=file.size)


def _patch(place: _Place, part: bytes) -> Request:
    headers = {
        "tus-resumable": "1.0.0",
        "upload-offset": str(place.offset),
        "content-type": "application/offset+octet-stream",
    }
    return Request("PATCH", place.location, headers, part)


def _after(place: _Place | None, response: Response, file: Announced) -> _Place:
    """Say where an upload stands after a part of it was taken."""
    if place is not None:
        after = _moved(place.location, response, size=file.size)
        if after.offset <= place.offset:
            raise Refused(Reason.ANSWER_STRANGE, status=response.status)
        return after
    location = urlsplit(response.headers.get("location", "")).path
    if not location:
        raise Refused(Reason.ANSWER_STRANGE, status=response.status)
    return _moved(location, response, size=file.size)


def _moved(location: str, response: Response, *, size: int) -> _Place:
    """Believe the server about where the upload stands, if that is possible at all."""
    text = response.headers.get("upload-offset", "0")
    if not (text.isascii() and text.isdecimal() and int(text) <= size):
        raise Refused(Reason.ANSWER_STRANGE, status=response.status)
    return _Place(location, int(text), response.headers.get("evidence-flag", ""))
