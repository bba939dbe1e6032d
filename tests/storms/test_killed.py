"""Killed two hundred times (SIGKILL): what was acknowledged is there, and nothing is there twice.

The server dies at random moments of pushes and uploads by the devices' own code over HTTP, a device
at random moments of recording.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from threading import Event
from typing import IO

import msgspec
import pytest
from conftest import Office
from simulation.app_hub import AppHub
from simulation.world import FORM, REFS
from sqlmodel import select

from backend import db
from backend.tables import Blob
from cli.device_files import send_files
from cli.home import Home
from cli.link import Unreachable, link
from sync import checklist, codec
from sync.exchange import drive, exchange
from sync.ops import Answer
from sync.refusals import Reason, Refused

ROOT = Path(__file__).parents[2]
KILLS = 200 if os.environ.get("CI") == "true" else 40
TASK = "t1"


class Mortal:
    """Someone whom we can kill, and who is then born again."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders: IO[bytes] = process.stdin
        self.says: IO[bytes] = process.stdout

    def start(self) -> int:
        self._orders.write(b"\n")
        self._orders.flush()
        word, number = self.says.readline().split()
        assert word == b"born"
        return int(number)

    def kill(self, child: int) -> list[bytes]:
        """Kill the child and give what it said last."""
        os.kill(child, signal.SIGKILL)
        last: list[bytes] = []
        while (line := self.says.readline()) != b"gone\n":
            assert line
            last.append(line)
        return last


@contextmanager
def mortal(kind: str, value: str | int, **settings: str | Path) -> Iterator[Mortal]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("EVENHAND_")}
    given = {f"EVENHAND_{name.upper()}": str(value) for name, value in settings.items()}
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("born_again.py"), kind, str(value)],
        env=clean | given | {"PYTHONPATH": str(ROOT)}, cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield Mortal(process)
        finally:
            process.kill()


class Phone:
    """A real device with a folder of its own; what it does, it does in one thread."""

    def __init__(self, folder: Path, server: str, seed: int) -> None:
        self.folder, self.server, self.chance = folder, server, Random(seed)
        self.taken_back = 0  # acknowledgements that the server no longer knew
        self.cuts = 0
        self.raws: list[bytes] = []
        self.files: set[str] = set()

    async def enrol(self, hub: AppHub, inspector: str) -> None:
        """Become the device of an inspector, who has the one task."""
        secret = codec.new_key()
        made = await hub.enrol(inspector, codec.public_key(secret))
        home = Home(self.folder)
        home.replica.enrol(made, server=self.server, secret=secret)
        home.close()
        self.name = made.device

    def work(self, over: Event) -> None:
        """Record and sync until the storm is over, then until everything is delivered."""
        home = Home(self.folder)
        while not over.is_set():
            self.sync(home)
            for _ in range(1 + self.chance.randrange(4)):
                self.record(home)
        while home.replica.unsent() or not all(file.sent for file in home.store.files()):
            self.sync(home)
        self.raws = [mine.raw for mine in home.store.log(1, 10**9)]
        self.files = {file.sha256 for file in home.store.files()}
        home.close()

    def record(self, home: Home) -> None:
        if not home.replica.tasks() or home.replica.unsent() > 20:
            return
        pick = self.chance.choice
        home.replica.answer(TASK, {pick(REFS): Answer(pick(["pass", "fail", "na"]))})
        if self.chance.random() < 0.2:
            photo = self.folder / "photo.jpg"
            photo.write_bytes(b"\xff\xd8\xff" + self.chance.randbytes(30_000))
            home.replica.attach(TASK, home.keep(photo), item=pick(REFS))

    def sync(self, home: Home) -> None:
        acked = home.replica.acked()
        try:
            with link(self.server) as ask:
                drive(exchange(home.replica), ask)
                send_files(home, ask, wait=lambda _: None)
        except Unreachable:
            self.cuts += 1
        except Refused as refused:
            if refused.reason is not Reason.SERVER_BUSY:
                raise
        self.taken_back += home.replica.acked() < acked


async def crew(office: Office, folder: Path, server: str) -> tuple[AppHub, list[Phone]]:
    """Give two inspectors one task and three devices."""
    hub = AppHub(office)
    await hub.open()
    phones = [Phone(folder / f"phone-{n}", server, n) for n in range(3)]
    for phone, inspector in zip(phones, ("p1", "p2", "p1"), strict=True):
        await phone.enrol(hub, inspector)
    await hub.dispatch(TASK, "p1", "p2")
    body = {"id": TASK, "checklist": checklist.digest(FORM)}
    await hub.put(f"i:{TASK}", "task", TASK, msgspec.json.encode(body))
    for inspector in ("p1", "p2"):
        await hub.join(inspector, f"i:{TASK}")
    return hub, phones


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def storm(server: Mortal, over: Event) -> int:
    """Kill the server again and again, then leave one alive."""
    chance = Random(26)
    for _ in range(KILLS):
        child = server.start()
        over.wait(chance.uniform(0.02, 0.25))  # nothing ends it early: a random while
        server.kill(child)
    over.set()
    return server.start()


async def test_a_server_killed_at_any_moment_keeps_what_it_acknowledged(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    at, over = port(), Event()
    hub, phones = await crew(office, tmp_path, f"http://127.0.0.1:{at}")

    with (
        mortal("serve", at, database_url=database_url, data_dir=office.settings.data_dir) as server,
        ThreadPoolExecutor() as threads,
    ):
        worked = [threads.submit(phone.work, over) for phone in phones]
        child = await asyncio.to_thread(storm, server, over)
        await asyncio.gather(*map(asyncio.wrap_future, worked))
        server.kill(child)

    assert sum(phone.cuts for phone in phones) > KILLS / 4
    assert sum(phone.taken_back for phone in phones) == 0
    ledger = await hub.ledger()
    assert [placed.position for _, placed in ledger] == list(range(1, len(ledger) + 1))
    for phone in phones:
        assert [placed.raw for device, placed in ledger if device == phone.name] == phone.raws
    async with db.transaction(office.engine, write=False) as session:
        blobs = {one.sha256: one.size for one in await session.exec(select(Blob))}
    assert blobs.keys() == set().union(*(phone.files for phone in phones))
    assert all(_whole(office.settings.data_dir, name) for name in blobs)
    assert len((await hub.inspection(TASK)).evidence) == len(blobs)


def _whole(folder: Path, digest: str) -> bool:
    [found] = [path for path in folder.rglob(f"*{digest}*") if path.is_file()]
    return sha256(found.read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_device_killed_at_any_moment_keeps_what_it_said_it_recorded(
    office: Office, tmp_path: Path
) -> None:
    hub, phones = await crew(office, tmp_path, "http://nowhere")
    phone, chance = phones[0], Random(6)
    home, said = Home(phone.folder), list[bytes]()
    await _sync_here(hub, home)

    with mortal("record", str(phone.folder)) as device:
        for _ in range(KILLS):
            child = device.start()
            said += [device.says.readline() for _ in range(chance.randrange(3))]
            Event().wait(chance.uniform(0, 0.03))
            said += device.kill(child)

    log = home.store.log(1, 10**9)
    held = {f"{mine.n} {mine.hash}\n".encode() for mine in log}
    assert len(said) == len(set(said)) > KILLS
    assert set(said) <= held
    assert len(log) - len(said) <= KILLS  # durable, and killed before it could say so
    assert [mine.hash for mine in log] == codec.chain(
        codec.genesis(phone.name), [m.raw for m in log]
    )
    home.close()


async def _sync_here(hub: AppHub, home: Home) -> None:
    session = exchange(home.replica)
    with suppress(StopIteration):
        request = next(session)
        while True:
            request = session.send(await hub.ask(request))
