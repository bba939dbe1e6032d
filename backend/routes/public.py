"""公众: the door that anyone may look through; nothing here changes anything."""

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency

from backend.db import Session
from backend.routes import draws_public, results_public
from backend.wire import HeadsView
from backend.work import heads


@get("/heads")
async def read_heads(db: NamedDependency[Session]) -> HeadsView:
    """Show the ends of the ledger and the journal, so that anyone can hold us to them."""
    return msgspec.convert(await heads.read_heads(db), HeadsView)


public = Router(
    "/public",
    route_handlers=[read_heads, *draws_public.handlers, *results_public.handlers],
    opt={"public": True},
)
