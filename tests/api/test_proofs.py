"""What establishments hand in to show that something was put right."""

from base64 import b64encode
from hashlib import sha256

import pytest
from conftest import Clock, Office
from followed import concluded
from httpx import AsyncClient
from sqlmodel import select
from visits import dispatched, refusal

from backend import db
from backend.tables import Act, Blob, Task
from backend.wire.followup import PROOF_BYTES_MAX

INVOICE = "装修发票 2026-118".encode()
DIGEST = sha256(INVOICE).hexdigest()


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    return await dispatched(office, sites=1)


def document(body: bytes) -> dict[str, str]:
    return {"document": b64encode(body).decode()}


async def test_a_document_that_closed_an_item_is_given_back_to_its_division_alone(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    order = (await concluded(office, supervisor, tasks[0], i1_1="fail"))["order"]["id"]

    kept = [await supervisor.post("/office/proofs", json=document(INVOICE)) for _ in range(2)]
    early = await supervisor.get(f"/office/proofs/{DIGEST}")
    proof = {"proof_sha256": DIGEST, "note": "发票"}
    closed = await supervisor.post(f"/office/orders/{order}/closings", json=proof)
    given = await supervisor.get(f"/office/proofs/{DIGEST}")
    elsewhere = await office.officer("supervisor", "440305")
    foreign = await elsewhere.get(f"/office/proofs/{DIGEST}")
    async with db.transaction(office.engine, write=False) as session:
        blobs = list(await session.exec(select(Blob.sha256).where(Blob.sha256 == DIGEST)))
        acts = list(await session.exec(select(Act.subject).where(Act.verb == "proof.keep")))

    assert [one.status_code for one in kept] == [201, 201]
    assert kept[0].json() == kept[1].json() == {"sha256": DIGEST, "size": len(INVOICE)}
    assert refusal(early)[:2] == (404, "proof.not-found")  # it proves nothing yet
    assert closed.status_code == 200, closed.text
    assert (given.status_code, given.content) == (200, INVOICE)
    assert refusal(foreign)[:2] == (404, "proof.not-found")
    assert blobs == [DIGEST]
    assert acts == [DIGEST]


async def test_of_a_document_that_was_only_named_nothing_is_given_back(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    order = (await concluded(office, supervisor, tasks[0], i1_1="fail"))["order"]["id"]
    proof = {"proof_sha256": DIGEST, "note": "存于卷宗"}

    closed = await supervisor.post(f"/office/orders/{order}/closings", json=proof)
    given = await supervisor.get(f"/office/proofs/{DIGEST}")
    empty = await supervisor.post("/office/proofs", json=document(b""))
    large = await supervisor.post("/office/proofs", json=document(b"x" * (PROOF_BYTES_MAX + 1)))

    assert closed.status_code == 200, closed.text
    assert refusal(given)[:2] == (404, "proof.not-found")
    assert refusal(empty)[:2] == (400, "body.invalid")
    assert refusal(large)[:2] == (400, "body.invalid")
