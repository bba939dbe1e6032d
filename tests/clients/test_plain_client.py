"""A client of another make, in plain JavaScript written from the page, against the real server.

It works as one of a pair whose other device is ours, on links that lose what was said.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import visits
from conftest import Office
from rows import revision
from serving import Server
from simulation.app_hub import CHIEF

from backend import db
from backend.blobs import Blobs
from backend.tables import Establishment, Inspection, Inspector, Task
from backend.work import enrolments, folds
from cli.device import sync_over
from cli.device_identity import enrol_at
from cli.home import Home
from cli.link import link
from sync import codec, ops
from sync.invitation import Invitation, read, write
from sync.merge import Recorded, digest, fold
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    AnyOp,
    CarryChecklist,
    SetAnswers,
    Sign,
    Void,
)

PLAIN = Path(__file__).parent / "plain"
VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
SITES = 620  # enough for a file of its own
PHOTO = Random(5).randbytes(300_000)
MOVIE = Random(6).randbytes(700_000)
WHOLE = 1 << 40
CLEAR = (WHOLE, WHOLE)


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        assert os.environ.get("CI") != "true", "CI needs node"
        pytest.skip("needs node")
    return found


class Link:
    """A way to the server; each connection loses all after so many bytes up, or down."""

    def __init__(self, port: int) -> None:
        self._goal, self._losses = port, list[tuple[int, int]]()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]

    def __enter__(self) -> "Link":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def lose(self, *losses: tuple[int, int]) -> None:
        self._losses += losses

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                up, down = self._losses.pop(0) if self._losses else CLEAR
                threading.Thread(target=self._carry, args=(near, up, down), daemon=True).start()

    def _carry(self, near: socket.socket, up: int, down: int) -> None:
        with closing(near), closing(socket.create_connection(("127.0.0.1", self._goal))) as far:
            ends = (near, far)
            back = threading.Thread(target=self._pass, args=(far, near, down, ends), daemon=True)
            back.start()
            self._pass(near, far, up, ends)
            back.join()

    def _pass(
        self, source: socket.socket, goal: socket.socket, left: int, ends: tuple[socket.socket, ...]
    ) -> None:
        """Pass bytes on until they end; after the last that may pass, break the link."""
        with suppress(OSError):
            while part := source.recv(65_536):
                goal.sendall(part[:left])
                left -= len(part)
                if left < 0:
                    break
            else:
                goal.shutdown(socket.SHUT_WR)
                return
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Plain:
    """The device in JavaScript."""

    def __init__(self, node: str, folder: Path, way: "Link | None" = None) -> None:
        self._node, self.folder, self._way = node, folder, way

    def ask(self, command: str, *words: object, fails: bool = False) -> Any:
        """Run one command in a process of its own, and read what it says."""
        given = [json.dumps(word, ensure_ascii=False) for word in words]
        done = subprocess.run(
            [self._node, str(PLAIN / "client.js"), str(self.folder), command, *given],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == int(fails), (command, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def losing(self, command: str, *losses: tuple[int, int], given: str = "") -> None:
        """Run a command while the first connections fail, and see that it noticed each."""
        assert self._way
        self._way.lose(*losses)
        done = self.ask(command, *([given] if given else []))
        assert done["lost"] == sum(one != CLEAR for one in losses), (command, done)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text("utf-8"))
        return state

    def set(self, **fields: object) -> None:
        """Change what it keeps, behind its back."""
        kept = json.dumps(self.state() | fields)
        (self.folder / "state.json").write_text(kept, "utf-8")


class Ours:
    """The device in Python, on a good link."""

    def __init__(self, folder: Path, invited: Invitation) -> None:
        self.home, self._server = Home(folder), invited.server
        self.replica = self.home.replica
        with link(self._server) as ask:
            enrol_at(
                self.replica, ask, server=self._server, code=invited.code, label="",
                fingerprint=invited.fingerprint,
            )  # fmt: skip
        self.sync()

    def sync(self) -> None:
        with link(self._server) as ask:
            sync_over(self.home, ask)


class Field:
    """A task of two inspectors, and a server that they reach."""

    def __init__(self, office: Office, server: Server, task: Task, node: str) -> None:
        self.office, self.server, self.task, self.node = office, server, task, node
        self.folder = office.settings.data_dir.parent

    async def invite(self, role: str, port: int) -> str:
        """Give the text of a QR code for one of the two."""
        inspector_id = {"lead": self.task.lead_id, "second": self.task.second_id}[role]
        async with db.transaction(self.office.engine) as session:
            inspector = await session.get_one(Inspector, inspector_id)
            invited = await enrolments.invite(
                session, CHIEF, inspector.certificate, datetime.now(UTC)
            )
        key = codec.fingerprint(invited.server_key)
        return write(Invitation(f"http://127.0.0.1:{port}", invited.code, key))

    async def plain(self, name: str = "plain") -> Plain:
        """Enrol a device in JavaScript for the lead."""
        plain = Plain(self.node, self.folder / name)
        plain.ask("enrol", await self.invite("lead", self.server.port))
        return plain

    async def ours(self) -> "Ours":
        """Enrol a device of ours for the second."""
        invited = read(await self.invite("second", self.server.port))
        return Ours(self.folder / "ours", invited)

    async def back_up(self) -> None:
        """Copy the database, which is a file, while nobody is at it."""
        self.server.stop()
        await self.office.engine.dispose()
        shutil.copy(self.folder / "evenhand.db", self.folder / "backup.db")
        self.server.start()

    async def restore(self, *, announced: bool) -> None:
        """Put the copy back, and say so or forget to."""
        self.server.stop()
        await self.office.engine.dispose()
        shutil.copy(self.folder / "backup.db", self.folder / "evenhand.db")
        if announced:
            done = self.server.run("server", "restored")
            assert done.returncode == 0, done.stderr
        self.server.start()

    async def kept(self) -> Inspection:
        """Read what the server keeps of the fold."""
        async with db.transaction(self.office.engine, write=False) as session:
            return await session.get_one(Inspection, self.task.id)

    async def digest(self) -> str:
        """Name the state that the server makes of what counts."""
        async with db.transaction(self.office.engine, write=False) as session:
            return digest((await folds.states(session, [self.task.id]))[self.task.id])

    def holds(self, body: bytes) -> bool:
        path = Blobs(self.office.settings.data_dir).path(sha256(body).hexdigest())
        return path.is_file() and path.read_bytes() == body


@pytest.fixture
async def field(office: Office, database_url: str, node: str) -> AsyncIterator[Field]:
    """Draw and dispatch a task in a large division, and open the server's door."""
    task, *_ = await visits.dispatched(office, sites=1)
    async with db.transaction(office.engine) as session:
        session.add(batch := revision("establishments"))
        await session.flush()
        session.add_all(sites(batch.id))
    with Server(office.settings.data_dir.parent, database_url) as server:
        yield Field(office, server, task, node)


def sites(batch: str) -> Iterator[Establishment]:
    for n in range(SITES - 20):
        yield Establishment(
            code=f"91310102{n:010d}", name=f"第{n}号水产市场", category="market",
            division=visits.DIVISION, revision_id=batch,
        )  # fmt: skip


def answers(**given: str) -> dict[str, dict[str, str]]:
    return {ref: {"v": one.v} for ref, one in visits.answers(visits.FORM, **given).items()}


def test_it_gives_every_golden_byte(node: str) -> None:
    done = subprocess.run(
        [node, str(PLAIN / "vectors.js"), str(VECTORS)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"sync", "texts", "versions", "operations"}


def history(chance: Random) -> list[Recorded]:
    """Make up what three devices of two inspectors say, sense or nonsense, also again."""
    names = [f"{device}:{n}" for device in ("a", "b", "c") for n in range(1, 6)]
    hashes = {name: sha256(f"{name}{chance.random()}".encode()).hexdigest() for name in names}
    recorded: list[Recorded] = []
    for name in chance.sample(names, chance.randint(0, len(names))):
        some = chance.sample(names, chance.randint(0, 3))
        refs, digests = chance.choices("1~𠮷", k=2), chance.sample(["", "x", "y"], 2)
        given = Answer(chance.choice(["pass", "fail"]), note=chance.choice(["", "注"]))
        table = Answer("1", kind="table", rows=({"k": chance.choice("ab")},))
        spans = {
            one: ((chance.randint(1, 5), chance.randint(1, 5)),) for one in chance.sample("abc", 1)
        }
        stamp: dict[str, Any] = {"n": int(name[2:]), "e": "t", "w": 0, "m": 0, "boot": "b"}
        if chance.random() < 0.3:
            stamp["orig"] = hashes[chance.choice(names)]
        answers = {ref: chance.choice([given, given, table]) for ref in refs}
        carry: dict[str, Any] = {"to": chance.choice("xy"), "again": {refs[0]: tuple(digests)}}
        role = chance.choice(["lead", "second", "site"])
        made: list[AnyOp] = [
            SetAnswers(f=answers, s={refs[0]: tuple(some)}, under=digests[0], **stamp),
            SetAnswers(f=answers, s={refs[1]: tuple(some)}, **stamp),
            AddFinding(text="霉斑", basis="\u2028\x7f", **stamp),
            AddEvidence(blob="b", size=2**53 - 1, mime="m", item=refs[0], **stamp),
            Void(target=chance.choice(names), reason=name, **stamp),
            CarryChecklist(s=tuple(some), **carry, **stamp),
            Sign(role=role, covers=spans, blobs=(), digest="", s=tuple(some), **stamp),
            *on_site(chance, names, stamp),
        ]
        weights = (8, 8, 2, 2, 3, 1, 8, 1, 4, 4, 2, 1, 1, 1, 1, 2)
        op = chance.choices(made, weights)[0]
        recorded.append(Recorded(name, hashes[name], "li" if name[0] == "c" else "wang", op))
    return recorded


def on_site(chance: Random, names: list[str], stamp: dict[str, Any]) -> list[AnyOp]:
    """Make up what is recorded beside answers, much of it about samples that nobody took."""
    blank = chance.random() < 0.5
    sample, text = chance.choice(names[:4]), "" if blank else "二〇"
    seen: dict[str, Any] = {} if blank else {"place": "3 号池", "number": "1"}
    return [
        ops.Arrive(how="shown", certificates=() if blank else ("1", "2"), datum=text, **stamp),
        ops.TakeSample(number="S", of="goods", what="鱼", quantity="" if blank else "1.5", **stamp),
        ops.TestSample(sample=sample, test="t", verdict="fail", retest=blank, unit=text, **stamp),
        ops.DisposeSample(sample=sample, disposal="销毁", **stamp),
        ops.SeizeGoods(what="奶", quantity="12", unit="罐", measure="seal", **seen, **stamp),
        ops.WeighLot(what="米", nominal="5", unit="kg", lot="9", contents=("4.9",), **stamp),
        AddFinding(text="x", basis="y", fixed=blank, repeats=() if blank else ("t2",), **stamp),
        AddEvidence(
            blob="b", size=1, mime="m", of=text, role="" if blank else "annotation", **stamp
        ),
        Sign(
            role="site", covers={}, blobs=(), digest="", refused=text, witness=text,
            strokes="" if text else "d", **stamp,
        ),
    ]  # fmt: skip


def test_it_folds_whatever_may_be_said_as_the_server_does(node: str) -> None:
    histories = [history(Random(seed)) for seed in range(900)]
    told = [
        [
            {"id": r.id, "hash": r.hash, "who": r.who, "raw": msgspec.json.encode(r.op).decode()}
            for r in one
        ]
        for one in histories
    ]
    done = subprocess.run(
        [node, str(PLAIN / "fold.js")], input="\n".join(map(json.dumps, told)),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    states = [fold(one) for one in histories]

    assert sum(bool(state.conflicts) for state in states) > 50
    assert sum(bool(state.late) for state in states) > 50
    assert sum(bool(state.astray) for state in states) > 50
    assert sum(any(one.tests for one in state.samples or ()) for state in states) > 20
    assert done.stdout.split() == [digest(state) for state in states]


async def test_two_makes_of_devices_work_as_a_pair_on_links_that_lose_what_was_said(
    field: Field, tmp_path: Path
) -> None:
    task, server = field.task.id, field.server
    (tmp_path / "photo").write_bytes(PHOTO)
    (tmp_path / "movie").write_bytes(MOVIE)
    with Link(server.port) as way:
        plain = Plain(field.node, field.folder / "plain", way)
        ours = await field.ours()
        plain.losing("enrol", (WHOLE, 0), (WHOLE, 200), given=await field.invite("lead", way.port))
        plain.losing("sync", (WHOLE, 0), (300, WHOLE), (WHOLE, 700), (0, WHOLE))
        assert [one["id"] for one in plain.ask("tasks")] == [task]
        assert plain.ask("status")["sites"] == SITES

        plain.ask("answer", task, answers(i3_1="fail"))
        plain.ask("attach", task, str(tmp_path / "photo"), "application/octet-stream")
        ours.replica.answer(task, visits.answers())
        ours.sync()
        plain.losing("sync", (WHOLE, 0), (700, WHOLE), (WHOLE, 900), (WHOLE, 1))
        plain.losing("send", (WHOLE, 0), CLEAR, (150_000, WHOLE), CLEAR, (WHOLE, 0))
        server.stop()
        server.start()
        ours.sync()
        assert set(ours.replica.inspection(task).conflicts) == {"3.1"}
        assert plain.ask("status")["verdicts"]["1"]["d"] == "conflict"

        plain.ask("answer", task, {"3.1": {"v": "fail", "note": "两人复看：不合格"}})
        plain.ask("record", {"t": "finding.add/1", "e": task, "text": "霉斑", "basis": "第三条"})
        plain.ask("attach", task, str(tmp_path / "movie"), "video/mp4", {"item": "3.1"})
        plain.losing("sync", (WHOLE, 100))
        plain.losing("send", CLEAR, (WHOLE, 0), CLEAR, (30_000, WHOLE), CLEAR, (WHOLE, 50))
        ours.sync()
        ours.replica.sign(task, "second")
        plain.ask("sign", task, "lead")
        ours.sync()
        plain.ask("sync")
        ours.sync()
    kept = await field.kept()

    assert (kept.signed, kept.conflicts, kept.late) == (True, 0, 0)
    assert plain.ask("fold", task)["digest"] == digest(ours.replica.inspection(task))
    assert plain.ask("fold", task)["digest"] == await field.digest()
    assert [field.holds(body) for body in (PHOTO, MOVIE)] == [True, True]
    assert plain.ask("status")["files"] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_it_speaks_every_version_and_finds_one_that_both_speak(field: Field) -> None:
    task = field.task.id
    for version in (1, "2026-11-21", "2031-01-01"):
        plain = await field.plain(f"plain-{version}")
        plain.set(version=version, patience=9)
        plain.ask("answer", task, answers())
        plain.ask("record", {"t": "tomorrow/1", "e": task})
        plain.ask("sync")
        plain.ask("sync")
        speaks, status = plain.state()["version"], plain.ask("status")

        assert speaks == (version if version != "2031-01-01" else "2026-11-22")
        assert status["verdicts"] == {"2": {"d": "parked", "why": "op.unknown"}}
        assert status["sites"] == (SITES if version != 1 else 0)
        assert await field.digest() == plain.ask("fold", task)["digest"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("announced", [True, False])
async def test_a_server_that_came_back_from_a_backup_is_healed(
    field: Field, announced: bool
) -> None:
    plain, task = await field.plain(), field.task.id
    plain.ask("sync")
    plain.ask("answer", task, answers())
    plain.ask("sync")
    await field.back_up()
    plain.ask("answer", task, {"3.1": {"v": "fail"}})
    plain.ask("sync")
    await field.restore(announced=announced)
    plain.ask("record", {"t": "finding.add/1", "e": task, "text": "霉斑", "basis": "第三条"})
    plain.ask("sync")
    status, kept = plain.ask("status"), await field.kept()

    assert (status["acked"], status["verdicts"], status["sites"]) == (3, {}, SITES)
    assert kept.operations == 3
    assert await field.digest() == plain.ask("fold", task)["digest"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_copied_device_stops_and_keeps_all_that_it_recorded(field: Field) -> None:
    plain, task = await field.plain(), field.task.id
    plain.ask("sync")
    shutil.copytree(plain.folder, field.folder / "copy")
    shutil.copytree(plain.folder, field.folder / "idle")
    copy, idle = (Plain(field.node, field.folder / name) for name in ("copy", "idle"))
    plain.ask("answer", task, answers())
    copy.ask("answer", task, answers(i3_1="fail"))
    plain.ask("sync")
    said = copy.ask("sync", fails=True)

    assert said["error"] == idle.ask("sync", fails=True)["error"] == "fork"
    assert [one.ask("status")["log"] for one in (copy, idle)] == [1, 0]
    assert copy.ask("sync", fails=True)["error"] == "fork"
    assert await field.digest() == plain.ask("fold", task)["digest"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_revoked_device_delivers_and_forgets(field: Field) -> None:
    plain, task = await field.plain(), field.task.id
    plain.ask("sync")
    plain.ask("answer", task, answers())
    client = await field.office.officer("supervisor", visits.DIVISION)
    device = plain.state()["device"]
    revoked = await client.post(f"/office/devices/{device}/revoke", json={"reason": "丢失"})
    said = plain.ask("sync", fails=True)

    assert revoked.is_success, revoked.text
    assert said["error"] == "revoked"
    assert not (plain.folder / "log.jsonl").exists()
    assert "secret" not in plain.state()
    held = await client.get("/office/quarantine")
    assert [(one["device"], one["why"]) for one in held.json()] == [(device, "device.revoked")]
