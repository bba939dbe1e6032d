"""Clients of tus 1.0 that others wrote, against the real server, over links that are cut."""

import asyncio
import io
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
import uploads
from conftest import Clock, Office
from serving import Server
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

from backend import db
from backend.app import create_app
from backend.blobs import Blobs
from backend.settings import Settings

HERE = Path(__file__).parent / "tus"
BODY = Random(1).randbytes(900_000)
CUTS = (1, 700, 5_000, 65_536, 100_000, 250_000, 300_000)  # bytes up until the link breaks


class Hub:
    """A running server, a token of one of its devices, and its store of files."""

    def __init__(self, server: Server, token: str, blobs: Blobs) -> None:
        self.server, self.token, self.blobs = server, token, blobs

    def url(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/device/blobs"

    def holds(self, body: bytes) -> bool:
        path = self.blobs.path(sha256(body).hexdigest())
        return path.is_file() and path.read_bytes() == body


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("tus")
    shutil.copy(sqlite_template, folder / "served.db")
    token = asyncio.run(_token(folder))
    with Server(folder) as server:
        yield Hub(server, token, Blobs(folder / "data"))


async def _token(folder: Path) -> str:
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder}/served.db")
    engine, clock = db.connect(settings.database_url), Clock(datetime.now(UTC))
    app = create_app(settings, engine=engine, now=clock)
    office = Office(app, settings, clock)
    client = await uploads.enrol(office)
    await office.close()
    await engine.dispose()
    return str(client.headers["Authorization"]).removeprefix("Bearer ")


class Cutter:
    """A way to the server that breaks after so many bytes up, once for each number."""

    def __init__(self, port: int, cuts: tuple[int, ...]) -> None:
        self._goal, self._cuts = port, list(cuts)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.broken = 0

    def __enter__(self) -> "Cutter":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._carry, args=self._door.accept()[:1]).start()

    def _carry(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._goal))
        with closing(near), closing(far):
            threading.Thread(target=_pump, args=(far, near), daemon=True).start()
            left = self._cuts[0] if self._cuts else 1 << 40
            with suppress(OSError):
                while part := near.recv(min(left, 65_536)):
                    far.sendall(part)
                    left -= len(part)
                    if left == 0:
                        self._cuts.pop(0)
                        self.broken += 1
                        break
            for end in (near, far):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, goal: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            goal.sendall(part)


# -- tuspy ---------------------------------------------------------------------------------------


def tuspy(hub: Hub, port: int, body: bytes, chunk: int) -> None:
    client = TusClient(hub.url(port), headers={"Authorization": f"Bearer {hub.token}"})
    told = {"sha256": sha256(body).hexdigest(), "mime": "application/octet-stream"}
    client.uploader(
        file_stream=io.BytesIO(body), chunk_size=chunk, metadata=told, retries=50, retry_delay=0
    ).upload()


@pytest.mark.parametrize("chunk", [1 << 30, 64_000])
def test_tuspy_sends_a_file_whole(hub: Hub, chunk: int) -> None:
    body = BODY + chunk.to_bytes(8, "big")

    tuspy(hub, hub.server.port, body, chunk)

    assert hub.holds(body)


def test_tuspy_sends_a_file_that_is_there_already(hub: Hub) -> None:
    body = BODY + b"twice"

    tuspy(hub, hub.server.port, body, 64_000)
    tuspy(hub, hub.server.port, body, 64_000)

    assert hub.holds(body)


def test_tuspy_gets_through_a_link_that_breaks(hub: Hub) -> None:
    body = BODY + b"cut"

    with Cutter(hub.server.port, CUTS[2:]) as link:
        tuspy(hub, link.port, body, 1 << 30)

    assert link.broken == len(CUTS[2:])
    assert hub.holds(body)


def test_tuspy_is_told_that_a_file_is_not_what_was_announced(hub: Hub) -> None:
    client = TusClient(hub.url(hub.server.port), headers={"Authorization": f"Bearer {hub.token}"})
    told = {"sha256": "a" * 64}
    uploader = client.uploader(file_stream=io.BytesIO(b"other"), chunk_size=9, metadata=told)

    with pytest.raises(TusUploadFailed) as failed:
        uploader.upload()

    assert failed.value.status_code == 460


# -- tus-js-client -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def modules() -> Path:
    """Install tus-js-client as locked, once, outside the checkout; only CI must be able to."""
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "evenhand-tests" / f"tus-{sha256(lock).hexdigest()[:16]}"
    if (folder / "node_modules" / "tus-js-client").is_dir():
        return folder
    problem = _install(folder)
    if problem:
        assert os.environ.get("CI") != "true", problem
        pytest.skip(problem)
    return folder


def _install(folder: Path) -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "needs node and npm"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
    trusting = os.environ | {"NODE_OPTIONS": "--use-openssl-ca"}  # whom the machine trusts
    done = subprocess.run(command, env=trusting, capture_output=True, text=True, timeout=120)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        return f"tus-js-client cannot be installed: {done.stderr[-300:]}"
    return ""


Send = Callable[[int, bytes, int, str], str]


@pytest.fixture
def tus_js(hub: Hub, modules: Path, tmp_path: Path) -> Send:
    def send(port: int, body: bytes, chunk: int, together: str) -> str:
        path = tmp_path / "file"
        path.write_bytes(body)
        words = [
            "node", str(HERE / "upload.js"), str(modules), hub.url(port), hub.token, str(path),
            sha256(body).hexdigest(), str(chunk), together,
        ]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        return (done.stdout + done.stderr).strip()

    return send


@pytest.mark.parametrize("together", ["together", "apart"])
@pytest.mark.parametrize("chunk", [0, 64_000])
def test_tus_js_client_sends_a_file_whole(
    hub: Hub, tus_js: Send, chunk: int, together: str
) -> None:
    body = BODY + f"{chunk} {together}".encode()

    said = tus_js(hub.server.port, body, chunk, together)

    assert (said, hub.holds(body)) == ("whole", True)


@pytest.mark.parametrize("together", ["together", "apart"])
def test_tus_js_client_sends_a_file_that_is_there_already(
    hub: Hub, tus_js: Send, together: str
) -> None:
    body = BODY + f"twice {together}".encode()

    said = [tus_js(hub.server.port, body, 0, together) for _ in range(2)]

    assert (said, hub.holds(body)) == (["whole", "whole"], True)


@pytest.mark.parametrize("together", ["together", "apart"])
def test_tus_js_client_gets_through_a_link_that_breaks(
    hub: Hub, tus_js: Send, together: str
) -> None:
    body = BODY + f"cut {together}".encode()

    with Cutter(hub.server.port, CUTS) as link:
        said = tus_js(link.port, body, 0, together)

    assert (said, link.broken) == ("whole", len(CUTS))
    assert hub.holds(body)
