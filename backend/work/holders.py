"""持有人: find a device, whose it is, and which names it has had; end them all."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, or_, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.tables import Device, Inspector
from sync.refusals import Reason, Refused

REVOKED = "device.revoke"


async def find(db: Session, officer: Officer, device_id: str) -> tuple[Device, Inspector]:
    """Find a device of an inspector whom the officer's division governs."""
    query = (
        select(Device, Inspector)
        .join(Inspector, col(Inspector.id) == Device.inspector_id)
        .where(Device.id == device_id)
    )
    found = (await db.exec(query)).first()
    if found is None:
        raise Refused(Reason.DEVICE_NOT_FOUND, device=device_id)
    may_see(officer, found[1].division)
    return found


async def lock_family(db: Session, device_id: str) -> list[Device]:
    """Hold all names that a device has had, and those of its copies, until commit; oldest first.

    Whoever has the key of one name can take another with it, so they stand and fall together.
    """
    names = await _family(db, {device_id})
    while True:
        those = select(Device).where(col(Device.id).in_(names)).order_by(col(Device.id))
        held = those.with_for_update().execution_options(populate_existing=True)
        family = list(await db.exec(held))
        now = await _family(db, names)
        if now == names:
            return family
        names = now  # one more was taken while we waited


async def _family(db: Session, names: set[str]) -> set[str]:
    """Find all that took their names from one another, to whichever degree."""
    while True:
        near = or_(col(Device.id).in_(names), col(Device.renews).in_(names))
        found = (await db.exec(select(Device.id, Device.renews).where(near))).all()
        more = {name for pair in found for name in pair if name}
        if more == names:
            return names
        names = more


async def end(db: Session, devices: Sequence[Device], *, actor: str, now: datetime) -> None:
    """Revoke devices that are held, and record where their chains ended."""
    for device in devices:
        device.revoked_at = device.revoked_at or now
        db.add(device)
        await journal.append(
            db,
            actor=actor,
            verb=REVOKED,
            subject=device.id,
            now=now,
            head_n=device.head_n,
            head_hash=device.head_hash,
        )
    await db.flush()
