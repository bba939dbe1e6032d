"""证照编号: read the numbers that registers know a business by. Pure.

A wrong check character is a warning, never a rejection: of three million real codes 228 carry one,
and some are lawful. Text is normalised first; what a number is, is told from its shape.
"""

import re
import unicodedata

from msgspec import Struct

from sync.refusals import Reason

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I O S V Z
_uscc_weights = tuple(pow(3, place, 31) for place in range(17))
_uscc_body = re.compile(rf"[{USCC_ALPHABET}]{{18}}")
_org9_weights = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
_missing = {"", "无", "-", "—", "/", "N/A", "NULL", "NONE", "暂无", "待补"}


class Identifier(Struct, frozen=True):
    """A number as normalised, what it is, and what is odd about it.

    `kind` is uscc 统一社会信用代码, reg15 or reg13 注册号, coop 合作社注册号, org9 组织机构代码,
    jy 食品经营许可证, sc 食品生产许可证, missing or other.
    """

    value: str
    kind: str
    warning: Reason | None = None


def normalise(text: str) -> str:
    """Fold width and case, and drop spaces and characters that cannot be seen."""
    folded = _fold(_fold(text).upper())
    seen = (char for char in folded if unicodedata.category(char) not in ("Cf", "Cc", "Zs"))
    return _fold("".join(seen))  # what stands together now may be one character


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def identify(text: str) -> Identifier:
    """Tell what a number is, and whether it checks; never reject it."""
    value = normalise(text)
    if value in _missing:
        return Identifier(value="", kind="missing", warning=Reason.CODE_MISSING)
    for shape, kind, right in _shapes:
        if shape.fullmatch(value):
            return Identifier(
                value=value,
                kind=kind,
                warning=None if right(value) else Reason.CODE_CHECK_WRONG,
            )
    return Identifier(value=value, kind="other", warning=Reason.CODE_SHAPE_WRONG)


def uscc_check(body: str) -> str:
    """Compute the 18th character of a 统一社会信用代码 from its first 17 (GB 32100-2015)."""
    total = sum(
        USCC_ALPHABET.index(char) * weight for char, weight in zip(body, _uscc_weights, strict=True)
    )
    return USCC_ALPHABET[-total % 31]


def mod_11_10_check(digits: str) -> str:
    """Compute the digit that ISO 7064 MOD 11,10 appends; 注册号, JY and SC numbers end with it."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def org9_check(body: str) -> str:
    """Compute the ninth character of an organisation code from its first eight (GB 11714)."""
    total = sum(int(char, 36) * weight for char, weight in zip(body, _org9_weights, strict=True))
    return "0123456789X0"[-total % 11]


def _uscc(value: str) -> bool:
    return uscc_check(value[:17]) == value[17]


def _mod_11_10(value: str) -> bool:
    return mod_11_10_check(value[-15:-1]) == value[-1]


def _jy_or_sc(value: str) -> bool:
    """Check the last of 14 digits by the 13 before it."""
    return mod_11_10_check(value[2:15]) == value[15]


def _org9(value: str) -> bool:
    return org9_check(value[:8]) == value[-1]


def _unchecked(_: str) -> bool:
    return True


_shapes = (
    (_uscc_body, "uscc", _uscc),
    (re.compile(r"[0-9]{15}"), "reg15", _mod_11_10),
    (re.compile(r"[0-9]{6}NA[0-9]{6}X"), "coop", _unchecked),
    (re.compile(r"[0-9]{13}"), "reg13", _unchecked),
    (re.compile(r"[0-9A-Z]{8}-?[0-9X]"), "org9", _org9),
    (re.compile(r"JY[0-9]{14}"), "jy", _jy_or_sc),
    (re.compile(r"SC[0-9]{14}"), "sc", _jy_or_sc),
)
