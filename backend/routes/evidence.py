"""Evidence at the device door (终端): tus 1.0 with creation, expiration and termination.

https://tus.io/protocols/resumable-upload, version 1.0.0. What is known already is told by `want`;
with creation-with-upload a small file is one request.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import format_datetime
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response, Router, delete, head, patch, post, route
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.enums import HttpMethod
from litestar.exceptions import InternalServerException
from litestar.params import FromPath, JSONBody

from backend.auth_device import DeviceCaller, device_door
from backend.blobs import Blobs
from backend.db import Session
from backend.here import Here
from backend.routes import problems
from backend.settings import Settings
from backend.wire import BlobsWanted, NewUpload, UploadState, WantBlobs
from backend.work import evidence
from backend.work.evidence import Body, Limits
from sync.refusals import Reason, Refused

Asked: TypeAlias = Request[Any, Any, State]
Db: TypeAlias = NamedDependency[Session]
Files: TypeAlias = NamedDependency[Blobs]
Caller: TypeAlias = NamedDependency[DeviceCaller]
Now: TypeAlias = NamedDependency[datetime]

ONE = "/{upload_id:str}"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
NOT_OFFERED = ("Upload-Defer-Length", "Upload-Concat")
PART = "application/offset+octet-stream"
STATUS = {  # where tus asks for another status than the kind of refusal has
    Reason.UPLOAD_VERSION_UNKNOWN: 412,
    Reason.UPLOAD_TYPE_WRONG: 415,
    Reason.EVIDENCE_DIGEST_WRONG: 460,
    Reason.STORAGE_FULL: 507,
}


async def caller(request: Asked) -> DeviceCaller:
    """Say which device came through the door."""
    assert isinstance(request.user, DeviceCaller)
    return request.user


def tus_problem(request: Asked, refusal: Refused) -> problems.Problem:
    """Answer a refusal as tus would have it."""
    answer = problems.problem(request, refusal, status=STATUS.get(refusal.reason))
    answer.headers.update({"Tus-Resumable": VERSION, "Tus-Version": VERSION})
    if refusal.reason is Reason.UPLOAD_OFFSET_WRONG:
        answer.headers["Upload-Offset"] = str(refusal.details["offset"])
    return answer


@route("/", http_method=[HttpMethod.OPTIONS], status_code=204, opt={"open": True})
async def show_uploading(settings: NamedDependency[Settings]) -> Response[None]:
    """Say what this server can do with uploads."""
    return Response(
        None,
        headers={
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.file_bytes_max),
        },
    )


@post("/want", status_code=200)
async def want_blobs(
    db: Db, blobs: Files, device: Caller, now: Now, data: JSONBody[WantBlobs]
) -> BlobsWanted:
    """Say of each announced file whether it is stored, begun or missing (秒传与续传)."""
    return await evidence.want_blobs(db, blobs, data, device=device.id, now=now)


@post("/", status_code=201, request_max_body_size=None)
async def create_upload(request: Asked, here: NamedDependency[Here]) -> Response[None]:
    """Begin an upload, with its first bytes if they come along (creation-with-upload)."""
    data, body = _new_upload(request), _first_part(request)
    limits = Limits(here.settings.file_bytes_max, here.settings.free_bytes_min)
    device = await caller(request)
    state = await evidence.create_upload(
        here.engine, here.blobs, data, body, limits=limits, device=device.id, now=here.now()
    )
    location = f"{request.url.path.rstrip('/')}/{state.id}"
    return Response(None, headers={**_headers(state), "Location": location})


@head(ONE, status_code=200, opt={"writes": True})  # a crash may have left it to be finished
async def show_upload(
    request: Asked, db: Db, blobs: Files, device: Caller, now: Now, upload_id: FromPath[str]
) -> Response[None]:
    """Say how far an upload is."""
    _check_version(request)
    state = await evidence.show_upload(db, blobs, upload_id, device=device.id, now=now)
    return Response(None, headers={**_headers(state), "Cache-Control": "no-store"})


@patch(ONE, status_code=204, request_max_body_size=None)
async def append_part(
    request: Asked, db: Db, blobs: Files, device: Caller, now: Now, upload_id: FromPath[str]
) -> Response[None]:
    """Take the next bytes of an upload; what arrived before a cut is kept."""
    _check_version(request)
    body, offset = _part(request), _number(request, "Upload-Offset")
    state = await evidence.append_part(
        db, blobs, upload_id, body, offset=offset, device=device.id, now=now
    )
    return Response(None, headers=_headers(state))


@delete(ONE, status_code=204)
async def delete_upload(
    request: Asked, db: Db, blobs: Files, device: Caller, now: Now, upload_id: FromPath[str]
) -> Response[None]:
    """Give up an upload; a file that is stored already stays."""
    _check_version(request)
    await evidence.delete_upload(db, blobs, upload_id, device=device.id, now=now)
    return Response(None, headers={"Tus-Resumable": VERSION})


handlers = [
    Router(
        "/device/blobs",
        guards=[device_door],
        dependencies={"device": Provide(caller)},
        exception_handlers={Refused: tus_problem},
        route_handlers=[
            show_uploading,
            want_blobs,
            create_upload,
            show_upload,
            append_part,
            delete_upload,
        ],
    )
]


async def _arriving(request: Asked) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; a connection that breaks just ends it."""
    try:
        async for part in request.stream():
            if part:
                yield part
    except InternalServerException:  # Litestar's word for a client that is gone
        return


def _new_upload(request: Asked) -> NewUpload:
    _check_version(request)
    for header in NOT_OFFERED:
        if header in request.headers:
            raise Refused(Reason.UPLOAD_EXTENSION_UNKNOWN, header=header)
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    size = _number(request, "Upload-Length")
    fields = {
        "sha256": told.get("sha256"),
        "mime": told.get("mime", "application/octet-stream"),
        "original": told.get("for"),
    }
    try:
        return msgspec.convert({**fields, "size": size}, NewUpload)
    except msgspec.ValidationError as error:
        raise Refused(
            Reason.UPLOAD_HEADER_INVALID, header="Upload-Metadata", problem=str(error)
        ) from error


def _first_part(request: Asked) -> Body | None:
    """Read what came along with a creation; nothing may, in which case it has no type either."""
    if "Content-Type" not in request.headers and request.headers.get("Content-Length", "0") == "0":
        return None
    body = _part(request)
    if body.length is not None and body.length > _number(request, "Upload-Length"):
        raise Refused(Reason.EVIDENCE_TOO_LARGE, limit_bytes=_number(request, "Upload-Length"))
    return body


def _part(request: Asked) -> Body:
    if request.headers.get("Content-Type", "").strip().lower() != PART:
        raise Refused(Reason.UPLOAD_TYPE_WRONG)
    announced = "Content-Length" in request.headers
    length = _number(request, "Content-Length") if announced else None
    return Body(_arriving(request), length)


def _check_version(request: Asked) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refused(Reason.UPLOAD_VERSION_UNKNOWN)


def _number(request: Asked, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Refused(Reason.UPLOAD_HEADER_INVALID, header=header)
    return int(text)


def _metadata(text: str) -> dict[str, str]:
    """Read `key base64, key base64`; a key may come without a value."""
    told: dict[str, str] = {}
    for pair in text.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            told[key] = b64decode(value, validate=True).decode()
        except ValueError as error:
            raise Refused(Reason.UPLOAD_HEADER_INVALID, header="Upload-Metadata") from error
    return told


def _headers(state: UploadState) -> dict[str, str]:
    told = {"sha256": state.sha256, "mime": state.mime}
    metadata = ",".join(f"{key} {b64encode(told[key].encode()).decode()}" for key in told)
    headers = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(state.offset),
        "Upload-Length": str(state.size),
        "Upload-Metadata": metadata,
        "Upload-Expires": format_datetime(state.expires, usegmt=True),
    }
    return {**headers, "Evidence-Flag": state.flag} if state.flag else headers
