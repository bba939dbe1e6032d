from typing import Any

from sync.merge import Recorded
from sync.ops import (
    AddEvidence,
    AddFinding,
    Answer,
    Arrive,
    CarryChecklist,
    SetAnswers,
    Sign,
    TakeSample,
    Void,
)
from sync.taking_part import Part, parts

SEATS = {"lead": "li", "second": "wang"}
STAMP: dict[str, Any] = {"e": "t1", "w": 0, "m": 0, "boot": "b"}
FILE: dict[str, Any] = {"blob": "ab" * 32, "size": 1, "mime": "m"}


def done(who: str, *ops: Any) -> list[Recorded]:
    return [Recorded(f"{who}:{n}", f"{who}{n}", who, op) for n, op in enumerate(ops, start=1)]


def sign(role: str) -> Sign:
    return Sign(n=1, role=role, covers={}, blobs=(), digest="", **STAMP)


def test_each_of_them_is_told_by_what_is_from_their_own_device() -> None:
    li = done("li", Arrive(n=1, how="shown", **STAMP),
              SetAnswers(n=2, f={"1": Answer("pass")}, **STAMP), sign("lead"))  # fmt: skip
    told = parts(SEATS, [*li, *done("wang", sign("second"))])

    assert told == (
        Part("lead", "li", ("arrived", "recorded", "signed")),
        Part("second", "wang", ("signed",)),
    )
    assert [one.took_part for one in told] == [True, True]
    assert [one.lacking for one in told] == [(), ("arrived", "recorded")]


def test_an_answer_counts_as_taking_part_also_when_another_replaced_it() -> None:
    first = SetAnswers(n=1, f={"1": Answer("pass")}, **STAMP)
    again = SetAnswers(n=1, f={"1": Answer("pass")}, s={"1": ("wang:1",)}, **STAMP)
    told = parts(SEATS, done("wang", first) + done("li", again))

    assert [one.did for one in told] == [("recorded",), ("recorded",)]


def test_signing_for_another_and_withdrawing_is_not_taking_part() -> None:
    strokes = AddEvidence(n=1, role="strokes", **FILE, **STAMP)
    carry = CarryChecklist(n=1, to="x", **STAMP)
    void = Void(n=1, target="li:1", reason="x", **STAMP)
    arrived = Arrive(n=1, how="shown", **STAMP)
    wang = done("wang", sign("site"), sign("lead"), strokes, carry, void)
    told = parts(SEATS, done("li", arrived) + wang + done("office:zhao", arrived))

    assert [one.did for one in told] == [(), ()]
    assert not any(one.took_part for one in told)


def test_findings_files_and_samples_are_records() -> None:
    for op in (
        AddFinding(n=1, text="x", basis="y", **STAMP),
        AddEvidence(n=1, **FILE, **STAMP),
        TakeSample(n=1, number="S", of="goods", what="x", **STAMP),
    ):
        assert parts(SEATS, done("li", op))[0].did == ("recorded",)
