"""执法终端: inviting, listing and revoking devices."""

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import DeviceView, EntryView, InviteView, LostView, NewInvite
from backend.work import devices, enrolments


@post("/devices/invites", guards=[needs("admin", "supervisor")])
async def invite(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewInvite],
) -> InviteView:
    """Make a one-time code for an inspector's device (生成登记码)."""
    return await enrolments.invite(db, officer, data.certificate, now)


@get("/devices")
async def list_devices(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[DeviceView]:
    """List the devices of the division, those longest unseen first (终端列表)."""
    return await devices.list_devices(db, officer)


@post("/devices/{device_id:str}/revoke", guards=[needs("admin", "supervisor")], status_code=200)
async def revoke(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    device_id: FromPath[str],
) -> DeviceView:
    """Revoke a device at once (停用终端)."""
    return await devices.revoke(db, officer, device_id, now)


@post("/devices/{device_id:str}/loss", guards=[needs("admin", "supervisor")], status_code=200)
async def report_loss(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    device_id: FromPath[str],
) -> LostView:
    """Revoke a lost device and say what it held and never delivered (终端遗失)."""
    return await devices.report_loss(db, officer, device_id, now)


@get("/devices/{device_id:str}/log")
async def read_log(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    device_id: FromPath[str],
    after: FromQuery[int] = 0,
) -> list[EntryView]:
    """Read a device's operations from the ledger, a thousand at a time (操作日志)."""
    return await devices.read_log(db, officer, device_id, after=after)


handlers = [invite, list_devices, revoke, report_loss, read_log]
