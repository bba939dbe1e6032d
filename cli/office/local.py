"""The app in this process, on the local database: the way to work without a running server."""

import os
from functools import lru_cache
from typing import Any, cast

import httpx
from litestar import Litestar

from backend import settings
from backend.app import create_app
from sync.refusals import Refused


async def ask(request: httpx.Request) -> httpx.Response:
    """Put one question to the app, from its start to its stop."""
    app = _app(settings.load(os.environ))
    transport = httpx.ASGITransport(cast(Any, app))  # the two spell ASGI's types differently
    try:
        async with app.lifespan(), httpx.AsyncClient(transport=transport) as client:
            return await client.send(request)
    except BaseExceptionGroup as group:  # what stops the app at its start comes wrapped
        refused = group.subgroup(Refused)
        raise (refused.exceptions[0] if refused else group) from None


@lru_cache
def _app(given: settings.Settings) -> Litestar:
    return create_app(given)
