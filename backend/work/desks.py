"""机关终端: devices that the server itself keeps, whose operations enter as everybody's do.

A desk is an officer's. The key of each follows from the server's own and its number, so that no
second secret is kept. What a desk records is signed, chained and judged like a phone's.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from sqlmodel import col, select

from backend.db import Session, head
from backend.tables import Device
from backend.work import intake
from sync import codec
from sync.hub import OFFICE
from sync.ids import new_id
from sync.messages import BATCH_OPS_MAX, VERSION, Clock, PushHead
from sync.ops import AnyOp
from sync.refusals import Kept

BOOT = "server"


async def desk_of(db: Session, officer: str, now: datetime) -> Device:
    """Give an officer's desk, made when it is first needed."""
    await head(db)  # two at once would otherwise make two
    who = f"{OFFICE}{officer}"
    own = select(Device).where(Device.inspector_id == who, col(Device.revoked_at).is_(None))
    found = (await db.exec(own)).first()
    return found or await open_desk(db, who, label=who, now=now)


async def open_desk(db: Session, who: str, *, label: str, now: datetime) -> Device:
    """Make a device that the server keeps."""
    name = new_id()
    device = Device(
        id=name,
        inspector_id=who,
        label=label,
        public_key=codec.public_key(await _secret(db, name)),
        enrolled_at=now,
        head_hash=codec.genesis(name),
    )
    db.add(device)
    await db.flush()
    return device


async def issue(db: Session, device: Device, ops: Sequence[AnyOp], now: datetime) -> None:
    """Record operations, numbered from the end of the desk's chain, by an exchange with itself."""
    secret = await _secret(db, device.id)
    for at in range(0, len(ops), BATCH_OPS_MAX):
        raws = [msgspec.json.encode(op) for op in ops[at : at + BATCH_OPS_MAX]]
        line = PushHead(
            v=VERSION,
            dev=device.id,
            first=device.head_n + 1,
            count=len(raws),
            prev=device.head_hash,
            head=codec.chain(device.head_hash, raws)[-1],
            clock=Clock(milliseconds(now), 0, BOOT),
        )
        body = b"\n".join([msgspec.json.encode(line), *raws])
        done = await intake.exchange(db, codec.seal_body(secret, device.id, body), body, now)
        assert not isinstance(done, Kept), "a desk's chain has one writer"
        await db.refresh(device)


def milliseconds(moment: datetime) -> int:
    """Write a moment as operations do."""
    return round(moment.timestamp() * 1000)


async def _secret(db: Session, device_id: str) -> str:
    key = bytes.fromhex((await head(db)).secret_key)
    return hmac.new(key, f"evenhand-desk/1\n{device_id}".encode(), sha256).hexdigest()
