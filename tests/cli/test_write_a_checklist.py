"""docs/how-to/write-a-checklist.md is run as written, and its examples are checklists."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pages
import pytest
from click.testing import Result

from sync.checklist import Kind, parse

PAGE = pages.page("write-a-checklist.md")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
FORM, ITEM = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

Evenhand = Callable[..., Result]


def told(evenhand: Evenhand, page: str) -> list[tuple[str, str, str]]:
    """Run the blocks of a page: each command, what it shows, and what happened."""
    found: list[tuple[str, str, str]] = []
    for block in BLOCK.findall(page):
        for one in ("\n" + block).split("\n$ evenhand ")[1:]:
            command, _, shown = one.partition("\n")
            done = evenhand(*shlex.split(command))
            assert done.exit_code == 0, done.output
            found.append((command, shown, done.output))
    return found


def bare(text: str) -> str:
    """Leave out what a table adds at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_the_page_runs_as_it_is_written(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("stall.toml").write_text(FORM, "utf-8")

    ran = told(evenhand, PAGE)

    assert len(ran) == 5
    for command, shown, happened in ran:
        assert bare(happened) == bare(shown), command
    assert Path("stall.pdf").read_bytes().startswith(b"%PDF-")
    assert Path("stall.xlsx").read_bytes().startswith(b"PK")


def test_the_item_that_the_page_shows_is_one() -> None:
    head, _, rules = FORM.partition("[[outcomes]]")

    form = parse(f"{head}{ITEM}\n[[outcomes]]{rules}".encode())

    assert [limit.code for limit in form.sections[0].items[1].limits] == ["frozen", "chilled"]


def test_the_page_names_every_kind_of_item_and_only_options_that_exist() -> None:
    table = PAGE.partition("## What an item can be")[2].partition("Any item")[0]

    assert {kind for kind in get_args(Kind) if f"`{kind}`" not in table} == set()
    assert pages.unknown_options(PAGE) <= {"--as", "--language", "--output"}
