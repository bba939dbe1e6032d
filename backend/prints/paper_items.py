"""检查内容: the answers of an inspection as a document shows them, those that failed in full."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from backend.prints.facts import Facts
from backend.prints.limits import bounds
from backend.prints.paper_words import BETWEEN, Language, Words
from sync import checklist
from sync.checklist import Checklist, Column, Item
from sync.merge import Said
from sync.scores import failing
from sync.verdict import Verdict

Tone: TypeAlias = Literal["pass", "fail", "na", "open", "conflict", "not_asked"]
Pair: TypeAlias = tuple[str, str]


class Reader:
    """Says texts and answers in one language."""

    def __init__(self, facts: Facts, language: Language, w: Words) -> None:
        self.language: Language = language
        self.w = w
        self.names = {one.id: one.name or one.id for one in facts.task.inspectors}
        self.join = BETWEEN[language].join

    def text(self, text: checklist.Text) -> str:
        """Give a text of a checklist."""
        return text.zh if self.language == "zh" else text.en

    def pick(self, pair: tuple[str, str]) -> str:
        """Give one of two texts, English first."""
        return pair[self.language == "zh"]

    def name(self, who: str) -> str:
        """Name a person of the task; of anybody else only the number is known."""
        return self.names.get(who, who)

    def pairs(self, found: Iterable[tuple[str, str]]) -> list[Pair]:
        """Give what there is with its word before it."""
        return [(self.w[name], value) for name, value in found if value]


def part(
    facts: Facts, form: Checklist, judged: Verdict, say: Reader, *, partner: bool
) -> dict[str, object]:
    """Arrange the items of one checklist, section by section; of a recheck those that it asked."""
    left = () if judged.graded else judged.not_asked
    asked = [
        (section, [item for item in section.items if _named(form, item, partner) not in left])
        for section in form.sections
    ]
    return {
        "title": say.text(form.title),
        "version": f"{form.code} {form.version}",
        "sections": [
            {
                "title": say.text(section.title),
                "items": [
                    row(facts, item, _named(form, item, partner), judged, say) for item in items
                ],
            }
            for section, items in asked
            if items
        ],
    }


def row(facts: Facts, item: Item, name: str, judged: Verdict, say: Reader) -> dict[str, object]:
    """Arrange one item; one that failed or is disputed with all that was said of it."""
    answered = facts.state.items.get(name)
    said = answered.standing[0] if answered and answered.standing else None
    tone = tone_of(name, said, judged)
    lines: list[Pair] = []
    if said is not None and tone != "not_asked":
        measured = item.kind in ("number", "temperature") and said.v != "na"
        lines = say.pairs(
            [
                ("reading", reading(item, said, say) if measured else ""),
                ("limit", _limit(item, said, say) if measured else ""),
                ("instrument", said.instrument),
                ("probe", said.probe),
                ("note", said.note),
            ]
        )
    if tone in ("fail", "conflict"):
        lines += say.pairs([("basis", say.text(item.basis))])
    if answered is not None:
        others = [one for one in answered.standing[1:] if one.says != answered.standing[0].says]
        lines += [
            (say.w["also"], f"{reading(item, one, say)} ({say.name(one.who)})")
            for one in [*others, *answered.overruled]
        ]
    return {
        "ref": item.ref,
        "key": item.key,
        "text": say.text(item.text),
        "tone": tone,
        "result": result(item, said, tone, say),
        "lines": lines,
        "rows": _rows(item, said, say) if said is not None and said.rows else None,
    }


def tone_of(name: str, said: Said | None, judged: Verdict) -> Tone:
    """Say how an answer counts."""
    if name in judged.in_conflict:
        return "conflict"
    if name in judged.failed:
        return "fail"
    if name in judged.unanswered:
        return "open"
    if said is None:
        return "not_asked"
    return "na" if said.v == "na" else "pass"


def result(item: Item, said: Said | None, tone: Tone, say: Reader) -> str:
    """Say the result of an item in a word or its value."""
    if tone == "open" and said is not None:
        return say.w["inadmissible"]
    if tone == "conflict" and said is not None:
        return f"{say.w['conflict']}: {reading(item, said, say)}"
    if item.kind in ("verdict", "number", "temperature", "table", "photo", "signature"):
        return say.w[tone]
    if said is None or tone in ("na", "open", "not_asked"):
        return say.w[tone]
    value = reading(item, said, say)
    return f"{value} ({say.w[tone]})" if tone == "fail" else value


def reading(item: Item, said: Said, say: Reader) -> str:
    """Say an answer for people: a word, a value with its unit, the texts of what was chosen."""
    if said.v in checklist.VERDICTS:
        return say.w[said.v]
    if item.choices:
        texts = {one.code: say.text(one.text) for one in item.choices}
        return say.join(texts.get(code, code) for code in said.v.split(" "))
    return f"{said.v} {said.unit or item.unit}".strip()


def problems(facts: Facts, say: Reader) -> list[dict[str, object]]:
    """List what failed on every checklist, for an order and for the record of results."""
    found: list[dict[str, object]] = []
    for n, (form, judged) in enumerate(zip(facts.forms, facts.verdicts, strict=True)):
        for item in form.items:
            name = _named(form, item, n > 0)
            if name in judged.failed:
                found.append(
                    {
                        **row(facts, item, name, judged, say),
                        "name": name,
                        "basis": say.text(item.basis),
                        "form": say.text(form.title),
                        "notes": [
                            *_failing(facts, item, name, say),
                            *(
                                one.text
                                for one in facts.state.findings
                                if one.item == name and not one.voided
                            ),
                        ],
                    }
                )
    return found


def _failing(facts: Facts, item: Item, name: str, say: Reader) -> list[str]:
    """Name the rows of a table that do not comply: which room, which goods."""
    if item.kind != "table":
        return []
    return [
        " · ".join(filter(None, (_cell(column, row[column.code], say) for column in item.columns)))
        for row in failing(item, facts.state.items[name].standing[0])
    ]


def _cell(column: Column, value: str, say: Reader) -> str:
    texts = {one.code: say.text(one.text) for one in column.choices}
    return f"{texts.get(value, value)} {column.unit}".strip() if value else ""


def _named(form: Checklist, item: Item, partner: bool) -> str:
    return checklist.named(form, item.ref) if partner else item.ref


def _limit(item: Item, said: Said, say: Reader) -> str:
    applied = next((one for one in item.limits if one.code == said.limit), None)
    if applied is not None:
        text = bounds(applied, item.unit, say.language, minus="-")
        return f"{say.text(applied.text)}: {text}" if text else say.text(applied.text)
    return said.limit or bounds(item, item.unit, say.language, minus="-")


def _rows(item: Item, said: Said, say: Reader) -> dict[str, object]:
    """Arrange a table that was filled in (e.g. 价格表), its columns as the checklist has them."""
    known = {one.code: one for one in item.columns}
    codes = [code for code in known if code in said.rows[0]]
    codes += sorted(said.rows[0].keys() - known.keys())
    heads = [
        f"{say.text(known[code].text)} ({known[code].unit})"
        if code in known and known[code].unit
        else say.text(known[code].text) if code in known else code
        for code in codes
    ]  # fmt: skip
    words = {
        code: {one.code: say.text(one.text) for one in known[code].choices}
        for code in codes
        if code in known
    }
    return {
        "head": heads,
        "rows": [
            [words.get(code, {}).get(one[code], one[code]) for code in codes] for one in said.rows
        ],
    }
