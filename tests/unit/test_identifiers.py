"""证照编号: every vector of ../shared/data, and the ones that every clone has."""

import pytest
from conftest import shared_data

from backend.rules.identifiers import identify, mod_11_10_check, normalise, uscc_check
from sync.refusals import Reason

VERDICTS = {
    "valid": None,
    "valid-after-upper": None,
    "valid-after-NFKC": None,
    "valid-after-strip": None,
    "coop-format": None,
    "legacy": None,
    "real-but-bad-check": Reason.CODE_CHECK_WRONG,
    "invalid": Reason.CODE_CHECK_WRONG,
    "placeholder": Reason.CODE_SHAPE_WRONG,
    "bad-length": Reason.CODE_SHAPE_WRONG,
    "missing": Reason.CODE_MISSING,
}

# The vectors call the first of wrong check and the second masked. Upper-cased, both check by
# GB 32100 and their organisation codes by GB 11714, so they are right; being written in small
# letters is reported by the importer for each row.
REALLY_RIGHT = {"91420982MA48K7M93x", "91510823MA6CJ9UAxx"}


def test_every_shared_vector_is_told_as_its_expectation_says() -> None:
    lines = (shared_data() / "test_vectors" / "identifiers.tsv").read_text("utf-8").splitlines()
    vectors = [line.split("\t") for line in lines[1:]]

    told = [
        (value, identify(value.replace("\\u200b", "\u200b")).warning) for _, value, _, _ in vectors
    ]

    assert len(told) >= 30
    assert {value for value, warning in told if warning is None} >= REALLY_RIGHT
    assert [one for one in told if one[0] not in REALLY_RIGHT] == [
        (value, VERDICTS[expect]) for _, value, expect, _ in vectors if value not in REALLY_RIGHT
    ]


@pytest.mark.parametrize(
    ("text", "value", "kind", "warning"),
    [
        ("91110000600037341L", "91110000600037341L", "uscc", None),
        (" 91440101x18407888T ", "91440101X18407888T", "uscc", None),
        ("９１４３０７００ＭＡ４ＰＢＫＢＱ４８", "91430700MA4PBKBQ48", "uscc", None),
        ("\ufeff91430700MA4PBKBQ48\u200b", "91430700MA4PBKBQ48", "uscc", None),
        ("N2330110MF0000000M", "N2330110MF0000000M", "uscc", None),
        ("91350100M0001TGQXM", "91350100M0001TGQXM", "uscc", Reason.CODE_CHECK_WRONG),
        ("110108000000016", "110108000000016", "reg15", None),
        ("110108000000017", "110108000000017", "reg15", Reason.CODE_CHECK_WRONG),
        ("320506NA000043X", "320506NA000043X", "coop", None),
        ("3209231100626", "3209231100626", "reg13", None),
        ("13830295-X", "13830295-X", "org9", None),
        ("JY13301080111719", "JY13301080111719", "jy", None),
        ("JY15101000000000", "JY15101000000000", "jy", Reason.CODE_CHECK_WRONG),
        ("SC11464010500015", "SC11464010500015", "sc", None),
        ("无", "", "missing", Reason.CODE_MISSING),
        ("", "", "missing", Reason.CODE_MISSING),
        ("9122052166429583", "9122052166429583", "other", Reason.CODE_SHAPE_WRONG),
        ("9.1451E+17", "9.1451E+17", "other", Reason.CODE_SHAPE_WRONG),
    ],
)
def test_a_number_is_told_from_its_shape_and_warned_about_but_never_rejected(
    text: str, value: str, kind: str, warning: Reason | None
) -> None:
    identifier = identify(text)

    assert (identifier.value, identifier.kind, identifier.warning) == (value, kind, warning)


def test_every_wrong_character_in_a_credit_code_is_noticed() -> None:
    code = "91110000600037341L"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

    wrong = [
        code[:place] + char + code[place + 1 :]
        for place in range(18)
        for char in alphabet
        if char != code[place]
    ]

    assert {identify(one).warning for one in wrong} == {Reason.CODE_CHECK_WRONG}


def test_check_characters_are_the_ones_of_the_standards() -> None:
    assert uscc_check("91110000600037341") == "L"
    assert mod_11_10_check("11010800000001") == "6"
    assert normalise(" ａb\u200dc\t1 ") == "ABC1"
