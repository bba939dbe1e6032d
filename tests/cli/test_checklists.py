"""检查表 from the command line: from a workbook to a form that is released and printed."""

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pypdfium2
import pytest
import xlsxwriter
from click.testing import Result
from python_calamine import CalamineWorkbook

from sync.checklist import parse

Evenhand = Callable[..., Result]
CATERING = Path(__file__).parents[2] / "fixtures" / "checklists" / "catering.toml"
SURVEY = (
    ("type", "name", "label::中文 (zh)", "label::English (en)", "ref"),
    ("begin group", "g", "证照", "Licences", ""),
    ("select_one yn", "lic", "许可证是否有效？", "Is the licence valid?", "3.10"),
    ("end group", "", "", "", ""),
)
CHOICES = (
    ("list_name", "name", "label::中文 (zh)", "label::English (en)"),
    ("yn", "yes", "是", "Yes"),
    ("yn", "no", "否", "No"),
)
SETTINGS = (
    ("form_title", "form_id", "version", "basis::中文", "basis::English"),
    ("表", "shop", "1", "《法》", "Law"),
)


def workbook(path: Path, **sheets: Sequence[Sequence[str]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for n, row in enumerate(rows):
                for column, cell in enumerate(row):
                    sheet.write_string(n, column, cell)
    return path


def form(path: Path) -> Path:
    return workbook(path, survey=SURVEY, choices=CHOICES, settings=SETTINGS, notes=[["any"]])


def refusal(done: Result) -> str:
    assert done.exit_code == 10, done.output
    return done.output


def test_a_workbook_becomes_a_file_that_is_released(evenhand: Evenhand, tmp_path: Path) -> None:
    written = tmp_path / "shop.toml"

    told = evenhand(
        "office", "checklist", "import", str(form(tmp_path / "shop.xlsx")), "--output", str(written)
    )
    released = evenhand("office", "checklist", "release", str(written))
    shown = json.loads(evenhand("office", "checklist", "show", "shop", "--json").stdout)

    assert told.exit_code == released.exit_code == 0, told.output + released.output
    assert "1 items in 1 sections" in told.stdout
    assert shown["sections"][0]["items"][0]["ref"] == "3.10"
    assert parse(written.read_bytes()).title.zh == "表"


def test_without_a_file_to_write_the_form_is_shown_and_the_notes_beside_it(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    path = form(tmp_path / "shop.xlsx")

    plain = evenhand("office", "checklist", "import", str(path), "--code", "other")
    data = json.loads(evenhand("office", "checklist", "import", str(path), "--json").stdout)

    assert parse(plain.stdout.encode()).code == "other"
    assert "note settings:2 form_title 表: The text is there in one language only" in plain.stderr
    assert (data["items"], data["sections"]) == (1, 1)
    assert parse(data["toml"].encode()).code == "shop"


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "REFUSED survey:3 type geopoint: A checklist has no such kind of item."),
        ("zh", "拒绝 survey:3 type geopoint: 检查表没有这类检查项。"),
    ],
)
def test_what_is_refused_is_told_by_row_in_both_languages(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str, said: str
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", lang)
    survey = [*SURVEY[:2], ("geopoint", "at", "地点", "Where", ""), *SURVEY[2:]]
    path = workbook(tmp_path / "f.xlsx", survey=survey, choices=CHOICES, settings=SETTINGS)
    written = tmp_path / "f.toml"

    told = refusal(evenhand("office", "checklist", "import", str(path), "--output", str(written)))

    assert said in told
    assert "xlsform.refused" in told
    assert not written.exists()


def _bomb(path: Path) -> Path:
    """Write a workbook of a few kilobytes that unpacks to many."""
    body = io.BytesIO(form(path).read_bytes())
    with zipfile.ZipFile(body, "a", zipfile.ZIP_DEFLATED) as box:
        box.writestr("xl/more.xml", b" " * (64 << 20))
    path.write_bytes(body.getvalue())
    return path


@pytest.mark.parametrize("what", ["text", "bomb", "sheets"])
def test_a_hostile_workbook_is_refused(evenhand: Evenhand, tmp_path: Path, what: str) -> None:
    path = tmp_path / "f.xlsx"
    if what == "text":
        path.write_text("type,name,label\ntext,a,b\n")
    elif what == "bomb":
        _bomb(path)
    else:
        workbook(path, **{f"s{n}": [["x"]] for n in range(30)})

    told = refusal(evenhand("office", "checklist", "import", str(path)))

    assert "xlsform.unreadable" in told


def test_a_file_that_is_far_larger_than_a_form_is_not_even_opened(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    path = tmp_path / "f.xlsx"
    with path.open("wb") as file:
        file.truncate((16 << 20) + 1)

    told = refusal(evenhand("office", "checklist", "import", str(path)))

    assert "xlsform.unreadable" in told
    assert "more than 16777216 bytes" in told


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [document[n].get_textpage().get_text_bounded() for n in range(len(document))]
    return "".join("".join(pages).split())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_released_form_is_printed_and_a_file_before_its_release_is_the_same(
    evenhand: Evenhand, tmp_path: Path, lang: str
) -> None:
    assert evenhand("office", "checklist", "release", str(CATERING)).exit_code == 0
    made: dict[str, bytes] = {}

    for name in ("catering-daily", str(CATERING)):
        for kind in ("pdf", "xlsx"):
            path = tmp_path / f"{len(made)}.{kind}"
            done = evenhand(
                "office", "checklist", "print", name, "--as", kind, "--language", lang,
                "--output", str(path),
            )  # fmt: skip
            assert done.exit_code == 0, done.output
            made[f"{name} {kind}"] = path.read_bytes()

    assert made["catering-daily pdf"] == made[f"{CATERING} pdf"]
    assert made["catering-daily xlsx"] == made[f"{CATERING} xlsx"]
    title = "餐饮服务日常监督检查表" if lang == "zh" else "Dailyinspectionofcateringservices"
    assert title in text_of(made["catering-daily pdf"])
    rows = CalamineWorkbook.from_filelike(io.BytesIO(made["catering-daily xlsx"]))
    assert title in str(rows.get_sheet_by_index(0).to_python()[0][0]).replace(" ", "")


def test_a_form_that_nobody_released_cannot_be_printed(evenhand: Evenhand) -> None:
    done = evenhand("office", "checklist", "print", "nothing")

    assert done.exit_code == 13
    assert "checklist.not-found" in done.output


def test_a_list_of_items_tells_limits_and_choices(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    path = CATERING.with_name("cold_store_2026_2.toml")

    told = evenhand("office", "checklist", "show", str(path)).stdout

    assert "≤ 15 °C" in told
    assert "frozen goods" in told
