"""A device's chain and its new names at the real door, on both databases."""

import msgspec
import pytest
from conftest import Office
from httpx import AsyncClient
from phones import TASK, Phone
from simulation.app_hub import AppHub
from simulation.world import REFS
from sqlmodel import select

from backend import db
from backend.tables import Act, Device
from backend.work import backups
from sync import chains, codec, lineage, versions
from sync.messages import (
    ChainAsk,
    ChainHead,
    Enrolled,
    Renew,
    Request,
    Response,
    decode_chain_head,
    enrolled_text,
)
from sync.ops import Answer, decode_op
from sync.problems import refusal
from sync.refusals import Reason, Refused

KEY = codec.public_key("33" * 32)


def signed(phone: Phone, path: str, ask: object) -> Request:
    body = msgspec.json.encode(ask)
    own = phone.replica.identity
    header = codec.seal_body(own.secret, own.enrolled.device, body)
    return Request("POST", path, {codec.SIGNATURE_HEADER: header}, body)


def renewal(phone: Phone, **changed: object) -> Request:
    ask = msgspec.structs.replace(Renew(versions.PIECES, phone.id, KEY), **changed)
    return signed(phone, lineage.RENEW_PATH, ask)


def question(phone: Phone, *numbers: int, **changed: object) -> Request:
    known = tuple((n, phone.replica.hash_at(n) or "0" * 64) for n in numbers)
    ask = msgspec.structs.replace(ChainAsk(versions.PIECES, phone.id, known), **changed)
    return signed(phone, lineage.CHAIN_PATH, ask)


def twin(phone: Phone) -> Phone:
    """Copy a phone as it is now."""
    clone = Phone(phone.hub, phone.inspector)
    with clone.store.transaction():
        vars(clone.store).update({n: type(v)(v) for n, v in vars(phone.store).items()})
    return clone


def opened(phone: Phone, answer: Response) -> tuple[ChainHead, list[bytes]]:
    first, *raws = lineage.read_signed(phone.replica.identity, answer)
    return decode_chain_head(first), raws


# -- a new name ----------------------------------------------------------------------------------


async def test_a_device_goes_on_under_another_name_of_the_same_inspector(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    answer = await hub.ask(renewal(phone))
    again = await hub.ask(renewal(phone))

    said = msgspec.json.decode(answer.body, type=Enrolled)
    old = phone.replica.identity.enrolled
    async with db.transaction(office.engine, write=False) as session:
        device = await session.get_one(Device, said.device)
        acts = [act.verb for act in await session.exec(select(Act))]
    assert (answer.status, again.status) == (201, 201)
    assert msgspec.json.decode(again.body, type=Enrolled) == said
    assert (said.inspector, said.server_key) == (old.inspector, old.server_key)
    assert codec.verifies(old.server_key, enrolled_text(said), said.sig)
    assert (device.renews, device.public_key) == (old.device, KEY)
    assert acts.count("device.renew") == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"dev": "other"}, Reason.SIGNATURE_WRONG),
        ({"public_key": "x"}, Reason.SYNC_MALFORMED),
        ({"v": "1999-01-01"}, Reason.SYNC_VERSION),
    ],
)
async def test_a_renewal_that_does_not_fit_is_refused(
    office: Office, hub: AppHub, phone: Phone, changed: dict[str, object], reason: Reason
) -> None:
    answer = await hub.ask(renewal(phone, **changed))

    async with db.transaction(office.engine, write=False) as session:
        devices = len(list(await session.exec(select(Device))))
    assert refusal(answer).reason is reason
    assert devices == 1


async def test_a_forger_and_a_stranger_get_no_new_name(hub: AppHub, phone: Phone) -> None:
    request = renewal(phone)
    forged = msgspec.structs.replace(request, body=request.body.replace(KEY.encode(), b"0" * 64))

    wrong = await hub.ask(forged)
    nobody = codec.seal_body("44" * 32, "nobody", request.body)
    unknown = await hub.ask(
        msgspec.structs.replace(request, headers={codec.SIGNATURE_HEADER: nobody})
    )

    assert (wrong.status, refusal(wrong).reason) == (401, Reason.SIGNATURE_WRONG)
    assert (unknown.status, refusal(unknown).reason) == (401, Reason.DEVICE_UNKNOWN)


async def test_the_new_name_of_a_revoked_device_is_revoked_too(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    await hub.revoke(phone.id)

    answer = await hub.ask(renewal(phone))

    said = msgspec.json.decode(answer.body, type=Enrolled)
    async with db.transaction(office.engine, write=False) as session:
        device = await session.get_one(Device, said.device)
        acts = [act.subject for act in await session.exec(select(Act)) if "revoke" in act.verb]
    assert answer.status == 201
    assert device.revoked_at == office.clock()
    assert acts == [phone.id, said.device]


async def test_all_names_of_a_phone_are_revoked_together_whichever_is_named(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    stranger = await Phone(hub, "second").enrol()
    clone = twin(phone)
    first = phone.id
    phone.replica.find(TASK, "rats", basis="Law 3")
    await phone.sync()
    clone.replica.find(TASK, "mice", basis="Law 3")
    await clone.sync()
    late = renewal(phone)  # signed with the key of the first name, which the clone holds as well

    await hub.revoke(clone.id)
    await hub.ask(late)

    async with db.transaction(office.engine, write=False) as session:
        devices = {one.id: one.revoked_at for one in await session.exec(select(Device))}
    stands = [one for one, revoked_at in devices.items() if revoked_at is None]
    assert clone.id != first
    assert len(devices) == 4
    assert stands == [stranger.id]


async def test_the_work_of_a_revoked_clone_reaches_quarantine_and_can_be_released(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    clone = twin(phone)
    phone.replica.find(TASK, "rats", basis="Law 3")
    await phone.sync()
    clone.replica.find(TASK, "mice", basis="Law 3")
    await hub.revoke(phone.id)

    await clone.sync()

    supervisor = await office.officer("supervisor", "33")
    order = {"device": clone.id, "reason": "the phone was found"}
    ruled = (await supervisor.post("/office/quarantine/release", json=order)).json()
    state = await hub.inspection(TASK)
    assert clone.replica.unsent() == 0
    assert [(one.note, one.why) for one in clone.store.noted()] == [
        ("quarantined", "device.revoked")
    ]
    assert (ruled["released"], ruled["held"]) == ([1], {})
    assert sorted(one.text for one in state.findings) == ["mice", "rats"]


async def test_of_what_an_enrolment_says_all_is_signed(hub: AppHub, server: AsyncClient) -> None:
    code = await hub.invite("lead")

    body = (await server.post("/device/enrol", json={"code": code, "public_key": KEY})).content

    said = msgspec.json.decode(body, type=Enrolled)
    assert said.public_key == KEY
    assert codec.verifies(said.server_key, enrolled_text(said), said.sig)
    assert len(said.seal_key) == 64


# -- a device's own chain ------------------------------------------------------------------------


async def test_a_device_is_told_what_follows_what_it_knows(hub: AppHub, phone: Phone) -> None:
    phone.replica.answer(TASK, {REFS[0]: Answer("pass")})
    phone.replica.find(TASK, "dirt", basis="Law 3")
    await phone.sync()

    head, raws = opened(phone, await hub.ask(question(phone, 1, 0)))
    whole, both = opened(phone, await hub.ask(question(phone, 0, 9)))
    end, none = opened(phone, await hub.ask(question(phone, 2)))

    log = phone.store.log(1, 9)
    assert (head.first, raws) == (2, [log[1].raw])
    assert (whole.first, both) == (1, [one.raw for one in log])
    assert (end.first, none, end.ack.h) == (3, [], log[1].hash)


async def test_a_long_answer_is_cut_but_always_goes_on(
    monkeypatch: pytest.MonkeyPatch, hub: AppHub, phone: Phone
) -> None:
    for n in range(3):
        phone.replica.find(TASK, f"dirt {n}", basis="Law 3")
    await phone.sync()
    monkeypatch.setattr(chains, "ANSWER_BYTES_MAX", 1)

    head, raws = opened(phone, await hub.ask(question(phone, 0)))

    assert head.ack.n == 3
    assert len(raws) == 1


async def test_of_an_unknown_chain_nothing_is_told(hub: AppHub, phone: Phone) -> None:
    answers = [
        await hub.ask(question(phone, 5)),
        await hub.ask(question(phone, 0, known=())),
        await hub.ask(question(phone, 0, dev="other")),
    ]

    assert [refusal(one).reason for one in answers] == [
        Reason.SYNC_MALFORMED,
        Reason.SYNC_MALFORMED,
        Reason.SIGNATURE_WRONG,
    ]


async def test_of_the_log_what_is_held_back_is_told_with_its_reason(
    hub: AppHub, phone: Phone
) -> None:
    await hub.revoke(phone.id)
    phone.replica.find(TASK, "dirt", basis="Law 3")
    await phone.sync()

    head, _ = opened(phone, await hub.ask(question(phone, 0)))

    assert [(one.n, one.d, one.why) for one in head.notes] == [(1, "quarantined", "device.revoked")]


async def test_of_the_log_nothing_is_said_of_what_was_released(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    await hub.revoke(phone.id)
    phone.replica.find(TASK, "dirt", basis="Law 3")
    phone.replica.find(TASK, "rats", basis="Law 3")
    await phone.sync()
    supervisor = await office.officer("supervisor", "33")
    order = {"device": phone.id, "reason": "the phone was found", "numbers": [1]}
    released = await supervisor.post("/office/quarantine/release", json=order)

    head, raws = opened(phone, await hub.ask(question(phone, 0)))

    assert released.json()["released"] == [1]
    assert len(raws) == 2
    assert [one.n for one in head.notes] == [2]


# -- the whole way -------------------------------------------------------------------------------


async def test_a_cloned_phone_loses_nothing_and_counts_nothing_twice(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    phone.replica.find(TASK, "dirt", basis="Law 3")
    clone = twin(phone)
    await phone.sync()
    phone.replica.find(TASK, "rats", basis="Law 3")
    mine = clone.replica.find(TASK, "mice", basis="Law 3")
    await phone.sync()

    await clone.sync()
    await phone.sync()

    state = await hub.inspection(TASK)
    assert sorted(one.text for one in state.findings) == ["dirt", "mice", "rats"]
    assert phone.replica.inspection(TASK) == clone.replica.inspection(TASK) == state
    assert [decode_op(one.raw).orig for one in await hub.chain(clone.id)] == [mine.hash]


async def test_the_durable_watermark_is_told_and_no_further_than_the_ledger(
    office: Office, hub: AppHub, phone: Phone
) -> None:
    phone.replica.find(TASK, "dirt", basis="Law 3")
    await phone.sync()
    async with db.transaction(office.engine) as session:
        await backups.backup_done(session, 1, office.clock())
    with pytest.raises(Refused) as refused:
        async with db.transaction(office.engine) as session:
            await backups.backup_done(session, 2, office.clock())
    epoch = phone.store.get("epoch")
    async with db.transaction(office.engine) as session:
        ledger = await backups.restored(session, office.clock())

    await phone.sync()

    assert refused.value.reason is Reason.BACKUP_AHEAD
    assert ledger == 1
    assert phone.store.get("epoch") != epoch
