"""承诺链: the commitments of an agency, one after the other, so that no draw can be lost quietly.

Every commitment has the next number and holds the hash of the one before it; every one of them
ends in a draw or in a public void.
"""

from collections.abc import Iterable, Mapping, Set

from msgspec import MsgspecError

from backend.rules import bundle, papers
from backend.rules.canonical import NotCanonical
from backend.rules.papers import Commit
from backend.rules.verification import Step


def verify(bundles: Iterable[Mapping[str, bytes]], published: Set[str] = frozenset()) -> list[Step]:
    """Check what several bundles are together: a step for each agency.

    `published`: hashes of commitments that must be among them.
    """
    links: dict[str, dict[int, tuple[str, Commit, list[str]]]] = {}
    missing, twice, unread = set(published), list[str](), list[str]()
    for files in bundles:
        try:
            commit = papers.read(files["commit.json"], Commit)
            events: list[str] = [line.event for line in papers.read_log(files["log.ndjson"])]
        except (NotCanonical, MsgspecError, UnicodeError, KeyError) as error:
            unread.append(str(error))
            continue
        hash = bundle.commit_hash(files)
        missing.discard(hash)
        row = links.setdefault(commit.agency, {})
        if commit.seq in row:
            twice.append(f"{commit.agency}#{commit.seq}")
        row[commit.seq] = hash, commit, events
    steps = [_linked(agency, row) for agency, row in sorted(links.items())]
    for found, en, zh in (
        (unread, "Not a bundle", "不是档案包"),
        (twice, "Two bundles have one number", "同一序号有两个档案包"),
        (sorted(missing), "Published, but not among these", "已公布而不在其中"),
    ):
        if found:
            listed = ", ".join(found)
            steps.append(Step("chain", False, f"{en}: {listed}.", f"{zh}：{listed}。"))
    return steps


def _linked(agency: str, row: Mapping[int, tuple[str, Commit, list[str]]]) -> Step:
    """Hold each link to the one before it, and see that none is passed over or left open."""
    name = f"chain {agency}"
    first, last = min(row), max(row)
    for seq in range(first, last + 1):
        if seq not in row:
            return Step(name, False, f"Number {seq} is missing.", f"缺少第 {seq} 号。")
        commit = row[seq][1]
        if seq > first and commit.prev != row[seq - 1][0]:
            return Step(
                name, False,
                f"Number {seq} does not follow the number {seq - 1} that is here.",
                f"第 {seq} 号所承接的并非此处的第 {seq - 1} 号。",
            )  # fmt: skip
        if seq > first and commit.created_at < row[seq - 1][1].created_at:
            return Step(
                name, False,
                f"Number {seq - 1} was made after number {seq}.",
                f"第 {seq - 1} 号晚于第 {seq} 号作出。",
            )  # fmt: skip
    void = [str(seq) for seq, (_, _, events) in sorted(row.items()) if events[-1] == "void"]
    open_ = [str(seq) for seq, (_, _, events) in sorted(row.items()) if events == ["commit"]]
    en = f"Numbers {first} to {last}, each holding the hash of the one before"
    zh = f"第 {first} 至 {last} 号，逐号相连"
    if first > 1:
        en, zh = f"{en}; what came before {first} is not here", f"{zh}；{first} 号之前不在此处"
    if void:
        en, zh = f"{en}; void: {', '.join(void)}", f"{zh}；作废：{'、'.join(void)}"
    if open_:
        en, zh = f"{en}; not drawn yet: {', '.join(open_)}", f"{zh}；尚未抽取：{'、'.join(open_)}"
    return Step(name, True if first == 1 else None, f"{en}.", f"{zh}。")


def summed(name: str, steps: list[Step]) -> Step:
    """Say in one step what the steps of a bundle come to."""
    broken = next((step for step in steps if step.ok is False), None)
    if broken is not None:
        return Step(name, False, f"{broken.name}: {broken.en}", f"{broken.name}：{broken.zh}")
    proved = sum(step.ok is True for step in steps)
    return Step(
        name,
        True,
        f"{proved} of {len(steps)} steps proved, none refuted.",
        f"{len(steps)} 个步骤中 {proved} 个获证明，无一被否定。",
    )
