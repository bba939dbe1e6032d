"""持有人: find a device and whose it is."""

from sqlmodel import col, select

from backend.auth import Officer, may_see
from backend.db import Session
from backend.tables import Device, Inspector
from sync.refusals import Reason, Refused


async def find(
    db: Session, officer: Officer, device_id: str, *, lock: bool = False
) -> tuple[Device, Inspector]:
    """Find a device of an inspector whom the officer's division governs."""
    query = (
        select(Device, Inspector)
        .join(Inspector, col(Inspector.id) == Device.inspector_id)
        .where(Device.id == device_id)
    )
    found = (await db.exec(query.with_for_update(of=Device) if lock else query)).first()
    if found is None:
        raise Refused(Reason.DEVICE_NOT_FOUND, device=device_id)
    may_see(officer, found[1].division)
    return found
