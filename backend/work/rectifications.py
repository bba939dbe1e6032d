"""责令整改: orders to put right what failed, item by item; extending, closing and checking them.

An item that fails again at a later visit is asked for anew by the order of that visit; the first
order keeps it open, and both close when it is found, or proved, to be put right.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

import msgspec
import sqlalchemy as sa
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules.calendar import due, local_day
from backend.rules.followup import order_status, terms_of
from backend.tables import Establishment, Extension, Rectification, Remedy, Task
from backend.wire import CloseItems, ExtendTerm, OrderView
from backend.work import measures, news, orders
from backend.work.calendars import terms, working_days
from backend.work.cases import Case
from sync.checklist import Checklist
from sync.refusals import Reason, Refused
from sync.verdict import Verdict, complying

ON_THE_SPOT = "当场改正 / put right on the spot"


async def follow(
    db: Session,
    case: Case,
    judged: Sequence[tuple[Checklist, Verdict]],
    *,
    officer: Officer,
    now: datetime,
) -> None:
    """Order what failed to be put right, and settle what earlier orders asked for.

    Call it once an inspection is concluded; again after it is concluded again. A recheck that gives
    no grade stops nothing by itself, but lets stand what is stopped for what it found unremedied.
    """
    failed = [ref for _, one in judged for ref in one.failed]
    stops = [
        one for form, one in judged if one.outcome and form.outcome(one.outcome).handling == "stop"
    ]
    stopped = [ref for one in stops for ref in one.failed]
    if not judged[0][1].graded:
        stopped = await measures.still_stopped(db, case, judged[0][1].unremedied)
    await _settle(db, case, failed, officer=officer, now=now)
    await _order(db, case, failed, officer=officer, now=now)
    cause = bool(stops or stopped)
    await measures.stop(db, case, stopped if cause else None, officer=officer, now=now)


async def extend_order(
    db: Session, order_id: str, new: ExtendTerm, *, officer: Officer, now: datetime
) -> OrderView:
    """Give items of an order more working days, while their terms have not passed."""
    order, place = await find(db, order_id, officer, lock=True)
    chosen = await _chosen(db, order, new.items)
    rules, today = terms_of(terms(), place.division, local_day(now)), local_day(now)
    if over := [one.item for one in chosen if one.due_on < today]:
        raise Refused(Reason.ORDER_OVERDUE, items=" ".join(over))
    if new.working_days > rules.extension_days:
        raise Refused(Reason.EXTENSION_TOO_LONG, most=rules.extension_days)
    if spent := await _spent(db, order, [one.item for one in chosen], rules.extensions):
        raise Refused(Reason.EXTENSION_SPENT, items=" ".join(spent), most=rules.extensions)

    changed = {
        one.item: (one.due_on, due(one.due_on, new.working_days, working_days())) for one in chosen
    }

    for one in chosen:
        one.due_on = changed[one.item][1]
    await _bring_up_to_date(db, order, today)
    granted = Extension(
        order_id=order.id,
        items=msgspec.json.encode(changed).decode(),
        working_days=new.working_days,
        reason=new.reason,
        granted_by=officer.id,
        at=now,
    )
    db.add_all([granted, *chosen])
    await _record(db, "extend", order, sorted(changed), officer.name, now, days=new.working_days)
    await news.tell(db, place.id, now=now)
    return await orders.view(db, order, place)


async def close_items(
    db: Session, order_id: str, new: CloseItems, *, officer: Officer, now: datetime
) -> OrderView:
    """Close items by proof that the office received; earlier orders that ask the same close too."""
    order, place = await find(db, order_id, officer, lock=True)
    chosen = await _chosen(db, order, new.items)

    names, today = [one.item for one in chosen], local_day(now)
    asked = [(one, order) for one in chosen] + await _behind(db, order, names)

    for one, _ in asked:
        one.status, one.closed_on = "closed", today
        one.proof_sha256, one.note = new.proof_sha256, new.note
        db.add(one)
    for row in {row.id: row for _, row in asked}.values():
        await _bring_up_to_date(db, row, today)
    await _record(db, "close", order, names, officer.name, now, proof=new.proof_sha256)
    await news.tell(db, place.id, now=now)
    return await orders.view(db, order, place)


async def show_order(db: Session, order_id: str, *, officer: Officer) -> OrderView:
    """Show an order with all that became of it."""
    order, place = await find(db, order_id, officer)
    return await orders.view(db, order, place)


async def find(
    db: Session, order_id: str, officer: Officer, *, lock: bool = False
) -> tuple[Rectification, Establishment]:
    """Find an order, by its id or by that of its inspection, and whom it was given to."""
    if lock:
        await head(db)
    query = (
        select(Rectification, Establishment)
        .join(Task, col(Task.id) == Rectification.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where((col(Rectification.id) == order_id) | (col(Rectification.inspection_id) == order_id))
    )
    found = (await db.exec(query)).first()
    if found is None:
        raise Refused(Reason.ORDER_NOT_FOUND, order=order_id)
    may_see(officer, found[1].division)
    return found


# -- what a conclusion does ----------------------------------------------------------------------


async def _order(
    db: Session, case: Case, failed: Sequence[str], *, officer: Officer, now: datetime
) -> None:
    """Order what failed, or take back what an earlier conclusion of the same visit had ordered."""
    own = select(Rectification).where(Rectification.inspection_id == case.task.id)
    order = (await db.exec(own)).first()
    if order is None and not failed:
        return
    today = local_day(now)
    if order is None:
        order = Rectification(
            inspection_id=case.task.id, items="", ordered_on=today, due_on=today, working_days=0
        )
        db.add(order)
        await db.flush()
    before = {one.item: one for one in await remedies(db, order.id)}
    fixed = _fixed(case)
    for name in failed:
        item, had = case.items[name], before.get(name)
        undone = had is not None and had.note == ON_THE_SPOT and name not in fixed
        if had is not None and had.status == "closed" and not undone:
            continue
        term = due(today, item.rectify_days, working_days())
        fresh = Remedy(
            order_id=order.id,
            item=name,
            text_en=item.text.en,
            text_zh=item.text.zh,
            working_days=item.rectify_days,
            due_on=max(term, had.due_on) if had is not None and had.status == "open" else term,
            failed_id=had.failed_id if had else "",
        )
        if name in fixed:
            fresh.status, fresh.closed_on, fresh.note = "closed", today, ON_THE_SPOT
        await db.merge(fresh)
    for name in before.keys() - set(failed):
        before[name].status = "withdrawn"
        db.add(before[name])
    order.ordered_on, was = today if failed else order.ordered_on, order.status
    await db.flush()
    await _bring_up_to_date(db, order, today)
    if failed:
        await _record(db, "order", order, failed, officer.name, now, due_on=f"{order.due_on}")
    elif was != "withdrawn":
        await _record(db, "withdraw", order, sorted(before), officer.name, now)


async def _settle(
    db: Session, case: Case, failed: Collection[str], *, officer: Officer, now: datetime
) -> None:
    """Close what earlier orders asked for and this visit found to comply; note what failed again.

    Only visits that began after an order, or follow it, speak about it; and only where the item
    asks what it asked then.
    """
    earlier = (
        select(Remedy, Rectification)
        .join(Rectification, col(Rectification.id) == Remedy.order_id)
        .join(Task, col(Task.id) == Rectification.inspection_id)
        .where(
            Task.id != case.task.id,
            sa.or_(
                col(Task.id) == case.task.follows_id,
                sa.and_(
                    col(Task.establishment_id) == case.task.establishment_id,
                    col(Rectification.ordered_on) <= case.task.opens_on,
                ),
            ),
            Remedy.status != "withdrawn",
        )
    )
    passed, today = _passed(case), local_day(now)
    told: dict[tuple[str, str], list[str]] = {}
    touched: dict[str, Rectification] = {}
    for one, order in (await db.exec(earlier)).all():
        asks = case.items.get(one.item)
        if asks is None or (asks.text.en, asks.text.zh) != (one.text_en, one.text_zh):
            continue
        if one.item in passed and not one.checked_id:
            one.status, one.closed_on = "closed", one.closed_on or today
            one.checked_id, one.failed_id, verb = case.task.id, "", "close"
        elif one.item in failed and one.checked_id in ("", case.task.id):
            one.status, one.closed_on = "open", None
            one.checked_id, one.failed_id, verb = "", case.task.id, "fail"
        elif one.item not in passed and case.task.id in (one.checked_id, one.failed_id):
            # concluded again: now it says nothing of the item
            one.status, one.closed_on = "open", None
            one.checked_id, one.failed_id, verb = "", "", "reopen"
        else:
            continue
        db.add(one)
        touched[order.id] = order
        told.setdefault((order.id, verb), []).append(one.item)
    for order in touched.values():
        await _bring_up_to_date(db, order, today)
    for (order_id, verb), names in told.items():
        order = touched[order_id]
        await _record(db, verb, order, names, officer.name, now, inspection=case.task.id)


def _passed(case: Case) -> set[str]:
    """Name the items that this visit found to comply."""
    brought = [complying(form, case.state, partner=True) for form in case.brought.values()]
    return set[str]().union(complying(case.checklist, case.state), *brought)


def _fixed(case: Case) -> set[str]:
    """Name the items whose every finding was put right on the spot (当场改正)."""
    findings = [one for one in case.state.findings if not one.voided]
    return {one.item for one in findings} - {one.item for one in findings if not one.fixed}


# -- rows ----------------------------------------------------------------------------------------


async def remedies(db: Session, order_id: str) -> list[Remedy]:
    """List the items of an order."""
    return list(await db.exec(select(Remedy).where(Remedy.order_id == order_id)))


async def _bring_up_to_date(db: Session, order: Rectification, today: date) -> None:
    """Make an order say what its items amount to."""
    await db.flush()
    rows = await remedies(db, order.id)
    wanted = [one for one in rows if one.status != "withdrawn"]
    opened = [one for one in wanted if one.status == "open" and not one.failed_id]
    order.status = order_status((one.status for one in rows), continued=not opened)
    order.closed_on = (order.closed_on or today) if order.status == "closed" else None
    if first := min(opened or wanted, key=lambda one: (one.due_on, one.item), default=None):
        order.due_on, order.working_days = first.due_on, first.working_days
        order.items = msgspec.json.encode([one.item for one in orders.sort(wanted)]).decode()
    db.add(order)


async def _chosen(db: Session, order: Rectification, names: Sequence[str]) -> list[Remedy]:
    """Find the items that are meant, or refuse when one is not open here."""
    rows = {
        one.item: one
        for one in await remedies(db, order.id)
        if one.status == "open" and not one.failed_id
    }
    if strange := [name for name in names if name not in rows]:
        raise Refused(Reason.ORDER_ITEM_NOT_OPEN, items=" ".join(strange))
    if not rows:
        raise Refused(Reason.ORDER_NOT_OPEN, order=order.id, status=order.status)
    return orders.sort(rows[name] for name in dict.fromkeys(names or rows))


async def _behind(
    db: Session, order: Rectification, names: Collection[str]
) -> list[tuple[Remedy, Rectification]]:
    """Find the same items of earlier orders, whose recheck led to this one, and so on back."""
    query = (
        select(Remedy, Rectification)
        .join(Rectification, col(Rectification.id) == Remedy.order_id)
        .where(
            Remedy.failed_id == order.inspection_id,
            Remedy.status == "open",
            col(Remedy.item).in_(names),
        )
    )
    found = list((await db.exec(query)).all())
    for _, row in list(found):
        found += await _behind(db, row, names)
    return found


async def _spent(db: Session, order: Rectification, names: list[str], most: int) -> list[str]:
    """Name the items that were extended as often as they may be."""
    granted = select(Extension.items).where(Extension.order_id == order.id)
    before = [msgspec.json.decode(one, type=dict[str, object]) for one in await db.exec(granted)]
    return [name for name in names if sum(name in one for one in before) >= most]


async def _record(
    db: Session,
    verb: str,
    order: Rectification,
    items: Iterable[str],
    actor: str,
    now: datetime,
    **details: str | int,
) -> None:
    await journal.append(
        db,
        actor=actor,
        verb=f"rectification.{verb}",
        subject=order.inspection_id,
        now=now,
        items=" ".join(items),
        **details,
    )
