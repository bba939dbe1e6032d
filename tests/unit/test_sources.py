"""名录文件: every supported format says the same, and what is no register is refused early."""

import gzip
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from workbooks import Rows, ods, packed, xlsx

from backend.rules import builders, mapping, reader, records
from backend.rules.sieve import Sieve
from backend.rules.sources import Opened, tables
from sync.refusals import Reason, Refused

FIXTURES = Path(__file__).parents[2] / "fixtures"
MAPPING = """
[establishments]
identifiers = true
[establishments.fields]
code = "编号"
name = "名称"
category = { column = "业态", values = { "冷库" = "cold-store", "市场" = "market" } }
division = "区划"
"""
TABLE = mapping.parse(MAPPING.encode(), "establishments")
BIG5 = mapping.parse(
    MAPPING.translate(str.maketrans("编号称业态冷库区划场", "編號稱業態冷庫區劃場")).encode(),
    "establishments",
)
HEADER = ("编号", "名称", "业态", "区划")
ROWS: Sequence[tuple[str, str, str, str]] = (
    ("91330106MAWDLXX28X", "临河,农贸市场", "市场", "330106001"),
    ("92330106MAUX4U4Q3W", "海川冷库有限公司", "冷库", "330106002"),
    ("330106000000013", "家和食品商行", "冷库", "330106003"),
)
GRID: Rows = (HEADER, *ROWS)
BOMB = 64 << 20


def csv(delimiter: str = ",", quote: str = '"') -> str:
    return "".join(
        delimiter.join(
            f"{quote}{cell}{quote}" if delimiter in cell or "," in cell else cell for cell in row
        )
        + "\r\n"
        for row in (HEADER, *ROWS)
    )


def ndjson() -> str:
    rows = (dict(zip(HEADER, row, strict=True)) for row in ROWS)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read(body: bytes, table: mapping.Table = TABLE) -> reader.Reading[records.EstablishmentRecord]:
    file = [("a", BytesIO(body))]
    return reader.read(file, table, builders.establishment, lambda one: one.code, glance=Sieve)


def opened(body: bytes, table: mapping.Table = TABLE) -> Opened:
    found = next(tables("a", BytesIO(body), table))
    found.close()
    return found


def refusal(body: bytes, table: mapping.Table = TABLE) -> Refused:
    with pytest.raises(Refused) as caught:
        read(body, table)
    return caught.value


@pytest.mark.parametrize(
    ("body", "form", "encoding"),
    [
        (csv().encode(), "CSV", "utf-8-sig"),
        (csv().encode("utf-8-sig"), "CSV", "utf-8-sig"),
        (csv().encode("utf-16"), "CSV", "utf-16"),
        (csv("\t").encode("utf-16-le"), "CSV", "utf-16-le"),
        (csv(";").encode("utf-16-be"), "CSV", "utf-16-be"),
        (csv("|").encode("gb18030"), "CSV", "gb18030"),
        (csv("\t", "'").encode("gbk"), "CSV", "gb18030"),
        (ndjson().encode(), "NDJSON", "utf-8-sig"),
        (ndjson().encode("gb18030"), "NDJSON", "gb18030"),
        (xlsx({"一": GRID}), "workbook", ""),
        (ods({"一": GRID}), "workbook", ""),
        (xlsx({"一": [["名录库"], ["2026年", "", "制表"], [], *GRID]}), "workbook", ""),
        (gzip.compress(csv().encode()), "CSV", "utf-8-sig"),
        (gzip.compress(xlsx({"一": GRID})), "workbook", ""),
        (packed({"名录.csv": csv().encode("gb18030")}), "CSV", "gb18030"),
        (packed({"a/b.xlsx": xlsx({"一": GRID})}), "workbook", ""),
        (b"\xef\xbb\xbf\xe5\x90\x8d\xe5\xbd\x95\r\n\r\n" + csv().encode(), "CSV", "utf-8-sig"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_format_holds_the_same_register(body: bytes, form: str, encoding: str) -> None:
    found = opened(body).detected

    reading = read(body)

    assert (found.form, found.encoding) == (form, encoding)
    assert reading.problems.first == []
    assert [(one.code, one.name, one.division) for one in reading.records.values()] == [
        (code, name, division) for code, name, _, division in ROWS
    ]


def test_an_old_workbook_is_read_as_the_new_ones_are() -> None:
    body = (FIXTURES / "workbooks" / "sample.xls").read_bytes()
    text = MAPPING.replace("identifiers", 'sheet = "名录"\nidentifiers').replace("区划", "区划代码")
    text = text.replace("编号", "统一社会信用代码")
    table = mapping.parse(text.encode(), "establishments")

    reading = read(body, table)

    assert reading.problems.first == []
    assert [one.division for one in reading.records.values()] == [
        "330106001", "330106002", "330106003",
    ]  # fmt: skip


def test_days_of_a_workbook_are_written_in_iso() -> None:
    body = (FIXTURES / "workbooks" / "sample.xls").read_bytes()
    sheet = mapping.Table(fields={}, sheet="名录")

    with closing(next(tables("a", BytesIO(body), sheet))) as found:
        cells = [line.cells[4] for line in found.rows if line.cells]

    assert cells == ["", "发证日期", "2024-01-05", "2023-11-30", "2020-02-29"]


def test_every_file_of_a_zip_is_read_under_its_own_name() -> None:
    lines = csv().splitlines(keepends=True)
    body = packed({"b.csv": lines[0] + lines[3], "a/2.csv": lines[0] + lines[2] + lines[1]})

    reading = read(body)

    assert list(reading.places.values()) == [("a/a/2.csv", 2), ("a/a/2.csv", 3), ("a/b.csv", 2)]


def test_rows_are_numbered_as_the_file_numbers_them() -> None:
    plain = read(csv().encode())
    titled = read(xlsx({"一": [["名录库"], [], *GRID]}))
    lines = read(ndjson().encode())

    numbers = [[row for _, row in one.places.values()] for one in (plain, titled, lines)]
    assert numbers == [[2, 3, 4], [4, 5, 6], [1, 2, 3]]


def test_big5_is_told_from_gbk_and_a_cell_that_is_no_text_is_named() -> None:
    text = csv().translate(
        str.maketrans("编号称业态冷库区划场临农贸", "編號稱業態冷庫區劃場臨農貿")
    )
    body = text.translate(str.maketrans("库场", "庫場")).encode("cp950", "ignore")
    broken = body.replace("家和".encode("cp950"), b"\xfa\x40\xfa\x41")

    found = opened(body, BIG5).detected
    reading = read(broken, BIG5)

    assert found.encoding == "cp950"
    assert [one.name for one in reading.records.values()][2] == "\ufffd食品商行"
    assert [(one.row, one.column, one.value, one.kept) for one in reading.problems.first] == [
        (4, "名稱", "<fa40fa41>食品商行", True)
    ]


def test_every_undecodable_cell_is_reported_and_its_row_counts_once() -> None:
    body = csv().encode().replace("家和".encode(), b"\xff").replace(b"330106003", b"33\xff")

    reading = read(body)

    assert [one.column for one in reading.problems.first] == ["名称", "区划"]
    assert reading.problems.refused == 1


def test_one_of_several_sheets_must_be_chosen() -> None:
    body = xlsx({"说明": [["x"]], "数据": GRID})
    chosen = mapping.parse(
        MAPPING.replace("identifiers", 'sheet = "数据"\nidentifiers').encode(), "establishments"
    )

    refused = refusal(body)
    reading = read(body, chosen)

    assert refused.reason == Reason.REGISTER_SHEET_MISSING
    assert refused.details["sheets"] == "说明 / 数据"
    assert len(reading.records) == 3


def test_a_header_of_two_rows_is_joined_and_a_cell_merged_downwards_holds_for_each_row() -> None:
    table = mapping.parse(
        MAPPING.replace('"名称"', '"经营者 名称"')
        .replace('"业态"', '"经营者/业态"')
        .replace("经营者/业态", "经营者 业态")
        .encode(),
        "establishments",
    )
    upper, lower = ["编号", "经营者", "", "区划"], ["", "名称", "业态", ""]
    rows = [list(row) for row in ROWS]
    rows[1][2] = rows[2][2] = ""
    rows[0][2] = "冷库"

    reading = read(xlsx({"一": [upper, lower, *rows]}, ["B1:C1", "C3:C5"]), table)

    assert reading.problems.first == []
    assert [one.category for one in reading.records.values()] == ["cold-store"] * 3


def test_a_row_with_a_cell_merged_across_columns_is_named() -> None:
    reading = read(xlsx({"一": GRID}, ["B3:C3"]))

    assert [(one.row, one.reason) for one in reading.problems.first] == [
        (3, Reason.ROW_CELLS_MERGED)
    ]
    assert len(reading.records) == 2


@pytest.mark.parametrize(
    "body",
    [
        xlsx({"一": [HEADER, *[[913301060000001234, "店", "冷库", "330106001"]] * 5]}),
        ods({"一": [HEADER, *[[9.1330106e17, "店", "冷库", "330106001"]] * 5]}),
        ("编号,名称,业态,区划\n" + "9.1451E+17,店,冷库,330106001\n" * 5).encode(),
        ("编号,名称,业态,区划\n" + "914510000000000000,店,冷库,330106001\n" * 5).encode(),
    ],
    ids=["xlsx", "ods", "csv", "zeros"],
)  # fmt: skip
def test_a_column_of_codes_that_became_numbers_is_refused(body: bytes) -> None:
    refused = refusal(body)

    assert refused.reason == Reason.REGISTER_CODES_ROUNDED
    assert refused.details["column"] == "编号"


def _endless_line() -> bytes:
    return b"x" * (2 << 20)


def _tall_workbook() -> bytes:
    cell = '<c r="XFD1048576"><v>1</v></c>'
    sheet = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576">{cell}</row>'
    return _with_sheet(sheet)


def _with_sheet(data: str) -> bytes:
    from zipfile import ZipFile

    with ZipFile(BytesIO(xlsx({"一": [["x"]]}))) as box:
        members: dict[str, str | bytes] = {name: box.read(name) for name in box.namelist()}
    name = "xl/worksheets/sheet1.xml"
    body = bytes(members[name])
    start, end = body.index(b"<row"), body.index(b"</sheetData>")
    members[name] = body[:start] + data.encode() + body[end:]
    return packed(members)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_endless_line, Reason.REGISTER_OVER_LIMIT),
        (lambda: gzip.compress(bytes(BOMB)), Reason.REGISTER_NOT_CSV),
        (lambda: gzip.compress(csv().encode() * (BOMB // 150)), Reason.REGISTER_OVER_LIMIT),
        (lambda: packed({"a.csv": b"a,b\n" * (BOMB // 4)}), Reason.REGISTER_OVER_LIMIT),
        (lambda: xlsx({"一": [["x" * BOMB]]}), Reason.REGISTER_OVER_LIMIT),
        (lambda: gzip.compress(gzip.compress(b"x")), Reason.REGISTER_NOT_CSV),
        (lambda: gzip.compress(csv().encode())[:-9], Reason.REGISTER_NOT_CSV),
        (lambda: packed({}), Reason.REGISTER_NOT_CSV),
        (lambda: packed({"a.zip": packed({"a.csv": "x"})}), Reason.REGISTER_NOT_CSV),
        (lambda: ",".join("c" * 5 for _ in range(3000)).encode(), Reason.REGISTER_OVER_LIMIT),
        (lambda: b"a," * 1_000_000, Reason.REGISTER_OVER_LIMIT),
        (_tall_workbook, Reason.REGISTER_NOT_CSV),
        (lambda: xlsx({"一": GRID})[:-40], Reason.REGISTER_NOT_CSV),
        (lambda: b'[{"a": 1}]', Reason.REGISTER_NOT_CSV),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), Reason.REGISTER_NOT_CSV),
    ],
    ids=[
        "line", "zeros", "gzip", "zip", "xlsx", "gzip in gzip", "cut gzip", "empty zip",
        "zip in zip", "3000 columns", "million columns", "tall", "cut xlsx", "array", "cut xls",
    ],
)  # fmt: skip
def test_what_is_no_register_is_refused_early(make: Callable[[], bytes], reason: Reason) -> None:
    body = make()
    begun = time.process_time()  # the machine may be busy

    refused = refusal(body)

    assert refused.reason == reason
    assert time.process_time() - begun < 10


def test_numbers_in_ndjson_keep_every_digit() -> None:
    body = '{"编号": 913301060000001234, "名称": "店", "业态": "冷库", "区划": 330106001}\n'

    reading = read(body.encode())

    assert list(reading.records) == ["913301060000001234"]


def test_a_line_of_ndjson_that_is_no_object_costs_only_itself() -> None:
    lines = ndjson().splitlines()

    reading = read("\n".join([lines[0], "{broken", "[" * 100_000, *lines[1:]]).encode())

    assert len(reading.records) == 3
    assert [one.row for one in reading.problems.first] == [2, 3]
