"""名录库: what an import of many rows tells and writes, on both databases."""

from pathlib import Path
from uuid import UUID

from conftest import Office
from httpx import AsyncClient, Response
from sqlmodel import select

from backend import db
from backend.rules.identifiers import uscc_check
from backend.tables import Establishment
from backend.work.comparison import CHANGES_MAX
from backend.work.staging import REPEATED_MAX

OWN = (Path(__file__).parents[2] / "fixtures" / "mappings" / "own.toml").read_text("utf-8")
DISTRICT = "330106"
HEADER = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
RFC_9562 = 7  # the version of ids that begin with their time


def row(n: int, name: str = "", *, division: str = DISTRICT) -> str:
    body = f"92{division}MA{n:07}"
    return f"{body}{uscc_check(body)},{name or f'海川商行{n}'},食品销售,{division},,B,存续,,\n"


async def send(client: AsyncClient, body: str) -> Response:
    files = [("files", ("register.csv", body, "text/csv"))]
    return await client.post("/office/registers/establishments", data={"mapping": OWN}, files=files)


async def stored(office: Office) -> dict[str, Establishment]:
    async with db.transaction(office.engine, write=False) as session:
        return {row.code: row for row in await session.exec(select(Establishment))}


def counts(answer: Response) -> tuple[int, int, int, int]:
    assert answer.status_code == 201, answer.text
    done = answer.json()
    return done["created"], done["changed"], done["unchanged"], done["refused"]


async def test_what_two_imports_create_has_ids_of_its_own(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)

    first = await send(admin, HEADER + row(1) + row(2))
    second = await send(admin, HEADER + row(3) + row(4))

    ids = [UUID(one.id) for one in (await stored(office)).values()]
    assert [counts(first), counts(second)] == [(2, 0, 0, 0), (2, 0, 0, 0)]
    assert {one.version for one in ids} == {RFC_9562}
    assert len(set(ids)) == 4


async def test_more_repeated_codes_than_one_question_takes_are_all_told(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    many = range(REPEATED_MAX + 1)
    body = HEADER + "".join(map(row, many)) + "".join(row(n, f"后来{n}") for n in many)

    answer = await send(admin, body)

    assert counts(answer) == (len(many), 0, 0, 0)
    assert answer.json()["codes"] == {"row.duplicate": len(many)}
    assert {one.name for one in (await stored(office)).values()} == {f"后来{n}" for n in many}


async def test_who_is_missing_is_told_by_code_and_all_are_counted(office: Office) -> None:
    admin = await office.officer("admin", "")
    many = range(CHANGES_MAX + 2)
    shuffled = sorted(many, key=lambda n: n * 7 % 1009)
    elsewhere = row(5, division="330105")
    made = counts(await send(admin, HEADER + "".join(map(row, shuffled)) + elsewhere))
    local = await office.officer("admin", DISTRICT)

    most = (await send(local, HEADER + row(0))).json()
    few = (await send(local, HEADER + "".join(map(row, shuffled[:-2])))).json()

    assert made == (len(many) + 1, 0, 0, 0)
    assert (most["missing"], few["missing"]) == (CHANGES_MAX + 1, 2)
    codes = sorted(row(n)[:18] for n in many)
    keys = [one["code"] for one in most["changes"] if one["kind"] == "missing"]
    assert keys == codes[1 : CHANGES_MAX + 1]
    left = sorted(row(n)[:18] for n in shuffled[-2:])
    assert [one["code"] for one in few["changes"] if one["kind"] == "missing"] == left


async def test_nothing_is_written_where_nothing_changes(office: Office) -> None:
    admin = await office.officer("admin", DISTRICT)
    body = HEADER + row(1) + row(2)
    await send(admin, body)
    await send(admin, HEADER + row(2, "后来") + row(3))
    await send(admin, HEADER + row(2))
    before = await stored(office)

    again = await send(admin, body)

    after = await stored(office)
    assert counts(again) == (0, 0, 2, 0)
    assert {code: one.revision_id for code, one in after.items()} == {
        code: one.revision_id for code, one in before.items()
    }


async def test_of_many_rows_exactly_the_odd_are_told(office: Office) -> None:
    admin = await office.officer("admin", "")
    rows = [row(n) for n in range(3_000)]
    clean = {one[:18]: one.split(",")[1] for one in rows}
    wrong = rows[600][:17] + ("0" if rows[600][17] != "0" else "1")
    odd = {
        100: ("row.columns-wrong", rows[100].rstrip() + ",\n"),
        900: ("row.columns-wrong", rows[900].rstrip()[:-1] + "\n"),
        600: ("code.check-wrong", wrong + rows[600][18:]),
        1200: ("code.normalised", rows[1200][:18].lower() + rows[1200][18:]),
        1300: ("code.normalised", rows[1300][:9] + "\u200b" + rows[1300][9:]),
        1301: ("code.normalised", "\uff19" + rows[1301][1:]),
        1800: ("row.private-use", rows[1800].replace("海川", "海\ue5e5")),
        2100: ("code.rounded", "9.1451E+17" + rows[2100][18:]),
        2700: ("row.duplicate", rows[2699].replace("海川", "后来")),
    }
    numbered = [odd[n][1] if n in odd else one for n, one in enumerate(rows)]
    numbered[2000] = "3301060001234" + numbered[2000][18:]  # 注册号 of 13 digits: an old number

    done = (await send(admin, HEADER + "".join(numbered))).json()

    told = sorted((one["row"], one["code"]) for one in done["problems"])
    assert told == [(n + 2, reason) for n, (reason, _) in sorted(odd.items())]
    for n in (100, 900, 600, 2000, 2100, 2700):
        del clean[rows[n][:18]]
    clean[rows[1800][:18]] = "海\ue5e5商行1800"
    clean[rows[2699][:18]] = "后来商行2699"
    clean |= {wrong: "海川商行600", "3301060001234": "海川商行2000"}
    assert {one.code: one.name for one in (await stored(office)).values()} == clean
