"""Whatever the OpenAPI document allows and much that it does not: never a 500, always a problem.

The examples are derived from the code, not drawn at random, so two runs ask the same questions.
"""

import asyncio
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import rows
from conftest import NOW, Office, Settings
from conftest import Clock as ClockAt
from httpx import AsyncClient, Response
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from backend import auth, db
from backend.app import create_app
from backend.auth_device import upload_token
from backend.tables import Account, Head, Lookalike, Measure, Rectification, Remedy, Risk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.generation import GenerationMode

EXAMPLES = 12  # for one operation, one role, one mode and one database
HOSTILE = (
    "\x00",
    "x\x00y",
    "..",
    "'; --",
    "%",
    "\u202e右",
    "9" * 400,
    "𝕏" * 90,
    " ",
    "null",
    "2026-02-30",
)
HUGE = (-1, 0, 2**31, 2**53, 2**63, 2**64, 10**40)
KNOCKS = 2  # before that, to see whether the role may ask at all
HEADERS = {"content-type", "tus-resumable", "upload-offset", "upload-length"}


def calm(max_examples: int) -> examples:
    return examples(
        max_examples=max_examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("role", auth.ROLES)
def test_no_question_to_the_server_ends_in_a_500(
    role: auth.Role, settings: Settings, runner: asyncio.Runner
) -> None:
    async def start() -> tuple[Office, Account, AsyncClient, dict[str, str]]:
        app = create_app(settings, engine=db.connect(settings.database_url), now=ClockAt(NOW))
        office = Office(app, settings, ClockAt(NOW))
        account, known = await office.account(role), await things(office)
        return office, account, await device(office, known["device_id"]), known

    office, account, field, known = runner.run(start())
    client = runner.run(office.login(account))
    document = office.app.openapi_schema.to_schema()
    schema = schemathesis.openapi.from_dict(document)
    broken: list[str] = []
    statuses: Counter[int] = Counter()

    def probe(data: st.DataObject, strategy: st.SearchStrategy[Any]) -> int:
        nonlocal client
        question = data.draw(strategy)
        for name in question.path_parameters or {}:
            if data.draw(st.booleans()):  # or nearly all would be about things that are not there
                value = data.draw(st.sampled_from((known[name], *HOSTILE)))
                question.path_parameters[name] = quote(value, safe="")
        if data.draw(st.booleans()):
            question.body = spoilt(question.body, data)
        door = field if question.path.startswith("/device/") else client
        answer = runner.run(send(door, question))
        statuses[answer.status_code] += 1
        if fault := wrong(answer):
            broken.append(f"{question.as_curl_command()}\n  {fault}")
        if question.path == "/office/logout":
            client = runner.run(office.login(account))
        return answer.status_code

    def explore(operation: Any, mode: GenerationMode, max_examples: int) -> set[int]:
        strategy, seen = operation.as_strategy(generation_mode=mode), set[int]()

        @given(data=st.data())
        def ask(data: st.DataObject) -> None:
            seen.add(probe(data, strategy))

        with suppress(Unsatisfiable):  # what takes no input has no wrong input either
            calm(max_examples)(ask)()
        return seen

    for result in schema.get_all_operations():
        for mode in GenerationMode:
            if explore(result.ok(), mode, KNOCKS) != {403}:
                explore(result.ok(), mode, EXAMPLES)

    runner.run(office.close())
    runner.run(office.engine.dispose())
    assert statuses[200] > 100
    assert statuses[400] > 100
    assert broken == []


def spoilt(body: Any, data: st.DataObject) -> Any:
    """Replace one value, of its own kind, by one that has broken other servers."""
    match body:
        case dict() if body:
            name = data.draw(st.sampled_from(sorted(body, key=str)))
            return body | {name: spoilt(body[name], data)}
        case list() if body:
            return [spoilt(body[0], data), *body[1:]]
        case bool() | None:
            return body
        case int():
            return data.draw(st.sampled_from(HUGE))
        case str():
            return data.draw(st.sampled_from(HOSTILE))
        case _:
            return body


async def things(office: Office) -> dict[str, str]:
    """Make one of everything that an address can name."""
    supervisor, plan, draw = await rows.drawn(office, "330106")
    await supervisor.post(f"/office/plans/{plan}/dispatch")
    task = (await supervisor.get(f"/office/plans/{plan}/tasks")).json()[0]["id"]
    someone, phone = await rows.account(office, "3301"), await rows.device(office, "3301")
    batch = rows.revision("establishments")
    first, second = [await rows.establishment(office, "3301") for _ in range(2)]
    pair = Lookalike(
        first_code=first.code, second_code=second.code, score=90, evidence="{}", found_at=rows.AT
    )
    order = Rectification(
        inspection_id=task, items="[]", ordered_on=NOW.date(), due_on=NOW.date(), working_days=5
    )
    item = Remedy(
        order_id=order.id, item="1.1", text_en="", text_zh="", working_days=5, due_on=NOW.date()
    )
    measure = Measure(inspection_id=task, kind="case", opened_on=NOW.date(), at=NOW)
    risk = Risk(
        establishment_id=first.id, item="液氨", level="low", owner="张三", measure="更换",
        due_on=NOW.date(), entered_by=someone.id, at=NOW,
    )  # fmt: skip
    await rows.put(office, batch, pair, order, item, measure, risk)
    await rows.corrected(office, "330106", task)
    return {
        "revision_id": batch.id,
        "lookalike_id": pair.id,
        "account_id": someone.id,
        "device_id": phone.id,
        "plan_id": plan,
        "draw_id": draw,
        "inspection_id": task,
        "task_id": await rows.assigned(office, "3301"),
        "result_id": task,
        "order_id": order.id,
        "measure_id": measure.id,
        "risk_id": risk.id,
        "upload_id": "0" * 36,
        "digest": "0" * 64,
        "sha256": "0" * 64,
        "n": "1",
        "amendment_id": "0" * 36,
        "name": "commit.json",
        "register": "establishments",
        "code": first.code,
    }


async def device(office: Office, device_id: str) -> AsyncClient:
    """Open a client that comes through the device door."""
    async with db.transaction(office.engine, write=False) as session:
        secret = (await session.get_one(Head, 1)).secret_key
    return await office.client(upload_token(secret, device_id, NOW + timedelta(hours=1)))


async def send(client: AsyncClient, case: Any) -> Response:
    parts = case.as_transport_kwargs(base_url="http://evenhand")
    parts.pop("cookies", None)
    headers = {k: v for k, v in (parts.pop("headers") or {}).items() if k.lower() in HEADERS}
    if isinstance(parts.get("data"), bytes | str):
        parts["content"] = parts.pop("data")
    return await client.request(parts.pop("method"), parts.pop("url"), headers=headers, **parts)


def wrong(answer: Response) -> str:
    """Say what is wrong with an answer, if anything."""
    if answer.status_code >= 500:
        return f"{answer.status_code}: {answer.text[:300]}"
    if answer.is_error and answer.request.method != "HEAD":
        if answer.headers.get("content-type") != "application/problem+json":
            return f"{answer.status_code} without a problem: {answer.text[:300]}"
        if not answer.json()["code"]:
            return f"a problem without a code: {answer.text[:300]}"
    return ""
