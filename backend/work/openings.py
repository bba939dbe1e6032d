"""现场登记: inspections that inspectors opened on site, where nobody had sent them.

Such a place is in no register mostly: it is written down as one that waits for the admin. The task
is made in the transaction that takes the operation in, so the second's device gets it next.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlmodel import col, or_, select

from backend import journal
from backend.db import Session, head
from backend.rules import sending
from backend.rules.calendar import local_day
from backend.tables import Device, Entry, Establishment, Inspector, Task
from backend.work import facts, provisional, tasks
from sync import hub
from sync.ops import OpenInspection

KIND = "inspection.open/1"


async def docket(db: Session, raws: Sequence[bytes], now: datetime) -> hub.Docket:
    """Load what must be known to judge operations one after the other."""
    return hub.Docket(await facts.facts_of(db, raws), await ground(db, raws, now))


async def ground(db: Session, raws: Sequence[bytes], now: datetime) -> hub.Ground:
    """Load what is known of that which operations name that open an inspection; nearly none do."""
    those = [op for raw in raws if (op := hub.opening(raw)) is not None]
    if not those:
        return hub.NOTHING
    codes = {op.code for op in those if op.code}
    sites = select(Establishment.code, Establishment.division).where(
        col(Establishment.code).in_(codes)
    )
    return hub.Ground(
        first=await _first(db, {op.e for op in those}),
        forms=await facts.forms(db, {op.checklist for op in those}, raws),
        people=await _people(db, {op.second or op.certificate for op in those}, now),
        works=await _works(db),
        sites=dict((await db.exec(sites)).all()),
    )


async def establish(db: Session, opened: Sequence[hub.Opened], now: datetime) -> None:
    """Make the tasks of inspections that were opened, with their places, and send them out."""
    for one in opened:
        await head(db)
        lead, second = [await db.get_one(Inspector, id) for id in (one.lead, one.second)]
        site = await _site(db, one.op, actor=lead.name, now=now)
        task = Task(
            id=one.op.e,
            establishment_id=site.id,
            checklist_digest=one.op.checklist,
            place=0,
            lead_id=lead.id,
            second_id=second.id,
            opens_on=local_day(now),
            closes_on=local_day(now),
            origin="ad-hoc",
            reason=one.op.reason,
            agency=lead.division,
        )
        await tasks.seat(db, task, now=now)
        await journal.append(
            db,
            actor=lead.name,
            verb="task.open",
            subject=task.id,
            now=now,
            code=site.code,
            reason=one.op.reason,
            lead=lead.certificate,
            second=second.certificate,
        )


async def _site(db: Session, op: OpenInspection, *, actor: str, now: datetime) -> Establishment:
    """Find the establishment that has the code, or what it turned out to be; else write it down."""
    code = op.code
    while code:
        query = select(Establishment).where(Establishment.code == code)
        found = (await db.exec(query)).first()
        if found is not None and not found.successor_code:
            return found
        code = found.successor_code if found is not None else ""
    point = bool(op.datum)
    return await provisional.create(
        db,
        name=op.name,
        address=op.address,
        category=op.category,
        division=op.division,
        longitude=float(op.longitude) if point else None,
        latitude=float(op.latitude) if point else None,
        datum=op.datum,
        actor=actor,
        now=now,
    )


async def _first(db: Session, inspections: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Say who opened each inspection first, and by which act."""
    query = (
        select(Entry, Device.inspector_id)
        .join(Device, col(Device.id) == Entry.device_id)
        .where(col(Entry.inspection_id).in_(inspections), Entry.kind == KIND)
        .order_by(col(Entry.position))
    )
    found: dict[str, tuple[str, str]] = {}
    for entry, who in await db.exec(query):
        op = hub.opening(entry.raw)
        if op is not None:
            found.setdefault(op.e, (who, op.orig or entry.hash))
    return found


async def _people(db: Session, named: Collection[str], now: datetime) -> Mapping[str, hub.Person]:
    """Find inspectors by id or certificate, and say whether they may be sent today."""
    today = local_day(now)
    query = select(Inspector).where(
        or_(col(Inspector.id).in_(named), col(Inspector.certificate).in_(named))
    )
    found: dict[str, hub.Person] = {}
    for one in await db.exec(query):
        candidate = sending.Candidate(
            one.certificate, one.active, one.expert, one.valid_from, one.valid_to
        )
        person = hub.Person(one.id, sending.unfit(candidate, today, today) is None)
        found[one.certificate] = person
        found[one.id] = person
    return found


async def _works(db: Session) -> Mapping[str, Collection[str]]:
    """Say in which divisions each inspector works."""
    query = select(Inspector.id, Inspector.division, Inspector.districts)
    return {
        id: [one for one in districts.split(",") if one] or [division]
        for id, division, districts in await db.exec(query)
    }
