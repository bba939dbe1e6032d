"""仪式: what people type of a draw's sources, and when a sealed draw opens."""

from datetime import datetime

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import DrawView, TypeOrder
from backend.work import ceremonies


@post("/draws/{draw_id:str}/typings", guards=[needs("supervisor", "reviewer")], status_code=200)
async def type_value(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    data: JSONBody[TypeOrder],
) -> DrawView:
    """Type what was rolled or published, before or after another officer (录入随机数值)."""
    return await ceremonies.type_value(db, draw_id, data, officer=officer, now=now)


@post("/draws/{draw_id:str}/unseal", guards=[needs("supervisor", "reviewer")], status_code=200)
async def unseal_draw(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
) -> DrawView:
    """Ask to open a sealed draw, or agree to it (解封)."""
    return await ceremonies.unseal_draw(db, draw_id, officer=officer, now=now)


handlers = [type_value, unseal_draw]
