"""名录库: what an import does, tells and leaves alone, on both databases."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Office, shared_data
from httpx import AsyncClient, Response
from litestar.testing import RequestFactory
from sqlmodel import col, func, select

from backend import db
from backend.routes.office.registers import not_text
from backend.tables import Act, Establishment, Revision

FIXTURES = Path(__file__).parents[2] / "fixtures"
OWN = (FIXTURES / "mappings" / "own.toml").read_text("utf-8")
TORONTO = (FIXTURES / "mappings" / "toronto_dinesafe.toml").read_text("utf-8")
DISTRICT = "330106"
CODE = "92330106MAUX4U4Q3W"
HEADER = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
PEOPLE = "执法证号,姓名,部门,区划代码,资质,任务上限,发证日期,有效期至,在岗状态\n"
MARKET = "91330106MAWDLXX28X,临河农贸市场,农贸市场,330106001,人民路1号,B,存续,120.1,30.27\n"
STORE = "92330106MAUX4U4Q3W,海川冷库,冷库,330106002,河滨路2号,C,停业,120.2,30.28\n"
VENDOR = "N2330110MF0000000M,家和便利店,食品销售,330106003,文化路3号,A,存续,,\n"


async def send(
    client: AsyncClient,
    *bodies: str | bytes,
    register: str = "establishments",
    mapping: str = OWN,
) -> Response:
    files = [("files", (f"part{n}.csv", body, "text/csv")) for n, body in enumerate(bodies)]
    return await client.post(
        f"/office/registers/{register}", data={"mapping": mapping}, files=files
    )


async def stored(office: Office) -> dict[str, Establishment]:
    async with db.transaction(office.engine, write=False) as session:
        return {row.code: row for row in await session.exec(select(Establishment))}


def counts(answer: Response) -> tuple[int, int, int, int]:
    assert answer.status_code == 201, answer.text
    done = answer.json()
    return done["created"], done["changed"], done["unchanged"], done["refused"]


def told(answer: Response) -> list[tuple[int, str, str, bool]]:
    return [
        (one["row"], one["column"], one["code"], one["kept"]) for one in answer.json()["problems"]
    ]


async def test_an_import_creates_what_the_mapping_says(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)

    answer = await send(admin, HEADER + MARKET + STORE + VENDOR)

    assert counts(answer) == (3, 0, 0, 0)
    assert answer.json()["problems"] == []
    rows = await stored(office)
    store = rows["92330106MAUX4U4Q3W"]
    assert (store.name, store.category, store.division) == ("海川冷库", "cold-store", "330106002")
    assert (store.risk, store.status, store.status_raw) == ("C", "suspended", "停业")
    assert (store.longitude, store.latitude, store.datum) == (120.2, 30.28, "WGS-84")
    vendor = rows["N2330110MF0000000M"]
    assert (vendor.longitude, vendor.latitude, vendor.datum) == (None, None, "")


async def test_the_same_file_again_changes_nothing_and_an_edit_changes_one(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    first = await send(admin, HEADER + MARKET + STORE + VENDOR)

    again = await send(admin, HEADER + MARKET + STORE + VENDOR)
    edited = await send(admin, HEADER + MARKET + STORE.replace("停业", "注销") + VENDOR)

    assert counts(again) == (0, 0, 3, 0)
    assert counts(edited) == (0, 1, 2, 0)
    rows = await stored(office)
    assert rows["92330106MAUX4U4Q3W"].status == "cancelled"
    assert rows["92330106MAUX4U4Q3W"].revision_id == edited.json()["revision"]
    assert rows["91330106MAWDLXX28X"].revision_id == first.json()["revision"]
    async with db.transaction(office.engine, write=False) as session:
        verbs = list(await session.exec(select(Act.verb).order_by(col(Act.n))))
        revisions = (await session.exec(select(func.count()).select_from(Revision))).one()
    assert verbs == ["register.import"] * 3
    assert revisions == 3


@pytest.mark.parametrize(
    ("row", "column", "code", "kept"),
    [
        (STORE.replace(",C,", ",C,extra,"), "", "row.columns-wrong", False),
        ("92330106MAUX4U4Q3W,短\n", "", "row.columns-wrong", False),
        (STORE.replace("海川", '"海"川'), "", "row.columns-wrong", False),
        (STORE.replace("海川", '"海川'), "", "row.columns-wrong", False),  # swallows the rest
        (STORE.replace("92330106MAUX4U4Q3W", ""), "code", "code.missing", False),
        (STORE.replace("92330106MAUX4U4Q3W", "无"), "统一社会信用代码", "code.missing", False),
        (STORE.replace(CODE, "9.1451E+17"), "统一社会信用代码", "code.rounded", False),
        (STORE.replace("海川冷库", " "), "名称", "row.value-missing", False),
        (STORE.replace("海川冷库", "长" * 301), "名称", "row.value-too-long", False),
        (STORE.replace("冷库,330", "仓库,330"), "业态", "row.value-unknown", False),
        (STORE.replace(",C,", ",E,"), "风险等级", "row.value-unknown", False),
        (STORE.replace("停业", "休眠"), "登记状态", "row.value-unknown", False),
        (STORE.replace("330106002", "33010"), "区划代码", "row.value-invalid", False),
        (STORE.replace("330106002", "330105002"), "", "row.division-foreign", False),
        (STORE.replace("120.2", "12O.2"), "经度", "row.value-invalid", True),
        (STORE.replace("30.28", "302.8"), "纬度", "row.value-invalid", True),
        (STORE.replace("MAUX4U4Q3W", "MAUX4U4Q3X"), "统一社会信用代码", "code.check-wrong", True),
        (STORE.replace(CODE, "12345"), "统一社会信用代码", "code.shape-wrong", True),
        (STORE.replace("MAUX4U4Q3W", "maux4u4q3w"), "统一社会信用代码", "code.normalised", True),
        (MARKET.replace("人民路1号", "人民路9号"), "", "row.duplicate", True),
    ],
)  # fmt: skip
async def test_an_odd_row_is_named_and_costs_no_other_row(
    office: Office, row: str, column: str, code: str, kept: bool
) -> None:
    admin = await office.officer("admin", DISTRICT)

    answer = await send(admin, HEADER + MARKET + row + VENDOR)

    assert told(answer) == [(3, column, code, kept)]
    assert answer.json()["codes"] == {code: 1}
    rows = await stored(office)
    assert {"91330106MAWDLXX28X", "N2330110MF0000000M"} <= rows.keys()
    assert len(rows) == 2 + (kept and code != "row.duplicate")
    problem = answer.json()["problems"][0]
    assert all(problem[text] for text in ("en", "zh", "remedy_en", "remedy_zh"))


async def test_a_cell_with_undecodable_bytes_is_reported_and_its_row_is_kept(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    body = (HEADER + MARKET + STORE + VENDOR).encode().replace("海川".encode(), b"\xff\xfe")

    answer = await send(admin, body)

    assert told(answer) == [(3, "名称", "row.undecodable", True)]
    assert answer.json()["problems"][0]["value"] == "<fffe>冷库"
    assert "\ufffd冷库" in {row.name for row in (await stored(office)).values()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_the_encoding_is_found_out_when_the_mapping_leaves_it_open(
    office: Office, encoding: str
) -> None:
    admin = await office.officer("admin", DISTRICT)
    mapping = OWN.replace('encoding = "utf-8"', 'encoding = "auto"')

    answer = await send(admin, (HEADER + MARKET + STORE).encode(encoding), mapping=mapping)

    assert counts(answer) == (2, 0, 0, 0)
    assert (await stored(office))["92330106MAUX4U4Q3W"].name == "海川冷库"


async def test_a_cell_may_hold_line_breaks_and_rows_are_numbered_by_their_first_line(
    office: Office,
) -> None:
    admin = await office.officer("admin", DISTRICT)
    long = STORE.replace("河滨路2号", '"河滨路2号\r二楼\n东门"')

    answer = await send(admin, HEADER + long + VENDOR.replace("食品销售", "食品") + MARKET)

    assert told(answer) == [(5, "业态", "row.value-unknown", False)]
    assert (await stored(office))["92330106MAUX4U4Q3W"].address == "河滨路2号\r二楼\n东门"


async def test_a_foreign_establishment_cannot_be_taken_over(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    neighbour = await office.officer("admin", "330105")
    await send(admin, HEADER + MARKET)

    answer = await send(neighbour, HEADER + MARKET.replace("330106001", "330105001"))

    assert told(answer) == [(2, "", "row.division-foreign", False)]
    assert (await stored(office))["91330106MAWDLXX28X"].division == "330106001"


@pytest.mark.parametrize(
    ("body", "mapping", "status", "code"),
    [
        (HEADER.replace("业态", "行业") + MARKET, OWN, 400, "mapping.column-missing"),
        (HEADER, "[establishments", 400, "mapping.invalid"),
        (HEADER, "[establishments.fields]\ncode = 3", 400, "mapping.invalid"),
        (HEADER, '[establishments.fields]\ncolour = "颜色"', 400, "mapping.invalid"),
        (HEADER, '[establishments.fields]\ncode = "统一社会信用代码"', 400, "mapping.invalid"),
        (HEADER, "[inspectors.fields]", 400, "mapping.register-missing"),
        (b"PK\x03\x04 a workbook", OWN, 400, "register.not-csv"),
        (b"", OWN, 400, "register.not-csv"),
    ],
)
async def test_a_file_or_mapping_that_cannot_be_read_is_refused_whole(
    office: Office, body: str | bytes, mapping: str, status: int, code: str
) -> None:
    admin = await office.officer("admin", DISTRICT)

    answer = await send(admin, body, mapping=mapping)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await stored(office) == {}


async def test_an_import_over_the_limit_is_refused_before_it_is_read(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)

    answer = await admin.post(
        "/office/registers/establishments",
        headers={"Content-Length": str(10**12), "Content-Type": "multipart/form-data"},
    )
    unsaid = await admin.post(
        "/office/registers/establishments",
        headers={"Transfer-Encoding": "chunked", "Content-Length": "?"},
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "body.too-large")
    assert (unsaid.status_code, unsaid.json()["code"]) == (400, "body.invalid")


@pytest.mark.parametrize(
    "form",
    [
        b"--x\r\nContent-Disposition: form-data; name=mapping\r\n\r\n\xff\xfe\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data; name=mapping\r\n\r\nonly\r\n--x--\r\n",
        b"--x\r\nno form at all",
        b"",
    ],
)
async def test_a_broken_form_is_refused(office: Office, form: bytes) -> None:
    admin = await office.officer("admin", DISTRICT)

    answer = await admin.post(
        "/office/registers/establishments",
        content=form,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "body.invalid")


async def test_only_an_admin_imports(office: Office) -> None:
    supervisor = await office.officer("supervisor", DISTRICT)

    answer = await send(supervisor, HEADER + MARKET)

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.role-forbidden")


async def test_our_sample_registers_are_imported_with_their_dirt_reported(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    bodies = {
        register: (FIXTURES / "registers" / f"{register}.csv").read_bytes()
        for register in ("establishments", "inspectors", "recusals")
    }

    answers = {
        register: await send(admin, body, register=register) for register, body in bodies.items()
    }
    again = {
        register: await send(admin, body, register=register) for register, body in bodies.items()
    }

    assert counts(answers["establishments"]) == (2000, 0, 0, 3)
    assert answers["establishments"].json()["codes"] == {
        "code.check-wrong": 5,
        "code.normalised": 69,
        "row.columns-wrong": 2,
        "row.value-unknown": 1,
    }
    assert [one["row"] for one in answers["establishments"].json()["problems"][:3]] == [
        2002, 2003, 2004,
    ]  # fmt: skip
    assert counts(answers["inspectors"]) == (60, 0, 0, 0)
    assert counts(answers["recusals"]) == (40, 0, 0, 0)
    assert [counts(answer) for answer in again.values()] == [
        (0, 0, 2000, 3), (0, 0, 60, 0), (0, 0, 40, 0),
    ]  # fmt: skip


async def test_an_inspector_has_skills_a_limit_and_a_certificate_that_ends(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    good = "A1,王伟,执法队,330106,冷链、食品安全,8,2024-01-15,2029年12月31日,在岗\n"
    bad = "A2,李静,执法队,330106,游泳,8,2024-01-15,2029/12/31,在岗\n"
    worse = "A3,张敏,执法队,330106,冷链,8,2024-02-30,2029/12/31,在岗\n"
    late = "A4,刘洋,执法队,330106,,many,2024-02-03,2029/12/31,在岗\n"
    early = "A5,陈勇,执法队,330106,,8,2024-02-03,2023/12/31,调离\n"

    answer = await send(admin, PEOPLE + good + bad + worse + late + early, register="inspectors")

    assert told(answer) == [
        (3, "资质", "row.value-unknown", False),
        (4, "发证日期", "row.value-invalid", False),
        (5, "任务上限", "row.value-invalid", False),
        (6, "有效期至", "row.value-invalid", False),
    ]
    listed = (await admin.get("/office/registers/inspectors")).json()
    assert [(one["qualifications"], one["cap"], one["valid_to"]) for one in listed] == [
        ("cold-chain,food", 8, "2029-12-31")
    ]


async def test_a_recusal_needs_both_sides_registered(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    people = PEOPLE + "A1,王伟,执法队,330106,,8,2024-01-15,2029-12-31,在岗\n"
    header = "统一社会信用代码,执法证号,回避事由\n"
    await send(admin, HEADER + MARKET)
    await send(admin, people, register="inspectors")

    answer = await send(
        admin,
        header + "91330106MAWDLXX28X,A1,亲属\n91330106MAWDLXX28X,A9,亲属\n"
        "N2330110MF0000000M,A1,亲属\n",
        register="recusals",
    )
    edited = await send(admin, header + "91330106mawdlxx28x,A1,同学\n", register="recusals")

    assert counts(answer) == (1, 0, 0, 2)
    assert told(answer) == [
        (3, "", "row.not-registered", False),
        (4, "", "row.not-registered", False),
    ]
    assert counts(edited) == (0, 1, 0, 0)
    listed = (await admin.get("/office/registers/recusals")).json()
    neighbour = await office.officer("reviewer", "330105")
    assert (await neighbour.get("/office/registers/recusals")).json() == []
    assert [(one["code"], one["certificate"], one["reason"]) for one in listed] == [
        ("91330106MAWDLXX28X", "A1", "同学")
    ]


async def test_establishments_are_found_by_part_and_paged_by_code(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    neighbour = await office.officer("admin", "330105")
    await send(admin, HEADER + MARKET + STORE + VENDOR)

    async def names(client: AsyncClient, **params: str) -> list[str]:
        answer = await client.get("/office/registers/establishments", params=params)
        return [one["name"] for one in answer.json()]

    found = [
        await names(admin),
        await names(admin, search="冷库"),
        await names(admin, search="maux4u4q3w"),
        await names(admin, search="%"),
        await names(admin, category="market"),
        await names(admin, limit="1", after="91330106MAWDLXX28X"),
        await names(neighbour),
    ]

    assert found == [
        ["临河农贸市场", "海川冷库", "家和便利店"],
        ["海川冷库"],
        ["海川冷库"],
        [],
        ["临河农贸市场"],
        ["海川冷库"],
        [],
    ]


async def test_toronto_in_all_years_has_each_establishment_once(
    office: Office, record_property: Callable[[str, object], None]
) -> None:
    folder = shared_data() / "toronto_dinesafe"
    bodies = [path.read_bytes() for path in sorted(folder.glob("*.csv"))]
    nation = await office.officer("admin", "")
    district = await office.officer("admin", DISTRICT)

    begun = time.perf_counter()
    answer = await send(nation, *bodies, mapping=TORONTO)
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    again = await send(nation, *bodies, mapping=TORONTO)
    record_property("seconds", (seconds, time.perf_counter() - begun))
    foreign = await send(district, bodies[0], mapping=TORONTO)

    assert answer.json()["rows"] == 92_575
    assert counts(answer) == (11_526, 0, 0, 0)
    assert answer.json()["problems"] == []
    assert counts(again) == (0, 0, 11_526, 0)
    assert len(await stored(office)) == 11_526
    assert foreign.json()["codes"].keys() == {"row.division-foreign"}
    assert len(foreign.json()["problems"]) == 1000
    assert seconds < 30  # two or three, on a quiet machine


async def test_a_broken_row_in_a_real_file_costs_only_itself(office: Office) -> None:
    body = (shared_data() / "toronto_dinesafe" / "dinesafe.2021.csv").read_bytes()
    lines = body.splitlines(keepends=True)
    lines[99] = lines[99].replace(b'","', b'",""', 1)
    lines[199] = lines[199].rstrip() + b',"more"\r\n'
    lines[299] = lines[299].replace(b'"', b"", 1)[:-2] + b'"x\n'
    nation = await office.officer("admin", "")

    whole = await send(nation, body, mapping=TORONTO)
    answer = await send(nation, b"".join(lines), mapping=TORONTO)

    assert [row for row, *_ in told(answer)] == [100, 200, 300]
    assert answer.json()["rows"] == whole.json()["rows"]
    assert counts(answer)[:2] == (0, 0)


def test_the_generator_writes_the_same_registers_again(tmp_path: Path) -> None:
    script = FIXTURES / "generate.py"

    for _ in range(2):  # the second run finds its own files
        subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in (FIXTURES / "registers").iterdir()}
    assert written == kept
    assert sum(map(len, kept.values())) < 400_000


async def test_as_many_problems_of_recusals_are_told_as_were_asked_for(
    office: Office,
) -> None:
    admin = await office.officer("admin", "330106")
    header = "统一社会信用代码,执法证号,回避事由\n"
    rows = "91330106MA0000000X,nobody,同学\n91330106MA0000001X,nobody,同学\n"

    answer = await admin.post(
        "/office/registers/recusals",
        params={"told": 1},
        data={"mapping": OWN},
        files=[("files", ("recusals.csv", header + rows, "text/csv"))],
    )

    assert answer.json()["refused"] == 2
    assert len(answer.json()["problems"]) == 1


async def test_a_character_set_that_is_none_is_their_mistake_and_a_missing_key_is_ours() -> None:
    request = RequestFactory().post("/office/registers/recusals")
    request.scope["state"] = {"request_id": "r1"}

    theirs = not_text(request, LookupError("unknown encoding: klingon"))
    ours = not_text(request, KeyError("row"))

    assert (theirs.status_code, ours.status_code) == (400, 500)
