"""The network link of a device (终端链路): carries requests to a server over HTTP.

The library for it is imported when a link is opened: what works offline never waits for it.
"""

import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

from sync import squeeze
from sync.messages import Request, Response

TIMEOUT_SECONDS = 60.0
BUSY = 503
BUSY_MAX = 5  # times in a row
WAIT_SECONDS_MAX = 10

Ask: TypeAlias = Callable[[Request], Response]


class Unreachable(Exception):
    """No server answered. Nothing was refused; the same command may succeed later."""


@contextmanager
def link(server: str) -> Generator[Ask]:
    """Open a connection to a server for the block."""
    import httpx  # a tenth of a second

    with httpx.Client(base_url=server, timeout=TIMEOUT_SECONDS, trust_env=False) as http:

        def ask(request: Request) -> Response:
            request = squeeze.packed(request)  # httpx unpacks the answer by itself
            try:
                answer = http.request(
                    request.method, request.path, headers=request.headers, content=request.body
                )
            except httpx.HTTPError as error:
                raise Unreachable(f"{server}: {error}") from error
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, headers, answer.content)

        yield patient(ask)


def patient(ask: Ask, *, wait: Callable[[float], object] = time.sleep) -> Ask:
    """Ask a busy server again, up to BUSY_MAX times, when it says; it took back what it had begun.

    Everything a device asks may be asked twice. Devices that were turned away together do not come
    again together: each waits up to as long again.
    """

    def asked(request: Request) -> Response:
        answer = ask(request)
        for _ in range(BUSY_MAX):
            seconds = answer.headers.get("retry-after", "")
            if answer.status != BUSY or not seconds.isdecimal():
                break
            wait(min(int(seconds), WAIT_SECONDS_MAX) * random.uniform(1, 2))
            answer = ask(request)
        return answer

    return asked
