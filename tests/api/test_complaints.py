"""投诉举报 at the office: entering, answering, what is overdue, on both databases."""

from typing import Any

import pytest
from conftest import Clock, Office
from httpx import AsyncClient, Response
from rows import new_complaint

from backend.work import listing

OWN = "330102"


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    return await office.officer("supervisor", OWN)


async def step(client: AsyncClient, number: str, step: str, answer: str = "") -> Response:
    order = {"number": number, "step": step, "answer": answer}
    return await client.post("/office/complaints/steps", json=order)


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def numbers(client: AsyncClient, which: str = "open") -> list[str]:
    found: list[dict[str, Any]] = (
        await client.get("/office/complaints", params={"which": which})
    ).json()
    return [one["number"] for one in found]


async def test_a_complaint_is_accepted_and_closed_and_a_report_is_extended_once(
    office: Office,
    clock: Clock,
    supervisor: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = await new_complaint(office, OWN)
    other = await new_complaint(office, OWN) | {"kind": "report", "received_on": "2026-02-02"}
    entered = (await supervisor.post("/office/complaints", json=one)).json()
    await supervisor.post("/office/complaints", json=other)
    overdue = await numbers(supervisor, "overdue")

    accepted = (await step(supervisor, one["number"], "accept")).json()
    again = await step(supervisor, one["number"], "accept")
    silent = await step(supervisor, one["number"], "close")
    closed = (await step(supervisor, one["number"], "close", "已退款")).json()
    extended = (await step(supervisor, other["number"], "extend", "需检验")).json()
    clock.advance(hours=1)
    left = await numbers(supervisor, "overdue")

    assert (entered["next_step"], entered["due_on"]) == ("accept", "2026-03-09")
    assert (entered["name"], entered["overdue"]) == ("城东菜市场", False)
    assert overdue == [other["number"]]
    assert (accepted["state"], accepted["next_step"]) == ("accepted", "close")
    assert code(again) == (409, "complaint.state")
    assert code(silent) == (400, "complaint.answer-missing")
    assert (closed["state"], closed["closed_on"], closed["due_on"]) == (
        "closed",
        "2026-03-02",
        None,
    )
    assert (extended["extended_for"], extended["overdue"]) == ("需检验", False)
    assert left == []
    assert await numbers(supervisor) == [other["number"]]
    assert set(await numbers(supervisor, "all")) == {one["number"], other["number"]}
    monkeypatch.setattr(listing, "LISTED_MAX", 1)
    assert await numbers(supervisor, "all") == [one["number"]]


async def test_what_names_a_person_or_nobody_or_was_told_otherwise_is_refused(
    office: Office, supervisor: AsyncClient
) -> None:
    one = await new_complaint(office, OWN)
    unknown = one | {"code": "E0", "number": "1"}
    personal = one | {"text": "请回电 13800138000", "number": "2"}
    nowhere = one | {"code": "", "number": "3"}
    denned = one | {"code": "", "number": "4", "place": "城东 3 号仓库", "division": "330102001"}
    first = await supervisor.post("/office/complaints", json=one)
    same = await supervisor.post("/office/complaints", json=one)

    refused = [
        code(await supervisor.post("/office/complaints", json=body))
        for body in (one | {"matter": "别的"}, unknown, personal, nowhere)
    ]
    den = await supervisor.post("/office/complaints", json=denned)
    missing = await step(supervisor, "5", "accept")
    named = await step(supervisor, one["number"], "reject", "张三 a@b.cn")

    assert first.json() == same.json()
    assert refused == [
        (409, "complaint.number-taken"),
        (404, "establishment.not-found"),
        (400, "complaint.personal"),
        (403, "auth.division-forbidden"),
    ]
    assert (den.status_code, den.json()["place"], den.json()["name"]) == (201, "城东 3 号仓库", "")
    assert code(missing) == (404, "complaint.not-found")
    assert code(named) == (400, "complaint.personal")


async def test_a_file_is_entered_as_a_whole_or_not_at_all(
    office: Office, supervisor: AsyncClient
) -> None:
    some = [await new_complaint(office, OWN) for _ in range(3)]
    lines = [",".join(some[0]), *(",".join(one.values()) for one in some)]
    foreign = await new_complaint(office, "440305")

    refused = await supervisor.post(
        "/office/complaints/import", json={"csv": "\n".join([*lines, ",".join(foreign.values())])}
    )
    wrong = await supervisor.post("/office/complaints/import", json={"csv": lines[0] + "\nx"})
    before = await numbers(supervisor)
    done = (
        await supervisor.post("/office/complaints/import", json={"csv": "\n".join(lines)})
    ).json()
    again = (
        await supervisor.post("/office/complaints/import", json={"csv": "\n".join(lines)})
    ).json()

    assert code(refused) == (403, "auth.division-forbidden")
    assert code(wrong) == (400, "complaints.invalid")
    assert before == []
    assert (done, again) == ({"entered": 3, "unchanged": 0}, {"entered": 0, "unchanged": 3})
