"""The forms that are shipped: they parse, speak both languages, and agree with their sources."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from conftest import shared_data

from sync.checklist import Kind, Text, canonical, load, parse

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


@pytest.mark.parametrize("name", FORMS)
def test_a_unit_is_written_as_every_reader_reads_it(name: str) -> None:
    columns = [column for item in FORMS[name].items for column in item.columns]

    units = {one.unit for one in (*FORMS[name].items, *columns)}

    assert units <= {"", "°C", "%", "d", "g", "kg", "CNY"}


def test_no_two_forms_are_the_same_version_of_the_same_code() -> None:
    versions = [(form.code, form.version) for form in FORMS.values()]

    assert len(versions) >= 12
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


def test_the_rooms_of_a_cold_store_have_the_limit_of_what_is_kept_in_them() -> None:
    rooms = FORMS["cold_store_2026_2"].item("2.1")
    assert rooms is not None
    goods, read = (
        next(c for c in rooms.columns if c.code == code) for code in ("goods", "temperature")
    )

    limits = {one.code: (one.minimum, one.maximum) for one in read.limits}

    assert read.by == "goods"
    assert [one.code for one in goods.choices] == [one.code for one in read.limits]
    assert limits == {
        "frozen": (None, "-18"), "chilled": ("0", "4"), "produce": ("0", "7"),
        "ice-cream": (None, "-23"), "tuna": (None, "-50"),
    }  # fmt: skip


def test_papers_of_imported_food_are_asked_for_only_where_there_is_some() -> None:
    form = FORMS["cold_store_2026_2"]

    asked = {item.ref: item.when.one_of for item in form.items if item.when is not None}

    assert asked == {
        **{f"3.{n}": ("direct", "warehouse") for n in (2, 3, 4, 6, 7, 8)}, "3.5": ("warehouse",)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ref", "low", "high"),
    [
        ("live_poultry_1110", "2.2", None, "0"),  # 一日一清洗消毒
        ("live_poultry_1110", "4.1", "1", None),  # 一月一休市
        ("live_poultry_1110", "5.1", None, "0"),  # 过夜零存栏
        ("school_canteen", "4.2", "70", None),
        ("school_canteen", "4.3", "60", None),
        ("school_canteen", "5.2", "125", None),
        ("school_canteen", "5.3", "0", "8"),
        ("cold_store_2026_2", "1.3", None, "0"),
    ],
)
def test_a_reading_has_the_limits_of_its_rule(
    name: str, ref: str, low: str | None, high: str | None
) -> None:
    item = FORMS[name].item(ref)

    assert item is not None
    assert (item.minimum, item.maximum) == (low, high)


def test_every_kind_of_item_is_shown_by_a_form_that_is_shipped() -> None:
    kinds = {item.kind for form in FORMS.values() for item in form.items}

    assert kinds == set(get_args(Kind))
