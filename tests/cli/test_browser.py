"""A visitor verifies a published draw in a real browser, from the real server and a static site."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bundles
import drawings
import httpx
import pytest
from click.testing import Result

from backend.rules import bundle, draw_page
from backend.rules.scheme import Scope
from backend.work import draws_public

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "fixtures" / "vectors"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--virtual-time-budget=20000",
)  # fmt: skip
DIGITS = "31415926535897932384"

Evenhand = Callable[..., Result]


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        assert os.environ.get("CI") != "true", "CI needs Chromium"
        pytest.skip("needs Chromium")
    return found


@pytest.fixture
def look(browser: str, tmp_path: Path) -> Callable[[str], str]:
    """Open an address in a browser with nothing kept, and give the page as it is in the end."""

    def look(address: str) -> str:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        done = subprocess.run(
            [browser, *FLAGS, profile, "--dump-dom", address],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return done.stdout

    return look


@contextlib.contextmanager
def static(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Quiet) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def steps(page: str) -> dict[str, str]:
    """What became of every step, by its name."""
    rows = re.findall(r'<li class="(\w+)">.*?<span class="en" lang="en">(\w+):', page)
    return {name: mark for mark, name in rows}


def written(folder: Path, files: bundle.Files) -> None:
    """A draw as a static site has it, without what only auditors have."""
    inner = folder / "draws" / "d"
    inner.mkdir(parents=True)
    for name, body in files.items():
        if name != "recusal.tsv":
            (inner / name).write_bytes(body)
    page = draw_page.write(
        "d", bundle.commit_hash(files), bundle="../draws/d/", script=draw_page.SCRIPT
    )
    (folder / "verify").mkdir()
    (folder / "verify" / "d.html").write_bytes(page)
    (folder / "verify" / draw_page.SCRIPT).write_bytes(draws_public.read_script())


PROVED = ["manifest", "commitment", "log", "frame", "seed", "allocation", "selection"]


def test_the_script_holds_to_the_golden_vectors_in_the_browser(
    look: Callable[[str], str], tmp_path: Path
) -> None:
    folder = tmp_path / "vectors"
    folder.mkdir()
    check = (ROOT / "tests" / "vectors" / "browser_vectors.js").read_text("utf-8")
    script = draws_public.read_script().decode().replace("if (globalThis.document)", "if (false)")
    (folder / "verify.js").write_text(script + check, encoding="utf-8")
    for name in ("draw.json", "draw_bundles.json"):
        shutil.copy(VECTORS / name, folder)
    (folder / "index.html").write_text(
        "<!doctype html><pre></pre><script type=module>"
        "import { check } from './verify.js';"
        "const read = async (name) => (await fetch(name)).json();"
        "const told = await check(await read('draw.json'), await read('draw_bundles.json'));"
        "document.querySelector('pre').textContent = JSON.stringify(told);</script>"
    )

    with static(folder) as address:
        page = look(f"{address}/index.html")

    told = json.loads(page.partition("<pre>")[2].partition("</pre>")[0])
    assert told["wrong"] == []
    assert told["checked"] > 80


@pytest.mark.parametrize(
    "kind", ["strata, hamilton", "a total, systematic", "weights, some certain", "drand", "void"]
)
def test_a_static_site_proves_its_draws_in_the_browser(
    look: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    files = bundles.make(kind)
    written(tmp_path / "site", files)
    lot = files["selection.tsv"].decode().split("\n")[0].split("\t")

    with static(tmp_path / "site") as address:
        page = look(f"{address}/verify/d.html?id={lot[2]}&commitment={bundle.commit_hash(files)}")

    assert steps(page) == dict.fromkeys(PROVED, "proved") | {"assignment": "open"}
    assert 'data-done="right"' in page
    assert f"{lot[2]} has ticket {lot[3]}, rank 1 of " in page
    assert ("作废" in page) == (kind == "void")


def forged(kind: str) -> tuple[bundle.Files, str]:
    """A bundle that was tampered with, signed anew, and the step that must fail."""
    files = bundles.make("strata, hamilton")
    match kind:
        case "byte":
            files["selection.tsv"] = files["selection.tsv"].replace(b"\tR\n", b"\tP\n", 1)
            return files, "manifest"
        case "frame":
            rows = list(bundle.frame_rows(files["frame.tsv.gz"]))
            files["frame.tsv.gz"] = bundle.freeze(rows[1:]).packed
            step = "frame"
        case "seed":
            files["seed.json"] = files["seed.json"].replace(b'"root":"', b'"root":"0', 1)
            step = "seed"
        case "nonce":
            files["randomness.json"] = files["randomness.json"].replace(b"2222", b"2223", 1)
            step = "seed"
        case "task":
            files["task.json"] = files["task.json"].replace(b'"total":9', b'"total":8', 1)
            step = "commitment"
        case "quota":
            files["allocation.json"] = files["allocation.json"].replace(
                b'"reserves":3', b'"reserves":2', 1
            )
            step = "allocation"
        case _:
            rows = files["selection.tsv"].splitlines(keepends=True)
            files["selection.tsv"] = b"".join(rows[::-1])
            step = "log"
    return _sealed(files), step


def _sealed(files: bundle.Files) -> bundle.Files:
    return bundle.seal({n: b for n, b in files.items() if not n.startswith("MANIFEST")}, "07" * 32)


@pytest.mark.parametrize("kind", ["byte", "task", "frame", "nonce", "seed", "quota", "list"])
def test_the_browser_shows_where_a_draw_was_tampered_with(
    look: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    files, step = forged(kind)
    written(tmp_path / "site", files)

    with static(tmp_path / "site") as address:
        page = look(f"{address}/verify/d.html")
        rewritten = look(f"{address}/verify/d.html?commitment={'0' * 64}")

    assert next(name for name, mark in steps(page).items() if mark == "wrong") == step
    assert 'data-done="wrong"' in page
    assert ("committed to another nonce" in page) == (kind == "nonce")
    assert steps(rewritten)["commitment"] == "wrong"


LIES = {  # of line 2, and what is said of it; everything else is made to fit
    "stratum": (1, b"A/310101001", "belongs to stratum C/310101002"),
    "weight": (2, b"9", "has weight 1"),
    "reason": (4, b"X08-drawn", "is excluded by X08-drawn, which does not hold"),
    "category": (6, b"market", "can be drawn although X06-not-of-category"),
}


@pytest.mark.parametrize("kind", LIES)
def test_the_browser_takes_no_line_of_the_frame_at_its_word(
    look: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    paper = bundles.task(
        strata=bundles.STRATA, scope=Scope(categories=["cold-store"]), columns=["evidence"]
    )
    rows = [row.split(b"\t") for row in bundle.frame_rows(bundles.frozen(paper).packed)]
    place, lie, words = LIES[kind]
    rows[1][place] = lie
    if kind == "reason":
        rows[1][3], rows[1][-1] = b"X", b"310101#3"
    frame = bundle.freeze(b"\t".join(row) for row in rows)
    files = drawings.committed(paper, inspectors=bundles.crew(12), frozen=frame)
    written(tmp_path / "site", drawings.held(files).files)

    with static(tmp_path / "site") as address:
        page = look(f"{address}/verify/d.html")

    told = steps(page)
    assert told == {step: "proved" for step in ("manifest", "commitment", "log", "seed")} | {
        step: "wrong" if step == "frame" else "open"
        for step in ("frame", "allocation", "selection", "assignment")
    }
    assert f"Line 2: {rows[1][0].decode()} {words}." in page


def _drawn(evenhand: Evenhand) -> str:
    """Plan, commit and hold a draw with the digits of two officers."""

    def run(*words: str) -> Any:
        done = evenhand(*words, "--json")
        assert done.exit_code == 0, (words, done.output)
        return json.loads(done.stdout or "null")

    fixtures = ROOT / "fixtures"
    load = ("office", "register", "import", "--mapping", str(fixtures / "mappings" / "own.toml"))
    run(*load, str(fixtures / "registers" / "establishments.csv"))
    run(*load, "--inspectors", str(fixtures / "registers" / "inspectors.csv"))
    run("office", "checklist", "release", str(fixtures / "checklists" / "cold_store.toml"))
    for name in ("wang", "li"):
        run("office", "account", "create", name, "--role", "supervisor", "--division", "330106")
    assert evenhand("office", "login", "li").exit_code == 0
    opens = datetime.now(UTC).date() + timedelta(days=2)
    plan = run(
        "office", "plan", "create", "2026 年第一批", "--division", "330106", "--rate", "3%",
        "--minimum", "9", "--opens", f"{opens}", "--closes", f"{opens + timedelta(days=30)}",
        "--checklist", "*=cold-store-daily",
    )  # fmt: skip
    draw: str = run("office", "draw", "commit", plan["id"], "--dice", "hall")["id"]
    run("office", "draw", "type", draw, "--digits", f"dice:hall={DIGITS}")
    assert evenhand("office", "login", "wang").exit_code == 0
    run("office", "draw", "hold", draw, "--digits", f"dice:hall={DIGITS}")
    return draw


@contextlib.contextmanager
def _served() -> Iterator[str]:
    """The server on the database that the environment names, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "cli", "server", "serve", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client:
        client.get(f"{address}/health").raise_for_status()
    yield address
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=20)


def test_the_real_server_lets_a_visitor_verify_and_see_what_was_altered(
    evenhand: Evenhand, look: Callable[[str], str], tmp_path: Path
) -> None:
    draw = _drawn(evenhand)

    with _served() as address:
        headers = httpx.get(f"{address}/public/verify/{draw}").headers
        missing = httpx.get(f"{address}/public/verify/none").status_code
        honest = look(f"{address}/public/verify/{draw}")
        with sqlite3.connect(tmp_path / "evenhand.db") as database:
            altered = database.execute(
                "UPDATE piece SET body = CAST(replace(CAST(body AS TEXT), '\tP\n', '\tR\n')"
                " AS BLOB) WHERE name = 'selection.tsv'"
            )
            assert altered.rowcount == 1
        cheated = look(f"{address}/public/verify/{draw}")

    assert steps(honest) == dict.fromkeys(PROVED, "proved") | {"assignment": "open"}
    assert DIGITS in honest
    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert missing == 404
    assert steps(cheated)["manifest"] == "wrong"
    assert steps(cheated)["selection"] == "open"
