"""备份: what the operator says of backups, so that devices know what they must still keep.

A device lets go of nothing that only the server has, until a backup of the server has it too.
"""

from datetime import datetime

from sqlmodel import col, select

from backend import journal
from backend.db import Session, head
from backend.tables import Device
from sync.hub import OFFICE
from sync.ids import new_id
from sync.refusals import Reason, Refused

OPERATOR = "operator"


async def backup_done(db: Session, position: int, now: datetime) -> int:
    """Note that a backup, restored and tried, holds the ledger up to a position; return it."""
    top = await head(db)
    if position > top.ledger_n:
        raise Refused(Reason.BACKUP_AHEAD, ledger=top.ledger_n)
    top.durable_n = position
    db.add(top)
    await journal.append(
        db, actor=OPERATOR, verb="server.backup", subject="ledger", now=now, position=position
    )
    return position


async def restored(db: Session, now: datetime) -> int:
    """Begin a new epoch after a restore: devices read all anew and offer what was lost."""
    top = await head(db)
    top.epoch = new_id()
    top.durable_n = min(top.durable_n, top.ledger_n)
    db.add(top)
    desks = select(Device).where(col(Device.inspector_id).startswith(OFFICE, autoescape=True))
    for desk in await db.exec(desks):  # their numbers may have been told: they are not given twice
        desk.revoked_at = desk.revoked_at or now
        db.add(desk)
    await journal.append(
        db, actor=OPERATOR, verb="server.restored", subject="ledger", now=now, ledger=top.ledger_n
    )
    return top.ledger_n
