"""账本: taking it out."""

from datetime import datetime

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from backend.auth import Officer, needs
from backend.db import Session
from backend.work import ledgers

NDJSON = "application/x-ndjson"


@get("/ledger", guards=[needs("admin")])
async def export_ledger(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
) -> Stream:
    """Write the whole ledger out as lines that prove themselves (导出账本)."""
    return Stream(await ledgers.export_ledger(db, officer, now), media_type=NDJSON)


handlers = [export_ledger]
