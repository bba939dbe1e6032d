"""The real server in a process of its own, asked over the network."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import PASSWORD


def machine(folder: Path) -> dict[str, str]:
    """An environment with nothing of ours in it but what is said here."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("EVENHAND_", "L"))}
    return clean | {
        "EVENHAND_DATABASE_URL": f"sqlite:///{folder}/served.db",
        "EVENHAND_DATA_DIR": str(folder / "data"),
        "EVENHAND_CONFIG_DIR": str(folder / "config"),
        "EVENHAND_PASSWORD": PASSWORD,
        "EVENHAND_PASSWORD_MEMORY_KIB": "8",
        "EVENHAND_PASSWORD_TIME": "1",
        "EVENHAND_PASSWORD_LANES": "1",
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a running server; it must end by itself when asked to."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "server", "serve", "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=machine(tmp_path), stdout=subprocess.PIPE, stderr=log, text=True
        )
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
        client.get(f"{address}/health").raise_for_status()
    yield address, server
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=20)


def evenhand(folder: Path, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=machine(folder) | extra, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_served_office_answers_over_the_network_as_it_does_in_process(
    served: tuple[str, subprocess.Popen[str]], tmp_path: Path
) -> None:
    address, _ = served
    evenhand(tmp_path, "server", "init-admin", "王主任")
    far = {"EVENHAND_SERVER": address}

    login = evenhand(tmp_path, "office", "login", "王主任", **far)
    there = evenhand(tmp_path, "office", "whoami", "--json", **far)
    here = evenhand(tmp_path, "office", "whoami")
    wrong = evenhand(tmp_path, "office", "account", "deactivate", "none", **far)

    assert login.returncode == 0, login.stderr
    assert json.loads(there.stdout)["name"] == "王主任"
    assert here.returncode == 11, "a session at one server is no session at another"
    assert (wrong.returncode, wrong.stderr.split(":")[0]) == (13, "account.not-found")


def test_a_server_tells_its_addresses_and_logs_one_json_line_per_request(
    served: tuple[str, subprocess.Popen[str]], tmp_path: Path
) -> None:
    address, server = served

    httpx.get(f"{address}/public/heads?secret=1")
    server.send_signal(signal.SIGTERM)
    told, _ = server.communicate(timeout=20)

    lines = [line for line in (tmp_path / "log").read_text().splitlines() if line[:1] == "{"]
    requests = [json.loads(line) for line in lines]
    assert address in told
    assert [line["path"] for line in requests] == ["/health", "/public/heads"]
    assert requests[1]["door"] == "public"
    assert "secret" not in "".join(lines)
    assert server.returncode == 0
