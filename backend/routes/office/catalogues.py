"""违法行为清单与检查结果代码表: releasing catalogues, and the list of results in force."""

from datetime import datetime

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.auth import Officer, needs
from backend.db import Session
from backend.wire import NewRelease, ReleaseView, ResultListView
from backend.work import catalogues, code_lists
from sync.violations import Catalogue


@post("/catalogues", guards=[needs("admin")])
async def release_catalogue(
    db: NamedDependency[Session],
    officer: NamedDependency[Officer],
    now: NamedDependency[datetime],
    data: JSONBody[NewRelease],
) -> ReleaseView:
    """Release a catalogue of violations (违法行为清单定版)."""
    row = await catalogues.release_catalogue(db, officer, data.toml.encode(), now=now)
    return msgspec.convert(row, ReleaseView, from_attributes=True)


@get("/catalogues")
async def list_catalogues(db: NamedDependency[Session]) -> list[ReleaseView]:
    """List the released catalogues (违法行为清单列表)."""
    rows = await catalogues.list_catalogues(db)
    return msgspec.convert(rows, list[ReleaseView], from_attributes=True)


@get("/catalogues/{name:str}")
async def get_catalogue(db: NamedDependency[Session], name: FromPath[str]) -> Catalogue:
    """Show a catalogue by digest, or the newest of a code (违法行为清单内容)."""
    return await catalogues.get_catalogue(db, name)


@get("/results")
async def list_codes(
    officer: NamedDependency[Officer], now: NamedDependency[datetime]
) -> ResultListView:
    """Show the list of results and follow-ups in force for the division (检查结果代码表)."""
    return code_lists.list_codes(officer.division, now=now)


handlers = [release_catalogue, list_catalogues, get_catalogue, list_codes]
