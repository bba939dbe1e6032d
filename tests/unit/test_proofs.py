"""The paper that one business is given: it holds for that business and for no other."""

import drawings
import msgspec
import pytest

from backend.rules import bundle, papers, proofs
from backend.rules.canonical import NotCanonical
from backend.rules.proofs import Proof
from sync.refusals import Reason, Refused

FILES = drawings.committed()
ROWS = list(bundle.frame_rows(FILES["frame.tsv.gz"]))
IDS = [row.split(b"\t", 1)[0].decode() for row in ROWS]


def proved(id: str) -> Proof:
    return proofs.prove(FILES["commit.json"], id, ROWS, ROWS)


@pytest.mark.parametrize("place", [0, 1, len(IDS) // 2, len(IDS) - 1])
def test_everybody_in_the_frame_is_shown_with_what_the_frame_says(place: int) -> None:
    shown = proofs.check(papers.write(proved(IDS[place])))

    stratum, _, status, reason = ROWS[place].decode().split("\t")[1:5]
    assert (shown.id, shown.status) == (IDS[place], status)
    assert (shown.stratum, shown.reason) == (stratum, reason)
    assert shown.commit == bundle.commit_hash(FILES)


@pytest.mark.parametrize("id", ["0", IDS[0] + "0", "~"])
def test_who_is_not_in_the_frame_is_shown_to_be_absent(id: str) -> None:
    shown = proofs.check(papers.write(proved(id)))

    assert (shown.id, shown.status) == (id, "absent")


def test_the_line_of_one_business_proves_nothing_for_another() -> None:
    theirs = msgspec.structs.replace(proved(IDS[1]), id=IDS[2])

    with pytest.raises(NotCanonical, match="another object"):
        proofs.check(papers.write(theirs))


def test_a_line_with_neighbours_besides_is_no_proof() -> None:
    both = msgspec.structs.replace(proved(IDS[1]), left=proved(IDS[0]).line)

    with pytest.raises(NotCanonical, match="another object"):
        proofs.check(papers.write(both))


def test_the_neighbours_of_one_gap_prove_nothing_of_who_is_there() -> None:
    gap = msgspec.structs.replace(proved(IDS[1] + "0"), id=IDS[1])

    with pytest.raises(Refused) as wrong:
        proofs.check(papers.write(gap))

    assert wrong.value.reason is Reason.FRAME_PROOF_WRONG


def test_a_changed_line_or_place_is_refused() -> None:
    true = proved(IDS[1])
    assert true.line is not None
    moved = msgspec.structs.replace(true.line, index=2)
    other = msgspec.structs.replace(true.line, line=true.line.line + "x")

    for line in (moved, other):
        with pytest.raises(Refused) as wrong:
            proofs.check(papers.write(msgspec.structs.replace(true, line=line)))
        assert wrong.value.reason is Reason.FRAME_PROOF_WRONG
