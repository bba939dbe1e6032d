import errno
import sqlite3
from datetime import datetime

import pytest
from conftest import PASSWORD, Clock, Office
from httpx import ASGITransport, AsyncClient
from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select

from backend import journal
from backend.db import Session, full, transaction
from backend.routes import problems
from backend.tables import Act
from sync.refusals import Kind, Reason, Refused

MEDIA_TYPE = "application/problem+json"


@get("/refuse/{name:str}", opt={"public": True})
async def refuse(name: FromPath[str]) -> None:
    raise Refused(Reason[name], plan="2026-1")


@get("/fail", opt={"public": True})
async def fail() -> None:
    raise RuntimeError("a secret")


@get("/locked", opt={"public": True})
async def locked() -> None:
    raise OperationalError("update", {}, sqlite3.OperationalError("database is locked"))


@get("/write", opt={"public": True})
async def write(db: NamedDependency[Session], now: NamedDependency[datetime]) -> None:
    await journal.append(db, actor="x", verb="x.y", subject="z", now=now)


@post("/enter", opt={"public": True})
async def enter(db: NamedDependency[Session], now: NamedDependency[datetime]) -> None:
    await journal.append(db, actor="x", verb="x.y", subject="z", now=now)


ENDS_AT_COMMIT = (
    "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    "CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON act DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION ends()",
)


NO_ROOM = {
    "sqlite": ("PRAGMA max_page_count = 1",),  # no more than there are
    "postgresql": (
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER no_room AFTER INSERT ON act FOR EACH ROW EXECUTE FUNCTION no_room()",
    ),
}
ROOM = {
    "sqlite": ("PRAGMA max_page_count = 1000000",),
    "postgresql": ("DROP TRIGGER no_room ON act",),
}


async def run(engine: AsyncEngine, statements: tuple[str, ...]) -> None:
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


@pytest.fixture
async def failing(app: Litestar) -> AsyncClient:
    for handler in (refuse, fail, locked, write, enter):
        app.register(handler)
    return AsyncClient(transport=ASGITransport(app), base_url="http://evenhand")


async def test_a_refusal_is_a_problem_document_in_both_languages(failing: AsyncClient) -> None:
    answer = await failing.get("/refuse/ACCOUNT_NOT_FOUND")

    reason = Reason.ACCOUNT_NOT_FOUND
    assert answer.status_code == 404
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json() == {
        "type": "about:blank",
        "status": 404,
        "code": "account.not-found",
        "title": reason.zh,
        "detail": reason.en,
        "remedy_en": reason.remedy_en,
        "remedy_zh": reason.remedy_zh,
        "details": {"plan": "2026-1"},
    }


def test_every_kind_of_refusal_has_a_status() -> None:
    assert set(problems.STATUS) == set(Kind)


async def test_a_locked_database_asks_to_try_again(failing: AsyncClient) -> None:
    answer = await failing.get("/locked")

    assert answer.status_code == 503
    assert answer.json()["code"] == "server.busy"
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_database_lost_while_it_commits_is_not_said_to_have_changed_nothing(
    failing: AsyncClient, engine: AsyncEngine
) -> None:
    await run(engine, ENDS_AT_COMMIT)

    answer = await failing.post("/enter")

    assert (answer.status_code, answer.json()["code"]) == (503, "server.outcome-unknown")


async def test_a_full_disk_is_told_and_nothing_is_half_written(
    failing: AsyncClient, engine: AsyncEngine
) -> None:
    await run(engine, NO_ROOM[engine.dialect.name])
    answers = [await failing.post("/enter") for _ in range(60)]
    stored = sum(answer.status_code == 201 for answer in answers)
    refused = {answer.json()["code"] for answer in answers if answer.status_code == 503}
    await run(engine, ROOM[engine.dialect.name])

    again = await failing.post("/enter")

    async with transaction(engine, write=False) as session:
        acts = len((await session.exec(select(Act.n))).all())
    assert refused == {"server.disk-full"}
    assert (again.status_code, acts) == (201, stored + 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (OperationalError("", {}, sqlite3.OperationalError("database or disk is full")), True),
        (OperationalError("", {}, sqlite3.OperationalError("disk I/O error")), False),
    ],
)
def test_a_disk_may_be_full_for_files_too(error: Exception, said: bool) -> None:
    assert full(error) is said


async def test_a_bug_tells_its_request_id_and_nothing_else(
    failing: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await failing.get("/fail", headers={"X-Request-Id": "request-number-1"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["details"] == {"request_id": "request-number-1"}
    assert answer.headers["x-request-id"] == "request-number-1"
    assert "secret" not in answer.text
    assert "a secret" in caplog.text


async def test_the_number_of_a_request_is_told_to_who_gave_one_or_met_a_problem(
    failing: AsyncClient,
) -> None:
    quiet = await failing.get("/health")
    numbered = await failing.get("/health", headers={"X-Request-Id": "request-number-2"})
    refused = await failing.get("/nowhere")

    assert "x-request-id" not in quiet.headers  # a device on a bad link pays for every byte
    assert numbered.headers["x-request-id"] == "request-number-2"
    assert len(refused.headers["x-request-id"]) == 36


async def test_a_reading_request_cannot_write(failing: AsyncClient) -> None:
    answer = await failing.get("/write")

    assert answer.status_code == 500


async def test_an_unknown_address_and_a_wrong_method_are_problems(server: AsyncClient) -> None:
    missing = await server.get("/nowhere")
    method = await server.delete("/office/login")

    assert (missing.status_code, missing.json()["code"]) == (404, "path.not-found")
    assert (method.status_code, method.json()["code"]) == (405, "path.method-wrong")
    assert set(method.headers["allow"].split(", ")) == {"OPTIONS", "POST"}
    assert missing.headers["content-type"] == method.headers["content-type"] == MEDIA_TYPE


async def test_a_body_over_the_limit_is_refused_with_the_limit(
    server: AsyncClient, office: Office
) -> None:
    limit = office.settings.body_bytes_max

    answer = await server.post("/office/login", content=b"x" * (limit + 1))

    assert answer.status_code == 413
    assert answer.json()["code"] == "body.too-large"
    assert answer.json()["details"] == {"limit_bytes": limit}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"name": "x", "password"', "truncated"),
        (b"\xff\xfe", "JSON is malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"name": "x"}', "missing required field `password`"),
        (b'{"name": "x", "password": "y", "rank": 1}', "unknown field `rank`"),
    ],
)
async def test_a_body_of_the_wrong_form_is_refused_with_its_problem(
    body: bytes, problem: str, server: AsyncClient
) -> None:
    answer = await server.post("/office/login", content=body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "body.invalid"
    assert problem in answer.json()["details"]["problem"]


@pytest.mark.parametrize("path", ["/office/whoami?x=%00", "/office/accounts/%00/deactivate"])
async def test_an_address_with_a_nul_is_refused(path: str, office: Office) -> None:
    admin = await office.officer("admin")

    answer = await admin.get(path) if "?" in path else await admin.post(path)

    assert answer.status_code == 400
    assert "U+0000" in answer.json()["details"]["problem"]


async def test_text_with_a_nul_is_refused_and_text_about_one_is_not(office: Office) -> None:
    admin = await office.officer("admin")
    account = {"password": PASSWORD, "role": "reviewer"}

    with_nul = await admin.post("/office/accounts", json={**account, "name": "a\x00b"})
    about_it = await admin.post("/office/accounts", json={**account, "name": "a\\u0000b"})

    assert with_nul.status_code == 400
    assert with_nul.json()["code"] == "body.invalid"
    assert about_it.json()["name"] == "a\\u0000b"


async def test_a_wrong_value_is_named_with_its_field(office: Office) -> None:
    admin = await office.officer("admin")
    account = {"name": "新人", "password": PASSWORD, "role": "king", "division": "33"}

    answer = await admin.post("/office/accounts", json=account)

    assert answer.status_code == 400
    assert answer.json()["details"] == {
        "problem": "role: Invalid enum value 'king'",
        "field": "role",
        "value": "'king'",
    }


async def test_the_clock_of_the_app_is_the_clock_of_every_request(
    office: Office, clock: Clock
) -> None:
    account = await office.account("reviewer")
    client, given = await office.client(), {"name": account.name, "password": PASSWORD}

    first = await client.post("/office/login", json=given)
    clock.advance(hours=1)
    second = await client.post("/office/login", json=given)

    assert first.json()["expires_at"] < second.json()["expires_at"]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"name":' + b'{"a":' * 100_000])
@pytest.mark.parametrize("path", ["/office/login", "/device/enrol"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
async def test_a_body_that_nests_without_end_is_refused(
    body: bytes, path: str, kind: str, server: AsyncClient
) -> None:
    answer = await server.post(path, content=body, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert answer.json()["code"] == "body.invalid"
