import asyncio
from time import perf_counter

import pytest
import rows
from conftest import NOW, PASSWORD, Clock, Office
from httpx import AsyncClient
from sqlmodel import select

from backend import db
from backend.tables import Account, Act, Token
from backend.work import accounts
from sync.refusals import Reason, Refused

LONG = "another long password"


async def test_a_login_opens_a_session_that_expires(
    server: AsyncClient, office: Office, clock: Clock
) -> None:
    await office.account("supervisor", "3301", name="王主任")
    opened = await server.post("/office/login", json={"name": "王主任", "password": PASSWORD})
    client = await office.client(opened.json()["token"])

    during = await client.get("/office/whoami")
    clock.advance(hours=13)
    after = await client.get("/office/whoami")

    assert opened.status_code == 201
    assert during.json()["name"] == "王主任"
    assert during.json()["division"] == "3301"
    assert after.status_code == 401
    assert after.json()["code"] == "auth.not-logged-in"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer \u00e9"])
async def test_a_wrong_session_opens_nothing(header: str, server: AsyncClient) -> None:
    answer = await server.get("/office/whoami", headers={"Authorization": header.encode("latin-1")})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_password_and_an_unknown_name_are_told_alike(
    server: AsyncClient, office: Office
) -> None:
    account = await office.account("reviewer")

    wrong = await server.post("/office/login", json={"name": account.name, "password": LONG})
    unknown = await server.post("/office/login", json={"name": "nobody", "password": LONG})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "auth.login-wrong"


async def test_only_the_digest_of_a_session_and_the_argon2id_of_a_password_are_kept(
    server: AsyncClient, office: Office
) -> None:
    account = await office.account("reviewer")
    given = {"name": account.name, "password": PASSWORD}
    token = (await server.post("/office/login", json=given)).json()["token"]

    async with db.transaction(office.engine, write=False) as session:
        kept = (await session.exec(select(Token))).one()
        row = await session.get_one(Account, account.id)

    assert token not in kept.digest
    assert row.password_hash.startswith("$argon2id$")


async def test_an_expired_session_is_swept_by_the_next_login(
    server: AsyncClient, office: Office, clock: Clock
) -> None:
    account = await office.account("reviewer")
    given = {"name": account.name, "password": PASSWORD}

    await server.post("/office/login", json=given)
    clock.advance(hours=13)
    await server.post("/office/login", json=given)

    async with db.transaction(office.engine, write=False) as session:
        assert len((await session.exec(select(Token))).all()) == 1


async def test_a_logout_closes_every_session_of_the_officer(office: Office) -> None:
    account = await office.account("reviewer")
    here, there = await office.login(account), await office.login(account)

    await here.post("/office/logout")

    assert (await here.get("/office/whoami")).status_code == 401
    assert (await there.get("/office/whoami")).status_code == 401


async def test_a_new_password_replaces_the_old_and_closes_its_sessions(
    server: AsyncClient, office: Office
) -> None:
    account = await office.account("reviewer")
    client = await office.login(account)

    wrong = await client.post("/office/password", json={"old": LONG, "new": LONG})
    done = await client.post("/office/password", json={"old": PASSWORD, "new": LONG})

    old = await server.post("/office/login", json={"name": account.name, "password": PASSWORD})
    new = await server.post("/office/login", json={"name": account.name, "password": LONG})
    assert (wrong.status_code, done.status_code) == (401, 204)
    assert (await client.get("/office/whoami")).status_code == 401
    assert (old.status_code, new.status_code) == (401, 201)


async def test_a_name_is_given_once(office: Office) -> None:
    admin = await office.officer("admin")
    new = {"name": "新人", "password": LONG, "role": "reviewer"}

    first, second = [await admin.post("/office/accounts", json=new) for _ in range(2)]

    assert first.status_code == 201
    assert (second.status_code, second.json()["code"]) == (409, "account.name-taken")
    assert second.json()["details"] == {"name": "新人"}


async def test_an_account_may_be_an_inspectors_only_if_there_is_one(office: Office) -> None:
    admin = await office.officer("admin", "33")
    inspector = await rows.inspector(office, "33")
    stranger = await rows.inspector(office, "44")
    new = {"name": "新人", "password": LONG, "role": "reviewer", "division": "33"}

    missing = await admin.post("/office/accounts", json={**new, "inspector": "nobody"})
    foreign = await admin.post("/office/accounts", json={**new, "inspector": stranger.id})
    found = await admin.post("/office/accounts", json={**new, "inspector": inspector.id})

    assert (missing.status_code, missing.json()["code"]) == (404, "inspector.not-found")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "auth.division-forbidden")
    assert found.json()["inspector_id"] == inspector.id


async def test_nobody_deactivates_themselves(office: Office) -> None:
    account = await office.account("admin")
    admin = await office.login(account)

    answer = await admin.post(f"/office/accounts/{account.id}/deactivate")

    assert (answer.status_code, answer.json()["code"]) == (409, "account.yours")


async def test_the_first_admin_is_made_once_and_again_only_when_none_is_left(
    office: Office,
) -> None:
    async def make(name: str) -> Account:
        async with db.transaction(office.engine) as session:
            return await accounts.create_first_admin(
                session, name=name, password=PASSWORD, settings=office.settings, now=NOW
            )

    await make("first")

    with pytest.raises(Refused) as refusal:
        await make("second")

    assert refusal.value.reason is Reason.SERVER_SET_UP


async def test_every_act_on_accounts_is_in_the_journal_without_a_password(office: Office) -> None:
    admin = await office.officer("admin")
    new = {"name": "新人", "password": LONG, "role": "reviewer"}

    made = (await admin.post("/office/accounts", json=new)).json()
    await admin.post(f"/office/accounts/{made['id']}/deactivate")

    async with db.transaction(office.engine, write=False) as session:
        acts = (await session.exec(select(Act))).all()
    assert [act.verb for act in acts] == ["account.create", "account.deactivate"]
    assert all(act.subject == made["id"] for act in acts)
    assert LONG not in "".join(act.details for act in acts)


async def test_many_logins_at_once_leave_the_server_answering(
    server: AsyncClient, office: Office
) -> None:
    accounts = [await office.account("reviewer") for _ in range(40)]
    client = await office.login(accounts[0])
    given = [{"name": one.name, "password": PASSWORD} for one in accounts]

    logins = [asyncio.create_task(server.post("/office/login", json=one)) for one in given]
    started = perf_counter()
    answer = await client.get("/office/whoami")
    waited = perf_counter() - started
    statuses = {login.status_code for login in await asyncio.gather(*logins)}

    assert answer.status_code == 200
    assert waited < 10
    assert statuses == {201}


async def test_admins_who_create_at_once_keep_the_journal_in_one_chain(office: Office) -> None:
    admin = await office.officer("admin")

    def create(name: str) -> dict[str, str]:
        return {"name": name, "password": LONG, "role": "reviewer"}

    answers = await asyncio.gather(
        *(admin.post("/office/accounts", json=create(f"n{n % 8}")) for n in range(16))
    )

    statuses = sorted(answer.status_code for answer in answers)
    async with db.transaction(office.engine, write=False) as session:
        acts = (await session.exec(select(Act).order_by("n"))).all()
    assert statuses == [201] * 8 + [409] * 8
    assert [act.n for act in acts] == list(range(1, 9))
