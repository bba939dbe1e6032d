"""入围证明: a paper that shows one business that it was in a frame, or was not, and why.

It holds the commitment itself, so it is checked against nothing but the commitment's hash as it
was published, and without the frame (RFC 9162 §2.1.3).
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from backend.rules import canonical, merkle, papers
from backend.rules.canonical import NotCanonical
from backend.rules.merkle import Absence, Inclusion, Tree
from backend.rules.papers import Commit, Count, Hash
from sync.refusals import Reason, Refused


class Witness(Struct, frozen=True):
    """A line of the frame and the hashes that lead from it to the root."""

    index: Count
    line: str
    path: list[Hash]


class Proof(Struct, frozen=True, omit_defaults=True):
    """proof.json: the line of an object, or the two lines between which it would stand."""

    spec: Literal["sjdraw/1"]
    kind: Literal["frame"]
    id: str
    commit: str  # commit.json as it is
    line: Witness | None = None
    left: Witness | None = None
    right: Witness | None = None


class Shown(Struct, frozen=True):
    """What a proof shows."""

    id: str
    commit: str  # hash of the commitment: compare it with what was published
    made: str
    agency: str
    seq: int
    size: int
    status: Literal["E", "X", "absent"]
    stratum: str = ""
    reason: str = ""
    evidence: str = ""


def prove(commit: bytes, id: str, rows: Iterable[bytes], again: Iterable[bytes]) -> Proof:
    """Prove an object's place in a frame, which is read twice so that it need not be held."""
    key = id.encode()
    before, found, size = 0, False, 0
    for row in rows:
        name = row.partition(b"\t")[0]
        before += name < key
        found |= name == key
        size += 1
    paper = Proof(spec="sjdraw/1", kind="frame", id=id, commit=commit.decode())
    wanted = [before] if found else [n for n in (before - 1, before) if 0 <= n < size]
    witnesses = {one.index: one for one in _witnesses(again, wanted)}
    if found:
        return Proof(paper.spec, paper.kind, id, paper.commit, line=witnesses[before])
    return Proof(
        paper.spec, paper.kind, id, paper.commit,
        left=witnesses.get(before - 1), right=witnesses.get(before),
    )  # fmt: skip


def _witnesses(rows: Iterable[bytes], wanted: list[int]) -> list[Witness]:
    """Gather the paths of some lines in one pass.

    A line belongs to the sibling at the highest bit in which its place differs from the wanted one.
    """
    siblings: list[dict[int, Tree]] = [{} for _ in wanted]
    lines: dict[int, bytes] = {}
    for place, row in enumerate(rows):
        for index, trees in zip(wanted, siblings, strict=True):
            if place == index:
                lines[index] = row
            else:
                level = (place ^ index).bit_length()
                if level not in trees:
                    trees[level] = Tree()
                trees[level].add(row)
    return [
        Witness(
            index=index,
            line=lines[index].decode(),
            path=[trees[level].root().hex() for level in sorted(trees)],
        )
        for index, trees in zip(wanted, siblings, strict=True)
    ]


def check(data: bytes) -> Shown:
    """Say what a proof shows; raise NotCanonical if it is none, Refused if it does not hold."""
    proof = papers.read(data, Proof)
    commit = papers.read(proof.commit.encode(), Commit)
    root = bytes.fromhex(commit.frame_root)
    shown = Shown(
        id=proof.id,
        commit=canonical.digest(proof.commit.encode()),
        made=commit.created_at,
        agency=commit.agency,
        seq=commit.seq,
        size=commit.frame_size,
        status="absent",
    )
    if proof.line is None:
        absence = Absence(left=_inclusion(proof.left), right=_inclusion(proof.right))
        if not merkle.excludes(root, commit.frame_size, proof.id.encode(), absence):
            raise Refused(Reason.FRAME_PROOF_WRONG, id=proof.id)
        return shown
    included = _inclusion(proof.line)
    assert included is not None, "a line was given"
    fields = proof.line.line.split("\t")
    if proof.left or proof.right or fields[0] != proof.id:
        raise NotCanonical("the proof speaks of another object")
    if not merkle.includes(root, commit.frame_size, included):
        raise Refused(Reason.FRAME_PROOF_WRONG, id=proof.id)
    _, stratum, _, status, reason = fields[:5]
    if status not in ("E", "X"):
        raise NotCanonical("the line has no status")
    return Shown(
        id=proof.id,
        commit=shown.commit,
        made=shown.made,
        agency=shown.agency,
        seq=shown.seq,
        size=shown.size,
        status="E" if status == "E" else "X",
        stratum=stratum,
        reason=reason,
        evidence=fields[-1] if len(fields) > papers.FrameLine.width else "",
    )


def _inclusion(witness: Witness | None) -> Inclusion | None:
    if witness is None:
        return None
    path = tuple(map(bytes.fromhex, witness.path))
    return Inclusion(index=witness.index, line=witness.line.encode(), path=path)
