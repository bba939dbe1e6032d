"""无网交接: bundles that devices wrote, brought by hand."""

from datetime import datetime
from typing import Annotated, Any

from litestar import post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.params import Body
from msgspec import Struct

from backend.auth import Connection, Officer, needs
from backend.blobs import Blobs
from backend.db import Session
from backend.settings import Settings
from backend.wire import ReceivedView
from backend.work import handovers
from backend.work.evidence import Limits
from sync.refusals import Reason, Refused


class BundleFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One bundle, as a file of a form."""

    files: list[UploadFile]


async def bounded(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuse a bundle that does not say its size or is too large, before any of it is read."""
    limit = connection.app.state.settings.bundle_bytes_max
    length = connection.headers.get("content-length", "")
    if not length.isdecimal():
        raise Refused(Reason.BODY_INVALID, problem="a bundle needs the header Content-Length")
    if int(length) > limit:
        raise Refused(Reason.BODY_TOO_LARGE, limit_bytes=limit)


@post(
    "/handovers",
    guards=[needs("admin", "supervisor"), bounded],
    status_code=200,
    request_max_body_size=None,  # the guard has looked
)
async def receive(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    blobs: NamedDependency[Blobs],
    settings: NamedDependency[Settings],
    now: NamedDependency[datetime],
    data: Annotated[BundleFile, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> ReceivedView:
    """Take in a bundle that a device wrote (接收无网交接包)."""
    limits = Limits(settings.file_bytes_max, settings.free_bytes_min)
    file = one_of(data.files)
    return await handovers.receive(db, officer, blobs, file.file, limits=limits, now=now)


def one_of(files: list[UploadFile]) -> UploadFile:
    """Give the one file of the form."""
    if len(files) != 1:
        raise Refused(Reason.BODY_INVALID, problem="one bundle at a time")
    return files[0]


handlers: list[Any] = [receive]
