"""变更: asking for a change of a held draw, deciding about it, and carrying it out.

The one who decides is never the one who asked. What it comes to is worked out when it is approved,
in the order of asking, from the bundle and from who is away by then; nobody is told before.
"""

import asyncio
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from functools import partial
from secrets import token_hex

import msgspec
from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules import amendments, canonical, events, papers
from backend.rules.amendments import Away, Book, Outcome, State, Wanted
from backend.rules.bundle import Files
from backend.rules.calendar import local_day
from backend.tables import (
    Account,
    Amendment,
    Draw,
    Establishment,
    Inspection,
    Inspector,
    Leave,
    Plan,
    Recusal,
    Seat,
    Task,
)
from backend.wire import (
    AmendmentView,
    DecideOrder,
    ExtendOrder,
    ReplaceOrder,
    SeatedView,
    SubstituteOrder,
)
from backend.work import draws, feed, overlaps, plans, tasks
from backend.work.listing import first
from sync.refusals import Reason, Refused

Order = SubstituteOrder | ReplaceOrder | ExtendOrder
NOT_HELD = {
    "committed": Reason.DRAW_NOT_HELD,
    "unstaffed": Reason.DRAW_UNSTAFFED,
    "void": Reason.DRAW_VOID,
}


# -- asking --------------------------------------------------------------------------------------


async def ask(
    db: Session, draw_id: str, order: Order, *, officer: Officer, now: datetime
) -> AmendmentView:
    """Ask for a change; nothing happens, and nothing is worked out, before another approves it."""
    row, plan = await draws.find_draw(db, draw_id, officer, lock=True)
    files = await _changeable(db, row)
    book = await asyncio.to_thread(events.open_book, files, _longer(order))
    state = events.replay(files, book)
    wanted = _wanted(order)
    if wanted.kind == "replace" and not wanted.sites:
        wanted = msgspec.structs.replace(wanted, sites=await _open_sites(db, row, book, wanted))
    await _require_open(db, row, plan, wanted, now)
    wanted = await _with_draws(db, row, wanted, now)

    _sites_to_fill(book, state, wanted)  # refused here, if it can come to nothing at all

    asked = Amendment(
        draw_id=row.id,
        kind=wanted.kind,
        wanted=msgspec.json.encode(wanted).decode(),
        asked_by=officer.id,
        asked_at=now,
    )
    db.add(asked)
    await db.flush()
    await journal.append(
        db,
        actor=officer.name,
        verb=f"draw.ask-{wanted.kind}",
        subject=row.id,
        now=now,
        amendment=asked.id,
        reason=wanted.reason,
    )
    return _view(asked, {officer.id: officer.name}, None)


# -- deciding ------------------------------------------------------------------------------------


async def decide(
    db: Session, amendment_id: str, order: DecideOrder, *, officer: Officer, now: datetime
) -> AmendmentView:
    """Approve a change that another officer asked for, and carry it out; or decline it."""
    asked = await db.get(Amendment, amendment_id)
    if asked is None:
        raise Refused(Reason.AMENDMENT_NOT_FOUND, amendment=amendment_id)
    row, plan = await draws.find_draw(db, asked.draw_id, officer, lock=True)
    await db.refresh(asked)  # the draw is locked: nobody else decides now
    if asked.status != "pending":
        raise Refused(Reason.AMENDMENT_DECIDED, status=asked.status)
    if order.approve and asked.asked_by == officer.id:
        raise Refused(Reason.AMENDMENT_SECOND_OFFICER, amendment=asked.id)
    if order.approve:
        await _require_turn(db, asked)

    outcome: Outcome | None = None
    if order.approve:
        outcome = await _carry_out(db, asked, row, plan, officer=officer, now=now)
    asked.status = "approved" if order.approve else "declined"
    asked.decided_by, asked.decided_at, asked.remark = officer.id, now, order.remark

    db.add(asked)
    await journal.append(
        db,
        actor=officer.name,
        verb=f"draw.{asked.kind}" if order.approve else f"draw.decline-{asked.kind}",
        subject=row.id,
        now=now,
        amendment=asked.id,
        n=asked.n or 0,
        bundle=row.bundle_sha256 or "",
    )
    return _view(asked, await _names(db, [asked]), outcome)


async def _require_turn(db: Session, asked: Amendment) -> None:
    """Refuse a change while one that was asked for before it waits: the order is not chosen."""
    query = (
        select(Amendment.id)
        .where(Amendment.draw_id == asked.draw_id, Amendment.status == "pending")
        .where(Amendment.id < asked.id)
        .order_by(col(Amendment.id))
    )
    first = (await db.exec(query)).first()
    if first is not None:
        raise Refused(Reason.AMENDMENT_NOT_NEXT, first=first)


async def _carry_out(
    db: Session, asked: Amendment, row: Draw, plan: Plan, *, officer: Officer, now: datetime
) -> Outcome:
    wanted = msgspec.json.decode(asked.wanted, type=Wanted)
    files = await _changeable(db, row)
    before = papers.read_log(files["log.ndjson"])[-1].at
    if papers.moment(now) < before:  # a clock that went back: no verifier would accept the log
        raise Refused(Reason.DRAW_TOO_EARLY, not_before=before)
    book = await asyncio.to_thread(events.open_book, files, {wanted.stratum: wanted.count})
    state = events.replay(files, book)
    await _require_open(db, row, plan, wanted, now)
    await _with_draws(db, row, wanted, now)
    away = await _away(db, plan, book, _sites_to_fill(book, state, wanted), now)
    secret = (await head(db)).secret_key

    outcome = amendments.decide(book, state, wanted, away)
    files = events.amend(
        files, wanted, outcome, away,
        by=asked.asked_by, approved_by=officer.id, now=now, salt=token_hex(32), secret=secret,
    )  # fmt: skip

    asked.n = len(canonical.lines(files["log.ndjson"]))
    await draws.keep(db, row, files)
    out = await _is_out(db, row)
    if wanted.kind == "substitute":
        await tasks.withdraw(db, (await _tasks_at(db, row, [wanted.site]))[0], now)
    if wanted.kind == "replace":
        await _reseat(db, row, plan, wanted, outcome, now)
    if outcome.lots:
        last = select(func.max(Task.place)).where(Task.draw_id == row.id)
        first = ((await db.exec(last)).one() or 0) + 1
        called = [lot.id for lot in outcome.lots]
        await draws.give_out(db, plan, row, called, outcome.seats, first)
        if out and not await overlaps.used_up(db, row, now=now, waiting=True):
            await tasks.dispatch(db, plan.id, officer=officer, now=now)
    return outcome


async def _reseat(
    db: Session, row: Draw, plan: Plan, wanted: Wanted, outcome: Outcome, now: datetime
) -> None:
    """Give the seats of one inspector to others, and the tasks to their devices."""
    certificates = {wanted.inspector, *(one.inspector for one in outcome.seats)}
    query = select(Inspector).where(col(Inspector.certificate).in_(certificates))
    known = {one.certificate: one.id for one in await db.exec(query)}
    site_of = {id: code for code, id in await _codes(db, row)}
    given = {(one.group, one.position): known[one.inspector] for one in outcome.seats}
    changed = await _tasks_at(db, row, wanted.sites)
    for task in changed:
        mine = select(Seat).where(Seat.task_id == task.id)
        for seat in list(await db.exec(mine)):
            group = f"{plan.id}/{site_of[task.id]}/{seat.department}"
            new = given.get((group, seat.position))
            if new is None:
                continue
            role = await tasks.relieve(db, task, seat, now)
            seat.inspector_id = new
            if role == "lead":
                task.lead_id = new
            elif role == "second":
                task.second_id = new
            db.add(seat)
        db.add(task)
        await feed.leave(db, known[wanted.inspector], f"i:{task.id}")
    await db.flush()
    ids = {task.id for task in changed if task.dispatched_at is not None}
    sent = [one for one in await tasks.tasks_of(db, plan) if one[0].id in ids]
    await tasks.send(db, sent, now=now)


# -- looking -------------------------------------------------------------------------------------


async def list_pending(db: Session, officer: Officer) -> list[AmendmentView]:
    """List the changes that wait for a second officer, the oldest first."""
    query = (
        select(Amendment)
        .join(Draw, col(Draw.id) == Amendment.draw_id)
        .join(Plan, col(Plan.id) == Draw.plan_id)
        .where(Amendment.status == "pending")
        .where(col(Plan.agency).startswith(officer.division, autoescape=True))
        .order_by(col(Amendment.id))
    )
    found = await first(db, query)
    names = await _names(db, found)
    return [_view(one, names, None) for one in found]


async def list_amendments(db: Session, draw_id: str, officer: Officer) -> list[AmendmentView]:
    """List every change of a draw that was asked for, declined ones too, with what came of it."""
    row, plan = await draws.find_draw(db, draw_id, officer)
    may_see(officer, plan.agency)  # why somebody is away is personal
    query = select(Amendment).where(Amendment.draw_id == row.id).order_by(col(Amendment.id))
    found = list(await db.exec(query))
    log = papers.read_log(await draws.piece(db, row.id, "log.ndjson"))
    names = await _names(db, found)
    return [_view(one, names, None, log[one.n - 1] if one.n else None) for one in found]


# -- what is known -------------------------------------------------------------------------------


def _wanted(order: Order) -> Wanted:
    bare = Wanted(
        kind="extend",
        reason=order.reason,
        evidence=plans.plain_text(order.evidence),
        evidence_sha256=order.evidence_sha256 or "",
    )
    fill = partial(msgspec.structs.replace, bare)
    match order:
        case SubstituteOrder():
            since = order.since.isoformat() if order.since else ""
            return fill(kind="substitute", site=order.site, since=since)
        case ReplaceOrder():
            if order.sites and order.reason != amendments.OF_ONE_SITE:
                raise Refused(Reason.AMENDMENT_SITES_CHOSEN, reason=order.reason)
            sites = sorted(set(order.sites), key=str.encode)
            return fill(kind="replace", inspector=order.inspector, sites=sites)
        case ExtendOrder():
            return fill(stratum=order.stratum, count=order.count)


def _longer(order: Order) -> dict[str, int]:
    return {order.stratum: order.count} if isinstance(order, ExtendOrder) else {}


def _sites_to_fill(book: Book, state: State, wanted: Wanted) -> list[str]:
    amendments.require_reason(wanted, book.snapshot)
    left = amendments.relieve(book, state, wanted)
    lots = amendments.next_lots(book, left, wanted, state)
    return list(amendments.open_seats(book, state, wanted, lots))


async def _changeable(db: Session, row: Draw) -> Files:
    if row.status != "drawn":
        raise Refused(NOT_HELD[row.status], draw=row.id)
    return await draws.files_of(db, row)


async def _require_open(db: Session, row: Draw, plan: Plan, wanted: Wanted, now: datetime) -> None:
    """Refuse what comes too late: the plan is over, or the inspection has its result."""
    if wanted.kind != "replace" and local_day(now) > plan.closes_on:
        raise Refused(Reason.AMENDMENT_TOO_LATE, closes_on=plan.closes_on.isoformat())
    at = [wanted.site] if wanted.kind == "substitute" else wanted.sites
    ids = [task.id for task in await _tasks_at(db, row, at)]
    signed = select(Inspection.id).where(col(Inspection.id).in_(ids), Inspection.signed)
    if (await db.exec(signed)).first() is not None:
        raise Refused(Reason.AMENDMENT_SIGNED, sites=", ".join(at))


async def _with_draws(db: Session, row: Draw, wanted: Wanted, now: datetime) -> Wanted:
    """Name the draws that used up a site's inspections, if that is the reason; or refuse it."""
    if wanted.reason not in amendments.OVERLAPS:
        return wanted
    over = await overlaps.used_up(db, row, now=now, waiting=False)
    reason, those = over.get(wanted.site, ("", ""))
    if reason != wanted.reason:
        raise Refused(Reason.SUBSTITUTION_NOT_OVER, site=wanted.site)
    return msgspec.structs.replace(wanted, evidence=those, since="")


async def _open_sites(db: Session, row: Draw, book: Book, wanted: Wanted) -> list[str]:
    """List the sites where an inspector sits and no result is signed."""
    signed = select(Inspection.id).where(Inspection.signed)
    query = (
        select(Establishment.code)
        .join(Task, col(Task.establishment_id) == Establishment.id)
        .join(Seat, col(Seat.task_id) == Task.id)
        .join(Inspector, col(Inspector.id) == Seat.inspector_id)
        .where(Task.draw_id == row.id, Inspector.certificate == wanted.inspector)
        .where(col(Task.withdrawn_at).is_(None), col(Task.id).not_in(signed))
        .distinct()
    )
    return sorted(await db.exec(query), key=str.encode)


async def _codes(db: Session, row: Draw) -> list[tuple[str, str]]:
    query = select(Establishment.code, Task.id).join(
        Task, col(Task.establishment_id) == Establishment.id
    )
    return list((await db.exec(query.where(Task.draw_id == row.id))).all())


async def _tasks_at(db: Session, row: Draw, sites: Collection[str]) -> list[Task]:
    query = (
        select(Task)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(Task.draw_id == row.id, col(Establishment.code).in_(sites))
        .where(col(Task.withdrawn_at).is_(None))
        .order_by(col(Task.place))
    )
    return list(await db.exec(query))


async def _is_out(db: Session, row: Draw) -> bool:
    """Whether the tasks of the draw were dispatched: then what follows goes out at once."""
    query = select(Task.id).where(Task.draw_id == row.id, col(Task.dispatched_at).is_not(None))
    return (await db.exec(query)).first() is not None


async def _away(
    db: Session, plan: Plan, book: Book, sites: Collection[str], now: datetime
) -> list[Away]:
    """List who of the roster cannot be asked by what the registers say today."""
    listed = [one.inspector for one in book.people]
    today = max(local_day(now), plan.opens_on)
    query = select(Inspector).where(col(Inspector.certificate).in_(listed))
    known = {one.certificate: one for one in await db.exec(query)}
    on_leave = await _on_leave(db, listed, today, plan.closes_on)
    away: list[Away] = []
    for who in listed:
        found = known.get(who)
        if found is None or not found.active:
            evidence = f"revision:{found.revision_id}" if found else "register"
            away.append(Away(inspector=who, reason="I05-left", evidence=evidence))
        elif found.valid_from > plan.opens_on or found.valid_to < plan.closes_on:
            evidence = f"revision:{found.revision_id}"
            away.append(Away(inspector=who, reason="I04-certificate", evidence=evidence))
        elif who in on_leave:
            away.append(Away(inspector=who, reason="I01-leave", evidence=on_leave[who]))
    late = select(Recusal.code, Recusal.certificate, Recusal.revision_id).where(
        col(Recusal.code).in_(sites)
    )
    for code, who, revision in sorted((await db.exec(late)).all()):
        if who in known and (code, who, "R01") not in book.recusals:
            reason, evidence = amendments.OF_ONE_SITE, f"revision:{revision}"
            away.append(Away(inspector=who, reason=reason, evidence=evidence, site=code))
    return away


async def _on_leave(
    db: Session, listed: Collection[str], first: date, last: date
) -> dict[str, str]:
    """Name those who are on leave on every day that is left, and the revision that says so."""
    query = (
        select(Leave)
        .where(col(Leave.certificate).in_(listed))
        .where(col(Leave.first_day) <= last, col(Leave.last_day) >= first)
    )
    left = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    days: dict[str, set[date]] = {}
    says: dict[str, str] = {}
    for one in await db.exec(query):
        spans = range((one.last_day - one.first_day).days + 1)
        days.setdefault(one.certificate, set()).update(
            one.first_day + timedelta(days=n) for n in spans
        )
        says[one.certificate] = f"revision:{one.revision_id}"
    return {who: says[who] for who in days if left and left <= days[who]}


async def _names(db: Session, those: Iterable[Amendment]) -> dict[str, str]:
    ids = {id for one in those for id in (one.asked_by, one.decided_by) if id}
    query = select(Account.id, Account.name).where(col(Account.id).in_(ids))
    return dict((await db.exec(query)).all())


def _view(
    row: Amendment,
    names: dict[str, str],
    outcome: Outcome | None,
    line: papers.LogLine | None = None,
) -> AmendmentView:
    wanted = msgspec.json.decode(row.wanted, type=Wanted)
    called = [lot.id for lot in outcome.lots] if outcome else []
    seats = [(one.group, one.position, one.inspector) for one in outcome.seats] if outcome else []
    if line is not None:
        called = [id for _, _, id in line.lots]
        seats = [(group, position, who) for group, position, who, _ in line.seats]
    return AmendmentView(
        id=row.id,
        draw_id=row.draw_id,
        kind=row.kind,
        reason=wanted.reason,
        evidence=wanted.evidence,
        evidence_sha256=wanted.evidence_sha256,
        since=wanted.since,
        site=wanted.site,
        inspector=wanted.inspector,
        sites=wanted.sites,
        stratum=wanted.stratum,
        count=wanted.count,
        asked_by=names[row.asked_by],
        asked_at=row.asked_at,
        status=row.status,
        decided_by=names[row.decided_by] if row.decided_by else "",
        decided_at=row.decided_at,
        remark=row.remark,
        n=row.n,
        called=called,
        seated=[
            SeatedView(group.partition("/")[2].rpartition("/")[0], position, who)
            for group, position, who in seats
        ],
    )
