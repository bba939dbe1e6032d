"""A server that is busy turns a device away; the device comes again by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import held
import pytest
from conftest import Office
from phones import TASK, Phone
from simulation.app_hub import AppHub
from simulation.world import REFS
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db
from cli import link
from cli.link import patient
from sync.exchange import drive, exchange
from sync.messages import Request, Response
from sync.ops import Answer


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = db.connect(database_url, busy_ms=50)
    yield engine
    await engine.dispose()


async def test_a_device_that_is_turned_away_comes_again(office: Office) -> None:
    hub: AppHub = await held.opened(office)
    phone = await Phone(hub, "lead").enrol()
    phone.replica.answer(TASK, {REFS[0]: Answer("pass")})
    loop, statuses, waits = asyncio.get_running_loop(), list[int](), list[float]()
    other = AsyncExitStack()
    await db.head(await other.enter_async_context(db.transaction(office.engine)))

    def ask(request: Request) -> Response:
        answer = asyncio.run_coroutine_threadsafe(hub.ask(request), loop).result(20)
        statuses.append(answer.status)
        return answer

    def wait(seconds: float) -> None:
        waits.append(seconds)
        asyncio.run_coroutine_threadsafe(other.aclose(), loop).result(20)

    exchanged = await asyncio.to_thread(drive, exchange(phone.replica), patient(ask, wait=wait))

    assert statuses == [503, 200]
    assert [1 <= seconds <= 2 for seconds in waits] == [True]
    assert exchanged.sent == 1
    assert phone.replica.unsent() == 0


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (503, {"retry-after": "1"}, link.BUSY_MAX + 1),
        (503, {"retry-after": "Sun, 22 Nov 2026 07:28:00 GMT"}, 1),  # a date, such as a proxy says
        (503, {}, 1),
        (429, {"retry-after": "900"}, 1),  # which is for a person to wait
        (200, {}, 1),
    ],
)
def test_nobody_comes_again_for_ever(status: int, headers: dict[str, str], asked: int) -> None:
    requests: list[Request] = []
    waits: list[float] = []

    def ask(request: Request) -> Response:
        requests.append(request)
        return Response(status, headers, b"")

    answer = patient(ask, wait=waits.append)(Request("POST", "/sync/v1", {}, b"push"))

    assert answer.status == status
    assert requests == [requests[0]] * asked
    assert len(waits) == asked - 1


def test_no_server_makes_a_device_wait_long() -> None:
    waits: list[float] = []

    patient(lambda _: Response(503, {"retry-after": "86400"}, b""), wait=waits.append)(
        Request("POST", "/sync/v1", {}, b"")
    )

    assert max(waits) <= 2 * link.WAIT_SECONDS_MAX
