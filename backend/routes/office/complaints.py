"""投诉举报: what hotlines pass on, and how far it is."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import (
    ComplaintsView,
    ComplaintView,
    NewComplaint,
    NewComplaints,
    NewStep,
)
from backend.work import complaints

Which = Annotated[Literal["open", "overdue", "all"], QueryParameter()]


@post("/complaints", guards=[needs("supervisor")])
async def add_complaint(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewComplaint],
) -> ComplaintView:
    """Enter a complaint (登记投诉举报)."""
    return await complaints.add_complaint(db, data, officer=officer, now=now)


@post("/complaints/import", guards=[needs("supervisor")], status_code=200)
async def import_complaints(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewComplaints],
) -> ComplaintsView:
    """Enter the complaints of a file, all or none (导入投诉举报)."""
    return await complaints.import_complaints(db, data.csv, officer=officer, now=now)


@post("/complaints/steps", guards=[needs("supervisor")], status_code=200)
async def take_step(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewStep],
) -> ComplaintView:
    """Accept, reject, extend or close a complaint (办理投诉举报)."""
    return await complaints.take_step(db, data, officer=officer, now=now)


@get("/complaints")
async def list_complaints(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    which: Which = "open",
) -> list[ComplaintView]:
    """List complaints by what falls due first (投诉举报列表)."""
    return await complaints.list_complaints(db, officer=officer, which=which, now=now)


handlers = [add_complaint, import_complaints, take_step, list_complaints]
