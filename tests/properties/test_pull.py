"""Whatever is published, withdrawn, joined and left between whatever pages: in the end a device
holds what its inspector should, and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import rows
import sqlalchemy as sa
from conftest import Office
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phones import Phone
from simulation.app_hub import AppHub
from sqlmodel import col, select

from backend import auth, db
from backend.tables import Bucket, Device, Establishment, Feed, Inspector, Site
from backend.work import feed, preparation, registers, revisions, upkeep
from backend.work import pages as cutting
from backend.work.snapshots import Snapshots
from sync import pages
from sync.exchange import exchange
from sync.messages import Pull
from sync.refusals import Refused
from sync.replica import Replica

BUCKETS = ("i:a", "i:b", "i:c")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(BUCKETS), st.integers(0, 6), st.integers(0, 2)),
        st.tuples(st.just("remove"), st.sampled_from(BUCKETS), st.integers(0, 6), st.just(0)),
        st.tuples(st.just("join"), st.sampled_from(BUCKETS), st.just(0), st.just(0)),
        st.tuples(st.just("leave"), st.sampled_from(BUCKETS), st.just(0), st.just(0)),
        st.tuples(st.just("page"), st.just(""), st.just(0), st.just(0)),
        st.tuples(st.just("expire"), st.just(""), st.just(0), st.just(0)),
    ),
    max_size=30,
)


async def open_hub(office: Office) -> AppHub:
    hub = AppHub(office)
    await hub.open()
    return hub


async def held_equals_told(office: Office, phone: Phone) -> None:
    """Compare the device with the tables, row by row, and the sums with the rows."""
    inspector = phone.hub.ids[phone.inspector]
    async with db.transaction(office.engine) as session:
        scope = set(await feed.buckets(session, inspector))
        there = {
            (row.bucket, row.kind, row.entity, row.rev)
            for row in await session.exec(select(Feed).where(col(Feed.gone).is_(False)))
            if row.bucket in scope
        }
        sites = {
            (row.bucket, row.code)
            for row in await session.exec(select(Site).where(col(Site.gone).is_(False)))
            if row.bucket in scope
        }
        assert await upkeep.miscounted(session) == []
    store = phone.store
    assert set(phone.replica.have()) == scope
    assert {(row.bucket, row.kind, row.id, row.rev) for row in store._rows.values()} == there
    assert set(store._sites) == sites
    assert store.get("alarms") in ("", "0")


async def one_page(phone: Phone) -> None:
    """Ask for one page and then forget the program: only the store goes on."""
    session = exchange(phone.replica)
    request = next(session)
    answer = await phone.hub.ask(request)
    try:
        request = session.send(answer)
        while request.method == "GET":
            request = session.send(await phone.hub.ask(request))
    except StopIteration:
        pass
    session.close()


async def act(office: Office, hub: AppHub, phone: Phone, step: tuple[Any, ...]) -> None:
    what, bucket, entity, value = step
    if what == "put":
        await hub.put(bucket, "task", f"t{entity}", b'{"v":%d}' % value)
    elif what == "remove":
        await hub.remove(bucket, "task", f"t{entity}")
    elif what == "join":
        await hub.join(phone.inspector, bucket)
    elif what == "leave":
        await hub.leave(phone.inspector, bucket)
    elif what == "page":
        await one_page(phone)
    else:
        office.clock.advance(days=181)
        async with db.transaction(office.engine) as session:
            await upkeep.expire(session, Snapshots(office.settings.data_dir), office.clock())


_number: Iterator[int] = iter(range(10**9))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, page=st.sampled_from([1, 2, 3, 500]))
async def test_any_history_in_any_pages_leaves_what_is_in_scope(
    office: Office, steps: list[tuple[Any, ...]], page: int
) -> None:
    hub = await open_hub_again(office)
    phone = await Phone(hub, f"p{next(_number)}", page=page).enrol()

    for step in steps:
        await act(office, hub, phone, step)
    await phone.sync()

    await held_equals_told(office, phone)


async def open_hub_again(office: Office) -> AppHub:
    """Open one hub for all examples: they share a database, as inspectors do."""
    hub = getattr(office, "hub", None) or await open_hub(office)
    office.hub = hub
    return hub


async def test_one_transaction_of_ten_pages_is_told_whole(office: Office) -> None:
    hub = await open_hub(office)
    phone = await Phone(hub, "li", page=5).enrol()
    await hub.join("li", "i:a")
    await phone.sync()
    async with db.transaction(office.engine) as session:
        for n in range(50):
            await feed.put(session, "i:a", "task", f"t{n}", b"{}")

    for _ in range(11):
        await one_page(phone)
        phone.replica = Replica(phone.store, phone.clock, page=5)

    assert len(phone.replica.tasks()) == 50
    await held_equals_told(office, phone)


async def test_scope_that_changes_between_two_pages_counts_at_once(office: Office) -> None:
    hub = await open_hub(office)
    phone = await Phone(hub, "li", page=3).enrol()
    for bucket in ("i:a", "i:b"):
        await hub.join("li", bucket)
        for n in range(8):
            await hub.put(bucket, "task", f"{bucket}{n}", b"{}")
    await one_page(phone)
    await one_page(phone)

    await hub.leave("li", "i:a")
    await one_page(phone)
    now = {row.bucket for row in phone.store._rows.values()}
    await phone.sync()

    assert "i:a" not in now
    await held_equals_told(office, phone)


async def test_what_is_out_of_scope_costs_nothing(office: Office) -> None:
    hub = await open_hub(office)
    phone = await Phone(hub, "li").enrol()
    await hub.join("li", "i:mine")
    await hub.put("i:mine", "task", "t0", b"{}")
    await phone.sync()
    async with db.transaction(office.engine) as session:
        for n in range(300):
            await feed.put(session, f"i:other{n % 7}", "task", f"x{n}", b"{}")
    await hub.put("i:mine", "task", "t1", b"{}")

    async with db.transaction(office.engine) as session:
        seq, have = int(phone.store.get("seq")), tuple(phone.replica.have())
        known = await cutting.sums(session, have)
        wanted = pages.Wanted(have, seq, 10**6, 500)
        found = await cutting.rows(session, wanted, known)
        changed = [name for name in known if known[name].seq > seq]

    assert changed == ["i:mine"]  # the only one that is looked into
    assert len(found) == 1
    done = await phone.sync()
    assert done.rounds == 1


# -- establishments ------------------------------------------------------------------------------


async def sites_of(office: Office, division: str, count: int) -> list[Establishment]:
    batch = rows.revision("establishments")
    made = [
        Establishment(
            code=f"S{next(_number):06}", name=f"店{n}", category="market", division=division,
            address=f"路{n}号", revision_id=batch.id,
        )
        for n in range(count)
    ]  # fmt: skip
    await rows.put(office, batch, *made)
    return made


async def change(office: Office, site: Establishment, **fields: str) -> None:
    """Write an establishment as an import would: in a revision that is newer than the others."""
    office.clock.advance(seconds=1)
    batch = rows.revision("establishments")
    batch.at = office.clock()
    async with db.transaction(office.engine) as session:
        session.add(batch)
        await session.flush()
        row = await session.get_one(Establishment, site.id)
        row.sqlmodel_update({**fields, "revision_id": batch.id})
        session.add(row)


async def test_establishments_come_as_a_file_and_then_by_what_changed(office: Office) -> None:
    hub = await open_hub(office)
    made = await sites_of(office, "3304", 700)
    phone = await Phone(hub, "li").enrol()
    loaded = len(phone.store._sites)

    await change(office, made[3], name="改名")
    done = await phone.sync()

    assert loaded == 700
    assert (done.rounds, done.alarms) == (1, 0)
    assert [site.code for site in phone.store.find_sites(["改名"], 9)] == [made[3].code]
    await held_equals_told(office, phone)


async def test_a_division_is_prepared_once_and_anew_when_much_of_it_changed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await open_hub(office)
    made = await sites_of(office, "3304", 700)
    with monkeypatch.context() as patch:
        patch.setattr(cutting, "PACKED_ROWS_MIN", 10**9)  # it came in pages, and there is no file
        phone = await Phone(hub, "li").enrol()
    snapshots = Snapshots(office.settings.data_dir)
    found = [await preparation.prepare(office.engine, snapshots) for _ in range(2)]
    names = {path.name for path in (office.settings.data_dir / "snapshots").iterdir()}

    await change(office, made[3], name="改名")
    found.append(await preparation.prepare(office.engine, snapshots))
    await Phone(hub, "wang").enrol()
    loaded = {path.name for path in (office.settings.data_dir / "snapshots").iterdir()}
    monkeypatch.setattr(cutting, "BEHIND_ROWS_MAX", 1)
    found.append(await preparation.prepare(office.engine, snapshots))

    assert found == [1, 0, 0, 1]
    assert loaded == names  # nobody had to wait for another
    await phone.sync()
    await held_equals_told(office, phone)


async def test_what_is_prepared_at_once_is_bound_and_of_devices_in_use(office: Office) -> None:
    hub = await open_hub(office)
    snapshots = Snapshots(office.settings.data_dir)
    await sites_of(office, "3304", 700)
    await sites_of(office, "3305", 700)
    unasked = await preparation.prepare(office.engine, snapshots)
    await Phone(hub, "li").enrol()
    async with db.transaction(office.engine) as session:
        for row in await session.exec(select(Inspector)):
            row.districts = "3304,3305"
            session.add(row)

    found = [await preparation.prepare(office.engine, snapshots, most=1) for _ in range(3)]
    async with db.transaction(office.engine) as session:
        for device in await session.exec(select(Device)):
            device.revoked_at = office.clock()
            session.add(device)
        await session.exec(sa.update(Bucket).values(snapshot=""))
    found.append(await preparation.prepare(office.engine, snapshots))

    assert unasked == 0
    assert found == [1, 1, 0, 0]


async def test_a_division_that_could_not_be_packed_is_told_afterwards(office: Office) -> None:
    hub = await open_hub(office)
    await sites_of(office, "3304", 700)
    folder = office.settings.data_dir / "snapshots"
    folder.parent.mkdir(exist_ok=True)
    folder.touch()  # a file where the snapshots should be
    phone = Phone(hub, "li")
    with pytest.raises(Refused):
        await phone.enrol()
    async with db.transaction(office.engine, write=False) as session:
        told = (await session.exec(select(Site.code))).all()

    folder.unlink()
    await phone.sync()

    assert told == []
    assert len(phone.store._sites) == 700
    await held_equals_told(office, phone)


async def test_an_establishment_that_moves_away_leaves_the_device(office: Office) -> None:
    hub = await open_hub(office)
    made = await sites_of(office, "3304", 3)
    phone = await Phone(hub, "li").enrol()

    await change(office, made[0], division="4401")
    await change(office, made[1], successor_code=made[2].code)
    await phone.sync()

    assert [code for _, code in phone.store._sites] == [made[2].code]
    await held_equals_told(office, phone)


async def test_without_a_file_a_division_comes_in_pages(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await open_hub(office)
    await sites_of(office, "3304", 520)
    monkeypatch.setattr(cutting, "PACKED_ROWS_MIN", 10**9)

    phone = await Phone(hub, "li", page=100).enrol()

    assert len(phone.store._sites) == 520
    await held_equals_told(office, phone)


async def test_a_snapshot_that_is_cut_goes_on_where_it_ended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.fetching.PIECE_BYTES", 1_000)
    hub = await open_hub(office)
    await sites_of(office, "3304", 700)
    phone = Phone(hub, "li")
    asked: list[str] = []
    ask = hub.ask

    async def cut(request: Any) -> Any:
        if request.method == "GET":
            asked.append(request.headers["range"])
            if len(asked) % 3 == 0:
                raise ConnectionError
        return await ask(request)

    monkeypatch.setattr(hub, "ask", cut)
    with pytest.raises(ConnectionError):
        await phone.enrol()
    for _ in range(20):
        try:
            await phone.sync()
            break
        except ConnectionError:
            continue

    kept = [one for n, one in enumerate(asked, start=1) if n % 3]
    assert len(kept) == len(set(kept))  # nothing that came was asked for again
    await held_equals_told(office, phone)


async def test_a_snapshot_is_served_in_parts_and_only_to_devices(office: Office) -> None:
    hub = await open_hub(office)
    await sites_of(office, "3304", 700)
    phone = await Phone(hub, "li").enrol()
    async with db.transaction(office.engine) as session:
        digest = (await session.get_one(Bucket, "d:33")).snapshot
    token = {"authorization": f"Bearer {phone.store.get('upload')}"}
    client = AsyncClient(transport=ASGITransport(office.app), base_url="http://evenhand")
    path = f"/sync/v1/snapshots/{digest}"

    async with client:
        whole = await client.get(path, headers=token)
        part = await client.get(path, headers=token | {"range": "bytes=5-9"})
        beyond = await client.get(path, headers=token | {"range": "bytes=99999999-"})
        stranger = await client.get(path)
        none = await client.get(f"/sync/v1/snapshots/{'0' * 64}", headers=token)

    assert sha256(whole.content).hexdigest() == digest
    assert whole.headers["etag"] == f'"{digest}"'
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(whole.content)}"
    assert beyond.status_code == 416
    assert stranger.status_code == 401
    assert none.json()["code"] == "snapshot.gone"


# -- what is forgotten ---------------------------------------------------------------------------


async def test_below_the_floor_reads_begin_anew_and_a_push_is_taken(office: Office) -> None:
    hub = await open_hub(office)
    phone = await Phone(hub, "li").enrol()
    await hub.join("li", "i:a")
    await hub.put("i:a", "task", "t1", b"{}")
    await hub.put("i:a", "task", "t2", b"{}")
    await phone.sync()
    async with db.transaction(office.engine) as session:
        await upkeep.expire(session, Snapshots(office.settings.data_dir), office.clock())
    await hub.remove("i:a", "task", "t1")
    phone.replica.find("t2", "离线所见", basis="Law 3")

    snapshots = Snapshots(office.settings.data_dir)
    gone = list[int]()
    for _ in range(2):  # again changes nothing
        for _ in range(3):
            office.clock.at += timedelta(days=181)
            async with db.transaction(office.engine) as session:
                gone.append((await upkeep.expire(session, snapshots, office.clock())).tombstones)
    old = Pull(phone.store.get("epoch"), int(phone.store.get("seq")), ())
    await phone.sync()

    assert sum(gone) == 1
    assert old.seq > 0
    assert phone.replica.unsent() == 0
    assert [row.id for row in phone.replica.tasks()] == ["t2"]
    await held_equals_told(office, phone)


async def test_old_snapshots_are_swept(office: Office) -> None:
    snapshots = Snapshots(office.settings.data_dir)
    kept, _ = await snapshots.make([])
    long_after = office.clock() + timedelta(days=36500)

    none = await snapshots.sweep([kept], long_after)
    one = await snapshots.sweep([], long_after)

    assert (none, one) == (0, 1)
    assert not await snapshots.has(kept)


async def test_a_wrong_sum_is_named(office: Office) -> None:
    hub = await open_hub(office)
    await hub.put("i:a", "task", "t1", b"{}")
    async with db.transaction(office.engine) as session:
        right = await upkeep.miscounted(session)
        one = await session.get_one(Bucket, "i:a")
        one.total += 1
        session.add(one)
        await session.flush()
        wrong = await upkeep.miscounted(session)

    assert right == []
    assert wrong == ["i:a"]


async def test_buckets_that_changed_in_turn_are_told_in_the_order_of_places(office: Office) -> None:
    hub = await open_hub(office)
    phone = await Phone(hub, "li", page=2).enrol()
    for bucket in ("i:a", "i:b"):
        await hub.join("li", bucket)
    await phone.sync()
    for n in range(9):
        await hub.put("i:a" if n in (0, 4, 8) else "i:b", "task", f"t{n}", b"{}")

    await phone.sync()

    assert len(phone.replica.tasks()) == 9
    await held_equals_told(office, phone)


async def test_a_tombstone_stays_for_half_a_year(office: Office) -> None:
    hub = await open_hub(office)
    snapshots = Snapshots(office.settings.data_dir)
    await hub.put("i:a", "task", "t1", b"{}")
    await hub.remove("i:a", "task", "t1")
    found: list[int] = []
    for days in (0, 100, 79, 2):
        office.clock.advance(days=days)
        async with db.transaction(office.engine) as session:
            found.append((await upkeep.expire(session, snapshots, office.clock())).tombstones)

    assert found == [0, 0, 0, 1]


async def test_what_an_import_brings_and_its_undo_takes_is_told(office: Office) -> None:
    hub = await open_hub(office)
    chief = auth.Officer("chief", "chief", "admin", "")
    phone = await Phone(hub, "li").enrol()
    told: list[list[str]] = []

    async def imported(*records: dict[str, str]) -> str:
        office.clock.advance(seconds=1)
        async with db.transaction(office.engine) as session:
            view = await registers.import_records(
                session, chief, "establishments", records, source_name="x", now=office.clock()
            )
        await phone.sync()
        told.append(sorted(site.name for site, _ in phone.store._sites.values()))
        return view.revision

    kept = {"code": "A1", "name": "甲", "category": "market", "division": "3304"}
    await imported(kept)
    revision = await imported(kept | {"name": "甲二"}, kept | {"code": "A2", "name": "乙"})
    office.clock.advance(seconds=1)
    async with db.transaction(office.engine) as session:
        now = office.clock()
        await revisions.undo_revision(session, chief, revision, force=False, now=now)
    done = await phone.sync()

    assert told == [["甲"], ["乙", "甲二"]]
    assert [site.name for site, _ in phone.store._sites.values()] == ["甲"]
    assert done.alarms == 0
    await held_equals_told(office, phone)
