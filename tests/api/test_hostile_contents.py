"""Contents of every kind that a hostile or broken device signs, through the real door.

Nothing of it is lost, and whatever reads an inspection gives an answer all the same: as it came,
and again with all that an officer may release.
"""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import hostile
import pytest
from click.testing import CliRunner
from conftest import Office
from followed import tick
from hostile import KINDS, Names
from httpx import AsyncClient, Response
from phones import Phone, enrolled
from simulation.app_hub import AppHub
from sqlmodel import col, select
from visits import DIVISION, answers, asked, dispatched, photo, store

from backend import db
from backend.prints.paper_words import WHATS
from backend.rules import ledger
from backend.tables import Entry, Task
from cli.device_print import print_known
from cli.home import Home
from cli.main import main
from sync import codec, hub
from sync.merge import digest
from sync.store import File, Mine

FOLD = Path(__file__).parents[1] / "clients" / "plain" / "fold.js"
LANGUAGES = ("en", "zh")
PHOTO = photo(7)
BLOB = sha256(PHOTO).hexdigest()


class Scene:
    """An inspection of a hostile lead and an honest second, and the office that reads it."""

    def __init__(self, office: Office, task: Task, lead: Phone, second: Phone) -> None:
        self.office, self.task, self.id = office, task, task.id
        self.lead, self.second = lead, second
        self.device = lead.replica.identity.enrolled.device

    async def record(self) -> list[bytes]:
        """Put operations into the lead's log as they are, whatever a device lets be recorded."""
        form, second = self.task.checklist_digest, self.task.second_id
        names = Names(self.device, self.id, ("1.1", "2.1"), form, BLOB, second)
        (last, hash_), raws = self.lead.replica.head(), list[bytes]()
        with self.lead.store.transaction():
            for n, one in enumerate(hostile.variants(names), start=last + 1):
                raws.append(one.written(self.device, n))
                hash_ = codec.link(hash_, raws[-1])
                self.lead.store.append(Mine(n, one.fields["e"], hash_, raws[-1]))
        await self.sync()
        return raws

    async def sync(self) -> None:
        for phone in (self.lead, self.second):
            await phone.sync()

    async def entries(self) -> list[Entry]:
        query = select(Entry).where(Entry.device_id == self.device).order_by(col(Entry.n))
        async with db.transaction(self.office.engine, write=False) as session:
            return list(await session.exec(query))

    async def release(self, supervisor: AsyncClient) -> set[int]:
        """Let count whatever an officer may, one fault of each after the other."""
        held = {one.n: one.why for one in await self.entries() if one.seq is None}
        released: set[int] = set()
        while some := [n for n, why in held.items() if why in hub.WAIVABLE][:1000]:
            order = {"device": self.device, "reason": "看看会怎样", "numbers": some}
            told = await asked(supervisor, "/office/quarantine/release", order)
            released |= set(told["released"])
            before = {n: held.pop(n) for n in some}
            held |= {int(n): why for n, why in told["held"].items() if why != before[int(n)]}
        await self.sync()
        return released

    def at(self, act: str = "") -> str:
        return f"/office/inspections/{self.id}{act}"


@pytest.fixture
async def scene(office: Office, tmp_path: Path) -> AsyncIterator[Scene]:
    task, other, *_ = await dispatched(office)
    door, home = AppHub(office), Home(tmp_path / "phone")
    door.client = await office.client()
    lead = await enrolled(door, task.lead_id)
    elsewhere = await enrolled(door, other.lead_id)
    elsewhere.replica.attach(other.id, File(BLOB, len(PHOTO), "image/jpeg"))
    await elsewhere.sync()
    await store(office, PHOTO)
    yield Scene(office, task, lead, await enrolled(door, task.second_id, home.store))
    home.close()


def answered(given: Response) -> bytes:
    assert given.status_code == 200, (given.request.url, given.text[:500])
    return given.content


async def read_at_the_office(scene: Scene, officer: AsyncClient) -> Any:
    """Read whatever an officer can, the inspection itself last."""
    for path in (
        "/office/inspections", "/office/tasks", "/office/quarantine", "/office/conflicts",
        "/office/orders", "/office/measures", "/office/reminders", "/office/visits-due",
        "/office/provisional", "/office/devices", f"/office/devices/{scene.device}/log",
        "/public/results", scene.at("/contact-sheet"),
    ):  # fmt: skip
        answered(await officer.get(path))
    return json.loads(answered(await officer.get(scene.at())))


async def printed(scene: Scene, officer: AsyncClient, what: str, language: str) -> None:
    query = {"what": what, "language": language}
    body = answered(await officer.get(scene.at("/papers"), params=query))
    assert body.startswith(b"%PDF")


async def sign(scene: Scene) -> None:
    """Let the second answer everything, withdraw what is no file, and sign."""
    replica = scene.second.replica
    for one in replica.inspection(scene.id).evidence:
        if one.blob != BLOB:
            replica.void(scene.id, one.op, reason="不是本次检查的照片")
    replica.answer(scene.id, answers(i1_3="fail"))
    replica.attach(scene.id, File(BLOB, len(PHOTO), "image/jpeg"), item="1.3")
    replica.sign(scene.id, "second")
    await scene.sync()


def told_on_the_phone(home: Path, *words: str, language: str) -> str:
    """Run a command of the second's phone, without a network."""
    done = CliRunner().invoke(
        main, ["device", *words, "--home", str(home)], env={"EVENHAND_LANG": language}
    )
    assert done.exit_code == 0, (words, done.output[-500:], done.exception)
    return done.stdout


def folded_by_another(scene: Scene) -> str:
    """Fold what the second's phone knows as the client in JavaScript does."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    known = [
        {"id": one.id, "hash": one.hash, "who": one.who, "raw": one.raw.decode()}
        for one in scene.second.store.theirs_of(f"i:{scene.id}")
    ]
    done = subprocess.run(
        [node, str(FOLD)], input=json.dumps(known), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_whatever_a_device_signs_is_kept_and_read_and_brought_to_an_end(
    scene: Scene,
) -> None:
    supervisor = await scene.office.officer("supervisor", DIVISION)
    reviewer = await scene.office.officer("reviewer", DIVISION)
    admin, second = await scene.office.officer("admin"), scene.second.replica

    raws = await scene.record()
    kept = await scene.entries()
    first = json.loads(answered(await admin.get(scene.at())))
    released = await scene.release(supervisor)
    again = await read_at_the_office(scene, admin)
    await printed(scene, supervisor, "result", "en")
    folded = digest(second.inspection(scene.id))
    await sign(scene)
    concluded = await asked(supervisor, scene.at("/conclusion"), {})
    await asked(reviewer, scene.at("/review"), {"approve": True, "photos": [BLOB]})
    published = await asked(reviewer, "/office/publications", None)
    await asked(supervisor, scene.at("/measures"), {"kind": "warning", "text": "当场警告"})
    await tick(scene.office)
    await scene.sync()
    view = json.loads(answered(await admin.get(scene.at())))
    await printed(scene, supervisor, "notice", "zh")
    out = answered(await admin.get(f"/public/results/{scene.id}"))
    answered(await reviewer.get("/office/publications/site.zip"))
    lines = answered(await admin.get("/office/ledger")).splitlines(keepends=True)
    steps = ledger.verify(iter(lines))

    assert [one.raw for one in kept] == raws
    assert {one.verdict for one in kept[: len(KINDS)]} == {"ok"}, "each kind as it should be"
    assert scene.lead.replica.unsent() == 0
    assert {kept[n - 1].kind for n in released} >= {"arrive/1", "lot.weigh/1", "sample.test/1"}
    assert len(again["on_site"]["lots"]) > len(first["on_site"]["lots"])
    assert again["digest"] == folded
    assert concluded["verdict"]["failed"] == ["1.3"]
    assert (published["refused"], view["stage"]) == ([], "published")
    assert [one["item"] for one in view["order"]["remedies"]] == ["1.3"]
    assert any(one["code"] == "same-file" for file in view["evidence"] for one in file["remarks"])
    assert [step.name for step in steps if step.ok is False] == []
    assert b"script" not in out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_phone_shows_prints_and_folds_whatever_another_signed(
    scene: Scene, tmp_path: Path
) -> None:
    supervisor = await scene.office.officer("supervisor", DIVISION)
    await scene.record()
    await scene.release(supervisor)
    home, id = tmp_path / "phone", scene.id

    for language in LANGUAGES:
        for words in (("show", id), ("status",), ("tasks",), ("site", id)):
            told_on_the_phone(home, *words, language=language)
    shown = told_on_the_phone(home, "show", id, "--json", language="en")
    other = folded_by_another(scene)
    known = digest(scene.second.replica.inspection(id))
    await sign(scene)
    papers = [
        print_known(scene.second.replica, {BLOB: PHOTO}.get, id, what, language).pdf
        for what in WHATS
        for language in LANGUAGES
    ]

    assert json.loads(shown)
    assert other == known
    assert {one[:4] for one in papers} == {b"%PDF"}
