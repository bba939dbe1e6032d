"""名录库与检查表 from the command line, on a local database."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main

FIXTURES = Path(__file__).parents[2] / "fixtures"
OWN = str(FIXTURES / "mappings" / "own.toml")

Evenhand = Callable[..., Result]


def register(name: str) -> str:
    return str(FIXTURES / "registers" / f"{name}.csv")


def test_the_registers_are_imported_and_listed(evenhand: Evenhand) -> None:
    load = ("office", "register", "import", "--mapping", OWN)
    objects = evenhand(*load, register("establishments"))
    people = evenhand(*load, "--inspectors", register("inspectors"), "--json")
    apart = evenhand(*load, "--recusals", register("recusals"), "--json")
    look = ("office", "register", "list", "--json")
    stores = evenhand(*look, "--category", "cold-store", "--limit", "500")
    inspectors = evenhand(*look, "--inspectors")
    recusals = evenhand(*look, "--recusals")

    assert objects.exit_code == 0, objects.output
    assert "2000 new, 0 changed, 0 unchanged, 3 refused" in objects.output
    assert "row.columns-wrong × 2 (left out)" in objects.output
    assert "establishments.csv:2004 登记状态 状态待核" in objects.output
    assert "… and 64 more" in objects.output
    assert json.loads(people.stdout)["created"] == 60
    assert json.loads(apart.stdout)["created"] == 40
    assert len(json.loads(stores.stdout)) == 80
    assert len(json.loads(inspectors.stdout)) == 60
    assert len(json.loads(recusals.stdout)) == 40


def test_the_import_speaks_chinese_to_who_asks_for_it(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")

    told = evenhand("office", "register", "import", "--mapping", OWN, register("establishments"))

    assert "新增 2000，变更 0，未变 0，拒绝 3" in told.output
    assert "未导入" in told.output


def test_a_file_of_another_shape_is_refused_with_the_exit_status_of_its_kind(
    evenhand: Evenhand,
) -> None:
    load = ("office", "register", "import", "--mapping", OWN)

    wrong = evenhand(*load, register("inspectors"))

    assert wrong.exit_code == 10
    assert "mapping.column-missing" in wrong.output


def test_checklists_are_released_listed_and_shown(evenhand: Evenhand, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    text = (FIXTURES / "checklists" / "cold_store.toml").read_text("utf-8")
    broken.write_text(text.replace('unit = "°C"\n', "", 1), "utf-8")

    released = [
        evenhand("office", "checklist", "release", str(FIXTURES / "checklists" / name))
        for name in ("cold_store.toml", "food_sales.toml")
    ]
    listed = evenhand("office", "checklist", "list", "--json")
    shown = evenhand("office", "checklist", "show", "cold-store-daily")
    refused = evenhand("office", "checklist", "release", str(broken))
    missing = evenhand("office", "checklist", "show", "nothing")

    assert [one.exit_code for one in released] == [0, 0]
    assert [one["code"] for one in json.loads(listed.stdout)] == [
        "cold-store-daily",
        "food-sales-daily",
    ]
    assert "≤ -18 °C" in shown.output
    assert "0 to 8 °C" in shown.output
    assert json.loads(listed.stdout)[0]["digest"] in shown.output
    assert refused.exit_code == 10
    assert "A temperature item needs a unit." in refused.output
    assert missing.exit_code == 13


def test_standard_input_is_imported_and_guessed(evenhand: Evenhand) -> None:
    body = gzip.compress((FIXTURES / "registers" / "establishments.csv").read_bytes())

    done = CliRunner().invoke(
        main, ["office", "register", "import", "--mapping", OWN, "-", "--json"], input=body
    )
    guessed = CliRunner().invoke(main, ["office", "register", "guess", "-", "--json"], input=body)

    assert json.loads(done.stdout)["created"] == 2000
    assert json.loads(guessed.stdout)["open"] == []
    assert json.loads(guessed.stdout)["detected"]["packed"] == "gzip"
