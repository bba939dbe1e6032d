"""What came by hand: taken in as if it had been sent, once, and only what is whole and ours."""

import io
from hashlib import sha256

import msgspec
import pytest
from conftest import Office
from httpx import AsyncClient, Response
from phones import TASK, Phone
from simulation.app_hub import AppHub
from sqlmodel import select

from backend import db
from backend.tables import Blob
from sync import carrying, codec, handover, sealing
from sync.handover import Item
from sync.refusals import Reason, Refused
from sync.store import File

SMALL, LARGE = b"\xff\xd8\xff small", b"\xff\xd8\xff" + bytes(700_000)  # more than one piece


@pytest.fixture
async def phone(hub: AppHub) -> Phone:
    return await Phone(hub, "lead", batch=2).enrol()


@pytest.fixture
async def officer(office: Office) -> AsyncClient:
    return await office.officer("supervisor", "33")


def written(phone: Phone, *files: bytes, everything: bool = False, to: str = "") -> bytes:
    """Write a bundle as the command does."""
    enrolled = phone.replica.identity.enrolled
    things = [(i, [body]) for i, body in carrying.batches(phone.replica, everything=everything)]
    for body in files:
        digest = sha256(body).hexdigest()
        things.append((Item("file", digest, len(body), mime="image/jpeg"), [body]))
    out = io.BytesIO()
    handover.write_for_office(
        out,
        things,
        device=enrolled.device,
        server=enrolled.server_key,
        to=to or enrolled.seal_key,
    )
    return out.getvalue()


def find(phone: Phone, *texts: str) -> None:
    for text in texts:
        phone.replica.find(TASK, text, basis="Law 3")


async def bring(officer: AsyncClient, bundle: bytes) -> Response:
    return await officer.post("/office/handovers", files={"files": ("a.bundle", bundle)})


async def found(hub: AppHub) -> list[str]:
    return sorted(one.text for one in (await hub.inspection(TASK)).findings)


async def stored(office: Office) -> set[str]:
    async with db.transaction(office.engine, write=False) as session:
        return set(await session.exec(select(Blob.sha256)))


async def test_what_was_never_sent_arrives_by_hand_and_the_receipt_clears_the_outbox(
    office: Office, hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one", "two", "three")
    digests = [sha256(body).hexdigest() for body in (SMALL, LARGE)]
    with phone.store.transaction():
        for digest in digests:
            phone.store.put_file(File(digest, 1, "image/jpeg"))

    answer = await bring(officer, written(phone, SMALL, LARGE))
    receipt = answer.json()["receipt"].encode()
    carrying.apply_receipt(phone.replica, receipt)
    carrying.apply_receipt(phone.replica, receipt)  # again

    told = {k: v for k, v in answer.json().items() if k in ("operations", "new", "files")}
    assert answer.status_code == 200
    assert told == {"operations": 3, "new": 3, "files": 2}
    assert await found(hub) == ["one", "three", "two"]
    assert await stored(office) == set(digests)
    assert phone.replica.unsent() == 0
    assert all(file.sent for file in phone.store.files())
    assert (await phone.sync()).sent == 0


async def test_a_bundle_brought_twice_or_after_a_sync_counts_once(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one", "two", "three")
    bundle = written(phone)
    small = Phone(hub, "lead", batch=1)
    small.replica.store = phone.store
    await hub.ask(small.ask())  # the first arrived on its own

    first = await bring(officer, bundle)
    second = await bring(officer, bundle)
    find(phone, "four")
    await phone.sync()
    third = await bring(officer, written(phone, everything=True))

    assert [one.json()["new"] for one in (first, second, third)] == [2, 0, 0]
    assert third.json()["operations"] == 4
    assert await found(hub) == ["four", "one", "three", "two"]


async def test_a_receipt_says_what_was_held_back(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one")
    await hub.revoke(phone.id)

    answer = await bring(officer, written(phone))
    carrying.apply_receipt(phone.replica, answer.json()["receipt"].encode())

    assert [(m.note, m.why) for m in phone.store.noted()] == [("quarantined", "device.revoked")]
    assert phone.store.get("revoked") == "yes"


async def test_a_damaged_or_cut_bundle_leaves_nothing(
    office: Office, hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one")
    bundle = written(phone, SMALL, LARGE)

    answers = [
        await bring(officer, bundle[:-1]),
        await bring(officer, bundle[:-1] + bytes([bundle[-1] ^ 1])),
        await bring(officer, b"%PDF-1.7"),
    ]

    assert [one.json()["code"] for one in answers] == ["bundle.damaged"] * 3
    assert await found(hub) == []
    assert await stored(office) == set()


async def test_a_bundle_for_another_server_is_refused(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one")
    own = phone.replica.identity.enrolled
    other = msgspec.structs.replace(own, server_key=codec.public_key("55" * 32))
    body = io.BytesIO()
    handover.write_for_office(body, [], device=own.device, server=other.server_key, to=own.seal_key)

    foreign = await bring(officer, body.getvalue())
    lied = await bring(officer, written(phone, to=sealing.seal_key("55" * 32)))

    assert (foreign.status_code, foreign.json()["code"]) == (403, "bundle.foreign")
    assert lied.json()["code"] == "bundle.damaged"
    assert await found(hub) == []


async def test_a_forged_batch_stops_all_of_its_bundle(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one", "two", "three")
    (first, one), (second, two) = carrying.batches(phone.replica, everything=False)
    own = phone.replica.identity.enrolled
    out = io.BytesIO()
    things = [(first, [one]), (second, [two.replace(b"three", b"trees")])]
    handover.write_for_office(
        out, things, device=own.device, server=own.server_key, to=own.seal_key
    )

    answer = await bring(officer, out.getvalue())

    assert answer.json()["code"] == "sync.signature-wrong"
    assert await found(hub) == []


async def test_another_history_than_the_ledgers_is_kept_whole_and_nothing_is_acknowledged(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    clone = Phone(hub, "lead", batch=2)
    with clone.store.transaction():
        vars(clone.store).update({n: type(v)(v) for n, v in vars(phone.store).items()})
    find(phone, "dirt")
    await phone.sync()
    find(clone, "one", "two", "three", "four", "five")  # three batches, the last beyond the head

    first = await bring(officer, written(clone))
    again = await bring(officer, written(clone, SMALL))

    receipt = carrying.apply_receipt(clone.replica, first.json()["receipt"].encode())
    held = (await officer.get("/office/quarantine")).json()
    assert [(one.json()["new"], one.json()["forked"]) for one in (first, again)] == [(0, 5)] * 2
    assert again.json()["files"] == 1
    assert sorted(one["n"] for one in held) == [1, 2, 3, 4, 5]
    assert len({one["branch"] for one in held}) == 1
    assert (receipt.answers, clone.replica.unsent()) == ((), 5)


async def test_a_batch_under_the_name_of_another_device_is_refused(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    other = await Phone(hub, "second").enrol()
    find(phone, "one")
    ((item, body),) = carrying.batches(phone.replica, everything=False)
    own = other.replica.identity.enrolled
    out = io.BytesIO()
    lie = msgspec.structs.replace(item, name=own.device)
    handover.write_for_office(
        out, [(lie, [body])], device=own.device, server=own.server_key, to=own.seal_key
    )

    answer = await bring(officer, out.getvalue())

    assert answer.json()["code"] == "sync.signature-wrong"
    assert await found(hub) == []


async def test_a_file_that_is_not_what_it_says_stops_the_batches_too(
    office: Office, hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one")
    own = phone.replica.identity.enrolled
    out = io.BytesIO()
    lie = Item("file", sha256(SMALL).hexdigest(), 3, mime="image/jpeg")
    things = [(i, [body]) for i, body in carrying.batches(phone.replica, everything=False)]
    handover.write_for_office(
        out,
        [*things, (lie, [b"abc"])],
        device=own.device,
        server=own.server_key,
        to=own.seal_key,
    )

    answer = await bring(officer, out.getvalue())

    assert answer.json()["code"] == "bundle.damaged"
    assert await found(hub) == []


async def test_a_file_of_a_strange_kind_is_refused(
    office: Office, phone: Phone, officer: AsyncClient
) -> None:
    own = phone.replica.identity.enrolled
    out = io.BytesIO()
    item = Item("file", sha256(SMALL).hexdigest(), len(SMALL), mime="\n")
    handover.write_for_office(
        out, [(item, [SMALL])], device=own.device, server=own.server_key, to=own.seal_key
    )

    answer = await bring(officer, out.getvalue())

    assert answer.json()["code"] == "bundle.damaged"
    assert await stored(office) == set()


async def test_two_bundles_at_once_and_one_too_large_are_refused(
    officer: AsyncClient, office: Office, phone: Phone
) -> None:
    bundle = ("a.bundle", written(phone))

    two = await officer.post("/office/handovers", files=[("files", bundle), ("files", bundle)])
    office.app.state.settings = msgspec.structs.replace(office.settings, bundle_bytes_max=10)
    large = await bring(officer, written(phone))

    assert (two.status_code, two.json()["code"]) == (400, "body.invalid")
    assert (large.status_code, large.json()["code"]) == (413, "body.too-large")


async def test_a_receipt_for_another_phone_or_by_another_hand_is_refused(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one")
    receipt = (await bring(officer, written(phone))).json()["receipt"].encode()
    other = await Phone(hub, "second").enrol()
    forged = carrying.write_receipt("66" * 32, carrying.Receipt((), ())).encode()

    for at, text in ((other, receipt), (phone, forged), (phone, b"x"), (phone, receipt[:-1])):
        with pytest.raises(Refused) as refused:
            carrying.apply_receipt(at.replica, text)
        assert refused.value.reason is Reason.RECEIPT_FOREIGN

    assert phone.replica.unsent() == 1


async def test_an_old_receipt_after_more_was_recorded_moves_only_what_it_covers(
    hub: AppHub, phone: Phone, officer: AsyncClient
) -> None:
    find(phone, "one")
    receipt = (await bring(officer, written(phone))).json()["receipt"].encode()
    find(phone, "two")

    carrying.apply_receipt(phone.replica, receipt)

    assert phone.replica.unsent() == 1
    await phone.sync()
    assert await found(hub) == ["one", "two"]
