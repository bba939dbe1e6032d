"""执法终端: the door of the devices. Enrolment and exchange prove themselves by what they carry."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.auth_device import device_door
from backend.db import Session
from backend.here import Here
from backend.routes import packing, problems
from backend.work import enrolments, intake, throttles
from backend.work.snapshots import Snapshots
from sync.codec import SIGNATURE_HEADER
from sync.messages import Enrol, Enrolled
from sync.refusals import Kept

NDJSON = "application/x-ndjson"


@post("/device/enrol", guards=[device_door], opt={"open": True}, security=[])
async def enrol(
    request: Request[Any, Any, Any],
    db: NamedDependency[Session],
    now: NamedDependency[datetime],
    data: JSONBody[Enrol],
) -> Enrolled:
    """Let a device become an inspector's (终端登记)."""
    guesses = throttles.enrolment(problems.address(request))
    await throttles.attempt(db, guesses, now)
    enrolled = await enrolments.enrol(db, data, now)
    await throttles.forgive(db, guesses)
    return enrolled


@post("/device/renew", guards=[device_door], opt={"open": True}, security=[], status_code=201)
async def renew(
    request: Request[Any, Any, Any], db: NamedDependency[Session], now: NamedDependency[datetime]
) -> Enrolled:
    """Let a device go on under another key and a new name (换名续用)."""
    header = request.headers.get(SIGNATURE_HEADER, "")
    return await enrolments.renew(db, header, await request.body(), now)


@post("/device/chain", guards=[device_door], opt={"open": True}, security=[], status_code=200)
async def tell_chain(
    request: Request[Any, Any, Any], db: NamedDependency[Session]
) -> Response[Any]:
    """Tell a device what the ledger holds of its chain (终端链核对)."""
    header = request.headers.get(SIGNATURE_HEADER, "")
    told = await enrolments.tell_chain(db, header, await request.body())
    return Response(told.body, headers={SIGNATURE_HEADER: told.signature}, media_type=NDJSON)


@post(
    "/sync/v1",
    guards=[device_door],
    opt={"open": True, "writes_later": True},
    security=[],
    status_code=200,
)
async def exchange(
    request: Request[Any, Any, Any], db: NamedDependency[Session], here: NamedDependency[Here]
) -> Response[Any]:
    """Push operations and pull what is new, in one round trip (同步)."""
    header, body = request.headers.get(SIGNATURE_HEADER, ""), await packing.unpacked(request)
    done = await intake.exchange(db, header, body, here.now(), here.snapshots)
    if isinstance(done, Kept):
        return problems.problem(request, done.refused)
    return packing.packed(request, done.body, {SIGNATURE_HEADER: done.signature}, NDJSON)


@get("/sync/v1/snapshots/{digest:str}", guards=[device_door], status_code=200)
async def read_snapshot(
    request: Request[Any, Any, Any],
    snapshots: NamedDependency[Snapshots],
    digest: Annotated[FromPath[str], Meta(pattern="^[0-9a-f]{64}$(?!\n)")],
) -> Response[bytes]:
    """Give a snapshot, or the part of it that a Range names (数据快照)."""
    first, end = packing.asked(request)
    piece, size = await snapshots.read(digest, first, end)
    return packing.part(request, piece, first=first, size=size, digest=digest)


handlers = [enrol, renew, tell_chain, exchange, read_snapshot]
