from conftest import PASSWORD, Clock, Office
from httpx import AsyncClient


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
