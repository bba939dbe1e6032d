"""查找与查重 from the command line, on a local database with the fixture register."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

FIXTURES = Path(__file__).parents[2] / "fixtures"

Register = Callable[..., Result]


@pytest.fixture
def register(evenhand: Register) -> Register:
    """Run `office register …` on a local database that holds the register, as its admin."""

    def run(*words: str) -> Result:
        return evenhand("office", "register", *words)

    own = str(FIXTURES / "mappings" / "own.toml")
    done = run("import", "--mapping", own, str(FIXTURES / "registers" / "establishments.csv"))
    assert done.exit_code == 0, done.output
    return run


def test_a_register_is_searched_indexed_or_not(register: Register) -> None:
    words = ("search", "南塘惠民", "--category", "market", "--json")
    before = json.loads(register(*words).stdout)
    taken = register("index")
    after = json.loads(register(*words).stdout)
    initials = json.loads(register("search", "nthm", "--json").stdout)
    shown = register("search", "市场", "--limit", "3")

    assert "establishments indexed." in taken.output
    assert before["found"] == after["found"]
    assert "南塘惠民四农贸市场有限公司" in [one["name"] for one in after["found"]]
    assert all(one["category"] == "market" for one in after["found"])
    assert "南塘惠民四农贸市场有限公司" in [one["name"] for one in initials["found"]]
    assert "More: --after " in shown.output


def test_suspected_duplicates_are_listed_and_decided(register: Register, tmp_path: Path) -> None:
    head = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
    rows = (
        "91330106MA00000001,鳗江寿司餐饮有限公司,农贸市场,330106001,鳗江路12号,B,存续,,\n"
        "91330106MA00000002,鰻江壽司餐飲有限責任公司,农贸市场,330106001,鳗江路１２号,B,存续,,\n"
    )
    (tmp_path / "two.csv").write_text(head + rows, "utf-8")
    own = str(FIXTURES / "mappings" / "own.toml")
    assert "2 new" in register("import", "--mapping", own, str(tmp_path / "two.csv")).output

    shown = register("duplicates")
    pairs = json.loads(register("review", "--json", "--limit", "500").stdout)
    [pair] = [one for one in pairs if "寿司" in one["first"]["name"] + one["second"]["name"]]
    unsaid = register("review", pair["id"])
    decided = register("review", pair["id"], "--same")
    same = json.loads(register("review", "--same", "--json").stdout)

    assert "Nothing was merged." in shown.output
    assert unsaid.exit_code == 2
    assert decided.output == "Recorded: same.\n"
    assert [one["id"] for one in same] == [pair["id"]]
