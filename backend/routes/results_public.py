"""公示结果 at the public door: what was published, byte for byte."""

from typing import Annotated

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter

from backend.db import Session
from backend.wire import PublishedLine
from backend.work import publications


@get("/results")
async def list_results(db: NamedDependency[Session]) -> list[PublishedLine]:
    """List the published results, newest first (公示结果列表)."""
    return await publications.list_results(db)


@get("/results/{result_id:str}")
async def show_result(db: NamedDependency[Session], result_id: FromPath[str]) -> Response[bytes]:
    """Show one result exactly as it was published (公示结果)."""
    body = await publications.show_result(db, result_id)
    return Response(body, media_type=MediaType.JSON)


@get("/results/{result_id:str}/replaced/{n:int}")
async def show_replaced(
    db: NamedDependency[Session],
    result_id: FromPath[str],
    n: Annotated[int, PathParameter(ge=1, le=1_000_000)],
) -> Response[bytes]:
    """Show a result that was corrected since, exactly as it was published (更正前的公示)."""
    body = await publications.show_replaced(db, result_id, n)
    return Response(body, media_type=MediaType.JSON)


handlers = [list_results, show_result, show_replaced]
