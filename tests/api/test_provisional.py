"""Places that are in no register: found, never drawn, matched, registered; on both databases."""

import gzip
from datetime import date
from typing import Any

import msgspec
import pytest
from conftest import Office
from httpx import AsyncClient
from plans import refusal
from rows import checklist, establishment, inspector, place, provisional
from sqlmodel import select
from visits import DIVISION, Visit

from backend import db
from backend.tables import Establishment, Feed, Piece, Task
from backend.work import mergers, visits

EMPTY: dict[str, Any] = {
    "establishment_id": "", "checklist_digest": "", "place": 0, "lead_id": "", "second_id": "",
    "opens_on": date(2026, 3, 2), "closes_on": date(2026, 3, 6),
}  # fmt: skip
DAYS = {"opens_on": "2026-03-02", "closes_on": "2026-03-06"}


@pytest.fixture
async def admin(office: Office) -> AsyncClient:
    return await office.officer("admin", DIVISION)


async def waiting(client: AsyncClient) -> list[tuple[str, int]]:
    found = (await client.get("/office/provisional")).json()
    return [(one["code"], one["inspections"]) for one in found]


async def row(office: Office, code: str) -> Establishment:
    async with db.transaction(office.engine, write=False) as session:
        query = select(Establishment).where(Establishment.code == code)
        return (await session.exec(query)).one()


async def send(client: AsyncClient, text: str, **params: str) -> Any:
    files = {"files": ("a.csv", text.encode(), "text/csv")}
    answer = await client.post("/office/registers/establishments", files=files, params=params)
    assert answer.is_success, answer.text
    return answer.json()


async def visited(office: Office, supervisor: AsyncClient) -> tuple[str, str]:
    """Send two inspectors to a den and let them finish; give its code and the inspection."""
    lead, second = [await inspector(office, DIVISION) for _ in range(2)]
    order = {
        "place": place(DIVISION), "checklist": await checklist(office), "origin": "ad-hoc",
        "lead": lead.certificate, "second": second.certificate, "reason": "巡查发现", **DAYS,
    }  # fmt: skip
    answer = await supervisor.post("/office/tasks", json=order)
    assert answer.status_code == 201, answer.text
    view = answer.json()["tasks"][0]
    async with db.transaction(office.engine, write=False) as session:
        visit = Visit(await session.get_one(Task, view["id"]))
    visit.answer_all("lead")
    visit.sign("lead", "second")
    await visit.arrive(office)
    return view["establishment"]["code"], view["id"]


async def test_an_unlicensed_den_is_inspected_and_its_history_follows_it_into_the_register(
    office: Office, admin: AsyncClient, supervisor: AsyncClient
) -> None:
    code, inspection = await visited(office, supervisor)
    known = await establishment(office, DIVISION)
    found = await admin.get("/office/registers/search", params={"words": "无名冷库"})
    before = await waiting(admin)

    matched = await admin.post(f"/office/provisional/{code}/match", json={"into": known.code})
    again = await admin.post(f"/office/provisional/{code}/match", json={"into": known.code})
    after = await waiting(admin)
    for number, about in (("12315-1", known.code), ("12315-2", code)):
        told = {
            "number": number, "kind": "report", "channel": "12315", "received_on": "2026-03-01",
            "code": about, "matter": "冷库异味",
        }  # fmt: skip
        await supervisor.post("/office/complaints", json=told)
    listed = (await supervisor.get("/office/inspections")).json()
    shown = (await supervisor.get(f"/office/inspections/{inspection}")).json()
    async with db.transaction(office.engine, write=False) as session:
        told = (await session.exec(select(Feed).where(Feed.bucket == f"i:{inspection}"))).one()
        counts = [
            await visits.count(session, one, year=2026, hidden=frozenset())
            for one in (known.code, code)
        ]

    assert code.startswith("PROV-")
    assert [one["code"] for one in found.json()["found"]] == [code]
    assert before == [(code, 1)]
    assert matched.json()["code"] == known.code
    assert refusal(again) == (409, "provisional.matched")
    assert after == []
    assert [one["code"] for one in listed] == [known.code]
    assert shown["code"] == known.code
    task = msgspec.json.decode(told.body)
    assert task["establishment"]["code"] == known.code
    heard = {one["number"] for one in task["history"]["complaints"]}
    assert heard == {"12315-1", "12315-2"}
    assert counts[0] == 1

    pairs = (await admin.get("/office/registers/lookalikes", params={"decision": "same"})).json()
    parted = await admin.post(
        f"/office/registers/lookalikes/{pairs[0]['id']}", json={"decision": "different"}
    )
    shown = (await supervisor.get(f"/office/inspections/{inspection}")).json()

    assert parted.status_code == 200
    assert shown["code"] == code
    assert await waiting(admin) == [(code, 1)]


async def test_the_next_visit_of_the_registered_place_tells_what_was_found_before(
    office: Office, admin: AsyncClient, supervisor: AsyncClient
) -> None:
    code, inspection = await visited(office, supervisor)
    at = f"/office/inspections/{inspection}"
    await supervisor.post(f"{at}/conclusion", json={})
    reviewer = await office.officer("reviewer", DIVISION)
    approved = await reviewer.post(f"{at}/review", json={"approve": True})
    known = await establishment(office, DIVISION)
    await admin.post(f"/office/provisional/{code}/match", json={"into": known.code})
    lead, second = [await inspector(office, DIVISION) for _ in range(2)]
    order = {
        "code": known.code, "checklist": await checklist(office), "origin": "return",
        "lead": lead.certificate, "second": second.certificate, "reason": "回访", **DAYS,
    }  # fmt: skip

    made = (await supervisor.post("/office/tasks", json=order)).json()
    async with db.transaction(office.engine, write=False) as session:
        bucket = f"i:{made['tasks'][0]['id']}"
        told = (await session.exec(select(Feed).where(Feed.bucket == bucket))).one()

    assert approved.status_code == 200, approved.text
    assert made["visits"] == 1
    seen = msgspec.json.decode(told.body)["history"]["visits"]
    assert [one["id"] for one in seen] == [inspection]


async def test_a_place_in_no_register_is_in_no_frame_and_no_export(
    office: Office, admin: AsyncClient, supervisor: AsyncClient
) -> None:
    known = [await establishment(office, DIVISION) for _ in range(3)]
    for _ in range(3):
        await inspector(office, DIVISION)
    code = await provisional(office, DIVISION)
    order = {
        "title": "抽查", "division": DIVISION, "checklists": {"*": await checklist(office)},
        "opens_on": "2026-03-09", "closes_on": "2026-03-31", "rate": [1, 1], "minimum": 1,
    }  # fmt: skip
    plan = (await supervisor.post("/office/plans", json=order)).json()
    dice = {"dice": [{"ceremony": "hall"}]}
    made = await supervisor.post(f"/office/plans/{plan['id']}/draws", json=dice)
    async with db.transaction(office.engine, write=False) as session:
        frame = await session.get_one(Piece, (made.json()["id"], "frame.tsv.gz"))
    exported = await admin.get("/office/registers/establishments/export", params={"format": "csv"})
    listed = await admin.get("/office/registers/establishments", params={"search": code})

    lines = gzip.decompress(frame.body).decode().splitlines()
    assert (plan["eligible"], made.json()["in_scope"]) == (3, 3)
    assert {one.code for one in known} <= {line.split("\t")[0] for line in lines}
    assert code not in gzip.decompress(frame.body).decode()
    assert known[0].code in exported.text
    assert code not in exported.text
    assert [one["status"] for one in listed.json()] == ["provisional"]


async def test_no_import_takes_or_closes_what_is_only_provisional(
    office: Office, admin: AsyncClient
) -> None:
    code = await provisional(office, DIVISION)
    head = "code,name,category,division,address,licence\n"
    den = f"无名冷库,market,{DIVISION},河滨路8号"

    taken = await send(
        admin, f"{head}{code},抢占,market,{DIVISION},,\nprov-1,抢占,market,{DIVISION},,\n"
    )
    licensed = await send(admin, f"{head},{den},PROV-2\n")
    nameless = await send(admin, f"{head},{den},\n")
    closing = await send(admin, f"{head}N1,新店,market,{DIVISION},,\n", missing="close")
    place = await row(office, code)

    assert (taken["refused"], taken["codes"]) == (2, {"code.reserved": 2})
    assert licensed["codes"] == {"code.reserved": 1}
    assert nameless["codes"] == {"code.missing": 1}
    assert (closing["created"], closing["missing"]) == (1, 0)
    assert (place.name, place.status, place.missing_since) == ("无名冷库", "provisional", None)


async def test_a_newcomer_at_the_same_door_is_put_beside_it_for_review(
    office: Office, admin: AsyncClient
) -> None:
    code = await provisional(office, DIVISION)

    await send(
        admin, f"code,name,category,division,address\nN1,无名冷库,market,{DIVISION},河滨路8号\n"
    )
    pairs = (await admin.get("/office/registers/lookalikes", params={"decision": ""})).json()

    assert [{one["first"]["code"], one["second"]["code"]} for one in pairs] == [{"N1", code}]


async def test_a_place_is_registered_under_its_number(
    office: Office, admin: AsyncClient, supervisor: AsyncClient
) -> None:
    code, inspection = await visited(office, supervisor)
    known = await establishment(office, DIVISION)
    at = f"/office/provisional/{code}/register"

    taken = await admin.post(at, json={"code": known.code})
    reserved = await admin.post(at, json={"code": "PROV-9"})
    done = await admin.post(at, json={"code": "92310101MA1", "name": "王记冷库"})
    gone = await admin.post("/office/provisional/E1/match", json={"into": known.code})
    none = await admin.post("/office/provisional/PROV-0/match", json={"into": known.code})
    shown = (await supervisor.get(f"/office/inspections/{inspection}")).json()
    kept = await row(office, "92310101MA1")

    assert refusal(taken) == (409, "provisional.known")
    assert (refusal(reserved)[1], reserved.json()["details"]["problems"]) == (
        "provisional.unregistered", "code.reserved",
    )  # fmt: skip
    assert (done.status_code, done.json()["code"]) == (201, "92310101MA1")
    assert (kept.name, kept.address, kept.status) == ("王记冷库", "河滨路8号", "active")
    assert refusal(gone) == refusal(none) == (404, "provisional.not-found")
    assert (shown["code"], shown["name"]) == ("92310101MA1", "王记冷库")


async def test_a_place_is_not_matched_with_another_that_waits(
    office: Office, admin: AsyncClient
) -> None:
    one, other = await provisional(office, DIVISION), await provisional(office, DIVISION)

    refused = await admin.post(f"/office/provisional/{one}/match", json={"into": other})

    assert refusal(refused) == (404, "establishment.not-found")


async def test_what_a_draw_chose_stays_with_the_code_that_the_draw_names(
    office: Office, supervisor: AsyncClient
) -> None:
    known, chosen = [await establishment(office, DIVISION) for _ in range(2)]
    async with db.transaction(office.engine) as session:
        chosen = await session.get_one(Establishment, chosen.id)
        chosen.successor_code = known.code
        drawn, assigned = Task(**EMPTY, draw_id="a draw"), Task(**EMPTY)

        places = await mergers.followed(session, [(drawn, chosen), (assigned, chosen)])

    assert places[drawn.id].code == chosen.code
    assert places[assigned.id].code == known.code
