"""Rows that tests of the doors put into a database directly, each in a division of choice."""

from datetime import UTC, date, datetime
from itertools import count

from conftest import PASSWORD, Office
from sqlmodel import SQLModel

from backend import auth, db
from backend.tables import Account, Device, Establishment, Inspector, Revision

AT = datetime(2026, 3, 1, tzinfo=UTC)
_number = count(1)


async def put(office: Office, *rows: SQLModel) -> None:
    async with db.transaction(office.engine) as session:
        for row in rows:
            session.add(row)
            await session.flush()


async def account(office: Office, division: str) -> Account:
    hashed = await auth.hash_password(office.settings, PASSWORD)
    name = f"someone-{next(_number)}"
    row = Account(name=name, password_hash=hashed, role="reviewer", division=division)
    await put(office, row)
    return row


def revision(name: str) -> Revision:
    return Revision(
        register_name=name, source_name="test", source_sha256="0" * 64, at=AT,
        rows=1, created=1, changed=0, unchanged=0, problems="[]",
    )  # fmt: skip


async def inspector(office: Office, division: str) -> Inspector:
    batch = revision("inspectors")
    row = Inspector(
        certificate=f"33-{next(_number):06}", name="李明", department="食品科",
        division=division, valid_from=date(2020, 1, 1), valid_to=date(2030, 1, 1),
        revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, row)
    return row


async def establishment(office: Office, division: str) -> Establishment:
    batch = revision("establishments")
    row = Establishment(
        code=f"E{next(_number):06}", name="城东菜市场", category="market",
        division=division, revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, row)
    return row


async def device(office: Office, division: str) -> Device:
    owner = await inspector(office, division)
    row = Device(
        inspector_id=owner.id, label="test", public_key="0" * 64, enrolled_at=AT,
        head_hash="0" * 64,
    )  # fmt: skip
    await put(office, row)
    return row
