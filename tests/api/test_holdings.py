"""Which files of an inspection are missing, on which device they are, and what waits for them."""

from typing import Any

import pytest
from conftest import NOW, Office
from httpx import AsyncClient
from rows import put
from visits import Visit, dispatched, photo, store

from backend.tables import Device, Rendition, Task


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    return await dispatched(office, sites=1)


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    return await office.officer("supervisor", "3101")


async def seen(client: AsyncClient, task: Task) -> Any:
    return (await client.get(f"/office/inspections/{task.id}")).json()


async def failed_and_signed(office: Office, task: Task) -> tuple[Visit, str]:
    """Record a visit with one failed item and its photo, whose bytes have not come."""
    visit = Visit(task)
    visit.answer_all("second", i1_1="fail")
    digest = visit.attach("second", photo(), item="1.1", caption="门封")
    visit.sign("lead", "second")
    device = Device(
        id=visit.device("second"), inspector_id=task.second_id, label="Pixel of Li",
        public_key="0" * 64, enrolled_at=NOW, head_hash="0" * 64,
    )  # fmt: skip
    await put(office, device)
    await visit.arrive(office)
    return visit, digest


async def test_a_missing_file_is_shown_with_the_device_that_has_it(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit, digest = await failed_and_signed(office, tasks[0])

    before = await seen(supervisor, tasks[0])
    await store(office, photo())
    after = await seen(supervisor, tasks[0])

    (missing,), (arrived,) = before["evidence"], after["evidence"]
    assert (missing["sha256"], missing["arrived"], missing["caption"]) == (digest, False, "门封")
    assert (missing["device"], missing["label"]) == (visit.device("second"), "Pixel of Li")
    assert (before["evidence_complete"], after["evidence_complete"]) == (False, True)
    assert arrived["arrived"]


async def test_a_rendition_is_shown_but_stands_for_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit, digest = await failed_and_signed(office, tasks[0])
    own, other = visit.device("second"), visit.device("lead")
    for device, small in ((own, "a" * 64), (other, "b" * 64)):
        made = Rendition(original=digest, device_id=device, sha256=small, size=9_000, stored_at=NOW)
        await put(office, made)

    shown = await seen(supervisor, tasks[0])
    concluded = await supervisor.post(f"/office/inspections/{tasks[0].id}/conclusion", json={})

    assert [one["rendition"] for one in shown["evidence"]] == ["a" * 64]
    assert not shown["evidence_complete"]
    assert (concluded.status_code, concluded.json()["code"]) == (
        409,
        "inspection.evidence-not-arrived",
    )


async def test_nobody_sees_what_another_device_calls_a_small_picture_of_it(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit, digest = await failed_and_signed(office, tasks[0])
    visit.attach("lead", photo(2))
    await visit.arrive(office)
    made = Rendition(
        original=digest, device_id=visit.device("lead"), sha256="b" * 64, size=9, stored_at=NOW
    )
    await put(office, made)

    shown = await seen(supervisor, tasks[0])

    assert {one["rendition"] for one in shown["evidence"]} == {""}


async def test_what_was_withdrawn_need_not_arrive(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit, _ = await failed_and_signed(office, tasks[0])
    extra = visit.attach("lead", photo(2))
    await store(office, photo())
    await visit.arrive(office)

    before = await seen(supervisor, tasks[0])
    visit.void("lead", visit.ops[-1].id)
    await visit.arrive(office)
    after = await seen(supervisor, tasks[0])

    assert extra in {one["sha256"] for one in before["evidence"] if not one["arrived"]}
    assert (before["evidence_complete"], after["evidence_complete"]) == (False, True)
