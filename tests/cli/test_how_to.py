"""docs/how-to is run as written, on sample and on real registers; what it shows must come out."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from conftest import shared_data

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "import-a-register.md").read_text("utf-8")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
SECONDS = re.compile(r"in [\d.]+ s\b")

Evenhand = Callable[..., Result]


def compared(evenhand: Evenhand, *, real: bool) -> list[tuple[str, str, str]]:
    """Run the blocks on sample or on real data: each command, what it tells and what happened."""
    told: list[tuple[str, str, str]] = []
    for block in BLOCK.findall(PAGE):
        if ("../shared/data" in block) == real:
            for one in ("\n" + block).split("\n$ evenhand ")[1:]:
                command, _, output = one.partition("\n")
                words, _, into = command.partition(" > ")
                done = evenhand(*shlex.split(words))
                happened = done.output
                if into:
                    Path(into).write_text(done.stdout, "utf-8")
                    happened = done.stderr
                told.append((command, SECONDS.sub("", output), SECONDS.sub("", happened)))
    return told


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the fixtures in it and the data beside it, where files may be written."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / "shared").symlink_to(ROOT.parent / "shared")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def test_the_how_to_shows_what_really_happens(evenhand: Evenhand, checkout: Path) -> None:
    told = compared(evenhand, real=False)

    assert len(told) >= 5
    for command, shown, happened in told:
        assert happened.rstrip("\n") == shown.rstrip("\n"), command


def test_the_how_to_shows_what_really_happens_to_real_registers(
    evenhand: Evenhand, checkout: Path
) -> None:
    shared_data()

    told = compared(evenhand, real=True)

    assert len(told) >= 3
    for command, shown, happened in told:
        assert happened.rstrip("\n") == shown.rstrip("\n"), command
