"""What an answer replaces is found without reading what was said of other items."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import answers, checklist, codec
from sync.checklist import Item, Limit, Text
from sync.messages import Clock, Enrolled
from sync.ops import AddFinding, Answer, AnyOp, SetAnswers, Sign, decode_op
from sync.replica import Replica
from sync.store import MemoryStore, Row, Theirs

FORM = checklist.parse(
    (Path(__file__).parents[2] / "fixtures" / "checklists" / "food_sales.toml").read_bytes()
)
REFS = [item.ref for item in FORM.items if item.kind == "verdict"][:3]
HIDDEN = (f'"{REFS[0]}"'.encode(), f'"\\u{ord(REFS[0][0]):04x}{REFS[0][1:]}"'.encode())
refs = st.sampled_from(REFS)


@st.composite
def told(pick: st.DrawFn) -> list[bytes]:
    """Operations of another device, written by other programs too."""
    raws: list[bytes] = []
    for n in range(1, 1 + pick(st.integers(1, 7))):
        stamp = {"n": n, "e": "t1", "w": 0, "m": 0, "boot": "b"}
        again = n > 1 and pick(st.booleans())
        orig = codec.link("", raws[pick(st.integers(0, n - 2))]) if again else ""
        asked = pick(st.lists(refs, min_size=1, unique=True))
        seen = {ref: tuple(f"d2:{k}" for k in range(1, n) if pick(st.booleans())) for ref in asked}
        answers = {ref: Answer(pick(st.sampled_from(["pass", "fail"]))) for ref in asked}
        op: AnyOp = SetAnswers(f=answers, s=seen, orig=orig, **stamp)
        match pick(st.integers(0, 9)):
            case 0:
                op = AddFinding(text='of "answers.set/" and 1.1', basis="x", **stamp)
            case 1 | 2:
                covers = {"d2": ((1, n - 1),)}
                role = pick(st.sampled_from(["lead", "second"]))
                op = Sign(role=role, covers=covers, blobs=(), digest="", **stamp)
        raw = msgspec.json.encode(op)
        if pick(st.booleans()):  # a program that escapes what need not be
            raw = raw.replace(*HIDDEN)
        raws.append(raw)
    return raws


def phone(raws: list[bytes]) -> Replica:
    secret, store = codec.new_key(), MemoryStore()
    replica = Replica(store, lambda: Clock(w=0, m=0, boot="b"))
    enrolled = Enrolled("d1", "p1", "李明", "33-001", "", "", codec.public_key(secret))
    replica.enrol(enrolled, server="", secret=secret)
    digest = checklist.digest(FORM)
    store.put_row(Row("i:t1", "task", "t1", "r", msgspec.json.encode({"checklist": digest})))
    store.put_row(Row("c", "checklist", digest, "r", checklist.canonical(FORM)))
    for n, raw in enumerate(raws, start=1):
        store.put_theirs(Theirs(f"d2:{n}", "i:t1", codec.link("", raw), "p2", raw))
    return replica


@given(told(), st.lists(st.lists(refs, min_size=1, unique=True), min_size=1, max_size=3))
def test_an_answer_replaces_what_the_whole_inspection_shows_to_stand(
    raws: list[bytes], visits: list[list[str]]
) -> None:
    replica = phone(raws)

    for asked in visits:
        items = replica.inspection("t1").items
        mine = replica.answer("t1", {ref: Answer("pass") for ref in asked})

        op = decode_op(mine.raw)
        assert isinstance(op, SetAnswers)
        standing = {ref: items[ref].standing for ref in asked if ref in items}
        assert op.s == {ref: tuple(said.op for said in all_) for ref, all_ in standing.items()}


# -- what needs no asking --------------------------------------------------------------------------

WORDS = Text("Cold", "冷")
ASKED = {
    item.ref: item
    for item in (
        Item("verdict", WORDS, WORDS),
        Item("remark", WORDS, WORDS, na_remark=True),
        Item("reading", WORDS, WORDS, kind="temperature", unit="°C"),
        Item("must", WORDS, WORDS, kind="number", may_be_na=False),
        Item("sort", WORDS, WORDS, kind="number", limits=(Limit("a", WORDS),)),
        Item("device", WORDS, WORDS, kind="temperature", instrument=True),
        Item("where", WORDS, WORDS, kind="temperature", probe=True),
        Item("count", WORDS, WORDS, kind="count"),
    )
}
VALUES = ("pass", "fail", "na", "", "-18.5", "1e3", "007", "1" * 13, "-1\n", "١")


@given(st.lists(st.text(max_size=14)))
def test_no_answer_is_plain_that_would_be_refused(more: list[str]) -> None:
    plain = answers.plain(ASKED)
    said = [(ref, value) for ref in ASKED for value in (*VALUES, *more) if value in plain[ref]]

    assert len(said) >= 9
    assert [one for one in said if answers.admits(ASKED, one[0], Answer(one[1]))] == []


@pytest.mark.parametrize(("ref", "value"), [("verdict", "fail"), ("reading", "-18.5")])
def test_what_is_said_every_day_needs_no_asking(ref: str, value: str) -> None:
    assert value in answers.plain(ASKED)[ref]
