"""撤下: the content of a corrected publication is withheld; that it was, is not."""

import io
import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from conftest import Office, Settings
from followed import acts, concluded
from httpx import AsyncClient
from msgspec.structs import replace
from visits import DIVISION, refusal

from backend import db
from backend.rules import bundle, site
from backend.tables import Head, Inspector, Replaced, Task
from cli.verify_publication import read_folder

NAMED = "原公示的店名含个人姓名"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, token_hours=90 * 24)


async def corrected(
    office: Office, supervisor: AsyncClient, reviewer: AsyncClient, task: Task, *reasons: str
) -> list[bytes]:
    """Publish a result, and correct it for each of these reasons; give all that was published."""
    public = await office.client()
    await concluded(office, supervisor, task)
    bodies: list[bytes] = []
    for reason in ("", *reasons):
        if reason:
            await answered(supervisor, task, "conclusion", correction=reason)
        await answered(reviewer, task, "review", approve=True)
        assert (await reviewer.post("/office/publications")).json()["published"] == [task.id]
        bodies.append((await public.get(f"/public/results/{task.id}")).content)
    return bodies


async def answered(client: AsyncClient, task: Task, act: str, **order: Any) -> Any:
    answer = await client.post(f"/office/inspections/{task.id}/{act}", json=order)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def folder(reviewer: AsyncClient, path: Path) -> dict[str, bytes]:
    """Write the publication's folder and read it as whoever checks it does."""
    whole = await reviewer.get("/office/publications/site.zip")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        archive.extractall(path)
    return read_folder(path)


async def forged(office: Office, files: dict[str, bytes]) -> list[str]:
    """Seal changed files with the server's own key; tell what is refuted all the same."""
    async with db.transaction(office.engine, write=False) as session:
        secret = (await session.get_one(Head, 1)).secret_key
    plain = {name: body for name, body in files.items() if not name.startswith("MANIFEST")}
    return [step.name for step in site.verify(bundle.seal(plain, secret)) if not step.ok]


async def test_what_is_withheld_stays_public_as_a_fact_and_not_as_content(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient,
    tmp_path: Path,
) -> None:  # fmt: skip
    task, public = tasks[0], await office.client()
    first, second, third = await corrected(
        office, supervisor, reviewer, task, "结果有误", "名称有误"
    )
    office.clock.advance(days=1)

    view = await answered(supervisor, task, "replaced/2/withholding", reason=NAMED)
    shown = await public.get(f"/public/results/{task.id}/replaced/2")
    before = await public.get(f"/public/results/{task.id}/replaced/1")
    now = await public.get(f"/public/results/{task.id}")
    files = await folder(reviewer, tmp_path / "site")
    steps = site.verify(files)

    notice = {
        "id": task.id, "n": 2, "sha256": sha256(second).hexdigest(),
        "published_on": json.loads(second)["published_on"], "withheld_on": "2026-03-03",
        "reason": NAMED,
    }  # fmt: skip
    assert view == notice
    assert (before.content, now.content) == (first, third)
    assert {name: shown.json()[name] for name in notice} == notice
    assert shown.json()["corrects"] | {"reason": ""} == shown.json()["corrects"]
    assert shown.json()["corrects"]["sha256"] == sha256(first).hexdigest()
    assert files[f"withheld/{task.id}-2.json"] == shown.content
    assert f"replaced/{task.id}-2.json" not in files
    assert files[f"replaced/{task.id}-1.json"] == first
    assert not any("结果有误".encode() in one for one in files.values())
    page = files[f"results/{task.id}.html"].decode()
    assert f'href="../withheld/{task.id}-2.json"' in page
    assert "已撤下" in page
    assert all(step.ok for step in steps)
    results = next(step for step in steps if step.name == "results")
    assert "withheld: 1" in results.en
    assert "已撤下 1 条" in results.zh
    assert await acts(office, "result.withhold") == ["result.withhold"]


async def test_a_folder_that_says_withheld_of_something_else_is_refuted(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient,
    tmp_path: Path,
) -> None:  # fmt: skip
    task = tasks[0]
    first, _ = await corrected(office, supervisor, reviewer, task, "名称有误")
    await answered(reviewer, task, "replaced/1/withholding", reason=NAMED)
    files = await folder(reviewer, tmp_path / "site")
    path = f"withheld/{task.id}-1.json"
    told = json.loads(files[path])
    both = files | {f"replaced/{task.id}-1.json": first}
    lacking = {name: body for name, body in files.items() if name != path}
    changes = [{"sha256": "0" * 64}, {"n": 2}, {"id": "x"}, {"site": {"name": "x"}}]
    others = [files | {path: json.dumps(told | one).encode()} for one in changes]
    numbered = files | {path: json.dumps(told | {"reason": "电话 13800138000"}).encode()}

    whole = await forged(office, files)
    refuted = [await forged(office, one) for one in (both, *others)]

    assert whole == []
    assert [one[0] for one in refuted] == ["results"] * 5
    assert await forged(office, lacking) == ["results", "links"]
    assert await forged(office, numbered) == ["privacy"]


async def test_whoever_corrects_may_say_beforehand_that_the_former_one_is_withheld(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient,
    tmp_path: Path,
) -> None:  # fmt: skip
    task, public = tasks[0], await office.client()
    await corrected(office, supervisor, reviewer, task)
    path = f"/office/inspections/{task.id}/replaced/1/withholding"

    early = await supervisor.post(path, json={"reason": NAMED})
    await answered(supervisor, task, "conclusion", correction="名称有误")
    await answered(supervisor, task, "replaced/1/withholding", reason=NAMED)
    meanwhile = await folder(reviewer, tmp_path / "before")
    stands = await public.get(f"/public/results/{task.id}")
    await answered(reviewer, task, "review", approve=True)
    await reviewer.post("/office/publications")
    shown = (await public.get(f"/public/results/{task.id}/replaced/1")).json()

    assert refusal(early)[:2] == (409, "publication.stands")
    assert all(step.ok for step in site.verify(meanwhile))
    assert stands.status_code == 200
    assert shown["reason"] == NAMED


@pytest.mark.parametrize(
    ("n", "reason", "code"),
    [
        (1, NAMED, "publication.withheld"),
        (2, NAMED, "publication.stands"),
        (3, NAMED, "publication.not-found"),
        (1, " \n", "body.invalid"),
    ],
)
async def test_what_cannot_be_withheld_is_refused(
    n: int, reason: str, code: str,
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient,
) -> None:  # fmt: skip
    await corrected(office, supervisor, reviewer, tasks[0], "名称有误")
    await answered(supervisor, tasks[0], "replaced/1/withholding", reason=NAMED)

    path = f"/office/inspections/{tasks[0].id}/replaced/{n}/withholding"
    answer = await reviewer.post(path, json={"reason": reason})

    assert refusal(answer)[1] == code


async def test_a_reason_that_names_somebody_is_refused(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    await corrected(office, supervisor, reviewer, tasks[0], "名称有误")
    path = f"/office/inspections/{tasks[0].id}/replaced/1/withholding"

    answer = await supervisor.post(path, json={"reason": "原公示含电话 13800138000"})

    assert refusal(answer) == (409, "publication.personal", {"fields": "reason"})


async def test_what_is_said_beforehand_is_withheld_from_the_day_of_the_correction(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    task, public = tasks[0], await office.client()
    (first,) = await corrected(office, supervisor, reviewer, task)
    await answered(supervisor, task, "conclusion", correction="名称有误")

    said = await answered(supervisor, task, "replaced/1/withholding", reason=NAMED)
    office.clock.advance(days=2)
    await answered(reviewer, task, "review", approve=True)
    stood = (await public.get(f"/public/results/{task.id}")).content
    await reviewer.post("/office/publications")
    shown = (await public.get(f"/public/results/{task.id}/replaced/1")).json()

    assert said["withheld_on"] == "2026-03-02"
    assert stood == first
    assert shown["withheld_on"] == "2026-03-04"


async def test_the_office_keeps_what_it_withholds(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    first, _ = await corrected(office, supervisor, reviewer, tasks[0], "名称有误")

    await answered(reviewer, tasks[0], "replaced/1/withholding", reason=NAMED)

    async with db.transaction(office.engine, write=False) as session:
        kept = await session.get_one(Replaced, (tasks[0].id, 1))
    assert kept.body.encode() == first


async def test_a_reason_that_names_who_was_there_is_refused(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    await corrected(office, supervisor, reviewer, tasks[0], "名称有误")
    async with db.transaction(office.engine, write=False) as session:
        lead = await session.get_one(Inspector, tasks[0].lead_id)
    another = await office.officer("supervisor", DIVISION)  # who decided nothing here
    officer = (await another.get("/office/whoami")).json()["name"]
    path = f"/office/inspections/{tasks[0].id}/replaced/1/withholding"

    answers = [
        await another.post(path, json={"reason": f"原公示含{name}"})
        for name in (lead.name, lead.certificate, officer)
    ]

    found = [refusal(answer) for answer in answers]
    assert found == [(409, "publication.personal", {"fields": "reason"})] * 3


async def test_every_notice_is_held_against_what_follows_it(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient,
    tmp_path: Path,
) -> None:  # fmt: skip
    task = tasks[0]
    first, *_ = await corrected(office, supervisor, reviewer, task, "结果有误", "名称有误")
    for n in (1, 2):
        await answered(supervisor, task, f"replaced/{n}/withholding", reason=NAMED)
    files = await folder(reviewer, tmp_path / "site")
    steps = site.verify(files)
    earlier, later = f"withheld/{task.id}-1.json", f"withheld/{task.id}-2.json"
    told = json.loads(files[later])
    corrects = told["corrects"]
    changes = [
        {"published_on": "2026-03-01"},
        {"withheld_on": "2026-03-01"},
        {"corrects": corrects | {"reason": "结果有误"}},
        {"corrects": corrects | {"name": "x"}},
        {"corrects": corrects | {"sha256": "0" * 64}},
        {"corrects": corrects | {"n": 2, "sha256": told["sha256"]}},  # itself, for ever
        {"corrects": None},
    ]
    forgeries = [files | {later: json.dumps(told | one).encode()} for one in changes]
    rest = {name: value for name, value in told.items() if name != "corrects"}
    forgeries.append(files | {later: json.dumps(rest).encode()})  # as if it were the first
    forgeries.append({name: body for name, body in files.items() if name != earlier})
    forgeries.append(files | {f"withheld/{tasks[1].id}-1.json": files[earlier]})
    forgeries.append(files | {f"replaced/{tasks[1].id}-1.json": first})

    whole = await forged(office, files)
    refuted = [await forged(office, one) for one in forgeries]

    assert whole == []
    assert "withheld: 2" in next(step.en for step in steps if step.name == "results")
    assert [one[:1] for one in refuted] == [["results"]] * len(forgeries)
