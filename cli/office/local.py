"""The app in this process, on the local database: the way to work without a running server."""

import os
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, cast

import httpx
from litestar import Litestar

from backend import settings
from backend.app import create_app
from cli.client import Sink
from sync.refusals import Refused


async def ask(request: httpx.Request, body: Sink | None = None) -> httpx.Response:
    """Put one question to the app, from its start to its stop.

    With a `body` what a success says goes there as it comes, and the answer has none.
    """
    app = _app(settings.load(os.environ))
    asked = app if body is None else _aside(app, body)
    transport = httpx.ASGITransport(cast(Any, asked))  # the two spell ASGI's types differently
    try:
        async with app.lifespan(), httpx.AsyncClient(transport=transport) as client:
            return await client.send(request)
    except BaseExceptionGroup as group:  # what stops the app at its start comes wrapped
        refused = group.subgroup(Refused)
        raise (refused.exceptions[0] if refused else group) from None


@lru_cache
def _app(given: settings.Settings) -> Litestar:
    return create_app(given)


def _aside(app: Litestar, body: Sink) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """Take the bodies of successes aside: the transport would collect them in memory."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        succeeded = False

        async def sent(message: Any) -> None:
            nonlocal succeeded
            if message["type"] == "http.response.start":
                succeeded = 200 <= message["status"] < 300
            elif succeeded:
                body.write(message.get("body", b""))
                message = {**message, "body": b""}
            await send(message)

        await app(scope, receive, sent)

    return asked
