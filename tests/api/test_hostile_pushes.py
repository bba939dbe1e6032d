"""Damaged and hostile pushes against the app, on both databases: nothing stored, tried again."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from conftest import Office
from phones import TASK, Phone
from simulation.app_hub import AppHub
from simulation.world import REFS
from sqlmodel import select

from backend import db
from backend.tables import Batch, Entry, Fork
from sync import codec, squeeze
from sync.exchange import exchange
from sync.messages import Clock, Pull, PushHead, Request
from sync.ops import Answer

REFUSED = {400, 401, 409, 413, 422}


async def stored(office: Office) -> int:
    async with db.transaction(office.engine, write=False) as session:
        return sum([len((await session.exec(select(t))).all()) for t in (Entry, Batch, Fork)])


def signed(phone: Phone, body: bytes, **headers: str) -> Request:
    identity = phone.replica.identity
    header = codec.seal_body(identity.secret, identity.enrolled.device, body)
    return Request("POST", squeeze.PATH, {codec.SIGNATURE_HEADER: header, **headers}, body)


def push(phone: Phone, raws: list[bytes], **changed: Any) -> bytes:
    device = phone.id
    genesis = codec.genesis(device)
    hashes = [genesis, *codec.chain(genesis, raws)]
    clock, pull = Clock(5, 6, "b"), Pull("", 0, ())
    head = PushHead("2026-11-22", device, 1, len(raws), genesis, hashes[-1], clock, pull)
    line = msgspec.json.encode(msgspec.structs.replace(head, **changed))
    return b"\n".join([line, *raws])


async def test_damage_on_the_way_stores_nothing_and_the_same_push_may_be_sent_again(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    for ref in REFS:
        phone.replica.answer(TASK, {ref: Answer("pass")})
    whole = next(exchange(phone.replica))
    size = len(whole.body)
    cuts = [whole.body[:end] for end in range(0, size, 29)]
    flips = [
        whole.body[:at] + bytes([whole.body[at] ^ (1 << at % 8)]) + whole.body[at + 1 :]
        for at in range(0, size, 17)
    ]

    answers = [await hub.ask(msgspec.structs.replace(whole, body=body)) for body in cuts + flips]
    before = await stored(office)
    await phone.sync()

    assert {answer.status for answer in answers} <= REFUSED
    assert before == 0
    assert phone.replica.unsent() == 0
    assert len(await hub.chain(phone.id)) == len(REFS)


RUBBISH = {
    "nothing": b"",
    "no JSON": b"\x00\xff\xfe",
    "nested without end": b"[" * 200_000,
    "objects without end": b'{"v":' * 100_000,
    "a number without end": b'{"v":' + b"9" * 200_000 + b"}",
    "a lone surrogate": b'{"v":"\\ud800"}',
    "text that is no UTF-8": b'{"v":"\xed\xa0\x80"}',
    "an empty object": b"{}",
    "another future": b'{"v":"2036-11-22","everything":"else"}',
    "lines alone": b"\n" * 1_000_000,
}


@pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
async def test_a_valid_signature_over_rubbish_is_refused_and_may_be_tried_again(
    office: Office, hub: AppHub, phone: Phone, body: bytes
) -> None:
    phone.replica.answer(TASK, {REFS[0]: Answer("pass")})

    answer = await hub.ask(signed(phone, body))
    before = await stored(office)
    await phone.sync()

    problem = msgspec.json.decode(answer.body)
    assert answer.status in (400, 422)
    assert problem["code"] in ("sync.malformed", "sync.version")
    assert before == 0
    assert phone.replica.unsent() == 0


WRONG_HEADS: dict[str, dict[str, Any]] = {
    "more operations than it says": {"count": 1},
    "fewer operations than it says": {"count": 3},
    "too many operations": {"count": 501},
    "from below the beginning": {"first": 0},
    "from where no log is": {"first": 2**53},
    "a number that no database holds": {"first": 2**62},
    "a NUL for a name": {"dev": "\0"},
    "a chain of no hash": {"prev": "x"},
    "another chain": {"prev": "0" * 64},
    "a clock beyond all clocks": {"clock": Clock(2**60, 0, "b")},
    "a boot of a NUL": {"clock": Clock(0, 0, "\0" * 65)},
}


@pytest.mark.parametrize("changed", WRONG_HEADS.values(), ids=WRONG_HEADS.keys())
async def test_a_head_that_does_not_fit_is_refused(
    office: Office, hub: AppHub, phone: Phone, changed: dict[str, Any]
) -> None:
    raws = [b'{"n":1,"t":"x/1","e":"t1"}', b'{"n":2,"t":"x/1","e":"t1"}']

    answer = await hub.ask(signed(phone, push(phone, raws, **changed)))

    assert answer.status in REFUSED
    assert await stored(office) == 0


async def test_cursors_and_buckets_of_no_server_are_answered(hub: AppHub, phone: Phone) -> None:
    pulls = [
        Pull("\0", 2**53, ("\0", "i:" + "x" * 10_000, "d:%_\\")),
        Pull("", 0, tuple(f"b{n}" for n in range(10_000)), limit=1),
        Pull("\U0001f9ca", 1, ("i:t1",) * 5),
    ]

    answers = [await hub.ask(signed(phone, push(phone, [], pull=pull))) for pull in pulls]

    assert [answer.status for answer in answers] == [200] * 3


async def test_more_bytes_than_any_push_has_are_not_read(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    answer = await hub.ask(signed(phone, b"\n" * 10_000_000))

    assert answer.status == 413
    assert await stored(office) == 0


async def test_five_hundred_of_the_strangest_operations_are_each_kept_as_they_came(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    strange = [
        b"", b"{}", b"null", b"\x00", b"\xff", b'{"n":1e9}', b'{"n":1,"n":2,"t":"","e":""}',
        b'{"n":1,"t":"\\ud800","e":"t1"}', b"[" * 5_000,
        b'{"n":' + b"1" * 4_000 + b',"t":"","e":""}',
    ]  # fmt: skip
    raws = [strange[n % len(strange)] for n in range(500)]

    answer = await hub.ask(signed(phone, push(phone, raws)))

    chain = await hub.chain(phone.id)
    assert answer.status == 200
    assert [one.raw for one in chain] == raws
    assert {one.verdict.verdict for one in chain} <= {"parked", "quarantined"}


async def test_headers_of_every_kind_of_nonsense_are_no_signature(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    device = phone.id
    body = push(phone, [])
    digest = sha256(body).hexdigest()
    headers = [
        "", ";", "=", "dev", "dev=;alg=;body=;sig=", f"dev={device}; alg=none; body={digest}; sig=",
        f"dev={device}; alg=ed25519; body={digest}; sig={'0' * 128}",
        f"dev={device}; alg=ed25519; body={digest}; sig={'g' * 128}",
        f"dev={'9' * 6_000}; alg=ed25519; body={digest}; sig=00",
    ]  # fmt: skip

    answers = [
        await hub.ask(Request("POST", squeeze.PATH, {codec.SIGNATURE_HEADER: header}, body))
        for header in headers
    ]

    assert {answer.status for answer in answers} == {401}
