"""证照编号: every vector of ../shared/data, and the ones that every clone has."""

import pytest
from conftest import shared_data
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength
from stdnum.iso7064 import mod_11_10

from backend.rules.identifiers import (
    USCC_ALPHABET,
    identify,
    identify_licence,
    mod_11_10_check,
    normalise,
    uscc_check,
)
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
KINDS = {"USCC": "uscc", "REG15": "reg15", "REG13": "reg13", "ORG9": "org9", "JY": "jy", "SC": "sc"}
ODD_KINDS = {"无": "missing", "9122052166429583": "other", "320506NA000043X": "coop"}


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


def test_every_shared_vector_is_told_what_it_is() -> None:
    lines = (shared_data() / "test_vectors" / "identifiers.tsv").read_text("utf-8").splitlines()
    vectors = [line.split("\t")[:2] for line in lines[1:]]

    told = {value: identify(value.replace("\\u200b", "\u200b")).kind for _, value in vectors}

    assert told == {value: ODD_KINDS.get(value, KINDS[kind]) for kind, value in vectors}


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
        ("91350211M0000XUF46", "91350211M0000XUF46", "uscc", Reason.CODE_CHECK_WRONG),
        ("A1110000600037341J", "A1110000600037341J", "uscc", Reason.CODE_CHECK_WRONG),
        ("91110000600037341I", "91110000600037341I", "other", Reason.CODE_SHAPE_WRONG),
        ("企合苏锡总字第0001", "企合苏锡总字第0001", "legacy", None),
        ("企独粤深总字第 ３０１１２３ 号", "企独粤深总字第301123号", "legacy", None),
        ("460103000699-", "460103000699-", "other", Reason.CODE_SHAPE_WRONG),
        ("914401****18407888", "914401****18407888", "masked", Reason.CODE_MASKED),
        ("914401＊＊＊＊＊＊＊＊８８８Ｔ", "914401********888T", "masked", Reason.CODE_MASKED),
        ("91440101XXXXXXXX8T", "91440101XXXXXXXX8T", "masked", Reason.CODE_MASKED),
        ("91440101718407xxxx", "91440101718407XXXX", "masked", Reason.CODE_MASKED),
        ("YB13301080111719", "YB13301080111719", "yb", None),
        ("9143\u034f0700\ufe0fMA4PBKBQ48\u3164\u2028", "91430700MA4PBKBQ48", "uscc", None),
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


@pytest.mark.parametrize(
    ("text", "kind", "warning"),
    [
        ("ＪＹ13301080111719", "jy", None),
        ("jy13301080111718", "jy", Reason.CODE_CHECK_WRONG),
        ("JY1330108011171", "other", Reason.CODE_SHAPE_WRONG),
        ("SC11464010500015", "sc", None),
        ("YB13301080111711", "yb", None),
        ("JY1330108*****19", "masked", Reason.CODE_MASKED),
        ("浙小餐饮330106202300017", "other", None),
        ("91110000600037341L", "other", None),
        ("暂无", "missing", Reason.CODE_MISSING),
    ],
)
def test_a_licence_is_warned_about_only_where_its_shape_is_known(
    text: str, kind: str, warning: Reason | None
) -> None:
    identifier = identify_licence(text)

    assert (identifier.kind, identifier.warning) == (kind, warning)


@given(st.text(max_size=40))
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalise(text)

    assert normalise(once) == once
    assert identify(once) == identify(text)


@given(
    st.text(alphabet="0123456789", min_size=8, max_size=8),
    st.text(alphabet=USCC_ALPHABET, min_size=9, max_size=9),
    st.sampled_from(USCC_ALPHABET),
)
def test_where_python_stdnum_is_right_it_says_the_same(head: str, body: str, check: str) -> None:
    code = head + body + check

    try:
        theirs = uscc.validate(code) == code
    except InvalidChecksum:
        theirs = False

    assert theirs == (identify(code).warning is None)
    assert uscc.calc_check_digit(code) == uscc_check(code[:17])


@given(st.text(alphabet="0123456789", min_size=14, max_size=14))
def test_the_check_digit_of_licences_is_the_one_of_iso_7064(digits: str) -> None:
    theirs = mod_11_10.calc_check_digit(digits)

    assert theirs == mod_11_10_check(digits)
    assert identify_licence(f"JY{digits[:13]}{mod_11_10_check(digits[:13])}").warning is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("N2330110MF0000000M", InvalidFormat),  # 农村集体经济组织
        ("９１４３０７００ＭＡ４ＰＢＫＢＱ４８", InvalidFormat),
        ("91430700MA4PBKBQ48\u200b", InvalidLength),
    ],
)
def test_where_python_stdnum_is_wrong_we_are_not(code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        uscc.validate(code)

    assert identify(code).warning is None
