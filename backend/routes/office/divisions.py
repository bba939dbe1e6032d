"""行政区划: what a code is, was, and became."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from backend.auth import Officer
from backend.db import Session
from backend.wire import DivisionView
from backend.work import divisions


@get("/divisions/{code:str}")
async def show_division(
    db: NamedDependency[Session], officer: NamedDependency[Officer], code: FromPath[str]
) -> DivisionView:
    """Show a division's names through time, where it lay and what followed (查看行政区划)."""
    return await divisions.show_division(db, code)


handlers = [show_division]
