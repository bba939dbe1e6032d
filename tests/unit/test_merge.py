from time import process_time
from typing import Any

from sync.merge import Covers, Inspection, Recorded, covered, digest, fold
from sync.ops import AddEvidence, AddFinding, Answer, AnyOp, SetAnswers, Sign, Void

STAMP: dict[str, Any] = {"e": "t1", "w": 0, "m": 0, "boot": "b"}
HASHES = {"A": "a", "B": "b", "C": "c"}  # A's operations hash smallest, whatever they say


def done(device: str, n: int, op: type[AnyOp], **fields: Any) -> Recorded:
    hash_ = f"{HASHES[device]}{n:063}"
    return Recorded(f"{device}:{n}", hash_, f"who-{device}", op(n=n, **STAMP, **fields))


def said(device: str, n: int, value: str, *replaced: str, item: str = "3.2") -> Recorded:
    return done(device, n, SetAnswers, f={item: Answer(value)}, s={item: replaced})


def signed(
    device: str, n: int, role: str, covers: dict[str, tuple[tuple[int, int], ...]], **more: Any
) -> Recorded:
    return done(device, n, Sign, role=role, covers=covers, blobs=(), digest="", **more)


def test_nothing_recorded_is_an_empty_inspection() -> None:
    assert fold([]) == Inspection()


def test_one_answer_stands() -> None:
    item = fold([said("A", 1, "fail")]).items["3.2"]

    assert (item.value, item.conflict, item.overruled) == ("fail", False, ())


def test_different_answers_stand_in_conflict_and_the_smallest_hash_is_shown() -> None:
    state = fold([said("B", 9, "pass"), said("A", 4, "fail")])

    item = state.items["3.2"]
    assert state.conflicts == ("3.2",)
    assert item.value == "fail"
    assert [one.op for one in item.standing] == ["A:4", "B:9"]


def test_equal_answers_agree() -> None:
    item = fold([said("A", 4, "fail"), said("B", 9, "fail")]).items["3.2"]

    assert not item.conflict
    assert [one.who for one in item.standing] == ["who-A", "who-B"]


def test_an_operation_that_names_both_settles_it_and_the_overruled_one_is_shown() -> None:
    ops = [said("A", 4, "fail"), said("B", 9, "pass"), said("A", 12, "fail", "A:4", "B:9")]

    item = fold(ops).items["3.2"]

    assert (item.value, item.conflict) == ("fail", False)
    assert [one.op for one in item.standing] == ["A:12"]
    assert [one.op for one in item.overruled] == ["B:9"]


def test_a_third_answer_reopens_the_conflict() -> None:
    ops = [said("A", 4, "fail"), said("A", 12, "fail", "A:4"), said("C", 2, "na", "A:4")]

    assert fold(ops).conflicts == ("3.2",)


def test_what_is_superseded_for_one_item_still_stands_for_another() -> None:
    first = done("A", 1, SetAnswers, f={"1": Answer("pass"), "2": Answer("pass")})
    second = done("B", 1, SetAnswers, f={"1": Answer("fail")}, s={"1": ("A:1",)})

    state = fold([first, second])

    assert {ref: item.value for ref, item in state.items.items()} == {"1": "fail", "2": "pass"}


def test_operations_that_replace_each_other_in_a_circle_all_stand() -> None:
    state = fold([said("A", 1, "fail", "B:1"), said("B", 1, "pass", "A:1")])

    assert state.conflicts == ("3.2",)
    assert len(state.items["3.2"].standing) == 2


def test_one_that_replaces_itself_stands() -> None:
    assert fold([said("A", 1, "fail", "A:1")]).items["3.2"].value == "fail"


def test_naming_what_never_arrived_does_no_harm() -> None:
    assert not fold([said("A", 1, "fail", "Z:9", "nonsense")]).items["3.2"].conflict


def test_a_withdrawn_finding_stays_visible_with_its_reason() -> None:
    ops = [
        done("A", 1, AddFinding, text="rust", basis="Law 3"),
        done("B", 1, Void, target="A:1", reason="another shelf"),
    ]

    (finding,) = fold(ops).findings

    assert (finding.text, finding.voided) == ("rust", "another shelf")


def test_of_two_reasons_to_withdraw_the_smaller_hash_is_shown_to_everyone() -> None:
    ops = [
        done("A", 1, AddEvidence, blob="x", size=1, mime="image/jpeg"),
        done("C", 1, Void, target="A:1", reason="third"),
        done("B", 1, Void, target="A:1", reason="second"),
    ]

    assert fold(ops).evidence[0].voided == "second"
    assert fold(reversed(ops)) == fold(ops)


def test_one_signature_does_not_seal() -> None:
    ops = [said("A", 1, "pass"), signed("A", 2, "lead", {"A": ((1, 1),)}), said("A", 3, "fail")]

    state = fold(ops)

    assert not state.signed
    assert state.late == ()


SEAL = [
    said("A", 1, "pass"),
    signed("A", 2, "lead", {"A": ((1, 1),)}),
    signed("B", 1, "second", {"A": ((1, 1),)}),
]


def test_after_both_signed_what_no_signature_covers_is_late_and_not_applied() -> None:
    late = [said("A", 3, "fail", "A:1"), done("B", 2, AddFinding, text="x", basis="y")]

    state = fold([*late, *SEAL])  # whichever arrived first

    assert state.signed
    assert state.late == ("A:3", "B:2")
    assert state.items["3.2"].value == "pass"
    assert state.findings == ()


def test_a_late_operation_supersedes_and_withdraws_nothing() -> None:
    finding = done("A", 5, AddFinding, text="x", basis="y")
    seal = [*SEAL[:1], finding, signed("A", 6, "lead", {"A": ((1, 5),)}), SEAL[2]]

    state = fold([*seal, done("B", 7, Void, target="A:5", reason="late")])

    assert state.findings[0].voided == ""
    assert state.late == ("B:7",)


def test_an_amending_signature_takes_late_operations_in_and_shows_as_amendment() -> None:
    amended = signed("A", 4, "lead", {"A": ((1, 1), (3, 3))}, s=("A:2",), reason="mistyped")

    state = fold([*SEAL, said("A", 3, "fail", "A:1"), amended])

    by_op = {signature.op: signature for signature in state.signatures}
    assert state.late == ()
    assert state.items["3.2"].value == "fail"
    assert by_op["A:2"].amended_by == ("A:4",)
    assert by_op["A:4"].reason == "mistyped"


def test_the_person_in_charge_does_not_seal() -> None:
    site = signed("A", 3, "site", {"A": ((1, 1),)}, name="张老板")

    assert not fold([*SEAL[:2], site]).signed


def test_the_digest_follows_the_operations_and_not_their_order() -> None:
    assert digest(fold(SEAL)) == digest(fold(reversed(SEAL)))
    assert digest(fold(SEAL)) != digest(fold(SEAL[:2]))


def test_covered_ranges_include_both_ends() -> None:
    covers: Covers = {"A": ((2, 3), (7, 7))}

    inside = [n for n in range(1, 9) if covered(covers, f"A:{n}")]

    assert inside == [2, 3, 7]
    assert not covered(covers, "B:2")


def test_ranges_out_of_order_backwards_and_within_each_other_cover_what_they_name() -> None:
    covers: Covers = {"A": ((9, 12), (3, 20), (1, 1), (30, 25), (22, 22), (5, 6))}

    inside = [n for n in range(31) if covered(covers, f"A:{n}")]

    assert inside == [1, *range(3, 21), 22]


def test_a_signature_of_many_ranges_does_not_stop_the_fold() -> None:
    covers: Covers = {"A": tuple((n, n) for n in range(2, 200_000, 2))}
    ops = [said("A", n, "pass", item=str(n)) for n in range(1, 2_000)]
    signs = [signed("B", 1, "lead", covers), signed("B", 2, "second", covers)]

    before = process_time()
    folded = fold([*ops, *signs])
    spent = process_time() - before

    assert len(folded.late) == 1_000
    assert spent < 2  # a look through all ranges for every operation takes minutes


def test_one_item_answered_again_and_again_does_not_stop_the_fold() -> None:
    ops = [said("A", n, "pass" if n % 2 else "fail", "A:1") for n in range(1, 30_000)]

    before = process_time()
    item = fold(ops).items["3.2"]
    spent = process_time() - before

    assert item.conflict
    assert len(item.standing) == 29_998
    assert spent < 2
