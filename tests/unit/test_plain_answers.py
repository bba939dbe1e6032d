"""What the hub admits without asking the checklist is what the checklist admits."""

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync import answers, checklist, hub
from sync.ops import Answer, SetAnswers

FOLDER = Path(__file__).parents[2] / "fixtures" / "checklists"
OWN, BROUGHT = (
    checklist.parse((FOLDER / name).read_bytes()) for name in ("cold_store.toml", "food_sales.toml")
)
ITEMS = checklist.asked([OWN, BROUGHT])
ADMITS = partial(answers.admits, ITEMS)
ROLES = {"li": "lead"}
STAMP: dict[str, Any] = {"n": 1, "e": "t1", "w": 0, "m": 0, "boot": "b"}
MORE: list[dict[str, Any]] = [
    {},
    {"note": "x"},
    {"kind": "number"},
    {"kind": "number", "unit": "°C"},
    {"kind": "text"},
    {"unit": "°C"},
    {"instrument": "T-1"},
    {"probe": "2"},
    {"limit": "8"},
    {"rows": ({"a": "1"},)},
]


@pytest.mark.parametrize("more", MORE, ids=str)
def test_the_short_way_gives_the_same_verdict(more: dict[str, Any]) -> None:
    facts = {"t1": hub.Facts(ROLES, ADMITS)}
    quick = {"t1": hub.Facts(ROLES, ADMITS, answers.plain(ITEMS))}

    verdicts = [
        (hub.admit(raw, 1, "li", False, quick), hub.admit(raw, 1, "li", False, facts))
        for ref in (*ITEMS, "9.9.9", "no@1/1.1")
        for value in ("pass", "fail", "na", "4.5", "", "x")
        for raw in [msgspec.json.encode(SetAnswers(f={ref: Answer(value, **more)}, **STAMP))]
    ]

    assert all(short == whole for short, whole in verdicts)
    assert {short.verdict for short, _ in verdicts} >= {"quarantined"}


def test_ordinary_answers_ask_nothing() -> None:
    def asked(ref: str, answer: Answer) -> None:
        raise AssertionError(f"{ref} was asked about {answer}")

    facts = {"t1": hub.Facts(ROLES, asked, answers.plain(ITEMS))}
    said = {ref: Answer("pass") for ref, item in ITEMS.items() if item.kind == "verdict"}
    raw = msgspec.json.encode(SetAnswers(f=said, **STAMP))

    verdict = hub.admit(raw, 1, "li", False, facts)

    assert verdict.verdict == "ok"
    assert verdict.op is not None
