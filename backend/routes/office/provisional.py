"""临时对象: places that are in no register."""

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import (
    EstablishmentView,
    MatchOrder,
    NewPlace,
    ProvisionalLine,
    RegisterOrder,
)
from backend.work import provisional


@post("/provisional", guards=[needs("admin", "supervisor")])
async def create_provisional(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewPlace],
) -> EstablishmentView:
    """Write down a place that nobody registered (登记临时对象)."""
    return await provisional.create_provisional(db, data, officer=officer, now=now)


@get("/provisional")
async def list_provisional(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[ProvisionalLine]:
    """List the places that wait to be matched or registered (临时对象列表)."""
    return await provisional.list_provisional(db, officer)


@post("/provisional/{code:str}/match", guards=[needs("admin")], status_code=200)
async def match_provisional(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    code: FromPath[str],
    data: JSONBody[MatchOrder],
) -> EstablishmentView:
    """Merge a place into the establishment that it turned out to be (归并临时对象)."""
    return await provisional.match_provisional(db, code, data.into, officer=officer, now=now)


@post("/provisional/{code:str}/register", guards=[needs("admin")])
async def register_provisional(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    code: FromPath[str],
    data: JSONBody[RegisterOrder],
) -> EstablishmentView:
    """Put a place into the register under its number (临时对象入库)."""
    return await provisional.register_provisional(db, code, data, officer=officer, now=now)


handlers = [create_provisional, list_provisional, match_provisional, register_provisional]
