"""单元格: what a cell has lost or is odd about is told by row and column, and costs only itself."""

from collections.abc import Callable
from io import BytesIO

import pytest

from backend.rules import mapping
from backend.rules.builders import establishment
from backend.rules.reader import Reading, read
from backend.rules.records import EstablishmentRecord
from sync.refusals import Reason

HEADER = "编号,名称,业态,区划,地址\n"
FIRST, SECOND, THIRD = "91330106MAWDLXX28X", "92330106MAUX4U4Q3W", "330106000000013"
MAPPING = """
[establishments]
identifiers = true
encoding = "{}"
[establishments.fields]
code = "编号"
name = "名称"
category = "业态"
division = "区划"
address = "地址"
"""

Told = list[tuple[int, str, str, Reason, bool]]


def read_as(
    encoding: str, body: bytes, said: Callable[[str], str] = str
) -> Reading[EstablishmentRecord]:
    table = mapping.parse(said(MAPPING.format(encoding)).encode(), "establishments")
    return read([("a", BytesIO(body))], table, establishment, lambda one: one.code)


def rows(name: str, *, code: str = SECOND, division: str = "330106", address: str = "路") -> str:
    return (
        f"{HEADER}{FIRST},农贸市场,市场,330106,路\n{code},{name},冷库,{division},{address}\n"
        f"{THIRD},食品商行,冷库,330106,路\n"
    )


def told(reading: Reading[EstablishmentRecord]) -> Told:
    return [
        (one.row, one.column, one.value, one.reason, one.kept) for one in reading.problems.first
    ]


@pytest.mark.parametrize(
    ("encoding", "bad", "spelled"),
    [
        ("utf-8", b"\xff", "ff"),
        ("utf-8", b"\xe5\xba", "e5ba"),
        ("utf-8", b"\xed\xa0\x80", "eda080"),
        ("utf-8", b"\x00", "00"),
        ("auto", b"\xff\xfe", "fffe"),
        ("gb18030", b"\xff", "ff"),
        ("gb18030", b"\x84\x32\x81\x30", "84328130"),
        ("gbk", b"\x80", "80"),
        ("cp950", b"\xfa\x40", "fa40"),
        ("cp950", b"\xfa\x7c\x8e\x40", "fa7c8e40"),
        ("big5", b"\x80", "80"),
        ("utf-16", b"\x00\xdc", "00dc"),
    ],
)
def test_bytes_that_are_no_text_cost_only_themselves_and_are_told_in_hex(
    encoding: str, bad: bytes, spelled: str
) -> None:
    as_ = {"gbk": "gb18030", "auto": "utf-8", "utf-16": "utf-16-le", "big5": "cp950"}
    codec = as_.get(encoding, encoding)
    said = _traditional if codec == "cp950" else str
    raw = said(rows("海@川")).encode(codec).replace("@".encode(codec), bad)

    reading = read_as(encoding, raw, said)

    assert [one.name for one in reading.records.values()][1] == "海\ufffd川"
    assert [(one.row, one.value, one.reason, one.kept) for one in reading.problems.first] == [
        (3, f"海<{spelled}>川", Reason.ROW_UNDECODABLE, True)
    ]


_pairs = str.maketrans("编号称业态区划农贸场冷库", "編號稱業態區劃農貿場冷庫")


def _traditional(text: str) -> str:
    return text.translate(_pairs)


def test_a_key_that_lost_something_refuses_its_row_and_no_other() -> None:
    body = rows("海川", code="92330106\udcffMAUX4U4Q3W").encode("utf-8", "surrogateescape")

    reading = read_as("utf-8", body)

    assert list(reading.records) == [FIRST, THIRD]
    assert told(reading) == [(3, "编号", "92330106<ff>MAUX4U4Q3W", Reason.ROW_UNDECODABLE, False)]


def test_a_value_that_cannot_be_taken_any_more_is_told_once() -> None:
    body = rows("海川", division="33\udcff").encode("utf-8", "surrogateescape")

    reading = read_as("utf-8", body)

    assert list(reading.records) == [FIRST, THIRD]
    assert told(reading) == [(3, "区划", "33<ff>", Reason.ROW_UNDECODABLE, False)]


def test_the_bytes_of_a_long_cell_are_told_with_what_is_around_them() -> None:
    body = rows("海川", address="路" * 300 + "\udcff号").encode("utf-8", "surrogateescape")

    reading = read_as("utf-8", body)

    assert told(reading)[0][2] == "路" * 20 + "<ff>号"


def test_characters_made_for_one_place_survive_in_gbk() -> None:
    body = rows("海@川").encode("gb18030").replace(b"@", b"\xaa\xa1\xf8\xa1")

    reading = read_as("gbk", body)

    assert reading.records[SECOND].name == "海\ue000\ue234川"
    assert told(reading) == [(3, "名称", "海\\ue000\\ue234川", Reason.ROW_PRIVATE_USE, True)]


def test_hong_kong_characters_are_read_when_the_mapping_says_so() -> None:
    body = _traditional(rows("海@川")).encode("cp950").replace(b"@", b"\xfa\x40")

    reading = read_as("big5-hkscs", body, _traditional)

    assert reading.records[SECOND].name == "海\U00020547川"
    assert told(reading) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("海\ue5e5川", Reason.ROW_PRIVATE_USE),
        ("海\U000f0001川", Reason.ROW_PRIVATE_USE),
        ("海\x7f川", Reason.ROW_CONTROL_CHARACTER),
        ("海\x01川", Reason.ROW_CONTROL_CHARACTER),
        ("海&amp;川", Reason.ROW_HTML_ENTITY),
        ("海&#28023;川", Reason.ROW_HTML_ENTITY),
        ("海&#x6D77;川", Reason.ROW_HTML_ENTITY),
    ],
)
def test_odd_characters_are_kept_as_they_are_and_told(name: str, reason: Reason) -> None:
    reading = read_as("utf-8", rows(name).encode())

    assert reading.records[SECOND].name == name
    assert [(one.row, one.column, one.reason, one.kept) for one in reading.problems.first] == [
        (3, "名称", reason, True)
    ]


@pytest.mark.parametrize("name", ["A & B", "M&M; 店", "海\u3000川", "海\u00a0川", "𠕇记", "(#1)"])
def test_what_only_looks_odd_is_not_told(name: str) -> None:
    reading = read_as("utf-8", rows(name).encode())

    assert reading.records[SECOND].name == name
    assert told(reading) == []


def test_a_formula_that_failed_is_told_and_read_as_an_empty_cell() -> None:
    kept = read_as("utf-8", rows("海川", address="#N/A").encode())
    refused = read_as("utf-8", rows("#REF!").encode())
    nobody = read_as("utf-8", rows("海川", code="#VALUE!").encode())

    assert kept.records[SECOND].address == ""
    assert told(kept) == [(3, "地址", "#N/A", Reason.ROW_FORMULA_ERROR, True)]
    assert told(refused) == [(3, "名称", "#REF!", Reason.ROW_FORMULA_ERROR, False)]
    assert told(nobody) == [(3, "编号", "#VALUE!", Reason.ROW_FORMULA_ERROR, False)]
    assert SECOND not in refused.records


def test_a_very_long_cell_costs_its_own_row_and_is_told_by_its_column() -> None:
    reading = read_as("utf-8", rows("长" * 150_000).encode())

    assert told(reading) == [(3, "名称", "长" * 80, Reason.ROW_VALUE_TOO_LONG, False)]
    assert list(reading.records) == [FIRST, THIRD]


def test_a_bare_return_in_a_quoted_cell_is_part_of_it() -> None:
    body = rows('"海\r川\r\n二店"').replace("路\n", "路\r\n").encode()

    reading = read_as("utf-8", body)

    assert reading.records[SECOND].name == "海\r川\r\n二店"
    assert [place for _, place in reading.places.values()] == [2, 3, 6]
    assert told(reading) == []


def test_of_rows_that_take_turns_the_last_one_counts() -> None:
    lines = rows("海川").splitlines(keepends=True)
    other = lines[2].replace("海川", "海山")

    reading = read_as("utf-8", "".join([*lines, lines[2], other, lines[2], lines[2]]).encode())

    assert reading.records[SECOND].name == "海川"
    assert [(row, reason, kept) for row, _, _, reason, kept in told(reading)] == [
        (6, Reason.ROW_DUPLICATE, True),
        (7, Reason.ROW_DUPLICATE, True),
    ]


def test_a_mapping_may_name_no_column_at_all() -> None:
    fields = {name: mapping.Source(constant="33") for name in ("code", "name", "category")}
    table = mapping.Table(fields={**fields, "division": mapping.Source(constant="33")})

    reading = read([("a", BytesIO(b"x\n1\n2\n"))], table, establishment, lambda one: one.code)

    assert list(reading.records) == ["33"]


def test_an_unquoted_thousands_comma_costs_its_row_and_says_how_many_columns() -> None:
    reading = read_as("utf-8", rows("海川", address="5,000(万美元)").encode())

    assert list(reading.records) == [FIRST, THIRD]
    assert told(reading) == [(3, "", "6", Reason.ROW_COLUMNS_WRONG, False)]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("encoding", ["auto", "utf-16"])
def test_utf_16_is_told_even_where_hardly_anything_is_ascii(codec: str, encoding: str) -> None:
    text = rows("一" * 200, address="杭州市西湖区文一西路一号一幢一层" * 10)

    reading = read_as(encoding, text.encode(codec))

    assert list(reading.records) == [FIRST, SECOND, THIRD]
    assert told(reading) == []
