"""执法终端: revoke them, list them; who has not synced for how long."""

from datetime import datetime

import msgspec
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.tables import Device, Entry, Inspector
from backend.wire import DeviceView, EntryView
from sync.refusals import Reason, Refused

LOG_MAX = 1000


async def revoke(db: Session, officer: Officer, device_id: str, now: datetime) -> DeviceView:
    """Revoke a device at once; what it sends afterwards goes to quarantine."""
    device, inspector = await _find(db, device_id, lock=True)
    may_see(officer, inspector.division)

    device.revoked_at = device.revoked_at or now

    db.add(device)
    await journal.append(
        db,
        actor=officer.name,
        verb="device.revoke",
        subject=device.id,
        now=now,
        head_n=device.head_n,
        head_hash=device.head_hash,
    )
    return _view(device, inspector)


async def list_devices(db: Session, officer: Officer) -> list[DeviceView]:
    """List the devices of a division's inspectors, those longest unseen first."""
    query = (
        select(Device, Inspector)
        .join(Inspector, col(Inspector.id) == Device.inspector_id)
        .where(col(Inspector.division).startswith(officer.division, autoescape=True))
        .order_by(col(Device.seen_at).asc().nulls_first(), col(Device.id))
    )
    return [_view(device, inspector) for device, inspector in await db.exec(query)]


async def read_log(db: Session, officer: Officer, device_id: str, *, after: int) -> list[EntryView]:
    """Read at most LOG_MAX operations of a device from the ledger, those after number `after`."""
    _, inspector = await _find(db, device_id)
    may_see(officer, inspector.division)
    query = (
        select(Entry)
        .where(Entry.device_id == device_id, Entry.n > after)
        .order_by(col(Entry.n))
        .limit(LOG_MAX)
    )
    return msgspec.convert(list(await db.exec(query)), list[EntryView], from_attributes=True)


async def _find(db: Session, device_id: str, *, lock: bool = False) -> tuple[Device, Inspector]:
    query = (
        select(Device, Inspector)
        .join(Inspector, col(Inspector.id) == Device.inspector_id)
        .where(Device.id == device_id)
    )
    found = (await db.exec(query.with_for_update(of=Device) if lock else query)).first()
    if found is None:
        raise Refused(Reason.DEVICE_NOT_FOUND, device=device_id)
    return found


def _view(device: Device, inspector: Inspector) -> DeviceView:
    return DeviceView(
        id=device.id,
        label=device.label,
        certificate=inspector.certificate,
        name=inspector.name,
        operations=device.head_n,
        enrolled_at=device.enrolled_at,
        seen_at=device.seen_at,
        skew_ms=device.skew_ms,
        revoked_at=device.revoked_at,
    )
