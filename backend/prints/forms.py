"""检查表打印: a checklist as a blank form to fill by hand, arranged for its template.

The same checklist, language and fonts give the same bytes, whoever prints it and when.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from backend.prints import typeset
from backend.prints.limits import bounds
from backend.prints.paper_words import Language
from backend.prints.typeset import Fonts
from sync.checklist import Checklist, Choice, Column, Item, Rule, Text, When, digest

# PDF/A demands a date, and a form has none of its own: it is the same whenever it is printed.
DATED = datetime(2000, 1, 1, tzinfo=UTC)
ROWS_BLANK = 6

WORDS: dict[str, tuple[str, str]] = {
    "form": ("Inspection form", "监督检查表"),
    "version": ("version", "版本"),
    "site": ("Establishment", "被检查单位"),
    "code": ("Credit code", "统一社会信用代码"),
    "address": ("Address", "地址"),
    "person": ("Person in charge, telephone", "现场负责人、电话"),
    "first": ("Inspector, certificate no.", "检查人员、执法证号"),
    "approval": ("Approval or task no.", "检查审批（任务）编号"),
    "when": ("Day, from – to", "检查日期、起止时间"),
    "no": ("No.", "编号"),
    "asked": ("What is examined", "检查内容"),
    "answer": ("Result", "检查结果"),
    "remark": ("Remark, evidence", "备注、证据"),
    "yes": ("Yes", "是"),
    "no_answer": ("No", "否"),
    "na": ("N/A", "合理缺项"),
    "na_remark": ("N/A (say why)", "合理缺项（注明原因）"),
    "should_be_no": ("complies: No", "答“否”为合格"),
    "several": ("any number", "可多选"),
    "limit": ("limit", "限值"),
    "which": ("the limit that applies:", "适用限值："),
    "instrument": ("instrument", "仪器编号"),
    "probe": ("measured at", "测点"),
    "picture": ("picture no.", "照片编号"),
    "year": ("Y", "年"),
    "month": ("M", "月"),
    "day": ("D", "日"),
    "colon": (": ", "："),
    "lost": ("if it fails:", "不合格扣"),
    "optional": ("sampled", "抽查项"),
    "evidence": ("evidence if it fails", "不合格须取证"),
    "basis": ("Basis", "依据"),
    "days": ("Days to rectify", "整改工作日"),
    "outcome": ("Outcome", "检查结论"),
    "rule": ("Rule", "判定规则"),
    "minimum": ("At least examined: key items", "至少检查重点项"),
    "and_general": ("general items", "一般项"),
    "tried": (
        "The first rule that applies decides.",
        "依次对照下列规则，首先符合的一条即为结论。",
    ),
    "explained": (
        "★ marks a key item. What does not apply is N/A, and counts for nothing.",
        "★ 为重点项。不涉及的项目记为合理缺项，不计入合格率。",
    ),
    "handling": ("What follows", "处理"),
    "sign_first": ("Inspectors", "检查人员签名"),
    "sign_site": ("Person in charge on site", "现场负责人签名"),
    "sign_witness": ("Refused to sign; witness", "拒签说明、见证人"),
    "date": ("Date", "日期"),
}
HANDLING = {
    "none": ("none", "通过"),
    "rectify": ("order to rectify by a date", "责令限期整改"),
    "stop": ("stop trading at once", "立即停止经营"),
}


def print_form(checklist: Checklist, fonts: Fonts, language: Language) -> bytes:
    """Set a checklist as PDF, to be filled by hand."""
    return typeset.pdf("checklist", form_data(checklist, language), DATED, fonts)


def form_data(checklist: Checklist, language: Language) -> dict[str, object]:
    """Arrange a checklist for its template."""
    w = words(language)
    return {
        "lang": language,
        "words": w,
        "title": told(checklist.title, language),
        "code": checklist.code,
        "version": checklist.version,
        "digest": digest(checklist),
        "sections": [
            {
                "title": told(section.title, language),
                "only": only(section.when, checklist, language),
                "items": [_item(item, checklist, language) for item in section.items],
            }
            for section in checklist.sections
        ],
        "rules": [_rule(rule, checklist, language) for rule in checklist.rules],
        "scores": [told(score.text, language) for score in checklist.scores],
        "minimum": _minimum(checklist, language),
        "rows": ROWS_BLANK,
    }


def words(language: Language) -> dict[str, str]:
    """Give all words in one language."""
    return {name: pair[language == "zh"] for name, pair in WORDS.items()}


def told(text: Text, language: Language) -> str:
    """Give a text in one language."""
    return text.zh if language == "zh" else text.en


def choice(one: Choice, language: Language) -> str:
    """Name a choice, with the points that it costs."""
    name, cost = told(one.text, language), points(one.points, language)
    known = str(one.points) in re.findall(r"\d+", name)  # some forms say it themselves
    return f"{name} ({cost})" if cost and not known else name


def points(count: int, language: Language) -> str:
    """Say what it costs; empty for nothing."""
    return (f"{count}分" if language == "zh" else f"{count} points") if count else ""


def options(item: Item | Column, language: Language) -> str:
    """List what may be chosen, and the limit that goes with it."""
    limits = {one.code: bounds(one, item.unit, language) for one in item.limits}
    chosen = [choice(one, language) for one in item.choices]
    chosen += [f"{told(one.text, language)} {limits[one.code]}".strip() for one in item.limits]
    return " · ".join(chosen)


def _item(item: Item, checklist: Checklist, language: Language) -> dict[str, object]:
    w = words(language)
    notes = [
        only(item.when, checklist, language),
        f"{w['lost']} {cost}" if (cost := points(item.points, language)) else "",
        w["optional"] if item.optional else "",
        w["evidence"] if item.evidence else "",
    ]
    return {
        "ref": item.ref,
        "key": item.key,
        "text": told(item.text, language),
        "hint": told(item.hint, language) if item.hint else "",
        "basis": told(item.basis, language),
        "notes": [one for one in notes if one],
        "limits": [
            f"{told(one.text, language)} {bounds(one, item.unit, language)}" for one in item.limits
        ],
        "answer": list(_answer(item, language)),
        "columns": [_column(one, language) for one in item.columns],
        "legend": list(_legend(item.columns, language)),
    }


def _answer(item: Item, language: Language) -> Iterator[dict[str, str]]:
    """Say what is to be filled in: boxes, blanks, lines and small words."""
    w = words(language)
    match item.kind:
        case "verdict":
            yield {"box": w["yes"]}
            yield {"box": w["no_answer"]}
        case "choice":
            yield from ({"box": choice(one, language)} for one in item.choices)
            if item.several:
                yield {"small": w["several"]}
        case "number" | "temperature" | "count":
            yield {"blank": item.unit}
            if limit := bounds(item, item.unit, language):
                yield {"small": f"{w['limit']} {limit}"}
            yield from ({"line": w[one]} for one in ("instrument", "probe") if getattr(item, one))
        case "date":
            yield {"date": ""}
        case "photo":
            yield {"line": w["picture"]}
        case "text" | "signature":
            yield from ({"line": ""} for _ in range(2))
        case "table":
            pass
    if item.expect == "no":
        yield {"small": w["should_be_no"]}
    if item.may_be_na and item.kind not in ("text", "photo", "signature"):
        yield {"box": w["na_remark"] if item.na_remark else w["na"]}


def _column(column: Column, language: Language) -> dict[str, str]:
    limit = bounds(column, column.unit, language)
    return {
        "text": told(column.text, language) + (" *" if column.required else ""),
        "unit": limit or column.unit,
    }


def _legend(columns: Sequence[Column], language: Language) -> Iterator[str]:
    """Say of each column what may be chosen in it, or which limits apply."""
    colon = words(language)["colon"]
    for one in columns:
        if one.choices or one.limits:
            yield told(one.text, language) + colon + options(one, language)


def only(when: When | None, checklist: Checklist, language: Language) -> str:
    """Say on which answers an item or a section depends."""
    item = checklist.item(when.item) if when else None
    if when is None or item is None:
        return ""
    w = words(language)
    chosen: dict[str, Choice] = {one.code: one for one in item.choices}
    answers = ("yes", "no_answer") if item.expect == "yes" else ("no_answer", "yes")
    plain = {"pass": w[answers[0]], "fail": w[answers[1]], "na": w["na"]}
    said = [
        told(chosen[one].text, language) if one in chosen else plain.get(one, one)
        for one in when.one_of
    ]
    if language == "zh":
        return f"仅当 {when.item} 为“{'”或“'.join(said)}”"
    return f"Only if {when.item}: {', or '.join(said)}"


def _rule(rule: Rule, checklist: Checklist, language: Language) -> dict[str, str]:
    outcome = checklist.outcome(rule.outcome)
    return {
        "outcome": told(outcome.label, language),
        "text": told(rule.text, language),
        "handling": HANDLING[outcome.handling][language == "zh"],
    }


def _minimum(checklist: Checklist, language: Language) -> str:
    w, least = words(language), checklist.examined_min
    if not least.key and not least.general:
        return ""
    mark, end = ("，", "。") if language == "zh" else (", ", ".")
    return f"{w['minimum']} {least.key}{mark}{w['and_general']} {least.general}{end}"
