"""公示结果 at the public door: what was published, byte for byte."""

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

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


handlers = [list_results, show_result]
