"""The catalogue of refusals is a promise to whoever reads a refusal, in either language."""

import re
from pathlib import Path

import pytest

from sync.refusals import Reason

TESTS = Path(__file__).parents[1]
REASONS = list(Reason.__members__.items())  # with aliases, which an Enum would hide


def test_every_code_is_used_once() -> None:
    codes = [reason.code for _, reason in REASONS]

    assert len(set(codes)) == len(codes) == len(Reason)


@pytest.mark.parametrize(("name", "reason"), REASONS)
def test_a_code_is_words_with_dots_and_hyphens(name: str, reason: Reason) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+", reason.code), name


@pytest.mark.parametrize(("name", "reason"), REASONS)
def test_a_refusal_speaks_both_languages_and_offers_a_remedy(name: str, reason: Reason) -> None:
    for english in (reason.en, reason.remedy_en):
        assert english.endswith("."), name
        assert english[0].isupper(), name

    for chinese in (reason.zh, reason.remedy_zh):
        assert re.search(r"[\u4e00-\u9fff]", chinese), name


@pytest.mark.parametrize(("name", "reason"), REASONS)
def test_every_refusal_is_provoked_by_a_test(name: str, reason: Reason, tests_text: str) -> None:
    named = re.search(rf"\bReason\.{name}\b", tests_text)
    quoted = re.search(rf"[\"']{re.escape(reason.code)}[\"']", tests_text)

    assert named or quoted, f"no test mentions Reason.{name} ({reason.code})"


@pytest.fixture(scope="module")
def tests_text() -> str:
    here = Path(__file__)
    return "\n".join(p.read_text("utf-8") for p in sorted(TESTS.rglob("*.py")) if p != here)
