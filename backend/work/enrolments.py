"""终端登记: invite and enrol, and let a device go on under a new name (换名续用).

A device whose history parted from the ledger's asks for that by itself, signed with its key.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import choice
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.tables import Device, Entry, Head, Inspector, Invite
from backend.wire import InviteView
from backend.work import catalogues, feed, holders
from sync import chains, codec, messages, sealing, versions
from sync.messages import BATCH_OPS_MAX, Enrol, Enrolled
from sync.refusals import Reason, Refused

INVITE_LIFE = timedelta(days=7)
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0 O 1 I L U: read out over the telephone
CODE_LENGTH = 12  # 30^12 codes: 58 bits

Ask = TypeVar("Ask", messages.Renew, messages.ChainAsk)


class Told(Struct, frozen=True):
    """The answer's body and its signature header."""

    body: bytes
    signature: str


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
    key = codec.public_key((await head(db)).secret_key)
    return InviteView(code, inspector.certificate, inspector.name, row.expires_at, key)


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
        await catalogues.offer(db, inspector.id)
        await journal.append(
            db, actor=inspector.certificate, verb="device.enrol", subject=device.id, now=now
        )
    return enrolled(device, inspector, top)


async def renew(db: Session, header: str, body: bytes, now: datetime) -> Enrolled:
    """Let a device go on under another key and name; the same key gets the same name again.

    The new name of a revoked device is revoked too: what it has still to say can be held back then.
    Refuses with SIGNATURE_WRONG, DEVICE_UNKNOWN or SYNC_MALFORMED.
    """
    device, ask = await _asking(db, header, body, messages.decode_renew)
    versions.check(ask.v)
    await db.refresh(device, with_for_update=True)  # a revocation may come just now
    inspector = await db.get_one(Inspector, device.inspector_id)
    query = select(Device).where(Device.renews == device.id, Device.public_key == ask.public_key)
    again = (await db.exec(query)).first()

    top = await head(db)
    if again is None:
        again = Device(
            inspector_id=inspector.id,
            label=device.label,
            public_key=ask.public_key,
            enrolled_at=now,
            head_hash="",
            renews=device.id,
        )
        again.head_hash = codec.genesis(again.id)
        db.add(again)
        await db.flush()
        await journal.append(
            db,
            actor=inspector.certificate,
            verb="device.renew",
            subject=again.id,
            now=now,
            renews=device.id,
        )
        if device.revoked_at is not None:
            await holders.end(db, [again], actor=inspector.certificate, now=now)
    return enrolled(again, inspector, top)


async def tell_chain(db: Session, header: str, body: bytes) -> Told:
    """Tell a device what follows in its chain in the ledger after what it knows of it.

    Refuses with SIGNATURE_WRONG, DEVICE_UNKNOWN or SYNC_MALFORMED.
    """
    device, ask = await _asking(db, header, body, messages.decode_chain_ask)
    numbers = [n for n, _ in ask.known]
    query = select(Entry.n, Entry.hash).where(
        Entry.device_id == device.id, col(Entry.n).in_(numbers)
    )
    held = {0: codec.genesis(device.id), **dict((await db.exec(query)).all())}
    after = chains.last_shared(ask, held)
    following = (
        select(Entry)
        .where(Entry.device_id == device.id, Entry.n > after)
        .order_by(col(Entry.n))
        .limit(BATCH_OPS_MAX)
    )
    found = (await db.exec(following)).all()
    said = [("ok", "") if e.seq else (e.verdict, e.why) for e in found]  # as it was ruled since
    rows = [(e.n, e.raw, *words) for e, words in zip(found, said, strict=True)]
    ack = messages.Ack(device.head_n, device.head_hash)
    top = await db.get_one(Head, 1)
    return Told(*chains.tell(top.secret_key, after, ack, rows))


def enrolled(device: Device, inspector: Inspector, top: Head) -> Enrolled:
    """Write the server's signed word about whose a device is."""
    said = Enrolled(
        device=device.id,
        inspector=inspector.id,
        name=inspector.name,
        certificate=inspector.certificate,
        server_key=codec.public_key(top.secret_key),
        epoch=top.epoch,
        public_key=device.public_key,
        seal_key=sealing.seal_key(top.secret_key),
    )
    return replace(said, sig=codec.sign(top.secret_key, messages.enrolled_text(said)))


async def _asking(
    db: Session, header: str, body: bytes, decode: Callable[[bytes], Ask]
) -> tuple[Device, Ask]:
    sender, _, _ = codec.open_header(header)
    device = await db.get(Device, sender)
    if device is None:
        raise Refused(Reason.DEVICE_UNKNOWN)
    codec.check_body(device.public_key, header, body)
    ask = chains.read(decode, body)
    if ask.dev != device.id:
        raise Refused(Reason.SIGNATURE_WRONG)
    return device, ask


def _digest(code: str) -> str:
    return sha256(f"evenhand-invite/1\n{code.strip().upper()}".encode()).hexdigest()
