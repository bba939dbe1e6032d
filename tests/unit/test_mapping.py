"""字段映射: days, points and the other ways in which one register differs from the next."""

import csv
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from conftest import shared_data

from backend.rules import builders, mapping, reader
from backend.rules.dates import Order, day
from sync.coordinates import convert
from sync.refusals import Reason, Refused

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2018-01-05", "auto", date(2018, 1, 5)),
        ("2016/8/1 11:05", "auto", date(2016, 8, 1)),
        ("2020/9/2 9:35", "auto", date(2020, 9, 2)),
        ("2019-05-31 00:00:00", "auto", date(2019, 5, 31)),
        ("2019-05-31T08:00:00+08:00", "auto", date(2019, 5, 31)),
        ("2021年03月12日", "auto", date(2021, 3, 12)),
        ("２０２１年3月12日", "auto", date(2021, 3, 12)),
        ("20210312", "auto", date(2021, 3, 12)),
        ("105/07/29", "auto", date(2016, 7, 29)),
        ("104年2月13日", "auto", date(2015, 2, 13)),
        ("民國98年7月2日", "auto", date(2009, 7, 2)),
        ("0104-06-25", "auto", date(2015, 6, 25)),
        ("98/7/2", "auto", None),
        ("98/7/2", "roc", date(2009, 7, 2)),
        ("5/31/2019", "mdy", date(2019, 5, 31)),
        ("31/5/2019", "dmy", date(2019, 5, 31)),
        ("31.05.2019", "dmy", date(2019, 5, 31)),
        ("4/5/2019", "auto", None),
        ("4/27/2019", "auto", None),
        ("5/31/2019", "dmy", None),
        ("45292", "auto", date(2024, 1, 1)),
        ("45292.75", "excel", date(2024, 1, 1)),
        ("45292", "dmy", None),
        ("??/10/2014", "auto", None),
        ("2019-02-30", "auto", None),
        ("99999", "auto", None),
        ("", "auto", None),
    ],
)
def test_a_day_is_read_as_it_is_written_or_not_at_all(
    text: str, order: Order, expected: date | None
) -> None:
    assert day(text, order) == expected


def test_points_are_converted_as_the_vectors_say() -> None:
    path = shared_data() / "test_vectors" / "coordinates.tsv"
    datums = {"wgs2gcj": "GCJ-02", "wgs2bd": "BD-09"}
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t"))

    for row in rows:
        to = next(datum for way, datum in datums.items() if way in row["what"])
        found = convert(
            latitude=float(row["lat"]), longitude=float(row["lon"]), datum="WGS-84", to=to
        )
        # Only vectors of our ellipsoid are exact; another library's differ by 1 cm.
        near = 1e-9 if "prcoords" in row["note"] else 2e-7
        expected = (float(row["expect_lat"]), float(row["expect_lon"]))

        assert found == pytest.approx(expected, abs=near), row
    assert len(rows) == 6


@pytest.mark.parametrize("datum", ["WGS-84", "GCJ-02", "BD-09"])
@pytest.mark.parametrize("to", ["WGS-84", "GCJ-02", "BD-09"])
@pytest.mark.parametrize("point", [(39.911954, 116.377817), (22.3027, 114.1772), (51.5, -0.12)])
def test_a_point_goes_there_and_back(datum: str, to: str, point: tuple[float, float]) -> None:
    there = convert(latitude=point[0], longitude=point[1], datum=datum, to=to)
    assert there is not None

    back = convert(latitude=there[0], longitude=there[1], datum=to, to=datum)

    assert back == pytest.approx(point, abs=1e-6)  # 0.1 m


POINTS = """
[establishments]
convert = "WGS-84"
[establishments.fields]
code = "编号"
name = "名称"
category = { constant = "cold-store" }
division = { constant = "3301" }
longitude = "经度"
latitude = "纬度"
datum = "坐标系"
"""


def test_points_are_stored_in_the_datum_that_the_mapping_asks_for() -> None:
    body = (
        "编号,名称,经度,纬度,坐标系\n"
        "1,甲,116.38404722455657,39.91334545536069,GCJ-02\n"
        "2,乙,116.377817,39.911954,WGS-84\n"
        "3,丙,116.377817,39.911954,\n"
    )
    table = mapping.parse(POINTS.encode(), "establishments")

    reading = reader.read(
        [("a", BytesIO(body.encode()))], table, builders.establishment, lambda one: one.code
    )

    points = [(one.longitude, one.latitude, one.datum) for one in reading.records.values()]
    assert points[0] == (pytest.approx(116.377817, abs=1e-6), pytest.approx(39.911954), "WGS-84")
    assert points[1] == (116.377817, 39.911954, "WGS-84")
    assert points[2] == (None, None, "")
    assert [(one.row, one.reason) for one in reading.problems.first] == [
        (4, Reason.ROW_VALUE_INVALID)
    ]


def test_a_point_on_the_equator_has_no_sign() -> None:
    body = "编号,名称,经度,纬度,坐标系\n1,甲,-0,-0.0,WGS-84\n"
    table = mapping.parse(POINTS.encode(), "establishments")

    reading = reader.read(
        [("a", BytesIO(body.encode()))], table, builders.establishment, lambda one: one.code
    )

    [one] = reading.records.values()
    assert (str(one.longitude), str(one.latitude)) == ("0.0", "0.0")


def test_a_mapping_that_converts_must_say_from_what() -> None:
    with pytest.raises(Refused) as refused:
        mapping.parse(POINTS.replace('datum = "坐标系"', "").encode(), "establishments")

    assert refused.value.details["field"] == "establishments.fields.datum"


@pytest.mark.parametrize("old", ["", 'sheet = "一"\n', "sheet='[x]' # 旧\n"])
def test_another_sheet_is_written_into_a_mapping_and_nothing_else(old: str) -> None:
    text = POINTS.replace("[establishments]\n", "[establishments] # 名录\n" + old)

    table = mapping.parse(
        mapping.choose_sheet(text.encode(), "establishments", '二"'), "establishments"
    )

    assert table.sheet == '二"'
    assert table.fields == mapping.parse(POINTS.encode(), "establishments").fields


def test_the_third_sheet_of_the_wholesalers_is_read_to_the_last_row() -> None:
    path = next((shared_data() / "uk_fsa_wholesalers").glob("*.xlsx"))
    table = mapping.parse(
        (FIXTURES / "mappings" / "uk_fsa_wholesalers.toml").read_bytes(), "establishments"
    )

    with path.open("rb") as file:
        reading = reader.read(
            [(path.name, file)], table, builders.establishment, lambda one: one.code
        )

    assert (reading.rows, len(reading.records)) == (13_785, 13_785)
    assert reading.problems.first == []
    one = reading.records["Plymouth City 381"]
    assert one.address == "2 Julian Street, Plymouth, PL4 0PR"
    assert (one.category, one.risk, one.latitude) == ("food-producer", "C", 50.3681212)
