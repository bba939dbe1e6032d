"""交办: send inspectors where no draw sent them, list such tasks, and take one back.

A recheck, a complaint, a return visit, an unannounced one, guidance: who goes, why, and when.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules import sending
from backend.rules.calendar import local_day
from backend.rules.origins import UNCAPPED, UNCOUNTED
from backend.rules.sending import Candidate
from backend.tables import (
    Checklist,
    Draw,
    Entry,
    Establishment,
    Inspector,
    Leave,
    Recusal,
    Seat,
    Task,
)
from backend.wire import AssignedLine, AssignedView, NewPlace, NewTask, TaskView, WithdrawOrder
from backend.work import announcements, mergers, plans, provisional, rechecks, tasks, visits
from backend.work.listing import first
from sync import checklist as forms
from sync.checklist import Asks
from sync.origins import Origin, origin_of
from sync.refusals import Reason, Refused

SHOWN_MAX = 20
CLOSED = ("cancelled", "revoked", "moved")


class Pair(Struct, frozen=True):
    """主办与协办: who go together."""

    lead: Inspector
    second: Inspector


# -- assigning -----------------------------------------------------------------------------------


async def assign_task(
    db: Session, order: NewTask, *, officer: Officer, now: datetime
) -> AssignedView:
    """Send two inspectors to an establishment, and with `with_stalls` to those in it as well."""
    await head(db)  # first: nobody is assigned, and nothing arrives, until this is done
    site = (
        await _site(db, order.code)
        if order.code or order.place is None
        else await _place(db, order.place, officer=officer, now=now)
    )
    pair = Pair(await _inspector(db, order.lead), await _inspector(db, order.second))
    digest = await plans.released(db, order.checklist)
    of_stalls = await plans.released(db, order.stall_checklist or order.checklist)
    stalls = await _stalls(db, site, order) if order.with_stalls or order.only else []

    market = await assign(
        db,
        establishment=site,
        checklist=digest,
        lead=pair.lead,
        second=pair.second,
        origin=order.origin,
        opens_on=order.opens_on,
        closes_on=order.closes_on,
        follows=order.follows,
        must=order.must,
        asks=order.asks or None,
        reason=order.reason,
        reference=order.reference,
        beyond_cap=order.beyond_cap,
        officer=officer,
        now=now,
    )
    made = [market] + [
        await assign(
            db,
            establishment=stall,
            checklist=of_stalls,
            lead=pair.lead,
            second=pair.second,
            origin=order.origin,
            opens_on=order.opens_on,
            closes_on=order.closes_on,
            reason=order.reason,
            reference=order.reference,
            beyond_cap=order.beyond_cap,
            part_of=market.id,
            officer=officer,
            now=now,
        )
        for stall in stalls
    ]
    counted, cap = await _counter(db, site, officer=officer, now=now)
    return AssignedView(tasks=await _views(db, made), visits=counted, cap=cap)


async def assign(
    db: Session,
    *,
    establishment: Establishment,
    checklist: str,
    lead: Inspector,
    second: Inspector,
    origin: Origin,
    opens_on: date,
    closes_on: date,
    follows: str = "",
    must: Sequence[str] = (),
    asks: Asks | None = None,
    reason: str = "",
    reference: str = "",
    part_of: str = "",
    beyond_cap: str = "",
    partners: Sequence[Seat] = (),
    officer: Officer | None,
    now: datetime,
) -> Task:
    """Make a task that no draw made, seat all who go and send it to their devices.

    `checklist` is a digest; `asks` is as the checklists say, unless it is given; `partners` have
    their seats as on the visit that it `follows`. Without an `officer` the server assigns by itself
    what an officer's act leads to, and the agency is that of the former task.
    """
    await head(db)
    site = await _kept(db, establishment)
    before = await _require_links(db, site, origin, follows=follows, part_of=part_of)
    _require_sense(origin, opens_on, closes_on, reference=reference, now=now)
    brought = await _forms(db, [checklist, *(one.checklist_digest for one in partners)])
    must, asks = await rechecks.scope(
        db, origin, before=before, brought=brought, must=must, said=asks
    )
    _require_items(brought, must)
    await _require_pair(db, site, Pair(lead, second), opens_on, closes_on, officer)
    if origin not in UNCAPPED | UNCOUNTED and not beyond_cap:
        await _require_visit_left(db, site, officer=officer, now=now)

    task = Task(
        establishment_id=site.id,
        checklist_digest=checklist,
        place=0,
        lead_id=lead.id,
        second_id=second.id,
        opens_on=opens_on,
        closes_on=closes_on,
        origin=origin,
        follows_id=follows or None,
        part_of=part_of or None,
        must=msgspec.json.encode(must).decode(),
        asks=asks,
        reason=reason,
        reference=reference,
        beyond_cap=beyond_cap,
        announced=origin != "mystery",
        agency=officer.division if officer else await _agency(db, before),
        dispatched_at=now,
    )
    await tasks.seat(db, task, partners, now=now)
    await journal.append(
        db,
        actor=officer.name if officer else "server",
        verb="task.assign",
        subject=task.id,
        now=now,
        origin=origin,
        code=site.code,
        reason=reason,
        reference=reference,
        follows=follows,
        beyond_cap=beyond_cap,
    )
    return task


# -- looking and taking back -----------------------------------------------------------------------


async def list_assigned(
    db: Session, officer: Officer, *, origin: Origin | None, now: datetime
) -> list[AssignedLine]:
    """List the tasks of the division, newest first: of one origin, or of all but draws."""
    wanted = Task.origin == origin if origin else col(Task.draw_id).is_(None)  # has an index
    return await _lines(db, officer, wanted, now=now)


async def _lines(
    db: Session, officer: Officer, wanted: ColumnElement[bool] | bool, *, now: datetime
) -> list[AssignedLine]:
    lead, second = aliased(Inspector), aliased(Inspector)
    query = (
        select(Task, Establishment, lead.name, second.name)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(lead, col(lead.id) == Task.lead_id)
        .join(second, col(second.id) == Task.second_id)
        .outerjoin(Draw, col(Draw.id) == Task.draw_id)
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
        .where(wanted)
        .where(announcements.open_to(officer, now))
        .order_by(col(Task.id).desc())
    )
    found = await first(db, query)
    begun = await _begun(db, [task.id for task, *_ in found])
    sites = await mergers.followed(db, [(task, site) for task, site, *_ in found])
    return [
        AssignedLine(
            id=task.id,
            origin=origin_of(task.origin),
            code=sites[task.id].code,
            name=sites[task.id].name,
            lead=lead_name,
            second=second_name,
            opens_on=task.opens_on,
            closes_on=task.closes_on,
            reason=task.reason,
            reference=task.reference,
            follows=task.follows_id or "",
            part_of=task.part_of or "",
            beyond_cap=task.beyond_cap,
            announced=task.announced,
            begun=task.id in begun,
            withdrawn_at=task.withdrawn_at,
            withdrawn_for=task.withdrawn_for,
        )
        for task, _, lead_name, second_name in found
    ]


async def withdraw_task(
    db: Session, task_id: str, order: WithdrawOrder, *, officer: Officer, now: datetime
) -> list[AssignedLine]:
    """Take back a task that nobody has begun, and those of its stalls; a drawn one never."""
    await head(db)  # first: what was recorded arrives before this, or after it
    task = await db.get(Task, task_id)
    if task is None:
        raise Refused(Reason.TASK_NOT_FOUND, task=task_id)
    may_see(officer, (await db.get_one(Establishment, task.establishment_id)).division)
    if task.draw_id is not None:
        raise Refused(Reason.TASK_DRAWN, task=task.id)
    if task.withdrawn_at is not None:
        raise Refused(Reason.TASK_WITHDRAWN, inspection=task.id)
    parts = select(Task).where(Task.part_of == task.id, col(Task.withdrawn_at).is_(None))
    those = [task, *(await db.exec(parts))]
    if begun := await _begun(db, [one.id for one in those]):
        raise Refused(Reason.TASK_BEGUN, task=min(begun))

    for one in those:
        one.withdrawn_for = order.reason
        await tasks.withdraw(db, one, now)
        await journal.append(
            db,
            actor=officer.name,
            verb="task.withdraw",
            subject=one.id,
            now=now,
            reason=order.reason,
        )
    await db.flush()
    return await _lines(db, officer, col(Task.id).in_([one.id for one in those]), now=now)


# -- what is refused -------------------------------------------------------------------------------


def _require_sense(
    origin: Origin, opens_on: date, closes_on: date, *, reference: str, now: datetime
) -> None:
    """Refuse days that are over or the wrong way round, and a complaint without its number."""
    days = (closes_on - opens_on).days + 1
    if not 1 <= days <= sending.WINDOW_MAX or closes_on < local_day(now):
        raise Refused(
            Reason.TASK_DATES_WRONG,
            opens_on=opens_on.isoformat(),
            closes_on=closes_on.isoformat(),
            most=sending.WINDOW_MAX,
        )
    if origin == "complaint" and not reference:
        raise Refused(Reason.TASK_REFERENCE_MISSING, origin=origin)


async def _require_links(
    db: Session, site: Establishment, origin: Origin, *, follows: str, part_of: str
) -> Task | None:
    """Refuse to follow an inspection of somebody else, or to be a part of another's market."""
    before = await db.get(Task, follows) if follows else None
    if (follows and before is None) or (origin == "recheck" and before is None):
        raise Refused(Reason.TASK_FOLLOWS_WRONG, follows=follows, code=site.code)
    if before is not None:
        seen = await _kept(db, await db.get_one(Establishment, before.establishment_id))
        if seen.id != site.id:
            raise Refused(Reason.TASK_FOLLOWS_WRONG, follows=follows, code=site.code)
    if part_of:
        whole = await db.get(Task, part_of)
        market = await db.get_one(Establishment, whole.establishment_id) if whole else None
        if market is None or site.parent_code != market.code:
            raise Refused(Reason.TASK_PART_WRONG, part_of=part_of, code=site.code)
    return before


async def _forms(db: Session, digests: Iterable[str]) -> list[forms.Checklist]:
    """Read the checklists that are brought, each once."""
    return [
        forms.load((await db.get_one(Checklist, digest)).body) for digest in dict.fromkeys(digests)
    ]


def _require_items(brought: Sequence[forms.Checklist], must: Collection[str]) -> None:
    """Refuse to demand an answer to what no checklist of the visit asks; the first is its own."""
    if unknown := sorted(set(must) - forms.asked(brought).keys()):
        raise Refused(Reason.TASK_ITEM_UNKNOWN, items=", ".join(unknown[:SHOWN_MAX]))


async def _require_pair(
    db: Session,
    site: Establishment,
    pair: Pair,
    opens_on: date,
    closes_on: date,
    officer: Officer | None,
) -> None:
    """Refuse whom the office may not send there, or not together."""
    if officer is not None:
        for division in (site.division, pair.lead.division, pair.second.division):
            may_see(officer, division)
    if pair.lead.id == pair.second.id:
        raise Refused(Reason.TASK_SAME_INSPECTOR, certificate=pair.lead.certificate)
    both = [
        await _candidate(db, one, site, opens_on, closes_on) for one in (pair.lead, pair.second)
    ]
    for one in both:
        problem = sending.unfit(one, opens_on, closes_on)
        if problem is not None:
            raise Refused(Reason.TASK_INSPECTOR_UNFIT, certificate=one.certificate, problem=problem)
    if not sending.meet(both, opens_on, closes_on):
        raise Refused(
            Reason.TASK_NO_COMMON_DAY,
            lead=pair.lead.certificate,
            second=pair.second.certificate,
        )


async def _candidate(
    db: Session, one: Inspector, site: Establishment, opens_on: date, closes_on: date
) -> Candidate:
    recusals = select(Recusal.id).where(
        Recusal.code == site.code, Recusal.certificate == one.certificate
    )
    leaves = select(Leave).where(
        Leave.certificate == one.certificate,
        col(Leave.first_day) <= closes_on,
        col(Leave.last_day) >= opens_on,
    )
    return Candidate(
        certificate=one.certificate,
        active=one.active,
        expert=one.expert,
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        recused=(await db.exec(recusals)).first() is not None,
        away=tuple((it.first_day, it.last_day) for it in await db.exec(leaves)),
    )


async def _require_visit_left(
    db: Session, site: Establishment, *, officer: Officer | None, now: datetime
) -> None:
    """Refuse a visit beyond the year's number, which only a reason given for it allows."""
    counted, cap = await _counter(db, site, officer=officer, now=now)
    if cap and counted >= cap:
        raise Refused(Reason.TASK_OVER_CAP, code=site.code, visits=counted, cap=cap)


async def _counter(
    db: Session, site: Establishment, *, officer: Officer | None, now: datetime
) -> tuple[int, int]:
    year = local_day(now).year
    hidden = await announcements.sealed_draws(db, at=now, officer=officer)
    counted = await visits.count(db, site.code, year=year, hidden=hidden)
    return counted, await visits.cap(db, site, year=year)


# -- what is known -------------------------------------------------------------------------------


async def _site(db: Session, code: str) -> Establishment:
    found = (await db.exec(select(Establishment).where(Establishment.code == code))).first()
    if found is None:
        raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, code=code)
    return found


async def _place(db: Session, place: NewPlace, *, officer: Officer, now: datetime) -> Establishment:
    made = await provisional.create_provisional(db, place, officer=officer, now=now)
    return await _site(db, made.code)


async def _begun(db: Session, ids: Collection[str]) -> set[str]:
    """Tell of which tasks anything was recorded that counts."""
    query = select(Entry.inspection_id).where(
        col(Entry.inspection_id).in_(ids), col(Entry.seq).is_not(None)
    )
    return set(await db.exec(query.distinct()))


async def _kept(db: Session, one: Establishment) -> Establishment:
    """Give the one that an establishment turned out to be, itself mostly."""
    return await _site(db, one.successor_code) if one.successor_code else one


async def _inspector(db: Session, certificate: str) -> Inspector:
    query = select(Inspector).where(Inspector.certificate == certificate)
    found = (await db.exec(query)).first()
    if found is None:
        raise Refused(Reason.INSPECTOR_NOT_FOUND, certificate=certificate)
    return found


async def _stalls(db: Session, market: Establishment, order: NewTask) -> list[Establishment]:
    """List who has a stall in a market and is in business, or those who were asked for."""
    query = (
        select(Establishment)
        .where(Establishment.parent_code == market.code, Establishment.successor_code == "")
        .where(col(Establishment.status).not_in(CLOSED))
        .order_by(Establishment.code)
    )
    found = list(await db.exec(query))
    unknown = set(order.only) - {one.code for one in found}
    if not found or unknown:
        names = ", ".join(sorted(unknown)[:SHOWN_MAX])
        raise Refused(Reason.TASK_NO_STALLS, market=market.code, stalls=names)
    return [one for one in found if not order.only or one.code in order.only]


async def _agency(db: Session, before: Task | None) -> str:
    """Name the agency whose task is followed."""
    if before is None or before.draw_id is None:
        return before.agency if before else ""
    drawn = await db.get_one(Draw, before.draw_id)
    return drawn.agency


async def _views(db: Session, made: Sequence[Task]) -> list[TaskView]:
    ids = [task.id for task in made]
    found = {task.id: view for task, view in await tasks.views(db, col(Task.id).in_(ids))}
    return [found[id] for id in ids]
