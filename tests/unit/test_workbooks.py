"""工作簿: XLSX, ODS and XLS say the same of every kind of cell, and nothing in one gets lost."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from workbooks import Computed, Failed, Percent, Rows, ods, packed, xls, xlsx

from backend.rules import builders, mapping, reader
from backend.rules.dates import day
from backend.rules.records import EstablishmentRecord
from backend.workbooks import Workbook
from sync.refusals import Reason, Refused

Make = Callable[[dict[str, Rows]], bytes]
FORMS: tuple[Make, ...] = (xlsx, ods, xls)
SHEET = "xl/worksheets/sheet1.xml"
TABLE = mapping.parse(
    """[establishments.fields]
    code = "编号"
    name = "名称"
    category = "业态"
    division = "区划"
    address = "地址"
    """.encode(),
    "establishments",
)
HEADER = ["编号", "名称", "业态", "区划", "地址"]


def rows(body: bytes, sheet: str = "") -> list[list[str]]:
    return list(Workbook("a", BytesIO(body), sheet).rows())


def read(body: bytes) -> reader.Reading[EstablishmentRecord]:
    return reader.read([("a", BytesIO(body))], TABLE, builders.establishment, lambda one: one.code)


def told(reading: reader.Reading[EstablishmentRecord]) -> list[tuple[int, str, str, Reason]]:
    return [(one.row, one.column, one.value, one.reason) for one in reading.problems.first]


def changed(body: bytes, member: str, old: str, new: str, times: int = -1) -> bytes:
    with ZipFile(BytesIO(body)) as box:
        members = {name: box.read(name) for name in box.namelist()}
    assert old.encode() in members[member]
    was = members[member].replace(old.encode(), new.encode(), times)
    return packed({**members, member: was})


@pytest.mark.parametrize("make", FORMS)
def test_every_kind_of_cell_is_written_as_a_csv_would(make: Make) -> None:
    grid: Rows = [
        ["字", True, False],
        [date(2024, 1, 5), datetime(2024, 1, 5, 13, 4, 5), time(13, 4, 5)],  # noqa: DTZ001
        [Percent(0.125), 0.1, 12],
        [Computed("算出"), Computed(2.5), Computed(7.0)],
        [123456789012345, 913301060000001234, 1e-7],
        [Failed("#N/A"), Failed("#DIV/0!"), Failed("#REF!", formula=False)],
        ["末", "", " 空 格 "],
    ]

    found = rows(make({"甲": [["x"]], "乙": grid, "丙": [["y"]]}), "乙")

    assert found == [
        ["字", "TRUE", "FALSE"],
        ["2024-01-05", "2024-01-05 13:04:05", "13:04:05"],
        ["0.125", "0.1", "12"],
        ["算出", "2.5", "7"],
        ["123456789012345", "9.13301060000001E+17", "1e-07"],
        ["#N/A", "#DIV/0!", "#REF!"],
        ["末", "", " 空 格 "],
    ]


@pytest.mark.parametrize("make", FORMS)
def test_a_cell_whose_formula_failed_is_told_by_row_and_column(make: Make) -> None:
    body = make(
        {
            "一": [
                HEADER,
                ["A1", "店", "冷库", "33", Failed("#N/A")],
                ["A2", Failed("#REF!", formula=False), "冷库", "33", "路"],
                ["A3", "店", "冷库", "33", ""],
            ]
        }
    )

    reading = read(body)

    assert told(reading) == [
        (3, "名称", "#REF!", Reason.ROW_FORMULA_ERROR),
        (2, "地址", "#N/A", Reason.ROW_FORMULA_ERROR),
    ]
    assert {one.code: one.address for one in reading.records.values()} == {"A1": "", "A3": ""}


@pytest.mark.parametrize("said", ["#SPILL!", "#CALC!", "#BLOCKED!", "#GETTING_DATA", "#FIELD!"])
def test_an_error_of_newer_programs_costs_only_its_cell(said: str) -> None:
    body = xlsx({"一": [HEADER, ["A1", "店", "冷库", "33", Failed(said)]]})

    reading = read(body)

    assert told(reading) == [(2, "地址", said, Reason.ROW_FORMULA_ERROR)]


def test_an_error_that_only_one_program_knows_is_told_as_a_wrong_value() -> None:
    body = ods({"一": [HEADER, ["A1", "店", "冷库", "33", Failed("Err:502")]]})
    named = ods({"一": [HEADER, ["A1", "店", "冷库", "33", Failed("错误：502")]]})

    found = [told(read(one)) for one in (body, named)]

    assert found == [[(2, "地址", "#VALUE!", Reason.ROW_FORMULA_ERROR)]] * 2


def test_an_error_that_an_older_program_keeps_as_zero_is_told() -> None:
    body = ods({"一": [HEADER, ["A1", "店", "冷库", "33", Failed("#DIV/0!")]]})
    old = changed(
        body, "content.xml", ' office:value-type="string" office:string-value="" '
        'calcext:value-type="error"', ' office:value-type="float" office:value="0"',
    )  # fmt: skip

    reading = read(old)

    assert told(reading) == [(2, "地址", "#DIV/0!", Reason.ROW_FORMULA_ERROR)]


def test_a_text_that_looks_like_an_error_beside_one_keeps_its_place() -> None:
    body = ods({"一": [["a", "b", "c"], [Failed("#N/A"), "x", "Err:1"]]})
    cell, row = "<table:table-cell table:formula", "</table:table-row><table:table-row"
    twice = cell.replace("-cell", '-cell table:number-columns-repeated="2"')
    wide = changed(body, "content.xml", cell, twice)
    tall = changed(wide, "content.xml", row, f'{row} table:number-rows-repeated="2"')

    found = rows(tall)

    assert found == [["a", "b", "c", ""], *[["#N/A", "#N/A", "x", "Err:1"]] * 2]


def test_a_number_that_is_none_costs_only_its_cell() -> None:
    body = xlsx({"一": [HEADER, ["A1", "店", "冷库", "33", 7.5]]})

    found = rows(changed(body, SHEET, "<v>7.5</v>", "<v>NaN</v>"))

    assert found[1] == ["A1", "店", "冷库", "33", "NAN"]


def test_a_rich_text_is_read_whole() -> None:
    body = xlsx({"一": [["x"]]})
    rich = "<r><rPr><b/></rPr><t>海川</t></r><r><t xml:space='preserve'> 冷库</t></r>"

    found = rows(changed(body, SHEET, '<t xml:space="preserve">x</t>', rich))

    assert found == [["海川 冷库"]]


def test_a_day_of_a_year_of_the_republic_is_kept_as_it_is_written() -> None:
    found = rows(ods({"一": [[date(104, 6, 25), date(1850, 1, 2)]]}))

    assert found == [["0104-06-25", "1850-01-02"]]
    assert day(found[0][0], "roc") == date(2015, 6, 25)


@pytest.mark.parametrize("make", [xlsx, ods])
def test_a_cell_merged_downwards_holds_where_the_first_columns_are_empty(make: Make) -> None:
    grid: Rows = [["", "", *HEADER], ["", "", "A1", "店", "冷库", "33", "路"],
            ["", "", "A2", "店", "", "33", ""], ["", "", "A3", "店", "冷库", "33", ""]]  # fmt: skip
    body = _merged(make, grid, "E2:E3", 'table:number-rows-spanned="2"')

    reading = read(body)

    assert told(reading) == []
    assert [one.category for one in reading.records.values()] == ["冷库"] * 3
    assert [one.address for one in reading.records.values()] == ["路", "", ""]


@pytest.mark.parametrize("make", [xlsx, ods])
def test_a_row_with_a_cell_merged_across_columns_is_named(make: Make) -> None:
    grid: Rows = [HEADER, ["A1", "店", "冷库", "33", "路"], ["A2", "店", "冷库", "33", "路"]]
    body = _merged(make, grid, "C2:D2", 'table:number-columns-spanned="2"')

    reading = read(body)

    assert [(one.row, one.reason) for one in reading.problems.first] == [
        (2, Reason.ROW_CELLS_MERGED)
    ]


def _merged(make: Make, grid: Rows, cells: str, span: str) -> bytes:
    """Merge cells from the first 冷库 on."""
    if make is xlsx:
        return xlsx({"一": grid}, [cells])
    before = '<table:table-cell office:value-type="string"><text:p>冷库'
    return changed(
        ods({"一": grid}), "content.xml", before, before.replace("-cell", f"-cell {span}"), 1
    )


def test_every_row_of_a_tall_merge_across_columns_is_named() -> None:
    grid: Rows = [HEADER, *[[f"A{n}", "店", "冷库", "33", ""] for n in range(10_050)]]

    reading = read(xlsx({"一": grid}, ["D2:E10051"]))

    assert reading.records == {}
    assert reading.problems.refused == 10_050


BOMBS = """
import io, resource, struct, sys, zipfile
from backend.rules import mapping, sources
from sync.refusals import Refused

sys.path.insert(0, "tests")
from workbooks import letters, ods, packed, xls, xlsx

def members(body):
    with zipfile.ZipFile(io.BytesIO(body)) as box:
        return {name: box.read(name) for name in box.namelist()}

def book(data, strings=b""):
    parts = members(xlsx({"s": [["x"]]}))
    name = "xl/worksheets/sheet1.xml"
    start, end = parts[name].index(b"<row"), parts[name].index(b"</sheetData>")
    parts[name] = parts[name][:start] + data + parts[name][end:]
    if strings:
        rels = "xl/_rels/workbook.xml.rels"
        parts[rels] = parts[rels].replace(b"</Relationships>", b'<Relationship Id="rz" '
            b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            b'sharedStrings" Target="sharedStrings.xml"/></Relationships>')
        parts["xl/sharedStrings.xml"] = strings
    return parts

MAIN = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
LAUGHS = b"<!DOCTYPE a [<!ENTITY x0 'ha'>" + b"".join(
    b"<!ENTITY x%d '%s'>" % (n, b"&x%d;" % (n - 1) * 10) for n in range(1, 12)) + b"]>"

def wide():
    row = lambda n: b"<row r='%d'>" % n + b"".join(
        b'<c r="%s%d" t="s"><v>0</v></c>' % (letters(c).encode(), n) for c in range(16_384)
    ) + b"</row>"
    strings = MAIN + b"<si><t>" + b"x" * 32_000 + b"</t></si></sst>"
    return packed(book(b"".join(map(row, range(1, 41))), strings))

def laughing_xlsx():
    parts = book(b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
                 LAUGHS + MAIN + b"<si><t>&x11;</t></si></sst>")
    return packed(parts)

def laughing_ods():
    parts = members(ods({"s": [["x"]]}))
    content = parts["content.xml"].replace(b"<text:p>x", b"<text:p>#&x11;")
    return packed({**parts, "content.xml": LAUGHS + content})

def huge(size):
    body = io.BytesIO()
    parts = book(b"@")
    name = "xl/worksheets/sheet1.xml"
    start, end = parts[name].split(b"@")
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as box:
        for one, content in parts.items():
            if one != name:
                box.writestr(one, content)
        with box.open(name, "w", force_zip64=True) as file:
            file.write(start)
            row = b'<row><c><v>1</v></c><c t="inlineStr"><is><t>abc</t></is></c></row>' * 20_000
            for _ in range(size // len(row)):
                file.write(row)
            file.write(end)
    return body.getvalue()

def liar():
    body = bytearray(huge(1 << 28))
    at = body.rindex(b"PK\\1\\2")  # the sheet's entry is the last
    extra = at + 46 + len("xl/worksheets/sheet1.xml")
    told = struct.unpack_from("<I", body, at + 24)[0]
    struct.pack_into("<I", body, at + 24, 1000)
    return bytes(body)

def packed_twice():
    import gzip
    return gzip.compress(huge(1 << 28), 1)

def many_merged():
    ranges = [f"A{n}:B{n}" for n in range(1, 300_000)]
    return xlsx({"s": [["x"]]}, ranges)

def repeated_ods():
    parts = members(ods({"s": [["x"]]}))
    content = parts["content.xml"].replace(b"<table:table-row>",
        b'<table:table-row table:number-rows-repeated="1048576">').replace(
        b"<table:table-cell ", b'<table:table-cell table:number-columns-repeated="16384" ')
    return packed({**parts, "content.xml": content})

def endless_chain():
    body = bytearray(xls({"s": [["x"]]}))
    struct.pack_into("<8I", body, len(body) - 512, 0, 1, 2, 3, 4, 5, 6, 7)
    return bytes(body)

body = globals()[sys.argv[1]]()
def memory(what):
    with open("/proc/self/status") as file:
        return int(file.read().split(what)[1].split()[0]) >> 10

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the peak
mine, before = resource.getrusage(resource.RUSAGE_SELF), memory("VmRSS:")
try:
    for one in sources.tables("a", io.BytesIO(body), mapping.Table(fields={})):
        try:
            print("read", sum(1 for _ in one.rows))
        finally:
            one.close()
except Refused as refused:
    print(refused.reason.code, refused.details, file=sys.stderr)
    print(refused.reason.code)
his = resource.getrusage(resource.RUSAGE_CHILDREN)
after = resource.getrusage(resource.RUSAGE_SELF)
print(memory("VmHWM:") - before, his.ru_maxrss >> 10)
print(round(after.ru_utime - mine.ru_utime + his.ru_utime + his.ru_stime, 1))
"""
ROOT = str(Path(__file__).parents[2])


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        ("wide", "register.not-csv"),
        ("laughing_xlsx", "register.not-csv"),
        ("laughing_ods", "register.not-csv"),
        ("liar", "register.not-csv"),
        ("packed_twice", "register.not-csv"),
        ("many_merged", "register.not-csv"),
        ("repeated_ods", "register.not-csv"),
        ("endless_chain", "read 1"),
    ],
)
def test_a_workbook_that_is_a_bomb_is_refused_in_bounded_memory_and_time(
    bomb: str, said: str
) -> None:
    command = [sys.executable, "-c", BOMBS, bomb]

    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": ROOT}
    )

    code, memory, seconds = done.stdout.splitlines()
    mine, theirs = map(int, memory.split())
    assert code == said, done.stderr
    assert mine < 64, "the server itself"
    assert theirs < 3100, "the process that reads it"
    assert float(seconds) < 20


def test_a_workbook_that_says_itself_that_it_is_ten_gigabytes_is_not_unpacked() -> None:
    body = bytearray(xlsx({"一": [HEADER]}))
    at = body.rindex(b"PK\1\2")
    body[at + 24 : at + 28] = (0xFFFFFFF0).to_bytes(4, "little")

    with pytest.raises(Refused) as caught:
        read(bytes(body))

    assert caught.value.reason == Reason.REGISTER_OVER_LIMIT
