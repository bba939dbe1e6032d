"""名录导出: what leaves is what is stored, in one order, and only what the officer may see."""

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any
from zipfile import ZipFile

import pytest
import rows
import sqlalchemy as sa
from conftest import Office
from python_calamine import CalamineWorkbook
from sqlmodel import SQLModel, select

from backend import db
from backend.auth import Officer
from backend.rules import exports as rules
from backend.rules.records import REGISTERS, Register
from backend.tables import (
    Department,
    Division,
    Establishment,
    Inspector,
    Leave,
    Licence,
    Listing,
    Recusal,
    Revision,
)
from backend.work import exports

OWN, FOREIGN = "330106", "440305"
LONG = "123456789012345678"
ALL: tuple[Register, ...] = tuple(REGISTERS)
BOSS = Officer(id="1", name="boss", role="admin", division="")


async def fill(office: Office, division: str, mark: str) -> None:
    """Put two rows into every register, the later key first."""
    batch = rows.revision("establishments")
    by: dict[str, Any] = {"revision_id": batch.id}
    made: list[SQLModel] = [batch]
    for n in (2, 1):
        code, number = f"{mark}{n}", f"C{mark}{n}"
        made += [
            Establishment(
                code=code, name=f"海川\n“冷库”, {n}", category="cold-store", division=division,
                longitude=120.1, latitude=1e-7, datum="WGS-84", key_object=n == 1,
                missing_since=datetime(2026, 3, 1, tzinfo=UTC) if n == 1 else None, **by,
            ),
            Inspector(
                certificate=number, name="王伟", department="执法队", division=division,
                valid_from=date(2024, 1, 15), valid_to=date(2029, 12, 31), **by,
            ),
            Licence(number=f"JY{code}", code=code, kind="food", valid_from=date(2026, 1, 2), **by),
            Listing(code=code, kind="abnormal", listed_on=date(2026, n, 1), **by),
            Leave(
                certificate=number, first_day=date(2026, n, 1), last_day=date(2026, n, 2), **by
            ),
            Recusal(code=code, certificate=number, reason="亲属", **by),
            Department(name=f"{mark}科{n}", division=division, **by),
            Division(code=f"{division}00{n}", name=f"{mark}街道", **by),
        ]  # fmt: skip
    await rows.put(office, *made)


async def body(office: Office, register: str, format: str, division: str = "") -> bytes:
    officer = await office.officer("reviewer", division)
    path = f"/office/registers/{register}/export"
    answer = await officer.get(path, params={"format": format})
    assert answer.status_code == 200, answer.text
    return answer.content


def shop(batch: Revision, name: str, address: str = "") -> Establishment:
    return Establishment(
        code=LONG, name=name, category="market", division=OWN, address=address,
        revision_id=batch.id,
    )  # fmt: skip


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize("register", ALL)
async def test_a_register_leaves_by_key_under_our_field_names(
    register: Register, office: Office
) -> None:
    await fill(office, OWN, "a")
    await fill(office, OWN, "Z")
    spec = REGISTERS[register]

    header, *lines = table(await body(office, register, "csv"))
    objects = (await body(office, register, "ndjson")).decode().splitlines()
    book = io.BytesIO(await body(office, register, "xlsx"))
    sheet = list(CalamineWorkbook.from_filelike(book).get_sheet_by_name(register).iter_rows())

    places = [header.index(name) for name in spec.key]
    keys = [[line[place] for place in places] for line in lines]
    assert header == sheet[0] == list(json.loads(objects[0])) == list(spec.stored)
    assert len(lines) == 4
    assert keys == sorted(keys), "in the order of code points, on both databases"
    assert [[json.loads(one)[name] for name in spec.key] for one in objects] == keys
    assert [[line[place] for place in places] for line in sheet[1:]] == keys


async def test_a_database_of_another_order_is_told_to_use_that_of_code_points(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(office, OWN, "a")
    await fill(office, OWN, "Z")
    asked: list[str] = []
    sync = office.engine.sync_engine
    sa.event.listen(sync, "before_cursor_execute", lambda *words: asked.append(words[2]))

    as_it_is = await body(office, "listings", "csv")
    own = [one for one in asked if "FROM listing" in one]
    monkeypatch.setattr(exports, "_BY_CODE_POINT", frozenset[str]())
    told = await body(office, "listings", "csv")
    other = [one for one in asked if "FROM listing" in one][len(own) :]

    texts = 2 if sync.dialect.name == "postgresql" else 0  # code and kind; the day needs none
    assert told == as_it_is
    assert [one.count('COLLATE "C"') for one in own + other] == [0, texts]


@pytest.mark.parametrize("register", ALL)
async def test_an_officer_exports_only_the_own_division(register: Register, office: Office) -> None:
    await fill(office, OWN, "a")
    await fill(office, FOREIGN, "b")
    await fill(office, "", "c")

    own = await body(office, register, "csv", OWN)
    whole = await body(office, register, "csv")

    assert len(table(own)) == 1 + 2
    assert len(table(whole)) == 1 + 6


async def test_every_kind_of_value_is_written_as_it_is_read(office: Office) -> None:
    await fill(office, OWN, "a")

    header, first, _ = table(await body(office, "establishments", "csv"))
    read = dict(zip(header, first, strict=True))
    told = json.loads((await body(office, "establishments", "ndjson")).splitlines()[0])
    people = dict(zip(*table(await body(office, "inspectors", "csv"))[:2], strict=True))

    assert read["name"] == "海川\n“冷库”, 1"
    assert (read["longitude"], float(read["latitude"])) == ("120.1", 1e-7)
    assert (read["key_object"], read["address"]) == ("true", "")
    assert read["missing_since"] == "2026-03-01T00:00:00+00:00"
    assert (told["longitude"], told["latitude"], told["key_object"]) == (120.1, 1e-7, True)
    assert (people["valid_from"], people["cap"], people["active"]) == ("2024-01-15", "10", "true")


async def test_a_csv_is_for_excel_and_starts_no_formula(office: Office) -> None:
    batch = rows.revision("establishments")
    names = ["=1+1", "+1", "-1", "@A1", "'=1", "''-", "'plain", "＝1", 'say "hi"', "a,b"]
    made = [
        Establishment(
            code=f"{n:02}", name=name, category="market", division=OWN, longitude=-79.38,
            latitude=43.7, revision_id=batch.id,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    await rows.put(office, batch, *made)

    content = await body(office, "establishments", "csv")
    header, *lines = table(content)

    shown = [line[header.index("name")] for line in lines]
    assert content.startswith(b"\xef\xbb\xbfcode,name,")
    assert shown == [
        "'=1+1", "'+1", "'-1", "'@A1", "''=1", "'''-", "'plain", "'＝1", 'say "hi"', "a,b",
    ]  # fmt: skip
    assert [rules.unguard(one) for one in shown] == names
    assert {line[header.index("longitude")] for line in lines} == {"-79.38"}, "a number is safe"


async def test_a_workbook_holds_texts_as_texts(office: Office) -> None:
    batch = rows.revision("establishments")
    names = ["=1+1", "http://a.b", "_x005F_x0041_", "<r>a</r>", "a\x01b\rc", "<&>", "0012", "true"]
    made = [
        Establishment(
            code=f"{LONG}{n}", name=name, category="market", division=OWN, longitude=0.1 + 0.2,
            latitude=43.5, revision_id=batch.id,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    await rows.put(office, batch, *made)

    content = await body(office, "establishments", "xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    header, *lines = book.get_sheet_by_name("establishments").iter_rows()

    cells = [dict[Any, Any](zip(header, line, strict=True)) for line in lines]
    xml = ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert [one["name"] for one in cells] == names
    assert [one["code"] for one in cells] == [f"{LONG}{n}" for n in range(len(names))]
    assert {one["longitude"] for one in cells} == {"0.30000000000000004"}, "17 digits are text"
    assert {one["latitude"] for one in cells} == {43.5}
    assert "<f>" not in xml
    assert "<dimension" not in xml, "it would hide the rows from some readers"


@pytest.mark.parametrize("format", ["csv", "ndjson"])
@pytest.mark.parametrize("nothing", ["\ufffe", "\uffff"])
async def test_what_is_no_character_is_told_when_it_comes_back(
    format: str, nothing: str, office: Office
) -> None:
    batch = rows.revision("establishments")
    await rows.put(office, batch, shop(batch, f"海{nothing}川"))
    admin = await office.officer("admin")

    content = await body(office, "establishments", format)
    again = await admin.post(
        "/office/registers/establishments", files={"files": (f"e.{format}", content)}
    )

    async with db.transaction(office.engine, write=False) as session:
        name = (await session.exec(select(Establishment.name))).one()
    [told] = again.json()["problems"]
    assert (told["code"], told["column"], told["kept"]) == ("row.undecodable", "name", True)
    assert name == "海\ufffd川"


async def test_a_workbook_with_what_is_no_character_is_refused_by_its_place(
    office: Office,
) -> None:
    batch = rows.revision("establishments")
    await rows.put(office, batch, shop(batch, "海\uffff川"))
    officer = await office.officer("reviewer")

    refused = await officer.get(
        "/office/registers/establishments/export", params={"format": "xlsx"}
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "export.no-character")
    assert refused.json()["details"] == {"cell": "B2", "value": r"'\u6d77\uffff\u5ddd'"}


async def test_a_cell_of_many_lines_comes_back_and_an_open_quote_of_others_ends_early(
    office: Office,
) -> None:
    batch = rows.revision("establishments")
    long = "\n".join("x" * 250)
    await rows.put(office, batch, shop(batch, "海川", long))
    admin = await office.officer("admin")
    path = "/office/registers/establishments"
    foreign = "code,name,category,division,address\r\n" + f'1,"海川\n{long},market,33,"\r\n' * 2

    content = await body(office, "establishments", "csv")
    ours = await admin.post(path, files={"files": ("ours.csv", content)})
    theirs = await admin.post(path, files={"files": ("theirs.csv", foreign.encode())})

    assert (ours.json()["unchanged"], ours.json()["refused"]) == (1, 0)
    assert theirs.json()["problems"][0]["code"] == "row.columns-wrong"
    assert theirs.json()["problems"][0]["row"] == 2


async def test_a_register_longer_than_a_sheet_is_refused_not_cut_off(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(office, OWN, "a")
    officer = await office.officer("reviewer")
    path = "/office/registers/establishments/export"

    monkeypatch.setattr(exports, "SHEET_ROWS_MAX", 2)
    fits = await officer.get(path, params={"format": "xlsx"})
    monkeypatch.setattr(exports, "SHEET_ROWS_MAX", 1)
    refused = await officer.get(path, params={"format": "xlsx"})

    assert fits.status_code == 200
    assert refused.status_code == 413
    assert refused.json()["code"] == "export.too-long"
    assert (await officer.get(path, params={"format": "csv"})).status_code == 200


async def test_an_empty_register_has_its_header_all_the_same(office: Office) -> None:
    for register in ALL:
        header = ",".join(REGISTERS[register].stored)

        content = await body(office, register, "csv")

        assert content.decode("utf-8-sig") == f"{header}\r\n"
        assert await body(office, register, "ndjson") == b""


async def test_what_is_no_register_or_no_format_is_refused(office: Office) -> None:
    officer = await office.officer("reviewer")

    register = await officer.get("/office/registers/sheep/export")
    format = await officer.get("/office/registers/leave/export", params={"format": "pdf"})
    usual = await officer.get("/office/registers/leave/export")

    assert (register.status_code, format.status_code) == (400, 400)
    assert usual.headers["content-type"] == "text/csv; charset=utf-8"
    assert usual.headers["content-disposition"] == 'attachment; filename="leave.csv"'


async def test_rows_are_read_as_they_are_asked_for_and_let_go_of(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(office, OWN, "a")
    monkeypatch.setattr(exports, "CHUNK", 1)

    async with db.transaction(office.engine, write=False) as session:
        export = await exports.export_register(session, BOSS, "establishments", "csv")
    pieces = [await anext(export.pieces), await anext(export.pieces)]
    await export.pieces.aclose()  # the client went away
    await fill(office, OWN, "b")

    assert [one.count(b"330106") for one in pieces] == [0, 1]
    assert len(table(await body(office, "establishments", "csv"))) == 5
