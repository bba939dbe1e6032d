"""历史情况: what tasks carry of the places that they go to, from results, orders and complaints.

Only results that were approved count: what a review may still return is nobody's history.
"""

from collections.abc import Collection, Sequence
from datetime import date

import msgspec
from msgspec import Struct
from sqlmodel import col, select

from backend.db import Session
from backend.rules import histories as rules
from backend.rules import results
from backend.rules.calendar import local_day
from backend.rules.histories import COMPLAINT_MONTHS, Past, history_of
from backend.tables import (
    Checklist,
    Complaint,
    Conclusion,
    Establishment,
    Licence,
    Rectification,
    Seat,
    Task,
)
from backend.work import mergers, visits
from backend.work.code_lists import result_lists
from backend.work.orders import open_items
from sync import checklist
from sync.checklist import Checklist as Form
from sync.history import (
    VISITS,
    Found,
    Grievance,
    History,
    Order,
    Permit,
    Visit,
    shorten,
)
from sync.violations import months_before

CODES_PER_QUERY = 500


class _Judged(Struct, frozen=True):
    """The part of a verdict that a history tells."""

    failed: tuple[str, ...]
    not_asked: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()  # where the officer found the result
    graded: bool = True
    unremedied: tuple[str, ...] = ()


class _Part(Struct, frozen=True):
    verdict: _Judged


class Dossier(Struct, frozen=True):
    """What a task carries beside itself."""

    history: History
    returned: str  # why a review returned what was concluded; empty when it did not


async def dossiers(db: Session, tasks: Sequence[Task], *, today: date) -> dict[str, Dossier]:
    """Tell what tasks carry of the places that they go to, by their ids."""
    returned = await _returned(db, [task.id for task in tasks])
    homes = await mergers.homes(db, tasks)
    known = await histories(db, set(homes.values()), today=today)
    return {id: Dossier(known[home], returned.get(id, "")) for id, home in homes.items()}


async def must_again(db: Session, tasks: Sequence[Task]) -> dict[str, tuple[str, ...]]:
    """Name by task the items that failed on the last visit and are asked again on this one."""
    past = await pasts(db, {task.establishment_id for task in tasks})
    seated: dict[str, set[str]] = {task.id: set() for task in tasks}
    forms: dict[str, Form] = {}
    for some in _portions(seated):
        for seat in await db.exec(select(Seat).where(col(Seat.task_id).in_(some))):
            seated[seat.task_id].add(seat.checklist_digest)
    again = [one for one in tasks if past.get(one.establishment_id)]  # nobody was at the others
    for digest in {one for task in again for one in (task.checklist_digest, *seated[task.id])}:
        forms[digest] = checklist.load((await db.get_one(Checklist, digest)).body)
    nothing: dict[str, tuple[str, ...]] = {task.id: () for task in tasks}
    return nothing | {
        task.id: rules.must_again(
            past.get(task.establishment_id, ()),
            [
                forms[task.checklist_digest],
                *(forms[one] for one in sorted(seated[task.id] - {task.checklist_digest})),
            ],
        )
        for task in again
    }


async def histories(
    db: Session, places: Collection[str], *, today: date, but: str = ""
) -> dict[str, History]:
    """Tell what is known of establishments by their ids, without the inspection `but`."""
    past = await pasts(db, places, but=but)
    told = await _told(db, places, today)
    return {
        place: history_of(past.get(place, []), known, visits=VISITS, today=today)
        for place, known in told.items()
    }


async def pasts(db: Session, places: Collection[str], *, but: str = "") -> dict[str, list[Past]]:
    """List the visits of establishments whose results were approved, newest first."""
    found: dict[str, list[Past]] = {}
    for some in _portions(places):
        family = await mergers.families(db, some)
        query = (
            select(Task, Conclusion, Checklist.code, Checklist.version)
            .join(Conclusion, col(Conclusion.inspection_id) == Task.id)
            .join(Checklist, col(Checklist.digest) == Task.checklist_digest)
            .where(col(Task.establishment_id).in_(family), col(Conclusion.approved))
            .where(Task.id != but)
            .order_by(col(Conclusion.concluded_at).desc(), col(Task.id).desc())
        )
        for task, concluded, code, version in await db.exec(query):
            past = _past(task, concluded, code, version)
            found.setdefault(family[task.establishment_id], []).append(past)
    return found


async def _returned(db: Session, tasks: Collection[str]) -> dict[str, str]:
    """Give the reasons for which reviews returned what was concluded."""
    found: dict[str, str] = {}
    for some in _portions(tasks):
        query = select(Conclusion.inspection_id, Conclusion.reason).where(
            col(Conclusion.inspection_id).in_(some),
            col(Conclusion.reviewed_at).is_not(None),
            col(Conclusion.approved).is_(False),
        )
        found |= dict((await db.exec(query)).all())
    return found


async def _told(db: Session, places: Collection[str], today: date) -> dict[str, History]:
    """Tell what registers, orders and complaints say of establishments, without their visits."""
    told: dict[str, History] = {}
    since = months_before(today, COMPLAINT_MONTHS)
    for some in _portions(places):
        known = list(await db.exec(select(Establishment).where(col(Establishment.id).in_(some))))
        codes, family = [one.code for one in known], await mergers.families(db, some)
        named = {code: code for code in codes} | await visits.merged(db, codes)
        permits: dict[str, list[Permit]] = {}
        licences = select(Licence).where(col(Licence.code).in_(codes))
        for held in await db.exec(licences.order_by(col(Licence.number))):
            permit = Permit(held.number, held.kind, held.status, held.valid_to)
            permits.setdefault(held.code, []).append(permit)
        orders: dict[str, list[Order]] = {}
        query = (
            select(Task.establishment_id, Rectification)
            .join(Rectification, col(Rectification.inspection_id) == Task.id)
            .where(col(Task.establishment_id).in_(family), Rectification.status == "open")
            .order_by(col(Rectification.due_on), col(Rectification.id))
        )
        open_orders = list((await db.exec(query)).all())
        remedies = await open_items(db, [row.id for _, row in open_orders])
        for place, row in open_orders:
            if left := remedies.get(row.id):
                order = Order(row.inspection_id, tuple(one.item for one in left), row.due_on)
                orders.setdefault(family[place], []).append(order)
        complaints: dict[str, list[Grievance]] = {}
        heard = (
            select(Complaint)
            .where(col(Complaint.code).in_(named), col(Complaint.received_on) >= since)
            .order_by(col(Complaint.received_on).desc(), col(Complaint.number))
        )
        for one in await db.exec(heard):
            grievance = Grievance(
                one.number, one.kind, one.received_on, shorten(one.matter), one.state
            )
            complaints.setdefault(named[one.code], []).append(grievance)
        for site in known:
            told[site.id] = History(
                as_of=today,
                risk=site.risk,
                credit_class=site.credit_class,
                orders=tuple(orders.get(site.id, ())),
                permits=tuple(permits.get(site.code, ())),
                complaints=tuple(complaints.get(site.code, ())),
            )
    return told


def _past(task: Task, concluded: Conclusion, code: str, version: str) -> Past:
    own = msgspec.json.decode(concluded.computed, type=_Judged)
    brought = msgspec.json.decode(concluded.parts, type=tuple[_Part, ...])
    those = [own, *(one.verdict for one in brought)]
    bad = [ref for one in those for ref in one.failed] + [*own.unremedied]
    visit = Visit(
        id=task.id,
        day=local_day(concluded.concluded_at),
        origin=task.origin,
        checklist=f"{code} {version}",
        result=results.label(result_lists(), concluded.result_list, concluded.result),
        failed=tuple(dict.fromkeys(bad)),
        findings=msgspec.json.decode(concluded.findings, type=tuple[Found, ...]),
    )
    left = [ref for one in those for ref in (*one.not_asked, *one.unanswered)]
    unseen = tuple(ref for ref in left if ref not in visit.failed)
    return Past(visit, code, None if own.graded else unseen)


def _portions(places: Collection[str]) -> list[Sequence[str]]:
    """Cut a list of ids into what one query takes."""
    ids = sorted(set(places))
    return [ids[at : at + CODES_PER_QUERY] for at in range(0, len(ids), CODES_PER_QUERY)]
