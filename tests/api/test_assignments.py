"""Tasks that no draw made: who may be sent, why, and what becomes of it, on both databases."""

import io
import zipfile
from datetime import date
from typing import Any

import msgspec
import pytest
from conftest import NOW, Office
from httpx import AsyncClient, Response
from rows import checklist, put, revision
from sqlmodel import select
from visits import DIVISION, Visit

from backend import db
from backend.rules import site
from backend.rules.disclosure import Result
from backend.tables import Act, Establishment, Feed, Inspector, Leave, Member, Recusal, Task
from backend.work import assignments

SHOP, MARKET, STALLS = "9131010100000001", "M1", ["M1-01", "M1-02", "M1-03"]
ORDER: dict[str, Any] = {
    "code": SHOP,
    "checklist": "cold-store-daily",
    "lead": "A1",
    "second": "A2",
    "origin": "complaint",
    "reference": "12315-20260301-7",
    "reason": "张三投诉冷库异味",
    "opens_on": "2026-03-02",
    "closes_on": "2026-03-06",
}


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    """Log in a supervisor where there are a shop, a market with three stalls and six inspectors."""
    batch = revision("establishments")
    await checklist(office)
    places = [(SHOP, "海川冷库", "", "active"), (MARKET, "城东市场", "", "active")]
    places += [(code, f"{code}摊", MARKET, "active") for code in STALLS]
    places += [("M1-04", "撤摊", MARKET, "cancelled"), ("F1", "外地店", "", "active")]
    people: list[dict[str, Any]] = [
        {}, {}, {"active": False}, {"expert": True}, {"valid_to": date(2026, 3, 5)},
        {"division": "330102"},
    ]  # fmt: skip
    await put(office, batch)
    await put(
        office,
        *(
            Establishment(
                code=code, name=name, category="cold-store", parent_code=parent, status=status,
                division="330102" if code == "F1" else DIVISION, revision_id=batch.id,
            )
            for code, name, parent, status in places
        ),
        *(
            Inspector(
                **{
                    "certificate": f"A{n}", "name": f"检查员{n}号", "department": "market",
                    "division": DIVISION, "valid_from": date(2024, 1, 1),
                    "valid_to": date(2028, 1, 1), "revision_id": batch.id, **other,
                }
            )
            for n, other in enumerate(people, start=1)
        ),
    )  # fmt: skip
    return await office.officer("supervisor", DIVISION)


async def assigned(client: AsyncClient, **changes: Any) -> Any:
    answer = await client.post("/office/tasks", json=ORDER | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(client: AsyncClient, **changes: Any) -> tuple[int, str, dict[str, Any]]:
    return refusal(await client.post("/office/tasks", json=ORDER | changes))


def refusal(answer: Response) -> tuple[int, str, dict[str, Any]]:
    body = answer.json()
    return answer.status_code, body["code"], body["details"]


async def task(office: Office, id: str) -> Task:
    async with db.transaction(office.engine, write=False) as session:
        return await session.get_one(Task, id)


async def visit(office: Office, id: str) -> None:
    """Record a clean inspection, signed by both."""
    one = Visit(await task(office, id))
    one.answer_all("lead")
    one.sign("lead", "second")
    await one.arrive(office)


# -- a whole life --------------------------------------------------------------------------------


async def test_a_complaint_is_looked_into_without_a_draw_and_the_result_says_so(
    office: Office, supervisor: AsyncClient
) -> None:
    made = await assigned(supervisor)
    view = made["tasks"][0]
    async with db.transaction(office.engine, write=False) as session:
        told = (await session.exec(select(Feed).where(Feed.bucket == f"i:{view['id']}"))).one()
        members = set(await session.exec(select(Member.bucket)))
    await visit(office, view["id"])

    listed = (await supervisor.get("/office/inspections")).json()
    at = f"/office/inspections/{view['id']}"
    concluded = await supervisor.post(f"{at}/conclusion", json={})
    reviewer = await office.officer("reviewer", DIVISION)
    await reviewer.post(f"{at}/review", json={"approve": True})
    out = await reviewer.post("/office/publications")
    packed = await reviewer.get("/office/publications/site.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    result = msgspec.json.decode(files[f"results/{view['id']}.json"], type=Result)
    page = files[f"results/{view['id']}.html"].decode()

    assert (view["plan"], view["place"], view["draw"]) == ("", 0, None)
    assert (view["origin"], view["reference"]) == ("complaint", "12315-20260301-7")
    assert msgspec.json.decode(told.body) == view
    assert members == {f"i:{view['id']}"}
    assert [(one["plan"], one["origin"]) for one in listed] == [("", "complaint")]
    assert concluded.json()["origin"] == "complaint"
    assert out.json()["published"] == [view["id"]], out.text
    assert result.draw is None
    assert result.origin is not None and result.origin.label.zh == "投诉举报核查"
    assert "投诉举报核查" in page and "张三" not in page and "verify draw" not in page
    assert [step.name for step in site.verify(files) if step.ok is False] == []


async def test_a_result_that_says_neither_draw_nor_reason_is_noticed(
    office: Office, supervisor: AsyncClient
) -> None:
    made = await assigned(supervisor)
    await visit(office, made["tasks"][0]["id"])
    at = f"/office/inspections/{made['tasks'][0]['id']}"
    await supervisor.post(f"{at}/conclusion", json={})
    reviewer = await office.officer("reviewer", DIVISION)
    await reviewer.post(f"{at}/review", json={"approve": True})
    await reviewer.post("/office/publications")
    shown = await reviewer.get(f"/public/results/{made['tasks'][0]['id']}")
    result = msgspec.json.decode(shown.content, type=Result)
    assert result.origin is not None

    replace = msgspec.structs.replace
    forged = [
        replace(result, origin=None),
        replace(result, origin=replace(result.origin, code="draw")),
        replace(result, origin=replace(result.origin, code="whim")),
        replace(result, origin=replace(result.origin, code="recheck")),
    ]
    found = [
        [
            step.name
            for step in site.verify(site.write([one], {}, {}, script=b"", secret="1" * 64))
            if step.ok is False
        ]
        for one in (result, *forged)
    ]

    assert found == [[], *[["choice"]] * 4]
