"""后续处置: orders, rechecks, measures, risks and what a tick does, on both databases."""

import asyncio
import json
from datetime import date
from functools import reduce

import msgspec
import pytest
from conftest import Clock, Office
from followed import acts, asked_for, concluded, on_devices, standing, task, tick
from httpx import AsyncClient
from msgspec.structs import replace
from phones import enrolled
from simulation.app_hub import AppHub
from sqlmodel import select
from visits import asked, refusal

from backend import db
from backend.settings import Settings
from backend.tables import Inspector, Reminder, Task
from backend.wire import Ticked
from backend.work import ticks

PROOF = "ab" * 32
NOTHING = Ticked((), (), (), 0, 0, 0, 0, 0)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody logs in anew while weeks pass."""
    return replace(settings, token_hours=90 * 24)


# -- orders and rechecks -------------------------------------------------------------------------


async def test_an_order_lives_item_by_item_through_two_rechecks(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")
    clock.advance(days=8)  # Tuesday 10 March: 3.4 was due on Monday, 1.1 is on the 16th
    made = await tick(office)
    again = await tick(office)
    recheck = await task(office, made.rechecks[0])
    clock.advance(days=1)
    second = await concluded(office, supervisor, recheck, i1_1="fail")
    after = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")
    proof = {"proof_sha256": PROOF, "note": "装修发票 2026-118"}
    clock.advance(days=1)
    closed = await asked(supervisor, f"/office/orders/{second['order']['id']}/closings", proof)
    whole = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")
    quiet = await tick(office)

    assert standing(first["order"]) == {
        "1.1": ("open", "2026-03-16"),
        "3.4": ("open", "2026-03-09"),
    }
    assert [one["text"]["zh"] != "" for one in first["order"]["remedies"]] == [True, True]
    assert (recheck.origin, recheck.follows_id, recheck.must) == (
        "recheck", tasks[0].id, '["3.4"]',
    )  # fmt: skip
    assert (recheck.opens_on, recheck.closes_on) == (date(2026, 3, 10), date(2026, 3, 17))
    assert (recheck.lead_id, recheck.second_id) == (tasks[0].lead_id, tasks[0].second_id)
    assert again == NOTHING
    assert standing(after) == {"1.1": ("open", "2026-03-16"), "3.4": ("closed", "2026-03-09")}
    assert after["status"] == "renewed"
    assert after["rechecks"] == [recheck.id]
    assert [(one["checked"], one["failed"]) for one in after["remedies"]] == [
        ("", recheck.id), (recheck.id, ""),
    ]  # fmt: skip
    assert standing(second["order"]) == {"1.1": ("open", "2026-03-25")}
    assert standing(closed) == {"1.1": ("closed", "2026-03-25")}
    assert (whole["status"], whole["closed_on"]) == ("closed", "2026-03-12")
    assert {one["item"]: one["proof_sha256"] for one in whole["remedies"]} == {
        "1.1": PROOF, "3.4": "",
    }  # fmt: skip
    assert quiet.rechecks == ()
    assert await acts(office, "order.overdue", "rectification.close", "rectification.fail") == [
        "order.overdue", "rectification.fail", "rectification.close", "rectification.close",
    ]  # fmt: skip


async def test_a_recheck_that_finds_all_well_closes_the_order_and_asks_for_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    hub = AppHub(office)
    await hub.open()
    phone = await enrolled(hub, tasks[0].lead_id)
    first = await concluded(office, supervisor, tasks[0], i3_4="fail")
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])

    await phone.sync()
    held = {row.id: json.loads(row.body) for row in phone.store.rows("task")}
    reminded = [json.loads(row.body)["step"] for row in phone.store.rows("reminder")]
    done = await concluded(office, supervisor, recheck)
    order = await asked_for(supervisor, f"/office/orders/{tasks[0].id}")  # by its inspection
    cleared = await tick(office)
    await phone.sync()

    assert (held[recheck.id]["must"], held[recheck.id]["follows"]) == (["3.4"], tasks[0].id)
    assert reminded == ["before-5"]  # of the recheck; the first visit came past the feed here
    assert phone.store.rows("reminder") == []
    assert done["order"] is None
    assert order["id"] == first["order"]["id"]
    assert (order["status"], order["closed_on"]) == ("closed", "2026-03-10")
    assert order["remedies"][0]["checked"] == recheck.id
    assert cleared.cleared > 0
    assert (await asked_for(supervisor, "/office/orders")) == []
    assert [one["id"] for one in await asked_for(supervisor, "/office/orders?which=all")] == [
        order["id"]
    ]


async def test_proof_that_a_recheck_refutes_closes_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")
    order = f"/office/orders/{first['order']['id']}"
    proof = {"proof_sha256": PROOF, "note": "照片", "items": ["1.1"]}
    await asked(supervisor, f"{order}/closings", proof)
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])

    await concluded(office, supervisor, recheck, i1_1="fail")
    shown = await asked_for(supervisor, order)

    assert standing(shown)["1.1"][0] == "open"
    assert standing(shown)["3.4"][0] == "closed"
    assert shown["remedies"][0]["failed"] == recheck.id


async def test_terms_are_extended_before_they_pass_as_often_as_the_figures_say(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")
    order = f"/office/orders/{first['order']['id']}"
    more = {"working_days": 5, "reason": "配件缺货", "items": ["3.4"]}

    long = await supervisor.post(f"{order}/extensions", json=more | {"working_days": 16})
    strange = await supervisor.post(f"{order}/extensions", json=more | {"items": ["2.1"]})
    clock.advance(days=7)  # Monday 9 March, the last day
    granted = await asked(supervisor, f"{order}/extensions", more)
    spent = await supervisor.post(f"{order}/extensions", json=more)
    clock.advance(days=8)  # Tuesday 17 March
    late = await supervisor.post(f"{order}/extensions", json=more | {"items": ["1.1"]})
    overdue = await asked_for(supervisor, "/office/orders?which=overdue")

    assert refusal(long)[1:] == ("extension.too-long", {"most": 15})
    assert refusal(strange)[1] == "order.item-not-open"
    assert standing(granted) == {"1.1": ("open", "2026-03-16"), "3.4": ("open", "2026-03-16")}
    assert granted["extensions"][0]["items"] == {"3.4": ["2026-03-09", "2026-03-16"]}
    assert granted["extensions"][0]["reason"] == "配件缺货"
    assert refusal(spent)[:2] == (409, "extension.spent")
    assert refusal(late)[:2] == (409, "order.overdue")
    assert [(one["open"], one["days_over"]) for one in overdue] == [(["1.1", "3.4"], 1)]


async def test_an_order_that_is_closed_or_not_there_takes_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    first = await concluded(office, supervisor, tasks[0], i3_4="fail")
    order = f"/office/orders/{first['order']['id']}"
    proof = {"proof_sha256": PROOF, "note": "照片"}
    await asked(supervisor, f"{order}/closings", proof)

    again = await supervisor.post(f"{order}/closings", json=proof)
    nowhere = await supervisor.post("/office/orders/none/closings", json=proof)
    blank = await supervisor.post(f"{order}/closings", json=proof | {"note": "  "})

    assert refusal(again)[:2] == (409, "order.not-open")
    assert refusal(nowhere)[:2] == (404, "order.not-found")
    assert refusal(blank)[:2] == (400, "body.invalid")


# -- measures ------------------------------------------------------------------------------------


async def test_business_is_stopped_until_an_approved_recheck_found_each_item_to_comply(
    office: Office,
    tasks: list[Task],
    supervisor: AsyncClient,
    reviewer: AsyncClient,
    clock: Clock,
) -> None:
    first = await concluded(office, supervisor, tasks[0], i1_1="fail", i1_2="fail")
    stop = f"/office/measures/{first['measures'][0]['id']}"
    lift = {"outcome": "恢复经营"}
    at_once = await supervisor.post(f"{stop}/close", json=lift)
    back = await supervisor.post(f"{stop}/withdraw", json={"reason": "误"})
    clock.advance(days=6)  # Sunday 8 March: 1.2 is due on the 9th, the stop is rechecked from then
    early = await tick(office)
    clock.advance(days=1)
    recheck = await task(office, (await tick(office)).rechecks[0])
    await concluded(office, supervisor, recheck)
    unreviewed = await supervisor.post(f"{stop}/close", json=lift)
    await asked(reviewer, f"/office/inspections/{recheck.id}/review", {"approve": True})
    wordless = await supervisor.post(f"{stop}/close", json={"outcome": " "})
    lifted = await asked(supervisor, f"{stop}/close", lift)

    assert [(one["kind"], one["items"]) for one in first["measures"]] == [
        ("suspension", ["1.1", "1.2"])
    ]
    assert first["measures"][0]["label"]["zh"] == "责令停止"
    assert refusal(at_once)[1:] == (
        "suspension.not-rechecked", {"inspection": tasks[0].id, "items": "1.1 1.2"},
    )  # fmt: skip
    assert refusal(back)[1] == "suspension.stands"
    assert early.rechecks == ()
    assert msgspec.json.decode(recheck.must) == ["1.1", "1.2"]
    assert refusal(unreviewed)[1] == "suspension.not-rechecked"
    assert refusal(wordless)[1:] == (
        "measure.incomplete", {"kind": "suspension", "missing": "outcome"},
    )  # fmt: skip
    assert (lifted["status"], lifted["closed_on"]) == ("closed", "2026-03-09")
    assert await acts(office, "measure.take", "measure.lift") == ["measure.take", "measure.lift"]


async def test_a_recheck_that_stops_business_anew_takes_the_place_of_the_first_stop(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    await concluded(office, supervisor, tasks[0], i1_1="fail", i1_2="fail")
    clock.advance(days=7)
    recheck = await task(office, (await tick(office)).rechecks[0])

    await concluded(office, supervisor, recheck, i1_1="fail", i1_2="fail")
    measures = await asked_for(supervisor, "/office/measures?which=all")
    quiet = await tick(office)

    assert [(one["inspection"], one["status"]) for one in measures] == [
        (recheck.id, "open"), (tasks[0].id, "renewed"),
    ]  # fmt: skip
    assert quiet.rechecks == ()


async def test_measures_say_what_they_need_and_what_came_of_them(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    path = f"/office/inspections/{tasks[0].id}/measures"
    early = await supervisor.post(path, json={"kind": "guidance", "text": "指导"})
    await concluded(office, supervisor, tasks[0], i3_4="fail")
    bare = await supervisor.post(path, json={"kind": "interview", "who": " "})
    stop = await supervisor.post(path, json={"kind": "suspension"})
    talk = await asked(
        supervisor, path, {"kind": "interview", "who": "王经理", "due_on": "2026-03-05"}
    )
    refer = {"kind": "referral", "who": "区公安分局", "reference": "移字〔2026〕3号"}
    moved = await asked(supervisor, path, refer)
    warned = await asked(supervisor, path, {"kind": "warning", "text": "逾期不改将立案"})
    case = await asked(supervisor, path, {"kind": "case", "reference": "立〔2026〕9号"})
    clock.advance(days=4)
    overdue = await asked_for(supervisor, "/office/measures?which=overdue")
    done = await asked(
        supervisor, f"/office/measures/{talk['id']}/close", {"outcome": "承诺三日内整改"}
    )
    again = await supervisor.post(f"/office/measures/{talk['id']}/close", json={"outcome": "x"})
    reason = {"reason": "同案已办"}
    back = await asked(supervisor, f"/office/measures/{case['id']}/withdraw", reason)
    nowhere = await supervisor.post("/office/measures/none/withdraw", json=reason)
    left = await asked_for(supervisor, "/office/measures")
    shown = await asked_for(supervisor, f"/office/inspections/{tasks[0].id}")

    assert refusal(early)[:2] == (409, "conclusion.not-found")
    assert refusal(bare)[1:] == (
        "measure.incomplete", {"kind": "interview", "missing": "who due_on"},
    )  # fmt: skip
    assert refusal(stop)[:2] == (400, "body.invalid")
    assert [one["id"] for one in overdue] == [talk["id"]]
    assert (done["status"], done["outcome"]) == ("closed", "承诺三日内整改")
    assert refusal(again)[:2] == (409, "measure.not-open")
    assert (warned["status"], warned["closed_on"]) == ("closed", "2026-03-02")
    assert (back["status"], back["outcome"]) == ("withdrawn", "同案已办")
    assert refusal(nowhere)[:2] == (404, "measure.not-found")
    assert [one["id"] for one in left] == [moved["id"]]
    assert [one["kind"] for one in shown["measures"]] == [
        "interview",
        "referral",
        "warning",
        "case",
    ]


# -- risks ---------------------------------------------------------------------------------------


async def test_a_risk_has_an_owner_a_measure_and_a_day_and_is_closed_with_something(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    code = (await asked_for(supervisor, f"/office/inspections/{tasks[0].id}"))["code"]
    risk = {
        "code": code, "item": "液氨管道老化", "level": "major", "owner": "库长张三",
        "measure": "更换管道", "due_on": "2026-03-06", "inspection": tasks[0].id,
    }  # fmt: skip

    entered = await asked(supervisor, "/office/risks", risk)
    nobody = await supervisor.post("/office/risks", json=risk | {"code": "E404"})
    foreign = await supervisor.post("/office/risks", json=risk | {"inspection": tasks[1].id})
    clock.advance(days=5)
    overdue = await asked_for(supervisor, "/office/risks?which=overdue")
    ticked = await tick(office)
    close = {"closed_with": "管道已更换，检测合格", "proof_sha256": PROOF}
    closed = await asked(supervisor, f"/office/risks/{entered['id']}/close", close)
    again = await supervisor.post(f"/office/risks/{entered['id']}/close", json=close)
    nowhere = await supervisor.post("/office/risks/none/close", json=close)

    assert (entered["label"]["zh"], entered["overdue"]) == ("重大", False)
    assert refusal(nobody)[:2] == (404, "establishment.not-found")
    assert refusal(foreign)[:2] == (404, "inspection.not-found")
    assert [(one["id"], one["overdue"]) for one in overdue] == [(entered["id"], True)]
    assert [(one.kind, one.subject) for one in ticked.overdue] == [("risk", entered["id"])]
    assert (closed["closed_on"], closed["proof_sha256"]) == ("2026-03-07", PROOF)
    assert refusal(again)[:2] == (409, "risk.closed")
    assert refusal(nowhere)[:2] == (404, "risk.not-found")
    assert (await asked_for(supervisor, "/office/risks")) == []


# -- ticks ---------------------------------------------------------------------------------------


async def test_a_tick_reminds_once_a_step_and_clears_what_is_done(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    first = await concluded(office, supervisor, tasks[0], i3_4="fail")  # due on 9 March
    order = first["order"]["id"]
    seen: list[tuple[str, list[str]]] = []

    for _ in range(9):
        done = [await tick(office), await tick(office)]
        reminded = await asked_for(supervisor, "/office/reminders")
        steps = [one["step"] for one in reminded if one["subject"] == order]
        seen.append((clock().date().isoformat()[5:], steps))
        assert done[1] == NOTHING
        clock.advance(days=1)
    known = await on_devices(office, "reminder")
    proof = {"proof_sha256": PROOF, "note": "照片"}
    await asked(supervisor, f"/office/orders/{order}/closings", proof)
    last = await tick(office)
    left = await asked_for(supervisor, "/office/reminders")

    assert [(day, steps[-1:]) for day, steps in seen] == [
        ("03-02", ["before-5"]), ("03-03", ["before-5"]), ("03-04", ["before-3"]),
        ("03-05", ["before-3"]), ("03-06", ["before-1"]), ("03-07", ["before-1"]),
        ("03-08", ["before-1"]), ("03-09", ["due"]), ("03-10", ["overdue"]),
    ]  # fmt: skip
    assert seen[-1][1] == ["before-5", "before-3", "before-1", "due", "overdue"]
    assert (f"i:{tasks[0].id}", False) in known
    assert last.cleared == 5
    assert [one["kind"] for one in left] == ["recheck"]
    assert (f"i:{tasks[0].id}", True) in await on_devices(office, "reminder")
    assert await acts(office, "order.overdue") == ["order.overdue"]


async def test_a_server_that_was_off_reminds_once_of_what_it_missed_a_little_at_a_time(
    office: Office,
    tasks: list[Task],
    supervisor: AsyncClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await concluded(office, supervisor, tasks[0], i3_4="fail")
    clock.advance(days=45)
    monkeypatch.setattr(ticks, "ACTS_MAX", 1)

    several = [await tick(office)]
    while ticks.full(several[-1]):
        several.append(await tick(office))

    done = reduce(ticks.both, several)
    assert len(several) > 2
    steps = [(one.kind, one.step) for one in await reminders(office)]
    assert sorted((one.kind, one.step) for one in done.overdue) == [
        ("order", "overdue"), ("publication", "overdue"),
    ]  # fmt: skip
    assert sorted(steps) == [
        ("order", "after-10"), ("order", "overdue"), ("publication", "after-10"),
        ("publication", "overdue"), ("recheck", "before-5"),
    ]  # fmt: skip
    assert len(done.rechecks) == 1


async def reminders(office: Office) -> list[Reminder]:
    async with db.transaction(office.engine, write=False) as session:
        return list(await session.exec(select(Reminder)))


async def test_two_ticks_at_once_do_each_thing_once(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    for n, one in enumerate(tasks):
        await concluded(office, supervisor, one, **({"i3_4": "fail"} if n else {"i1_2": "fail"}))
    clock.advance(days=30)

    both = await asyncio.gather(*(tick(office) for _ in range(4)))

    rechecks = [name for one in both for name in one.rechecks]
    assert len(rechecks) == len(set(rechecks)) == 3
    assert sum(one.reminders for one in both) == len(await reminders(office))
    assert sorted(one == NOTHING for one in both) == [False, True, True, True]


async def test_a_recheck_that_nobody_can_be_given_is_told_once_and_made_when_it_can(
    office: Office, tasks: list[Task], supervisor: AsyncClient, clock: Clock
) -> None:
    await concluded(office, supervisor, tasks[0], i3_4="fail")
    await able(office, tasks[0].lead_id, active=False)
    clock.advance(days=8)

    stuck = await tick(office)
    again = await tick(office)
    told = await asked_for(supervisor, "/office/reminders")
    await able(office, tasks[0].lead_id, active=True)
    made = await tick(office)
    later = await asked_for(supervisor, "/office/reminders")

    assert (stuck.rechecks, stuck.stuck, again) == ((), (tasks[0].id,), NOTHING)
    assert ("stuck", "task.inspector-unfit") in [(one["step"], one["detail"]) for one in told]
    assert len(made.rechecks) == 1
    assert "stuck" not in [one["step"] for one in later]


async def able(office: Office, inspector: str, *, active: bool) -> None:
    async with db.transaction(office.engine) as session:
        one = await session.get_one(Inspector, inspector)
        one.active = active
        session.add(one)
