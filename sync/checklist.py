"""检查表: what is asked on site, which answers are admissible, and the rules of the verdict.

A checklist is written in TOML, released once under the digest of its canonical JSON, and never
changed. References are text (`3.10` is not `3.1`), limits are decimal text, texts are bilingual.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from sync.answers import measured, well_formed
from sync.ops import Answer, AnswerKind
from sync.refusals import Reason, Refused

Words = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+\Z", max_length=600)]
Code = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.\-]*\Z", max_length=20)]
Ref = Annotated[str, Meta(pattern=r"^[1-9][0-9]*(\.[1-9][0-9]*)*\Z", max_length=20)]
DecimalText = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z", max_length=12)]
Count = Annotated[int, Meta(ge=0, le=1000)]
Measure = Literal["failed", "key_failed", "general_failed", "general_pass_percent"]

VERDICTS = ("pass", "fail", "na")
TAKES: dict[str, tuple[AnswerKind, ...]] = {"verdict": ("",), "temperature": ("", "number")}


class Text(Struct, frozen=True):
    """A text for people, in both languages."""

    en: Words
    zh: Words


class Item(Struct, frozen=True, omit_defaults=True):
    """检查项. `key` marks a 重点项; `expect` is the compliant answer to its question (wording)."""

    ref: Ref
    text: Text
    basis: Text  # 依据: law and article, or standard and clause
    kind: Literal["verdict", "temperature"] = "verdict"
    key: bool = False
    expect: Literal["yes", "no"] = "yes"
    minimum: DecimalText | None = None  # limits include their ends
    maximum: DecimalText | None = None
    unit: Annotated[str, Meta(max_length=20)] = ""
    may_be_na: bool = True  # 合理缺项
    evidence: bool = False  # a failed answer needs evidence
    rectify_days: Annotated[int, Meta(ge=1, le=365)] = 15  # working days, the default of an order


class Section(Struct, frozen=True):
    """A part of the checklist."""

    title: Text
    items: Annotated[tuple[Item, ...], Meta(min_length=1)]


class Outcome(Struct, frozen=True):
    """A word the verdict may be, and what follows from it."""

    code: Code
    label: Text
    handling: Literal["none", "rectify", "stop"]  # 通过 | 限期整改 | 立即停止经营


class Bound(Struct, frozen=True, omit_defaults=True):
    """Limits of one measure; both ends included."""

    min: DecimalText | None = None
    max: DecimalText | None = None


class Rule(Struct, frozen=True):
    """A clause: when every measure is within its bound, the verdict is this outcome."""

    clause: Code
    outcome: Code
    text: Text
    when: dict[Measure, Bound] = {}


class Examined(Struct, frozen=True):
    """How many applicable items a visit must have answered before a verdict may be given."""

    key: Count = 0
    general: Count = 0


class Checklist(Struct, frozen=True):
    """A checklist; its rules are tried in order and the first that matches decides."""

    code: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9\-]*\Z", max_length=60)]
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*\Z", max_length=20)]
    title: Text
    sections: Annotated[tuple[Section, ...], Meta(min_length=1)]
    outcomes: Annotated[tuple[Outcome, ...], Meta(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Meta(min_length=1)]
    examined_min: Examined = field(default_factory=Examined)

    @property
    def items(self) -> Iterator[Item]:
        """Walk all items in the order of the form."""
        return (item for section in self.sections for item in section.items)

    def item(self, ref: str) -> Item | None:
        """Find an item by its reference."""
        return next((item for item in self.items if item.ref == ref), None)

    def outcome(self, code: str) -> Outcome:
        """Find a declared outcome."""
        return next(outcome for outcome in self.outcomes if outcome.code == code)


def parse(toml: bytes) -> Checklist:
    """Read a checklist from TOML; refuse it naming line and field when anything is wrong."""
    try:
        text = toml.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = toml.count(b"\n", 0, error.start) + 1
        raise _invalid(line, "", "The file is not UTF-8.", "文件不是 UTF-8 编码") from error
    text = text.replace("\r\n", "\n")
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers and nesting without end
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise _invalid(line, "", f"Not TOML: {error}", "TOML 语法错误") from error
    lines = _lines(text)
    try:
        checklist = msgspec.convert(raw, Checklist)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at ")
        named = re.search(r"required field `(\w+)`", problem)
        path = place[place.find("$") + 1 :].lstrip(".").rstrip("`")
        path = _join(path, named[1]) if named else path
        raise _refuse(lines, path, problem, "缺少字段或取值不符合要求") from error
    for path, en, zh in _faults(raw, checklist):
        raise _refuse(lines, path, en, zh)
    return checklist


def load(body: bytes | str) -> Checklist:
    """Read a released checklist from its canonical JSON; fields of newer versions are ignored."""
    return msgspec.json.decode(body, type=Checklist)


def canonical(checklist: Checklist) -> bytes:
    """Write a checklist as the JSON that its digest is taken of: sorted keys, no spaces."""
    return msgspec.json.encode(checklist, order="sorted")


def digest(checklist: Checklist) -> str:
    """Name a checklist by the SHA-256 of its canonical JSON."""
    return sha256(canonical(checklist)).hexdigest()


def admissible(checklist: Checklist, ref: str, value: str) -> Reason | None:
    """Tell why an answer may not be given to an item, or None when it may."""
    return fits(checklist.item(ref), value)


def fits(item: Item | None, value: str) -> Reason | None:
    """Tell why a value is no answer to an item that was found, or to one that was not."""
    if item is None:
        return Reason.ITEM_UNKNOWN
    if value == "na":
        return None if item.may_be_na else Reason.ANSWER_INADMISSIBLE
    known = value in VERDICTS if item.kind == "verdict" else measured(value) is not None
    return None if known else Reason.ANSWER_INADMISSIBLE


def named(checklist: Checklist, ref: str) -> str:
    """Name an item of a partner's checklist (部门联合) in an inspection that follows another."""
    return f"{checklist.code}@{checklist.version}/{ref}"


def asked(those: Sequence[Checklist]) -> dict[str, Item]:
    """Give every item that is asked on a visit which brings these checklists, by its name there.

    An item of the first has its bare reference, one of another the name that `named` gives it.
    """
    own = {item.ref: item for item in those[0].items}
    return {named(one, item.ref): item for one in reversed(those[1:]) for item in one.items} | own


def admissible_in(those: Sequence[Checklist], ref: str, value: str) -> Reason | None:
    """Tell why an answer may not be given on a visit that brings these checklists."""
    return fits(asked(those).get(ref), value)


def plain(items: Mapping[str, Item]) -> dict[str, frozenset[str]]:
    """Give the words that each item surely takes for an answer; a measured value is none of them.

    Only for speed: what is not in here may be admissible all the same.
    """
    return {
        name: frozenset(word for word in VERDICTS if fits(item, word) is None)
        for name, item in items.items()
    }


def admits(items: Mapping[str, Item], ref: str, answer: Answer) -> Reason | None:
    """Tell why an answer, with all that it tells, may not be given to one of the items asked."""
    item = items.get(ref)
    refusal = fits(item, answer.v)
    if refusal is not None or item is None:
        return refusal
    known = answer.kind in TAKES[item.kind] and answer.unit == (item.unit if answer.kind else "")
    return None if known and well_formed(answer) else Reason.ANSWER_INADMISSIBLE


# -- another version -----------------------------------------------------------------------------


class Difference(Struct, frozen=True):
    """检查表差异: what becomes of the answers when an inspection goes on under another version."""

    kept: tuple[str, ...]  # asks the same: an answer holds
    changed: tuple[str, ...]  # asks something else: to be answered again
    gone: tuple[str, ...]
    new: tuple[str, ...]


def difference(old: Checklist, new: Checklist) -> Difference:
    """Compare two versions of a checklist item by item, in the order of the forms.

    Limits, law and what counts as key weigh an answer; they do not change what was asked.
    """
    before = {item.ref: item for item in old.items}
    after = {item.ref: item for item in new.items}
    same = [ref for ref in after if ref in before and _asks(before[ref]) == _asks(after[ref])]
    return Difference(
        kept=tuple(same),
        changed=tuple(ref for ref in after if ref in before and ref not in same),
        gone=tuple(ref for ref in before if ref not in after),
        new=tuple(ref for ref in after if ref not in before),
    )


def _asks(item: Item) -> tuple[object, ...]:
    return item.text, item.kind, item.expect, item.unit


# -- what TOML cannot say by its types -----------------------------------------------------------

Fault = tuple[str, str, str]  # path, English, 中文


def _faults(raw: dict[str, object], checklist: Checklist) -> Iterator[Fault]:
    yield from _unknown(raw, checklist, "")
    seen: set[str] = set()
    for s, section in enumerate(checklist.sections):
        for i, item in enumerate(section.items):
            path = f"sections[{s}].items[{i}]"
            if item.ref in seen:
                yield (
                    f"{path}.ref",
                    f"Item {item.ref} appears twice.",
                    f"检查项 {item.ref} 重复",
                )
            seen.add(item.ref)
            yield from _item_faults(path, item)
    yield from _rule_faults(checklist)


def _item_faults(path: str, item: Item) -> Iterator[Fault]:
    limits = (item.minimum, item.maximum)
    if item.kind == "verdict":
        if limits != (None, None) or item.unit:
            yield (
                f"{path}.kind",
                "Limits and a unit belong to temperature items.",
                "限值和单位只用于温度项",
            )
        return
    if limits == (None, None):
        yield f"{path}.maximum", "A temperature item needs a limit.", "温度项须设限值"
    if not item.unit:
        yield f"{path}.unit", "A temperature item needs a unit.", "温度项须注明单位"
    if _crossed(*limits):
        yield f"{path}.minimum", "The minimum is above the maximum.", "下限高于上限"


def _rule_faults(checklist: Checklist) -> Iterator[Fault]:
    codes = [outcome.code for outcome in checklist.outcomes]
    for n, code in enumerate(codes):
        if code in codes[:n]:
            yield f"outcomes[{n}].code", f"Outcome {code} appears twice.", f"结论 {code} 重复"
    last = len(checklist.rules) - 1
    clauses: set[str] = set()
    for n, rule in enumerate(checklist.rules):
        path = f"rules[{n}]"
        if rule.outcome not in codes:
            yield (
                f"{path}.outcome",
                f"Outcome {rule.outcome} is not declared.",
                f"结论 {rule.outcome} 未声明",
            )
        if rule.clause in clauses:
            yield (
                f"{path}.clause",
                f"Clause {rule.clause} appears twice.",
                f"条款 {rule.clause} 重复",
            )
        clauses.add(rule.clause)
        if bool(rule.when) == (n == last):  # the last one catches all, and no other does
            yield (
                f"{path}.when",
                "Exactly the last rule has no condition.",
                "必须且只能由最后一条规则不设条件",
            )
        for measure, bound in rule.when.items():
            if (bound.min, bound.max) == (None, None) or _crossed(bound.min, bound.max):
                yield f"{path}.when.{measure}", "The bound can never decide.", "界限无效"


def _crossed(low: str | None, high: str | None) -> bool:
    return low is not None and high is not None and Decimal(low) > Decimal(high)


def _unknown(raw: Any, known: Any, path: str) -> Iterator[Fault]:
    """Compare what the file says with what was understood: nothing may be left over."""
    if isinstance(known, Struct):
        for key, value in raw.items():
            if key not in known.__struct_fields__:
                yield _join(path, key), f"Field {key} is unknown.", f"未知字段 {key}"
            else:
                yield from _unknown(value, getattr(known, key), _join(path, key))
    elif isinstance(known, tuple):
        for n, value in enumerate(raw):
            yield from _unknown(value, known[n], f"{path}[{n}]")
    elif isinstance(known, dict):
        for key, value in raw.items():
            yield from _unknown(value, known[key], _join(path, key))


# -- where a field is in the file ----------------------------------------------------------------


def _lines(text: str) -> dict[str, int]:
    """Map the path of every table and key that starts a line to its number, from 1."""
    lines: dict[str, int] = {"": 1}
    count: dict[str, int] = {}
    here, open_string = "", False
    for number, line in enumerate(text.split("\n"), start=1):
        inside = open_string
        open_string ^= (line.count('"""') + line.count("'''")) % 2 == 1
        if inside:
            continue
        if header := re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]", line):
            here = ""
            parts = header[2].split(".")
            for n, part in enumerate(parts, start=1):
                here = _join(here, part)
                if header[1] == "[[" and n == len(parts):
                    count[here] = count.get(here, -1) + 1
                if here in count:
                    here = f"{here}[{count[here]}]"
            lines.setdefault(here, number)
        elif key := re.match(r"\s*([\w.\-]+)\s*=", line):
            lines.setdefault(_join(here, key[1]), number)
    return lines


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refuse(lines: dict[str, int], path: str, en: str, zh: str) -> Refused:
    """Refuse at the line of the field or, when it has none, of the nearest table around it."""
    near = path
    while near not in lines:
        near = near[: max(near.rfind("."), near.rfind("["), 0)]
    return _invalid(lines[near], path, en, zh)


def _invalid(line: int, path: str, en: str, zh: str) -> Refused:
    return Refused(Reason.CHECKLIST_INVALID, line=line, field=path, problem=en, problem_zh=zh)
