"""隔离: what was held back, and deciding on it."""

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import HeldView, RuledView, RuleOrder
from backend.work import quarantine


@get("/quarantine")
async def list_quarantine(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    decided: FromQuery[bool] = False,
) -> list[HeldView]:
    """List what was held back of what devices sent, the newest first (隔离的操作)."""
    return await quarantine.list_quarantine(db, officer, decided=decided)


@post("/quarantine/release", guards=[needs("supervisor")], status_code=200)
async def release(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[RuleOrder],
) -> RuledView:
    """Let operations count that were held back, with the reason (解除隔离)."""
    return await quarantine.release(db, officer, data, now)


@post("/quarantine/keep", guards=[needs("supervisor")], status_code=200)
async def keep(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[RuleOrder],
) -> RuledView:
    """Decide that operations stay held back, with the reason (维持隔离)."""
    return await quarantine.keep(db, officer, data, now)


handlers = [list_quarantine, release, keep]
