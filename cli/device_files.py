"""Evidence files of a device (证据文件): which wait, and how they go up.

Records go first, then small renditions, then originals. A link that breaks is taken up again where
it broke; a file that the server will not have stops no other.
"""

import time
from collections.abc import Callable, Generator
from hashlib import sha256
from typing import Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from cli.home import Home
from cli.link import Ask, Unreachable
from sync import media
from sync.media import Announced, Known, Pace, Sent
from sync.merge import Inspection
from sync.messages import Request, Response
from sync.ops import AddEvidence, decode_op
from sync.refusals import Kind, Reason, Refused
from sync.store import File

T = TypeVar("T")

Place: TypeAlias = Literal["sent", "waiting", "elsewhere"]
Policy: TypeAlias = Literal["none", "thumbnails", "all"]
POLICIES: tuple[Policy, ...] = ("none", "thumbnails", "all")

CUTS_MAX = 5  # in a row, with nothing gained between them
PREVIEWED_FROM = 100_000  # bytes; a smaller picture goes up as it is
# These concern every file alike.
LATER = (Kind.BUSY, Kind.TOO_MANY, Kind.UNAUTHENTICATED, Kind.FORBIDDEN)
LOG_MAX = 2**31

Wait: TypeAlias = Callable[[float], object]


class Waiting(Struct, frozen=True):
    """A file that is on this device only, and what it belongs to."""

    sha256: str
    inspection: str
    item: str
    caption: str
    mime: str
    size: int


class Kept(Struct, frozen=True):
    """A file of an inspection, on which device it was attached, and whether it left it."""

    sha256: str
    item: str
    caption: str
    device: str
    state: Place
    op: str = ""


class Delivered(Struct, frozen=True):
    """What one sync did for the files; `refused` gives the refusal's code by digest."""

    files: int = 0
    previews: int = 0
    bytes_sent: int = 0
    refused: dict[str, str] = {}


def waiting(home: Home) -> list[Waiting]:
    """List the files that the server is not known to have, in the order they were taken."""
    unsent = {file.sha256: file for file in home.files() if not file.sent}
    if not unsent:
        return []
    ops = [
        decode_op(mine.raw)
        for mine in home.store.log(1, LOG_MAX)
        if b"evidence.add/" in mine.raw and any(name.encode() in mine.raw for name in unsent)
    ]
    told = {op.blob: op for op in ops if isinstance(op, AddEvidence)}
    return [
        Waiting(
            sha256=name,
            inspection=told[name].e if name in told else "",
            item=told[name].item if name in told else "",
            caption=told[name].caption if name in told else "",
            mime=file.mime,
            size=file.size,
        )
        for name, file in unsent.items()
    ]


def where(home: Home, state: Inspection) -> list[Kept]:
    """Say of each file that stands where it is; of another device's it is known only whose."""
    me, waits = home.replica.identity.enrolled.device, {one.sha256 for one in waiting(home)}
    held = {file.sha256 for file in home.store.files()}
    kept: list[Kept] = []
    for one in state.evidence:
        device = one.op.rpartition(":")[0]
        place: Place = "elsewhere"
        if device == me or one.blob in held:
            place = "waiting" if one.blob in waits else "sent"
        kept.append(Kept(one.blob, one.item, one.caption, device, place, one.op))
    return kept


def send_files(
    home: Home, ask: Ask, *, policy: Policy = "all", wait: Wait = time.sleep
) -> Delivered:
    """Send what the server does not have, as far as the policy goes."""
    token = home.store.get("upload")
    unsent = [file for file in home.files() if not file.sent]
    if policy == "none" or not token or not unsent:
        return Delivered()
    courier = Courier(ask, token=token, wait=wait)
    sizes = {file.sha256: file.size for file in unsent}
    known = courier.carry(lambda: media.ask_known(sizes))
    _mark(home, [file for file in unsent if file.sha256 in known.stored])
    missing = [file for file in unsent if file.sha256 not in known.stored]
    previews = _send_previews(home, courier, missing, known)
    sent, refused = 0, dict[str, str]()
    begun_first = sorted(missing, key=lambda file: file.sha256 not in known.begun)
    for file in begun_first if policy == "all" else []:
        announced = Announced(file.sha256, file.size, file.mime)
        if reason := _refused(courier, home.reader(file.sha256), announced, known):
            refused[file.sha256] = reason.code
            continue
        _mark(home, [file])
        sent += 1
    return Delivered(sent, previews, courier.pace.bytes_sent, refused)


class Courier:
    """Carries sessions over a link that breaks, at the pace that the link has taught so far."""

    def __init__(self, ask: Ask, *, token: str, wait: Wait) -> None:
        self.pace = Pace()
        self._ask, self._token, self._wait = ask, token, wait

    def carry(self, start: Callable[[], Generator[Request, Response, T]]) -> T:
        """Carry a session; after a cut start it again, until nothing is gained any more."""
        cuts, before = 0, self.pace.progress
        while True:
            try:
                return carry(start(), self._ask, token=self._token)
            except Unreachable:
                self.pace.cut()
                cuts = 1 if self.pace.progress > before else cuts + 1
                before = self.pace.progress
                if cuts > CUTS_MAX:
                    raise
                self._wait(2.0 ** (cuts - 1))

    def send(self, read: media.Read, file: Announced, known: Known | None = None) -> Sent:
        """Send a file; what was known of it holds until the link is cut."""

        def start() -> Generator[Request, Response, Sent]:
            nonlocal known
            once, known = known, None
            return media.send_blob(read, file, pace=self.pace, known=once)

        return self.carry(start)


def carry(session: Generator[Request, Response, T], ask: Ask, *, token: str) -> T:
    """Carry a session's requests, each with the bearer token."""
    try:
        request = next(session)
        while True:
            headers = {**request.headers, "authorization": f"Bearer {token}"}
            request = session.send(ask(msgspec.structs.replace(request, headers=headers)))
    except StopIteration as done:
        result: T = done.value
        return result


def _send_previews(home: Home, courier: Courier, files: list[File], known: Known) -> int:
    """Send small renditions of the pictures that are large; without Pillow there are none."""
    sent = 0
    for file in files:
        large = file.size >= PREVIEWED_FROM and file.mime.startswith("image/")
        if large and file.sha256 not in known.previewed and (body := _preview(home, file)):
            digest = sha256(body).hexdigest()
            announced = Announced(digest, len(body), "image/jpeg", original=file.sha256)
            sent += _refused(courier, media.reader(body), announced) is None
    return sent


def _refused(
    courier: Courier, read: media.Read, file: Announced, known: Known | None = None
) -> Reason | None:
    """Send a file, and say why the server will not have it, if it will not."""
    try:
        courier.send(read, file, known)
    except Refused as error:
        if error.reason.kind in LATER:
            raise
        return error.reason
    return None


def _preview(home: Home, file: File) -> bytes:
    """Render a small picture, or nothing where it cannot be done: it would only be a help."""
    try:
        from sync import photos  # needs Pillow, which recording does not
    except ModuleNotFoundError:
        return b""
    try:
        return photos.preview(home.reader(file.sha256)(0, file.size))
    except Refused:
        return b""


def _mark(home: Home, files: list[File]) -> None:
    with home.store.transaction():
        for file in files:
            home.store.put_file(msgspec.structs.replace(file, sent=True))
