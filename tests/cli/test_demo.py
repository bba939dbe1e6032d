"""The demo is a test of the whole house: it fails when any of its invariants does."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from conftest import shared_data
from rich.console import Console

from cli.demo.story import Story

ROOT = Path(__file__).parents[2]


def demo(folder: Path, *arguments: str | Path, **environment: str) -> str:
    """Run the demo as a person would and give what it told."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo", "--folder", folder, *arguments],
        cwd=ROOT,
        env={**own, "COLUMNS": "160", "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_day_holds_on_both_databases(tmp_path: Path, database_url: str) -> None:
    told = demo(tmp_path / "demo", EVENHAND_DATABASE_URL=database_url)

    assert "invariants held" in told
    assert "✗" not in told
    assert (tmp_path / "demo" / "public" / "index.html").exists()


def test_a_program_reads_what_held(tmp_path: Path) -> None:
    told = json.loads(demo(tmp_path / "demo", "--json"))

    assert told["held"] is True
    assert len(told["checks"]) > 20
    assert all(one["holds"] for one in told["checks"])


def test_the_day_is_told_in_chinese(tmp_path: Path) -> None:
    told = demo(tmp_path / "demo", EVENHAND_LANG="zh")

    assert "项不变式全部成立" in told
    assert "断点续传" in told


def test_the_day_holds_on_a_real_register(tmp_path: Path) -> None:
    register = shared_data() / "toronto_dinesafe" / "dinesafe.2021.csv"
    mapping = ROOT / "fixtures" / "mappings" / "toronto_dinesafe.toml"

    told = demo(tmp_path / "demo", "--register", register, "--mapping", mapping)

    assert "9,070 rows became 5,431 establishments" in told
    assert "invariants held" in told


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")

    with pytest.raises(AssertionError, match="no demo made it"):
        demo(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "three years of work"


def test_an_invariant_that_fails_is_named_at_the_end() -> None:
    out = StringIO()
    story = Story(Console(file=out, width=100))
    story.check(True, "water is wet", "水是湿的")
    story.check(False, "pigs fly", "猪会飞")

    held = story.end()

    assert not held
    assert out.getvalue().count("pigs fly") == 2
