"""责令整改 as the office sees it: one order with its history, and lists of them."""

from collections.abc import Collection, Iterable
from datetime import date, datetime

import msgspec
from sqlmodel import col, select

from backend.auth import Officer
from backend.db import Session
from backend.rules.calendar import local_day
from backend.rules.followup import Which
from backend.tables import Account, Establishment, Extension, Rectification, Remedy, Task
from backend.wire import ExtensionView, OrderLine, OrderView, RemedyView, TextView
from backend.work.calendars import working_days
from backend.work.listing import first


async def list_orders(
    db: Session, officer: Officer, *, which: Which, now: datetime
) -> list[OrderLine]:
    """List the division's orders by the day that they are due: the open, the overdue, or all."""
    today = local_day(now)
    query = (
        select(Rectification, Establishment)
        .join(Task, col(Task.id) == Rectification.inspection_id)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
        .order_by(col(Rectification.due_on), col(Rectification.id))
    )
    if which != "all":
        query = query.where(Rectification.status == "open")
    if which == "overdue":
        query = query.where(Rectification.due_on < today)
    found = await first(db, query)
    opened = await open_items(db, [order.id for order, _ in found])
    return [
        OrderLine(
            id=order.id,
            inspection=order.inspection_id,
            code=place.code,
            name=place.name,
            division=place.division,
            open=tuple(one.item for one in opened.get(order.id, ())),
            ordered_on=order.ordered_on,
            due_on=order.due_on,
            days_over=_days_over(order.due_on, today) if order.status == "open" else 0,
            status=order.status,
        )
        for order, place in found
    ]


async def view(db: Session, order: Rectification, place: Establishment) -> OrderView:
    """Show an order: its items, its extensions, and the rechecks that follow it."""
    rows = list(await db.exec(select(Remedy).where(Remedy.order_id == order.id)))
    granted = (
        select(Extension, Account.name)
        .join(Account, col(Account.id) == Extension.granted_by)
        .where(Extension.order_id == order.id)
        .order_by(col(Extension.at), col(Extension.id))
    )
    rechecks = (
        select(Task.id)
        .where(Task.follows_id == order.inspection_id, Task.origin == "recheck")
        .where(col(Task.withdrawn_at).is_(None))
        .order_by(col(Task.id))
    )
    return OrderView(
        id=order.id,
        inspection=order.inspection_id,
        code=place.code,
        name=place.name,
        division=place.division,
        items=msgspec.json.decode(order.items, type=tuple[str, ...]),
        ordered_on=order.ordered_on,
        due_on=order.due_on,
        working_days=order.working_days,
        status=order.status,
        closed_on=order.closed_on,
        provisional=not working_days().covers(order.due_on),
        remedies=tuple(_remedy(one) for one in sort(rows)),
        extensions=tuple(
            ExtensionView(
                items=msgspec.json.decode(one.items, type=dict[str, tuple[date, date]]),
                working_days=one.working_days,
                reason=one.reason,
                granted_by=who,
                at=one.at,
            )
            for one, who in await db.exec(granted)
        ),
        rechecks=tuple(await db.exec(rechecks)),
    )


def sort(those: Iterable[Remedy]) -> list[Remedy]:
    """Put items in the order of their numbers: 3.10 after 3.9, a partner's after one's own."""

    def place(one: Remedy) -> tuple[str, list[int], str]:
        form, _, ref = one.item.rpartition("/")
        return form, [int(part) for part in ref.split(".") if part.isdecimal()], ref

    return sorted(those, key=place)


async def open_items(db: Session, ids: Collection[str]) -> dict[str, list[Remedy]]:
    """Find what is left of each order; what failed again is asked for by the order of then."""
    query = select(Remedy).where(
        col(Remedy.order_id).in_(ids), Remedy.status == "open", Remedy.failed_id == ""
    )
    found: dict[str, list[Remedy]] = {}
    for one in sort(await db.exec(query)):
        found.setdefault(one.order_id, []).append(one)
    return found


def _days_over(due_on: date, today: date) -> int:
    calendar = working_days()
    days = range(due_on.toordinal() + 1, today.toordinal() + 1)
    return sum(calendar.works(date.fromordinal(day)) for day in days)


def _remedy(one: Remedy) -> RemedyView:
    return RemedyView(
        item=one.item,
        text=TextView(one.text_en, one.text_zh),
        status=one.status,
        working_days=one.working_days,
        due_on=one.due_on,
        closed_on=one.closed_on,
        checked=one.checked_id,
        failed=one.failed_id,
        proof_sha256=one.proof_sha256,
        note=one.note,
    )
