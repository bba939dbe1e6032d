"""The bureau of the demo (演示机关): its folder, its server process, and its officers' commands."""

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import click
import httpx
import msgspec

from cli.demo.story import Story
from cli.main import main

START_SECONDS_MAX = 30.0
PASSWORD = "demo only, change me"
FIXTURES = Path("fixtures")

T = TypeVar("T")


class Bureau:
    """Officers at their terminals, all asking one server over HTTP."""

    def __init__(self, folder: Path, story: Story, port: int) -> None:
        self.folder, self.story, self.port = folder, story, port
        self.url = f"http://127.0.0.1:{port}"

    def office(self, who: str, *words: str | Path, quiet: bool = False) -> msgspec.Raw:
        """Let an officer run a command of the office and give what it printed as JSON."""
        arguments = ["office", *map(str, words)]
        if not quiet:
            self.story.command(f"evenhand {shlex.join(map(self.short, arguments))}", who)
        os.environ["EVENHAND_SERVER"] = self.url
        os.environ["EVENHAND_CONFIG_DIR"] = str(self.folder / "sessions" / who)
        return msgspec.Raw(_run([*arguments, "--json"]))

    def hire(self, who: str, role: str, division: str) -> None:
        """Make an account and log in with it."""
        os.environ["EVENHAND_PASSWORD"] = PASSWORD
        if role != "admin":
            words = ("account", "create", who, "--role", role, "--division", division)
            self.office("admin", *words)
        self.office(who, "login", who)

    def short(self, argument: str | Path) -> str:
        """Show a path as a person at the root of the checkout would type it."""
        return str(argument).removeprefix(f"{Path.cwd()}{os.sep}")


@contextmanager
def serving(folder: Path, story: Story) -> Generator[Bureau]:
    """Run the real server on a free port for the block, with its first admin."""
    port = free_port()
    environment = environment_of(folder)
    evenhand(["server", "upgrade"], environment)
    evenhand(["server", "init-admin", "admin"], {**environment, "EVENHAND_PASSWORD": PASSWORD})
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "cli", "server", "serve", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            bureau = Bureau(folder, story, port)
            _await(bureau.url, server)
            yield bureau
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS_MAX)


def environment_of(folder: Path) -> dict[str, str]:
    """Give the environment of a server that keeps everything in the folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
    url = os.environ.get("EVENHAND_DATABASE_URL", f"sqlite:///{folder / 'evenhand.db'}")
    return {
        **own,
        "EVENHAND_DATABASE_URL": url,
        "EVENHAND_DATA_DIR": str(folder / "evidence"),
    }


def evenhand(arguments: list[str], environment: dict[str, str]) -> msgspec.Raw:
    """Run a command of its own process, and stop with what it said if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise click.ClickException(done.stderr or done.stdout)
    return msgspec.Raw(done.stdout.encode())


def read(raw: msgspec.Raw, into: type[T]) -> T:
    """Read what a command printed."""
    return msgspec.json.decode(raw, type=into)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _run(arguments: list[str]) -> bytes:
    out = StringIO()
    with redirect_stdout(out):
        main.main(arguments, standalone_mode=False)
    return out.getvalue().encode() or b"null"


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + START_SECONDS_MAX
    while monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            sleep(0.05)
    raise click.ClickException(f"the server did not start; see {url}")
