"""The device door, on both databases: what it lets in, what it keeps, and what it says."""

import asyncio

import msgspec
import pytest
from conftest import Clock, Office
from httpx import AsyncClient
from phones import TASK, Phone
from simulation.app_hub import AppHub
from simulation.world import REFS, Newer
from sqlmodel import select

from backend import db
from backend.tables import Batch, Device, Entry, Fork
from backend.work import ledger
from sync import codec, outbox, versions
from sync import messages as wire
from sync.ops import Answer, SetAnswers, decode_op
from sync.problems import refusal
from sync.refusals import Reason
from sync.replica import Replica
from sync.store import Mine

# -- enrolment -----------------------------------------------------------------------------------


async def _enrol(server: AsyncClient, code: str, key: str) -> tuple[int, dict[str, str]]:
    answer = await server.post("/device/enrol", json={"code": code, "public_key": key})
    return answer.status_code, answer.json()


async def test_a_code_enrols_one_device_and_the_same_key_may_ask_again(
    hub: AppHub, server: AsyncClient
) -> None:
    code, key = await hub.invite("lead"), codec.public_key(codec.new_key())

    status, enrolled = await _enrol(server, code, key)
    again = await _enrol(server, code.lower(), key)
    other = await _enrol(server, code, codec.public_key(codec.new_key()))

    assert status == 201
    assert enrolled["inspector"] == hub.ids["lead"]
    assert again == (201, enrolled)
    assert (other[0], other[1]["code"]) == (403, "invite.wrong")


async def test_of_two_who_use_one_code_at_once_one_is_enrolled(
    office: Office, hub: AppHub, server: AsyncClient
) -> None:
    code = await hub.invite("lead")
    keys = [codec.public_key(codec.new_key()) for _ in range(4)]

    answers = await asyncio.gather(*(_enrol(server, code, key) for key in keys))
    async with db.transaction(office.engine, write=False) as session:
        enrolled = list(await session.exec(select(Device.id)))

    assert sorted(status for status, _ in answers)[0] == 201
    assert [told["code"] for status, told in answers if status != 201] == ["invite.wrong"] * 3
    assert len(enrolled) == 1


async def test_a_wrong_or_expired_code_enrols_nothing(
    hub: AppHub, server: AsyncClient, clock: Clock
) -> None:
    code, key = await hub.invite("lead"), codec.public_key(codec.new_key())

    wrong = await _enrol(server, "WRONGWRONG22", key)
    clock.advance(days=8)
    late = await _enrol(server, code, key)

    assert (wrong[0], wrong[1]["code"]) == (403, "invite.wrong")
    assert (late[0], late[1]["code"]) == (403, "invite.wrong")


@pytest.mark.parametrize("bad", [{"label": "a\0b"}, {"public_key": "0" * 64 + "\n"}])
async def test_an_enrolment_with_what_no_database_stores_is_refused(
    hub: AppHub, server: AsyncClient, bad: dict[str, str]
) -> None:
    code = await hub.invite("lead")

    answer = await server.post("/device/enrol", json={"code": code, "public_key": "0" * 64, **bad})

    assert answer.status_code == 400


# -- what is refused as a whole ------------------------------------------------------------------


async def test_a_bad_signature_stores_nothing_and_the_work_arrives_later(phone: Phone) -> None:
    phone.answer("pass")
    request = phone.ask()
    request = msgspec.structs.replace(request, body=request.body.replace(b"pass", b"fail"))

    answer = await phone.hub.ask(request)
    before = await phone.verdicts()
    await phone.sync()

    assert answer.status == 401
    assert refusal(answer).reason is Reason.SIGNATURE_WRONG
    assert before == []
    assert await phone.verdicts() == [(1, "ok", "")]


@pytest.mark.parametrize("header", ["", "x", "dev=nobody; alg=ed25519; body=0; sig=0"])
async def test_who_does_not_say_who_it_is_gets_no_further(phone: Phone, header: str) -> None:
    request = wire.Request("POST", "/sync/v1", {codec.SIGNATURE_HEADER: header}, b"x")

    answer = await phone.hub.ask(request)

    assert answer.status == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"v":1}\n{"n":1}'])
async def test_a_signed_body_that_is_no_push_is_refused(phone: Phone, body: bytes) -> None:
    secret = phone.replica.identity.secret
    header = {codec.SIGNATURE_HEADER: codec.seal_body(secret, phone.id, body)}

    answer = await phone.hub.ask(wire.Request("POST", "/sync/v1", header, body))

    assert answer.status == 400
    assert refusal(answer).reason is Reason.SYNC_MALFORMED


async def test_another_device_cannot_be_spoken_for(hub: AppHub, phone: Phone) -> None:
    other = await Phone(hub, "second").enrol()
    body = other.ask().body
    secret = phone.replica.identity.secret
    header = {codec.SIGNATURE_HEADER: codec.seal_body(secret, phone.id, body)}

    answer = await hub.ask(wire.Request("POST", "/sync/v1", header, body))

    assert refusal(answer).reason is Reason.SIGNATURE_WRONG


async def test_a_gap_is_refused_and_the_device_goes_back_to_the_end_of_the_ledger(
    office: Office, phone: Phone
) -> None:
    for value in ("pass", "fail", "na"):
        phone.answer(value)
    await phone.sync()
    async with db.transaction(office.engine) as session:  # a backup of yesterday was restored
        device = await session.get_one(Device, phone.id)
        for entry in await session.exec(select(Entry).where(Entry.n > 1)):
            await session.delete(entry)
        first = await session.get_one(Entry, (phone.id, 1))
        device.head_n, device.head_hash = 1, first.hash
        session.add(device)
        head = await db.head(session)
        head.ledger_n, head.ledger_root, head.epoch = 1, first.root, "another"
        session.add(head)
    phone.answer("pass")

    refused = await phone.hub.ask(phone.ask())
    await phone.sync()

    assert refusal(refused).reason is Reason.SYNC_GAP
    assert refusal(refused).details == {"head_n": 1}
    assert [n for n, _, _ in await phone.verdicts()] == [1, 2, 3, 4]
    assert phone.replica.unsent() == 0


async def test_of_a_fork_both_histories_are_kept(office: Office, phone: Phone) -> None:
    phone.answer("pass")
    await phone.sync()
    clone = phone.copy()
    theirs = phone.answer("fail")
    await phone.sync()
    mine = clone.answer("na")

    await phone.hub.ask(clone.ask())
    await phone.hub.ask(clone.ask())  # again: nothing is kept twice
    done = await clone.sync()

    async with db.transaction(office.engine, write=False) as session:
        forks = list(await session.exec(select(Fork)))
    assert [(fork.n, fork.raw) for fork in forks] == [(2, mine.raw)]
    assert [one.raw for one in await phone.hub.chain(phone.id)][1:] == [theirs.raw]
    assert [decode_op(one.raw).orig for one in await phone.hub.chain(clone.id)] == [mine.hash]
    assert (done.alarms, clone.replica.unsent()) == (0, 0)


async def test_a_body_over_the_limit_is_refused_and_smaller_ones_pass(phone: Phone) -> None:
    for _ in range(3):
        phone.replica.find(TASK, "x" * 2_000_000, basis="Law 3")
    phone.store.set(outbox.SIZE, "256000")
    everything = await phone.hub.ask(phone.ask())
    small = Replica(phone.store, phone.clock, batch=1)
    phone.replica = small

    await phone.sync()

    assert everything.status == 413
    assert refusal(everything).reason is Reason.BODY_TOO_LARGE
    assert [verdict for _, verdict, _ in await phone.verdicts()] == ["ok"] * 3


# -- what is kept, and what is said of it --------------------------------------------------------


async def test_an_unknown_item_is_quarantined_and_the_rest_counts(phone: Phone) -> None:
    phone.answer("pass")
    phone.replica.record(TASK, lambda stamp: SetAnswers(f={"9.9": Answer("pass")}, **stamp))
    phone.answer("fail", REFS[1])

    await phone.sync()
    state = await phone.hub.inspection(TASK)

    assert await phone.verdicts() == [
        (1, "ok", ""),
        (2, "quarantined", "checklist.item-unknown"),
        (3, "ok", ""),
    ]
    assert [(mine.n, mine.note) for mine in phone.store.noted()] == [(2, "quarantined")]
    assert {ref: item.value for ref, item in state.items.items()} == {
        REFS[0]: "pass",
        REFS[1]: "fail",
    }
    assert phone.replica.inspection(TASK) == state


async def test_an_unknown_kind_is_parked_byte_for_byte(phone: Phone) -> None:
    mine = phone.replica.record(TASK, lambda stamp: Newer(hint="from next year", **stamp))

    await phone.sync()

    assert await phone.verdicts() == [(1, "parked", "op.unknown")]
    assert (await phone.hub.chain(phone.id))[0].raw == mine.raw
    assert phone.store.noted()[0].why == "op.unknown"


async def test_an_inspection_of_someone_else_is_quarantined(phone: Phone) -> None:
    phone.replica.record("t2", lambda stamp: SetAnswers(f={}, **stamp))

    await phone.sync()

    assert await phone.verdicts() == [(1, "quarantined", "inspection.not-yours")]


POISON = {
    "nested without end": b'{"n":1,"t":"void/1","e":"t1","x":' + b"[" * 50_000 + b"}",
    "a NUL in its kind": b'{"n":1,"t":"a\\u0000b","e":"t\\u00001"}',
    "no JSON": b"\x00\xff",
    "text that is not UTF-8": b'{"n":1,"t":"x/1","e":"t1","x":"\xff"}',
    "an empty line": b"",
    "another number": b'{"n":7,"t":"void/1","e":"t1"}',
    "a number without end": b'{"n":1,"t":"sign/1","e":"t1","w":' + b"9" * 5000 + b"}",
    "a file by no digest": b'{"n":1,"t":"evidence.add/1","e":"t1","w":0,"m":0,"boot":"b",'
    b'"blob":"\\u0000","size":1,"mime":"image/jpeg"}',
    "names too long": b'{"n":1,"t":"' + b"k" * 500 + b'","e":"' + b"e" * 500 + b'"}',
}


@pytest.mark.parametrize("raw", POISON.values(), ids=POISON.keys())
async def test_poison_is_kept_and_does_not_block(phone: Phone, raw: bytes) -> None:
    previous = codec.genesis(phone.id)
    with phone.store.transaction():
        phone.store.append(Mine(1, "t1", codec.link(previous, raw), raw))
    phone.answer("pass")

    await phone.sync()

    chain = await phone.hub.chain(phone.id)
    assert chain[0].raw == raw
    assert chain[0].verdict.verdict in ("quarantined", "parked")
    assert chain[1].verdict.verdict == "ok"
    assert phone.replica.unsent() == 0


async def test_what_a_revoked_device_sends_is_kept_in_quarantine(phone: Phone) -> None:
    phone.answer("pass")
    await phone.sync()
    await phone.hub.revoke(phone.id)
    phone.answer("fail")
    phone.answer("na", REFS[1])

    done = await phone.sync()

    assert await phone.verdicts() == [
        (1, "ok", ""),
        (2, "quarantined", "device.revoked"),
        (3, "quarantined", "device.revoked"),
    ]
    assert (await phone.hub.inspection(TASK)).items[REFS[0]].value == "pass"
    assert phone.replica.unsent() == 0
    assert phone.replica.tasks() == []
    assert done.alarms == 0
    assert phone.store.get("upload") == ""


async def test_a_revoked_device_is_told_anew_what_became_of_its_work_by_a_restored_server(
    phone: Phone,
) -> None:
    phone.answer("pass")
    phone.answer("fail")
    await phone.sync()
    await phone.hub.revoke(phone.id)
    await phone.sync()
    with phone.store.transaction():  # of another life of the server, which judged otherwise
        phone.store.note(1, "quarantined", "device.revoked")
        phone.store.set("ledger", f'[1, "{"0" * 64}"]')

    done = await phone.sync()

    assert done.sent == 2
    assert [mine.note for mine in phone.store.noted()] == []


@pytest.mark.parametrize("years", [-10, 10, 100])
async def test_a_clock_years_wrong_is_noted_and_decides_nothing(
    office: Office, phone: Phone, years: int
) -> None:
    phone.skew = years * 31_557_600_000
    phone.answer("pass")

    await phone.sync()

    async with db.transaction(office.engine, write=False) as session:
        device = await session.get_one(Device, phone.id)
    assert await phone.verdicts() == [(1, "ok", "")]
    assert abs(device.skew_ms - phone.skew) < 86_400_000


# -- again and at once ---------------------------------------------------------------------------


async def test_a_push_sent_twice_counts_once(office: Office, phone: Phone) -> None:
    phone.answer("pass")
    phone.replica.record(TASK, lambda stamp: SetAnswers(f={"9.9": Answer("pass")}, **stamp))
    request = phone.ask()

    first = await phone.hub.ask(request)
    second = await phone.hub.ask(request)

    heads = [versions.read_answer(a.body.split(b"\n"))[0] for a in (first, second)]
    async with db.transaction(office.engine, write=False) as session:
        batches = list(await session.exec(select(Batch)))
    assert heads[0].ack == heads[1].ack
    assert heads[0].notes == (wire.Note(2, "quarantined", "checklist.item-unknown"),)
    assert heads[1].notes == heads[0].notes
    assert len(await phone.verdicts()) == 2
    assert len(batches) == 1


@pytest.mark.parametrize("count", [3, ledger.BRIEF])
async def test_identical_pushes_at_once_count_once(phone: Phone, count: int) -> None:
    for n in range(count):
        phone.answer(("pass", "fail", "na")[n % 3])
    request = phone.ask()

    answers = await asyncio.gather(*(phone.hub.ask(request) for _ in range(8)))

    ledger = await phone.hub.ledger()
    assert [answer.status for answer in answers] == [200] * 8
    numbers = list(range(1, count + 1))
    assert [(name, one.n) for name, one in ledger] == [(phone.id, n) for n in numbers]
    assert [one.position for _, one in ledger] == numbers


async def test_devices_that_push_at_once_get_dense_places(hub: AppHub) -> None:
    phones = [await Phone(hub, "lead" if n % 2 else "second").enrol() for n in range(6)]
    for n, phone in enumerate(phones):
        for _ in range(5):
            phone.answer("pass" if n % 2 else "fail")

    await asyncio.gather(*(phone.sync() for phone in phones))
    for phone in phones:
        await phone.sync()

    ledger = await hub.ledger()
    truth = await hub.inspection(TASK)
    assert [one.position for _, one in ledger] == list(range(1, 31))
    assert len({one.seq for _, one in ledger}) == 30
    assert all(phone.replica.inspection(TASK) == truth for phone in phones)


async def test_an_acknowledgement_beyond_the_push_says_all_that_it_covers(phone: Phone) -> None:
    phone.answer("pass")
    short = phone.ask()
    phone.replica.record(TASK, lambda stamp: SetAnswers(f={"9.9": Answer("pass")}, **stamp))
    await phone.hub.ask(phone.ask())

    answer = await phone.hub.ask(short)

    head, _ = versions.read_answer(answer.body.split(b"\n"))
    assert head.ack.n == 2
    assert [note.n for note in head.notes] == [2]
