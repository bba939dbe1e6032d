"""违法行为清单: reading a catalogue, picking from it, repeats and first offences."""

from datetime import date
from pathlib import Path

import pytest

from sync import violations
from sync.history import History, Offence
from sync.refusals import Reason, Refused

TOML = (Path(__file__).parents[2] / "fixtures" / "catalogues" / "food.toml").read_bytes()
CATALOGUE = violations.parse(TOML)
HELD = {violations.digest(CATALOGUE): CATALOGUE}
TODAY = date(2026, 3, 2)


def picked(code: str) -> violations.Picked:
    return violations.pick(HELD, code)


def history(*offences: tuple[str, date]) -> History:
    found = [Offence(code, f"visit-{n}", day) for n, (code, day) in enumerate(offences, start=1)]
    return History(as_of=TODAY, risk="B", credit_class="", offences=tuple(found))


def test_the_shipped_catalogue_has_ten_classes_and_enough_acts() -> None:
    acts = list(CATALOGUE.violations)

    assert len(CATALOGUE.classes) == 10
    assert len(acts) >= 42
    assert {one.severity for one in acts} == {"minor", "general", "serious"}
    assert {one.code for one in CATALOGUE.laws} == {one.law for one in acts}


def test_a_released_catalogue_reads_back_as_it_was() -> None:
    body = violations.canonical(CATALOGUE)

    assert violations.load(body) == CATALOGUE
    assert violations.digest(violations.load(body)) == violations.digest(CATALOGUE)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'law = "waste"', b'law = "west"', "classes[2].violations[5].law"),
        (b'code = "trace-02"', b'code = "trace-01"', "classes[1].violations[1].code"),
        (b'code = "waste"', b'code = "fsl"', "laws[3].code"),
        (b'code = "cold"', b'code = "label"', "classes[4].code"),
        (b'severity = "minor"\nfirst', b'severity = "serious"\nfirst', "first_exempt"),
        (b"first_exempt = true\n", b"", "conditions"),
        (b'severity = "minor"', b'severity = "mild"', "severity"),
        (b"repeat_months = 24", b"repeat_months = 0", "repeat_months"),
        (b"repeat_months = 24", b"repeat_months = 24\ncolour = 1", "colour"),
    ],
)
def test_a_wrong_catalogue_is_refused_at_its_line_and_field(
    old: bytes, new: bytes, field: str
) -> None:
    broken = TOML.replace(old, new, 1)
    assert broken != TOML

    with pytest.raises(Refused) as refused:
        violations.parse(broken)

    assert refused.value.reason is Reason.CATALOGUE_INVALID
    assert str(refused.value.details["field"]).endswith(field)
    line = broken.split(b"\n")[int(refused.value.details["line"]) - 1].decode()
    assert field.rsplit(".", 1)[-1] in line or line.startswith("[[")


def test_a_picked_act_quotes_law_and_article_in_both_languages() -> None:
    act = picked("price-01")

    assert act.basis.zh == "《中华人民共和国价格法》第十三条、第四十二条"
    assert act.basis.en == "Price Law, art. 13, 42"
    assert act.digest == violations.digest(CATALOGUE)


def test_an_act_that_no_catalogue_has_or_several_have_is_refused() -> None:
    other = violations.parse(TOML.replace(b'"market-supervision"', b'"of-a-province"'))
    both = {**HELD, violations.digest(other): other}

    with pytest.raises(Refused) as unknown:
        violations.pick(HELD, "price-99")
    with pytest.raises(Refused) as several:
        violations.pick(both, "price-01")

    assert unknown.value.reason is several.value.reason is Reason.VIOLATION_UNKNOWN
    assert "of-a-province/price-01" in str(several.value.details["several"])
    assert violations.pick(both, "of-a-province/price-01").catalogue == other


def test_acts_are_found_by_words_in_either_language() -> None:
    assert [one.violation.code for one in violations.search(HELD, ["公平秤"])] == ["metrology-03"]
    assert "price-01" in [one.violation.code for one in violations.search(HELD, ["PRICE", "clear"])]
    assert len(violations.search(HELD, [])) == len(list(CATALOGUE.violations))
    assert violations.search(HELD, ["price", "公平秤"]) == []


@pytest.mark.parametrize(
    ("day", "repeated"),
    [
        (date(2026, 3, 2), True),
        (date(2024, 3, 2), True),  # 24 months, to the day
        (date(2024, 3, 1), False),
        (date(2026, 3, 3), False),  # not before today
    ],
)
def test_an_act_found_within_the_months_is_a_repeat(day: date, repeated: bool) -> None:
    known = history(("price-01", day), ("price-02", TODAY))

    found = violations.repeats(known, picked("price-01"), TODAY)

    assert found == (("visit-1",) if repeated else ())


def test_a_first_offence_may_be_exempt_only_where_the_list_and_the_history_say_so() -> None:
    before = history(("price-01", date(2025, 6, 1)))
    long_ago = history(("price-01", date(2023, 6, 1)))

    assert violations.may_be_exempt(history(), picked("price-01"), TODAY)
    assert violations.may_be_exempt(long_ago, picked("price-01"), TODAY)
    assert not violations.may_be_exempt(before, picked("price-01"), TODAY)
    assert not violations.may_be_exempt(history(), picked("price-02"), TODAY)
    assert not violations.may_be_exempt(None, picked("price-01"), TODAY)
    assert violations.repeats(None, picked("price-01"), TODAY) == ()


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 12, 31), 24, date(2024, 12, 31)),
    ],
)
def test_months_end_at_the_last_day_that_the_month_has(
    day: date, months: int, before: date
) -> None:
    assert violations.months_before(day, months) == before
