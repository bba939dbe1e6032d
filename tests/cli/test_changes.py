"""变更事件 from the command line: sent as they arrive, once, through lost connections."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result
from serving import Server

from cli.main import main

FIXTURES = Path(__file__).parents[2] / "fixtures"
PAGE = (FIXTURES.parent / "docs" / "how-to" / "keep-a-register-current.md").read_text("utf-8")
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
FENCED = re.compile(r"```ndjson\n(.*?)```", re.DOTALL)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SPENT = re.compile(r"in [\d.]+ s\b")

FEED = ("office", "register", "feed")
FIND = ("office", "register", "search", "--json")
SECONDS = 20  # until a test gives up

Evenhand = Callable[..., Result]


def line(n: int, kind: str = "created", /, **fields: Any) -> str:
    shop = {"name": f"海川冷库{n}", "category": "cold-store", "division": "330106"}
    told = {"code": f"C{n}", **(shop if kind == "created" else {}), **fields}
    at = f"2026-01-02T03:{n // 60 % 60:02}:{n % 60:02}Z"
    event = {"source": "licensing", "id": f"{n}-{kind}", "register": "establishments"}
    return json.dumps({**event, "kind": kind, "at": at, "fields": told}, ensure_ascii=False)


class Feed:
    """A feed that runs; what it prints can be waited for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._said = Queue[str]()
        self._listeners: list[Thread] = []
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            listener = Thread(target=self._listen, args=(stream,), daemon=True)
            listener.start()
            self._listeners.append(listener)

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for said in stream:
                self._said.put(said.decode())

    def write(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{one}\n" for one in lines).encode())
        self.process.stdin.flush()

    def says(self, *words: str) -> str:
        heard: list[str] = []
        while not heard or not all(word in heard[-1] for word in words):
            try:
                heard.append(self._said.get(timeout=SECONDS))
            except Empty:
                pytest.fail(f"it says nothing of {words}, but {heard}")
        return heard[-1]

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        for listener in self._listeners:
            listener.join()


@contextmanager
def feeding(server: Server, *words: str) -> Generator[Feed]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *FEED, *words],
        env=server.there, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    feed = Feed(process)
    try:
        yield feed
    finally:
        feed.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that its admin is logged in at."""
    with Server(tmp_path) as server:
        server.run("server", "init-admin", "boss")
        login = server.run("office", "login", "boss", there=True)
        assert login.returncode == 0, login.stderr
        yield server


def found(server: Server, words: str) -> list[str]:
    page = json.loads(server.run(*FIND, words, there=True).stdout)
    return [one["code"] for one in page["found"]]


def written(path: Path, lines: Sequence[str]) -> str:
    path.write_text("".join(f"{one}\n" for one in lines), "utf-8")
    return str(path)


def test_a_file_is_sent_and_told_and_its_bad_lines_are_named(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    lines = [line(1), line(2, risk="Z"), "", line(3, "changed", name="新名"), "{"]
    path = written(tmp_path / "feed.ndjson", lines)

    done = evenhand(*FEED, path)
    again = evenhand(*FEED, path)
    told = json.loads(evenhand(*FEED, path, "--json").stdout)
    page = json.loads(evenhand(*FIND, "海川").stdout)

    assert (done.exit_code, again.exit_code) == (10, 10)
    assert done.output.splitlines()[0] == (
        "Lines 1-5: 1 applied (0 of them had waited), 0 known, 1 waiting, 0 stale, 2 refused."
    )
    assert "  line 2 risk Z: row.value-unknown: " in done.output
    assert "  line 5 " in done.output
    assert "  line 4 id 3-changed: change.waits: " in done.output
    assert done.output.count("    → ") == 3
    assert "0 applied (0 of them had waited), 2 known, 0 waiting" in again.output
    assert (told["first_line"], told["last_line"], told["known"], told["refused"]) == (1, 5, 2, 2)
    assert {one["row"] for one in told["problems"]} == {2, 5}
    assert all(one["remedy_en"] and one["remedy_zh"] for one in told["problems"])
    assert [one["code"] for one in page["found"]] == ["C1"]


def test_it_is_told_in_chinese_too(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")

    done = evenhand(*FEED, written(tmp_path / "feed.ndjson", [line(1, risk="Z")]))

    assert done.output.splitlines()[0] == (
        "第 1 行：生效 0（其中 0 条曾等待），已知 0，等待 0，过时 0，拒绝 1。"
    )
    assert "  第 1 行 risk Z: row.value-unknown: " in done.output


def test_a_long_feed_goes_in_batches_whose_lines_are_counted_on(evenhand: Evenhand) -> None:
    lines = [*(line(n) for n in range(1_500)), line(9_000, risk="Z"), "x" * 200_000, line(9_001)]

    done = CliRunner().invoke(main, [*FEED, "-", "--json"], input="\n".join(lines))

    told = [json.loads(one) for one in done.stdout.splitlines()]
    assert done.exit_code == 10
    assert [(one["first_line"], one["last_line"]) for one in told] == [(1, 1_000), (1_001, 1_503)]
    assert sum(one["applied"] for one in told) == 1_501
    assert [(one["row"], one["code"]) for one in told[1]["problems"] if not one["kept"]] == [
        (1_501, "row.value-unknown"),
        (1_502, "change.line-too-long"),
    ]


def test_nothing_refused_is_success_and_nothing_at_all_too(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    good = evenhand(*FEED, written(tmp_path / "feed.ndjson", [line(1)]))
    empty = evenhand(*FEED, written(tmp_path / "empty.ndjson", []))

    assert (good.exit_code, empty.exit_code, empty.output) == (0, 0, "")


def test_who_may_not_feed_is_told_and_from_where_nothing_was_answered(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    evenhand("office", "logout")

    refused = evenhand(*FEED, written(tmp_path / "feed.ndjson", [line(1)]), "--follow")

    assert refused.exit_code == 11
    assert "Not answered: line 1 and what follows." in refused.stderr
    assert "auth.not-logged-in" in refused.stderr


def test_a_line_is_applied_at_the_server_while_its_pipe_stays_open(server: Server) -> None:
    with feeding(server, "-", "--follow") as feed:
        feed.write(line(1))
        feed.says("Lines 1:", "1 applied")
        first = found(server, "海川")
        feed.write(line(1, "cancelled"), line(2))
        feed.says("Lines 2-3:", "2 applied")
        ended = feed.end()
    cancelled = server.run(*FIND, "--status", "cancelled", there=True)

    assert first == ["C1"]
    assert found(server, "海川") == ["C1", "C2"]
    assert [one["code"] for one in json.loads(cancelled.stdout)["found"]] == ["C1"]
    assert ended == 0


def test_no_line_is_lost_with_the_connection(server: Server) -> None:
    with feeding(server, "-", "--follow") as feed:
        feed.write(line(1))
        feed.says("Lines 1:", "1 applied")
        server.stop()
        feed.write(line(2), line(3))
        feed.says("again in 0.5 s")
        feed.says("again in 1 s")
        server.start()
        feed.says("Lines 2-3:", "2 applied")
        ended = feed.end()

    assert found(server, "海川") == ["C1", "C2", "C3"]
    assert ended == 0


def test_without_follow_a_server_that_is_away_ends_it(server: Server, tmp_path: Path) -> None:
    server.stop()

    done = server.run(*FEED, written(tmp_path / "f", [line(1)]), there=True)

    assert done.returncode == 75
    assert "Not answered: line 1 and what follows." in done.stderr


def test_a_file_is_followed_as_it_grows_is_cut_and_is_replaced(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "feed.ndjson"
    written(path, [line(1), line(2)])

    with feeding(server, str(path), "--follow") as feed:
        feed.says("Lines 1-2:", "2 applied")
        with path.open("a", encoding="utf-8") as file:
            file.write(line(3) + "\n" + line(4)[:50])
        feed.says("Lines 3:", "1 applied")
        with path.open("a", encoding="utf-8") as file:
            file.write(line(4)[50:] + "\n")
        feed.says("Lines 4:", "1 applied")
        path.write_text(line(5) + "\n", "utf-8")
        feed.says("1 applied")
        path.rename(tmp_path / "feed.1")
        written(path, [line(6)])
        feed.says("1 applied")
        feed.process.send_signal(signal.SIGTERM)
        ended = feed.process.wait(SECONDS)

    assert found(server, "海川") == [f"C{n}" for n in range(1, 7)]
    assert ended == 0


def test_what_was_read_is_sent_before_it_ends_when_asked(server: Server) -> None:
    with feeding(server, "-", "--json") as feed:
        feed.write(line(1))
        feed.says('"first_line":1')
        feed.write(line(2, risk="Z"))
        feed.process.send_signal(signal.SIGINT)
        told = json.loads(feed.says('"first_line":2'))
        ended = feed.process.wait(SECONDS)

    assert told["refused"] == 1
    assert ended == 10


def test_who_ends_it_while_the_server_is_away_is_told_what_was_not_answered(
    server: Server,
) -> None:
    server.stop()

    with feeding(server, "-", "--follow") as feed:
        feed.write(line(1))
        feed.says("again in 0.5 s")
        feed.process.send_signal(signal.SIGTERM)
        feed.says("Not answered: line 1 and what follows.")
        ended = feed.process.wait(SECONDS)

    assert ended == 75


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_a_feed_too(server: Server, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with feeding(server, str(pipe)) as feed:
        written(pipe, [line(1)])
        feed.says("1 applied")
        ended = feed.process.wait(SECONDS)

    assert ended == 0


def test_the_how_to_shows_what_really_happens(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = ("office", "register", "import", "--mapping", str(FIXTURES / "mappings" / "own.toml"))
    for flags in ((), ("--inspectors",)):
        name = flags[0][2:] if flags else "establishments"
        assert evenhand(*load, *flags, str(FIXTURES / "registers" / f"{name}.csv")).exit_code == 0
    monkeypatch.chdir(tmp_path)
    Path("changes.ndjson").write_text(FENCED.findall(PAGE)[0], "utf-8")

    told: list[tuple[str, str, str]] = []
    revision = ""
    for block in CONSOLE.findall(PAGE):
        for one in ("\n" + block).split("\n$ evenhand ")[1:]:
            command, _, shown = one.partition("\n")
            words, _, into = command.replace("REVISION", revision).partition(" > ")
            done = evenhand(*shlex.split(words))
            happened = done.stderr if into else done.output
            if into:
                Path(into).write_bytes(done.stdout_bytes)
            revision = next(iter(UUID.findall(happened)), revision)
            told.append((command, shown, UUID.sub("REVISION", happened)))

    assert len(told) == 5
    for command, shown, happened in told:
        assert SPENT.sub("", happened).rstrip() == SPENT.sub("", shown).rstrip(), command
