"""后续处置 when something is concluded again, put right on the spot, or seen at another visit."""

from datetime import date, timedelta

import pytest
from conftest import Clock, Office
from followed import asked_for, concluded, on_devices, standing, task, tick
from httpx import AsyncClient
from msgspec.structs import replace
from sqlmodel import select
from visits import DIVISION, Visit, asked, photo, refusal, store

from backend import db
from backend.settings import Settings
from backend.tables import Establishment, Inspector, Remedy, Task
from backend.work import assignments
from sync.ops import AddFinding

PROOF = {"proof_sha256": "cd" * 32, "note": "照片"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, token_hours=90 * 24)


async def another(office: Office, first: Task, opens_on: date) -> Task:
    """Send the same two to the same place again, for another reason."""
    async with db.transaction(office.engine) as session:
        made = await assignments.assign(
            session,
            establishment=await session.get_one(Establishment, first.establishment_id),
            checklist=first.checklist_digest,
            lead=await session.get_one(Inspector, first.lead_id),
            second=await session.get_one(Inspector, first.second_id),
            origin="ad-hoc",
            opens_on=opens_on,
            closes_on=opens_on + timedelta(days=9),
            reason="节前检查",
            officer=None,
            now=office.clock(),
        )
    return await task(office, made.id)


async def test_what_is_concluded_again_replaces_order_and_stop(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i1_2="fail", i3_4="fail")
    path = f"/office/orders/{first['order']['id']}"
    more = {"working_days": 15, "reason": "缺货", "items": ["1.1"]}
    await asked(supervisor, f"{path}/extensions", more)
    await asked(supervisor, f"{path}/closings", PROOF | {"items": ["3.4"]})
    clock.advance(days=1)

    second = await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")
    nothing = await concluded(office, supervisor, tasks[0])

    assert [one["status"] for one in first["measures"]] == ["open"]
    assert second["order"]["id"] == first["order"]["id"]
    assert standing(second["order"]) == {
        "1.1": ("open", "2026-04-07"),  # what was extended stays so
        "1.2": ("withdrawn", "2026-03-09"),
        "3.4": ("closed", "2026-03-09"),  # and what was proved
    }
    assert second["order"]["items"] == ["1.1", "3.4"]
    assert [one["status"] for one in second["measures"]] == ["withdrawn"]
    assert nothing["order"]["status"] == "withdrawn"


async def test_a_recheck_that_is_concluded_again_speaks_anew(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i3_4="fail")
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])
    seen: list[tuple[str, str, bool]] = []

    for said in ("pass", "fail", "na", "pass"):
        await concluded(office, supervisor, recheck, i3_4=said)
        order = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")
        one = order["remedies"][0]
        seen.append((order["status"], one["status"], recheck.id in (one["checked"], one["failed"])))

    assert seen == [
        ("closed", "closed", True),
        ("renewed", "open", True),
        ("open", "open", False),
        ("closed", "closed", True),
    ]


async def test_a_recheck_sent_out_ahead_opens_when_it_is_owed_and_nothing_else_comes_early(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")  # 3.4: by 9 March
    await concluded(office, supervisor, tasks[1], i1_1="fail", i1_2="fail")  # stopped
    await tick(office)

    short = await tick(office, ahead=date(2026, 3, 8))
    made = await tick(office, ahead=date(2026, 3, 10))
    again = await tick(office, ahead=date(2026, 3, 10))
    sent = [await task(office, one) for one in made.rechecks]

    assert (short.rechecks, again.rechecks) == ((), ())
    assert {(one.follows_id, one.must, one.opens_on, one.closes_on) for one in sent} == {
        (tasks[0].id, '["3.4"]', date(2026, 3, 10), date(2026, 3, 17)),
        (tasks[1].id, '["1.1","1.2"]', date(2026, 3, 9), date(2026, 3, 16)),
    }
    assert (short.overdue, made.overdue) == ((), ())


async def test_another_visit_closes_only_what_it_began_after_and_asked_the_same(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    clock.advance(days=2)
    before = await another(office, tasks[0], date(2026, 3, 3))
    first = await concluded(office, supervisor, tasks[0], i1_3="fail", i3_4="fail")
    async with db.transaction(office.engine) as session:
        for one in await session.exec(select(Remedy).where(Remedy.item == "1.3")):
            one.text_zh = "旧版检查表问的是另一件事"
            session.add(one)
    after = await another(office, tasks[0], date(2026, 3, 5))
    path = f"/office/orders/{first['order']['id']}"

    await concluded(office, supervisor, before)
    early = await asked_for(supervisor, path)
    await concluded(office, supervisor, after)
    late = await asked_for(supervisor, path)

    assert [one["status"] for one in early["remedies"]] == ["open", "open"]
    assert [(one["item"], one["status"], one["checked"]) for one in late["remedies"]] == [
        ("1.3", "open", ""), ("3.4", "closed", after.id),
    ]  # fmt: skip


async def test_what_was_put_right_on_the_spot_is_closed_at_once(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit, body = Visit(tasks[0]), photo(200)
    visit.answer_all("lead", i3_4="fail", i1_1="fail")
    visit.attach("second", body, item="1.1")
    for item, fixed in (("3.4", True), ("1.1", True), ("1.1", False)):
        visit.record("lead", AddFinding, text="问题", basis="", item=item, fixed=fixed)
    visit.sign("lead", "second")
    await visit.arrive(office)
    await store(office, body)

    done = await asked(supervisor, f"/office/inspections/{tasks[0].id}/conclusion", {})

    assert {item: status for item, (status, _) in standing(done["order"]).items()} == {
        "1.1": "open", "3.4": "closed",
    }  # fmt: skip
    assert done["order"]["status"] == "open"
    assert done["order"]["due_on"] == "2026-03-16"
    assert "当场改正" in done["order"]["remedies"][1]["note"]


async def test_an_order_whose_items_another_asks_for_anew_takes_nothing_itself(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i3_4="fail")
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])
    await concluded(office, supervisor, recheck, i3_4="fail")
    path = f"/office/orders/{first['order']['id']}"

    closed = await supervisor.post(f"{path}/closings", json=PROOF)
    listed = await asked_for(supervisor, "/office/orders")
    clock.advance(days=30)
    second = [await task(office, one) for one in (await tick(office)).rechecks]
    await concluded(office, supervisor, second[0])
    ended = await asked_for(supervisor, "/office/orders?which=all")

    assert refusal(closed)[:2] == (409, "order.not-open")
    assert [one["inspection"] for one in listed] == [recheck.id]
    assert [one.follows_id for one in second] == [recheck.id]
    assert [(one["inspection"], one["status"]) for one in ended] == [
        (tasks[0].id, "closed"), (recheck.id, "closed"),
    ]  # fmt: skip


async def test_a_stop_stays_while_its_recheck_left_one_item_failing(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    reviewer = await office.officer("reviewer", DIVISION)
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i1_2="fail")
    stop = f"/office/measures/{first['measures'][0]['id']}"
    clock.advance(days=7)
    recheck = await task(office, (await tick(office)).rechecks[0])
    await concluded(office, supervisor, recheck, i1_2="fail")
    await asked(reviewer, f"/office/inspections/{recheck.id}/review", {"approve": True})

    lifted = await supervisor.post(f"{stop}/close", json={"outcome": "恢复经营"})

    assert refusal(lifted)[1:] == (
        "suspension.not-rechecked", {"inspection": tasks[0].id, "items": "1.2"},
    )  # fmt: skip


async def test_a_reminder_returns_when_what_it_reminded_of_is_open_again(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")
    order = first["order"]["id"]
    await tick(office)
    await asked(supervisor, f"/office/orders/{order}/closings", PROOF | {"items": ["3.4"]})
    await tick(office)
    gone = await asked_for(supervisor, "/office/reminders")
    gone_there = await on_devices(office, "reminder")
    visit = await another(office, tasks[0], date(2026, 3, 2))

    await concluded(office, supervisor, visit, i3_4="fail")
    await concluded(office, supervisor, visit, i3_4="na")  # refuted, and then nothing is said of it
    await tick(office)
    back = await asked_for(supervisor, "/office/reminders")
    back_there = await on_devices(office, "reminder")

    assert [one["subject"] for one in gone if one["kind"] == "order"] == []
    assert (order, "before-5") in [(one["subject"], one["step"]) for one in back]
    assert (f"i:{tasks[0].id}", True) in gone_there
    assert (f"i:{tasks[0].id}", False) in back_there
