"""The catalogue, the list of results and complaints from the command line."""

from pathlib import Path

import pytest
from bureau import Evenhand, open_office, told
from rows import CATALOGUE

CODE = "92330106MAUX4U4Q3W"
FILE = (
    "编号,类型,渠道,接收日期,事项,地点,区划代码\n"
    "12345-1,举报,12345,2026-02-02,无证冷库,3号仓库,330106\n"
)


def test_a_catalogue_is_released_listed_and_shown(evenhand: Evenhand, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(CATALOGUE.read_text("utf-8").replace("minor", "mild", 1), "utf-8")

    released = told(evenhand("office", "catalogue", "release", str(CATALOGUE), "--json"))
    refused = evenhand("office", "catalogue", "release", str(wrong))
    listed = told(evenhand("office", "catalogue", "list", "--json"))
    shown = evenhand("office", "catalogue", "show", "market-supervision")
    data = told(evenhand("office", "catalogue", "show", released["digest"], "--json"))

    assert [one["digest"] for one in listed] == [released["digest"]]
    assert "line:" in refused.stderr
    assert "metrology-03" in shown.stdout
    assert released["digest"] in shown.stdout
    assert data["code"] == "market-supervision"


def test_the_results_are_listed_in_chinese_words(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "160")

    lines = evenhand("office", "result", "list").stdout.splitlines()

    unreachable = next(line for line in lines if line.startswith("unreachable"))
    assert unreachable.split()[-3:] == ["经办人员", "无", "说明、证据"]


def test_the_results_of_a_division_are_listed_with_its_own_codes(evenhand: Evenhand) -> None:
    open_office(evenhand)

    ours = told(evenhand("office", "result", "list", "--json"))
    shown = evenhand("office", "result", "list").stdout

    codes = {one["code"]: (one["number"], one["local"]) for one in ours["results"]}
    assert ours["name"] == "zhejiang 2026.1"
    assert codes["unreachable"] == ("4", "6")
    assert "unreachable" in shown
    assert "Ordered to be put right" in shown


def test_complaints_are_entered_answered_and_watched(evenhand: Evenhand, tmp_path: Path) -> None:
    open_office(evenhand)
    site = told(evenhand("office", "register", "list", "--json"))[0]["code"]
    file, wrong = tmp_path / "a.csv", tmp_path / "b.csv"
    file.write_text(FILE, "utf-8")
    wrong.write_text(FILE.replace("举报", "表扬"), "utf-8")
    number = "12315-1"

    added = evenhand(
        "office", "complaints", "add", number, "冷库异味", "--kind", "complaint",
        "--received", "2026-02-27", "--code", site,
    )  # fmt: skip
    imported = evenhand("office", "complaints", "import", str(file))
    refused = evenhand("office", "complaints", "import", str(wrong))
    overdue = told(evenhand("office", "complaints", "list", "--overdue", "--json"))
    extended = evenhand("office", "complaints", "extend", "12345-1", "--reason", "需检验")
    accepted = evenhand("office", "complaints", "accept", number)
    closed = told(evenhand("office", "complaints", "close", number, "--answer", "属实", "--json"))
    rejected = told(
        evenhand("office", "complaints", "reject", "12345-1", "--reason", "x", "--json")
    )

    assert added.exit_code == 0, added.output
    assert "accept by 2026-03-09" in added.stdout
    assert "Entered: 1, known already: 0." in imported.stdout
    assert "row: 2" in refused.stderr
    assert {one["number"] for one in overdue} == {number, "12345-1"}
    assert extended.exit_code == accepted.exit_code == 0
    assert (closed["state"], closed["answer"]) == ("closed", "属实")
    assert rejected["state"] == "rejected"
    assert told(evenhand("office", "complaints", "list", "--json")) == []


def test_complaints_are_told_in_chinese(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_office(evenhand)
    file = tmp_path / "a.csv"
    file.write_text(FILE + "12315-1,投诉,12315,2026-02-27,异味,4号仓库,330106\n", "utf-8")
    evenhand("office", "complaints", "import", str(file))
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "240")

    accepted = evenhand("office", "complaints", "accept", "12315-1").stdout
    listed = evenhand("office", "complaints", "list").stdout
    closed = evenhand("office", "complaints", "close", "12315-1", "--answer", "属实").stdout

    assert "12315-1：已受理；应于 " in accepted
    assert " 前办结。" in accepted
    assert "举报" in listed
    assert "已接收" in listed
    assert not {"report", "received", "close", "true"} & set(listed.split())
    assert closed == "12315-1：已办结。\n"
