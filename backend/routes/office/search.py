"""查找与查重: finding establishments, and deciding on suspected duplicates."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import (
    ComparisonView,
    Decision,
    Division,
    FoundPage,
    IndexView,
    LookalikeView,
    NewComparison,
)
from backend.work import duplicates, search

# A `Meta` inside of `FromQuery` is not looked at.
Words = Annotated[str, QueryParameter(max_length=100)]
Place = Annotated[int, QueryParameter(ge=0, le=2**31 - 1)]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]
Risk = Literal["", "A", "B", "C", "D"]
Status = Literal[
    "", "active", "suspended", "revoked", "cancelled", "moved", "unknown", "provisional"
]
CreditList = Literal["", "abnormal", "serious"]
Decided = Literal["", "same", "different"]


@get("/registers/search")
async def search_establishments(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    words: Words = "",
    category: Words = "",
    division: FromQuery[Division] = "",
    risk: FromQuery[Risk] = "",
    status: FromQuery[Status] = "",
    key_object: FromQuery[bool] = False,
    listed: FromQuery[CreditList] = "",
    after: Place = 0,
    limit: Limit = 50,
) -> FoundPage:
    """Find establishments by words and by what is known of them (查找检查对象).

    `key_object` leaves the key objects (重点监管对象), `listed` those on a credit list today.
    """
    return await search.search_establishments(
        db, officer, words=words, category=category, division=division, risk=risk,
        status=status, key_object=key_object, listed=listed, after=after, limit=limit, now=now,
    )  # fmt: skip


@post("/registers/index", status_code=200, guards=[needs("admin")])
async def refresh_index(db: NamedDependency[Session]) -> IndexView:
    """Take into the search index what was written since (更新检索索引)."""
    return IndexView(indexed=await search.refresh_index(db))


@post("/registers/comparisons", status_code=200, guards=[needs("admin")])
async def compare_establishments(
    db: NamedDependency[Session],
    reader: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewComparison],
) -> ComparisonView:
    """Put suspected duplicates on the review list (查找疑似重复对象)."""
    return await duplicates.compare_establishments(db, reader, officer, data.division, now=now)


@get("/registers/lookalikes")
async def list_lookalikes(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    decision: FromQuery[Decided] = "",
    limit: Limit = 100,
) -> list[LookalikeView]:
    """List the pairs that wait for a decision, or had one (疑似重复对象列表)."""
    return await duplicates.list_lookalikes(db, officer, decision=decision, limit=limit)


@post("/registers/lookalikes/{lookalike_id:str}", status_code=200, guards=[needs("admin")])
async def decide_lookalike(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    lookalike_id: FromPath[str],
    data: JSONBody[Decision],
) -> LookalikeView:
    """Decide whether two establishments are the same, and merge them if so (认定是否同一对象)."""
    return await duplicates.decide_lookalike(
        db, officer, lookalike_id, data.decision, stays=data.stays, now=now
    )


handlers = [
    search_establishments,
    refresh_index,
    compare_establishments,
    list_lookalikes,
    decide_lookalike,
]
