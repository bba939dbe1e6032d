"""同一对象识别: what speaks for one establishment, and how well that works on real names."""

import csv
from collections import defaultdict
from itertools import combinations

import pytest
from conftest import shared_data

from backend.rules.matching import SUSPICIOUS, Candidate, judge, parts, suspects
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
