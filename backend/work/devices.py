"""执法终端: invite, enrol, revoke; who has not synced for how long."""

from datetime import datetime, timedelta
from hashlib import sha256
from secrets import choice

import msgspec
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.tables import Device, Entry, Inspector, Invite
from backend.wire import DeviceView, EntryView, InviteView
from backend.work import feed
from sync import codec
from sync.messages import Enrol, Enrolled
from sync.refusals import Reason, Refused

INVITE_LIFE = timedelta(days=7)
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 O 1 I L U: read out over the telephone
LOG_MAX = 1000
CODE_LENGTH = 12  # 30^12 codes: 58 bits


async def invite(db: Session, officer: Officer, certificate: str, now: datetime) -> InviteView:
    """Make a one-time code with which one device may enrol for an inspector."""
    query = select(Inspector).where(Inspector.certificate == certificate)
    inspector = (await db.exec(query)).first()
    if inspector is None:
        raise Refused(Reason.INSPECTOR_NOT_FOUND, certificate=certificate)
    may_see(officer, inspector.division)

    code = "".join(choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    row = Invite(digest=_digest(code), inspector_id=inspector.id, expires_at=now + INVITE_LIFE)

    db.add(row)
    await journal.append(
        db, actor=officer.name, verb="device.invite", subject=inspector.id, now=now
    )
    return InviteView(code, inspector.certificate, inspector.name, row.expires_at)


async def enrol(db: Session, new: Enrol, now: datetime) -> Enrolled:
    """Let a device become an inspector's; asking again with the same key gives the same device."""
    query = select(Invite).where(Invite.digest == _digest(new.code)).with_for_update()
    found = (await db.exec(query)).first()
    if found is None or found.expires_at < now:
        raise Refused(Reason.INVITE_WRONG)
    inspector = await db.get_one(Inspector, found.inspector_id)
    device = await db.get(Device, found.device_id) if found.device_id else None
    if device is not None and device.public_key != new.public_key:
        raise Refused(Reason.INVITE_WRONG)

    top = await head(db)
    if device is None:
        device = Device(
            inspector_id=inspector.id,
            label=new.label,
            public_key=new.public_key,
            enrolled_at=now,
            head_hash="",
        )
        device.head_hash = codec.genesis(device.id)
        found.device_id = device.id
        db.add_all([device, found])
        await db.flush()
        await feed.join(db, inspector.id, f"u:{inspector.id}")
        await journal.append(
            db, actor=inspector.certificate, verb="device.enrol", subject=device.id, now=now
        )
    return Enrolled(
        device=device.id,
        inspector=inspector.id,
        name=inspector.name,
        certificate=inspector.certificate,
        server_key=codec.public_key(top.secret_key),
        epoch=top.epoch,
    )


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
        .join(Inspector)
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
    query = select(Device, Inspector).join(Inspector).where(Device.id == device_id)
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


def _digest(code: str) -> str:
    return sha256(f"evenhand-invite/1\n{code.strip().upper()}".encode()).hexdigest()
