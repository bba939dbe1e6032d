"""Checklists of a few items, and inspections in which people answered them, for unit tests."""

from collections.abc import Mapping
from typing import Any

from sync.checklist import Bound, Checklist, Item, Outcome, Rule, Section, Text
from sync.merge import Inspection, Said
from sync.merge import Item as Known
from sync.ops import Answer, AnswerKind

W = Text("x", "某")


def item(ref: str, **more: Any) -> Item:
    return Item(ref, W, W, **more)


def form(*sections: Section) -> Checklist:
    return Checklist(
        code="f",
        version="1",
        title=W,
        sections=sections,
        outcomes=(Outcome("good", W, "none"), Outcome("bad", W, "rectify")),
        rules=(Rule("clean", "good", W, {"failed": Bound(max="0")}), Rule("rest", "bad", W)),
    )


def visit(answers: Mapping[str, Answer | str | tuple[str, ...]], **more: Any) -> Inspection:
    """Let inspectors answer: a word, an answer, or several words that contradict each other."""
    items: dict[str, Known] = {}
    for ref, one in answers.items():
        words = one if isinstance(one, tuple) else (one,)
        said = tuple(
            Said("d:1", "w", word, "") if isinstance(word, str) else _said(word) for word in words
        )
        items[ref] = Known(said[0].v, said)
    return Inspection(items=items, **more)


def _said(answer: Answer) -> Said:
    return Said("d:1", "w", answer.v, answer.note, answer.kind, answer.unit)


def chosen(value: str, kind: AnswerKind = "choice") -> Answer:
    return Answer(value, kind=kind)
