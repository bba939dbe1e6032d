"""映射建议: propose a mapping from a header and its values, and say how sure that is. Pure.

A name that is known gives most of the certainty, values that fit give the rest; what nothing
speaks for is left open, and a field that must be mapped says so.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from msgspec import Struct

from backend.rules.dates import Order, day
from backend.rules.decoding import replaced
from backend.rules.delimited import Line
from backend.rules.identifiers import identify
from backend.rules.mapping import FIELDS, REQUIRED
from backend.rules.records import Register
from backend.rules.sources import Detected

ROWS_MAX = 2_000  # looked at
VALUES_MAX = 40  # different values of a column, for it to be a list of words
NAME_SURE, PART_SURE, VALUES_SURE = 60, 40, 40  # per cent that each is worth
SURE_MIN = 30  # below this nothing is proposed

_names: dict[str, tuple[str, ...]] = {
    "code": (
        "统一社会信用代码", "社会信用代码", "信用代码", "统一代码", "注册号", "许可证号",
        "许可证编号", "證號", "統一編號", "统一编号", "登錄字號", "编号", "uscc", "creditcode",
        "establishmentid", "licencenumber", "licensenumber", "fhrsid", "id", "code", "number",
    ),
    "name": (
        "名称", "企业名称", "单位名称", "主体名称", "经营者名称", "字号名称", "商户名称", "店名",
        "名稱", "公司名稱", "商業名稱", "businessname", "establishmentname", "name", "dbaname",
        "tradingname", "facilityname", "姓名", "inspectorname", "fullname",
    ),
    "category": (
        "业态", "主体业态", "类别", "行业", "行业类别", "经营类别", "企业类型", "主体类型", "業別",
        "行業", "businesstype", "establishmenttype", "category", "type", "facilitytype",
    ),
    "division": (
        "区划代码", "行政区划代码", "行政区划", "区划", "所属区划", "地区代码", "行政區劃",
        "divisioncode", "division", "areacode",
    ),
    "address": (
        "地址", "住所", "经营场所", "经营地址", "注册地址", "详细地址", "地點", "营业地址",
        "address", "establishmentaddress", "streetaddress", "addressline1", "addressline2",
        "addressline3", "addressline4", "postcode",
    ),
    "risk": ("风险等级", "风险级别", "风险分级", "risk", "riskclass", "risklevel"),
    "credit_class": (
        "信用风险分类", "信用风险等级", "信用风险类别", "信用分类", "信用类别", "信用等级",
        "creditclass", "creditriskclass", "creditrating",
    ),
    "status": (
        "登记状态", "经营状态", "状态", "企业状态", "证照状态", "营业状态", "狀態", "營業狀態",
        "status", "establishmentstatus", "licencestatus", "licensestatus",
    ),
    "longitude": ("经度", "經度", "lng", "lon", "long", "longitude", "坐标x"),
    "latitude": ("纬度", "緯度", "lat", "latitude", "坐标y"),
    "datum": ("坐标系", "坐标系统", "datum", "crs"),
    "certificate": ("执法证号", "证件号", "执法证件号", "certificate", "certificatenumber"),
    "department": ("部门", "所属部门", "单位", "department", "unit"),
    "qualifications": ("资质", "专业", "执法领域", "qualifications", "qualifiedfor", "skills"),
    "cap": ("任务上限", "cap", "maxtasks"),
    "valid_from": ("发证日期", "有效期自", "有效期起", "validfrom", "issued", "issuedon"),
    "valid_to": ("有效期至", "有效期止", "到期日期", "validto", "validuntil", "expires"),
    "active": ("在岗状态", "在岗", "active"),
    "reason": ("回避事由", "回避原因", "事由", "reason"),
}  # fmt: skip

_statuses: dict[str, tuple[str, ...]] = {
    "active": (
        "存续", "在业", "开业", "正常", "营业", "在营", "有效", "迁入", "存续(在营、开业、在册)",
        "open", "active", "inbusiness", "issued", "營業中", "核准設立",
    ),
    "suspended": ("停业", "歇业", "暂停", "停業", "歇業", "seasonal", "suspended", "inactive"),
    "revoked": ("吊销", "吊销,未注销", "吊销未注销", "吊销,已注销", "撤销", "撤回", "revoked"),
    "cancelled": (
        "注销", "已注销", "清算", "过期", "废止", "撤銷", "註銷", "closed", "permanentlyclosed",
        "outofbusiness", "cancelled", "canceled", "expired",
    ),
    "moved": ("迁出", "迁移", "迁往外地", "moved", "relocated"),
}  # fmt: skip
_risks: dict[str, tuple[str, ...]] = {
    "A": ("a", "a级", "低", "低风险", "low"),
    "B": ("b", "b级", "中", "较低", "中风险", "medium", "moderate"),
    "C": ("c", "c级", "较高", "中高"),
    "D": ("d", "d级", "高", "高风险", "high"),
}
_credit_classes: dict[str, tuple[str, ...]] = {  # 企业信用风险分类, of four classes
    "A": ("a", "a类", "a级", "信用风险低", "信用风险低a类", "信用风险低(a类)"),
    "B": ("b", "b类", "b级", "信用风险一般", "信用风险一般b类", "信用风险一般(b类)"),
    "C": ("c", "c类", "c级", "信用风险较高", "信用风险较高c类", "信用风险较高(c类)"),
    "D": ("d", "d类", "d级", "信用风险高", "信用风险高d类", "信用风险高(d类)"),
}
_yes_no: dict[str, tuple[str, ...]] = {
    "true": ("在岗", "是", "true", "yes", "1"),
    "false": ("调离", "借调", "离岗", "退休", "否", "false", "no", "0"),
}
_words = {
    "status": _statuses, "risk": _risks, "credit_class": _credit_classes, "active": _yes_no,
}  # fmt: skip
_known_kinds = ("uscc", "reg15", "reg13", "coop", "jy", "sc")
_division = re.compile(r"(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])(\d\d){1,2}(\d{3}){0,2}")
_decimal = re.compile(r"[+-]?\d{1,3}\.\d+")
_orders: tuple[Order, ...] = ("auto", "dmy", "mdy", "roc")
_splits = ("、", ";", "；", "|", ",")


class FieldGuess(Struct, frozen=True):
    """Where one of our fields may come from, and how sure that is, in per cent."""

    field: str
    columns: tuple[str, ...]
    sure: int
    en: str
    zh: str
    toml: str  # what the mapping says


class Guess(Struct, frozen=True):
    """A proposed mapping."""

    register: Register
    detected: Detected
    columns: tuple[str, ...]
    rows: int  # looked at
    fields: tuple[FieldGuess, ...]
    open: tuple[str, ...]  # fields that must be mapped, and could not be
    toml: str


class _Column(Struct):
    place: int
    name: str
    plain: str
    values: list[str]

    def share(self, fits: Callable[[str], object]) -> float:
        """Tell how many of the values fit."""
        return sum(1 for one in self.values if fits(one)) / max(len(self.values), 1)


def guess(detected: Detected, header: list[str], lines: Iterator[Line]) -> Guess:
    """Propose a mapping from a header and the first rows."""
    rows = [
        [replaced(cell).strip() for cell in line.cells]
        for line in islice(lines, ROWS_MAX)
        if line.cells is not None and len(line.cells) == len(header)
    ]
    columns = [
        _Column(
            place,
            name,
            _plain(name),
            [row[place] for row in rows if row[place]],
        )
        for place, name in enumerate(header)
    ]
    register = _register(columns)
    fields = _fields(register, columns)
    found = {one.field for one in fields}
    missing = tuple(name for name in REQUIRED[register] if name not in found)
    return Guess(
        register=register,
        detected=detected,
        columns=tuple(header),
        rows=len(rows),
        fields=fields,
        open=missing,
        toml=_toml(register, detected, columns, fields, missing),
    )


def _register(columns: list[_Column]) -> Register:
    """Tell the register from the columns that only it has."""
    names = {column.plain for column in columns}
    if names.isdisjoint(map(_plain, _names["certificate"])):
        return "establishments"
    if not names.isdisjoint(map(_plain, _names["valid_to"])):
        return "inspectors"
    return "recusals"


def _fields(register: Register, columns: list[_Column]) -> tuple[FieldGuess, ...]:
    scored = sorted(
        (
            (sure, -column.place, -place, name, column)
            for place, name in enumerate(FIELDS[register])
            for column in columns
            if (sure := _sure(name, column)) >= SURE_MIN
        ),
        key=lambda one: one[:3],
        reverse=True,
    )
    taken: set[int] = set()
    fields: dict[str, FieldGuess] = {}
    for sure, _, _, name, column in scored:
        if name in fields or column.place in taken:
            continue
        parts = [column]
        if name == "address":  # many columns are one address
            parts = [other for *_, of, other in scored if of == name and other.place not in taken]
            parts.sort(key=lambda one: one.place)
        taken.update(part.place for part in parts)
        fields[name] = _field(name, parts, sure)
    if "longitude" in fields and "latitude" in fields and "datum" not in fields:
        fields["datum"] = _datum(columns, fields["longitude"].columns[0])
    if ("longitude" in fields) != ("latitude" in fields):
        fields.pop("longitude", None)
        fields.pop("latitude", None)
    return tuple(fields[name] for name in FIELDS[register] if name in fields)


def _sure(name: str, column: _Column) -> int:
    """Say in per cent how sure it is that a column is a field."""
    known = [_plain(one) for one in _names.get(name, ())]
    by_name = 0
    if column.plain in known:
        by_name = NAME_SURE
    elif any(len(one) > 2 and one in column.plain for one in known if not one.isascii()):
        by_name = PART_SURE
    fit = _fit(name, column)
    if fit is None:  # any text may be one
        return by_name + (VALUES_SURE // 2 if by_name and column.values else 0)
    if not by_name and name not in ("code", "division"):
        return 0
    if name in _words and column.values and not fit:
        return 0  # its words are of something else: what an inspection found is no status
    return round(by_name + VALUES_SURE * fit) if fit >= 0.5 or by_name == NAME_SURE else 0


def _fit(name: str, column: _Column) -> float | None:
    """Tell how many values have the form of a field; None for a field of any form."""
    match name:
        case "code":
            known = column.share(lambda one: identify(one).kind in _known_kinds)
            different = len(set(column.values)) / max(len(column.values), 1)
            return max(known, different * 0.5 if column.plain in _names["code"] else 0.0)
        case "division":
            return column.share(_division.fullmatch)
        case "longitude" | "latitude":
            return column.share(_decimal.fullmatch)
        case "valid_from" | "valid_to":
            return column.share(lambda one: day(one) or day(one, "dmy") or day(one, "mdy"))
        case "status" | "risk" | "credit_class" | "active":
            known_words = {_plain(word) for words in _words[name].values() for word in words}
            return column.share(lambda one: _plain(one) in known_words)
        case "cap":
            return column.share(str.isdecimal)
        case "category":
            return 1.0 if len(set(column.values)) <= VALUES_MAX * 5 else 0.2
        case _:
            return None


def _field(name: str, columns: list[_Column], sure: int) -> FieldGuess:
    column = columns[0]
    toml = _quoted(column.name)
    if len(columns) > 1:
        names = ", ".join(_quoted(one.name) for one in columns)
        separator = "" if re.search("[一-鿿]", "".join(one.name for one in columns)) else ", "
        toml = f"{{ columns = [{names}], separator = {_quoted(separator)} }}"
    elif name in _words:
        toml = _valued(name, column)
    elif name == "qualifications":
        counts = Counter(one for one in _splits for value in column.values if one in value)
        if counts:
            toml = f"{{ column = {toml}, split = {_quoted(counts.most_common(1)[0][0])} }}"
    elif name in ("valid_from", "valid_to"):
        order = max(_orders, key=lambda one: column.share(_days(one)))
        if order != "auto":
            toml = f'{{ column = {toml}, date = "{order}" }}'
    fit = _fit(name, column)
    named = any(column.plain == _plain(one) for one in _names.get(name, ()))
    said = ("its name is known", "列名已知") if named else ("its name is like it", "列名近似")
    if fit is not None:
        said = (
            f"{said[0]}, {fit:.0%} of the values fit",
            f"{said[1]}，{fit:.0%} 的值相符",
        )
    return FieldGuess(name, tuple(one.name for one in columns), min(sure, 100), *said, toml)


def _days(order: Order) -> Callable[[str], object]:
    return lambda one: day(one, order)


def _valued(name: str, column: _Column) -> str:
    """Map their words to ours, as far as they are known."""
    ours = {_plain(word): our for our, words in _words[name].items() for word in words}
    counts = Counter(column.values).most_common(VALUES_MAX)
    values = {theirs: ours[_plain(theirs)] for theirs, _ in counts if _plain(theirs) in ours}
    if all(theirs == our for theirs, our in values.items()) and len(values) == len(counts):
        return _quoted(column.name)
    inside = ", ".join(f"{_quoted(theirs)} = {_quoted(our)}" for theirs, our in values.items())
    rest = {"status": ', otherwise = "unknown"'}.get(name, "") if len(values) < len(counts) else ""
    return f"{{ column = {_quoted(column.name)}, values = {{ {inside} }}{rest} }}"


def _datum(columns: list[_Column], longitude: str) -> FieldGuess:
    """Guess the datum: only a name tells it, or that the points are far from China."""
    names = " ".join(column.plain for column in columns)
    for words, datum in (
        (("gcj", "火星", "高德", "腾讯"), "GCJ-02"),
        (("bd09", "百度"), "BD-09"),
        (("wgs", "gps"), "WGS-84"),
    ):
        if any(word in names for word in words):
            said = ("a column is named after it", "列名含坐标系")
            return FieldGuess("datum", (), 80, *said, f'{{ constant = "{datum}" }}')
    column = next(one for one in columns if one.name == longitude)
    if column.share(lambda one: _decimal.fullmatch(one) and 72 < float(one) < 138) < 0.5:
        said = ("the points are not in China", "坐标不在中国境内")
        return FieldGuess("datum", (), 90, *said, '{ constant = "WGS-84" }')
    said = ("nothing tells it: ask who made the file", "无从判断：请向提供方核实")
    return FieldGuess("datum", (), 0, *said, '{ constant = "" }')


def _toml(
    register: Register,
    detected: Detected,
    columns: list[_Column],
    fields: tuple[FieldGuess, ...],
    missing: tuple[str, ...],
) -> str:
    lines = [f"[{register}]"]
    if detected.sheet and len(detected.sheets) > 1:
        lines.append(f"sheet = {_quoted(detected.sheet)}")
    code = next((one for one in fields if one.field == "code"), None)
    if code is not None:
        column = next(one for one in columns if one.name == code.columns[0])
        if column.share(lambda one: identify(one).kind in _known_kinds) >= 0.5:
            lines.append("identifiers = true")
        if len(set(column.values)) < len(column.values):
            repeated = len(column.values) - len(set(column.values))
            lines.append(f'collapse = "last" # {repeated} rows repeat a code: the last is taken')
    lines += ["", f"[{register}.fields]"]
    lines += [f"{one.field} = {one.toml} # {one.sure} %: {one.en}" for one in fields]
    for name in missing:
        lines.append(f'{name} = {{ constant = "" }} # 0 %: no column looks like it; fill it in')
    used = {name for one in fields for name in one.columns}
    unused = [column.name for column in columns if column.name not in used]
    if unused:
        lines += ["", "# not used: " + _comment(", ".join(unused))]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum() or char in ",()#")


def _quoted(text: str) -> str:
    """Write a TOML string."""
    return '"' + "".join(map(_safe, text)) + '"'


def _safe(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\U{ord(char):08x}"


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:400]
