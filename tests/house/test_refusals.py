"""The catalogue of refusals is a promise to whoever reads a refusal, in either language."""

import re
from pathlib import Path

from sync.refusals import Reason

TESTS = Path(__file__).parents[1]
REASONS = Reason.__members__.items()  # with aliases, which iterating over an Enum would hide


def test_every_code_is_used_once() -> None:
    codes = [reason.code for _, reason in REASONS]

    assert len(set(codes)) == len(codes) == len(Reason)


def test_a_code_is_words_with_dots_and_hyphens() -> None:
    shape = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")

    assert [reason.code for reason in Reason if not shape.fullmatch(reason.code)] == []


def test_a_refusal_speaks_english_in_sentences() -> None:
    sentence = re.compile(r"[A-Z][^\n]*\.")
    english = [text for reason in Reason for text in (reason.en, reason.remedy_en)]

    assert [text for text in english if not sentence.fullmatch(text)] == []


def test_a_refusal_speaks_chinese() -> None:
    character = re.compile(r"[\u4e00-\u9fff]")
    chinese = [text for reason in Reason for text in (reason.zh, reason.remedy_zh)]

    assert [text for text in chinese if not character.search(text)] == []


def test_both_languages_name_the_same_details() -> None:
    detail = re.compile(r"`[a-z_]+`")

    differing = [
        reason.code
        for reason in Reason
        if set(detail.findall(reason.remedy_en)) != set(detail.findall(reason.remedy_zh))
    ]

    assert differing == []


def test_every_refusal_is_provoked_by_a_test() -> None:
    here = Path(__file__)
    tests = "\n".join(p.read_text("utf-8") for p in sorted(TESTS.rglob("*.py")) if p != here)

    unprovoked = [
        reason.code
        for name, reason in REASONS
        if not re.search(rf"\bReason\.{name}\b|[\"']{re.escape(reason.code)}[\"']", tests)
    ]

    assert not unprovoked, ", ".join(unprovoked)
