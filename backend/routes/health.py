"""Is it alive, and how busy is it?"""

from litestar import Response, get
from litestar.di import NamedDependency

from backend import db as database
from backend.db import Session
from backend.logs import Metrics
from backend.wire import HealthView


@get("/health", opt={"public": True})
async def health(db: NamedDependency[Session]) -> HealthView:
    """Ask the database for a sign of life."""
    return HealthView(status="ok", database=await database.ping(db), schema=database.newest())


@get("/metrics", opt={"public": True}, include_in_schema=False)
async def metrics(metrics: NamedDependency[Metrics]) -> Response[bytes]:
    """Give the counters in Prometheus' text format."""
    return Response(metrics.render(), media_type=Metrics.media_type)


handlers = [health, metrics]
