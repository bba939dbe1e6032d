"""检查表: what may be written in one, and what is refused where."""

import re
from pathlib import Path

import pytest

from sync.answers import admits, measured
from sync.checklist import asked, canonical, digest, load, parse
from sync.ops import Answer
from sync.refusals import Reason, Refused

CHECKLISTS = sorted((Path(__file__).parents[2] / "fixtures" / "checklists").glob("*.toml"))

SMALL = """\
code = "small"
version = "1"
title = { en = "Small", zh = "小表" }

[[sections]]
title = { en = "Only", zh = "唯一" }

[[sections.items]]
ref = "3.1"
text = { en = "First?", zh = "一？" }
basis = { en = "art. 1", zh = "第一条" }

[[sections.items]]
ref = "3.10"
kind = "temperature"
text = { en = "Cold?", zh = "冷？" }
basis = { en = "art. 2", zh = "第二条" }
maximum = "-18"
unit = "°C"
may_be_na = false

[[outcomes]]
code = "good"
label = { en = "Good", zh = "好" }
handling = "none"

[[outcomes]]
code = "bad"
label = { en = "Bad", zh = "差" }
handling = "rectify"

[[rules]]
clause = "clean"
outcome = "good"
text = { en = "Nothing failed.", zh = "未发现问题" }
when = { failed = { max = "0" } }

[[rules]]
clause = "rest"
outcome = "bad"
text = { en = "Something failed.", zh = "发现问题" }
"""


@pytest.mark.parametrize("path", CHECKLISTS, ids=lambda path: path.stem)
def test_our_checklists_are_valid_and_survive_their_canonical_form(path: Path) -> None:
    checklist = parse(path.read_bytes())

    again = load(canonical(checklist))

    assert again == checklist
    assert digest(again) == digest(checklist)
    assert all(re.search("[\u4e00-\u9fff]", item.text.zh + item.basis.zh) for item in again.items)
    assert {item.key for item in again.items} == {True, False}


def test_the_digest_of_our_checklists_does_not_depend_on_the_layout_of_the_file() -> None:
    loose = SMALL.replace(" = ", "   =   ").replace("\n", "\r\n")

    one, other = parse(SMALL.encode()), parse(b"\xef\xbb\xbf" + loose.encode())

    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        (
            "cold_store",
            "0990dc831b1b67f79eee803013246d7fb758173e3a4d25d5b4882647752b9789",
        ),
        (
            "food_sales",
            "d7fa92f2d32f97e4034e609e2bcbb1e3357a053e014351361a63157666ad2b96",
        ),
        ("", "51ae88ac58f57a5a2c5700aea0955734e8e6b6052e54146c377fa28c9ddb4659"),
    ],
)
def test_what_was_released_keeps_its_digest_whatever_a_checklist_learns(
    toml: str, expected: str
) -> None:
    folder = CHECKLISTS[0].parent
    body = (folder / f"{toml}.toml").read_bytes() if toml else SMALL.encode()

    assert digest(parse(body)) == expected


def test_references_are_text_so_that_3_10_is_not_3_1() -> None:
    checklist = parse(SMALL.encode())

    found = [checklist.item(ref) for ref in ("3.1", "3.10", "3.100")]

    assert [item.kind if item else None for item in found] == ["verdict", "temperature", None]


@pytest.mark.parametrize(
    ("was", "now", "line", "field", "says"),
    [
        ('code = "small"', "code = small", 1, "", "Not TOML"),
        ('version = "1"\n', "", 1, "version", "missing required field"),
        ('ref = "3.10"', "ref = 3.10", 14, "sections[0].items[1].ref", "Expected `str`"),
        ('ref = "3.10"', 'ref = "3.1"', 14, "sections[0].items[1].ref", "appears twice"),
        ('ref = "3.1"', 'ref = "03.1"', 9, "sections[0].items[0].ref", "matching regex"),
        ('zh = "冷？"', 'zh = ""', 16, "sections[0].items[1].text.zh", "regex"),
        ('zh = "冷？"', 'zh = "冷\\u0000"', 16, "sections[0].items[1].text.zh", "regex"),
        (', zh = "第一条"', "", 11, "sections[0].items[0].basis.zh", "missing required"),
        ('"temperature"', '"humidity"', 15, "sections[0].items[1].kind", "Invalid enum"),
        ('maximum = "-18"\n', "", 13, "sections[0].items[1].maximum", "needs a limit"),
        ('maximum = "-18"', "maximum = -18.0", 18, "sections[0].items[1].maximum", "Expected"),
        ('maximum = "-18"', 'maximum = "1e3"', 18, "sections[0].items[1].maximum", "regex"),
        ('unit = "°C"\n', "", 13, "sections[0].items[1].unit", "needs a unit"),
        ('unit = "°C"', 'unit = "°C"\nminimum = "0"', 20, "sections[0].items[1].minimum", "above"),
        ("may_be_na = false", "may_be_nah = false", 20, "sections[0].items[1].may_be_nah", "known"),
        ('kind = "temperature"\n', "", 17, "sections[0].items[1].maximum", "not belong"),
        ('outcome = "good"', 'outcome = "fine"', 34, "rules[0].outcome", "not declared"),
        ('clause = "rest"', 'clause = "clean"', 39, "rules[1].clause", "appears twice"),
        ('code = "bad"', 'code = "good"', 28, "outcomes[1].code", "appears twice"),
        ("when = { failed = ", "when = { faults = ", 36, "rules[0].when.faults", "no measure"),
        ('{ max = "0" }', "{}", 36, "rules[0].when.failed", "never decide"),
        ('when = { failed = { max = "0" } }\n', "", 32, "rules[0].when", "Exactly the last"),
    ],
)
def test_an_error_in_a_checklist_is_refused_with_its_line_and_field(
    was: str, now: str, line: int, field: str, says: str
) -> None:
    assert SMALL.count(was) >= 1

    with pytest.raises(Refused) as refused:
        parse(SMALL.replace(was, now, 1).encode())

    assert refused.value.reason is Reason.CHECKLIST_INVALID
    assert says in str(refused.value.details["problem"])
    assert (refused.value.details["line"], refused.value.details["field"]) == (line, field)


def test_a_checklist_that_is_not_utf_8_is_refused_at_the_line_of_the_first_wrong_byte() -> None:
    with pytest.raises(Refused) as refused:
        parse(SMALL.encode("gb18030"))

    assert refused.value.reason is Reason.CHECKLIST_INVALID
    assert refused.value.details["line"] == 3


@pytest.mark.parametrize(
    "toml", ["a = " + "[" * 9999, "a = " + "9" * 9999, "", "[[sections]]\n" * 9]
)
def test_a_hostile_checklist_is_refused_like_any_other(toml: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(toml.encode())

    assert refused.value.reason is Reason.CHECKLIST_INVALID


def test_fields_of_a_newer_version_do_not_stop_a_device_from_loading() -> None:
    body = canonical(parse(SMALL.encode()))

    newer = load(body.replace(b'"ref":"3.1"', b'"ref":"3.1","colour":"red"'))

    assert digest(newer) == digest(load(body))


@pytest.mark.parametrize(
    ("ref", "value", "reason"),
    [
        ("3.1", "pass", None),
        ("3.1", "fail", None),
        ("3.1", "na", None),
        ("3.1", "", Reason.ANSWER_INADMISSIBLE),
        ("3.1", "PASS", Reason.ANSWER_INADMISSIBLE),
        ("3.1", "-18", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "-18", None),
        ("3.10", "-17.95", None),
        ("3.10", "0", None),
        ("3.10", "pass", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "na", Reason.ANSWER_INADMISSIBLE),  # this item may not be n/a
        ("3.10", "-18,5", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "1e2", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "NaN", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "-１８", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "-18\n", Reason.ANSWER_INADMISSIBLE),
        ("3.10", "1" * 13, Reason.ANSWER_INADMISSIBLE),
        ("3.100", "pass", Reason.ITEM_UNKNOWN),
    ],
)
def test_an_answer_is_admissible_when_its_item_takes_it(
    ref: str, value: str, reason: Reason | None
) -> None:
    checklist = parse(SMALL.encode())

    why = admits(asked([checklist]), ref, Answer(value))

    assert why is reason


def test_a_reading_is_an_exact_decimal() -> None:
    assert str(measured("-18.10")) == "-18.10"
    assert measured("-18.") is None
