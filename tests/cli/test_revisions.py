"""导入批次 from the command line: dry run, report, history and undo, on a local database."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from python_calamine import CalamineWorkbook

FIXTURES = Path(__file__).parents[2] / "fixtures"
REGISTER = FIXTURES / "registers" / "establishments.csv"

Evenhand = Callable[..., Result]


def test_an_import_is_tried_reported_done_looked_up_and_undone(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    report, fewer = tmp_path / "report.xlsx", tmp_path / "fewer.csv"
    lines = REGISTER.read_text("utf-8").splitlines(keepends=True)
    fewer.write_text("".join([lines[0], lines[1].replace("存续", "注销"), *lines[2:1000]]), "utf-8")
    code = lines[1].split(",")[0]
    load = ("office", "register", "import", "--mapping", str(FIXTURES / "mappings" / "own.toml"))

    dry = evenhand(*load, "--dry-run", "--report", str(report), str(REGISTER))
    first = evenhand(*load, "--json", str(REGISTER))
    second = evenhand(*load, "--missing", "mark", str(fewer))
    listed = json.loads(evenhand("office", "register", "history", "--json").stdout)
    history = evenhand("office", "register", "history", code)
    refused = evenhand("office", "register", "undo", listed[1]["id"])
    undone = evenhand("office", "register", "undo", listed[0]["id"])

    assert dry.exit_code == 0, dry.output
    assert "2000 new" in dry.output
    assert "Nothing was written (--dry-run)." in dry.output
    sheet = CalamineWorkbook.from_path(report).get_sheet_by_name("problems").to_python()
    assert len(sheet) == 1 + 3 + 74
    assert sheet[1][:2] == ["establishments.csv", 2002.0]
    assert all(all(row[6:10]) for row in sheet)
    assert json.loads(first.stdout)["created"] == 2000
    missing = int(re.search(r"(\d+) are not in the files: marked as missing", second.output)[1])
    assert 900 < missing < 1001  # the cancelled are free to go
    assert [one["changed"] for one in listed] == [1, 0]
    assert "status: active → cancelled" in history.output
    assert refused.exit_code == 14
    assert "revision.changed-later" in refused.output
    assert f"Undone: {missing + 1} restored, 0 removed, 0 later changes given up." in undone.output


def test_a_report_that_cannot_be_written_is_told_before_anything_is_imported(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    target = tmp_path / "nowhere" / "report.xlsx"

    load = ("office", "register", "import", "--report", str(target), str(REGISTER))
    refused = evenhand(*load, "--mapping", str(FIXTURES / "mappings" / "own.toml"))
    export = evenhand("office", "register", "export", "leave", "--output", str(target))

    assert refused.exit_code == export.exit_code == 2
    assert "No file can be written in" in refused.stderr
    assert json.loads(evenhand("office", "register", "history", "--json").stdout) == []
