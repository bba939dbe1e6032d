"""证照编号: read the numbers that registers know a business and its licences by. Pure.

A wrong check character is a warning, never a rejection: of three million real codes 228 carry one,
and some are lawful. Text is normalised first; what a number is, is told from its shape. Why we do
not ask a library: docs/decisions/0019.
"""

import re
import unicodedata
from collections.abc import Callable

from msgspec import Struct

from sync.refusals import Reason

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I O S V Z
_uscc_weights = tuple(pow(3, place, 31) for place in range(17))
_uscc_body = re.compile(rf"[{USCC_ALPHABET}]{{18}}")
_org9_weights = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
_missing = {"", "无", "-", "—", "/", "N/A", "NULL", "NONE", "暂无", "待补"}
_unseen = {"Cf", "Cc", "Zs", "Zl", "Zp"}
_fillers = re.compile("[\u034f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_masked = re.compile("(?=.*[*×●○•#?])[0-9A-Z*×●○•#?-]{8,20}")
_masked_by_x = re.compile(".*(XX|XXXX.*)")  # real codes hold X as well: only told of wrong ones
_licence_head = re.compile("(JY|SC|YB)[0-9]")


class Identifier(Struct, frozen=True):
    """A number as normalised, what it is, and what is odd about it.

    `kind` is uscc 统一社会信用代码, reg15 or reg13 注册号, coop 合作社注册号, legacy 企…字第…号,
    org9 组织机构代码, jy 食品经营许可证, sc 食品生产许可证, yb 仅销售预包装食品备案, masked,
    missing or other.
    """

    value: str
    kind: str
    warning: Reason | None = None


def normalise(text: str) -> str:
    """Fold width and case, and drop spaces and characters that cannot be seen."""
    folded = _fillers.sub("", _fold(_fold(text).upper()))
    seen = (char for char in folded if unicodedata.category(char) not in _unseen)
    return _fold("".join(seen))  # what stands together now may be one character


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def identify(text: str) -> Identifier:
    """Tell what the number of a business is, and whether it checks; never reject it."""
    value = normalise(text)
    if value in _missing:
        return Identifier(value="", kind="missing", warning=Reason.CODE_MISSING)
    known = _identify(value, _shapes)
    if known is None:
        return Identifier(value=value, kind="other", warning=Reason.CODE_SHAPE_WRONG)
    return known


def identify_licence(text: str) -> Identifier:
    """Tell what the number of a licence is, and whether it checks; never reject it.

    Provinces and other authorities number as they like: only what begins like a national number
    has a shape that can be wrong.
    """
    value = normalise(text)
    if value in _missing:
        return Identifier(value="", kind="missing", warning=Reason.CODE_MISSING)
    known = _identify(value, _licence_shapes)
    if known is None:
        wrong = Reason.CODE_SHAPE_WRONG if _licence_head.match(value) else None
        return Identifier(value=value, kind="other", warning=wrong)
    return known


def _identify(value: str, shapes: "tuple[Shape, ...]") -> Identifier | None:
    if _masked.fullmatch(value):
        return Identifier(value=value, kind="masked", warning=Reason.CODE_MASKED)
    for shape, kind, right in shapes:
        if shape.fullmatch(value):
            if right(value):
                return Identifier(value=value, kind=kind)
            if kind == "uscc" and _masked_by_x.fullmatch(value):
                return Identifier(value=value, kind="masked", warning=Reason.CODE_MASKED)
            return Identifier(value=value, kind=kind, warning=Reason.CODE_CHECK_WRONG)
    return None


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


def _fourteen(value: str) -> bool:
    """Check the last of 14 digits by the 13 before it."""
    return mod_11_10_check(value[2:15]) == value[15]


def _org9(value: str) -> bool:
    return org9_check(value[:8]) == value[-1]


def _unchecked(_: str) -> bool:
    return True


Shape = tuple[re.Pattern[str], str, Callable[[str], bool]]

_licence_shapes: tuple[Shape, ...] = (
    (re.compile(r"JY[0-9]{14}"), "jy", _fourteen),
    (re.compile(r"SC[0-9]{14}"), "sc", _fourteen),
    (re.compile(r"YB[0-9]{14}"), "yb", _unchecked),  # no source says what its last digit is
)
_shapes: tuple[Shape, ...] = (
    (_uscc_body, "uscc", _uscc),
    (re.compile(r"[0-9]{15}"), "reg15", _mod_11_10),
    (re.compile(r"[0-9]{6}NA[0-9]{6}X"), "coop", _unchecked),
    (re.compile(r"[0-9]{13}"), "reg13", _unchecked),
    (re.compile(r"[0-9A-Z]{8}-?[0-9X]"), "org9", _org9),
    (re.compile(r"企[\u4e00-\u9fff]{1,12}字第[0-9]{3,8}号?"), "legacy", _unchecked),
    *_licence_shapes,
)
