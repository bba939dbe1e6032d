"""A real server in a process of its own, which can be stopped and started again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import httpx
from conftest import PASSWORD


class Server:
    """Serves a database, by default one in the folder, always at one address."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("EVENHAND_", "L"))}
        self.here = clean | {
            "EVENHAND_DATABASE_URL": database_url or f"sqlite:///{folder}/served.db",
            "EVENHAND_DATA_DIR": str(folder / "data"),
            "EVENHAND_CONFIG_DIR": str(folder / "config"),
            "EVENHAND_PASSWORD": PASSWORD,
            "EVENHAND_PASSWORD_MEMORY_KIB": "8",
            "EVENHAND_PASSWORD_TIME": "1",
            "EVENHAND_PASSWORD_LANES": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.there = self.here | {"EVENHAND_SERVER": f"http://127.0.0.1:{self.port}"}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli", "server", "serve", "--port", str(self.port)],
            env=self.here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with httpx.Client(transport=httpx.HTTPTransport(retries=7)) as client:
            client.get(f"{self.there['EVENHAND_SERVER']}/health").raise_for_status()

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def run(self, *words: str, there: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command here, or ask the server there."""
        return subprocess.run(
            [sys.executable, "-m", "cli", *words], env=self.there if there else self.here,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
