"""结论不一致: what inspectors disagree on, and closing it."""

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import ConflictView, ResolveOrder
from backend.work import conflicts


@get("/conflicts")
async def list_conflicts(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[ConflictView]:
    """List the items on which inspectors disagree (结论不一致的检查项)."""
    return await conflicts.list_conflicts(db, officer)


@post("/conflicts/{inspection_id:str}", guards=[needs("supervisor")], status_code=200)
async def resolve_conflict(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    inspection_id: FromPath[str],
    data: JSONBody[ResolveOrder],
) -> ConflictView:
    """Let one of the answers hold that inspectors gave (确定结论)."""
    return await conflicts.resolve_conflict(db, inspection_id, data, officer=officer, now=now)


handlers = [list_conflicts, resolve_conflict]
