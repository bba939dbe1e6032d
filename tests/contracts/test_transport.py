"""One exchange, two ways: asked in the process, and over HTTP; nobody can tell them apart."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import held
import msgspec
import pytest
import uvicorn
from conftest import Office
from held import TASK
from simulation.app_hub import AppHub
from simulation.world import REFS

from cli.device import sync_over
from cli.device_identity import enrol_at
from cli.home import Home
from cli.link import Ask, link
from sync import codec
from sync.exchange import exchange
from sync.merge import digest
from sync.messages import Enrol, Request
from sync.ops import Answer
from sync.problems import refusal
from sync.refusals import Reason, Refused

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 900


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await held.opened(office)


@pytest.fixture(params=["direct", "HTTP"])
async def ask(request: pytest.FixtureRequest, hub: AppHub) -> AsyncIterator[Ask]:
    """A way to the server for a device, which works in a thread of its own."""
    loop = asyncio.get_running_loop()
    if request.param == "direct":
        yield lambda asked: asyncio.run_coroutine_threadsafe(hub.ask(asked), loop).result(20)
        return
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(hub.office.app, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    with link(f"http://127.0.0.1:{listener.getsockname()[1]}") as over:
        yield over
    server.should_exit = True
    await serving
    listener.close()


async def home_of(hub: AppHub, ask: Ask, folder: Path, who: str) -> Home:
    code = await hub.invite(who)

    def enrol() -> None:
        home = Home(folder)
        enrol_at(home.replica, ask, server="http://nowhere", code=code, label=who)
        home.close()

    await asyncio.to_thread(enrol)
    return Home(folder)


async def test_a_day_of_two_devices_ends_the_same(hub: AppHub, ask: Ask, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(PHOTO)
    lead, second = [await home_of(hub, ask, tmp_path / who, who) for who in ("lead", "second")]
    lead.close()
    second.close()

    def day() -> list[object]:
        one, two = Home(tmp_path / "lead"), Home(tmp_path / "second")
        first = [sync_over(home, ask).exchanged.sent for home in (one, two)]
        one.replica.answer(TASK, {REFS[0]: Answer("pass")})
        two.replica.answer(TASK, {REFS[0]: Answer("fail"), REFS[1]: Answer("pass")})
        one.replica.attach(TASK, one.keep(photo), item=REFS[0])
        sent = [sync_over(home, ask) for home in (one, two, one)]
        states = [home.replica.inspection(TASK) for home in (one, two)]
        told = [
            first,
            [(s.exchanged.sent, s.delivered.files, s.delivered.refused) for s in sent],
            states[0].conflicts,
            digest(states[0]) == digest(states[1]),
            [home.replica.unsent() for home in (one, two)],
        ]
        one.close()
        two.close()
        return told

    told = await asyncio.to_thread(day)

    assert told == [
        [0, 0],
        [(2, 1, {}), (1, 0, {}), (0, 0, {})],
        (REFS[0],),
        True,
        [0, 0],
    ]
    assert (await hub.inspection(TASK)).conflicts == (REFS[0],)


async def test_a_refusal_arrives_as_it_was_meant(hub: AppHub, ask: Ask) -> None:
    order = msgspec.json.encode(Enrol("no such code", "00" * 32))
    headers = {"content-type": "application/json"}

    answer = await asyncio.to_thread(ask, Request("POST", "/device/enrol", headers, order))

    told = refusal(answer)
    assert told.reason is Reason.INVITE_WRONG
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_an_answer_is_signed_over_the_bytes_that_arrive(
    hub: AppHub, ask: Ask, tmp_path: Path
) -> None:
    home = await home_of(hub, ask, tmp_path / "lead", "lead")
    request, key = next(exchange(home.replica)), home.replica.identity.enrolled.server_key
    home.close()

    answer = await asyncio.to_thread(ask, request)

    codec.check_body(key, answer.headers[codec.SIGNATURE_HEADER], answer.body)
    assert answer.status == 200
    with pytest.raises(Refused):
        codec.check_body(key, answer.headers[codec.SIGNATURE_HEADER], answer.body + b" ")
