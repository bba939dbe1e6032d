"""照片存疑: what is asked of a picture that disagrees with its visit."""

import csv
from datetime import UTC, datetime
from itertools import combinations

import pytest
from conftest import shared_data

from sync import pictures
from sync.moments import CHINA
from sync.pictures import Code, Facts, Place, Remark, Visit, remarks, said

BEGINS = datetime(2026, 3, 2, 9, 0, tzinfo=CHINA)
ENDS = datetime(2026, 3, 2, 11, 0, tzinfo=CHINA)
SITE = Place(31.2304, 121.4737)
VISIT = Visit(BEGINS, ENDS, SITE, SITE)
GOOD = Facts(
    format="JPEG",
    taken="2026-03-02T10:00:00",
    zone="+08:00",
    latitude="31.230400",
    longitude="121.473700",
    camera="Pixel 6",
)


def of(visit: Visit = VISIT, **other: str) -> tuple[Remark, ...]:
    facts = Facts(**{"format": "JPEG", "taken": GOOD.taken, "zone": GOOD.zone, "camera": "Pixel 6",
                     "latitude": GOOD.latitude, "longitude": GOOD.longitude} | other)  # fmt: skip
    return remarks(facts, visit, attached=ENDS)


def test_a_picture_of_the_visit_gives_no_remark() -> None:
    assert of() == ()


@pytest.mark.parametrize(
    ("taken", "zone", "expected"),
    [
        ("2026-03-02T08:31:00", "+08:00", ()),  # before arriving, within the margin
        ("2026-03-02T08:29:00", "+08:00", (Remark("outside-visit", minutes=31),)),
        ("2026-03-02T11:30:00", "+08:00", ()),
        ("2026-03-02T11:31:00", "+08:00", (Remark("outside-visit", minutes=31),)),
        ("2026-03-01T10:00:00", "+08:00", (Remark("outside-visit", minutes=23 * 60),)),
        ("2026-03-02T02:00:00", "+00:00", ()),  # the same moment in another zone
        ("2026-03-02T10:00:00", "", (Remark("zone-assumed"),)),
        ("2026-03-02T10:00:00", "strange", ()),  # as if local: what it says is no zone
        ("2026-03-02T02:00:00", "", (Remark("zone-assumed"), Remark("outside-visit", minutes=420))),
        ("2000-01-01T00:00:00", "+08:00", (Remark("clock-wrong"),)),
        ("2099-09-29T10:10:10", "+08:00", (Remark("clock-wrong"),)),
        ("0001-01-01T00:00:00", "+08:00", (Remark("clock-wrong"),)),
        ("9999-12-31T23:59:59", "-12:00", (Remark("clock-wrong"),)),
        ("", "", (Remark("no-time"),)),
        ("soon", "", (Remark("no-time"),)),
    ],
)
def test_the_time_of_a_picture_is_held_against_the_visit(
    taken: str, zone: str, expected: tuple[Remark, ...]
) -> None:
    assert of(taken=taken, zone=zone) == expected


def test_without_a_visit_only_a_clock_that_cannot_be_is_told() -> None:
    assert of(Visit(), taken="2020-01-01T00:00:00") == ()
    assert of(Visit(), taken="1980-01-01T00:00:00") == (Remark("clock-wrong"),)


def test_a_picture_without_a_word_about_itself_is_told_and_is_no_warning() -> None:
    silent = of(taken="", zone="", latitude="", longitude="", camera="")
    nowhere = of(latitude="", longitude="")

    assert silent == (Remark("no-exif"),)
    assert nowhere == (Remark("no-position"),)
    assert not any(one.warning for one in (*silent, *nowhere))


def test_a_picture_from_far_away_is_told_in_metres_from_site_and_arrival() -> None:
    arrived_elsewhere = Visit(BEGINS, ENDS, SITE, Place(31.24, 121.4737, accuracy=20.0))

    found = of(arrived_elsewhere)
    both = of(VISIT, latitude="31.330400")

    assert found == (Remark("far-from-arrival", metres=1067),)
    assert [one.code for one in both] == ["far-from-site", "far-from-arrival"]
    assert both[0].metres == pytest.approx(11_120, abs=10)
    assert all(one.warning for one in both)


def test_what_an_arrival_does_not_know_better_is_no_distance() -> None:
    vague = Visit(BEGINS, ENDS, None, Place(31.24, 121.4737, accuracy=800.0))

    assert of(vague) == ()


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_a_site_on_a_shifted_map_is_where_its_datum_says(datum: str) -> None:
    # a camera in Beijing, and the same place as maps of China show it
    shifted = {"GCJ-02": (39.913345, 116.384047), "BD-09": (39.919576, 116.390455)}[datum]
    camera = {"latitude": "39.911954", "longitude": "116.377817"}

    right = of(Visit(BEGINS, ENDS, Place(*shifted, datum=datum)), **camera)
    ignored = of(Visit(BEGINS, ENDS, Place(*shifted, datum="WGS-84")), **camera)

    assert right == ()
    assert [one.code for one in ignored] == ["far-from-site"]


def test_the_vectors_of_shifted_maps_lie_within_a_metre() -> None:
    rows = csv.DictReader(
        (shared_data() / "test_vectors" / "coordinates.tsv").read_text("utf-8").splitlines(),
        delimiter="\t",
    )
    seen = 0

    for row in rows:
        if "Seoul" in row["what"]:
            continue  # abroad nobody shifts
        datum = "BD-09" if "bd" in row["what"] else "GCJ-02"
        camera = Place(float(row["lat"]), float(row["lon"]))
        site = Place(float(row["expect_lat"]), float(row["expect_lon"]), datum)
        metres = pictures.apart(camera, site)
        assert metres is not None
        assert metres < 1, row["what"]
        seen += 1

    assert seen >= 4


def test_a_point_that_is_none_is_not_measured() -> None:
    assert pictures.place("", "121.4", "WGS-84") is None
    assert pictures.place("91", "121.4", "WGS-84") is None
    assert pictures.place("nan", "121.4", "WGS-84") is None
    assert pictures.place("31", "121", "", "inf") is None
    assert pictures.apart(SITE, Place(31.0, 121.0, "Xian-80")) is None


def test_every_remark_has_words_in_both_languages() -> None:
    codes = set(pictures.Code.__args__)

    assert codes == pictures.WORDS.keys()
    for en, zh in pictures.WORDS.values():
        assert en.isascii()
        assert not zh.isascii()


def test_hashes_within_three_bits_share_a_part() -> None:
    one = 0x1234_5678_9ABC_DEF0

    for bits in combinations(range(0, 64, 5), 3):
        other = one
        for bit in bits:
            other ^= 1 << bit
        mine, theirs = (pictures.parts(f"{each:016x}") for each in (one, other))
        assert pictures.distance(f"{one:016x}", f"{other:016x}") == 3
        assert any(a == b for a, b in zip(mine, theirs, strict=True))


def test_when_a_picture_was_taken_is_a_moment() -> None:
    assert pictures.taken_at(GOOD) == datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "amount", "en", "zh"),
    [
        ("far-from-site", 501, "taken 501 m from the registered site", "距登记地址 501 米"),
        ("far-from-arrival", 10_000, "taken 10 km from where they arrived", "距到达地点 10 公里"),
        ("outside-visit", 119, "taken 119 min outside the visit", "超出检查时段 119 分钟"),
        ("outside-visit", 150, "taken 2 h outside the visit", "超出检查时段 2 小时"),
        ("outside-visit", 2880, "taken 2 days outside the visit", "超出检查时段 2 天"),
        ("outside-visit", 2_953_008, "taken 5 years outside the visit", "超出检查时段 5 年"),
    ],
)
def test_distances_and_times_are_told_in_units_that_people_grasp(
    code: Code, amount: int, en: str, zh: str
) -> None:
    assert said(code, metres=amount, minutes=amount, inspection="") == (en, zh)
