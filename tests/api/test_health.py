import json
import logging
import re
from typing import Any

import pytest
from conftest import PASSWORD, Office
from httpx import AsyncClient
from litestar import Litestar

from backend import db, logs


async def test_health_asks_the_database(server: AsyncClient, office: Office) -> None:
    answer = await server.get("/health")

    assert answer.json() == {
        "status": "ok",
        "database": office.engine.dialect.name,
        "schema": db.newest(),
    }


async def test_metrics_count_requests_by_door_and_route(server: AsyncClient) -> None:
    await server.get("/office/whoami")
    await server.get("/office/whoami")
    await server.get("/no/such/address")

    text = (await server.get("/metrics")).text

    labels = 'door="office",method="GET",route="/office/whoami",status="401"'
    assert f"evenhand_requests_total{{{labels}}} 2.0" in text
    assert 'door="other",method="GET",route="none",status="404"' in text


async def test_the_schema_page_needs_nothing_from_elsewhere(server: AsyncClient) -> None:
    page = (await server.get("/schema")).text

    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page) == []
    assert "<script" not in page
    assert "<link" not in page


async def test_the_schema_page_shows_every_operation_of_the_document(server: AsyncClient) -> None:
    page = (await server.get("/schema")).text
    document = (await server.get("/schema/openapi.json")).json()

    shown = re.findall(r"<b>(\w+)</b> <code>(.+?)</code>", page)

    operations = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    assert set(shown) == operations
    assert ("POST", "/office/login") in operations


async def test_a_request_is_one_log_line_that_holds_no_body(
    server: AsyncClient, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="evenhand")
    account = await office.account("reviewer")
    client = await office.login(account)

    await server.post("/office/login", json={"name": account.name, "password": PASSWORD})
    await client.get("/office/whoami?secret=1")

    lines = [
        json.loads(logs.JsonLines().format(record))
        for record in caplog.records
        if record.name == "evenhand.request"
    ]
    assert [line["path"] for line in lines] == ["/office/login", "/office/whoami"]
    assert lines[1]["actor"] == account.id
    assert account.name not in caplog.text
    assert lines[1]["door"] == "office"
    assert lines[1]["status"] == 200
    assert lines[1].keys() >= {"request_id", "ms", "bytes"}
    assert PASSWORD not in caplog.text
    assert "secret" not in json.dumps(lines)


@pytest.mark.parametrize(("path", "status"), [("*", 404), ("", 204), ("//", 204)])
async def test_a_path_that_is_none_is_answered_and_counted(
    app: Litestar, path: str, status: int
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http", "method": "OPTIONS", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [], "state": {}, "http_version": "1.1",
        "scheme": "http", "client": None, "server": None, "root_path": "", "asgi": {},
    }  # fmt: skip
    await app(scope, receive, send)

    assert sent[0]["status"] == status


async def test_a_method_that_nobody_knows_makes_no_counter_of_its_own(server: AsyncClient) -> None:
    for n in range(3):
        await server.request(f"INVENTED{n}", "/health")

    text = (await server.get("/metrics")).text

    assert "INVENTED" not in text
    assert 'method="other"' in text


async def test_the_front_page_names_the_doors_and_nothing_from_elsewhere(
    server: AsyncClient,
) -> None:
    pages = [await server.get(path) for path in ("/", "/public")]

    assert [page.status_code for page in pages] == [200, 200]
    for page in pages:
        assert page.headers["content-type"].startswith("text/html")
        assert 'href="/public/results"' in page.text
        assert "://" not in page.text


async def test_metrics_say_their_charset_once(server: AsyncClient) -> None:
    answer = await server.get("/metrics")

    assert answer.headers["content-type"].count("charset") == 1
