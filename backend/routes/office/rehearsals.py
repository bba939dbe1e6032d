"""预演: a plan's frame and roster as they are now, for trials that are no draw."""

from datetime import datetime

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import RehearsalView
from backend.work import rehearsals


@get("/plans/{plan_id:str}/rehearsal", guards=[needs("supervisor")])
async def show_rehearsal(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    plan_id: FromPath[str],
) -> RehearsalView:
    """Show what a plan would commit to now, to be drawn on trial (预演)."""
    return await rehearsals.show_rehearsal(db, plan_id, officer, now=now)


handlers = [show_rehearsal]
