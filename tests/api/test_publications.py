"""公示: what is published, by whom, and that the folder proves itself, on both databases."""

import asyncio
import io
import zipfile
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from conftest import Clock, Office
from httpx import AsyncClient
from msgspec.structs import replace
from visits import at, clean, failing, photo, refusal

from backend import db
from backend.rules import site
from backend.rules.disclosure import Result, jpeg_metadata
from backend.tables import Establishment, Head, Task
from backend.work import publications
from cli.main import main


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
