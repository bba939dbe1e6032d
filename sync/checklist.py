"""检查表: what is asked on site, and the scores and rules that make a verdict of the answers.

A checklist is written in TOML, released once under the digest of its canonical JSON, and never
changed. References are text (`3.10` is not `3.1`), limits are decimal text, texts are bilingual.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct, field

from sync.checklist_file import Fault, read, twice

Words = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+\Z", max_length=600)]
Code = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.\-]*\Z", max_length=20)]
Ref = Annotated[str, Meta(pattern=r"^[1-9][0-9]*(\.[1-9][0-9]*)*\Z", max_length=20)]
DecimalText = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z", max_length=12)]
Unit = Annotated[str, Meta(max_length=20)]
Count = Annotated[int, Meta(ge=0, le=1000)]
Asks = Literal["whole", "must"]
ASKS: tuple[Asks, ...] = get_args(Asks)
Measure = Literal["failed", "key_failed", "general_failed", "general_pass_percent"]
Kind = Literal[
    "verdict", "choice", "number", "temperature", "text", "count", "date", "photo", "signature",
    "table",
]  # fmt: skip

VERDICTS = ("pass", "fail", "na")


class Text(Struct, frozen=True):
    """A text for people, in both languages."""

    en: Words
    zh: Words


class When(Struct, frozen=True):
    """条件: asked only while an item before this one has one of these answers."""

    item: Ref
    one_of: Annotated[tuple[Code, ...], Meta(min_length=1)]


class Limit(Struct, frozen=True, omit_defaults=True):
    """适用限值: limits for one sort of goods; the inspector says by its code which applied."""

    code: Code
    text: Text
    minimum: DecimalText | None = None
    maximum: DecimalText | None = None


class Choice(Struct, frozen=True, omit_defaults=True):
    """选项: whether choosing it complies, and the points it costs; `none` only tells."""

    code: Code
    text: Text
    complies: Literal["yes", "no", "na", "none"] = "none"
    points: Count = 0


class Column(Struct, frozen=True, omit_defaults=True):
    """表格列. A row complies while each of its cells is within the limits of its column.

    `limits` with `by`: the limit that applies in a row has the code that the row chooses there.
    `over`: minimum and maximum are percent above the cell of that column (加价率).
    """

    code: Code
    text: Text
    kind: Literal["text", "number", "count", "date", "choice"] = "text"
    unit: Unit = ""
    minimum: DecimalText | None = None
    maximum: DecimalText | None = None
    required: bool = False
    choices: tuple[Choice, ...] = ()
    limits: tuple[Limit, ...] = ()
    by: Code | None = None
    over: Code | None = None


class Item(Struct, frozen=True, omit_defaults=True):
    """检查项. `key` marks a 重点项; `expect` is the compliant answer to its question (wording)."""

    ref: Ref
    text: Text
    basis: Text  # 依据: law and article, or standard and clause
    kind: Kind = "verdict"
    key: bool = False
    expect: Literal["yes", "no"] = "yes"
    minimum: DecimalText | None = None  # limits include their ends
    maximum: DecimalText | None = None
    unit: Unit = ""
    may_be_na: bool = True  # 合理缺项
    evidence: bool = False  # a failed answer needs evidence
    rectify_days: Annotated[int, Meta(ge=1, le=365)] = 15  # working days, the default of an order
    na_remark: bool = False  # 合理缺项须注明: not applicable only with a remark
    optional: bool = False  # 抽查项: left alone it does not count, unless the task demands it
    hint: Text | None = None
    when: When | None = None
    limits: tuple[Limit, ...] = ()
    instrument: bool = False  # a reading names what it was measured with (仪器编号)
    probe: bool = False  # and where: air, core, surface, between packs (探头)
    choices: tuple[Choice, ...] = ()
    several: bool = False  # more than one may be chosen
    columns: tuple[Column, ...] = ()
    role: Literal["lead", "second", "member", "site"] = "site"  # whose signature it asks for
    points: Count = 0  # 扣分: lost when it fails; of a percentage, 0 stands for its whole weight
    weight: Count = 1  # 应得分: its share of a percentage
    tags: tuple[Code, ...] = ()  # which scores it is part of


class Section(Struct, frozen=True, omit_defaults=True):
    """A part of the checklist; its condition and tags are those of each of its items too."""

    title: Text
    items: Annotated[tuple[Item, ...], Meta(min_length=1)]
    when: When | None = None
    tags: tuple[Code, ...] = ()


class Outcome(Struct, frozen=True):
    """A word the verdict may be, and what follows from it."""

    code: Code
    label: Text
    handling: Literal["none", "rectify", "stop"]  # 通过 | 限期整改 | 立即停止经营


# 复查结论: what a recheck that asks only what must be checked again amounts to, on any checklist
REMEDIED = Outcome("remedied", Text("Remedied", "整改到位"), "rectify")
NOT_REMEDIED = Outcome("not-remedied", Text("Not remedied", "未整改到位"), "rectify")
UNGRADED = (REMEDIED.code, NOT_REMEDIED.code)


class Bound(Struct, frozen=True, omit_defaults=True):
    """Limits of one measure or score; both ends included."""

    min: DecimalText | None = None
    max: DecimalText | None = None


class Score(Struct, frozen=True, omit_defaults=True):
    """得分: one figure of the items that have one of its tags, or of all if it names none.

    `sum` and `max` are of points, `percent` is 实得分/应得分×100, the others count items. Every
    item also has the tag `key` or `general`.
    """

    code: Code
    text: Text
    how: Literal["sum", "max", "percent", "failed", "passed", "checked"]
    tags: tuple[Code, ...] = ()
    decimals: Annotated[int, Meta(ge=0, le=4)] = 1  # of a percentage
    rounding: Literal["half-up", "half-even", "down"] = "half-up"


class Rule(Struct, frozen=True):
    """A clause: when every measure and score is within its bound, the verdict is this outcome."""

    clause: Code
    outcome: Code
    text: Text
    when: dict[str, Bound] = {}


class Examined(Struct, frozen=True):
    """How many applicable items a visit must have answered before a verdict may be given."""

    key: Count = 0
    general: Count = 0


class Checklist(Struct, frozen=True, omit_defaults=True):
    """A checklist; its rules are tried in order and the first that matches decides.

    `recheck`: what a recheck asks of it unless the office says otherwise, all of it or only what
    must be checked again. All versions that do not say are asked as a whole.
    """

    code: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9\-]*\Z", max_length=60)]
    version: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*\Z", max_length=20)]
    title: Text
    sections: Annotated[tuple[Section, ...], Meta(min_length=1)]
    outcomes: Annotated[tuple[Outcome, ...], Meta(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Meta(min_length=1)]
    examined_min: Examined = field(default_factory=Examined)  # never left out of the JSON
    scores: tuple[Score, ...] = ()
    recheck: Asks = "whole"

    @property
    def items(self) -> Iterator[Item]:
        """Walk all items in the order of the form."""
        return (item for section in self.sections for item in section.items)

    def item(self, ref: str) -> Item | None:
        """Find an item by its reference."""
        return next((item for item in self.items if item.ref == ref), None)

    def outcome(self, code: str) -> Outcome:
        """Find a declared outcome, or one of a recheck that gives no grade."""
        return next(one for one in (*self.outcomes, REMEDIED, NOT_REMEDIED) if one.code == code)


def asks_of(written: str) -> Asks:
    """Read what a visit asks as it is kept; ValueError for what is none."""
    for one in ASKS:
        if one == written:
            return one
    raise ValueError(f"{written} is nothing that a visit asks")


def parse(toml: bytes) -> Checklist:
    """Read a checklist from TOML; refuse it naming line and field when anything is wrong."""
    return read(toml, Checklist, _faults)


def load(body: bytes | str) -> Checklist:
    """Read a released checklist from its canonical JSON; fields of newer versions are ignored."""
    return msgspec.json.decode(body, type=Checklist)


def canonical(checklist: Checklist) -> bytes:
    """Write a checklist as the JSON that its digest is taken of: sorted keys, no spaces."""
    return msgspec.json.encode(checklist, order="sorted")


def digest(checklist: Checklist) -> str:
    """Name a checklist by the SHA-256 of its canonical JSON."""
    return sha256(canonical(checklist)).hexdigest()


def named(checklist: Checklist, ref: str) -> str:
    """Name an item of a partner's checklist (部门联合) in an inspection that follows another."""
    return f"{checklist.code}@{checklist.version}/{ref}"


def asked(those: Sequence[Checklist]) -> dict[str, Item]:
    """Give every item that is asked on a visit which brings these checklists, by its name there.

    An item of the first has its bare reference, one of another the name that `named` gives it.
    """
    own = {item.ref: item for item in those[0].items}
    return {named(one, item.ref): item for one in reversed(those[1:]) for item in one.items} | own


# -- another version -----------------------------------------------------------------------------


class Difference(Struct, frozen=True):
    """检查表差异: what becomes of the answers when an inspection goes on under another version."""

    kept: tuple[str, ...]  # asks the same: an answer holds
    changed: tuple[str, ...]  # asks something else: to be answered again
    gone: tuple[str, ...]
    new: tuple[str, ...]


def difference(old: Checklist, new: Checklist) -> Difference:
    """Compare two versions of a checklist item by item, in the order of the forms.

    Limits, law, points and what counts as key weigh an answer; they do not change what was asked.
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
    choices = [(one.code, one.text) for one in item.choices]
    columns = [(one.code, one.text, one.kind, one.unit) for one in item.columns]
    limits = [one.code for one in item.limits]
    more = item.several, item.role if item.kind == "signature" else ""
    return item.text, item.kind, item.expect, item.unit, choices, columns, limits, more


# -- what TOML cannot say by its types -----------------------------------------------------------

MEASURED = ("number", "count")
BELONGS: dict[str, tuple[Kind, ...]] = {  # fields that only some kinds of item have
    "minimum": ("temperature", "number", "count"),
    "maximum": ("temperature", "number", "count"),
    "unit": ("temperature", "number", "count"),
    "limits": ("temperature", "number"),
    "instrument": ("temperature", "number"),
    "probe": ("temperature", "number"),
    "choices": ("choice",),
    "several": ("choice",),
    "columns": ("table",),
    "role": ("signature",),
    "expect": ("verdict",),
    "points": ("verdict", "temperature", "number", "count", "table"),
}


def _faults(checklist: Checklist) -> Iterator[Fault]:
    seen: dict[str, Item] = {}
    for s, section in enumerate(checklist.sections):
        yield from _when_faults(f"sections[{s}].when", section.when, seen)
        for i, item in enumerate(section.items):
            path = f"sections[{s}].items[{i}]"
            if item.ref in seen:
                yield (
                    f"{path}.ref",
                    f"Item {item.ref} appears twice.",
                    f"检查项 {item.ref} 重复",
                )
            yield from _when_faults(f"{path}.when", item.when, seen)
            yield from _item_faults(path, item)
            seen[item.ref] = item
    yield from _score_faults(checklist)
    yield from _rule_faults(checklist)


def _when_faults(path: str, when: When | None, before: dict[str, Item]) -> Iterator[Fault]:
    """A condition looks back, so that no two can wait for each other."""
    if when is None:
        return
    item = before.get(when.item)
    if item is None:
        yield (
            f"{path}.item",
            f"Item {when.item} does not come before this one.",
            f"检查项 {when.item} 不在本项之前",
        )
    elif item.kind not in ("verdict", "choice"):
        yield (
            f"{path}.item",
            "A condition looks at a verdict or a choice.",
            "条件只能引用判定项或选择项",
        )
    else:
        may = {code.code for code in item.choices} or {"pass", "fail"}
        may |= {"na"} if item.may_be_na else set()
        for value in when.one_of:
            if value not in may:
                yield (
                    f"{path}.one_of",
                    f"Item {when.item} never has the answer {value}.",
                    f"检查项 {when.item} 没有答案 {value}",
                )


def _item_faults(path: str, item: Item) -> Iterator[Fault]:
    for name, kinds in BELONGS.items():
        if item.kind not in kinds and getattr(item, name) != getattr(PLAIN, name):
            yield (
                f"{path}.{name}",
                f"Field {name} does not belong to an item of kind {item.kind}.",
                f"字段 {name} 不适用于 {item.kind} 类检查项",
            )
    yield from _limit_faults(path, item)
    if item.kind == "temperature":
        if (item.minimum, item.maximum, item.limits) == (None, None, ()):
            yield f"{path}.maximum", "A temperature item needs a limit.", "温度项须设限值"
        if not item.unit:
            yield f"{path}.unit", "A temperature item needs a unit.", "温度项须注明单位"
    if item.na_remark and not item.may_be_na:
        yield f"{path}.na_remark", "This item is never n/a.", "本项不允许合理缺项"
    if item.kind == "choice":
        yield from _choice_faults(path, item.choices)
    if item.kind == "table":
        yield from _column_faults(path, item.columns)


def _limit_faults(path: str, one: Item | Column) -> Iterator[Fault]:
    if _crossed(one.minimum, one.maximum):
        yield f"{path}.minimum", "The minimum is above the maximum.", "下限高于上限"
    if one.limits and (one.minimum, one.maximum) != (None, None):
        yield f"{path}.limits[0]", "Either one limit or named ones.", "限值与适用限值不能并用"
    yield from twice(f"{path}.limits", [limit.code for limit in one.limits])
    for n, limit in enumerate(one.limits):
        if (limit.minimum, limit.maximum) == (None, None) or _crossed(limit.minimum, limit.maximum):
            yield f"{path}.limits[{n}].minimum", "The limit can never decide.", "限值无效"


def _choice_faults(path: str, choices: Sequence[Choice]) -> Iterator[Fault]:
    if len(choices) < 2:
        yield f"{path}.choices", "A choice is between two at least.", "选项不得少于两个"
    yield from twice(f"{path}.choices", [one.code for one in choices])


def _column_faults(path: str, columns: Sequence[Column]) -> Iterator[Fault]:
    known = {one.code: one for one in columns}
    if not columns:
        yield f"{path}.columns", "A table needs columns.", "表格须设列"
    yield from twice(f"{path}.columns", [one.code for one in columns])
    for n, one in enumerate(columns):
        at = f"{path}.columns[{n}]"
        measured = one.kind in MEASURED
        if not measured and (one.minimum or one.maximum or one.limits or one.unit or one.over):
            yield f"{at}.kind", "Only numbers and counts have limits and units.", "仅数值列可设限值"
        yield from _limit_faults(at, one)
        if one.kind == "choice":
            yield from _choice_faults(at, one.choices)
        elif one.choices:
            yield f"{at}.choices", "Only a choice has choices.", "仅选择列可设选项"
        by, over = known.get(one.by or ""), known.get(one.over or "")
        if bool(one.limits) != (by is not None and by.kind == "choice") or (one.by and not by):
            yield f"{at}.by", "Named limits go with a column of choices.", "适用限值须对应选择列"
        elif by is not None and {it.code for it in one.limits} - {it.code for it in by.choices}:
            yield f"{at}.limits", "A limit has the code of no choice.", "适用限值的代码不是任何选项"
        if one.over and (over is None or over is one or over.kind not in MEASURED):
            yield f"{at}.over", "Compared is with another column of numbers.", "比较基准须为数值列"


def _score_faults(checklist: Checklist) -> Iterator[Fault]:
    tags = {tag for one in checklist.sections for tag in one.tags} | {"key", "general"}
    tags |= {tag for item in checklist.items for tag in item.tags}
    yield from twice("scores", [score.code for score in checklist.scores])
    for n, score in enumerate(checklist.scores):
        if score.code in get_args(Measure):
            yield f"scores[{n}].code", f"{score.code} is a measure.", f"{score.code} 是固定计数名"
        for tag in score.tags:
            if tag not in tags:
                yield f"scores[{n}].tags", f"No item has the tag {tag}.", f"没有标签为 {tag} 的项"


def _rule_faults(checklist: Checklist) -> Iterator[Fault]:
    codes = [outcome.code for outcome in checklist.outcomes]
    yield from twice("outcomes", codes)
    for n, code in enumerate(codes):
        if code in UNGRADED:
            yield f"outcomes[{n}].code", f"{code} is said of rechecks.", f"{code} 为复查专用代码"
    yield from twice("rules", [rule.clause for rule in checklist.rules], "clause")
    known = {*get_args(Measure), *(score.code for score in checklist.scores)}
    last = len(checklist.rules) - 1
    for n, rule in enumerate(checklist.rules):
        path = f"rules[{n}]"
        if rule.outcome not in codes:
            yield (
                f"{path}.outcome",
                f"Outcome {rule.outcome} is not declared.",
                f"结论 {rule.outcome} 未声明",
            )
        if bool(rule.when) == (n == last):  # the last one catches all, and no other does
            yield (
                f"{path}.when",
                "Exactly the last rule has no condition.",
                "必须且只能由最后一条规则不设条件",
            )
        for measure, bound in rule.when.items():
            at = f"{path}.when.{measure}"
            if measure not in known:
                yield at, f"{measure} is no measure and no score.", f"{measure} 不是计数或得分"
            if (bound.min, bound.max) == (None, None) or _crossed(bound.min, bound.max):
                yield at, "The bound can never decide.", "界限无效"


def _crossed(low: str | None, high: str | None) -> bool:
    return low is not None and high is not None and Decimal(low) > Decimal(high)


PLAIN = Item("1", Text("-", "-"), Text("-", "-"))  # every field that an item need not have
