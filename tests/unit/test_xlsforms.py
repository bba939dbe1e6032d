"""XLSForm 导入: what becomes of its rows, and what is said of those that a checklist cannot be."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.rules.xlsform_expressions import Condition, Limits, condition, limits
from backend.rules.xlsforms import Conversion, convert
from sync.checklist import Checklist, Item, Text, parse

Rows = Sequence[Sequence[str]]
HEAD = ("type", "name", "label::中文 (zh)", "label::English (en)")
BASED = {"form_title": "表", "form_id": "Cold_Store", "version": "7", "basis::中文": "《法》"}
BASIS = {**BASED, "basis::English": "Law", "title::中文": "冷库表", "title::en": "Cold stores"}
YES_NO: Rows = (
    ("list_name", "name", "label::中文 (zh)", "label::English (en)"),
    ("yn", "yes", "是", "Yes"), ("yn", "no", "否", "No"),
    ("ynn", "yes", "是", "Yes"), ("ynn", "no", "否", "No"), ("ynn", "na", "不适用", "N/A"),
    ("goods", "frozen_fish", "冻鱼", "Frozen fish"), ("goods", "奶", "牛奶", "Milk"),
)  # fmt: skip


def book(survey: Rows, choices: Rows = YES_NO, settings: dict[str, str] = BASIS) -> Conversion:
    sheets = {
        "survey": survey, "choices": choices, "settings": [list(settings), list(settings.values())]
    }  # fmt: skip
    return convert({name: rows for name, rows in sheets.items() if rows}, "form.xlsx")


def made(conversion: Conversion) -> Checklist:
    assert conversion.toml, conversion.problems
    return parse(conversion.toml.encode())


def only(survey: Rows, **more: Rows) -> Item:
    (item,) = made(book(survey, **more)).items
    return item


def told(conversion: Conversion) -> list[tuple[str, str, int, str, str]]:
    """List what was said of single rows."""
    return [(p.code, p.sheet, p.row, p.column, p.value) for p in conversion.problems if p.row]


def test_groups_become_sections_and_questions_items_in_both_languages() -> None:
    survey = (
        HEAD,
        ("begin group", "g", "一、证照", "Licences"),
        ("select_one ynn", "lic", "证照有效？", "Is the licence valid?"),
        ("end group", "", "", ""),
        ("text", "more", "其他情况", "Anything else"),
    )

    form = made(book(survey))

    assert (form.code, form.version) == ("cold-store", "7")
    assert form.title == Text(en="Cold stores", zh="冷库表")
    assert [one.title.zh for one in form.sections] == ["一、证照", "冷库表"]
    assert [(one.ref, one.kind, one.text.en) for one in form.items] == [
        ("1.1", "verdict", "Is the licence valid?"), ("2.1", "text", "Anything else"),
    ]  # fmt: skip
    assert [one.basis for one in form.items] == [Text(en="Law", zh="《法》")] * 2
    assert [one.code for one in form.outcomes] == ["conform", "basic", "nonconform"]


@pytest.mark.parametrize(
    ("kind", "appearance", "becomes"),
    [
        ("integer", "", "count"), ("decimal", "", "number"), ("text", "multiline", "text"),
        ("date", "", "date"), ("image", "", "photo"), ("image", "signature", "signature"),
        ("select_multiple goods", "", "choice"), ("select_one goods", "", "choice"),
        ("select_one yn", "", "verdict"),
    ],
)  # fmt: skip
def test_a_type_becomes_a_kind(kind: str, appearance: str, becomes: str) -> None:
    survey = ((*HEAD, "appearance"), (kind, "a", "甲", "A", appearance))

    item = only(survey)

    assert item.kind == becomes
    assert item.several == kind.startswith("select_multiple")


def test_a_verdict_may_be_not_applicable_only_where_the_form_offers_it() -> None:
    with_na = only((HEAD, ("select_one ynn", "a", "甲", "A")))
    without = only((HEAD, ("select_one yn", "a", "甲", "A")))

    assert (with_na.may_be_na, without.may_be_na) == (True, False)


def test_choices_keep_their_names_or_get_a_code_that_never_changes() -> None:
    survey = (HEAD, ("select_one goods", "a", "甲", "A"))

    found = book(survey)

    codes = [one.code for one in only(survey).choices]
    assert codes == ["frozen-fish", "x0265b3639865"]
    assert ("code", "choices", 8, "name", "奶") in told(found)


def test_our_own_columns_say_what_an_xlsform_cannot() -> None:
    own = ("ref", "key", "expect", "evidence", "rectify_days", "basis::中文", "basis::English")
    row = ("select_one yn", "a", "有无过期食品？", "Any expired food?")
    survey = ((*HEAD, *own), (*row, "3.10", "yes", "no", "是", "1", "《食品安全法》", "Food Law"))

    item = only(survey)

    assert (item.ref, item.key, item.expect, item.evidence) == ("3.10", True, "no", True)
    assert (item.rectify_days, item.basis) == (1, Text(en="Food Law", zh="《食品安全法》"))


def test_choices_say_what_complies_and_what_it_costs() -> None:
    choices = (
        (*YES_NO[0], "complies", "points"),
        ("m", "good", "好", "Good", "yes", ""), ("m", "bad", "差", "Bad", "no", "5"),
    )  # fmt: skip

    item = only((HEAD, ("select_one m", "a", "甲", "A")), choices=choices)

    assert [(one.complies, one.points) for one in item.choices] == [("yes", 0), ("no", 5)]


def test_a_reading_gets_limits_and_a_unit() -> None:
    survey = (
        (*HEAD, "constraint", "unit", "probe"),
        ("decimal", "t", "库温", "Air temperature", ". >= -30 and . <= -18.0", "℃", "yes"),
        ("integer", "n", "缺少天数", "Days missing", "(. > 0) and (. < 5)", "d", ""),
        ("decimal", "h", "湿度", "Humidity", ". < 75", "%", ""),
    )

    found = book(survey)

    readings = [(one.kind, one.minimum, one.maximum, one.unit) for one in made(found).items]
    assert readings == [
        ("temperature", "-30", "-18", "°C"), ("count", "1", "4", "d"), ("number", None, None, "%"),
    ]  # fmt: skip
    assert [one.probe for one in made(found).items] == [True, False, False]
    assert ("constraint", "survey", 4, "constraint", ". < 75") in told(found)
    assert ("limit", "survey", 2, "constraint", ". >= -30 and . <= -18.0") in told(found)


def test_a_repeat_becomes_a_table() -> None:
    survey = (
        (*HEAD, "required"),
        ("begin repeat", "rooms", "库间", "Rooms", ""),
        ("text", "room_name", "库号", "Room", "yes"),
        ("decimal", "t", "温度", "Temperature", ""),
        ("select_one goods", "g", "货物", "Goods", ""),
        ("note", "n", "注", "Note", ""),
        ("end repeat", "", "", "", ""),
    )

    item = only(survey)

    assert item.kind == "table"
    assert [(one.code, one.kind, one.required) for one in item.columns] == [
        ("room-name", "text", True), ("t", "number", False), ("g", "choice", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("relevant", "values"),
    [
        ("${lic} = 'yes'", ("pass",)),
        ("selected(${lic}, 'no') or ${lic}='na'", ("fail", "na")),
        ("${lic} != 'na'", ("pass", "fail")),
        ("not(selected(${kinds}, 'x'))", None),
        ("${lic} = 'yes' and ${kinds} = 'frozen_fish'", None),
        ("${lic} = 'other'", None),
        ("${lic} = 'yes' or ${lic} != 'no'", None),
        ("string-length(${lic}) > 2", None),
        ("${more} = 'yes'", None),
    ],
)
def test_a_condition_is_taken_over_or_told(relevant: str, values: tuple[str, ...] | None) -> None:
    survey = (
        (*HEAD, "relevant"),
        ("select_one ynn", "lic", "证照？", "Licence?", ""),
        ("select_multiple goods", "kinds", "货物", "Goods", ""),
        ("text", "more", "其他", "More", ""),
        ("text", "why", "原因", "Why", relevant),
    )

    found = book(survey)

    if values is None:
        assert found.toml == ""
        assert told(found)[-1] == ("relevant", "survey", 5, "relevant", relevant)
    else:
        when = list(made(found).items)[3].when
        assert when is not None
        assert (when.item, when.one_of) == ("1.1", values)


def test_a_question_whose_good_answer_is_no_turns_its_condition_round() -> None:
    survey = (
        (*HEAD, "expect", "relevant"),
        ("select_one yn", "old", "有无过期食品？", "Any expired food?", "no", ""),
        ("begin group", "g", "处置", "What was done", "", "${old} = 'yes'"),
        ("text", "what", "处置", "What was done", "", ""),
        ("end group", "", "", "", "", ""),
    )

    form = made(book(survey))

    when = form.sections[1].when
    assert when is not None
    assert (when.item, when.one_of) == ("1.1", ("fail",))


def test_what_is_not_required_may_be_left_out_where_the_form_says_so() -> None:
    rows = (("text", "a", "甲", "A", "yes"), ("text", "b", "乙", "B", ""))

    said = made(book(((*HEAD, "required"), *rows)))
    unsaid = made(book((HEAD, *(row[:4] for row in rows))))

    assert [one.optional for one in said.items] == [False, True]
    assert [one.optional for one in unsaid.items] == [False, False]


def test_a_text_in_one_language_stands_in_both_and_is_marked() -> None:
    found = book((("type", "name", "label"), ("text", "a", "备注"), ("text", "b", "Remark")))

    texts = [(one.text.en, one.text.zh) for one in made(found).items]
    assert texts == [("[not translated] 备注", "备注"), ("Remark", "【未翻译】Remark")]
    assert [one[:4] for one in told(found)] == [
        ("one-language", "survey", 2, "label"), ("one-language", "survey", 3, "label"),
    ]  # fmt: skip


def test_an_item_without_legal_basis_keeps_the_form_from_being_released() -> None:
    settings = {"form_title": "表", "form_id": "a", "version": "1"}

    found = book((HEAD, ("text", "a", "甲", "A")), settings=settings)

    assert ("no-basis", "survey", 2, "basis", "") in told(found)
    assert "\n# basis = {" in found.toml


REFUSED: dict[str, tuple[Rows, tuple[str, str, int, str, str]]] = {
    "a kind": (
        (HEAD, ("geopoint", "a", "甲", "A")), ("kind", "survey", 2, "type", "geopoint"),
    ),
    "an unknown type": (
        (HEAD, ("text", "b", "乙", "B"), ("bogus", "a", "甲", "A")),
        ("workbook", "survey", 3, "type", "bogus"),
    ),
    "a name": (
        (HEAD, ("text", "a b", "甲", "A")), ("workbook", "survey", 2, "name", ""),
    ),
    "an unknown question": (
        ((*HEAD, "relevant"), ("text", "a", "甲", "A", "${zz} = 'x'")),
        ("workbook", "survey", 2, "relevant", ""),
    ),
    "a filter": (
        ((*HEAD, "choice_filter"), ("select_one goods", "a", "甲", "A", "name='x'")),
        ("choices", "survey", 2, "type", "select_one goods"),
    ),
    "or_other": (
        (HEAD, ("select_one goods or_other", "a", "甲", "A")),
        ("other", "survey", 2, "type", "select_one goods or_other"),
    ),
    "a cell": (
        (HEAD, ("begin repeat", "r", "表", "T"), ("image", "a", "甲", "A"), ("end repeat",)),
        ("cell-kind", "survey", 3, "type", "image"),
    ),
    "a number": (
        ((*HEAD, "ref"), ("text", "a", "甲", "A", "1.0")), ("ref", "survey", 2, "ref", "1.0"),
    ),
    "a number again": (
        ((*HEAD, "ref"), ("text", "a", "甲", "A", "1.1"), ("text", "b", "乙", "B", "1.1")),
        ("ref", "survey", 3, "ref", "1.1"),
    ),
    "a type after empty rows": (
        (HEAD, ("text", "b", "乙", "B"), (), ("", ""), ("range", "a", "甲", "A")),
        ("kind", "survey", 5, "type", "range"),
    ),
    "a name after empty rows": (
        (HEAD, ("text", "b", "乙", "B"), (), ("text", "a b", "甲", "A")),
        ("workbook", "survey", 4, "name", ""),
    ),
    "a flag": (
        ((*HEAD, "rectify_days"), ("text", "a", "甲", "A", "soon")),
        ("flag", "survey", 2, "rectify_days", "soon"),
    ),
    "no label": ((HEAD, ("text", "a", "x" * 601, "A")), ("text", "survey", 2, "label", "A")),
    "a header": (
        ((*HEAD, "Name"), ("text", "a", "甲", "A", "b")), ("header", "survey", 1, "name", ""),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_checklist_cannot_say_is_refused_by_row_column_and_value(what: str) -> None:
    survey, expected = REFUSED[what]

    found = book(survey)

    assert found.toml == ""
    assert expected in told(found)
    (one,) = (p for p in found.problems if (p.code, p.row) == (expected[0], expected[2]))
    assert one.stops
    assert all((one.en, one.zh, one.remedy_en, one.remedy_zh))


def test_what_means_nothing_here_is_left_out_and_told() -> None:
    survey = (
        (*HEAD, "default", "read_only", "label::Français (fr)"),
        ("start", "start", "", "", "", "", ""),
        ("text", "a", "甲", "A", "x", "yes", "Un"),
        ("begin group", "g", "组", "Group", "", "", ""),
        ("begin group", "inner", "内", "Inner", "", "", ""),
        ("text", "b", "乙", "B", "", "", ""),
        ("end group", "", "", "", "", "", ""), ("end group", "", "", "", "", "", ""),
    )  # fmt: skip

    found = book(survey)

    assert {one[:4] for one in told(found)} >= {
        ("left-out", "survey", 2, "type"), ("column", "survey", 3, "default"),
        ("column", "survey", 3, "read_only"), ("nested", "survey", 5, "label"),
        ("language", "survey", 1, "label"),
    }  # fmt: skip
    assert [one.ref for one in made(found).items] == ["1.1", "2.1"]
    assert "# survey:5 label inner" in found.toml


@pytest.mark.parametrize(
    "sheets",
    [
        {}, {"survey": []}, {"survey": [[]]}, {"survey": [["type", "name"]]}, {"choices": [["x"]]},
        {"survey": [["type", "name", "label"], ["note", "n", "x"]]},
        {"survey": [["a"] * 300]}, {"survey": [["type"]] * 6000},
        {"survey": [["type", "name", "label"], ["text", "a", "x"]], "entities": [["list_name"]]},
    ],
)  # fmt: skip
def test_a_workbook_that_is_no_form_is_refused(sheets: dict[str, Rows]) -> None:
    found = convert(sheets, "form.xlsx")

    assert found.toml == ""
    assert any(one.stops for one in found.problems)


def test_code_and_version_may_be_given_where_the_form_has_none_that_fit() -> None:
    survey = (HEAD, ("text", "a", "甲", "A"))
    settings = {**BASIS, "form_id": "冷库", "version": "2026 (1)"}
    sheets = {"survey": survey, "settings": [list(settings), list(settings.values())]}

    refused = convert(sheets, "form.xlsx")
    given = convert(sheets, "form.xlsx", code="cold", version="2026.1")

    assert ("form-name", "settings", 2, "form_id", "冷库") in told(refused)
    assert (made(given).code, made(given).version) == ("cold", "2026.1")


@pytest.mark.parametrize(
    ("said", "whole", "found"),
    [
        (". >= 0", False, Limits("0", None)),
        (".<=8 and .>=-2.50", False, Limits("-2.5", "8")),
        (". > 0 and . < 10", True, Limits("1", "9")),
        (". > 0", False, None),
        (". >= 5 and . <= 4", False, None),
        (". >= 1 or . <= 4", False, None),
        (". <= 4 and . <= 5", False, None),
        ("regex(., '[0-9]+')", False, None),
        (". <= ${max}", False, None),
    ],
)
def test_a_constraint_is_a_limit_or_nothing(said: str, whole: bool, found: Limits | None) -> None:
    assert limits(said, whole=whole) == found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("((${a} = \"x\"))", Condition("a", ("x",), False)),
        ("(${a} = 'x') or (${a} = 'y')", Condition("a", ("x", "y"), False)),
        ("not(selected(${a}, 'x'))", Condition("a", ("x",), True)),
        ("${a} = 'x' or ${b} = 'y'", None),
        ("${a} != 'x' or ${a} != 'y'", None),
        ("${a} = x", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_relevant_is_a_choice_of_one_question_or_nothing(
    said: str, found: Condition | None
) -> None:
    assert condition(said) == found


def test_every_form_that_is_shipped_can_stand_for_its_own_words() -> None:
    folder = Path(__file__).parents[2] / "fixtures" / "checklists"
    form = parse((folder / "catering.toml").read_bytes())
    own = ("ref", "key", "basis::中文", "basis::English")
    rows: list[Sequence[str]] = [(*HEAD, *own)]
    for n, section in enumerate(form.sections):
        rows.append(("begin group", f"g{n}", section.title.zh, section.title.en))
        for item in section.items:
            texts = (item.text.zh, item.text.en, item.ref, "yes" if item.key else "")
            name = f"q{item.ref.replace('.', '_')}"
            rows.append(("select_one ynn", name, *texts, item.basis.zh, item.basis.en))
        rows.append(("end group", "", "", ""))

    found = made(book(rows))

    assert [(one.ref, one.key, one.text, one.basis) for one in found.items] == [
        (one.ref, one.key, one.text, one.basis) for one in form.items
    ]
