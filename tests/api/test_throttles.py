"""Whoever guesses passwords or one-time codes waits longer each time; who knows them does not."""

import asyncio

import pytest
from conftest import PASSWORD, Clock, Office
from httpx import ASGITransport, AsyncClient, Response
from rows import inspector
from sqlmodel import func, select

from backend import db
from backend.tables import Account, Throttle
from backend.work import throttles
from sync import codec

WRONG, THROTTLED = "auth.login-wrong", "auth.throttled"


@pytest.fixture
async def account(office: Office) -> Account:
    return await office.account("reviewer", "33")


async def guess(client: AsyncClient, name: str, password: str = "wrong password") -> str:
    answer = await client.post("/office/login", json={"name": name, "password": password})
    return "" if answer.is_success else str(answer.json()["code"])


def elsewhere(office: Office, address: str) -> AsyncClient:
    """Ask from another address."""
    transport = ASGITransport(office.app, client=(address, 1))
    return AsyncClient(transport=transport, base_url="http://evenhand")


def waits(answer: Response) -> int:
    assert answer.status_code == 429, answer.text
    assert answer.headers["Retry-After"] == str(answer.json()["details"]["seconds"])
    return int(answer.headers["Retry-After"])


async def test_five_guesses_at_an_account_are_free_then_each_waits_twice_as_long(
    office: Office, server: AsyncClient, account: Account, clock: Clock
) -> None:
    free = [await guess(server, account.name) for _ in range(5)]
    seen: list[int] = []

    for _ in range(8):
        answer = await server.post(
            "/office/login", json={"name": account.name, "password": "wrong password"}
        )
        seen.append(waits(answer))
        clock.advance(seconds=seen[-1])
        assert await guess(server, account.name) == WRONG

    assert free == [WRONG] * 5
    assert seen == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_who_waited_and_knows_the_password_is_let_in_and_begins_anew(
    server: AsyncClient, account: Account, clock: Clock
) -> None:
    for _ in range(5):
        await guess(server, account.name)

    hasty = await guess(server, account.name, PASSWORD)
    clock.advance(seconds=1)
    patient = await guess(server, account.name, PASSWORD)
    after = [await guess(server, account.name) for _ in range(5)]

    assert (hasty, patient) == (THROTTLED, "")
    assert after == [WRONG] * 5


async def test_guesses_that_come_together_are_all_counted(
    office: Office, server: AsyncClient, account: Account
) -> None:
    codes = await asyncio.gather(*(guess(server, account.name) for _ in range(12)))

    assert codes.count(WRONG) <= 5
    assert set(codes) <= {WRONG, THROTTLED, "server.busy"}


async def test_an_address_that_tries_many_names_waits_and_another_does_not(
    office: Office, server: AsyncClient, account: Account
) -> None:
    tried = [await guess(server, f"nobody-{n}") for n in range(throttles.ADDRESS_FREE)]

    here = await guess(server, account.name, PASSWORD)
    async with elsewhere(office, "10.0.0.9") as other:
        there = await guess(other, account.name, PASSWORD)

    assert set(tried) == {WRONG}
    assert (here, there) == (THROTTLED, "")


async def test_who_knows_the_password_never_waits(server: AsyncClient, account: Account) -> None:
    codes = [await guess(server, account.name, PASSWORD) for _ in range(8)]

    assert codes == [""] * 8


async def test_wrong_one_time_codes_make_an_address_wait_and_a_right_one_does_not_count(
    office: Office, server: AsyncClient, clock: Clock
) -> None:
    supervisor = await office.officer("supervisor", "33")
    person = await inspector(office, "330106")
    told = {"certificate": person.certificate}
    code = (await supervisor.post("/office/devices/invites", json=told)).json()["code"]
    right = {"code": code, "public_key": codec.public_key(codec.new_key())}
    wrong = {**right, "code": "WRONGWRONG22"}

    again = [(await server.post("/device/enrol", json=right)).status_code for _ in range(30)]
    tried = [(await server.post("/device/enrol", json=wrong)).status_code for _ in range(20)]
    seconds = waits(await server.post("/device/enrol", json=right))
    clock.advance(seconds=seconds)
    patient = (await server.post("/device/enrol", json=right)).status_code

    assert (set(again), set(tried), seconds, patient) == ({201}, {403}, 1, 201)


async def test_guesses_are_forgotten_after_a_day_and_nobody_is_named(
    office: Office, server: AsyncClient, account: Account, clock: Clock
) -> None:
    for _ in range(5):
        await guess(server, account.name)
    clock.advance(days=1, seconds=1)

    codes = [await guess(server, account.name) for _ in range(5)]
    async with db.transaction(office.engine, write=False) as session:
        rows = (await session.exec(select(func.count()).select_from(Throttle))).one()
        digests = set(await session.exec(select(Throttle.digest)))

    assert codes == [WRONG] * 5
    assert rows == 2
    assert all(len(one) == 64 and account.name not in one for one in digests)
