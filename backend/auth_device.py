"""Who is asking at the device door (执法终端): a key enrolled for one inspector.

Exchanges are signed with that key over their raw bytes, which `work.intake` verifies. Evidence
files come with a bearer token that the last exchange gave: their content is proved by its digest.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from litestar.handlers import BaseRouteHandler
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.auth import Connection
from backend.db import GENESIS, glance
from sync.refusals import Reason, Refused

UPLOAD_TOKEN_LIFE = timedelta(hours=24)

# Asked for every part of every file, so in one trip.
_SENDER = """
SELECT device.inspector_id, device.revoked_at IS NOT NULL, head.secret_key
FROM device JOIN head ON head.id = 1 WHERE device.id = $1"""


class DeviceCaller(Struct, frozen=True):
    """The device that asks, and whose it is."""

    id: str
    inspector_id: str


def upload_token(secret: str, device_id: str, expires: datetime) -> str:
    """Make the token for evidence files: `device.expiry.HMAC`, nothing to keep."""
    text = f"{device_id}.{int(expires.timestamp())}"
    return f"{text}.{_proof(secret, text)}"


async def device_door(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in who holds a valid upload token; exchanges and enrolment prove themselves otherwise."""
    if handler.opt.get("open"):
        return
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refused(Reason.DEVICE_UNKNOWN)
    state = connection.app.state
    caller = await uploader(state.engine, token.strip(), state.now())
    connection.scope["user"] = caller
    connection.scope["state"]["actor"] = caller.id


async def uploader(engine: AsyncEngine, token: str, now: datetime) -> DeviceCaller:
    """Find the device whose upload token this is."""
    text, _, proof = token.rpartition(".")
    device_id, _, expires = text.partition(".")
    if not device_id.isprintable():  # what no database takes
        raise Refused(Reason.DEVICE_UNKNOWN)
    found = await glance(engine, _SENDER, device_id)
    inspector_id, revoked, secret = found[0] if found else ("", False, GENESIS)
    right = _proof(secret, text)
    if not hmac.compare_digest(right.encode(), proof.encode("utf-8", "replace")) or not found:
        raise Refused(Reason.DEVICE_UNKNOWN)
    if int(expires) < now.timestamp():
        raise Refused(Reason.DEVICE_UNKNOWN)
    if revoked:
        raise Refused(Reason.DEVICE_REVOKED, device=device_id)
    return DeviceCaller(device_id, inspector_id)


def _proof(secret: str, text: str) -> str:
    """Give 128 bits of an HMAC: the token goes down with every exchange."""
    said = f"evenhand-upload/1\n{text}".encode("utf-8", "replace")
    return hmac.new(bytes.fromhex(secret), said, sha256).hexdigest()[:32]
