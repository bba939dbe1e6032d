"""docs/how-to/import-an-xlsform.md is run as written, on the workbook that its tables are."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pages
import pytest
import xlsxwriter
from click.testing import Result

from backend.rules.xlsform_sheets import OWN

PAGE = pages.page("import-an-xlsform.md")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

Evenhand = Callable[..., Result]


def tables() -> list[list[list[str]]]:
    """Read the tables of the page."""
    found: list[list[list[str]]] = []
    for lines in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        head, _, *rows = lines.splitlines()
        found.append([[cell.strip() for cell in row[1:-1].split("|")] for row in (head, *rows)])
    return found


def workbook(path: Path) -> None:
    """Write the first three tables as the sheets that the page says they are."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in zip(("survey", "choices", "settings"), tables(), strict=False):
            sheet = book.add_worksheet(name)
            for n, row in enumerate(rows):
                for column, cell in enumerate(row):
                    sheet.write_string(n, column, cell)


def test_the_page_runs_as_it_is_written(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workbook(Path("stalls.xlsx"))

    ran: list[tuple[str, str, str]] = []
    for one in ("\n" + "".join(BLOCK.findall(PAGE))).split("\n$ evenhand ")[1:]:
        command, _, shown = one.partition("\n")
        done = evenhand(*shlex.split(command))
        ran.append((command, shown.strip(), done.output.strip()))

    assert len(ran) == 2
    for command, shown, happened in ran:
        assert happened == shown, command


def test_the_page_names_every_column_of_ours() -> None:
    named = {
        (sheet.strip(), column.partition("::")[0])
        for row in tables()[-1][1:]
        for sheet in row[0].split(",")
        for column in re.findall(r"`([^`]+)`", row[1])
    }

    assert named == {(sheet, column) for sheet, columns in OWN.items() for column in columns}
