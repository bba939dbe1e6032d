"""编码: which encoding a file is in, and what becomes of bytes that are no text in it. Pure.

Such bytes are kept as lone surrogates until their cell is known; then they are told, and a sign of
replacement stands for them.
"""

import codecs
import re
from collections.abc import Callable

from backend.rules.mapping import Table
from sync.refusals import Reason, Refused

SAMPLE_BYTES = 64 * 1024

# No database keeps a NUL, and none a half character; U+FFFE and U+FFFF are no characters.
BROKEN = re.compile("[\x00\ud800-\udfff\ufffe\uffff]+")
FORMULA_ERRORS = frozenset(
    ("#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA",
     "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!",
     "#EXTERNAL!", "#PYTHON!", "#TIMEOUT!")
)  # fmt: skip
_replacement = "\ufffd"
_private = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_control = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_entity = re.compile(r"&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d{0,2});", re.IGNORECASE)

_common_gb = frozenset("市区县路号街镇公司有限食品店农场商行经营责任发展贸易中心村业名称地址餐饮超")
_common_big5 = frozenset(
    "市區縣路號街鎮公司有限食品店農場商行經營責任發展貿易中心村業名稱地址餐飲段"
)
_supersets = {"gbk": "gb18030", "big5": "cp950", "big5-hkscs": "big5hkscs"}
_boms = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Keep bytes that are no text as lone surrogates, so that their cell can be named."""
    assert isinstance(error, UnicodeDecodeError)
    end = error.end
    if error.encoding in ("gb18030", "cp950", "big5hkscs"):
        end = error.start + _width(error.object[error.start : error.start + 4])
    bad = error.object[error.start : end]
    return "".join(chr(0xDC00 + byte) for byte in bad), end


codecs.register_error("evenhand.cells", _escaped)


def _width(start: bytes) -> int:
    """Tell how many bytes make the character of an unknown code: 2 and 4 stand for one."""
    lead, trail = start[0], start[1:2]
    if not 0x81 <= lead <= 0xFE:
        return 1
    if re.fullmatch(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]", start):
        return 4
    return 2 if re.fullmatch(rb"[\x40-\x7e\x80-\xfe]", trail) else 1


def lost(cell: str) -> bool:
    """Tell whether a cell has lost what it had: bytes that are no text, a formula that failed."""
    return bool(BROKEN.search(cell)) or cell.strip() in FORMULA_ERRORS


def replaced(cell: str) -> str:
    """Write the sign of replacement for what is no text, and nothing for a formula that failed."""
    return "" if cell.strip() in FORMULA_ERRORS else BROKEN.sub(_replacement, cell)


def spelled(cell: str) -> str:
    """Write what is no text as its bytes in hex, such as <fa40>."""
    return BROKEN.sub(lambda found: f"<{''.join(map(_hex, found[0]))}>", cell)


def _hex(char: str) -> str:
    code = ord(char)
    return f"{code - 0xDC00:02x}" if 0xDC00 <= code <= 0xDCFF else f"{code:02x}"


def remarkable(text: str) -> bool:
    """Tell whether cells, which may be put together, may have lost something or be odd."""
    return (
        (not text.isprintable() and bool(BROKEN.search(text) or remarks(text)))
        or ("&" in text and bool(_entity.search(text)))
        or ("#" in text and any(one in text for one in FORMULA_ERRORS))
    )


def remarks(cell: str) -> list[Reason]:
    """Tell what is odd about the characters of a cell, all of which are kept."""
    found: list[Reason] = []
    if not cell.isprintable():
        if _private.search(cell):
            found.append(Reason.ROW_PRIVATE_USE)
        if _control.search(cell):
            found.append(Reason.ROW_CONTROL_CHARACTER)
    if "&" in cell and _entity.search(cell):
        found.append(Reason.ROW_HTML_ENTITY)
    return found


def choose(source: str, sample: bytes, more: Callable[[], bytes], table: Table) -> str:
    """Choose the encoding from the mapping or, for auto, from how the beginning reads.

    Where the `sample` is nothing but ASCII, it asks for `more`.
    """
    bom = next((name for mark, name in _boms if sample.startswith(mark)), "")
    if table.encoding == "utf-16":
        return bom or _utf16(sample) or "utf-16-le"
    if table.encoding == "utf-8":
        return "utf-8-sig"
    if table.encoding != "auto":
        return _supersets.get(table.encoding, table.encoding)
    if bom:
        return bom
    if sample.count(0) * 50 > len(sample):
        wide = _utf16(sample)
        if not wide:
            raise Refused(
                Reason.REGISTER_NOT_CSV,
                file=source,
                problem="this is no text in a known encoding",
            )
        return wide
    if sample.isascii() and len(sample) == SAMPLE_BYTES:
        sample = more()
    first = next(iter(re.finditer(rb"[\x80-\xff]", sample)), None)
    if first is None:
        return "utf-8-sig"
    sample = sample[max(first.start() - 1_000, 0) :][:SAMPLE_BYTES]
    foreign = sum(byte > 127 for byte in sample)
    wrong = sample.decode("utf-8", "replace").count(_replacement)
    if wrong * 20 <= foreign:  # a few wrong bytes are just that
        return "utf-8-sig"
    return max(("gb18030", "cp950"), key=lambda one: _likeness(sample, one))


def _utf16(sample: bytes) -> str:
    """Tell the order of bytes by which there are line ends and delimiters."""
    little, big = (
        sum(map(sample.decode(order, "replace").count, "\n\r\t,;|{"))
        for order in ("utf-16-le", "utf-16-be")
    )
    if min(little, big) * 4 > max(little, big) or little == big:
        return ""
    return "utf-16-le" if little > big else "utf-16-be"


def _likeness(sample: bytes, encoding: str) -> float:
    """Score how much a sample looks like a register of addresses and companies."""
    text = [char for char in sample.decode(encoding, "replace") if char > "\x7f"]
    common = _common_gb if encoding == "gb18030" else _common_big5
    wrong = text.count(_replacement)
    return (sum(char in common for char in text) - wrong * 2) / max(len(text), 1)
