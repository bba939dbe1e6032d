"""检查表打印: a blank form has every item, choice and limit, and is the same bytes each time."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from msgspec import structs
from python_calamine import CalamineWorkbook

from backend.prints import forms, forms_workbook, typeset
from backend.prints.limits import bounds
from backend.prints.paper_words import Language
from backend.prints.typeset import Fonts
from sync.checklist import Checklist, Limit, Text, parse

FOLDER = Path(__file__).parents[2] / "fixtures" / "checklists"
FORMS = {path.stem: parse(path.read_bytes()) for path in sorted(FOLDER.glob("*.toml"))}
RICH = ("cold_store_2026_2", "nyc_style")  # every kind of item, table, limit, condition and score


def squeezed(text: str) -> str:
    """Leave out spaces, and hyphens, of which those at the end of a line are lost."""
    return re.sub(r"[\s\u200b\ufffe\x02-]+", "", text)


def text_of(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [document[n].get_textpage().get_text_bounded() for n in range(len(document))]


def texts(form: Checklist, language: Language) -> list[str]:
    """List all that a form must show."""
    found = [form.title, *(one.title for one in form.sections)]
    found += [text for item in form.items for text in (item.text, item.basis)]
    found += [item.hint for item in form.items if item.hint]
    found += [one.text for item in form.items for one in (*item.limits,)]
    found += [one.text for item in form.items for one in (*item.choices,)]
    found += [one.text for item in form.items for one in (*item.columns,)]
    found += [one.text for item in form.items for c in item.columns for one in c.choices]
    found += [*(rule.text for rule in form.rules), *(one.text for one in form.scores)]
    return [forms.told(text, language) for text in found]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", RICH)
def test_a_printed_form_shows_all_that_is_asked(
    fonts: Fonts, name: str, language: Language
) -> None:
    form = FORMS[name]

    whole = squeezed("".join(text_of(forms.print_form(form, fonts, language))))

    missing = [one for one in texts(form, language) if squeezed(one) not in whole]
    assert missing == []
    assert whole.count("★") == sum(item.key for item in form.items) + 1
    assert squeezed(forms.WORDS["sign_witness"][language == "zh"]) in whole


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_workbook_of_a_form_holds_every_item_as_text(language: Language) -> None:
    form = FORMS["food_sales_2026_2"]

    book = CalamineWorkbook.from_filelike(io.BytesIO(forms_workbook.write(form, language)))

    rows = book.get_sheet_by_index(0).to_python()
    refs = [item.ref for item in form.items]
    assert [row[0] for row in rows if row[0] in refs] == refs
    assert [row[0] for row in rows if row[1] == "★"][1:] == [i.ref for i in form.items if i.key]
    told = {str(row[2]).partition("\n")[0] for row in rows}
    assert {forms.told(item.text, language) for item in form.items} <= told


def test_a_table_has_a_worksheet_of_its_own_with_its_columns_and_limits() -> None:
    form = FORMS["cold_store_2026_2"]

    book = CalamineWorkbook.from_filelike(io.BytesIO(forms_workbook.write(form, "zh")))

    (name,) = (one for one in book.sheet_names if one.startswith("2.1 "))
    _, head, below, *_ = book.get_sheet_by_name(name).to_python()
    assert head[:3] == ["库间编号 *", "存放品类 *", "空气温度 *"]
    assert "冻品 ≤ −18 °C" in str(below[2])


@pytest.mark.parametrize("name", FORMS)
def test_the_same_form_gives_the_same_workbook(name: str) -> None:
    once = forms_workbook.write(FORMS[name], "zh")

    assert once == forms_workbook.write(FORMS[name], "zh")
    assert once != forms_workbook.write(FORMS[name], "en")


def test_the_same_form_gives_the_same_pages_with_their_fonts(fonts: Fonts) -> None:
    form = FORMS["catering"]

    once = forms.print_form(form, fonts, "zh")

    assert once == forms.print_form(form, typeset.fonts(), "zh")
    assert once != forms.print_form(form, fonts, "en")
    with pypdfium2.PdfDocument(once) as document:
        drawn: list[Any] = [
            one
            for n in range(len(document))
            for one in document[n].get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT])
        ]
        embedded = {
            pdfium.FPDFFont_GetIsEmbedded(pdfium.FPDFTextObj_GetFont(one.raw)) for one in drawn
        }
    assert embedded == {1}
    assert b"pdfaid:part" in once


@pytest.mark.parametrize("name", FORMS)
def test_every_form_that_is_shipped_fits_its_pages(fonts: Fonts, name: str) -> None:
    form = FORMS[name]
    data = forms.form_data(form, "zh")

    pictures = typeset.pictures("checklist", data, forms.DATED, fonts, dots=20)

    assert 1 <= len(pictures) <= 5, "a form of so many items is short enough to be carried"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (None, "-18", "≤ −18 °C"), ("0", "4", "0 to 4 °C"), ("-30", "-18", "−30 to −18 °C"),
        ("1", None, "≥ 1 °C"), (None, None, ""), ("0", None, "≥ 0 °C"),
    ],
)  # fmt: skip
def test_a_limit_is_said_as_people_read_it(low: str | None, high: str | None, said: str) -> None:
    limit = Limit(code="x", text=Text(en="x", zh="某"), minimum=low, maximum=high)

    assert bounds(limit, "°C", "en") == said
    assert bounds(limit, "°C", "zh") == said.replace(" to ", "～")
    assert bounds(limit, "°C", "en", minus="-") == said.replace("−", "-")


def test_a_condition_names_the_answer_that_its_question_was_asked_for() -> None:
    toml = (FOLDER / "catering.toml").read_text("utf-8")
    toml = toml.replace(
        'ref = "2.1"\n', 'ref = "2.1"\nwhen = { item = "1.1", one_of = ["pass"] }\n'
    )
    turned = toml.replace('ref = "1.1"\n', 'ref = "1.1"\nexpect = "no"\n')

    said = [
        forms.only(item.when, form, language)
        for form in (parse(toml.encode()), parse(turned.encode()))
        for item in form.items
        if item.ref == "2.1"
        for language in ("en", "zh")
    ]

    assert said == ["Only if 1.1: Yes", "仅当 1.1 为“是”", "Only if 1.1: No", "仅当 1.1 为“否”"]


def test_a_box_stands_for_every_answer_that_may_be_given_and_for_no_other() -> None:
    data: Any = forms.form_data(FORMS["catering"], "zh")

    items = {item["ref"]: item for section in data["sections"] for item in section["items"]}
    boxes = {ref: [part["box"] for part in item["answer"]] for ref, item in items.items()}
    assert boxes["1.1"] == ["是", "否"]
    assert boxes["2.1"] == ["是", "否", "合理缺项"]


def test_a_table_says_what_may_be_chosen_in_its_columns() -> None:
    data: Any = forms.form_data(FORMS["farmers_market"], "en")

    (stalls, _) = [one for part in data["sections"] for one in part["items"] if one["columns"]]
    assert "licence or filing: yes · no · not needed" in stalls["legend"]


def test_no_text_of_a_form_becomes_a_formula() -> None:
    toml = (FOLDER / "catering.toml").read_text("utf-8")
    form = parse(toml.replace('zh = "餐饮服务日常监督检查表"', 'zh = "=1+1"').encode())
    section = form.sections[0]
    item = structs.replace(section.items[0], text=Text(en="=1+1", zh="=1+1"))
    form = structs.replace(form, sections=(structs.replace(section, items=(item,)),))

    book = forms_workbook.write(form, "zh")

    with zipfile.ZipFile(io.BytesIO(book)) as box:
        sheets = [box.read(one) for one in box.namelist() if "worksheets/" in one]
    assert sheets
    assert not any(b"<f>" in one for one in sheets)
