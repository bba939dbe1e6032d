"""`evenhand draw simulate`: tables and plots of many trials, of a bundle or of a plan."""

import json
from collections.abc import Callable
from pathlib import Path

import drawings
import msgspec
import pytest
from click.testing import CliRunner, Result

from backend.rules import bundle
from cli import draw_simulate
from cli.main import main
from sync.refusals import Reason

Evenhand = Callable[..., Result]
FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "bundle", drawings.committed())


def save(folder: Path, files: bundle.Files) -> Path:
    folder.mkdir()
    for name, body in files.items():
        (folder / name).write_bytes(body)
    return folder


def simulate(plan: object, *options: str, lang: str = "en") -> Result:
    words = ["draw", "simulate", str(plan), *options]
    return CliRunner().invoke(main, words, env={"EVENHAND_LANG": lang, "COLUMNS": "160"})


def test_a_commitment_is_tried_out_before_it_is_held(folder: Path) -> None:
    told = simulate(folder, "--seeds", "200")

    assert told.exit_code == 0, told.output
    assert "200 trials. These seeds can never be those of a draw." in told.output
    row = next(line for line in told.output.splitlines() if line.startswith("all "))
    assert row.split()[1:5] == ["51", "1.5", "4", "7.8%"]
    assert "━●━" in told.output
    assert "Inspectors: drawn in all 200 trials." in told.output
    assert "nothing gave way: 200" in told.output
    assert "█" in told.output
    assert "pairs went together" in told.output


def test_no_site_is_ever_named(folder: Path) -> None:
    told = simulate(folder, "--seeds", "20").output + simulate(folder, "--json").output

    assert "9131010100000" not in told
    assert "食摊" not in told


def test_it_speaks_chinese_and_json(folder: Path) -> None:
    chinese = simulate(folder, "--seeds", "50", lang="zh").output
    report = json.loads(simulate(folder, "--seeds", "50", "--json").stdout)

    assert "预演 50 次。所用种子不可能成为抽取种子。" in chinese
    assert "每人每次任务数" in chinese
    assert (report["trials"], report["paired"]) == (50, 50)
    assert report["strata"][0]["drawn_mean"] == 4.0


def test_a_plan_that_cannot_be_staffed_says_how_often_and_what_would_help(tmp_path: Path) -> None:
    crew = [msgspec.structs.replace(one, cap=1) for one in drawings.roster(3)]
    folder = save(tmp_path / "bundle", drawings.committed(inspectors=crew))

    told = simulate(folder, "--seeds", "20").output

    assert "No pairing on any rung: 20 (95 % interval 83.9% to 100.0%)." in told
    assert "in 20 it would have helped if the inspectors had more free seats" in told
    assert "e.g. " in told
    assert "pairs went together" not in told


def test_fewer_pairings_than_trials_are_admitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.rules.rehearsal.PAIR_STEPS_MAX", 1)

    told = simulate(folder, "--seeds", "40").output

    assert "drawn in the first 10 trials only, since each takes long" in told


def test_what_is_no_bundle_is_refused(folder: Path) -> None:
    (folder / "task.json").write_bytes(b"{}")

    refused = simulate(folder)

    assert refused.exit_code == Reason.BUNDLE_UNREADABLE.kind


def test_a_frame_without_anybody_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "bundle", drawings.committed(frozen=bundle.freeze([])))

    refused = simulate(folder)

    assert refused.exit_code == Reason.PLAN_DRAWS_NOBODY.kind


def test_a_bar_grows_by_eighths_of_a_character() -> None:
    bars = [draw_simulate.bar(n / (8 * draw_simulate.WIDE)) for n in range(10)]

    assert bars == ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█", "█▏"]


def test_a_plan_of_the_server_is_tried_out_and_stays_undrawn(evenhand: Evenhand) -> None:
    mapping = str(FIXTURES / "mappings" / "own.toml")
    registers = FIXTURES / "registers"
    for words in (
        ("office", "register", "import", "--mapping", mapping,
         str(registers / "establishments.csv")),
        ("office", "register", "import", "--mapping", mapping, "--inspectors",
         str(registers / "inspectors.csv")),
        ("office", "checklist", "release", str(FIXTURES / "checklists" / "cold_store.toml")),
        ("office", "account", "create", "wang", "--role", "supervisor", "--division", "330106"),
        ("office", "login", "wang"),
    ):  # fmt: skip
        assert evenhand(*words).exit_code == 0, words
    made = evenhand(
        "office", "plan", "create", "预演", "--division", "330106", "--rate", "3%", "--minimum",
        "5", "--strata", "risk", "--opens", "2026-12-01", "--closes", "2026-12-31",
        "--checklist", "*=cold-store-daily", "--json",
    )  # fmt: skip
    plan = json.loads(made.stdout)

    told = evenhand("draw", "simulate", plan["id"], "--seeds", "20", "--json")
    after = evenhand("office", "plan", "show", plan["id"], "--json")

    report = json.loads(told.stdout)
    assert sum(one["eligible"] for one in report["strata"]) == plan["eligible"]
    assert sum(one["drawn_mean"] for one in report["strata"]) == plan["sites"]
    assert json.loads(after.stdout)["draws"] == []
