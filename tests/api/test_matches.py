"""同一对象匹配: which rows of an import take a known number, and which wait for a person."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO

import pytest
import rows
from conftest import Office
from sqlmodel import select

from backend import db
from backend.auth import Officer
from backend.tables import Establishment, Licence, Lookalike
from backend.wire import ImportView
from backend.work import registers

DISTRICT = "330106"
MAPPING = """
[establishments]
[establishments.fields]
code = "code"
licence = "licence"
name = "name"
category = { constant = "market" }
division = { constant = "330106" }
address = "address"
status = "status"
longitude = "longitude"
latitude = "latitude"
datum = "datum"
"""
HEADER = "code,licence,name,address,status,longitude,latitude,datum\n"
ONE, OTHER = "91330106MAWDLXX28X", "92330106MAUX4U4Q3W"
LICENCE = "JY13301060001234"
ADMIN = Officer(id="", name="admin", role="admin", division=DISTRICT)


def row(
    code: str,
    name: str,
    address: str,
    *,
    licence: str = "",
    status: str = "active",
    point: Sequence[str] = ("", "", ""),
) -> str:
    return ",".join((code, licence, name, address, status, *point)) + "\n"


async def send(office: Office, *lines: str, dry_run: bool = False) -> ImportView:
    file = BytesIO((HEADER + "".join(lines)).encode())
    async with db.transaction(office.engine) as session:
        return await registers.import_register(
            session, ADMIN, "establishments", [("part.csv", file)], MAPPING.encode(),
            now=office.clock(), dry_run=dry_run,
        )  # fmt: skip


MARKET = row(ONE, "海川（杭州）菜市場有限公司", "文三路12号")


async def codes(office: Office) -> dict[str, str]:
    async with db.transaction(office.engine, write=False) as session:
        return {one.code: one.name for one in await session.exec(select(Establishment))}


async def pairs(office: Office) -> set[tuple[str, str]]:
    async with db.transaction(office.engine, write=False) as session:
        return {(one.first_code, one.second_code) for one in await session.exec(select(Lookalike))}


async def license_(office: Office, code: str) -> None:
    batch = rows.revision("licences")
    await rows.put(
        office,
        batch,
        Licence(
            number=LICENCE, code=code, kind="food-operation", valid_from=date(2025, 1, 1),
            revision_id=batch.id,
        ),
    )  # fmt: skip


@pytest.fixture
async def market(office: Office) -> Office:
    """A district that has registered one establishment."""
    await send(office, MARKET)
    return office


async def test_a_licence_and_a_name_are_enough(market: Office) -> None:
    await license_(market, ONE)

    done = await send(market, row("", "海川(杭州)菜市场有限公司", "别处1号", licence=LICENCE))

    assert done.codes == {"row.matched-by-licence": 1}
    assert (done.created, done.changed, done.refused) == (0, 1, 0)
    assert await codes(market) == {ONE: "海川(杭州)菜市场有限公司"}
    assert await pairs(market) == set()


async def test_a_licence_alone_is_not_enough(market: Office) -> None:
    await license_(market, ONE)
    line = row("", "望山超市", "解放路7号", licence=LICENCE)

    dry = await send(market, line, dry_run=True)
    before = await pairs(market), await codes(market)
    done = await send(market, line)
    again = await send(market, line + row(ONE, "海川（杭州）菜市場有限公司", "文三路12号"))

    assert dry.codes == done.codes == {"row.resembles": 1}
    assert before == (set(), {ONE: "海川（杭州）菜市場有限公司"})
    assert (done.created, done.changed) == (1, 0)
    assert set(await codes(market)) == {ONE, LICENCE}
    assert await pairs(market) == {(ONE, LICENCE)}
    assert (again.created, again.changed, again.refused) == (0, 0, 0)


async def test_a_row_of_the_same_file_may_tell_the_number(office: Office) -> None:
    done = await send(
        office,
        row("", "望山超市", "解放路7号", licence=LICENCE),
        row(ONE, "望山超市", "解放路7号", licence=LICENCE),
    )

    assert done.codes == {"row.matched-by-licence": 1}
    assert await codes(office) == {ONE: "望山超市"}


@pytest.mark.parametrize(
    ("known", "point", "matched"),
    [
        (("", "", ""), ("120.1", "30.2", "WGS-84"), True),
        (("120.1", "30.2", "WGS-84"), ("120.1005", "30.2", "WGS-84"), True),
        (("120.1", "30.2", "WGS-84"), ("120.102", "30.2", "WGS-84"), False),
        (("120.104629", "30.197615", "GCJ-02"), ("120.1", "30.2", "WGS-84"), True),
        (("120.1", "30.2", "GCJ-02"), ("120.1", "30.2", "WGS-84"), False),  # 500 m
    ],
)
async def test_name_and_address_are_enough_unless_the_points_are_apart(
    office: Office, known: Sequence[str], point: Sequence[str], matched: bool
) -> None:
    await send(office, row(ONE, "臨河菜市場", "文三路１２号", point=known))

    done = await send(office, row("", "临河菜市场", "文三路12号", licence=LICENCE, point=point))

    if matched:
        assert done.codes == {"row.matched-by-name": 1}
        assert await codes(office) == {ONE: "临河菜市场"}
        assert await pairs(office) == set()
    else:
        assert done.codes == {"row.resembles": 1}
        assert set(await codes(office)) == {ONE, LICENCE}
        assert await pairs(office) == {(ONE, LICENCE)}


async def test_a_row_with_neither_code_nor_licence_is_told_by_name_and_address(
    market: Office,
) -> None:
    known = row("", "海川(杭州)菜市场有限公司", "文三路１２号")
    others = (
        row("", "海川菜市场", "文三路12号"),  # only similar: nothing to go by
        row("", "望山超市", "解放路7号"),
        row("", "临河超市", ""),
    )

    done = await send(market, known, *others)
    again = await send(market, known)

    assert done.codes == {"row.matched-by-name": 1, "code.missing": 2, "row.value-missing": 1}
    assert (done.created, done.changed, done.refused) == (0, 1, 3)
    assert await codes(market) == {ONE: "海川(杭州)菜市场有限公司"}
    assert await pairs(market) == set()
    assert (again.changed, again.unchanged) == (0, 1)


async def test_of_two_at_one_door_nobody_is_certain(office: Office) -> None:
    await send(office, row(ONE, "临河菜市场", "文三路12号"), row(OTHER, "临河菜市场", "文三路12号"))

    done = await send(office, row("", "临河菜市场", "文三路12号", licence=LICENCE))

    assert done.codes == {"row.resembles": 2}
    assert set(await codes(office)) == {ONE, OTHER, LICENCE}
    assert await pairs(office) == {(ONE, LICENCE), (OTHER, LICENCE)}


@pytest.mark.parametrize(("status", "matched"), [("active", 1), ("suspended", 1), ("revoked", 0)])
async def test_only_who_is_still_there_gives_a_number_by_name(
    office: Office, status: str, matched: int
) -> None:
    await send(office, row(ONE, "临河菜市场", "文三路12号", status=status))

    done = await send(office, row("", "临河菜市场", "文三路12号", licence=LICENCE))

    assert done.codes == {("row.resembles", "row.matched-by-name")[matched]: 1}
    assert len(await codes(office)) == 2 - matched


async def test_who_is_only_similar_is_new_and_waits_for_a_person(market: Office) -> None:
    done = await send(market, row("", "海川菜市场有限责任公司", "文三路12号", licence=LICENCE))

    assert done.codes == {"row.resembles": 1}
    assert set(await codes(market)) == {ONE, LICENCE}
    assert await pairs(market) == {(ONE, LICENCE)}


async def test_an_empty_address_is_no_door(office: Office) -> None:
    await send(office, row(ONE, "临河菜市场", ""))

    done = await send(office, row(OTHER, "临河菜市场", ""))

    assert done.codes == {}
    assert await pairs(office) == set()


@pytest.mark.parametrize("by", ["licence", "number", "door"])
async def test_a_new_number_at_a_known_door_or_licence_is_registered_again(
    office: Office, by: str
) -> None:
    known = LICENCE if by == "number" else ONE
    await send(office, row(known, "临河菜市场", "文三路12号", status="revoked"))
    if by == "licence":
        await license_(office, ONE)
    name, place = ("临河菜市场", "文三路１２号") if by == "door" else ("望山超市", "解放路7号")

    done = await send(office, row(OTHER, name, place, licence="" if by == "door" else LICENCE))

    assert done.codes == {"row.resembles": 1}
    assert (done.created, done.changed) == (1, 0)
    assert set(await codes(office)) == {known, OTHER}
    first, second = sorted((known, OTHER))
    assert await pairs(office) == {(first, second)}


async def test_another_district_is_nobody_to_match(office: Office) -> None:
    batch = rows.revision("establishments")
    other = Establishment(
        code=ONE, name="临河菜市场", address="文三路12号", category="market",
        division="330105", revision_id=batch.id,
    )  # fmt: skip
    await rows.put(office, batch, other)
    await license_(office, ONE)

    done = await send(office, row("", "临河菜市场", "文三路12号", licence=LICENCE))

    assert done.codes == {}
    assert set(await codes(office)) == {ONE, LICENCE}


async def test_whom_another_was_merged_into_is_not_removed_by_an_undo(office: Office) -> None:
    await send(office, row(OTHER, "海川（杭州）菜市场有限公司", "文三路12号"))
    later = await send(office, row(ONE, "海川（杭州）菜市场有限公司", "文三路12号"))
    admin = await office.officer("admin", DISTRICT)
    [pair] = (await admin.get("/office/registers/lookalikes")).json()
    stays = "first" if pair["first"]["code"] == ONE else "second"
    order = {"decision": "same", "stays": stays}
    await admin.post(f"/office/registers/lookalikes/{pair['id']}", json=order)

    undone = await admin.post(
        f"/office/registers/revisions/{later.revision}/undo", json={"force": True}
    )

    assert (undone.status_code, undone.json()["code"]) == (409, "revision.in-use")
    assert undone.json()["details"]["rows"] == ONE
    assert set(await codes(office)) == {ONE, OTHER}


async def test_who_was_merged_stays_merged_and_says_so(market: Office) -> None:
    known = row(ONE, "海川（杭州）菜市場有限公司", "文三路12号")
    again = row(OTHER, "海川（杭州）菜市场有限公司", "文三路12号")
    await send(market, known, again)
    admin = await market.officer("admin", DISTRICT)
    [pair] = (await admin.get("/office/registers/lookalikes")).json()
    await admin.post(f"/office/registers/lookalikes/{pair['id']}", json={"decision": "same"})

    renamed = again.replace("海川", "海 川")
    done = await send(market, known, renamed)
    quiet = await send(market, known)
    nameless = await send(market, row("", "海 川（杭州）菜市场有限公司", "别处", licence=LICENCE))
    async with db.transaction(market.engine, write=False) as session:
        every = {one.code: one for one in await session.exec(select(Establishment))}

    assert done.codes == {"row.merged-elsewhere": 1}
    assert done.problems[0].value == f"{OTHER} → {ONE}"
    assert done.changed == 1
    assert quiet.codes == {}
    assert every[OTHER].name == "海 川（杭州）菜市场有限公司"
    assert every[OTHER].successor_code == ONE
    assert LICENCE in every
    assert nameless.created == 1
