"""查找与查重: the index is right whoever writes, and nothing merges by itself."""

from datetime import date, timedelta

import pytest
import rows
from conftest import Office
from httpx import AsyncClient
from sqlalchemy import Column, MetaData, Table, insert
from sqlmodel import SQLModel, col, delete, func, select, text, update

from backend import db, search_index
from backend.tables import Act, Establishment, Folded, Licence, Listing
from backend.work import search

DISTRICT = "330106"


async def put(office: Office, *names: str, **facts: object) -> list[Establishment]:
    batch = rows.revision("establishments")
    await rows.put(office, batch)
    made: list[Establishment] = []
    for n, name in enumerate(names):
        fields = {"category": "market", "division": DISTRICT, "risk": "B", **facts}
        code = fields.pop("code", f"92330106MA{abs(hash(name)) % 10**7:07}{n}")
        made.append(
            Establishment.model_validate(
                {"code": code, "name": name, "revision_id": batch.id, **fields}
            )
        )
    await rows.put(office, *made)
    return made


async def names(client: AsyncClient, words: str = "", **more: str | int) -> list[str]:
    answer = await client.get("/office/registers/search", params={"words": words, **more})
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["found"]]


async def index(office: Office) -> int:
    async with db.transaction(office.engine) as session:
        return await search.refresh_index(session)


@pytest.mark.parametrize("indexed", [True, False])
async def test_a_search_answers_alike_before_and_after_indexing(
    office: Office, indexed: bool
) -> None:
    await put(office, "臨河菜市場", address="文三路１２号")
    await put(office, "重庆火锅", category="catering", risk="A", address="解放路7号")
    await put(office, "Joe's Pizza", code="10500438", division="330106001")
    await put(office, "别处菜市场", division="440305")
    officer = await office.officer("reviewer", "3301")

    taken = await index(office) if indexed else 4

    assert taken == 4
    assert await names(officer, "菜市场") == ["臨河菜市場"]
    assert await names(officer, "菜") == ["臨河菜市場"]
    assert await names(officer, "临河 文三路12号") == ["臨河菜市場"]
    assert await names(officer, "cqhg") == ["重庆火锅"]
    assert await names(officer, "pizza") == await names(officer, "10500438") == ["Joe's Pizza"]
    assert await names(officer, "", risk="A") == ["重庆火锅"]
    assert await names(officer, "", category="catering") == ["重庆火锅"]
    assert await names(officer, "", division="330106001") == ["Joe's Pizza"]
    assert await names(officer, "", division="4403") == []
    assert await names(officer) == ["臨河菜市場", "重庆火锅", "Joe's Pizza"]
    assert await names(officer, "\"') OR *") == []


async def test_pages_follow_each_other_over_what_is_indexed_and_what_is_not(
    office: Office,
) -> None:
    await put(office, *(f"第{n}菜市场" for n in range(1, 8)))
    await index(office)
    [third] = [one for one in await put(office, "新菜市场")]
    async with db.transaction(office.engine) as session:
        changed = update(Establishment).where(col(Establishment.name) == "第3菜市场")
        await session.exec(changed.values(name="第三菜市场"))
    officer = await office.officer("reviewer", "")

    pages: list[list[str]] = []
    after: int | None = 0
    while after is not None:
        answer = await officer.get(
            "/office/registers/search", params={"words": "菜市场", "after": after, "limit": 3}
        )
        pages.append([one["name"] for one in answer.json()["found"]])
        after = answer.json()["after"]

    assert pages == [
        ["第1菜市场", "第2菜市场", "第三菜市场"],
        ["第4菜市场", "第5菜市场", "第6菜市场"],
        ["第7菜市场", third.name],
    ]


async def test_the_index_stays_right_whoever_writes_the_table(office: Office) -> None:
    await put(office, "甲菜市场", "乙菜市场", "丙菜市场")
    await index(office)
    officer = await office.officer("reviewer", "")

    async with db.transaction(office.engine) as session:
        await session.exec(
            update(Establishment).where(col(Establishment.name) == "甲菜市场").values(name="甲冷库")
        )
        await session.exec(delete(Establishment).where(col(Establishment.name) == "乙菜市场"))
        await session.exec(update(Establishment).values(status_raw="存续"))
    async with db.transaction(office.engine, write=False) as session:
        count = select(func.count()).select_from(Folded)
        stale = (await session.exec(count.where(text("terms = ''")))).one()
    before = await names(officer, "菜市场"), await names(officer, "冷库")
    taken = await index(office)
    after = await names(officer, "菜市场"), await names(officer, "冷库")
    async with db.transaction(office.engine, write=False) as session:
        left = (await session.exec(count)).one()

    assert before == after == (["丙菜市场"], ["甲冷库"])
    assert stale == taken == 1  # the words of a status are not searched, so they cost nothing
    assert left == 2


@pytest.mark.parametrize("indexed", [True, False])
async def test_filters_leave_what_was_asked_for(office: Office, indexed: bool) -> None:
    await put(office, "甲市场", status="active", key_object=True)
    await put(office, "乙市场", status="suspended")
    made = await put(office, "丙市场", "丁市场")
    batch = rows.revision("listings")
    today = rows.AT.date() + timedelta(days=1)
    on = {"kind": "abnormal", "listed_on": date(2025, 1, 1), "revision_id": batch.id}
    await rows.put(
        office,
        batch,
        Listing(code=made[0].code, **on),
        Listing(code=made[1].code, **on, removed_on=today),
        Listing(code=made[1].code, **{**on, "kind": "serious"}, removed_on=date(2100, 1, 1)),
    )
    if indexed:
        await index(office)
    officer = await office.officer("reviewer", "")

    assert await names(officer, "市场", status="suspended") == ["乙市场"]
    assert await names(officer, "", key_object="true") == ["甲市场"]
    assert await names(officer, "", listed="abnormal") == ["丙市场"]
    assert await names(officer, "", listed="serious", status="active") == ["丁市场"]
    assert await names(officer, "市场", listed="serious", key_object="true") == []


async def test_who_left_a_credit_list_hides_nobody_behind_from_the_pages(office: Office) -> None:
    made = await put(office, *(f"市场{n:02}" for n in range(40)))
    batch = rows.revision("listings")
    on = {"kind": "abnormal", "listed_on": date(2025, 1, 1), "revision_id": batch.id}
    gone = {**on, "removed_on": date(2025, 6, 30)}
    listings = [Listing(code=one.code, **(gone if n % 8 else on)) for n, one in enumerate(made)]
    await rows.put(office, batch, *listings)
    await index(office)
    officer = await office.officer("reviewer", "")

    pages: list[list[str]] = []
    after = 0
    while after is not None:
        question = {"listed": "abnormal", "limit": 2, "after": after}
        answer = (await officer.get("/office/registers/search", params=question)).json()
        pages.append([one["name"] for one in answer["found"]])
        after = answer["after"]

    assert pages == [["市场00", "市场08"], ["市场16", "市场24"], ["市场32"]]


async def test_licences_find_whom_they_belong_to_whoever_writes_them(office: Office) -> None:
    one, other = await put(office, "甲市场", "乙市场")
    await index(office)
    batch = rows.revision("licences")
    licence = Licence(
        number="JY13301060001234", code=one.code, kind="food-operation", revision_id=batch.id
    )
    await rows.put(office, batch, licence)
    officer = await office.officer("reviewer", "")

    async def found(*numbers: str) -> list[list[str]]:
        before = [await names(officer, number) for number in numbers]
        await index(office)
        after = [await names(officer, number) for number in numbers]
        assert before == after
        return after

    granted = await found("jy13301060001234", "JY133010", "001234")
    async with db.transaction(office.engine) as session:
        await session.exec(update(Licence).values(number="JY13301069999999"))
    renumbered = await found("JY13301060001234", "JY13301069999999")
    async with db.transaction(office.engine) as session:
        await session.exec(update(Licence).values(code=other.code))
    moved = await found("JY13301069999999")
    async with db.transaction(office.engine) as session:
        await session.exec(delete(Licence))
    revoked = await found("JY13301069999999")

    assert granted == [["甲市场"]] * 3
    assert renumbered == [[], ["甲市场"]]
    assert moved == [["乙市场"]]
    assert revoked == [[]]


async def test_many_inserted_at_once_are_queued_in_their_order(office: Office) -> None:
    made = await put(office, "甲市场", "乙市场", "丙市场")
    async with db.transaction(office.engine) as session:
        await session.exec(delete(Establishment))
        connection = await session.connection()
        table = SQLModel.metadata.tables["establishment"]
        names_of = [column.name for column in table.c]
        other = [{name: getattr(one, name) for name in names_of} for one in made]
        await connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE aside AS SELECT * FROM establishment"
        )
        aside = Table("aside", MetaData(), *(Column(c.name, c.type) for c in table.c))
        await connection.execute(insert(aside), other)
        backwards = aside.c.id.desc()
        everything = select(*(aside.c[name] for name in names_of)).order_by(backwards)
        new = insert(table).from_select(names_of, everything)
        ids = select(aside.c.id).order_by(backwards)
        await search_index.insert_many(connection, new, ids)
    officer = await office.officer("reviewer", "")
    uncut = await names(officer, "市场")

    await index(office)
    [late] = await put(office, "丁市场")

    assert uncut == ["丙市场", "乙市场", "甲市场"]
    assert await names(officer, "市场") == [*uncut, late.name]
    assert await index(office) == 1


async def test_the_index_is_rebuilt_after_a_table_was_built_anew(office: Office) -> None:
    await put(office, "甲菜市场")
    async with db.transaction(office.engine) as session:
        await session.exec(delete(Folded))
        drop = "DROP TRIGGER folded_new"
        if session.get_bind().dialect.name == "postgresql":
            drop += " ON establishment"
        await session.exec(text(drop))
    await put(office, "乙菜市场")
    officer = await office.officer("reviewer", "")

    lost = await names(officer, "菜市场")
    await db.upgrade(office.engine)
    await put(office, "丙菜市场")

    assert lost == []
    assert sorted(await names(officer, "菜市场")) == ["丙菜市场", "乙菜市场", "甲菜市场"]


async def test_suspected_duplicates_wait_for_a_person(office: Office) -> None:
    await put(office, "杭州海川冷链有限公司", "杭州海川冷链有限责任公司", address="文三路12号")
    await put(office, "杭州海川冷链有限公司二店", "杭州望山超市", address="解放路7号")
    admin = await office.officer("admin", DISTRICT)
    reviewer = await office.officer("reviewer", DISTRICT)

    first = (await admin.post("/office/registers/comparisons", json={})).json()
    again = (await admin.post("/office/registers/comparisons", json={})).json()
    [pair] = (await reviewer.get("/office/registers/lookalikes")).json()
    decided = await admin.post(
        f"/office/registers/lookalikes/{pair['id']}", json={"decision": "same"}
    )
    waiting = (await admin.get("/office/registers/lookalikes")).json()
    same = (await admin.get("/office/registers/lookalikes", params={"decision": "same"})).json()
    async with db.transaction(office.engine, write=False) as session:
        establishments = (await session.exec(select(func.count(col(Establishment.id))))).one()
        verbs = list(await session.exec(select(Act.verb).order_by(col(Act.n))))

    assert first == {"compared": 4, "suspected": 1, "new": 1}
    assert again == {"compared": 4, "suspected": 1, "new": 0}
    assert {pair["first"]["name"], pair["second"]["name"]} == {
        "杭州海川冷链有限公司",
        "杭州海川冷链有限责任公司",
    }
    assert pair["evidence"]["address"] == 100
    assert decided.json()["decision"] == "same"
    assert waiting == []
    assert [one["id"] for one in same] == [pair["id"]]
    assert establishments == 4  # merged is not gone
    assert verbs[-3:] == ["register.compare", "register.compare", "lookalike.decide"]


async def test_a_pair_that_is_gone_is_refused(office: Office) -> None:
    admin = await office.officer("admin")

    answer = await admin.post("/office/registers/lookalikes/none", json={"decision": "same"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "lookalike.not-found"


async def alike(office: Office, admin: AsyncClient, *names: str) -> dict[tuple[str, str], str]:
    """Register establishments at one door, and name their pairs on the review list."""
    await put(office, *names, address="文三路12号")
    await admin.post("/office/registers/comparisons", json={})
    waiting = (await admin.get("/office/registers/lookalikes")).json()
    return {(one["first"]["name"], one["second"]["name"]): one["id"] for one in waiting}


async def decide(
    admin: AsyncClient, pair: str, decision: str, stays: str = "first"
) -> tuple[int, str]:
    answer = await admin.post(
        f"/office/registers/lookalikes/{pair}", json={"decision": decision, "stays": stays}
    )
    return answer.status_code, answer.json().get("code", "")


async def successors(office: Office) -> dict[str, str]:
    async with db.transaction(office.engine, write=False) as session:
        every = {one.code: one for one in await session.exec(select(Establishment))}
    return {
        one.name: every[one.successor_code].name for one in every.values() if one.successor_code
    }


async def waiting(admin: AsyncClient, decision: str = "") -> int:
    answer = await admin.get("/office/registers/lookalikes", params={"decision": decision})
    return len(answer.json())


async def test_what_is_found_to_be_the_same_is_merged_and_may_be_undone(office: Office) -> None:
    admin = await office.officer("admin")
    pairs = await alike(office, admin, "海川冷链有限公司", "海川冷链有限责任公司")
    [(first, second)], [pair] = pairs, pairs.values()

    done = await decide(admin, pair, "same")
    again = await decide(admin, pair, "same")
    merged = await successors(office), await waiting(admin), await waiting(admin, "same")
    found = (await admin.get("/office/registers/search", params={"words": second})).json()["found"]
    compared = (await admin.post("/office/registers/comparisons", json={})).json()
    history = (
        await admin.get("/office/registers/versions", params={"code": found[0]["code"]})
    ).json()
    undone = await admin.post(
        f"/office/registers/revisions/{history[-1]['revision']}/undo", json={}
    )
    after = await successors(office), await waiting(admin), await waiting(admin, "same")

    assert done == again == (200, "")
    assert merged == ({second: first}, 0, 1)
    assert found[0]["successor_code"] != ""
    assert compared == {"compared": 1, "suspected": 0, "new": 0}
    assert len(history) == 2
    assert undone.is_success, undone.text
    assert after == ({}, 1, 0)


async def test_who_stays_may_be_said_and_who_is_in_business_comes_first(office: Office) -> None:
    admin = await office.officer("admin")
    await put(office, "海川冷链有限公司", address="文三路12号", status="revoked")
    pairs = await alike(office, admin, "海川冷链有限责任公司")

    await decide(admin, pairs["海川冷链有限责任公司", "海川冷链有限公司"], "same", "second")

    assert await successors(office) == {"海川冷链有限责任公司": "海川冷链有限公司"}


async def test_mergers_make_no_chains_and_no_circles(office: Office) -> None:
    admin = await office.officer("admin")
    pairs = await alike(
        office, admin, "海川冷链有限公司", "海川冷链有限责任公司", "海川冷链股份有限公司"
    )
    [one, other, third] = "海川冷链有限公司", "海川冷链有限责任公司", "海川冷链股份有限公司"

    merged = await decide(admin, pairs[one, other], "same")
    circle = await decide(admin, pairs[one, other], "same", "first")
    into_merged = await decide(admin, pairs[other, third], "same", "second")
    chain = await decide(admin, pairs[one, third], "same", "second")
    star = await decide(admin, pairs[one, third], "same")

    assert merged == star == (200, "")
    assert circle == (200, "")  # it is what it was
    assert into_merged == chain == (409, "lookalike.chained")
    assert await successors(office) == {other: one, third: one}


async def test_the_later_decision_parts_what_was_merged(office: Office) -> None:
    admin = await office.officer("admin")
    [pair] = (await alike(office, admin, "海川冷链有限公司", "海川冷链有限责任公司")).values()

    await decide(admin, pair, "same")
    turned = await decide(admin, pair, "same", "second")
    parted = await decide(admin, pair, "different")
    compared = (await admin.post("/office/registers/comparisons", json={})).json()

    assert turned == (409, "lookalike.chained")
    assert parted == (200, "")
    assert await successors(office) == {}
    assert compared == {"compared": 2, "suspected": 1, "new": 0}
    assert (await waiting(admin), await waiting(admin, "different")) == (0, 1)


async def test_a_decision_outlives_an_establishment_that_goes_and_comes_back(
    office: Office,
) -> None:
    admin = await office.officer("admin")
    [pair] = (await alike(office, admin, "海川冷链有限公司", "海川冷链有限责任公司")).values()
    await decide(admin, pair, "different")
    async with db.transaction(office.engine) as session:
        gone = (await session.exec(select(Establishment).limit(1))).one()
        await session.delete(gone)
    absent = await decide(admin, pair, "same")
    back = gone.model_dump(exclude={"id", "revision_id", "name"})
    await put(office, gone.name, **back)

    compared = (await admin.post("/office/registers/comparisons", json={})).json()

    assert absent == (404, "lookalike.not-found")
    assert compared == {"compared": 2, "suspected": 1, "new": 0}
    assert await waiting(admin) == 0
