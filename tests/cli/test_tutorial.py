"""docs/tutorial.md is run as written; what it shows must come out."""

import fcntl
import os
import re
import struct
import subprocess
import termios
from pathlib import Path
from threading import Thread

from conftest import shared_data

from cli.demo.bureau import free_port

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:```text\n(.*?)```)?", re.DOTALL)
TRANSCRIPT = re.compile(r"```console\n(.*?)```", re.DOTALL)
SECONDS = re.compile(r"in [\d.]+ s\b")
FRAME = re.compile(r"Reading · \d+% · [\d,]+ rows")
MARK = "=== block {} ==="


def environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "FOLDER": str(folder / "tutorial"),
        "PORT": str(free_port()),
        "COLUMNS": "200",
        "LANG": "C.UTF-8",
    }


def at_a_terminal(script: str, folder: Path) -> tuple[str, str]:
    """Run a script whose standard error is a terminal; give what it printed, and showed there."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    shown: list[bytes] = []

    def look() -> None:
        try:
            while piece := os.read(ours, 65536):
                shown.append(piece)
        except OSError:  # the other end is closed
            return

    looking = Thread(target=look)
    looking.start()
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**environment(folder), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    looking.join()
    os.close(ours)
    frames = b"".join(shown).decode()
    assert done.returncode == 0, frames[-3000:]
    return done.stdout, frames


def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE)
    lines = ["set -euo pipefail", "exec 2>&1"]
    for number, (commands, _) in enumerate(blocks):
        lines += [f"echo '{MARK.format(number)}'", commands]

    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    printed = re.split(r"=== block \d+ ===\n", done.stdout)[1:]
    assert len(printed) == len(blocks)
    for (commands, shown), output in zip(blocks, printed, strict=True):
        for line in shown.splitlines():
            assert line in output, f"{line!r} is not what came of\n{commands}\nbut\n{output}"


def test_the_tutorial_imports_real_registers_as_it_shows(tmp_path: Path) -> None:
    shared_data()
    before = PAGE[: PAGE.index("### Registers of real cities")]
    told = [
        one.split("\n", 1)
        for block in TRANSCRIPT.findall(PAGE)
        for one in ("\n" + block).split("\n$ ")[1:]
    ]
    lines = ["set -euo pipefail", *(commands for commands, _ in BLOCK.findall(before))]
    for number, (command, _) in enumerate(told):
        lines += [f"echo '{MARK.format(number)}'", command]

    printed, frames = at_a_terminal("\n".join(lines), tmp_path)

    outputs = re.split(r"=== block \d+ ===\n", printed)[1:]
    assert len(told) == 5
    for (command, shown), output in zip(told, outputs, strict=True):
        assert SECONDS.sub("", output).splitlines() == SECONDS.sub("", shown).splitlines(), command
    assert FRAME.search(PAGE)
    assert FRAME.search(frames)
