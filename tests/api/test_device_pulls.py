"""What the device door answers, on both databases: rows, receipts, and what a restore left."""

import msgspec
import pytest
from conftest import Office
from phones import TASK, Phone
from simulation.app_hub import AppHub
from simulation.world import FORM, REFS
from sqlalchemy import Connection, event
from sqlmodel import col, select

from backend import db
from backend.tables import Entry, Feed
from sync import checklist, codec
from sync import messages as wire
from sync.ops import Answer


async def test_two_devices_of_a_pair_converge_and_the_overruled_answer_stays(hub: AppHub) -> None:
    lead, second = await Phone(hub, "lead").enrol(), await Phone(hub, "second").enrol()
    mine, theirs = lead.answer("fail"), second.answer("pass")
    await lead.sync()
    await second.sync()
    await lead.sync()
    apart = lead.replica.inspection(TASK)
    lead.answer("fail")
    await lead.sync()
    await second.sync()

    together = [p.replica.inspection(TASK) for p in (lead, second)]

    assert apart.conflicts == (REFS[0],)
    assert {said.op for said in apart.items[REFS[0]].standing} == {
        f"{lead.id}:{mine.n}",
        f"{second.id}:{theirs.n}",
    }
    assert together[0] == together[1] == await hub.inspection(TASK)
    assert together[0].items[REFS[0]].value == "fail"
    assert [said.v for said in together[0].items[REFS[0]].overruled] == ["pass"]


async def test_more_rows_than_a_page_arrive_page_by_page(hub: AppHub) -> None:
    lead = await Phone(hub, "lead").enrol()
    second = await Phone(hub, "second", page=3).enrol()
    for _ in range(20):
        lead.answer("pass")
    await lead.sync()

    done = await second.sync()

    assert done.rounds == 7
    assert done.alarms == 0
    assert second.replica.inspection(TASK) == lead.replica.inspection(TASK)


async def test_a_withdrawn_task_is_dropped_and_what_was_recorded_still_arrives(
    phone: Phone,
) -> None:
    phone.answer("pass")
    await phone.hub.remove(f"i:{TASK}", "task", TASK)
    await phone.hub.leave("lead", f"i:{TASK}")

    done = await phone.sync()

    assert phone.replica.tasks() == []
    assert done.alarms == 0
    assert await phone.verdicts() == [(1, "ok", "")]


async def test_a_row_that_changes_or_goes_is_told(hub: AppHub, phone: Phone) -> None:
    changed = msgspec.json.encode({"id": TASK, "checklist": checklist.digest(FORM), "x": 1})
    await hub.put(f"i:{TASK}", "task", TASK, changed)
    await phone.sync()
    after = phone.replica.tasks()
    await hub.remove(f"i:{TASK}", "task", TASK)

    await phone.sync()

    assert [row.body for row in after] == [changed]
    assert phone.replica.tasks() == []


async def test_a_cursor_from_another_life_of_the_server_begins_anew(
    office: Office, phone: Phone
) -> None:
    async with db.transaction(office.engine) as session:
        head = await db.head(session)
        head.epoch = "restored"
        session.add(head)

    done = await phone.sync()

    assert done.alarms == 0
    assert [row.id for row in phone.replica.tasks()] == [TASK]
    assert phone.store.get("epoch") == "restored"


@pytest.mark.parametrize("position", [1, 2, 9])
async def test_a_restored_server_is_known_by_its_ledger_though_nobody_told_it(
    phone: Phone, position: int
) -> None:
    for value in ("pass", "fail"):
        phone.replica.answer(TASK, {REFS[0]: Answer(value)})
    await phone.sync()
    with phone.store.transaction():  # what is there, and not there, of another life of the server
        phone.store.remove_row(f"i:{TASK}", "task", TASK)
        phone.store.set("ledger", f'[{position}, "{"0" * 64}"]')

    done = await phone.sync()

    assert done.alarms == 0
    assert done.sent == 2
    assert [row.id for row in phone.replica.tasks()] == [TASK]


async def test_damaged_memory_sets_off_the_alarm_once_and_is_read_again(phone: Phone) -> None:
    with phone.store.transaction():
        phone.store.remove_row(f"i:{TASK}", "task", TASK)

    done = await phone.sync()
    calm = await phone.sync()

    assert (done.alarms, calm.alarms) == (1, 0)
    assert [row.id for row in phone.replica.tasks()] == [TASK]


async def test_the_receipt_is_the_servers_word(office: Office, phone: Phone) -> None:
    phone.answer("pass")
    await phone.sync()

    ack, receipt = msgspec.json.decode(
        phone.store.get("receipt"), type=tuple[wire.Ack, wire.Receipt]
    )

    text = wire.receipt_text(phone.id, ack, ledger=receipt.ledger, root=receipt.root)
    key = phone.replica.identity.enrolled.server_key
    async with db.transaction(office.engine, write=False) as session:
        root = (await session.exec(select(Entry.root).order_by(col(Entry.position).desc()))).first()
        places = sorted(await session.exec(select(Feed.seq)))
    assert codec.verifies(key, text, receipt.sig)
    assert (receipt.ledger, receipt.root) == (1, root)
    assert len(set(places)) == len(places)


async def test_nothing_is_acknowledged_that_could_not_be_committed(
    office: Office, phone: Phone
) -> None:
    phone.answer("pass")
    engine = office.engine.sync_engine

    def fail(_: Connection) -> None:
        raise OSError("the disk is full")

    event.listen(engine, "commit", fail)
    answer = await phone.hub.ask(phone.ask())
    event.remove(engine, "commit", fail)
    before = await phone.verdicts()
    await phone.sync()

    assert answer.status == 500
    assert before == []
    assert await phone.verdicts() == [(1, "ok", "")]
