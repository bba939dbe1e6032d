"""The fold does not depend on the order of arrival, and nothing that was recorded disappears."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync.codec import chain, genesis
from sync.merge import Marks, Recorded, digest, fold, marks
from sync.ops import AddEvidence, AddFinding, Answer, AnyOp, SetAnswers, Sign, Void, op_id

DEVICES = ("d1", "d2", "d3")
REFS = ("1", "2")
names = st.builds(op_id, st.sampled_from(DEVICES), st.integers(1, 8))
values = st.sampled_from(["pass", "fail", "na"])
spans = st.tuples(st.integers(1, 8), st.integers(1, 8)).map(lambda pair: (min(pair), max(pair)))
fields: dict[type[Any], dict[str, st.SearchStrategy[Any]]] = {
    SetAnswers: {
        "f": st.dictionaries(st.sampled_from(REFS), values.map(Answer), min_size=1),
        "s": st.dictionaries(st.sampled_from(REFS), st.lists(names, max_size=4).map(tuple)),
    },
    AddFinding: {"text": st.just("x"), "basis": st.just("y")},
    AddEvidence: {"blob": st.sampled_from("ab"), "size": st.just(1), "mime": st.just("image/png")},
    Void: {"target": names, "reason": st.sampled_from(["r1", "r2"])},
    Sign: {
        "role": st.sampled_from(["lead", "second", "site"]),
        "covers": st.dictionaries(st.sampled_from(DEVICES), st.lists(spans, max_size=2).map(tuple)),
        "blobs": st.just(()),
        "digest": st.just(""),
        "s": st.lists(names, max_size=2).map(tuple),
    },
}


@st.composite
def histories(draw: st.DrawFn, kinds: tuple[type[Any], ...] = tuple(fields)) -> list[Recorded]:
    """Draw what up to three devices recorded, knowing each other or not."""
    recorded: list[Recorded] = []
    for device in DEVICES:
        ops: list[AnyOp] = []
        for n in range(1, draw(st.integers(0, 6)) + 1):
            kind = draw(st.sampled_from(kinds))
            said = {name: draw(strategy) for name, strategy in fields[kind].items()}
            w = draw(st.integers(-(2**40), 2**40))
            ops.append(kind(n=n, e="t", w=w, m=0, boot="b", **said))
        hashes = chain(genesis(device), [repr(op).encode() for op in ops])
        recorded += [
            Recorded(op_id(device, op.n), hash_, f"who-{device}", op)
            for op, hash_ in zip(ops, hashes, strict=True)
        ]
    return recorded


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_any_repeats_fold_to_the_same_inspection(
    history: list[Recorded], chance: Any
) -> None:
    arrived = history + [chance.choice(history) for _ in history]
    chance.shuffle(arrived)

    assert fold(arrived) == fold(history)
    assert digest(fold(arrived)) == digest(fold(history))


@given(histories() | histories((SetAnswers,)) | histories((SetAnswers, AddFinding, Void)))
def test_what_is_looked_for_is_told_without_a_fold_as_with_one(history: list[Recorded]) -> None:
    state = fold(history)

    for ops in (history, history[:1], history[-2:]):
        assert marks(ops) == marks(ops, fold(ops))
    assert marks(history) == Marks(
        len(history), len(state.conflicts), len(state.late), state.signed
    )


@given(histories())
def test_nothing_recorded_disappears(history: list[Recorded]) -> None:
    state = fold(history)

    seen = {one.op for one in (*state.findings, *state.evidence, *state.signatures)}
    for recorded in history:
        match recorded.op:
            case SetAnswers(f=answers) if recorded.id not in state.late:
                for ref, answer in answers.items():
                    item = state.items[ref]
                    shown = {said.op for said in (*item.standing, *item.overruled)}
                    assert recorded.id in shown or answer.v == item.value
            case AddFinding() | AddEvidence() | Sign():
                assert (recorded.id in seen) != (recorded.id in state.late)
            case _:
                pass


@given(histories((SetAnswers,)))
def test_an_item_is_in_conflict_exactly_when_different_answers_stand(
    history: list[Recorded],
) -> None:
    state = fold(history)

    for ref, item in state.items.items():
        values = {said.v for said in item.standing}
        assert item.conflict == (len(values) > 1) == (ref in state.conflicts)
        assert item.value in values
        assert item.standing[0].v == item.value
        assert not {said.op for said in item.standing} & {said.op for said in item.overruled}
        assert item.value not in {said.v for said in item.overruled}


@given(histories((SetAnswers,)), values)
def test_equal_answers_never_conflict(history: list[Recorded], value: str) -> None:
    same = [
        Recorded(r.id, r.hash, r.who, SetAnswers(
            n=r.op.n, e="t", w=0, m=0, boot="b", f=dict.fromkeys(r.op.f, Answer(value)), s=r.op.s,
        ))
        for r in history if isinstance(r.op, SetAnswers)
    ]  # fmt: skip

    assert fold(same).conflicts == ()


@given(histories((SetAnswers,)), values)
def test_an_operation_that_names_all_that_stands_resolves(
    history: list[Recorded], value: str
) -> None:
    before = fold(history)
    stands = {ref: tuple(s.op for s in item.standing) for ref, item in before.items.items()}
    answers = dict.fromkeys(before.items, Answer(value))
    op = SetAnswers(n=1, e="t", w=0, m=0, boot="b", f=answers, s=stands)

    after = fold([*history, Recorded("d9:1", "0" * 64, "who-9", op)])

    assert after.conflicts == ()
    assert all(item.value == value for item in after.items.values())


@given(histories())
def test_what_is_late_is_outside_every_signature_and_applied_nowhere(
    history: list[Recorded],
) -> None:
    state = fold(history)
    without = fold(r for r in history if r.id not in state.late)

    assert (state.items, state.findings, state.evidence) == (
        without.items,
        without.findings,
        without.evidence,
    )
    assert without.late == ()
