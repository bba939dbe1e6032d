"""复查: a device asks only what must be checked again, and says whether it is remedied."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from handset import enrolled

from cli.main import main
from sync import checklist

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checklists"
FORM = checklist.parse((FIXTURES / "catering.toml").read_bytes())
TASK = {"origin": "recheck", "must": ["5.1", "7.1"], "asks": "must"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    enrolled(tmp_path / "phone", TASK, forms=(FORM,)).close()
    return tmp_path / "phone"


def said(folder: Path, *words: str, lang: str = "en") -> str:
    env = {"EVENHAND_LANG": lang, "COLUMNS": "160"}
    done = CliRunner().invoke(main, ["device", *words, "--home", str(folder)], env=env)
    assert done.exit_code == 0, done.output
    return done.stdout


def verdict(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(folder, "show", "t1", "--json"))["verdict"]
    return found


def test_a_recheck_shows_its_items_its_progress_and_what_is_left(folder: Path) -> None:
    before, listed = said(folder, "show", "t1"), said(folder, "tasks")
    said(folder, "answer", "t1", "5.1=pass")
    half = said(folder, "tasks")
    short = said(folder, "sign", "t1")
    said(folder, "answer", "t1", "7.1=fail")
    bad = said(folder, "show", "t1", lang="zh")
    not_yet = verdict(folder)
    said(folder, "answer", "t1", "7.1=pass")
    done, told = said(folder, "show", "t1", lang="zh"), verdict(folder)

    assert "To be checked again, and nothing else unless you add it: 5.1, 7.1" in before
    assert [line.split()[0] for line in before.splitlines() if line[:1].isdigit()] == ["5.1", "7.1"]
    assert ("0/2" in listed, "1/2" in half) == (True, True)
    assert "no outcome before these are answered: 7.1." in short
    assert "当前结论：未整改到位" in bad
    assert "未整改到位：7.1" in bad
    assert (not_yet["outcome"], not_yet["unremedied"]) == ("not-remedied", ["7.1"])
    assert "当前结论：整改到位" in done
    assert "待答" not in done
    assert (told["outcome"], told["graded"], told["scores"]) == ("remedied", False, {})


def test_what_is_added_on_a_recheck_is_shown_and_counted(folder: Path) -> None:
    said(folder, "answer", "t1", "5.1=pass", "7.1=pass", "6.1=fail")

    shown, told = said(folder, "show", "t1"), verdict(folder)

    assert "3/3" in said(folder, "tasks")
    assert [line.split()[0] for line in shown.splitlines() if line[:1].isdigit()] == [
        "5.1", "6.1", "7.1",
    ]  # fmt: skip
    assert (told["outcome"], told["failed"]) == ("remedied", ["6.1"])
