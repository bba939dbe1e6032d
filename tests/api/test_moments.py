"""When things happened, as the office is shown it; no clock of a device decides anything."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import NOW, Office
from httpx import AsyncClient
from phones import Phone
from simulation.app_hub import AppHub
from visits import DIVISION, FORM, answers, dispatched

from backend.tables import Task
from sync.messages import Clock
from sync.ops import Answer

TEN_YEARS_MS = 315_576_000_000
ITEM, OTHER = [item.ref for item in FORM.items][:2]
VALUES = answers()


class Watch(Phone):
    """A phone whose clocks a test sets; its boot clock runs from the dispatch on."""

    ms = 60_000
    boot = "first"

    def clock(self) -> Clock:
        return Clock(round(NOW.timestamp() * 1000) + self.ms + self.skew, self.ms, self.boot)


@pytest.fixture
async def task(office: Office) -> Task:
    return (await dispatched(office))[0]


@pytest.fixture
async def client(office: Office, task: Task) -> AsyncClient:
    return await office.officer("supervisor", DIVISION)


async def phone(office: Office, task: Task, client: AsyncClient) -> Watch:
    hub = AppHub(office)
    hub.client = await office.client()
    hub.ids[task.lead_id] = task.lead_id
    sent = await client.post(f"/office/plans/{task.plan_id}/dispatch")
    assert sent.status_code in (200, 201), sent.text
    return await Watch(hub, task.lead_id).enrol()


async def shown(client: AsyncClient, task: Task) -> list[dict[str, Any]]:
    answer = await client.get(f"/office/inspections/{task.id}")
    moments: list[dict[str, Any]] = answer.json()["moments"]
    return moments


def at(moment: dict[str, Any], bound: str) -> timedelta:
    return datetime.fromisoformat(moment[bound]) - NOW


@pytest.mark.parametrize("years", [-10, 0, 10])
async def test_with_the_same_boot_the_moment_is_exact_whatever_the_calendar_says(
    office: Office, task: Task, client: AsyncClient, years: int
) -> None:
    watch = await phone(office, task, client)
    watch.skew = years // 10 * TEN_YEARS_MS
    watch.replica.answer(task.id, {ITEM: VALUES[ITEM]})
    watch.ms += 3_600_000
    office.clock.advance(hours=2)
    await watch.sync()

    found = await shown(client, task)

    assert at(found[0], "earliest") == at(found[0], "latest") == timedelta(hours=1)
    assert found[0]["exact"]
    assert found[0]["odd"] == (["clock-skewed"])
    assert at(found[0], "by_wall") == timedelta(hours=1)


async def test_after_a_restart_the_bounds_are_shown_and_what_cannot_be_is_flagged(
    office: Office, task: Task, client: AsyncClient
) -> None:
    watch = await phone(office, task, client)
    watch.replica.answer(task.id, {ITEM: VALUES[ITEM]})
    watch.skew = -TEN_YEARS_MS
    watch.replica.answer(task.id, {OTHER: VALUES[OTHER]})
    watch.boot, watch.ms, watch.skew = "second", 5_000, 0
    office.clock.advance(hours=5)
    await watch.sync()

    found = await shown(client, task)

    assert [one["exact"] for one in found] == [False, False]
    assert [at(one, "latest") for one in found] == [timedelta(hours=5)] * 2
    assert found[1]["odd"] == ["clock-skewed", "wall-went-back"]


async def test_ten_years_of_skew_change_no_outcome(
    office: Office, task: Task, client: AsyncClient
) -> None:
    watch = await phone(office, task, client)
    for skew in (TEN_YEARS_MS, 0, -TEN_YEARS_MS):
        watch.skew = skew
        watch.replica.answer(task.id, {ITEM: Answer("pass" if skew else "fail")})
    await watch.sync()

    view = (await client.get(f"/office/inspections/{task.id}")).json()

    item = next(item for item in view["items"] if item["ref"] == ITEM)
    assert item["value"] == "pass"
    assert not item["conflict"]
    assert [one["op"].rpartition(":")[2] for one in view["moments"]] == ["1", "2", "3"]


async def test_what_was_recorded_before_the_dispatch_or_after_both_signed_is_flagged(
    office: Office, task: Task, client: AsyncClient
) -> None:
    lead = await phone(office, task, client)
    lead.hub.ids[task.second_id] = task.second_id
    second = await Watch(lead.hub, task.second_id).enrol()
    lead.ms -= 3_600_000
    lead.replica.answer(task.id, {ITEM: VALUES[ITEM]})
    lead.ms += 3_600_000
    for watch, role in ((lead, "lead"), (second, "second")):
        watch.replica.sign(task.id, role)
        await watch.sync()
    lead.ms += 60_000
    office.clock.advance(minutes=1)
    lead.replica.answer(task.id, {OTHER: VALUES[OTHER]})
    await lead.sync()

    found = await shown(client, task)

    odd = [one["odd"] for one in found]
    assert "before-dispatch" in odd[0]
    assert "after-seal" in odd[-1]
    assert not any("after-seal" in one for one in odd[:-1])
