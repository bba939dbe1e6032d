"""风险等级 from the command line, on a local database with the fixture register."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from backend.rules.calendar import local_day

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_visits_due_are_shown_by_class_in_both_languages(
    evenhand: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = str(FIXTURES / "mappings" / "own.toml")
    source = str(FIXTURES / "registers" / "establishments.csv")
    assert evenhand("office", "register", "import", "--mapping", own, source).exit_code == 0

    page = json.loads(evenhand("office", "risk", "--owing", "--limit", "3", "--json").stdout)
    english = evenhand("office", "risk", "--limit", "3")
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    chinese = evenhand("office", "risk", "--limit", "3", "--after", page["after"])

    sums = {one["risk"]: one for one in page["sums"]}
    assert sums["D"]["due"] == 3 * sums["D"]["establishments"] > 0
    assert sums["D"]["owing"] == sums["D"]["due"]
    assert len(page["rows"]) == 3
    assert page["rows"][-1]["code"] == page["after"]
    assert f"{local_day(datetime.now(UTC)).year}, by: Trial measures" in english.stdout
    assert "by the records" in english.stdout
    assert f"More: --after {page['after']}" in english.stdout
    assert "应查户次" in chinese.stdout
    assert page["rows"][0]["code"] not in chinese.stdout
