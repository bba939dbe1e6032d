"""无新内容: who has nothing to say and nothing to hear is answered at once, in nobody's way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import phones
import pytest
import rows
from conftest import Office
from msgspec.structs import replace
from phones import Phone
from simulation.app_hub import AppHub
from simulation.memory_hub import Died
from sqlmodel import update

from backend import db
from backend.tables import Device, Head, Revision
from backend.work import feed, ledger, unchanged
from sync import codec
from sync.exchange import exchange
from sync.ids import new_id
from sync.messages import VERSION, Clock, Pull, PushHead, Request
from sync.versions import SPOKEN, read_push_head, write_push_head


@pytest.fixture
async def hub(office: Office) -> AppHub:
    return await phones.opened(office, "t1", follow=("lead",))


@pytest.fixture
async def phone(hub: AppHub) -> Phone:
    phone = await Phone(hub, "lead").enrol()
    await hub.put(f"u:{hub.ids['lead']}", "row", "first", b"1")
    phone.answer("pass")
    await phone.sync()
    return phone


@pytest.fixture
def asked(phone: Phone) -> PushHead:
    """Give what a phone says that has nothing to say."""
    return read_push_head(phone.ask().body, SPOKEN)


async def look(office: Office, head: PushHead) -> unchanged.Unchanged | None:
    return await unchanged.look(office.engine, head, office.clock(), 0)


async def device(office: Office, phone: Phone) -> Device:
    async with db.transaction(office.engine, write=False) as session:
        return await session.get_one(Device, phone.id)


async def statements(hub: AppHub, phone: Phone) -> int:
    """Count what an exchange asks of the database: at each of them a server can die."""
    for count in range(100):
        try:
            await hub.ask(next(exchange(phone.replica)), count + 1)
        except Died:
            continue
        return count
    raise AssertionError


async def test_it_takes_two_statements_and_no_transaction(hub: AppHub, phone: Phone) -> None:
    assert await statements(hub, phone) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_takes_no_visit_to_the_thread(office: Office, phone: Phone) -> None:
    async with office.engine.connect() as connection:
        thread = (await connection.get_raw_connection()).driver_connection
    assert isinstance(thread, db.SqliteThread)
    visits = thread._asked

    await phone.sync()

    assert thread._asked == visits


async def test_it_waits_for_nobody_who_writes(office: Office, hub: AppHub, phone: Phone) -> None:
    async with db.transaction(office.engine) as session:
        await feed.put(session, f"u:{hub.ids['lead']}", "row", "other", b"1")
        await session.flush()
        done = await asyncio.wait_for(phone.sync(), 20)

    assert (done.rounds, done.received, done.alarms) == (1, 0, 0)


async def test_what_is_committed_is_told_next(hub: AppHub, phone: Phone) -> None:
    await hub.put(f"u:{hub.ids['lead']}", "row", "second", b"2")

    await phone.sync()

    assert {row.id for row in phone.store.rows("row")} == {"first", "second"}
    assert await statements(hub, phone) == 2


async def test_an_hour_is_written_down_and_less_than_a_minute_is_not(
    office: Office, phone: Phone
) -> None:
    seen = (await device(office, phone)).seen_at
    assert seen is not None

    office.clock.advance(seconds=59)
    await phone.sync()
    soon = (await device(office, phone)).seen_at
    office.clock.advance(hours=1)
    await phone.sync()

    assert soon == seen
    assert (await device(office, phone)).seen_at == seen + timedelta(hours=1, seconds=59)


async def test_a_clock_that_was_set_is_written_down_at_once(office: Office, phone: Phone) -> None:
    skew = (await device(office, phone)).skew_ms

    phone.skew = -3_600_000
    await phone.sync()

    assert (await device(office, phone)).skew_ms == skew - 3_600_000


async def test_a_desk_of_the_office_follows_nothing(office: Office, hub: AppHub) -> None:
    secret, desk, clock = codec.new_key(), new_id(), Clock(0, 0, "server")
    genesis = codec.genesis(desk)
    key = codec.public_key(secret)
    await rows.put(
        office,
        Device(
            id=desk, inspector_id="office:chief", label="", public_key=key,
            enrolled_at=office.clock(), head_hash=genesis,
        ),
    )  # fmt: skip
    asked = write_push_head(
        PushHead(VERSION, desk, 1, 0, genesis, genesis, clock, Pull("", 0, ("u:somebody",)))
    )
    headers = {codec.SIGNATURE_HEADER: codec.seal_body(secret, desk, asked)}

    for _ in range(2):  # the first time nobody had met it
        answer = await hub.ask(Request("POST", "/sync/v1", headers, asked))
        _, *events = [msgspec.json.decode(line) for line in answer.body.splitlines()]

        assert answer.status == 200
        assert events[0] == {"t": "drop", "b": "u:somebody"}
        assert [event["check"] for event in events[1:]] == [{}]


# -- when there is more to be said than that -----------------------------------------------------


def pulling(**changes: object) -> Callable[[PushHead], PushHead]:
    return lambda head: replace(head, pull=replace(head.pull, **changes))


@pytest.mark.parametrize(
    "other",
    [
        lambda head: replace(head, count=1),
        lambda head: replace(head, pull=None),
        lambda head: replace(head, dev="nobody"),
        lambda head: replace(head, first=head.first - 1),
        lambda head: replace(head, first=head.first + 1),
        lambda head: replace(head, prev="0" * 64),
        pulling(epoch="another"),
        pulling(seq=1_000),
        pulling(have=()),
        pulling(have=("i:withdrawn",)),
        pulling(told=(1, "0" * 64)),
        pulling(told=(2**53, "0" * 64)),
        lambda head: pulling(have=(*head.pull.have, "i:withdrawn"))(head),
    ],
)
async def test_who_says_anything_else_is_answered_in_a_transaction(
    office: Office, asked: PushHead, other: Callable[[PushHead], PushHead]
) -> None:
    assert await look(office, asked) is not None
    assert await look(office, other(asked)) is None


async def revise(hub: AppHub, _: Phone) -> None:
    await rows.put(
        hub.office,
        Revision(
            register_name="cold-chain", source_name="x", source_sha256="0" * 64, rows=0, created=0,
            changed=0, unchanged=0, problems="[]", at=hub.office.clock(),
        ),
    )  # fmt: skip


async def forget(hub: AppHub, _: Phone) -> None:
    async with db.transaction(hub.office.engine) as session:
        await session.exec(update(Head).values(floor=1_000))


@pytest.mark.parametrize(
    "change",
    [
        revise,
        forget,
        lambda hub, _: hub.put(f"u:{hub.ids['lead']}", "row", "second", b"2"),
        lambda hub, _: hub.remove(f"u:{hub.ids['lead']}", "row", "first"),
        lambda hub, _: hub.join("lead", "i:other"),
        lambda hub, _: hub.leave("lead", f"u:{hub.ids['lead']}"),
        lambda hub, phone: hub.revoke(phone.id),
    ],
)
async def test_who_has_anything_to_hear_is_answered_in_a_transaction(
    office: Office,
    hub: AppHub,
    phone: Phone,
    asked: PushHead,
    change: Callable[[AppHub, Phone], Awaitable[None]],
) -> None:
    assert await look(office, asked) is not None
    await change(hub, phone)
    assert await look(office, asked) is None


async def test_what_is_told_between_its_two_statements_is_not_passed_over(
    office: Office, hub: AppHub, asked: PushHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    glance = ledger.glance

    async def slowly(engine: db.Engine, text: str, *values: object) -> ledger.Rows:
        found = await glance(engine, text, *values)
        await hub.put(f"u:{hub.ids['lead']}", "row", new_id(), b"2")
        return found

    monkeypatch.setattr(ledger, "glance", slowly)

    assert await look(office, asked) is None


async def test_what_others_are_told_moves_the_cursor(
    office: Office, hub: AppHub, asked: PushHead
) -> None:
    assert asked.pull is not None
    await hub.put("u:other", "row", "their", b"1")

    found = await look(office, asked)

    assert found is not None
    assert (found.page.events, found.page.next, found.page.more) == ((), asked.pull.seq + 1, False)
    assert found.check.keys() == set(asked.pull.have)


async def test_a_device_of_the_first_version_need_not_hold_what_it_has_no_words_for(
    office: Office, asked: PushHead
) -> None:
    assert asked.pull is not None
    spoken = tuple(one for one in asked.pull.have if not one.startswith("d:"))
    assert spoken != asked.pull.have

    assert await look(office, pulling(have=spoken, whole=True)(asked)) is not None
    assert await look(office, pulling(have=spoken)(asked)) is None
