"""A slow link that is cut again and again, and a server behind it: bytes and a clock, no waiting.

Whatever left the device but was still under way when the link was cut is lost. The server keeps
what arrived of a part, as ours does; with `held_back` something on the way passes on whole
requests only.
"""

from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from itertools import count

import msgspec
from msgspec import Struct

from cli.link import Unreachable
from sync.messages import Request, Response

HANDSHAKES = 2  # round trips before the first request: TCP, TLS
FRAME_BYTES = 200  # of a request's line and usual headers


class Upload(Struct):
    """What the server holds of one upload."""

    sha256: str
    size: int
    body: bytearray


class Keeper:
    """A server that speaks the evidence part of the protocol, and remembers what it was sent."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.renditions: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self._begun: dict[str, Upload] = {}
        self._number = count(1)

    def take(self, request: Request, arrived: int) -> Response:
        """Answer a request of whose body so much arrived."""
        self.asked.append((request.method, request.headers.get("upload-metadata", "")))
        if request.path.endswith("/want"):
            return self._want(request)
        if request.method == "POST":
            told = dict(pair.split(" ") for pair in request.headers["upload-metadata"].split(","))
            upload = Upload(
                plain(told["sha256"]), int(request.headers["upload-length"]), bytearray()
            )
            place = f"/device/blobs/u{next(self._number)}"
            self._begun[place] = upload
            original = plain(told["for"]) if "for" in told else ""
            return self._grow(place, request.body[:arrived], 201, original)
        if request.path not in self._begun:
            return Response(404)
        if int(request.headers["upload-offset"]) != len(self._begun[request.path].body):
            return Response(409)
        return self._grow(request.path, request.body[:arrived], 204, "")

    def _want(self, request: Request) -> Response:
        files = msgspec.json.decode(request.body)["files"]
        begun = {
            one.sha256: {"id": place.rpartition("/")[2], "offset": len(one.body)}
            for place, one in sorted(self._begun.items(), key=lambda pair: len(pair[1].body))
            if one.sha256 in files
        }
        told = {
            "stored": {name: "" for name in files if name in self.stored},
            "begun": {name: one for name, one in begun.items() if name not in self.stored},
            "previewed": [name for name in files if name in self.renditions],
        }
        return Response(200, {}, msgspec.json.encode(told))

    def _grow(self, place: str, part: bytes, status: int, original: str) -> Response:
        upload = self._begun[place]
        upload.body += part
        if len(upload.body) == upload.size:
            body = bytes(upload.body)
            assert sha256(body).hexdigest() == upload.sha256
            (self.renditions if original else self.stored)[original or upload.sha256] = body
        headers = {"upload-offset": str(len(upload.body)), "location": place}
        return Response(status, headers)


class SlowLink:
    """Carries requests at so many bytes a second; `cuts` gives the seconds until the next cut."""

    def __init__(
        self,
        keeper: Keeper,
        cuts: Callable[[], float],
        *,
        rate: float = 8_000,
        latency: float = 0.3,
        held_back: bool = False,
    ) -> None:
        self.clock = 0.0
        self.payload = 0  # bytes of files that went over the link
        self.other = 0  # bytes of everything else that went up
        self.broken = 0
        self._keeper, self._cuts, self._held_back = keeper, cuts, held_back
        self._rate, self._latency = rate, latency
        self._next = cuts()
        self._open = False

    def ask(self, request: Request) -> Response:
        """Carry one request, or as much of it as gets through."""
        if not self._open:
            self._pass(HANDSHAKES * 2 * self._latency)
            self._open = True
        frame = FRAME_BYTES + sum(len(key) + len(value) for key, value in request.headers.items())
        counted = len(request.body) if request.method in ("POST", "PATCH") else 0
        if request.path.endswith("/want"):
            frame, counted = frame + len(request.body), 0
        before = self.clock
        try:
            self._pass((frame + counted) / self._rate + self._latency)
        except Unreachable:
            left = int((self.clock - before) * self._rate)
            arrived = int((self.clock - before - self._latency) * self._rate) - frame
            self.other += min(left, frame)
            self.payload += max(0, min(left - frame, counted))
            if arrived >= 0 and not self._held_back and not request.path.endswith("/want"):
                self._keeper.take(request, min(arrived, counted))
            raise
        self.other += frame
        self.payload += counted
        answer = self._keeper.take(request, counted)
        self._pass(self._latency)
        return answer

    def wait(self, seconds: float) -> None:
        """Let time pass with nothing on the link; it may be cut meanwhile, and is back after."""
        self.clock += seconds
        while self._next <= self.clock:
            self._next += self._cuts()
            self._open = False

    def _pass(self, seconds: float) -> None:
        if self.clock + seconds < self._next:
            self.clock += seconds
            return
        self.clock = self._next
        self._next += self._cuts()
        self._open = False
        self.broken += 1
        raise Unreachable("the link was cut")


def plain(value: str) -> str:
    """Read a value of tus metadata."""
    return b64decode(value).decode()
