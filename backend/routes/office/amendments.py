"""变更: what one officer asks to change of a held draw, and another decides."""

from datetime import datetime

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import (
    AmendmentView,
    DecideOrder,
    ExtendOrder,
    ReplaceOrder,
    SubstituteOrder,
)
from backend.work import amendments


@post("/draws/{draw_id:str}/substitutions", guards=[needs("supervisor", "reviewer")])
async def ask_substitution(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    data: JSONBody[SubstituteOrder],
) -> AmendmentView:
    """Ask that the next reserve takes the place of a site (申请替补)."""
    return await amendments.ask(db, draw_id, data, officer=officer, now=now)


@post("/draws/{draw_id:str}/replacements", guards=[needs("supervisor", "reviewer")])
async def ask_replacement(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    data: JSONBody[ReplaceOrder],
) -> AmendmentView:
    """Ask that the seats of an inspector are drawn anew (申请换人)."""
    return await amendments.ask(db, draw_id, data, officer=officer, now=now)


@post("/draws/{draw_id:str}/extensions", guards=[needs("supervisor", "reviewer")])
async def ask_extension(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    draw_id: FromPath[str],
    data: JSONBody[ExtendOrder],
) -> AmendmentView:
    """Ask that the next tickets of a stratum are drawn too (申请增抽)."""
    return await amendments.ask(db, draw_id, data, officer=officer, now=now)


@post(
    "/amendments/{amendment_id:str}/decision",
    guards=[needs("supervisor", "reviewer")],
    status_code=200,
)
async def decide_amendment(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    amendment_id: FromPath[str],
    data: JSONBody[DecideOrder],
) -> AmendmentView:
    """Approve or decline what another officer asked for (批准或不予批准)."""
    return await amendments.decide(db, amendment_id, data, officer=officer, now=now)


@get("/amendments")
async def list_pending(
    db: NamedDependency[Session], officer: NamedDependency[Officer]
) -> list[AmendmentView]:
    """List the changes that wait for a second officer (待批变更)."""
    return await amendments.list_pending(db, officer)


@get("/draws/{draw_id:str}/amendments")
async def list_amendments(
    db: NamedDependency[Session], officer: NamedDependency[Officer], draw_id: FromPath[str]
) -> list[AmendmentView]:
    """List every change of a draw that was asked for (变更记录)."""
    return await amendments.list_amendments(db, draw_id, officer)


handlers = [
    ask_substitution,
    ask_replacement,
    ask_extension,
    decide_amendment,
    list_pending,
    list_amendments,
]
