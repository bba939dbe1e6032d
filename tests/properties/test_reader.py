"""名录读取: whatever a file holds, it is read or refused, and one bad line costs only itself."""

import csv
import gzip
import io
from io import BytesIO
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workbooks import ods, packed, xls, xlsx

from backend.rules import builders, mapping, reader, records
from backend.rules.guess import guess
from backend.rules.headers import headed
from backend.rules.identifiers import identify
from backend.rules.sources import tables
from sync.checklist import parse
from sync.refusals import Refused

OWN = (Path(__file__).parents[2] / "fixtures" / "mappings" / "own.toml").read_bytes()
TABLE = mapping.parse(OWN, "establishments")
AUTO = mapping.parse(OWN.replace(b'"utf-8"', b'"auto"'), "establishments")
HEADER = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
GOOD = (
    '91330106MAWDLXX28X,"临河,农贸市场",农贸市场,330106001,"",B,存续,120.1,30.27\n',
    '92330106MAUX4U4Q3W,海川冷库,冷库,330106002,"河滨路""2""号\n东门",C,停业,120.2,30.28\n',
    "N2330110MF0000000M,家和便利店,食品销售,330106003,文化路3号,A,存续,,\n",
)
KEYS = ["91330106MAWDLXX28X", "92330106MAUX4U4Q3W", "N2330110MF0000000M"]


def read(body: bytes, table: mapping.Table = TABLE) -> reader.Reading[records.EstablishmentRecord]:
    return reader.read(
        [("a.csv", BytesIO(body))], table, builders.establishment, lambda one: one.code
    )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.booleans(), st.sampled_from([TABLE, AUTO]))
def test_any_bytes_are_read_or_refused(junk: bytes, headed: bool, table: mapping.Table) -> None:
    try:
        reading = read((HEADER.encode() if headed else b"") + junk, table)
    except Refused:
        return

    assert reading.rows >= reading.problems.refused


STARTS = (
    b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b'{"', b"PK\x03\x04", b"PK\x05\x06",
    b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=600))
@example(b"", b"\x00" * 64)
@example(b'{"', b'":' + b"[" * 500)
def test_for_any_bytes_a_mapping_is_proposed_that_parses_or_they_are_refused(
    start: bytes, junk: bytes
) -> None:
    try:
        opened = list(tables("a", BytesIO(start + junk), mapping.Table(fields={})))
        guesses = [guess(one.detected, *headed(one, None)) for one in opened]
    except Refused:
        return

    for one in guesses:
        assert mapping.parse(one.toml.encode(), one.register)


CELL = st.text(st.sampled_from('a号 ",\n'), max_size=4)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=60, max_size=200))
def test_rows_of_several_lines_keep_their_cells_and_the_number_of_their_first_line(
    rows: list[tuple[str, str, str]],
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    table = mapping.Table(fields={}, delimiter=",", encoding="utf-8")

    opened = next(tables("a", BytesIO(text.getvalue().encode()), table))
    found = [(line.number, tuple(line.cells or ())) for line in opened.rows]

    numbers = accumulate((1 + "".join(row).count("\n") for row in rows), initial=1)
    assert found == list(zip(numbers, rows, strict=False))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(("csv", "gz", "zip", "xlsx", "ods", "xls")), st.data())
def test_a_damaged_file_is_read_or_refused(form: str, data: st.DataObject) -> None:
    plain = (HEADER + "".join(GOOD)).encode()
    rows = [line.split(",") for line in plain.decode().splitlines()]
    body = bytearray(
        {
            "csv": lambda: plain,
            "gz": lambda: gzip.compress(plain, mtime=0),
            "zip": lambda: packed({"a.csv": plain}),
            "xlsx": lambda: xlsx({"a": rows}),
            "ods": lambda: ods({"a": rows}),
            "xls": lambda: xls({"a": rows}),
        }[form]()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(len(body) // 2, len(body))) :]

    try:
        reading = read(bytes(body))
    except Refused:
        return

    assert reading.rows >= reading.problems.refused


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ENCODINGS), st.sampled_from(",\t;|"), st.booleans(), st.data())
def test_a_register_in_any_encoding_with_any_damage_is_read_guessed_or_refused(
    encoding: str, delimiter: str, packed: bool, data: st.DataObject
) -> None:
    text = (HEADER + "".join(GOOD) * 3).replace(",", delimiter)
    body = bytearray(text.encode(encoding))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=5))
    whole = gzip.compress(body, mtime=0) if packed else bytes(body)

    try:
        reading = read(whole, AUTO)
        opened = next(tables("a", BytesIO(whole), mapping.Table(fields={})))
        guessed = guess(opened.detected, *headed(opened, None))
    except Refused:
        return

    assert reading.rows >= reading.problems.refused
    assert mapping.parse(guessed.toml.encode(), guessed.register)


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.sampled_from("a,\"号\t ;\\'") | st.characters(exclude_characters="\r\n"), max_size=60
    ),
    st.integers(0, 3),
)
@example('"', 0)
@example('a,"', 1)
@example('"""', 2)
@example('x,"y",""', 1)
def test_one_bad_line_costs_only_itself(line: str, place: int) -> None:
    lines: list[str] = list(GOOD)
    lines.insert(place, line + "\n")
    body = (HEADER + "".join(lines)).encode("utf-8", "surrogatepass")

    reading = read(body)

    assert [key for key in KEYS if key in reading.records] == KEYS
    assert reading.problems.refused == reading.rows - 3


@pytest.mark.parametrize("lines", [60, 3000])
def test_an_open_quote_before_many_lines_costs_only_its_own(lines: int) -> None:
    rows = [f"X{n},店,冷库,330106002,路,B,存续,,\n" for n in range(lines)]
    plain = mapping.parse(OWN.replace(b"identifiers = true", b""), "establishments")

    reading = read((HEADER + 'Y,"店,冷库\n' + "".join(rows)).encode(), plain)

    assert len(reading.records) == lines
    assert [(one.row, one.reason.code) for one in reading.problems.first] == [
        (2, "row.columns-wrong")
    ]


@given(st.text(max_size=30))
@example("R¸")  # a space goes, and what is left is one letter
def test_any_text_is_told_as_some_identifier_and_normalising_twice_changes_nothing(
    text: str,
) -> None:
    told = identify(text)

    assert identify(told.value).value == told.value


@settings(deadline=None)
@given((st.binary(max_size=200) | st.text(max_size=200).map(str.encode)).filter(bytes.strip))
def test_any_bytes_are_refused_as_a_checklist_and_as_a_mapping(junk: bytes) -> None:
    with pytest.raises(Refused):
        parse(junk)
    with pytest.raises(Refused):
        mapping.parse(junk, "recusals")
