"""行政区划: a code with its history, and what an import says of codes that are odd."""

import pytest
import rows
from conftest import Office
from httpx import AsyncClient, Response

from backend.rules.identifiers import uscc_check
from backend.tables import Division
from sync.refusals import Reason

LISTS = """code,name,since,until,successors
330000,浙江省,2002,,
330100,杭州市,2002,,
330106,西湖区,2002,,
330103,下城区,2002,2023,330105
330105,拱墅区,2002,,
"""
MAPPING = """[establishments]
identifiers = true
[establishments.fields]
code = "code"
name = "name"
division = "division"
category = { constant = "market" }
"""
UNKNOWN, ENDED = Reason.ROW_DIVISION_UNKNOWN.code, Reason.ROW_DIVISION_HISTORICAL.code

HISTORY = (
    ("11", "北京市", "2002-12", "", ""),
    ("1101", "市辖区", "2002-12", "", ""),
    ("1102", "县", "2002-12", "2023", ""),
    ("110118", "密云区", "2023", "", ""),
    ("110228", "密云县", "2002-12", "2023", "110118,110119"),
    ("110228100", "鼓楼街道", "2002-12", "2023", ""),
)


async def send(
    client: AsyncClient, register: str, body: str, mapping: str = "", **query: str
) -> Response:
    files = [("files", ("rows.csv", body.encode(), "text/csv"))]
    return await client.post(
        f"/office/registers/{register}", data={"mapping": mapping}, files=files, params=query
    )


def uscc(division: str, number: str) -> str:
    body = f"91{division}MA2{number}"
    return body + uscc_check(body)


def shops(*rows: tuple[str, str]) -> str:
    lines = (f"{code},shop {n},{division}" for n, (code, division) in enumerate(rows))
    return "\n".join(("code,name,division", *lines))


def told(answer: Response) -> list[tuple[int, str, str, bool]]:
    assert answer.status_code == 201, answer.text
    return [
        (one["row"], one["code"], one["value"], one["kept"]) for one in answer.json()["problems"]
    ]


async def registered(office: Office) -> None:
    revision = rows.revision("divisions")
    await rows.put(office, revision)
    for code, name, since, until, successors in HISTORY:
        line = Division(
            code=code, name=name, since=since, until=until, successors=successors,
            revision_id=revision.id,
        )  # fmt: skip
        await rows.put(office, line)


async def test_a_division_is_shown_with_its_path_and_what_followed_it(office: Office) -> None:
    await registered(office)
    officer = await office.officer("supervisor", "33")

    county = (await officer.get("/office/divisions/110228")).json()
    province = (await officer.get("/office/divisions/110000")).json()

    assert county == {
        "code": "110228",
        "in_force": False,
        "names": [
            {
                "name": "密云县",
                "path": ["北京市", "县", "密云县"],
                "since": "2002-12",
                "until": "2023",
                "successors": [
                    {"code": "110118", "name": "密云区"},
                    {"code": "110119", "name": ""},
                ],
            }
        ],
    }
    assert (province["code"], province["in_force"]) == ("11", True)


async def test_a_township_is_shown_below_its_county(office: Office) -> None:
    await registered(office)
    officer = await office.officer("admin")

    township = (await officer.get("/office/divisions/110228100")).json()

    assert township["names"][0]["path"] == ["北京市", "县", "密云县", "鼓楼街道"]


async def test_a_code_that_no_list_has_is_not_found(office: Office) -> None:
    await registered(office)
    officer = await office.officer("admin")

    unknown = await officer.get("/office/divisions/230199")
    nonsense = await officer.get("/office/divisions/%E6%9D%AD%E5%B7%9E")

    assert unknown.status_code == nonsense.status_code == 404
    assert unknown.json()["code"] == Reason.DIVISION_NOT_FOUND.code


async def test_divisions_are_written_short_and_imported_again_without_a_change(
    office: Office,
) -> None:
    admin = await office.officer("admin")

    first = await send(admin, "divisions", LISTS)
    again = await send(admin, "divisions", LISTS)
    city = (await admin.get("/office/divisions/3301")).json()

    assert first.json()["created"] == again.json()["unchanged"] == 5
    assert told(first) == []
    assert city["names"][0]["path"] == ["浙江省", "杭州市"]


async def test_an_odd_division_is_a_remark_on_a_row_that_is_imported(office: Office) -> None:
    admin = await office.officer("admin")
    await send(admin, "divisions", LISTS)
    body = shops(
        (uscc("330106", "000001"), "330106"),
        (uscc("330106", "000002"), "330106001"),
        (uscc("330106", "000003"), "330103"),
        (uscc("330106", "000004"), "330103001002"),
        (uscc("330106", "000005"), "330199"),
        (uscc("330106", "000006"), "230199001"),
        (uscc("330103", "000007"), "3301"),
        (uscc("330199", "000008"), "330106"),
        (uscc("100000", "000009"), "33"),
        ("330199000000019", "330106"),
    )

    answer = await send(admin, "establishments", body, MAPPING)

    assert answer.json()["created"] == 10
    assert answer.json()["refused"] == 0
    numbers = {one for one in told(answer) if one[1] in (UNKNOWN, ENDED)}
    assert numbers == {
        (4, ENDED, "330103", True),
        (5, ENDED, "330103001002", True),
        (6, UNKNOWN, "330199", True),
        (7, UNKNOWN, "230199001", True),
        (9, UNKNOWN, uscc("330199", "000008"), True),
    }
    assert answer.json()["codes"][UNKNOWN] == 3


async def test_the_same_file_is_read_again_once_there_are_divisions(office: Office) -> None:
    admin = await office.officer("admin")
    body = shops((uscc("330106", "000001"), "330199"))

    before = await send(admin, "establishments", body, MAPPING)
    await send(admin, "divisions", LISTS)
    after = await send(admin, "establishments", body, MAPPING)

    assert told(before) == []
    assert told(after) == [(2, UNKNOWN, "330199", True)]
    assert after.json()["unchanged"] == 1


async def test_codes_that_are_no_chinese_ones_have_no_division(office: Office) -> None:
    admin = await office.officer("admin")
    await send(admin, "divisions", LISTS)
    plain = MAPPING.replace("identifiers = true\n", "")

    answer = await send(admin, "establishments", shops((uscc("330199", "000001"), "330106")), plain)

    assert told(answer) == []


@pytest.mark.parametrize("register", ["inspectors", "departments"])
async def test_the_divisions_of_people_and_departments_are_checked_too(
    office: Office, register: str
) -> None:
    admin = await office.officer("admin")
    await send(admin, "divisions", LISTS)
    bodies = {
        "inspectors": "certificate,name,department,division,valid_from,valid_to\n"
        "A1,王伟,食品科,230199,2024-01-15,2029-12-31\n",
        "departments": "name,division\n食品科,230199\n",
    }

    answer = await send(admin, register, bodies[register])

    assert answer.json()["created"] == 1
    assert told(answer) == [(2, UNKNOWN, "230199", True)]


async def test_more_odd_divisions_than_fit_into_one_question_are_all_told(office: Office) -> None:
    admin = await office.officer("admin")
    await send(admin, "divisions", LISTS)
    places = [f"{n:06}" for n in range(110101, 110101 + 6_000)]
    body = shops(*((f"S{n}", place) for n, place in enumerate(places)))

    answer = await send(admin, "establishments", body, MAPPING.replace("identifiers = true\n", ""))

    assert answer.json()["codes"] == {UNKNOWN: 6_000}
    assert len(told(answer)) == 1_000
