"""The office's half of HTTP: ask the server, hand back what it answered or raise its refusal.

With EVENHAND_SERVER set the server is asked over the network. Without it the same app runs in this
process on the local database (`cli.office.local`): the same guards, the same routes.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Protocol, TypeVar, cast

import click
import httpx
import msgspec

from cli.link import Unreachable as Unreachable
from cli.output import reason, warn
from sync.refusals import Detail, Reason, Refused

T = TypeVar("T")

Part = tuple[None, bytes] | tuple[str, IO[bytes], str]  # of a form: a text, or a file


class Sink(Protocol):
    """Something that takes bytes."""

    def write(self, piece: bytes, /) -> object:
        """Take some."""
        ...


SECONDS_MAX = 60.0
IMPORT_SECONDS_MAX = 4 * 3600.0  # until a server has read and written what it was sent
EXPORT_SECONDS_MAX = 1800.0  # until a server has sorted, or packed, what it then sends
LOCAL = "local"


class Failed(Exception):
    """The server failed, or answered in a way that this version does not understand."""


class Session(msgspec.Struct, frozen=True):
    """What is kept of a log-in, in a file that only its owner may read."""

    token: str
    name: str


class _Problem(msgspec.Struct, frozen=True):
    code: str
    detail: str = ""
    details: dict[str, Detail] = {}


class _Local(Protocol):
    async def ask(self, request: httpx.Request, body: Sink | None = None) -> httpx.Response: ...


def get(path: str, into: type[T], **params: str | int) -> T:
    """Read something: `get("/office/plans", list[PlanView], division="33")`."""
    return msgspec.json.decode(_ask("GET", path, params).content, type=into)


def post(path: str, into: type[T], body: object = None, **params: str | int) -> T:
    """Have something done: `post("/office/plans", PlanView, NewPlan(...))`; 204 gives None."""
    content = b"" if body is None else msgspec.json.encode(body)
    answer = _ask("POST", path, params, content=content, media_type="application/json")
    return msgspec.json.decode(answer.content or b"null", type=into)


def send_files(
    path: str,
    into: type[T],
    files: Sequence[tuple[str, IO[bytes]]],
    texts: Mapping[str, bytes],
    *,
    headers: Mapping[str, str],
    **params: str | int,
) -> T:
    """Send a form of files, read from the disk piece by piece, and wait as long as it takes."""
    parts: list[tuple[str, Part]] = [(name, (None, text)) for name, text in texts.items()]
    parts += [("files", (name, file, "application/octet-stream")) for name, file in files]
    request = _request("POST", path, params, files=parts, headers=dict(headers))
    answer = _answer(request, httpx.Timeout(SECONDS_MAX, read=IMPORT_SECONDS_MAX))
    return msgspec.json.decode(answer.content, type=into)


def send_lines(path: str, into: type[T], lines: bytes) -> T:
    """Send JSON lines."""
    answer = _ask("POST", path, {}, content=lines, media_type="application/x-ndjson")
    return msgspec.json.decode(answer.content, type=into)


def download(path: str, file: Sink, **params: str | int) -> None:
    """Fetch a file of any size into another one, piece by piece, and wait as long as it takes."""
    request = _request("GET", path, params, headers={})
    _answer(request, httpx.Timeout(SECONDS_MAX, read=EXPORT_SECONDS_MAX), file)


def fetch(path: str, **params: str | int) -> bytes:
    """Fetch a file as it is, such as a bundle."""
    return _ask("GET", path, params).content


def server() -> str:
    """Name the server that is asked: its address, or `local`."""
    return os.environ.get("EVENHAND_SERVER", "").rstrip("/") or LOCAL


def remember(session: Session) -> None:
    """Keep a log-in for the commands that follow."""
    path = _sessions()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {**_kept(), server(): session}
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(kept))
    part.replace(path)


def forget() -> None:
    """Forget the log-in at this server."""
    remember(Session(token="", name=""))


def _ask(
    method: str,
    path: str,
    params: Mapping[str, str | int],
    *,
    content: bytes = b"",
    media_type: str = "",
) -> httpx.Response:
    headers: dict[str, str] = {"Content-Type": media_type} if media_type and content else {}
    request = _request(method, path, params, headers=headers, content=content)
    return _answer(request, httpx.Timeout(SECONDS_MAX))


def _request(
    method: str,
    path: str,
    params: Mapping[str, str | int],
    *,
    headers: dict[str, str],
    content: bytes | None = None,
    files: list[tuple[str, Part]] | None = None,
) -> httpx.Request:
    session = _kept().get(server())
    if session is not None and session.token:
        headers["Authorization"] = f"Bearer {session.token}"
    base = "http://local" if server() == LOCAL else server()
    return httpx.Request(
        method, f"{base}{path}", params=params or None, headers=headers, content=content,
        files=files,
    )  # fmt: skip


def _answer(
    request: httpx.Request, timeout: httpx.Timeout, body: Sink | None = None
) -> httpx.Response:
    """Send a request; of a success the body goes to a file, if there is one."""
    if server() == LOCAL:
        local = cast(_Local, import_module("cli.office.local"))
        answer = asyncio.run(local.ask(request, body))
    else:
        try:
            with httpx.Client(timeout=timeout) as client:
                answer = client.send(request, stream=True)
                if body is None or not answer.is_success:
                    answer.read()
                else:
                    for piece in answer.iter_bytes():
                        body.write(piece)
        except httpx.TransportError as error:
            raise Unreachable(f"{server()}: {error}") from None
    if not answer.is_success:
        raise _refusal(answer)
    if answer.headers.get("evenhand-more"):
        warn("There is more than is listed here.", "列表未完，仅列出前一部分。")
    return answer


def _refusal(answer: httpx.Response) -> Refused | Failed:
    """Turn a problem document back into the refusal that it was."""
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return Failed(f"HTTP {answer.status_code} without a problem document from {server()}")
    known: Reason | None = reason(problem.code)
    if known is None:
        number = answer.headers.get("x-request-id", "")
        return Failed(f"{problem.code}: {problem.detail} (request {number})")
    return Refused(known, **problem.details)


def _sessions() -> Path:
    folder = os.environ.get("EVENHAND_CONFIG_DIR") or click.get_app_dir("evenhand")
    return Path(folder) / "sessions.json"


def _kept() -> dict[str, Session]:
    try:
        return msgspec.json.decode(_sessions().read_bytes(), type=dict[str, Session])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
