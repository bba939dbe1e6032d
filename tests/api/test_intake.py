"""受理, on both databases: what a push leaves behind is what the ledger says, whoever pushes."""

import asyncio
import sqlite3

import phones
import pytest
from conftest import Office
from phones import Phone
from simulation.app_hub import AppHub
from simulation.world import REFS
from sqlmodel import col, select

from backend import db
from backend.auth import Officer
from backend.tables import Bucket, Device, Entry, Feed, Head, Inspection, Relief, Task
from backend.work import devices, feed, folds, intake, ledger
from sync import codec, pages
from sync.exchange import exchange
from sync.ops import Answer, op_id
from sync.refusals import Kept

TASKS = ("t1", "t2", "t3")
# A short push holds the head before it is judged, a long one afterwards.
long_or_short = pytest.mark.parametrize("times", [1, ledger.BRIEF])
CHIEF = Officer("chief", "chief", "admin", "")


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await phones.opened(office, *TASKS, follow=("lead", "second"))


async def kept(office: Office) -> dict[str, tuple[object, ...]]:
    """Give the projections as they are stored, and beside them as the ledger has them."""
    async with db.transaction(office.engine, write=False) as session:
        rows = (await session.exec(select(Inspection))).all()
        states = await folds.states(session, [row.id for row in rows])
        counts = {
            row.id: len(
                (
                    await session.exec(
                        select(Entry.n).where(
                            Entry.inspection_id == row.id, col(Entry.seq).is_not(None)
                        )
                    )
                ).all()
            )
            for row in rows
        }
    return {
        row.id: (
            (row.operations, row.conflicts, row.late, row.signed),
            (
                counts[row.id],
                len(states[row.id].conflicts),
                len(states[row.id].late),
                states[row.id].signed,
            ),
        )
        for row in rows
    }


async def conflicts(office: Office) -> int:
    """Count the inspections in which something is in conflict."""
    async with db.transaction(office.engine, write=False) as session:
        query = select(Inspection.id).where(col(Inspection.conflicts) > 0)
        return len((await session.exec(query)).all())


async def sums(office: Office) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Give what each bucket of an inspection adds up to as it is kept, and as it is."""
    async with db.transaction(office.engine, write=False) as session:
        held = {one.name: (one.count, one.total) for one in await session.exec(select(Bucket))}
        rows: dict[str, list[tuple[str, str, str]]] = {f"i:{task}": [] for task in TASKS}
        for row in await session.exec(select(Feed)):
            if row.bucket in rows:
                rows[row.bucket].append((row.kind, row.entity, row.rev))
        for one in await session.exec(select(Entry).where(col(Entry.seq).is_not(None))):
            name = op_id(one.device_id, one.n)
            rows[f"i:{one.inspection_id}"].append(("op", name, one.hash))
    return [(held[name], pages.checksum(triples)) for name, triples in rows.items()]


@long_or_short
async def test_devices_that_answer_the_same_items_at_once_leave_the_fold_of_all(
    office: Office, hub: AppHub, times: int
) -> None:
    phones = [await Phone(hub, "lead" if n % 2 else "second").enrol() for n in range(4)]

    for turn in range(4):
        for n, phone in enumerate(phones):
            for task in TASKS * times:
                phone.replica.answer(task, {REFS[turn % 2]: Answer("pass" if n % 2 else "fail")})
        await asyncio.gather(*(hub.ask(next(exchange(phone.replica))) for phone in phones))
        found, added = await kept(office), await sums(office)
        for phone in phones:
            await phone.sync()

        assert found.keys() == set(TASKS)
        assert all(row == truth for row, truth in found.values())
        assert all(row == truth for row, truth in added)
    assert await conflicts(office) == len(TASKS)


async def test_a_push_of_many_and_odd_operations_is_stored_whole(
    office: Office, hub: AppHub
) -> None:
    phone = await Phone(hub, "lead").enrol()
    for n in range(137):
        phone.replica.answer(TASKS[n % 3], {REFS[n % len(REFS)]: Answer("pass")})

    await phone.sync()

    chain = await hub.chain(phone.id)
    assert [one.n for one in chain] == list(range(1, 138))
    assert [one.raw for one in chain] == [one.raw for one in phone.store.log(1, 137)]
    assert all(row == truth for row, truth in (await kept(office)).values())
    assert all(row == truth for row, truth in await sums(office))


async def test_what_arrives_while_its_device_is_revoked_counts_or_is_held_back(
    office: Office, hub: AppHub
) -> None:
    phones = [await Phone(hub, "lead").enrol() for _ in range(5)]
    for phone in phones:
        phone.replica.answer("t1", {REFS[0]: Answer("pass")})

    for phone in phones:
        device = phone.id

        async def revoke(device: str = device) -> None:
            async with db.transaction(office.engine) as session:
                await devices.revoke(session, CHIEF, device, office.clock())

        await asyncio.gather(hub.ask(next(exchange(phone.replica))), revoke())

    async with db.transaction(office.engine, write=False) as session:
        known = {one.id: one for one in await session.exec(select(Device))}
        acts = await session.exec(select(Head.ledger_n))
        entries = (await session.exec(select(Entry))).all()
    assert acts.one() == len(entries) == 5
    assert {one.verdict for one in entries} <= {"ok", "quarantined"}
    assert all(known[one.device_id].head_n == 1 for one in entries)
    assert all(row == truth for row, truth in (await kept(office)).values())


@long_or_short
async def test_what_was_judged_before_its_device_was_revoked_is_judged_again(
    office: Office, hub: AppHub, times: int
) -> None:
    phone = await Phone(hub, "lead").enrol()
    for task in TASKS * times:
        phone.replica.answer(task, {REFS[0]: Answer("pass")})

    async with db.transaction(office.engine) as session:
        await devices.revoke(session, CHIEF, phone.id, office.clock())
        await session.flush()
        asked = asyncio.create_task(hub.ask(next(exchange(phone.replica))))
        for _ in range(500):  # while it reads that the device may speak, and waits
            await session.exec(select(Head.id))
    await asked

    judged = {(one.verdict.verdict, one.verdict.why) for one in await hub.chain(phone.id)}
    assert judged == {("quarantined", "device.revoked")}


async def test_of_a_withdrawn_task_only_those_who_were_relieved_may_still_speak(
    office: Office, hub: AppHub
) -> None:
    phones = [await Phone(hub, who).enrol() for who in ("lead", "second")]
    for phone in phones:
        phone.replica.answer("t1", {REFS[0]: Answer("pass")})
    async with db.transaction(office.engine) as session:
        task = await session.get_one(Task, "t1")
        task.withdrawn_at = office.clock()
        relief = Relief(
            task_id="t1", department="*", position="lead", inspector_id=task.lead_id, role="lead",
            at=office.clock(),
        )  # fmt: skip
        session.add_all([task, relief])

    for phone in phones:
        await hub.ask(next(exchange(phone.replica)))

    chains = [await hub.chain(phone.id) for phone in phones]
    said = [(one.verdict.verdict, one.verdict.why) for chain in chains for one in chain]
    assert said == [("ok", ""), ("quarantined", "inspection.not-yours")]


async def test_what_else_is_written_in_the_same_transaction_gets_later_places(
    office: Office, hub: AppHub
) -> None:
    phone = await Phone(hub, "lead").enrol()
    phone.replica.answer("t1", {REFS[0]: Answer("pass")})
    request = next(exchange(phone.replica))
    header, body = request.headers[codec.SIGNATURE_HEADER], request.body

    async with db.transaction(office.engine) as session:
        first = await feed.next_place(session)
        done = await intake.exchange(session, header, body, office.clock())
        last = await feed.next_place(session)

    (entry,) = await hub.chain(phone.id)
    assert not isinstance(done, Kept)
    assert (first + 1, last - 1) == (entry.seq, entry.seq)


@pytest.mark.parametrize(
    ("error", "busy"),
    [
        (sqlite3.OperationalError("database is locked"), True),
        (sqlite3.IntegrityError("UNIQUE constraint failed: entry.seq"), True),
        (sqlite3.OperationalError("no such table: entry"), False),
        (ValueError("database is locked"), False),
    ],
)
def test_the_driver_may_say_itself_that_it_is_busy(error: Exception, busy: bool) -> None:
    assert db.busy(error) is busy
    assert not db.unstorable(error)
