"""执法终端: the door of the devices. Enrolment and exchange prove themselves by what they carry."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from backend.auth_device import device_door
from backend.db import Session
from backend.routes import problems
from backend.work import enrolments, intake
from sync.codec import SIGNATURE_HEADER
from sync.messages import Enrol, Enrolled
from sync.refusals import Kept

NDJSON = "application/x-ndjson"


@post("/device/enrol", guards=[device_door], opt={"open": True}, security=[])
async def enrol(
    db: NamedDependency[Session], now: NamedDependency[datetime], data: JSONBody[Enrol]
) -> Enrolled:
    """Let a device become an inspector's (终端登记)."""
    return await enrolments.enrol(db, data, now)


@post("/sync/v1", guards=[device_door], opt={"open": True}, security=[], status_code=200)
async def exchange(
    request: Request[Any, Any, Any], db: NamedDependency[Session], now: NamedDependency[datetime]
) -> Response[Any]:
    """Push operations and pull what is new, in one round trip (同步)."""
    header = request.headers.get(SIGNATURE_HEADER, "")
    done = await intake.exchange(db, header, await request.body(), now)
    if isinstance(done, Kept):
        return problems.problem(request, done.refused)
    return Response(done.body, headers={SIGNATURE_HEADER: done.signature}, media_type=NDJSON)


handlers = [enrol, exchange]
