"""`evenhand device find --violation`, `violations`, `site`: quoting and looking back offline."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from handset import enrolled
from rows import CATALOGUE

from cli.main import main
from sync import violations
from sync.checklist import Text
from sync.history import Found, Grievance, History, Offence, Order, Permit, Visit
from sync.store import Row

LIST = violations.parse(CATALOGUE.read_bytes())
TODAY = datetime.now(UTC).date()
BEFORE = TODAY - timedelta(days=200)
HISTORY = History(
    as_of=TODAY,
    risk="C",
    credit_class="B",
    visits=(
        Visit(
            "v1", BEFORE, "draw", "cold-store-daily 2026.1", Text("Problems found", "发现问题"),
            ("3.4",), (Found("No price marked", "price-01", fixed=True),),
        ),
    ),
    offences=(Offence("price-01", "v1", BEFORE),),
    orders=(Order("v1", ("3.4",), TODAY),),
    permits=(Permit("JY1", "food-operation", "active", None),),
    complaints=(Grievance("12315-7", "report", BEFORE, "冷库异味", "closed"),),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device with a task that has a history, and one that has none."""
    monkeypatch.setenv("EVENHAND_LANG", "en")
    first = {"history": HISTORY, "returned": "price not clear"}
    home = enrolled(tmp_path / "phone", first, {"id": "t2"})
    body = violations.canonical(LIST)
    home.store.put_row(Row("u:li", "catalogue", violations.digest(LIST), "r", body))
    home.close()
    return tmp_path / "phone"


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["device", *words, "--home", str(folder)])


def told(folder: Path, *words: str) -> Any:
    done = run(folder, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_finding_quotes_the_act_and_says_that_it_was_found_before(folder: Path) -> None:
    said = run(folder, "find", "t1", "--violation", "price-01", "--item", "1.1", "--fixed")
    first = run(folder, "find", "t1", "Nothing marked", "--violation", "metrology-03")
    unknown = run(folder, "find", "t2", "--violation", "price-01")
    found = told(folder, "show", "t1")["inspection"]["findings"]
    shown = run(folder, "show", "t1")

    by_code = {one["violation"]: one for one in found}
    assert by_code["price-01"]["text"] == "Goods or services without a clear price"
    assert by_code["price-01"]["basis"] == "Price Law, art. 13, 42"
    assert by_code["price-01"]["catalogue"] == violations.digest(LIST)
    assert by_code["price-01"]["repeats"] == ["v1"]
    assert by_code["price-01"]["fixed"] is True
    assert by_code["metrology-03"]["text"] == "Nothing marked"
    assert f"found before ({BEFORE})" in said.stdout
    assert "without a penalty" not in said.stdout
    assert "Installed and verified within the term." in first.stdout
    assert "not known here" in unknown.stdout
    assert "(put right on the spot) (found before)" in shown.stdout
    assert "Returned: price not clear" in shown.stdout
    assert "12315-7" in shown.stdout


def test_a_finding_needs_words_and_a_basis_or_an_act_of_the_list(folder: Path) -> None:
    words = run(folder, "find", "t1", "dirty")
    nobody = run(folder, "find", "t1", "--violation", "price-99")

    assert words.exit_code == 2
    assert "violation.unknown" in nobody.stderr
    assert told(folder, "show", "t1")["inspection"]["findings"] == []


def test_violations_are_looked_up_by_words(folder: Path) -> None:
    found = told(folder, "violations", "公平秤")
    every = told(folder, "violations")

    assert [one["code"] for one in found] == ["metrology-03"]
    assert found[0]["first_exempt"] == "Installed and verified within the term."
    assert len(every) == len(list(LIST.violations))


def test_licences_and_complaints_are_told_in_chinese(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")

    shown = run(folder, "site", "t1").stdout

    assert "许可证 JY1（食品经营许可，有效）有效期至 长期" in shown
    assert f"12315-7，{BEFORE}（已办结）：冷库异味" in shown


def test_a_site_shows_its_history_and_a_task_without_one_says_so(folder: Path) -> None:
    shown = run(folder, "site", "t1").stdout
    none = run(folder, "site", "t2").stdout
    data = told(folder, "site", "t1")
    states = [one["state"] for one in told(folder, "tasks")]

    for words in ("risk C, credit B", "failed: 3.4", "price-01 No price marked", "due", "JY1",
                  "without end", "12315-7", "Returned: price not clear"):  # fmt: skip
        assert words in shown
    assert "No history came with this task." in none
    assert msgspec.convert(data["history"], History) == HISTORY
    assert sorted(states) == ["new", "returned"]
