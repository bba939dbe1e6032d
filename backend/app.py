"""The composition root: the only place where everything meets."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any, Literal, cast

from litestar import Litestar, Request
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db as database
from backend import logs
from backend.auth import Officer, office_door
from backend.auth_device import device_door
from backend.blobs import Blobs
from backend.db import Session
from backend.here import Here
from backend.routes import device, evidence, front, health, listed, problems, schema
from backend.routes.office import office
from backend.routes.public import public
from backend.settings import Settings
from backend.work.snapshots import Snapshots
from sync.refusals import Refused

READS = {"GET", "HEAD", "OPTIONS"}


def create_app(
    settings: Settings,
    *,
    engine: AsyncEngine | None = None,
    now: Callable[[], datetime] | None = None,
) -> Litestar:
    """Build the server from its settings; whoever brings an engine also disposes of it."""
    own = engine or database.connect(settings.database_url)
    clock = now or (lambda: datetime.now(UTC))
    metrics = logs.Metrics()
    at_hand = Here(own, clock, settings, Blobs(settings.data_dir), Snapshots(settings.data_dir))

    async def db(
        request: Request[Any, Any, Any], here: NamedDependency[Here]
    ) -> AsyncGenerator[Session]:
        opt = request.route_handler.opt
        write = request.method not in READS or opt.get("writes", False)
        later = opt.get("writes_later", False)
        async with database.transaction(here.engine, write=write, later=later) as session:
            yield session
            request.state.more = session.info.get(database.MORE, False)

    async def reader() -> AsyncGenerator[Session]:
        async with database.transaction(own, write=False) as session:
            yield session

    async def officer(request: Request[Officer, Any, Any]) -> Officer:
        return request.user

    async def start() -> None:
        await database.check(own)

    async def stop() -> None:
        if engine is None:
            await own.dispose()

    app = Litestar(
        route_handlers=[
            office,
            *device.handlers,
            *evidence.handlers,
            public,
            *front.handlers,
            *health.handlers,
        ],
        dependencies={
            "here": Provide(lambda: at_hand, sync_to_thread=False),
            "db": Provide(db),
            "engine": Provide(lambda: own, sync_to_thread=False),
            "reader": Provide(reader),
            "officer": Provide(officer),
            "now": Provide(clock, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "blobs": Provide(lambda: at_hand.blobs, sync_to_thread=False),
            "snapshots": Provide(lambda: at_hand.snapshots, sync_to_thread=False),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
        },
        exception_handlers={
            Refused: problems.problem,
            HTTPException: problems.rejected,
            RecursionError: problems.too_deep,
            Exception: problems.failed,
        },
        before_request=problems.refuse_nul,
        before_send=[listed.tell_more],
        request_max_body_size=settings.body_bytes_max,
        openapi_config=schema.config(),
        logging_config=None,
        on_startup=[start],
        on_shutdown=[stop],
    )
    app.state.update({"engine": own, "now": clock, "settings": settings})
    require_guards(app)
    app.asgi_handler = logs.Observed(app.asgi_handler, metrics)
    return app


def require_guards(app: Litestar) -> None:
    """Refuse to start with a route that nobody guards."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            assert isinstance(handler, BaseRouteHandler), f"{route.path} has no handler"
            door(handler, route.path)


def door(handler: BaseRouteHandler, path: str) -> Literal["office", "device", "public", "open"]:
    """Tell which door a route is behind; a route behind none is our bug."""
    methods = handler.http_methods if isinstance(handler, HTTPRouteHandler) else {"CONNECT"}
    if handler.opt.get("open"):
        return "open"
    guards = cast(list[object], handler.resolve_guards())  # pyright: ignore[reportUnknownMemberType]
    if office_door in guards:
        return "office"
    if device_door in guards:
        return "device"
    if not set(methods) <= READS:  # raised, not asserted: it must also hold under `python -O`
        raise AssertionError(f"{path}: no guard on {handler}, and it is not read only")
    if not handler.opt.get("public") and methods != {"OPTIONS"}:
        raise AssertionError(f"{path}: no guard on {handler}")
    return "public"
