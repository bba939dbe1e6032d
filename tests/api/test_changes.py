"""变更事件: a change feed is applied once, in the order of what happened, and nothing is lost."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
import rows
from conftest import NOW, Office
from httpx import AsyncClient, Response
from sqlmodel import col, select

from backend import db
from backend.tables import Establishment, Event, Inspector, Leave, Licence, Listing, Recusal

OWN, FOREIGN = "330106", "440305"
CODE = "92330106MAUX4U4Q3W"
SHOP = {"code": CODE, "name": "海川冷库", "category": "cold-store", "division": OWN}

_number = iter(range(1, 10_000))


def line(
    kind: str, hours: float = 0, register: str = "establishments", /, **fields: Any
) -> dict[str, Any]:
    return {
        "source": "licensing", "id": str(next(_number)), "register": register, "kind": kind,
        "at": (NOW + timedelta(hours=hours - 100)).isoformat(), "fields": fields,
    }  # fmt: skip


async def post(client: AsyncClient, *lines: object) -> Response:
    body = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    return await client.post("/office/registers/changes", content=body, headers=headers)


async def done(client: AsyncClient, *lines: object) -> dict[str, Any]:
    answer = await post(client, *lines)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def codes(told: dict[str, Any]) -> list[tuple[int, str, str, bool]]:
    return [(one["row"], one["column"], one["code"], one["kept"]) for one in told["problems"]]


async def shop(office: Office, code: str = CODE) -> Establishment:
    async with db.transaction(office.engine, write=False) as session:
        query = select(Establishment).where(Establishment.code == code)
        return (await session.exec(query)).one()


async def test_created_changed_and_cancelled_in_one_post(office: Office) -> None:
    admin = await office.officer("admin", OWN)

    told = await done(
        admin,
        line("cancelled", 3, code=CODE),
        line("created", 1, **SHOP),
        line("changed", 2, code=CODE, address="河滨路2号", longitude=120.5, latitude=30.2),
    )

    one = await shop(office)
    assert (told["applied"], told["refused"], len(told["registers"])) == (3, 0, 1)
    assert (one.status, one.address, one.longitude) == ("cancelled", "河滨路2号", 120.5)


async def test_the_same_change_is_applied_once(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    new = line("created", 1, **SHOP)
    await done(admin, new)
    await done(admin, line("changed", 2, code=CODE, name="海川冷链"))

    again = await done(admin, new, new)
    other = await done(admin, {**new, "fields": {**SHOP, "name": "别的"}})

    assert (again["known"], again["applied"], again["registers"]) == (2, 0, [])
    assert codes(other) == [(1, "id", "change.id-reused", False)]
    assert (await shop(office)).name == "海川冷链"


async def test_what_happened_earlier_does_not_overwrite(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    await done(admin, line("created", 5, **SHOP))

    late = await done(admin, line("changed", 4, code=CODE, name="旧名"))

    assert (late["stale"], late["applied"]) == (1, 0)
    assert codes(late) == [(1, "id", "change.stale", True)]
    assert (await shop(office)).name == "海川冷库"


async def test_a_change_waits_for_its_row_and_a_licence_for_its_shop(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    licence = {"number": "JY1", "code": CODE, "kind": "food-operation"}

    early = await done(
        admin,
        line("changed", 2, code=CODE, name="新名"),
        line("created", 2, "licences", **licence),
    )
    later = await done(admin, line("created", 1, **SHOP))

    async with db.transaction(office.engine, write=False) as session:
        licences = (await session.exec(select(Licence.number))).all()
        open = (await session.exec(select(Event).where(Event.waits_register != ""))).all()
    assert (early["waiting"], early["applied"], early["refused"]) == (2, 0, 0)
    assert {code for _, _, code, _ in codes(early)} == {"change.waits"}
    assert (later["released"], later["applied"]) == (2, 3)
    assert (await shop(office)).name == "新名"
    assert (list(licences), list(open)) == (["JY1"], [])


async def imported(client: AsyncClient, register: str, *lines: dict[str, Any]) -> None:
    body = b"\n".join(json.dumps(one).encode() for one in lines)
    answer = await client.post(
        f"/office/registers/{register}", files={"files": (f"{register}.ndjson", body)}
    )
    assert answer.status_code == 201, answer.text


async def test_what_waits_for_what_waits_comes_with_it(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    listing = {"code": CODE, "kind": "abnormal", "listed_on": "2026-02-01"}

    early = await done(
        admin,
        line("changed", 3, "listings", **listing, reason="年报"),
        line("created", 2, "listings", **listing),
    )
    early_again = await done(admin, line("changed", 4, "listings", **listing, authority="西湖"))
    later = await done(admin, line("created", 1, **SHOP))

    async with db.transaction(office.engine, write=False) as session:
        one = (await session.exec(select(Listing))).one()
    assert (early["waiting"] + early_again["waiting"], early["applied"]) == (3, 0)
    assert (later["released"], later["applied"], later["waiting"]) == (3, 4, 0)
    assert (one.reason, one.authority) == ("年报", "西湖")


async def test_an_import_releases_what_waits_for_its_rows(office: Office) -> None:
    bureau, boss = await office.officer("admin", OWN), await office.officer("admin")
    person = {
        "certificate": "A1", "name": "王伟", "department": "执法队", "division": OWN,
        "valid_from": "2024-01-15", "valid_to": "2029-12-31",
    }  # fmt: skip
    listing = {"code": CODE, "kind": "abnormal", "listed_on": "2026-02-01"}
    away = {"certificate": "A1", "first_day": "2026-03-01"}

    early = await done(
        bureau,
        line("created", 1, "recusals", code=CODE, certificate="A1", reason="亲属"),
        line("created", 1, "leave", **away, last_day="2026-03-05"),
        line("changed", 2, "listings", **listing, reason="年报"),
        line("changed", 2, "leave", **{**away, "first_day": "2026-04-01"}, reason="产假"),
    )
    await imported(boss, "establishments", SHOP)
    await imported(boss, "inspectors", person)
    await imported(boss, "listings", listing)
    await imported(boss, "leave", {**away, "first_day": "2026-04-01", "last_day": "2026-04-30"})

    async with db.transaction(office.engine, write=False) as session:
        recusals = (await session.exec(select(Recusal.code, Recusal.certificate))).all()
        away_from = select(Leave.first_day, Leave.reason).order_by(col(Leave.first_day))
        leave = [(str(day), reason) for day, reason in await session.exec(away_from)]
        listings = (await session.exec(select(Listing.reason))).all()
        open = (await session.exec(select(Event.key).where(Event.waits_register != ""))).all()
    assert (early["waiting"], early["applied"]) == (4, 0)
    assert list(recusals) == [(CODE, "A1")]
    assert leave == [("2026-03-01", ""), ("2026-04-01", "产假")]
    assert list(listings) == ["年报"]
    assert list(open) == []


async def test_what_is_released_has_the_rights_of_whoever_handed_it_in(office: Office) -> None:
    stranger, boss = await office.officer("admin", FOREIGN), await office.officer("admin")
    await done(stranger, line("changed", 2, code=CODE, name="别人的"))

    await imported(boss, "establishments", SHOP)
    told = await done(boss, line("changed", 3, code=CODE, address="河滨路2号"))

    one = await shop(office)
    assert (one.name, one.address) == ("海川冷库", "河滨路2号")
    assert (told["applied"], told["released"]) == (1, 0)


async def test_a_dry_run_releases_nothing(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    await done(admin, line("changed", 2, code=CODE, name="新名"))
    batch = rows.revision("establishments")
    await rows.put(office, batch, Establishment(**SHOP, revision_id=batch.id))  # behind its back

    body = json.dumps(SHOP).encode()
    tried = await admin.post(
        "/office/registers/establishments",
        files={"files": ("a.ndjson", body)},
        params={"dry_run": "1"},
    )

    async with db.transaction(office.engine, write=False) as session:
        open = (await session.exec(select(Event.key).where(Event.waits_register != ""))).all()
    assert tried.json()["unchanged"] == 1
    assert list(open) == [CODE]


@pytest.mark.parametrize(
    ("bad", "column", "code"),
    [
        (b"{", "", "change.line-invalid"),
        (b"[1]", "", "change.line-invalid"),
        (b"\xff", "", "change.line-invalid"),
        (b'{"x": "' + b"y" * 70_000 + b'"}', "", "change.line-too-long"),
        ({**line("created", **SHOP), "kind": "born"}, "kind", "change.line-invalid"),
        ({**line("created", **SHOP), "at": "2026-01-01"}, "at", "change.line-invalid"),
        ({**line("created", **SHOP), "at": "2027-01-01T00:00:00Z"}, "at", "row.value-invalid"),
        (line("created", code=CODE), "name", "row.value-missing"),
        (line("changed", name="x"), "code", "row.value-missing"),
        (line("created", **SHOP, colour="red"), "colour", "change.field-unknown"),
        (line("created", **{**SHOP, "risk": "Z"}), "risk", "row.value-unknown"),
        (line("created", **{**SHOP, "name": "a\x00"}), "name", "row.undecodable"),
        (line("created", **{**SHOP, "code": 9.1e17}), "code", "row.value-invalid"),
        (line("created", **{**SHOP, "division": FOREIGN}), "id", "row.division-foreign"),
        (line("cancelled", 0, "recusals", code="1", certificate="2"), "kind",
         "change.not-cancellable"),
    ],
)  # fmt: skip
async def test_a_bad_line_is_named_and_the_others_are_taken(
    bad: object, column: str, code: str, office: Office
) -> None:
    admin = await office.officer("admin", OWN)
    good = line("created", 1, **{**SHOP, "code": "GOOD"})

    told = await done(admin, b"", bad, good)

    assert codes(told) == [(2, column, code, False)]
    assert (told["refused"], told["applied"], told["lines"]) == (1, 1, 2)
    assert (await shop(office, "GOOD")).name == "海川冷库"


async def test_each_register_says_in_its_own_way_that_something_is_over(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    person = {
        "certificate": "A1", "name": "王伟", "department": "执法队", "division": OWN,
        "valid_from": "2024-01-15", "valid_to": "2029-12-31",
    }  # fmt: skip
    listed = {"code": CODE, "kind": "abnormal", "listed_on": "2026/1/5"}

    told = await done(
        admin,
        line("created", 1, **SHOP),
        line("created", 1, "inspectors", **person),
        line("cancelled", 2, "inspectors", certificate="A1"),
        line("created", 1, "listings", **listed),
        {**line("cancelled", 0, "listings", **listed), "at": "2026-02-28T23:30:00-05:00"},
        line("cancelled", 2, code=CODE),
        line("created", 3, code=CODE, name="重开", category="market", division=OWN),
    )

    async with db.transaction(office.engine, write=False) as session:
        one = (await session.exec(select(Inspector))).one()
        listing = (await session.exec(select(Listing))).one()
    assert (told["applied"], told["refused"]) == (7, 0)
    assert one.active is False
    assert str(listing.removed_on) == "2026-02-28", "the day that it was there"
    assert (await shop(office)).status == "active", "what is created anew is open again"


async def test_an_undo_takes_a_post_back_and_it_may_come_again(office: Office) -> None:
    admin = await office.officer("admin", OWN)
    await done(admin, line("created", 1, **SHOP))
    change = line("changed", 2, code=CODE, name="新名")
    told = await done(admin, change)
    undo = f"/office/registers/revisions/{told['registers'][0]['revision']}/undo"

    taken_back = await admin.post(undo, json={})
    before = (await shop(office)).name
    again = await done(admin, change)

    assert taken_back.status_code == 201, taken_back.text
    assert before == "海川冷库"
    assert (again["applied"], again["known"]) == (1, 0)
    assert (await shop(office)).name == "新名"


async def test_a_new_licence_is_found_and_drawn_and_a_cancelled_one_is_not(office: Office) -> None:
    admin, supervisor, planned = await office.officer("admin", OWN), *await rows.plan(office, OWN)
    async with db.transaction(office.engine, write=False) as session:
        query = select(Establishment.code).order_by(col(Establishment.code))
        gone, *_ = (await session.exec(query)).all()

    new = {"code": CODE, "name": "新开菜市场", "category": "market", "division": OWN}
    await done(admin, line("created", 1, **new), line("cancelled", 1, code=gone))
    found = await admin.get("/office/registers/search", params={"words": "新开"})
    order = rows.new_plan(await rows.checklist(office), OWN)
    plan = (await supervisor.post("/office/plans", json=order)).json()
    draw = await supervisor.post(f"/office/plans/{plan['id']}/draws", json=rows.ORDER)
    frozen = await supervisor.get(f"/office/draws/{draw.json()['id']}/files/frame.tsv.gz")

    assert planned
    assert [one["code"] for one in found.json()["found"]] == [CODE]
    assert frozen.status_code == 200, frozen.text
    frame = gzip.decompress(frozen.content).decode()
    lines = {one.partition("\t")[0]: one.split("\t") for one in frame.splitlines()}
    assert "E" in lines[CODE], "it may be drawn"
    assert "X01-cancelled" in lines[gone], "it may not"
