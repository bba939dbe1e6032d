"""临时对象: a place that is in no register, until the admin finds it there or has it registered.

It has a code of our own that no import can take, is in no frame and no export, and is found by
search. Matched, it is merged as any duplicate is: its inspections follow, and it can be undone.
"""

from datetime import datetime
from hashlib import sha256

import msgspec
from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules.records import PROVISIONAL, RESERVED
from backend.tables import Establishment, Inspection, Revision, Task
from backend.wire import EstablishmentView, NewPlace, ProvisionalLine, RegisterOrder
from backend.work import duplicates, registers, tasks
from backend.work.listing import first
from backend.work.shelves import moment
from sync.ids import new_id
from sync.refusals import Reason, Refused


async def create(
    db: Session,
    *,
    name: str,
    address: str,
    category: str,
    division: str,
    longitude: float | None = None,
    latitude: float | None = None,
    datum: str = "",
    actor: str,
    now: datetime,
) -> Establishment:
    """Write down a place that nobody registered, as a revision of its own."""
    await head(db)
    said = msgspec.json.encode([name, address, category, division, longitude, latitude])
    revision = Revision(
        register_name="establishments",
        source_name="provisional",
        source_sha256=sha256(said).hexdigest(),
        at=await moment(db, now),
        rows=1,
        created=1,
        changed=0,
        unchanged=0,
        problems="[]",
        actor=actor,
        division=division,
    )
    db.add(revision)
    await db.flush()
    found = Establishment(
        code=RESERVED + new_id()[-12:].upper(),
        name=name,
        category=category,
        division=division,
        address=address,
        status=PROVISIONAL,
        longitude=longitude,
        latitude=latitude,
        datum=datum,
        revision_id=revision.id,
    )
    db.add(found)
    await db.flush()
    await journal.append(
        db, actor=actor, verb="provisional.create", subject=found.code, now=now, name=name
    )
    return found


async def create_provisional(
    db: Session, place: NewPlace, *, officer: Officer, now: datetime
) -> EstablishmentView:
    """Write down a place of the division that nobody registered."""
    may_see(officer, place.division)
    point = place.longitude is not None and place.latitude is not None
    made = await create(
        db,
        name=place.name,
        address=place.address,
        category=place.category,
        division=place.division,
        longitude=place.longitude if point else None,
        latitude=place.latitude if point else None,
        datum=place.datum if point else "",
        actor=officer.name,
        now=now,
    )
    return msgspec.convert(made, EstablishmentView, from_attributes=True)


async def list_provisional(db: Session, officer: Officer) -> list[ProvisionalLine]:
    """List the places that wait for the admin, the oldest first."""
    begun = (
        select(func.count())
        .select_from(Task)
        .join(Inspection, col(Inspection.id) == Task.id)
        .where(Task.establishment_id == Establishment.id)
        .scalar_subquery()
    )
    query = (
        select(Establishment, Revision.at, begun)
        .join(Revision, col(Revision.id) == Establishment.revision_id)
        .where(Establishment.status == PROVISIONAL, Establishment.successor_code == "")
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
        .order_by(col(Establishment.id))
    )
    return [
        ProvisionalLine(
            code=one.code,
            name=one.name,
            category=one.category,
            division=one.division,
            address=one.address,
            since=at,
            inspections=count,
        )
        for one, at, count in await first(db, query)
    ]


async def match_provisional(
    db: Session, code: str, into: str, *, officer: Officer, now: datetime
) -> EstablishmentView:
    """Merge a place into the establishment that it turned out to be; undone like any merger."""
    await head(db)
    found, known = await _waiting(db, code, officer), await _registered(db, into)
    may_see(officer, known.division)

    await duplicates.merge(db, officer, found, known, now=now)
    await db.flush()
    await tasks.send(db, await tasks.views(db, Task.establishment_id == found.id), now=now)
    return msgspec.convert(known, EstablishmentView, from_attributes=True)


async def register_provisional(
    db: Session, code: str, order: RegisterOrder, *, officer: Officer, now: datetime
) -> EstablishmentView:
    """Put a place into the register under its number, and merge it into what is there then."""
    await head(db)
    found = await _waiting(db, code, officer)
    if await _find(db, order.code) is not None:
        raise Refused(Reason.PROVISIONAL_KNOWN, code=order.code)
    record = {
        "code": order.code,
        "name": order.name or found.name,
        "category": order.category or found.category,
        "division": found.division,
        "address": order.address or found.address,
    }
    if found.longitude is not None and found.latitude is not None:
        point = (found.longitude, found.latitude)
        record |= dict(zip(("longitude", "latitude"), map(repr, point), strict=True))
        record["datum"] = found.datum
    view = await registers.import_records(
        db, officer, "establishments", [record], source_name=f"provisional {code}", now=now
    )
    if view.created != 1:
        problems = ", ".join(sorted({one.code for one in view.problems}))
        raise Refused(Reason.PROVISIONAL_UNREGISTERED, code=order.code, problems=problems)
    return await match_provisional(db, code, order.code, officer=officer, now=now)


async def _waiting(db: Session, code: str, officer: Officer) -> Establishment:
    found = await _find(db, code)
    if found is None or found.status != PROVISIONAL:
        raise Refused(Reason.PROVISIONAL_NOT_FOUND, code=code)
    may_see(officer, found.division)
    if found.successor_code:
        raise Refused(Reason.PROVISIONAL_MATCHED, code=code, into=found.successor_code)
    return found


async def _registered(db: Session, code: str) -> Establishment:
    known = await _find(db, code)
    if known is None or known.status == PROVISIONAL:
        raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, code=code)
    return known


async def _find(db: Session, code: str) -> Establishment | None:
    return (await db.exec(select(Establishment).where(Establishment.code == code))).first()
