"""How the files of fixtures/vectors/operations were made: `python … KIND > …/KIND.json`.

Each once, when its kind was released. A file is what every later version of the program must still
read as it was meant: when a test against one fails, the code is wrong, or needs a new version of
the kind and an upcaster from the old one.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from vectors.sync_vectors import LI, STAMP, WANG, answers, folded, log

from sync import upcasts
from sync.ops import AddEvidence, AddFinding, Answer, AnyOp, CarryChecklist, SetAnswers, Sign, Void

OLD, NEW, OTHER = "1a" * 32, "2b" * 32, "3c" * 32  # checklists
BOTH: dict[str, Any] = {LI: ((1, 2),), WANG: ((1, 1),)}


def kinds() -> dict[str, Any]:
    """Give the structs of every kind and version that is read."""
    types = [*get_args(AnyOp), *(get_args(upcasts.OldForm) or [upcasts.OldForm])]
    return {str(one.__struct_config__.tag): one for one in types}


def form(kind: str) -> Any:
    """Give the JSON Schema of a kind, without what is said for people."""

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items() if k not in ("title", "description")}
        return [bare(one) for one in node] if isinstance(node, list) else node

    return bare(json.loads(json.dumps(msgspec.json.schema(kinds()[kind]))))


def said(n: int, answer: Answer, *replaced: str, under: str = "", ref: str = "3.2") -> SetAnswers:
    seen = {ref: replaced} if replaced else {}
    return SetAnswers(n=n, f={ref: answer}, s=seen, under=under, **STAMP)


def carry(n: int, to: str, again: dict[str, Any], *seen: str) -> CarryChecklist:
    return CarryChecklist(n=n, to=to, again=again, s=seen, **STAMP)


def sign(n: int, role: str, **more: Any) -> Sign:
    return Sign(n=n, role=role, covers=BOTH, blobs=("ab" * 32,), digest="0" * 64, **more, **STAMP)


COLD = Answer("-17.5", "", "number", "°C", "TH-204", "core", "<= -18")
PRICES = Answer("2", "", "table", rows=({"goods": "米 5 kg", "yuan": "39.90"},
                                        {"goods": "油 5 L", "yuan": "79.00"}))  # fmt: skip


def old_answers() -> Iterator[tuple[str, Any]]:
    yield "a verdict with a note", log(LI, [answers(1, "fail", note="锈蚀 ≥ 2 cm²")])
    yield "a measured value", log(LI, [answers(1, "-17.5")])
    yield (
        "one replaces another's",
        log(LI, [answers(1, "pass", f"{WANG}:1")]) + log(WANG, [answers(1, "fail")]),
    )
    yield (
        "issued again in another chain",
        log(LI, [msgspec.structs.replace(answers(1, "pass"), orig="ef" * 32)]),
    )


def new_answers() -> Iterator[tuple[str, Any]]:
    yield "a verdict", log(LI, [said(1, Answer("pass", "查验无误"))])
    yield "a number, how it was measured, and the limit", log(LI, [said(1, COLD)])
    yield (
        "the same number agrees, however it was measured",
        log(LI, [said(1, COLD)]) + log(WANG, [answers(1, "-17.5")]),
    )
    kinds = {"4.1": Answer("3", kind="count"), "4.2": Answer("chilled frozen", kind="choice"),
             "4.3": Answer("后厨有积水", kind="text"), "4.4": Answer("2026-11-22", kind="date"),
             "4.5": PRICES}  # fmt: skip
    yield "every other kind", log(LI, [SetAnswers(n=1, f=kinds, **STAMP)])
    cheaper = msgspec.structs.replace(PRICES, rows=(PRICES.rows[0],) * 2)
    yield (
        "tables of as many other rows disagree",
        log(LI, [said(1, PRICES)]) + log(WANG, [said(1, cheaper)]),
    )


def findings() -> Iterator[tuple[str, Any]]:
    yield "without an item", log(LI, [AddFinding(n=1, text="霉斑", basis="第三条", **STAMP)])
    yield "of an item", log(LI, [AddFinding(n=1, text="霉斑", basis="3", item="3.2", **STAMP)])


def evidence() -> Iterator[tuple[str, Any]]:
    one: dict[str, Any] = {"blob": "ab" * 32, "size": 7, "mime": "image/jpeg"}
    yield "a photo", log(LI, [AddEvidence(n=1, **one, **STAMP)])
    yield (
        "of an item, with a caption",
        log(LI, [AddEvidence(n=1, **one, item="3.2", caption="门封 𠮷", **STAMP)]),
    )


def voids() -> Iterator[tuple[str, Any]]:
    finding = AddFinding(n=1, text="霉斑", basis="第三条", **STAMP)
    yield (
        "a finding is withdrawn",
        log(LI, [finding, Void(n=2, target=f"{LI}:1", reason="看错", **STAMP)]),
    )
    yield "nothing that is known", log(LI, [Void(n=1, target="x:9", reason="r", **STAMP)])


def signatures() -> Iterator[tuple[str, Any]]:
    work = [answers(1, "fail"), AddFinding(n=2, text="霉斑", basis="第三条", **STAMP)]
    lead, second = sign(3, "lead"), sign(2, "second")
    site = sign(4, "site", name="王老板", strokes="cd" * 32)
    yield (
        "two seal, and the person in charge signs",
        log(LI, [*work, lead, site]) + log(WANG, [answers(1, "fail"), second, answers(3, "pass")]),
    )
    again = sign(4, "lead", s=(f"{LI}:3",), reason="补充")
    yield "one is amended", log(LI, [*work, lead, again])


def carries() -> Iterator[tuple[str, Any]]:
    first = [said(1, Answer("pass")), said(2, Answer("fail"), ref="3.3")]
    changed = {"3.2": (NEW,)}
    yield (
        "an item that asks something else is open again",
        log(LI, [*first, carry(3, NEW, changed)]),
    )
    yield (
        "it is answered again",
        log(LI, [*first, carry(3, NEW, changed), said(4, Answer("fail"), f"{LI}:1", under=NEW)]),
    )
    yield (
        "who had not seen it yet answered what was asked before",
        log(LI, [carry(1, NEW, changed), said(2, Answer("fail"), under=NEW)])
        + log(WANG, [said(1, Answer("pass"))]),
    )
    yield (
        "two at once to different versions are a conflict",
        log(LI, [carry(1, NEW, changed)]) + log(WANG, [carry(1, OTHER, {})]),
    )
    yield (
        "two at once to the same agree",
        log(LI, [carry(1, NEW, changed)]) + log(WANG, [carry(1, NEW, changed)]),
    )
    both = (f"{LI}:1", f"{WANG}:1")
    yield (
        "a later one that has seen both settles it",
        log(LI, [carry(1, NEW, changed), carry(2, OTHER, {"3.2": (OTHER,)}, *both)])
        + log(WANG, [carry(1, OTHER, {})]),
    )


CASES = {
    "answers.set/1": old_answers,
    "answers.set/2": new_answers,
    "finding.add/1": findings,
    "evidence.add/1": evidence,
    "void/1": voids,
    "sign/1": signatures,
    "checklist.carry/1": carries,
}


def make(kind: str) -> dict[str, Any]:
    cases = [folded(name, history) for name, history in CASES[kind]()]
    return {"kind": kind, "form": form(kind), "folds": cases}


if __name__ == "__main__":
    json.dump(make(sys.argv[1]), sys.stdout, ensure_ascii=False, indent=1)
    print()
