"""After the visit: conclude, review, see, on both databases."""

import asyncio
from typing import Any

from conftest import Office
from httpx import AsyncClient
from msgspec.structs import replace
from rows import account
from sqlmodel import select
from visits import DIVISION, Visit, at, clean, failing, photo, refusal, store

from backend import db
from backend.tables import Account, Act, Establishment, Rectification, Task
from sync import ops
from sync.ops import Void

# -- concluding ----------------------------------------------------------------------------------


async def test_a_clean_inspection_conforms_and_orders_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await clean(office, tasks[0])

    concluded = await supervisor.post(at(tasks[0], "conclusion"), json={})

    body = concluded.json()
    assert concluded.status_code == 200
    assert body["stage"] == "concluded"
    assert body["conclusion"]["outcome"] == "conform"
    assert body["conclusion"]["result_label"]["zh"] == "未发现问题"
    assert body["conclusion"]["publish_by"] == "2026-03-30"  # 20 working days after 2 March
    assert body["order"] is None


async def test_what_failed_is_ordered_to_be_put_right_in_working_days(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await failing(office, tasks[0])

    body = (await supervisor.post(at(tasks[0], "conclusion"), json={"remark": "x"})).json()
    async with db.transaction(office.engine, write=False) as session:
        acts = list(await session.exec(select(Act.verb).where(Act.subject == tasks[0].id)))

    assert body["conclusion"]["outcome"] == "basic"
    assert body["conclusion"]["result"] == "ordered"
    assert body["order"]["items"] == ["1.1", "3.4"]
    assert body["order"]["due_on"] > body["order"]["ordered_on"] == "2026-03-02"
    assert acts == ["rectification.order", "inspection.conclude"]


async def test_what_stands_in_the_way_of_a_conclusion_is_named(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    path, visit = at(tasks[0], "conclusion"), Visit(tasks[0])
    refused = [refusal(await supervisor.post(path, json={}))]

    visit.answer("lead", i1_1="pass", i2_1="-18")
    visit.answer("second", i1_1="fail")
    await visit.arrive(office)
    refused.append(refusal(await supervisor.post(path, json={})))

    visit = Visit(tasks[0])
    visit.answer("lead", i1_1="pass")
    await visit.arrive(office)
    refused.append(refusal(await supervisor.post(path, json={})))

    visit.answer_all("second", i1_1="fail")
    visit.ops.pop(0)
    await visit.arrive(office)
    refused.append(refusal(await supervisor.post(path, json={})))

    digest = visit.attach("second", photo(), item="1.1")
    visit.sign("second")
    await visit.arrive(office)
    refused.append(refusal(await supervisor.post(path, json={})))

    visit.sign("lead")
    await visit.arrive(office)
    refused.append(refusal(await supervisor.post(path, json={})))

    assert [code for _, code, _ in refused] == [
        "inspection.not-begun",
        "inspection.in-conflict",
        "verdict.incomplete",
        "inspection.evidence-required",
        "inspection.not-signed",
        "inspection.evidence-not-arrived",
    ]
    assert {status for status, _, _ in refused} == {409}
    assert refused[1][2]["items"] == "1.1"
    assert "3.1" in refused[2][2]["unanswered"].split()
    assert refused[3][2]["items"] == "1.1"
    assert refused[4][2]["missing"] == "lead"
    view = (await supervisor.get(at(tasks[0]))).json()
    assert refused[4][2]["people"] == view["lead"]
    assert refused[4][2]["absent"] == view["lead"]  # who did nothing on this visit
    assert refused[5][2]["files"] == digest


async def test_what_was_recorded_on_site_is_shown_and_who_took_no_part_is_named(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit, strokes = Visit(tasks[0]), photo()
    visit.record("second", ops.Arrive, how="scanned", code="S1")
    sample = visit.record("second", ops.TakeSample, number="S-1", of="goods", what="鲈鱼")
    visit.record("second", ops.TestSample, sample=sample, test="孔雀石绿", verdict="fail")
    lost = visit.record("second", ops.DisposeSample, sample="x:9", disposal="退还")
    visit.answer_all("second")
    digest = visit.attach("second", strokes)
    covers = {visit.device("second"): ((1, 99),)}
    signing: dict[str, Any] = {"covers": covers, "blobs": (digest,), "digest": ""}
    visit.record("second", ops.Sign, role="second", strokes=digest, **signing)
    told: dict[str, Any] = {"name": "王老板", "refused": "不认可", "witness": "赵六"}
    visit.record("second", ops.Sign, role="site", **told, **signing)
    await visit.arrive(office)
    before = (await supervisor.get(at(tasks[0]))).json()
    refused = refusal(await supervisor.post(at(tasks[0], "conclusion"), json={}))
    await store(office, strokes)
    view = (await supervisor.get(at(tasks[0]))).json()

    assert [one["did"] for one in view["taking_part"]] == [[], ["arrived", "recorded", "signed"]]
    assert view["taking_part"][0]["name"] == view["lead"]
    assert (refused[1], refused[2]["people"]) == ("inspection.not-signed", view["lead"])
    assert refused[2]["absent"] == view["lead"]
    on_site = view["on_site"]
    assert set(on_site) == {"arrivals", "samples", "astray"}
    assert [one["code"] for one in on_site["arrivals"]] == ["S1"]
    assert [one["verdict"] for one in on_site["samples"][0]["tests"]] == ["fail"]
    assert [one["op"] for one in on_site["astray"]["disposals"]] == [lost]
    assert on_site["arrivals"][0]["who"] == view["taking_part"][1]["who"]
    drawn = [{one["role"]: one["strokes"] for one in each["signatures"]} for each in (before, view)]
    assert drawn == [{"second": "awaited", "site": "none"}, {"second": "here", "site": "none"}]
    site = next(one for one in view["signatures"] if one["role"] == "site")
    assert (site["name"], site["refused"], site["witness"]) == ("王老板", "不认可", "赵六")


async def test_a_conclusion_stands_until_it_is_returned_or_the_inspection_changes(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    visit = await clean(office, tasks[0])
    path = at(tasks[0], "conclusion")
    await supervisor.post(path, json={})

    twice = await supervisor.post(path, json={})
    returned = await reviewer.post(
        at(tasks[0], "review"), json={"approve": False, "reason": "温度有误"}
    )
    again = await supervisor.post(path, json={"remark": "已核"})
    visit.find("lead", "补充")
    await visit.arrive(office)
    outdated = await reviewer.post(at(tasks[0], "review"), json={"approve": True})
    anew = await supervisor.post(path, json={})

    assert refusal(twice)[:2] == (409, "conclusion.stands")
    assert returned.json()["stage"] == "returned"
    assert returned.json()["conclusion"]["reason"] == "温度有误"
    assert again.json()["stage"] == "concluded"
    assert refusal(outdated)[:2] == (409, "conclusion.outdated")
    assert anew.status_code == 200


async def test_of_two_who_conclude_at_once_one_does(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await failing(office, tasks[0])
    other = await office.officer("supervisor", DIVISION)

    both = await asyncio.gather(
        *(one.post(at(tasks[0], "conclusion"), json={}) for one in (supervisor, other))
    )
    async with db.transaction(office.engine, write=False) as session:
        orders = list(await session.exec(select(Rectification)))
        acts = list(await session.exec(select(Act).where(Act.verb == "inspection.conclude")))

    assert sorted(answer.status_code for answer in both) == [200, 409]
    assert (len(orders), len(acts)) == (1, 1)


async def test_an_order_is_taken_back_when_nothing_failed_after_all(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await failing(office, tasks[0])
    first = await supervisor.post(at(tasks[0], "conclusion"), json={})
    await clean(office, tasks[0])

    second = await supervisor.post(at(tasks[0], "conclusion"), json={})

    assert first.json()["order"]["status"] == "open"
    assert second.json()["order"]["status"] == "withdrawn"


async def test_there_is_no_such_inspection(supervisor: AsyncClient) -> None:
    shown = await supervisor.get("/office/inspections/nowhere")

    assert refusal(shown)[:2] == (404, "inspection.not-found")


# -- reviewing -----------------------------------------------------------------------------------


async def test_nobody_reviews_their_own_work(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await clean(office, tasks[0])
    await supervisor.post(at(tasks[0], "conclusion"), json={})
    inspector = await account(office, DIVISION)
    async with db.transaction(office.engine) as session:
        row = await session.get_one(Account, inspector.id)
        row.inspector_id = tasks[0].second_id
        session.add(row)
    client = await office.login(inspector)

    refused = await client.post(at(tasks[0], "review"), json={"approve": True})

    assert refusal(refused)[:2] == (403, "review.own")


async def test_who_concluded_does_not_review_even_with_another_role(
    office: Office, tasks: list[Task]
) -> None:
    await clean(office, tasks[0])
    both = await office.account("supervisor", DIVISION)
    await (await office.login(both)).post(at(tasks[0], "conclusion"), json={})
    async with db.transaction(office.engine) as session:
        row = await session.get_one(Account, both.id)
        row.role = "reviewer"
        session.add(row)

    refused = await (await office.login(both)).post(at(tasks[0], "review"), json={"approve": True})

    assert refusal(refused)[:2] == (403, "review.own")


async def test_a_review_needs_a_conclusion_a_reason_and_the_right_photos(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    path = at(tasks[0], "review")
    await failing(office, tasks[0])

    early = await reviewer.post(path, json={"approve": True})
    await supervisor.post(at(tasks[0], "conclusion"), json={})
    mute = await reviewer.post(path, json={"approve": False, "reason": " "})
    strange = await reviewer.post(path, json={"approve": True, "photos": ["a" * 64]})
    approved = await reviewer.post(path, json={"approve": True})
    twice = await reviewer.post(path, json={"approve": True})

    assert refusal(early)[:2] == (409, "conclusion.not-found")
    assert refusal(mute)[:2] == (400, "review.reason-missing")
    assert refusal(strange)[:2] == (400, "review.photo-not-of-inspection")
    assert approved.json()["stage"] == "approved"
    assert refusal(twice)[:2] == (409, "conclusion.reviewed")


async def test_what_is_no_sound_picture_or_was_withdrawn_is_not_released(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    visit, sound = Visit(tasks[0]), photo()
    visit.answer_all("lead")
    broken = visit.attach("lead", photo(2)[:-400])
    withdrawn = visit.attach("lead", sound)
    visit.record("lead", Void, target=visit.ops[-1].id, reason="a passer-by")
    visit.sign("lead", "second")
    await visit.arrive(office)
    await store(office, photo(2)[:-400])
    await store(office, sound)
    await supervisor.post(at(tasks[0], "conclusion"), json={})

    refused = [
        await reviewer.post(at(tasks[0], "review"), json={"approve": True, "photos": [one]})
        for one in (broken, withdrawn)
    ]

    assert {refusal(one)[:2] for one in refused} == {(400, "review.photo-not-of-inspection")}


# -- seeing --------------------------------------------------------------------------------------


async def test_a_conflict_shows_both_values_and_whose_they_are(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit = Visit(tasks[0])
    visit.answer("lead", i1_1="pass")
    visit.answer("second", i1_1="fail")
    await visit.arrive(office)
    async with db.transaction(office.engine, write=False) as session:
        place = await session.get_one(Establishment, tasks[0].establishment_id)

    foreigner = await office.officer("supervisor", "310104")

    found = (await supervisor.get("/office/conflicts")).json()
    listed = (await supervisor.get("/office/inspections")).json()
    foreign = (await foreigner.get("/office/conflicts")).json()

    assert [(one["inspection"], one["item"], one["name"]) for one in found] == [
        (tasks[0].id, "1.1", place.name)
    ]
    assert {(said["value"], said["stands"]) for said in found[0]["said"]} == {
        ("pass", True),
        ("fail", True),
    }
    assert len({said["who"] for said in found[0]["said"]}) == 2
    assert foreign == []
    assert {line["id"]: line["conflicts"] for line in listed}[tasks[0].id] == 1


async def test_the_overruled_answer_stays_in_sight(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit = Visit(tasks[0])
    one, other = visit.answer("lead", i1_1="pass"), visit.answer("second", i1_1="fail")
    await visit.arrive(office)
    visit.answer("lead", i1_1="fail")
    last = visit.ops.pop()
    knowing = replace(last.op, s={"1.1": (one, other)})
    visit.ops.append(replace(last, op=knowing))
    await visit.arrive(office)

    shown = (await supervisor.get(at(tasks[0]))).json()
    conflicts = (await supervisor.get("/office/conflicts")).json()

    item = next(item for item in shown["items"] if item["ref"] == "1.1")
    assert (item["value"], item["conflict"]) == ("fail", False)
    assert [(said["value"], said["stands"]) for said in item["said"]] == [
        ("fail", True),
        ("pass", False),
    ]
    assert conflicts == []


async def test_missing_and_unreadable_files_are_shown(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit = Visit(tasks[0])
    visit.attach("lead", photo(1))
    visit.attach("lead", b"no picture at all")
    await visit.arrive(office)
    await store(office, b"no picture at all")

    shown = (await supervisor.get(at(tasks[0]))).json()["evidence"]

    assert sorted((one["arrived"], one["flag"]) for one in shown) == [
        (False, ""),
        (True, "photo.unreadable"),
    ]


# -- doors ---------------------------------------------------------------------------------------


async def test_another_division_sees_and_decides_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await clean(office, tasks[0])
    foreign = await office.officer("supervisor", "3302")

    shown = await foreign.get(at(tasks[0]))
    concluded = await foreign.post(at(tasks[0], "conclusion"), json={})
    listed = await foreign.get("/office/inspections")

    assert refusal(shown)[:2] == (403, "auth.division-forbidden")
    assert refusal(concluded)[:2] == (403, "auth.division-forbidden")
    assert listed.json() == []


async def test_roles_are_kept_apart(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    answers = [
        await reviewer.post(at(tasks[0], "conclusion"), json={}),
        await supervisor.post(at(tasks[0], "review"), json={"approve": True}),
        await supervisor.post("/office/publications"),
    ]

    assert [refusal(answer)[:2] for answer in answers] == [(403, "auth.role-forbidden")] * 3
