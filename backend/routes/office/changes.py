"""变更事件: what a source says has changed, as JSON lines."""

from datetime import datetime

from litestar import post
from litestar.di import NamedDependency
from litestar.params import RawBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import ChangesView
from backend.work import changes


@post("/registers/changes", status_code=200, guards=[needs("admin")])
async def apply_changes(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    body: RawBody,
) -> ChangesView:
    """Apply the lines of a change feed, each once (接收变更事件)."""
    return await changes.apply_changes(db, officer, body, now=now)


handlers = [apply_changes]
