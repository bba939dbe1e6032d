"""风险等级: which establishments of a division are due how many visits this year."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from backend.auth import Officer
from backend.db import Session
from backend.wire import Division, RiskPage
from backend.work import risk_classes

Code = Annotated[str, QueryParameter(max_length=64)]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]


@get("/visits-due")
async def list_visits_due(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    division: FromQuery[Division] = "",
    owing: FromQuery[bool] = False,
    after: Code = "",
    limit: Limit = 50,
) -> RiskPage:
    """List visits due and had by risk class, and how each class came about (年度检查频次).

    `owing` leaves those that are owed a visit.
    """
    return await risk_classes.list_visits_due(
        db, officer, division=division, owing=owing, after=after, limit=limit, now=now
    )


handlers = [list_visits_due]
