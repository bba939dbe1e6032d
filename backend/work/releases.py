"""定版: checklists and catalogues of violations are released, and never change after that.

A digest names the content of a release; its code and version name it once.
"""

from datetime import datetime
from typing import TypeVar

from sqlmodel import col, or_, select

from backend import journal
from backend.auth import Officer
from backend.db import Session, head
from backend.tables import Catalogue, Checklist
from sync import checklist, violations
from sync.refusals import Reason, Refused

Released = TypeVar("Released", Checklist, Catalogue)

TAKEN = {Checklist: Reason.CHECKLIST_TAKEN, Catalogue: Reason.CATALOGUE_TAKEN}
NOT_FOUND = {Checklist: Reason.CHECKLIST_NOT_FOUND, Catalogue: Reason.CATALOGUE_NOT_FOUND}


async def release(
    db: Session,
    officer: Officer,
    table: type[Released],
    content: checklist.Checklist | violations.Catalogue,
    *,
    digest: str,
    body: bytes,
    now: datetime,
) -> tuple[Released, bool]:
    """Release content, and say whether it is new; the same again is the same release."""
    await head(db)
    query = select(table).where(table.code == content.code, table.version == content.version)
    released = (await db.exec(query)).first()

    if released is not None and released.digest != digest:
        raise Refused(
            TAKEN[table], code=content.code, version=content.version, released=released.digest
        )

    if released is not None:
        return released, False
    released = table(
        digest=digest,
        code=content.code,
        version=content.version,
        title_en=content.title.en,
        title_zh=content.title.zh,
        body=body.decode(),
        released_at=now,
    )
    db.add(released)
    await db.flush()
    await journal.append(
        db,
        actor=officer.name,
        verb=f"{_noun(table)}.release",
        subject=digest,
        now=now,
        code=content.code,
        version=content.version,
    )
    return released, True


async def listed(db: Session, table: type[Released]) -> list[Released]:
    """List what was released, by code and the newest of each first."""
    query = select(table).order_by(
        table.code, col(table.released_at).desc(), col(table.version).desc()
    )
    return list(await db.exec(query))


async def find(db: Session, table: type[Released], name: str) -> Released:
    """Find a release by its digest, or the newest of a code."""
    query = (
        select(table)
        .where(or_(table.digest == name, table.code == name))
        .order_by(col(table.released_at).desc(), col(table.version).desc())
    )
    found = (await db.exec(query)).first()
    if found is None:
        raise Refused(NOT_FOUND[table], **{_noun(table): name})
    return found


def _noun(table: type[Released]) -> str:
    """Name what is released, as the journal and refusals do."""
    return table.__name__.lower()
