"""终端登记: invite and enrol; what makes a device an inspector's."""

from datetime import datetime, timedelta
from hashlib import sha256
from secrets import choice

from sqlmodel import select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.tables import Device, Inspector, Invite
from backend.wire import InviteView
from backend.work import feed
from sync import codec
from sync.messages import Enrol, Enrolled
from sync.refusals import Reason, Refused

INVITE_LIFE = timedelta(days=7)
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 O 1 I L U: read out over the telephone
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


def _digest(code: str) -> str:
    return sha256(f"evenhand-invite/1\n{code.strip().upper()}".encode()).hexdigest()
