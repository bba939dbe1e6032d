"""导入批次: what a dry run tells, what each revision did, and the way back, on both databases."""

from pathlib import Path
from typing import Any

from conftest import Office
from httpx import AsyncClient, Response
from sqlmodel import func, select
from visits import dispatched

from backend import db
from backend.tables import Establishment, EstablishmentVersion, Revision, Task

FIXTURES = Path(__file__).parents[2] / "fixtures"
OWN = (FIXTURES / "mappings" / "own.toml").read_text("utf-8")
DISTRICT = "330106"
CODE = "92330106MAUX4U4Q3W"
HEADER = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
PEOPLE = "执法证号,姓名,部门,区划代码,资质,任务上限,发证日期,有效期至,在岗状态\n"
MARKET = "91330106MAWDLXX28X,临河农贸市场,农贸市场,330106001,人民路1号,B,存续,120.1,30.27\n"
STORE = "92330106MAUX4U4Q3W,海川冷库,冷库,330106002,河滨路2号,C,停业,120.2,30.28\n"
VENDOR = "N2330110MF0000000M,家和便利店,食品销售,330106003,文化路3号,A,存续,,\n"
LATER = STORE.replace("海川", "远洋").replace(",C,", ",A,")


async def load(client: AsyncClient, *rows: str, **params: str) -> dict[str, Any]:
    files = [("files", ("part.csv", HEADER + "".join(rows), "text/csv"))]
    answer = await client.post(
        "/office/registers/establishments", data={"mapping": OWN}, files=files, params=params
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def undo(client: AsyncClient, revision: str, *, force: bool = False) -> Response:
    path = f"/office/registers/revisions/{revision}/undo"
    return await client.post(path, json={"force": force})


async def stored(office: Office) -> dict[str, Establishment]:
    async with db.transaction(office.engine, write=False) as session:
        return {row.code: row for row in await session.exec(select(Establishment))}


async def images(office: Office) -> list[dict[str, Any]]:
    return [row.model_dump() for _, row in sorted((await stored(office)).items())]


async def count(office: Office, table: type[Revision | EstablishmentVersion]) -> int:
    async with db.transaction(office.engine, write=False) as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


def kinds(told: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in told["changes"]:
        found.setdefault(one["kind"], []).append(one["name"])
    return found


async def test_a_dry_run_tells_what_the_import_then_does_and_writes_nothing(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, MARKET, STORE)
    before = await images(office)

    dry = await load(admin, LATER, VENDOR, "短,行\n", dry_run="true")
    untouched = await images(office)
    revisions = await count(office, Revision)
    wet = await load(admin, LATER, VENDOR, "短,行\n")

    assert untouched == before
    assert revisions == 1
    assert (dry["created"], dry["changed"], dry["unchanged"], dry["missing"]) == (1, 1, 0, 1)
    assert kinds(dry) == {
        "changed": ["远洋冷库"], "new": ["家和便利店"], "missing": ["临河农贸市场"],
    }  # fmt: skip
    assert dry["fields"] == {"name": 1, "risk": 1}
    assert dry["changes"][0]["fields"] == [
        {"field": "name", "before": "海川冷库", "after": "远洋冷库"},
        {"field": "risk", "before": "C", "after": "A"},
    ]
    assert dry["codes"] == {"row.columns-wrong": 1}
    assert {**wet, "revision": "", "dry_run": True} == dry


async def test_a_dry_run_of_inspectors_writes_nothing(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    files = [("files", ("p.csv", PEOPLE + "A1,王伟,执法队,330106,,8,2024-01-15,2029-12-31,在岗\n"))]

    told = await admin.post(
        "/office/registers/inspectors", data={"mapping": OWN}, files=files, params={"dry_run": "1"}
    )

    assert (told.json()["created"], told.json()["revision"]) == (1, "")
    assert (await admin.get("/office/registers/inspectors")).json() == []


async def test_the_missing_are_kept_marked_or_closed_as_was_asked_and_may_reappear(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, MARKET, STORE)

    kept = await load(admin, MARKET)
    versions = await count(office, EstablishmentVersion)
    marked = await load(admin, MARKET, missing="mark")
    again = await load(admin, MARKET, missing="mark")
    since = (await stored(office))[CODE].missing_since
    back = await load(admin, MARKET, STORE, missing="mark")
    unmarked = (await stored(office))[CODE].missing_since
    closed = await load(admin, MARKET, missing="close")
    status = (await stored(office))[CODE].status
    reopened = await load(admin, MARKET, STORE)

    told = [kept, marked, again, back, closed, reopened]
    assert [one["missing"] for one in told] == [1, 1, 1, 0, 1, 0]
    assert [one["reappeared"] for one in told] == [0, 0, 0, 1, 0, 1]
    assert versions == 0
    assert since == office.clock()
    assert unmarked is None
    assert status == "cancelled"
    assert (await stored(office))[CODE].status == "suspended"
    assert await count(office, EstablishmentVersion) == 4  # marked, back, closed, reopened


async def test_who_lies_in_another_division_is_not_missing(office: Office) -> None:
    nation = await office.officer("admin", "")
    admin = await office.officer("admin", DISTRICT)
    await load(nation, MARKET, STORE.replace("330106002", "330105002"))

    told = await load(admin, VENDOR, missing="close")

    assert told["missing"] == 1
    assert (await stored(office))[CODE].status == "suspended"


async def test_an_undo_restores_exactly_what_was_there(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, MARKET.replace("120.1,", "120.12345678901234,"), STORE)
    before = await images(office)
    told = await load(admin, LATER, VENDOR, missing="close")

    answer = await undo(admin, told["revision"])

    assert answer.status_code == 201, answer.text
    done = answer.json()
    assert (done["restored"], done["removed"], done["lost"]) == (2, 1, 0)
    assert await images(office) == before


async def test_revisions_are_undone_one_after_the_other(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    first = await load(admin, STORE)
    before = await images(office)
    second = await load(admin, LATER, MARKET)

    first_refused = await undo(admin, first["revision"])
    undone = await undo(admin, second["revision"])
    after = await images(office)
    twice = await undo(admin, second["revision"])
    of_undo = await undo(admin, undone.json()["revision"])
    rest = await undo(admin, first["revision"])

    assert first_refused.json()["code"] == "revision.changed-later"
    details = first_refused.json()["details"]
    assert details["count"] == 1
    assert details["changes"] == f"{CODE} (name 海川冷库 → 远洋冷库, risk C → A)"
    assert after == before
    assert (twice.status_code, twice.json()["code"]) == (409, "revision.undone")
    assert (of_undo.status_code, of_undo.json()["code"]) == (409, "revision.not-undoable")
    assert rest.json()["removed"] == 1
    assert await images(office) == []


async def test_later_changes_are_given_up_by_force(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, STORE)
    before = await images(office)
    second = await load(admin, LATER)
    await load(admin, LATER.replace("河滨路2号", "河滨路8号"))

    answer = await undo(admin, second["revision"], force=True)

    assert (answer.json()["restored"], answer.json()["lost"]) == (1, 1)
    assert await images(office) == before


async def test_an_undone_file_may_be_imported_again(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    first = await load(admin, STORE)
    await undo(admin, first["revision"])

    again = await load(admin, STORE)

    assert again["created"] == 1
    assert list(await stored(office)) == [CODE]


async def test_who_was_drawn_is_not_removed_even_by_force(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    told = await load(admin, STORE)
    site = (await stored(office))[CODE]
    task = (await dispatched(office, sites=1))[0]
    async with db.transaction(office.engine) as session:
        (await session.get_one(Task, task.id)).establishment_id = site.id

    answer = await undo(admin, told["revision"], force=True)

    assert (answer.status_code, answer.json()["code"]) == (409, "revision.in-use")
    assert answer.json()["details"]["rows"] == CODE
    assert CODE in await stored(office)


async def test_a_revision_that_is_not_there_or_not_ours_is_not_undone(office: Office) -> None:
    nation = await office.officer("admin", "")
    admin = await office.officer("admin", DISTRICT)
    told = await load(nation, STORE)

    missing = await undo(admin, "nothing")
    foreign = await undo(admin, told["revision"])

    assert (missing.status_code, missing.json()["code"]) == (404, "revision.not-found")
    assert (foreign.status_code, foreign.json()["code"]) == (403, "auth.division-forbidden")


async def test_a_later_import_with_an_earlier_clock_is_the_newest(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    first = await load(admin, STORE)
    office.clock.advance(hours=-1)  # when an import began that read for long, or a clock set back
    second = await load(admin, LATER)

    again = await load(admin, STORE)

    versions = (await admin.get("/office/registers/versions", params={"code": CODE})).json()
    assert (again["changed"], (await stored(office))[CODE].name) == (1, "海川冷库")
    assert [one["revision"] for one in versions] == [
        first["revision"], second["revision"], again["revision"],
    ]  # fmt: skip


async def test_what_moved_to_another_division_is_not_taken_back_by_force(office: Office) -> None:
    nation = await office.officer("admin", "")
    admin = await office.officer("admin", DISTRICT)
    first = await load(admin, STORE)
    second = await load(admin, LATER)
    await load(nation, LATER.replace("330106002", "330105002"))
    before = await images(office)

    answers = [await undo(admin, one["revision"], force=True) for one in (second, first)]

    assert [one.json()["code"] for one in answers] == ["auth.division-forbidden"] * 2
    assert await images(office) == before


async def test_the_history_tells_what_each_revision_did(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    first = await load(admin, STORE)
    office.clock.advance(hours=1)
    second = await load(admin, LATER)
    office.clock.advance(hours=1)
    undone = (await undo(admin, second["revision"])).json()
    office.clock.advance(hours=1)
    gone = (await undo(admin, first["revision"])).json()

    revisions = (await admin.get("/office/registers/revisions")).json()
    versions = (await admin.get("/office/registers/versions", params={"code": CODE})).json()
    unknown = await admin.get("/office/registers/versions", params={"code": "?"})

    assert [(one["id"], one["undone_id"]) for one in revisions] == [
        (gone["revision"], None),
        (undone["revision"], None),
        (second["revision"], undone["revision"]),
        (first["revision"], gone["revision"]),
    ]
    assert [(one["revision"], one["kind"], len(one["fields"])) for one in versions] == [
        (first["revision"], "created", 12),
        (second["revision"], "changed", 2),
        (undone["revision"], "changed", 2),
        (gone["revision"], "removed", 12),
    ]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "establishment.not-found")


async def test_nobody_is_closed_by_a_file_with_refused_rows(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    await load(admin, MARKET, STORE)
    before = await images(office)

    files = [("files", ("part.csv", HEADER + MARKET + "短,行\n", "text/csv"))]
    answer = await admin.post(
        "/office/registers/establishments", data={"mapping": OWN}, files=files,
        params={"missing": "close"},
    )  # fmt: skip
    told = await load(admin, MARKET, "短,行\n", missing="close", dry_run="true")

    assert answer.status_code == 400
    assert answer.json()["code"] == "register.close-unsure"
    assert (told["refused"], told["missing"]) == (1, 1)
    assert await images(office) == before
