"""An inspection that goes on under a new version of its checklist, from release to verdict."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Office
from httpx import AsyncClient
from phones import enrolled
from simulation.app_hub import AppHub
from visits import DIVISION, FORM, answers, dispatched

from sync import checklist, following

TOML = (Path(__file__).parents[2] / "fixtures" / "checklists" / "cold_store.toml").read_text(
    "utf-8"
)
FIRST = next(iter(FORM.items))
CHANGED = TOML.replace(f'version = "{FORM.version}"', 'version = "next"').replace(
    FIRST.text.en, "Something else is asked"
)


async def release(client: AsyncClient, toml: str) -> None:
    answer = await client.post("/office/checklists", json={"toml": toml})
    assert answer.status_code < 300, answer.text


async def shown(client: AsyncClient, inspection: str) -> dict[str, Any]:
    view: dict[str, Any] = (await client.get(f"/office/inspections/{inspection}")).json()
    return view


@pytest.mark.parametrize("again", [True, False])
async def test_a_released_version_reaches_the_devices_and_the_verdict_follows_it(
    office: Office, again: bool
) -> None:
    task = (await dispatched(office))[0]
    hub = AppHub(office)
    hub.client = await office.client()
    chief, admin = await office.officer("supervisor", DIVISION), await office.officer("admin")
    await chief.post(f"/office/plans/{task.plan_id}/dispatch")
    phone = await enrolled(hub, task.lead_id)
    phone.replica.answer(task.id, answers())
    await release(admin, CHANGED)
    await phone.sync()
    plan = following.plan(phone.replica, task.id, "next")
    following.carry(phone.replica, task.id, plan.to)
    if again:
        phone.replica.answer(task.id, {FIRST.ref: answers()[FIRST.ref]})

    await phone.sync()
    view = await shown(chief, task.id)

    assert plan.difference.changed == (FIRST.ref,)
    assert phone.store.noted() == []
    assert view["items"][0]["text"]["en"] == "Something else is asked"
    assert view["items"][0]["value"] == (answers()[FIRST.ref].v if again else "")
    assert view["verdict"]["unanswered"] == ([] if again else [FIRST.ref])


async def test_who_stays_with_the_version_that_came_is_never_refused(office: Office) -> None:
    task = (await dispatched(office))[0]
    hub = AppHub(office)
    hub.client = await office.client()
    chief, admin = await office.officer("supervisor", DIVISION), await office.officer("admin")
    await chief.post(f"/office/plans/{task.plan_id}/dispatch")
    phone = await enrolled(hub, task.lead_id)
    await release(admin, CHANGED)
    phone.replica.answer(task.id, answers())

    await phone.sync()
    view = await shown(chief, task.id)

    assert phone.store.noted() == []
    assert phone.replica.checklist(task.id) == checklist.parse(TOML.encode())
    assert view["verdict"]["unanswered"] == []


async def test_two_versions_at_once_are_no_ground_for_a_conclusion(office: Office) -> None:
    task = (await dispatched(office))[0]
    hub = AppHub(office)
    hub.client = await office.client()
    chief, admin = await office.officer("supervisor", DIVISION), await office.officer("admin")
    await chief.post(f"/office/plans/{task.plan_id}/dispatch")
    phones = [await enrolled(hub, who) for who in (task.lead_id, task.second_id)]
    for name in ("next", "other"):
        await release(admin, CHANGED.replace('"next"', f'"{name}"'))
    for phone in phones:
        await phone.sync()
    for phone, name in zip(phones, ("next", "other"), strict=True):
        plan = following.plan(phone.replica, task.id, name)
        following.carry(phone.replica, task.id, plan.to)
        await phone.sync()

    answer = await chief.post(f"/office/inspections/{task.id}/conclusion", json={"remark": ""})

    problem = answer.json()
    assert problem["code"] == "inspection.in-conflict"
    assert len(problem["details"]["checklists"].split(" ")) == 2
