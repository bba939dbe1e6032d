"""After the visit: conclude, review, publish, on both databases."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from conftest import Clock, Office
from httpx import AsyncClient, Response
from msgspec.structs import replace
from rows import account
from sqlmodel import select
from visits import DIVISION, Visit, dispatched, photo, store

from backend import db
from backend.rules import site
from backend.rules.disclosure import Result, jpeg_metadata
from backend.tables import Account, Act, Establishment, Head, Rectification, Task
from backend.work import publications
from cli.main import main
from sync import ops
from sync.ops import Void


@pytest.fixture
async def tasks(office: Office) -> list[Task]:
    return await dispatched(office)


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    return await office.officer("supervisor", DIVISION)


@pytest.fixture
async def reviewer(office: Office) -> AsyncClient:
    return await office.officer("reviewer", DIVISION)


async def clean(office: Office, task: Task) -> Visit:
    """An inspection where all is well, signed by both."""
    visit = Visit(task)
    visit.answer_all("lead")
    visit.sign("lead", "second")
    await visit.arrive(office)
    return visit


async def failing(office: Office, task: Task) -> str:
    """An inspection with two failed items and a photo; gives the photo's digest."""
    visit, body = Visit(task), photo()
    visit.answer_all("lead", i1_1="fail", i3_4="fail")
    visit.find("lead", "冷库温度记录缺失，联系电话 13800138000")
    digest = visit.attach("second", body, item="1.1", caption="张老板站在门口")
    visit.sign("lead", "second", "site", name="张老板")
    await visit.arrive(office)
    await store(office, body)
    return digest


def refusal(answer: Response) -> tuple[int, str, dict[str, Any]]:
    body = answer.json()
    return answer.status_code, body["code"], body["details"]


def at(task: Task, act: str = "") -> str:
    return f"/office/inspections/{task.id}" + (f"/{act}" if act else "")


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


# -- publishing ----------------------------------------------------------------------------------


async def published(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> dict[str, bytes]:
    """Publish a failed and a clean result, and give the files of the folder."""
    digest = await failing(office, tasks[0])
    await clean(office, tasks[1])
    for task, photos in ((tasks[0], [digest]), (tasks[1], [])):
        await supervisor.post(at(task, "conclusion"), json={})
        review = {"approve": True, "photos": photos}
        assert (await reviewer.post(at(task, "review"), json=review)).status_code == 200
    done = await reviewer.post("/office/publications")
    assert sorted(done.json()["published"]) == sorted(task.id for task in tasks[:2])
    packed = await reviewer.get("/office/publications/site.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_what_is_published_proves_itself_and_names_nobody(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    files = await published(office, tasks, supervisor, reviewer)

    steps = site.verify(files, every_step=True)
    ours = {name: body for name, body in files.items() if not name.startswith("draws/")}
    text = b"\n".join(ours.values()).decode("utf-8", "replace")

    assert [step for step in steps if step.ok is False] == []
    assert {"index.html", "feed.json", f"results/{tasks[0].id}.html"} <= ours.keys()
    assert f"draws/{tasks[0].draw_id}/commit.json" in files
    assert f"draws/{tasks[0].draw_id}/recusal.tsv" not in files
    assert jpeg_metadata(files[f"photos/{tasks[0].id}/1.jpg"]) == ()
    assert "发现问题已责令改正" in text
    for secret in ("检查员", "沪A", "张老板", "13800138000", "温度记录缺失", "GPS of Wang"):
        assert secret not in text


async def test_the_public_reads_what_was_published_byte_for_byte(
    office: Office,
    tasks: list[Task],
    supervisor: AsyncClient,
    reviewer: AsyncClient,
    server: AsyncClient,
) -> None:
    files = await published(office, tasks, supervisor, reviewer)

    listed = (await server.get("/public/results")).json()
    shown = await server.get(f"/public/results/{tasks[0].id}")
    missing = await server.get(f"/public/results/{tasks[2].id}")

    assert {line["id"] for line in listed} == {task.id for task in tasks[:2]}
    assert shown.content == files[f"results/{tasks[0].id}.json"]
    assert shown.json()["order"]["due_on"]
    assert refusal(missing)[:2] == (404, "publication.not-found")


async def test_publishing_twice_publishes_nothing_new_and_writes_the_same_bytes(
    office: Office,
    tasks: list[Task],
    supervisor: AsyncClient,
    reviewer: AsyncClient,
    clock: Clock,
) -> None:
    await published(office, tasks, supervisor, reviewer)

    first = await reviewer.get("/office/publications/site.zip")
    clock.advance(hours=1)
    again = await reviewer.post("/office/publications")
    second = await reviewer.get("/office/publications/site.zip")
    late = await supervisor.post(at(tasks[0], "conclusion"), json={})

    assert again.json() == {"published": [], "refused": [], "waiting": 0}
    assert first.content == second.content
    assert refusal(late)[:2] == (409, "conclusion.stands")


async def test_a_name_with_a_telephone_number_is_held_back_and_stops_no_other(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    async with db.transaction(office.engine) as session:
        place = await session.get_one(Establishment, tasks[0].establishment_id)
        place.name = "老王冷库 13912345678"
        session.add(place)
    for task in tasks[:2]:
        await clean(office, task)
        await supervisor.post(at(task, "conclusion"), json={})
        await reviewer.post(at(task, "review"), json={"approve": True})

    done = (await reviewer.post("/office/publications")).json()

    assert done["published"] == [tasks[1].id]
    assert done["refused"] == [
        {"inspection": tasks[0].id, "code": "publication.personal", "fields": "site.name"}
    ]
    assert done["waiting"] == 1


async def test_what_has_changed_since_its_approval_is_held_back_until_it_is_approved_again(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    visit = await clean(office, tasks[0])
    await supervisor.post(at(tasks[0], "conclusion"), json={})
    await reviewer.post(at(tasks[0], "review"), json={"approve": True})
    visit.find("lead", "补充")
    await visit.arrive(office)

    held = (await reviewer.post("/office/publications")).json()
    await supervisor.post(at(tasks[0], "conclusion"), json={})
    waiting = (await reviewer.post("/office/publications")).json()
    await reviewer.post(at(tasks[0], "review"), json={"approve": True})
    done = (await reviewer.post("/office/publications")).json()

    told = {"inspection": tasks[0].id, "code": "conclusion.outdated", "fields": ""}
    assert held == {"published": [], "refused": [told], "waiting": 1}
    assert waiting == {"published": [], "refused": [], "waiting": 0}
    assert done["published"] == [tasks[0].id]


async def test_a_result_is_published_once_when_two_publish_at_once(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    for task in tasks:
        await clean(office, task)
        await supervisor.post(at(task, "conclusion"), json={})
        await reviewer.post(at(task, "review"), json={"approve": True})

    both = await asyncio.gather(*(reviewer.post("/office/publications") for _ in range(2)))

    assert [answer.status_code for answer in both] == [200, 200]
    published = [one for answer in both for one in answer.json()["published"]]
    assert sorted(published) == sorted(task.id for task in tasks)


async def test_results_held_back_do_not_use_up_a_publishing(
    office: Office,
    tasks: list[Task],
    supervisor: AsyncClient,
    reviewer: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publications, "PUBLISHED_MAX", 1)
    first, *others = sorted(tasks, key=lambda task: task.id)
    async with db.transaction(office.engine) as session:
        place = await session.get_one(Establishment, first.establishment_id)
        place.name = "老王冷库 13912345678"
        session.add(place)
    for task in tasks:
        await clean(office, task)
        await supervisor.post(at(task, "conclusion"), json={})
        await reviewer.post(at(task, "review"), json={"approve": True})

    rounds = [(await reviewer.post("/office/publications")).json() for _ in range(3)]

    assert [one["published"] for one in rounds] == [[others[0].id], [others[1].id], []]
    assert [one["waiting"] for one in rounds] == [2, 1, 1]


async def test_every_change_of_a_publication_is_noticed(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    files = await published(office, tasks, supervisor, reviewer)
    unnoticed: list[str] = []

    for name, body in files.items():
        middle = len(body) // 2
        changes = {
            "flipped": files
            | {name: body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]},
            "missing": {one: rest for one, rest in files.items() if one != name},
        }
        unnoticed += [
            f"{name} {how}"
            for how, changed in changes.items()
            if all(step.ok is not False for step in site.verify(changed))
        ]
    added = site.verify(files | {"results/extra.html": b"<p>"})

    assert unnoticed == []
    assert any(step.ok is False for step in added)


async def test_a_forger_with_the_key_is_still_caught(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    files = await published(office, tasks, supervisor, reviewer)
    async with db.transaction(office.engine, write=False) as session:
        secret = (await session.get_one(Head, 1)).secret_key
    results = [
        msgspec.json.decode(body, type=Result)
        for name, body in files.items()
        if name.startswith("results/") and name.endswith(".json")
    ]
    one = next(result for result in results if result.photos)
    rest = [result for result in results if result is not one]
    assert one.draw is not None
    draws = {one.draw.id: {n.split("/")[2]: b for n, b in files.items() if n.startswith("draws/")}}
    pictures = {n: b for n, b in files.items() if n.startswith("photos/")}

    forged = {
        "choice": replace(one, site=replace(one.site, code="91310101000000009X")),
        "choice place": replace(one, draw=replace(one.draw, place=one.draw.place + 1)),
        "privacy": replace(one, site=replace(one.site, name="王 13912345678")),
    }
    found = {
        what: [
            step.name
            for step in site.verify(
                site.write([*rest, fake], draws, pictures, script=b"", secret=secret)
            )
            if step.ok is False
        ]
        for what, fake in forged.items()
    }
    spoilt = {name: photo() for name in pictures}
    leaky = site.verify(site.write(results, draws, spoilt, script=b"", secret=secret))

    assert found == {"choice": ["choice"], "choice place": ["choice"], "privacy": ["privacy"]}
    assert [step.name for step in leaky if step.ok is False] == ["privacy"]


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


async def test_another_division_publishes_and_takes_out_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    foreign = await office.officer("reviewer", "3302")
    await clean(office, tasks[0])
    await supervisor.post(at(tasks[0], "conclusion"), json={})
    await reviewer.post(at(tasks[0], "review"), json={"approve": True})

    theirs = (await foreign.post("/office/publications")).json()
    ours = (await reviewer.post("/office/publications")).json()
    packed = await foreign.get("/office/publications/site.zip")

    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        names = archive.namelist()
    assert theirs == {"published": [], "refused": [], "waiting": 0}
    assert ours["published"] == [tasks[0].id]
    assert [name for name in names if tasks[0].id in name] == []


async def test_roles_are_kept_apart(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    answers = [
        await reviewer.post(at(tasks[0], "conclusion"), json={}),
        await supervisor.post(at(tasks[0], "review"), json={"approve": True}),
        await supervisor.post("/office/publications"),
    ]

    assert [refusal(answer)[:2] for answer in answers] == [(403, "auth.role-forbidden")] * 3


async def test_a_folder_is_verified_by_the_command(
    office: Office,
    tasks: list[Task],
    supervisor: AsyncClient,
    reviewer: AsyncClient,
    tmp_path: Path,
) -> None:
    files = await published(office, tasks, supervisor, reviewer)
    for name, body in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    right = CliRunner().invoke(main, ["verify", "publication", str(tmp_path / "site")])
    every = CliRunner().invoke(main, ["verify", "all", str(tmp_path / "site"), "--json"])
    (tmp_path / "site" / "index.html").write_text("nothing was found anywhere")
    wrong = CliRunner().invoke(main, ["verify", "publication", str(tmp_path / "site")])

    assert right.exit_code == 0, right.output
    assert every.exit_code == 0, every.output
    assert wrong.exit_code == 1
    assert "manifest" in wrong.output
