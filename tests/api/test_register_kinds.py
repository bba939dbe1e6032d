"""名录种类: every register comes by one engine, keeps its versions and is undone."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Office
from httpx import AsyncClient, Response
from sqlmodel import func, select

from backend import db
from backend.auth import Officer
from backend.rules.records import REGISTERS, Register
from backend.tables import Division, Establishment, Inspector, Licence, Listing, Revision
from backend.work import registers
from backend.work.shelves import SHELVES
from sync.refusals import Reason, Refused

FIXTURES = Path(__file__).parents[2] / "fixtures"
OWN = (FIXTURES / "mappings" / "own.toml").read_text("utf-8")
MORE = (FIXTURES / "mappings" / "own_more.toml").read_text("utf-8")
DISTRICT = "330106"
NATION = Officer(id="", name="feed", role="admin", division="")
MINE = Officer(id="", name="feed", role="admin", division=DISTRICT)

PLACES = "code,name,category,division,risk,status,status_raw,longitude,latitude,datum\n"
SHOP = "S1,海川,food-vendor,330106001,C,suspended,停业,120.12345678901234,30.2,WGS-84\n"
STALL = "S2,摊位,food-vendor,330106001,A,active,存续,,,\n"
PEOPLE = "certificate,name,department,division,valid_from,valid_to\n"
WANG = "A1,王伟,执法队,330106,2024-01-15,2029-12-31\n"
LICENCE = "number,code,kind,valid_to\nJY1,S1,food-operation,\nJY2,S9,food-operation,2027-01-01\n"
SMALL: dict[Register, str] = {
    "establishments": PLACES + SHOP + STALL,
    "inspectors": PEOPLE + WANG,
    "licences": "number,code,kind,valid_to\nJY1,S1,food-operation,2027-01-01\n",
    "listings": "code,kind,listed_on\nS1,abnormal,2025-07-01\n",
    "leave": "certificate,first_day,last_day\nA1,2026-03-02,2026-03-09\n",
    "recusals": "code,certificate,reason\nS1,A1,亲属\n",
    "departments": "name,division\n执法队,330106\n",
    "divisions": "code,name\n330106001,临河街道\n",
}
EDITED: dict[Register, str] = {
    "establishments": PLACES + SHOP.replace("海川", "远洋") + STALL,
    "inspectors": PEOPLE + WANG.replace("王伟", "王薇"),
    "licences": SMALL["licences"].replace("2027", "2028"),
    "listings": "code,kind,listed_on,removed_on\nS1,abnormal,2025-07-01,2026-01-05\n",
    "leave": SMALL["leave"].replace("03-09", "03-12"),
    "recusals": SMALL["recusals"].replace("亲属", "同学"),
    "departments": "name,division,code\n执法队,330106,ZF\n",
    "divisions": "code,name,until\n330106001,临河街道,2026\n",
}


async def send(
    client: AsyncClient, register: str, body: str | bytes, mapping: str = "", **params: str
) -> Response:
    files = [("files", ("a.csv", body, "text/csv"))]
    path = f"/office/registers/{register}"
    return await client.post(path, data={"mapping": mapping}, files=files, params=params)


async def load(client: AsyncClient, register: str, body: str | bytes, **params: str) -> Any:
    answer = await send(client, register, body, **params)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def undo(client: AsyncClient, revision: str, *, force: bool = False) -> Response:
    path = f"/office/registers/revisions/{revision}/undo"
    return await client.post(path, json={"force": force})


async def image(office: Office, register: Register) -> list[dict[str, Any]]:
    kept = SHELVES[register].kept
    async with db.transaction(office.engine, write=False) as session:
        rows = await (await session.connection()).execute(kept.select().order_by(kept.c.id))
        return [dict(row) for row in rows.mappings()]


def counts(done: dict[str, Any]) -> tuple[int, int, int, int]:
    return done["created"], done["changed"], done["unchanged"], done["refused"]


async def test_our_sample_files_of_every_register_are_imported_and_again_change_nothing(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    order = ["establishments", "inspectors", "departments", "divisions"]
    order += ["licences", "listings", "leave", "recusals"]
    bodies = {one: (FIXTURES / "registers" / f"{one}.csv").read_bytes() for one in order}

    first = {one: (await send(admin, one, bodies[one], OWN)).json() for one in order}
    again = {one: (await send(admin, one, bodies[one], OWN)).json() for one in order}
    markets = await send(
        admin, "establishments", (FIXTURES / "registers" / "markets.csv").read_bytes(), MORE
    )
    experts = await send(
        admin, "inspectors", (FIXTURES / "registers" / "experts.csv").read_bytes(), MORE
    )

    assert {one: counts(done)[0] for one, done in first.items()} == {
        "establishments": 2000, "inspectors": 60, "departments": 4, "divisions": 12,
        "licences": 315, "listings": 24, "leave": 10, "recusals": 40,
    }  # fmt: skip
    assert first["licences"]["codes"]["row.not-registered"] == 1
    assert all(counts(done)[:2] == (0, 0) for done in again.values())
    assert [again[one]["unchanged"] for one in order] == [first[one]["created"] for one in order]
    assert counts(markets.json())[0] == 12
    assert counts(experts.json()) == (5, 0, 0, 0)
    async with db.transaction(office.engine, write=False) as session:
        stalls = (
            await session.exec(
                select(func.count()).where(Establishment.parent_code == "91330106MAWDLXX28X")
            )
        ).one()
        keys = list(await session.exec(select(Establishment).where(Establishment.key_object)))
        people = list(await session.exec(select(Inspector).where(Inspector.expert)))
    assert stalls == 12
    assert len(keys) == markets.json()["changed"] > 10
    assert {one.risk for one in keys} <= {"B", "C", "D"}
    assert len(people) == 4


async def test_what_a_file_does_not_tell_is_left_as_it_is(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, "establishments", PLACES + SHOP)

    told = await load(
        admin,
        "establishments",
        "code,name,category,division\nS1,远洋,food-vendor,330106001\nS3,新店,food-vendor,330106001\n",
    )

    assert counts(told) == (1, 1, 0, 0)
    assert told["fields"] == {"name": 1}
    old, new = sorted(await image(office, "establishments"), key=lambda one: str(one["code"]))
    assert (old["name"], old["risk"], old["status"], old["status_raw"]) == (
        "远洋", "C", "suspended", "停业",
    )  # fmt: skip
    assert (old["longitude"], old["latitude"], old["datum"]) == (120.12345678901234, 30.2, "WGS-84")
    assert (new["risk"], new["status"], new["longitude"]) == ("B", "active", None)


async def test_a_status_comes_with_its_text_and_a_point_whole(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, "establishments", PLACES + SHOP)
    mapping = """[establishments.fields]
code = "code"
name = "name"
category = "category"
division = "division"
status = { column = "state", values = { "在营" = "active" } }
longitude = "x"
latitude = "y"
"""
    half = mapping.replace('latitude = "y"\n', "")
    body = "code,name,category,division,state,x,y\nS1,海川,food-vendor,330106001,在营,120.5,30.5\n"

    await send(admin, "establishments", body, mapping)
    refused = await send(admin, "establishments", body, half)

    [row] = await image(office, "establishments")
    assert (row["status"], row["status_raw"]) == ("active", "在营")
    assert (row["longitude"], row["latitude"], row["datum"]) == (120.5, 30.5, "")
    assert row["risk"] == "C"
    assert refused.json()["code"] == "mapping.invalid"


@pytest.mark.parametrize("register", list(REGISTERS))
async def test_every_register_is_changed_told_and_undone_exactly(
    office: Office, register: Register
) -> None:
    admin = await office.officer("admin", DISTRICT)
    needed: list[Register] = ["establishments", "inspectors"]
    for one in needed:
        await load(admin, one, SMALL[one])
    if register not in needed:
        await load(admin, register, SMALL[register])
    before = await image(office, register)
    office.clock.advance(hours=1)

    dry = await load(admin, register, EDITED[register], dry_run="true")
    untouched = await image(office, register)
    told = await load(admin, register, EDITED[register])
    after = await image(office, register)
    again = await load(admin, register, EDITED[register])
    code = str(after[0][REGISTERS[register].key[0]])
    path = "/office/registers/versions"
    lives = (await admin.get(path, params={"register": register, "code": code})).json()
    undone = await undo(admin, told["revision"])

    assert untouched == before
    assert dry["changed"] == 1
    assert {**told, "revision": "", "dry_run": True} == dry
    assert len(told["changes"][0]["fields"]) == 1
    assert after != before
    assert counts(again)[:2] == (0, 0)
    assert [one["kind"] for one in lives] == ["created", "changed"]
    assert lives[1]["fields"] == told["changes"][0]["fields"]
    assert lives[0]["key"].startswith(code)
    assert undone.json()["restored"] == 1
    assert await image(office, register) == before


@pytest.mark.parametrize("register", list(REGISTERS))
async def test_who_looks_from_elsewhere_is_shown_and_changes_nothing(
    office: Office, register: Register
) -> None:
    nation, foreign = await office.officer("admin", ""), await office.officer("admin", "330105")
    needed: list[Register] = ["establishments", "inspectors"]
    if register not in needed:
        needed.append(register)
    for one in needed:
        await load(nation, one, SMALL[one])
    before = await image(office, register)

    told = await load(foreign, register, EDITED[register], missing="mark")
    code = str(before[0][REGISTERS[register].key[0]])
    path = "/office/registers/versions"
    lives = await foreign.get(path, params={"register": register, "code": code})
    listed = (await foreign.get(f"/office/registers/{register}")).json()
    own = (await nation.get(f"/office/registers/{register}")).json()

    assert set(told["codes"]) == {"row.division-foreign"}
    assert told["missing"] == 0
    assert await image(office, register) == before
    assert (lives.status_code, lives.json()["code"]) == (403, "auth.division-forbidden")
    assert listed == []
    assert len(own) == len(before)


async def test_what_refers_to_nothing_is_refused_and_an_unknown_parent_is_only_told(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    places = "code,name,category,division,parent_code\n"
    rows = "M,市场,market,330106001,\nT1,一号,market,330106001,M\nT2,二号,market,330106001,X\n"

    told = await load(admin, "establishments", places + rows)
    licences = await load(admin, "licences", LICENCE.replace("S1", "M"))
    departments = await load(
        admin, "departments", "name,division,parent\nB,330106,\nC,330106,B\nD,330106,局\n"
    )

    assert counts(told) == (3, 0, 0, 0)
    assert [(one["row"], one["value"], one["code"], one["kept"]) for one in told["problems"]] == [
        (4, "X", "row.parent-unknown", True)
    ]
    assert counts(licences) == (1, 0, 0, 1)
    assert [(one["row"], one["value"], one["code"]) for one in licences["problems"]] == [
        (3, "S9", "row.not-registered")
    ]
    assert departments["codes"] == {"row.parent-unknown": 1}


async def test_what_is_referred_to_is_not_removed_until_what_refers_to_it_is_undone(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    done = [await load(admin, one, SMALL[one]) for one in ("establishments", "inspectors")]
    done += [await load(admin, one, SMALL[one]) for one in ("licences", "recusals", "leave")]
    places, people, licences, recusals, leave = (one["revision"] for one in done)

    refused = [await undo(admin, places, force=True), await undo(admin, people)]
    undone = [await undo(admin, one) for one in (licences, leave, recusals, people, places)]

    assert [one.json()["code"] for one in refused] == ["revision.in-use"] * 2
    assert refused[0].json()["details"] == {"by": "licence", "rows": "S1"}
    assert refused[1].json()["details"]["rows"] == "A1"
    assert [one.status_code for one in undone] == [201] * 5
    assert await image(office, "establishments") == []


async def test_a_row_is_not_restored_to_one_who_is_gone(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    first = await load(admin, "establishments", PLACES + SHOP)
    await load(admin, "establishments", PLACES + STALL)
    await load(admin, "licences", SMALL["licences"])
    moved = await load(admin, "licences", SMALL["licences"].replace("S1", "S2"))
    assert (await undo(admin, first["revision"])).status_code == 201

    answer = await undo(admin, moved["revision"])

    assert (answer.status_code, answer.json()["code"]) == (409, "revision.reference-gone")
    assert answer.json()["details"] == {"register": "establishments", "missing": "S1"}


async def test_closing_the_missing_means_what_each_register_can_say(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    for one in REGISTERS:
        if one not in ("licences", "listings", "recusals", "leave"):
            await load(admin, one, SMALL[one])
    for one in ("licences", "listings", "recusals", "leave"):
        await load(admin, one, SMALL[one])
    headers: dict[Register, str] = {one: body.split("\n")[0] + "\n" for one, body in SMALL.items()}

    closed = ("licences", "listings", "inspectors", "divisions")
    told = {one: await load(admin, one, headers[one], missing="close") for one in closed}
    marked = await load(admin, "recusals", headers["recusals"], missing="mark")
    back = await load(admin, "recusals", SMALL["recusals"])
    refused = [
        (await send(admin, one, headers[one], missing="close")).json()["code"]
        for one in ("leave", "recusals", "departments")
    ]
    again = await load(admin, "licences", headers["licences"])

    today = office.clock().date()
    assert [one["missing"] for one in told.values()] == [1, 1, 1, 1]
    assert (marked["missing"], back["reappeared"]) == (1, 1)
    assert refused == ["register.not-closable"] * 3
    assert again["missing"] == 0
    async with db.transaction(office.engine, write=False) as session:
        assert (await session.exec(select(Licence))).one().status == "cancelled"
        assert (await session.exec(select(Listing))).one().removed_on == today
        assert (await session.exec(select(Inspector))).one().active is False
        assert (await session.exec(select(Division))).one().until == today.isoformat()


async def test_a_header_that_is_not_ours_needs_a_mapping(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)

    unknown = await send(
        admin, "establishments", "code,name,category,division,colour\n1,a,b,33,x\n"
    )
    lacking = await send(admin, "licences", "number,code\n1,2\n")
    other = await send(admin, "umbrellas", "code\n1\n")
    section = await send(admin, "establishments", PLACES + SHOP, "[establishments]\n")

    assert [one.json()["code"] for one in (unknown, lacking)] == ["mapping.needed"] * 2
    assert other.status_code == 400
    assert counts(section.json()) == (1, 0, 0, 0)


async def test_our_own_header_in_any_order_brings_everything_back(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    header = ",".join(reversed(REGISTERS["establishments"].stored))
    row = {
        "code": "S1", "name": '"a, ""b"""', "category": "market", "division": "330106001",
        "risk": "D", "status": "moved", "status_raw": "迁出", "longitude": "1e-05",
        "latitude": "-0.1", "datum": "GCJ-02", "key_object": "true", "parent_code": "S1",
        "missing_since": "2026-01-02T03:04:05.000006+00:00", "risk_source": "省局",
        "credit_class": "C",
    }  # fmt: skip
    line = ",".join(row.get(name, "") for name in header.split(","))

    first = await load(admin, "establishments", f"{header}\n{line}\n")
    again = await load(admin, "establishments", f"\ufeff{header}\n\n{line}\n")

    assert first["problems"] == []
    assert counts(again) == (0, 0, 1, 0)
    assert again["reappeared"] == 0
    [found] = await image(office, "establishments")
    assert (found["name"], found["longitude"], found["latitude"]) == ('a, "b"', 1e-05, -0.1)
    assert (found["key_object"], found["credit_class"]) == (True, "C")
    assert found["missing_since"].microsecond == 6


async def test_a_credit_class_is_one_of_four_or_none(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    rows = [f"S{n},店{n},market,330106001,{one}" for n, one in enumerate(("D", "", "E"))]

    told = await load(
        admin, "establishments", "\n".join(("code,name,category,division,credit_class", *rows, ""))
    )

    assert [(one["column"], one["code"]) for one in told["problems"]] == [
        ("credit_class", "row.value-unknown")
    ]
    found = await image(office, "establishments")
    assert {one["code"]: one["credit_class"] for one in found} == {"S0": "D", "S1": ""}


async def test_records_are_imported_as_one_revision_and_tell_only_what_they_have(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, "establishments", PLACES + SHOP)
    records = [
        {"code": "S1", "name": "远洋"},
        {"code": "S2", "name": "新店", "category": "market", "division": "330106002"},
        {"code": "S3", "status": "cancelled"},
        {"code": "S1", "status": "cancelled"},
        {"code": "S4", "name": "无区划", "category": "market"},
    ]

    async with db.transaction(office.engine) as session:
        told = await registers.import_records(
            session, MINE, "establishments", records, source_name="feed", now=office.clock()
        )
        more = await registers.import_records(
            session, MINE, "licences", [{"number": "JY1", "code": "S2", "kind": "food-operation"}],
            source_name="feed", now=office.clock(),
        )  # fmt: skip
        place = {"code": "S1", "kind": "serious", "listed_on": "2026-02-01"}
        listed = await registers.import_records(
            session, MINE, "listings", [place, {**place, "removed_on": "2026-03-01"}],
            source_name="feed", now=office.clock(),
        )  # fmt: skip

    rows = {one["code"]: one for one in await image(office, "establishments")}
    assert (told.created, told.changed, told.refused) == (1, 1, 2)
    assert [(one.row, one.code) for one in told.problems] == [
        (3, "row.value-missing"), (5, "row.value-invalid"),
    ]  # fmt: skip
    assert (rows["S1"]["name"], rows["S1"]["status"], rows["S1"]["risk"]) == (
        "远洋", "cancelled", "C",
    )  # fmt: skip
    assert (rows["S2"]["risk"], rows["S2"]["division"]) == ("B", "330106002")
    assert (more.created, listed.created) == (1, 1)
    async with db.transaction(office.engine, write=False) as session:
        assert (await session.exec(select(func.count()).select_from(Revision))).one() == 4


async def test_records_that_refer_to_nobody_or_lie_elsewhere_are_refused(office: Office) -> None:
    admin = await office.officer("admin", "")
    await load(admin, "establishments", PLACES + SHOP.replace("330106001", "330105001"))
    licence = [{"number": "JY1", "code": "S1", "kind": "food-operation"}]

    async with db.transaction(office.engine) as session:
        told = await registers.import_records(
            session, MINE, "licences", licence, source_name="feed", now=office.clock()
        )
    with pytest.raises(Refused) as refused:
        async with db.transaction(office.engine) as session:
            await registers.import_records(
                session, NATION, "licences", [{"colour": "red"}], source_name="feed",
                now=office.clock(),
            )  # fmt: skip

    assert [one.code for one in told.problems] == ["row.division-foreign"]
    assert await image(office, "licences") == []
    assert refused.value.reason is Reason.MAPPING_NEEDED
