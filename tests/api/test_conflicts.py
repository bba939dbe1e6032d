"""Conflicts at the office: both values, whose, since when; closed by one of them, at a desk."""

from datetime import datetime

import held
import pytest
from conftest import Clock, Office
from held import REASON
from httpx import AsyncClient
from phones import ITEM, TASK, Phone
from simulation.app_hub import AppHub
from sqlmodel import col, select

from backend import db
from backend.tables import Device
from backend.work import backups
from sync.hub import OFFICE

PATH = f"/office/conflicts/{TASK}"
FAIL = {"item": ITEM, "value": "fail", **REASON}


@pytest.fixture
async def pair(office: Office, clock: Clock) -> tuple[Phone, Phone]:
    """Two phones that disagree on an item, the second an hour after the first."""
    hub = await held.opened(office)
    lead, second = await Phone(hub, "lead").enrol(), await Phone(hub, "second").enrol()
    lead.answer("pass")
    second.answer("fail")
    await lead.sync()
    clock.advance(hours=1)
    await second.sync()
    return lead, second


@pytest.fixture
async def chief(office: Office) -> AsyncClient:
    return await office.officer("supervisor", "33")


def hub_of(phone: Phone) -> AppHub:
    return phone.hub


async def test_a_conflict_is_listed_with_both_values_and_since_when(
    pair: tuple[Phone, Phone], chief: AsyncClient, clock: Clock
) -> None:
    (one,) = await held.listed(chief, "/office/conflicts")

    assert (one["inspection"], one["item"], one["sealed"]) == (TASK, ITEM, False)
    assert sorted(said["value"] for said in one["said"]) == ["fail", "pass"]
    assert datetime.fromisoformat(one["since"]) == clock()


async def test_a_conflict_stays_listed_through_clean_syncs_until_it_is_superseded(
    pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    for _ in range(3):
        for phone in pair:
            await phone.sync()

    listed = await held.listed(chief, "/office/conflicts")

    assert len(listed) == 1


async def test_the_desk_supersedes_every_answer_and_both_phones_fold_the_same(
    office: Office, pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    closed = await held.told(chief, PATH, FAIL)

    for phone in pair:
        done = await phone.sync()
        assert done.alarms == 0
    state = await hub_of(pair[0]).inspection(TASK)
    item = state.items[ITEM]
    assert [one["value"] for one in closed["said"]].count("pass") == 1
    assert (item.value, item.conflict) == ("fail", False)
    assert [one.v for one in item.overruled] == ["pass"]
    assert item.standing[0].who.startswith(OFFICE)
    assert item.standing[0].note == REASON["reason"]
    assert [phone.replica.inspection(TASK) for phone in pair] == [state, state]
    assert await held.listed(chief, "/office/conflicts") == []
    (act,) = await held.acts(office, "conflict.resolve")
    assert (act["item"], act["value"], act["reason"]) == (ITEM, "fail", REASON["reason"])


async def test_an_officer_keeps_one_desk_and_no_list_of_devices_shows_it(
    pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    await held.told(chief, PATH, FAIL)
    pair[0].answer("na")  # it has not seen the desk's answer yet, so it disagrees again
    await pair[0].sync()
    await held.told(chief, PATH, FAIL)

    ops = [op for op, _ in _desks(await hub_of(pair[0]).ledger(), pair)]
    devices = await held.listed(chief, "/office/devices")

    assert len(set(ops)) == 1
    assert len(ops) == 2
    assert {one["id"] for one in devices} == {phone.id for phone in pair}


async def test_an_inspector_may_still_overrule_the_desk(
    pair: tuple[Phone, Phone], chief: AsyncClient, office: Office
) -> None:
    await held.told(chief, PATH, FAIL)
    await pair[0].sync()

    pair[0].answer("pass")
    await pair[0].sync()

    assert await held.value(office) == "pass"


async def test_the_office_says_nothing_that_no_inspector_said(
    pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    answer = await chief.post(PATH, json={**FAIL, "value": "na"})

    assert answer.json()["code"] == "conflict.value"
    assert answer.json()["details"]["said"] == "fail pass"


async def test_what_no_one_disagrees_on_cannot_be_resolved(
    pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    other = await held.refused(chief, PATH, {**FAIL, "item": "9.9"})
    await held.told(chief, PATH, FAIL)
    again = await held.refused(chief, PATH, FAIL)

    assert (other, again) == ("conflict.not-found", "conflict.not-found")


async def test_what_both_inspectors_signed_is_for_them_to_settle(
    pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    lead, second = pair
    await lead.sync()
    lead.replica.sign(TASK, "lead")
    second.replica.sign(TASK, "second")
    await lead.sync()
    await second.sync()

    (listed,) = await held.listed(chief, "/office/conflicts")
    code = await held.refused(chief, PATH, FAIL)

    assert listed["sealed"] is True
    assert code == "conflict.sealed"


async def test_only_a_supervisor_of_the_division_resolves(
    office: Office, pair: tuple[Phone, Phone]
) -> None:
    reviewer = await office.officer("reviewer", "33")
    foreigner = await office.officer("supervisor", "44")

    codes = [await held.refused(one, PATH, FAIL) for one in (reviewer, foreigner)]

    assert codes == ["auth.role-forbidden", "auth.division-forbidden"]


def _desks(ledger: list[tuple[str, object]], pair: tuple[Phone, Phone]) -> list[tuple[str, object]]:
    own = {phone.id for phone in pair}
    return [one for one in ledger if one[0] not in own]


async def test_after_a_restore_a_desk_does_not_give_its_numbers_again(
    office: Office, pair: tuple[Phone, Phone], chief: AsyncClient
) -> None:
    lead, _ = pair
    await held.told(chief, PATH, FAIL)
    async with db.transaction(office.engine) as session:
        await backups.restored(session, office.clock())
    await lead.sync()
    lead.answer("pass")
    await lead.sync()
    await pair[1].sync()
    pair[1].answer("fail")
    lead.answer("na")
    for phone in pair:
        await phone.sync()

    await held.told(chief, PATH, FAIL)

    async with db.transaction(office.engine, write=False) as session:
        found = await session.exec(
            select(Device).where(col(Device.inspector_id).startswith(OFFICE))
        )
        desks = [(desk.head_n, desk.revoked_at is None) for desk in found]
    assert sorted(desks) == [(1, False), (1, True)]
    assert await held.value(office) == "fail"
