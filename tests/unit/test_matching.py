"""同一对象识别: what speaks for one establishment, and how well that works on real names."""

import csv
from collections import defaultdict
from itertools import combinations
from random import Random

import pytest
from conftest import shared_data
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from python_calamine import CalamineWorkbook

from backend.rules.matching import (
    SUSPICIOUS,
    Candidate,
    Newcomers,
    identity,
    judge,
    parts,
    suspects,
)
from backend.rules.names import fold

STREET = "浙江省杭州市西湖区文三路12号"


def candidate(id: str, name: str, address: str = STREET, **more: object) -> Candidate:
    return Candidate(id=id, code="", name=name, address=address, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("杭州海川冷链有限公司", ("杭州", "海川", "冷链", "有限公司", "")),
        ("海川（杭州）餐饮管理有限公司", ("", "海川", "餐饮管理", "有限公司", "杭州")),
        ("杭州市西湖区臨河菜市場", ("杭州市西湖区", "临河", "菜市场", "", "")),
        ("杭州海川餐饮有限公司文三路店", ("杭州", "海川", "餐饮", "有限公司", "文三路店")),
        ("Booker Wholesale Ltd", ("", "booker wholesale", "", "", "")),
    ],
)
def test_a_name_has_parts(name: str, expected: tuple[str, ...]) -> None:
    found = parts(name, STREET)

    assert (found.region, found.trade_name, found.trade, found.form, found.branch) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("杭州海川冷链有限公司", STREET), ("杭州海川冷链有限责任公司", STREET)),
        (("臨河菜市場", STREET), ("临河菜市场", "浙江省杭州市西湖区文三路１２号")),
        (("海川（杭州）食品有限公司", STREET), ("海川(杭州)食品有限公司", "西湖区文三路12号")),
        (("杭州临河水产经营部", STREET), ("杭州临和水产经营部", STREET)),  # 同音字
        (("Rococo Chocolates Ltd", "5 Volt Avenue"), ("Rococo Chocolates", "5 Volt Ave")),
        (("海川（杭州）食品有限公司", "文三路12号"), ("杭州海川食品有限公司", "文三路12号")),
        (("海川（杭州）Ltd", STREET), ("海川（杭州）Ｌｔｄ", STREET)),
    ],
)
def test_two_are_suspected(one: tuple[str, str], other: tuple[str, str]) -> None:
    found = suspects([candidate("1", *one), candidate("2", *other)])

    assert [(match.first, match.second, match.certain) for match in found] == [("1", "2", False)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("海川餐饮有限公司文三路店", STREET), ("海川餐饮有限公司古翠路店", STREET)),
        (("第一食堂", STREET), ("第二食堂", STREET)),
        (("海川超市", STREET), ("望山超市", STREET)),
        (("海川超市", STREET), ("海川超市", "浙江省宁波市江北区解放路88号")),
        (("Stand #4 Pizza", "40 Bay St"), ("Stand #18 Pizza", "40 Bay St")),
        (("Greggs", "81 High Street Dumbarton"), ("Greggs", "139 Main Street Alexandria")),
        (("海川（杭州）食品有限公司", "文三路12号"), ("海川（宁波）食品有限公司", "文三路12号")),
    ],
)
def test_two_are_not_suspected(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert judge(candidate("1", *one), candidate("2", *other)).score < SUSPICIOUS
    assert suspects([candidate("1", *one), candidate("2", *other)]) == []


def test_only_the_same_code_is_certain() -> None:
    same = Candidate(id="1", code="X", name="甲"), Candidate(id="2", code="X", name="乙")
    licensed = (
        Candidate(id="1", code="X", name="甲", licences=("JY1",)),
        Candidate(id="2", code="Y", name="乙", licences=("JY1",)),
    )

    assert judge(*same).certain
    assert not judge(*licensed).certain
    assert judge(*licensed).evidence.licence == "JY1"
    assert suspects(licensed)[0].score >= SUSPICIOUS


def test_distance_speaks_for_and_against() -> None:
    here = candidate("1", "海川超市", "", longitude=120.1, latitude=30.2, datum="WGS-84")
    next_door = candidate("2", "海川超市", "", longitude=120.1001, latitude=30.2, datum="WGS-84")
    far = candidate("3", "海川超市", "", longitude=120.2, latitude=30.2, datum="WGS-84")
    other = candidate("4", "海川超市", "", longitude=120.1, latitude=30.2, datum="GCJ-02")

    found = suspects([here, next_door, far, other])

    assert [(match.first, match.second) for match in found] == [("1", "2")]
    assert found[0].evidence.metres == 10
    assert 400 < (judge(here, other).evidence.metres or 0) < 600  # the datum is shifted so far


def test_who_has_the_same_name_where_nothing_else_is_known_is_suspected() -> None:
    one = candidate("1", "Scarlett Angel", "", division="330106")
    two = candidate("2", "SCARLETT ANGEL Ltd", "", division="330106")
    elsewhere = candidate("3", "Scarlett Angel", "", division="330105")
    nowhere = candidate("4", "Scarlett Angel", "")
    known = candidate("5", "Scarlett Angel", STREET, division="330106")

    found = suspects([one, two, elsewhere, nowhere, known])

    pairs = [(match.first, match.second) for match in found]
    assert pairs == [("1", "2"), ("1", "5"), ("2", "5")]  # an address alone does not contradict


def test_newcomers_are_compared_with_who_is_known_and_not_with_one_another() -> None:
    new = [candidate("n1", "海川冷链有限公司"), candidate("n2", "海川冷链有限责任公司")]
    known = [candidate("k", "海川（杭州）冷链有限公司"), candidate("far", "望山超市", "解放路7号")]

    found = {(one.id, match.first, match.second) for one, match in Newcomers(new).suspects(known)}

    assert found == {("n1", "k", "n1"), ("n2", "k", "n2")}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("臨河菜市場", "文三路１２号"), ("临河菜市场", "文三路12号"), True),
        (("JOE'S Pizza", "40 Bay St"), ("Joes pizza", "40 bay st."), True),
        (("临河菜市场", "文三路12号"), ("临河菜市场", "文三路14号"), False),
    ],
)
def test_one_name_at_one_address_is_one_door(
    one: tuple[str, str], other: tuple[str, str], same: bool
) -> None:
    assert (identity(*one) == identity(*other)) is same
    assert identity(one[0], "") == identity("", one[1]) == ""


trade_names = st.sampled_from(["海川", "臨河", "临河", "望山", "Ｂｏｏｋｅｒ", "Booker "])
words = st.sampled_from(
    ["海川", "冷链", "菜市场", "菜市場", "有限公司", "有限责任公司", "（杭州）", "(杭州)", "一店",
     "二店", "Ltd", "文三路店"]
)  # fmt: skip
streets = st.sampled_from(["", STREET, "文三路１２号", "文三路14号", "解放路7号"])
points = st.sampled_from([None, 120.1, 120.1003, 120.2])
records = st.builds(
    lambda name, more, address, east, datum, division: Candidate(
        id="", code="", name=name + "".join(more), address=address, longitude=east,
        latitude=None if east is None else 30.2, datum=datum, division=division,
    ),
    trade_names, st.lists(words, max_size=3), streets, points,
    st.sampled_from(["", "WGS-84", "GCJ-02"]), st.sampled_from(["", "330106"]),
)  # fmt: skip


@settings(deadline=None)  # the first one loads the dictionaries
@given(records, records)
def test_judging_is_symmetric_and_a_match_names_both(one: Candidate, other: Candidate) -> None:
    first, second = replace(one, id="1"), replace(other, id="2")

    match = judge(first, second)

    assert match == judge(second, first)
    assert (match.first, match.second, match.certain) == ("1", "2", False)
    assert 0 <= match.score <= 100


@settings(deadline=None)  # the first one loads the dictionaries
@given(st.lists(records, max_size=8), st.randoms(use_true_random=False))
def test_suspicion_does_not_depend_on_the_order(some: list[Candidate], chance: Random) -> None:
    numbered = [replace(one, id=str(n)) for n, one in enumerate(some)]
    shuffled = chance.sample(numbered, len(numbered))

    assert suspects(shuffled) == suspects(numbered)


@settings(deadline=None)  # the first one loads the dictionaries
@given(records)
def test_whoever_is_written_otherwise_is_suspected(one: Candidate) -> None:
    """Full width and 繁體 change nothing, at one known address."""
    there = replace(one, id="1", address=STREET, longitude=None)
    wide = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
    other = there.name.translate(wide).replace("临", "臨").replace("场", "場")

    found = judge(there, replace(there, id="2", name=other))

    assert found.score >= SUSPICIOUS


def toronto() -> list[Candidate]:
    """Every establishment of all years, as named last."""
    last: dict[str, dict[str, str]] = {}
    for path in sorted((shared_data() / "toronto_dinesafe").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            last.update((row["Establishment ID"], row) for row in csv.DictReader(file))
    return [
        Candidate(
            id=code,
            code=code,
            name=row["Establishment Name"].strip(),
            address=row["Establishment Address"].strip(),
            longitude=float(row["Longitude"]),
            latitude=float(row["Latitude"]),
            datum="WGS-84",
        )
        for code, row in last.items()
    ]


# What typists did in the registers that were measured, by the number of the row.
DIRT = (
    lambda name, address: (name + " LTD", address),
    lambda name, address: (name.replace("'", "’").title(), address.replace(" AVE", " AVENUE")),
    lambda name, address: (name.replace("&", "AND").replace("-", " "), address.lower()),
    lambda name, address: (name[:4] + name[5:], address),
    lambda name, address: (name[:3] + name[4] + name[3] + name[5:], address.replace(",", " ")),
    lambda name, address: (" ".join(reversed(name.split())), address.replace(" ST", " STREET")),
)


def test_real_duplicates_are_found_and_little_else() -> None:
    """Rows of Toronto that are alike but for their number, and rows spoilt as typists spoil them.

    Coordinates are withheld from the matching, so they can tell whether it was right.
    """
    real = toronto()
    blind = [Candidate(id=one.id, code=one.id, name=one.name, address=one.address) for one in real]
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in real:
        alike[fold(one.name), fold(one.address)].append(one.id)
    twice = {pair for ids in alike.values() for pair in combinations(sorted(ids), 2)}
    spoilt: list[Candidate] = []
    for n, one in enumerate(row for row in blind[::10] if len(row.name) > 8):
        name, address = DIRT[n % len(DIRT)](one.name, one.address)
        spoilt.append(Candidate(id=f"~{one.id}", code=f"~{one.id}", name=name, address=address))
    at = {one.id: one for one in real}

    found = {(match.first, match.second) for match in suspects(blind)}
    again = {(match.first, match.second) for match in suspects([*blind, *spoilt])}
    here = [judge(at[one], at[two]).evidence.metres or 0 for one, two in found]
    near = sum(metres <= 200 for metres in here) / len(here)
    planted = {(one.id[1:], one.id) for one in spoilt}
    hit = len(planted & again) / len(planted)
    more = [(one.lstrip("~"), two.lstrip("~")) for one, two in again - found]
    right = sum(one == two or tuple(sorted((one, two))) in found for one, two in more)

    assert len(real) > 11_000
    assert len(twice) == 15
    assert twice <= found
    assert near >= 0.95
    assert hit >= 0.95
    assert right / len(more) >= 0.95


def test_flags_of_a_real_workbook_that_something_speaks_for_are_found() -> None:
    """The UK's wholesalers: its flags call two rows of one name the same where both lack a place.

    Of 59 such pairs 13 lie in one authority, and in 6 of these every other field agrees too.
    """
    path = shared_data() / "uk_fsa_wholesalers" / "FSAwholesalers_dedupedAPR25_ANALYSIS.xlsx"
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("FSAwholesalers_dedupedAPR25")
    head, *lines = sheet.to_python()
    flags: dict[tuple[str, str, str], list[tuple[Candidate, bool]]] = defaultdict(list)
    for n, line in enumerate(lines):
        row = {str(name): str(value) for name, value in zip(head, line, strict=True)}
        address = ", ".join(row[f"AddressLine{part}"] for part in range(1, 5))
        one = Candidate(
            id=f"{n:05}", code="", name=row["BusinessName"], division=row["Authority"],
            address=f"{address}, {row['PostCode']}".strip(", "), datum="WGS-84",
            longitude=float(row["Lng"]) if row["Lng"] else None,
            latitude=float(row["Lat"]) if row["Lat"] else None,
        )  # fmt: skip
        key = (one.name, row["Lat"], row["Lng"])
        flags[key].append((one, row["duplicateBNLL"] == "True"))
    flagged = [
        (one, other)
        for same in flags.values()
        for (one, first), (other, second) in combinations(same, 2)
        if first or second
    ]
    near = [pair for pair in flagged if pair[0].division == pair[1].division]
    equal = [pair for pair in near if pair[0].address == pair[1].address]

    found = suspects(one for same in flags.values() for one, _ in same)

    pairs = {(match.first, match.second) for match in found}
    hit = [pair for pair in flagged if (pair[0].id, pair[1].id) in pairs]
    assert all(one.longitude is None for pair in flagged for one in pair)
    assert (len(flagged), len(near), len(equal)) == (59, 13, 6)
    assert len(found) == 39
    assert len(hit) == 8
    assert {pair[0].id for pair in equal} <= {pair[0].id for pair in hit}
