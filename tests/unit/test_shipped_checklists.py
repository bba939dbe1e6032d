"""The forms that are shipped: they parse, speak both languages, and agree with their sources."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import shared_data

from sync.checklist import Text, canonical, load, parse

FOLDER = Path(__file__).parents[2] / "fixtures" / "checklists"
FORMS = {path.stem: parse(path.read_bytes()) for path in sorted(FOLDER.glob("*.toml"))}
KEY = {
    "catering": "3.1 3.2 4.1 4.2 6.1 8.4 9.3",
    "food_sales_2026_2": "3.1 3.2 3.3 3.5 3.7 3.10 3.11 6.1 6.3 6.6 6.7 6.8",
}
NATIONAL = {
    "catering": ("catering_daily_2016.json", 9, 30),
    "food_sales_2026_2": ("food_sales_daily_2016.json", 11, 54),
}
EXPECTED = {"是": "yes", "否": "no"}


def texts(value: object) -> Iterator[Text]:
    """Walk every text for people in a form."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from texts(one)


@pytest.mark.parametrize("name", FORMS)
def test_every_text_of_a_form_is_in_both_languages(name: str) -> None:
    told = list(texts(FORMS[name]))

    assert len(told) > 20
    for text in told:
        assert text.en != text.zh
        assert any("\u4e00" <= one <= "\u9fff" for one in text.zh), text
        assert not any("\u3000" <= one <= "\u9fff" for one in text.en), text


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_the_same_after_its_canonical_json(name: str) -> None:
    assert load(canonical(FORMS[name])) == FORMS[name]


def test_no_two_forms_are_the_same_version_of_the_same_code() -> None:
    versions = [(form.code, form.version) for form in FORMS.values()]

    assert len(versions) >= 4
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("name", FORMS)
def test_no_form_asks_the_same_twice(name: str) -> None:
    asked = [text for item in FORMS[name].items for text in (item.text.en, item.text.zh)]

    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("name", NATIONAL)
def test_a_national_form_has_the_items_key_items_and_answers_of_its_source(name: str) -> None:
    file, sections, count = NATIONAL[name]
    source: dict[str, Any] = json.loads((shared_data() / "checklists" / file).read_text("utf-8"))

    form = FORMS[name]

    assert (len(form.sections), len(list(form.items))) == (sections, count)
    for item, known in zip(form.items, source["items"], strict=True):
        assert (item.ref, item.key) == (known["ref"], known["key"])
        assert item.expect == EXPECTED.get(known["expect"], item.expect)
        assert item.text.zh.rstrip("？。") not in known["text"], "our own wording"


def test_the_numbers_of_a_national_form_are_texts_in_its_order() -> None:
    refs = [item.ref for item in FORMS["food_sales_2026_2"].items]

    assert refs.index("3.10") == refs.index("3.9") + 1
    assert refs.index("11.10") == len(refs) - 1
    assert "3.1" in refs


def test_a_compound_question_became_one_that_has_a_single_compliant_answer() -> None:
    form = FORMS["food_sales_2026_2"]

    answers = {item.ref: item.expect for item in form.items if item.expect == "no"}

    assert set(answers) == {"3.8", "3.9", "4.3", "5.3", "9.3", "11.1", "11.4", "11.7"}


@pytest.mark.parametrize("name", KEY)
def test_a_visit_examines_at_least_three_key_and_seven_general_items(name: str) -> None:
    form = FORMS[name]

    assert " ".join(item.ref for item in form.items if item.key) == KEY[name]
    assert (form.examined_min.key, form.examined_min.general) == (3, 7)
