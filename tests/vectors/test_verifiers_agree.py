"""On hundreds of small odd cases the page's and the browser's arithmetic give what ours gives."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import drawings
import published
import pytest

from backend.rules import bundle, canonical, papers, weighted
from backend.rules.draw import Share
from backend.rules.pairing import Position, bottleneck
from backend.rules.papers import TaskPaper
from backend.rules.scheme import Quota, Visits

SCRIPT = Path(__file__).parents[2] / "web" / "verify.js"
PAGE = published.VERIFIER
CASES = 300


def numbers(random: Random) -> tuple[TaskPaper, dict[str, int], str]:
    """A task with quotas of every sort, few or many of each stratum, a total in or out of reach."""
    rounding, total = random.choice(
        [("ceil", 0), ("floor", 0), ("hamilton", 3), ("hamilton", 900), ("systematic", 0),
         ("systematic", random.randint(1, 40)), ("hamilton", random.randint(1, 40))]
    )  # fmt: skip
    visits = Visits(per_year=(1, random.randint(1, 2)), batches=4, batch=random.randint(1, 9))
    quotas = [Quota(where={"risk": ["D"]}, visits=visits), Quota(where={"risk": ["C"]}, count=5)]
    paper = drawings.task(
        strata=["risk"], rounding=rounding, total=total, minimum=random.randint(0, 2),
        rate=(random.randint(0, 3), 8), quotas=random.choice([[], quotas]),
    )  # fmt: skip
    same = random.choice([None, 7])  # ties of remainders
    counts = {name: random.randint(0, 30) if same is None else same for name in "ABCD"}
    return paper, counts, f"{random.getrandbits(256):064x}"


def weights(random: Random) -> tuple[list[tuple[str, int]], int, str]:
    size = random.randint(1, 12)
    entries = [(f"id{n}", random.choice([1, 1, 2, 9, 60, 500])) for n in range(size)]
    return entries, random.randint(0, size), f"{random.getrandbits(256):064x}"


def drawn(entries: list[tuple[str, int]], take: int, seed: str) -> list[str]:
    rows = [(id.encode(), "all", weight) for id, weight in entries]
    share = Share(len(rows), take, len(rows) - take)
    return [lot.id for lot in weighted.select(seed, rows, {"all": share})]


def test_the_page_gives_the_same_numbers_and_the_same_weighted_order() -> None:
    random = Random(4)
    for _ in range(CASES):
        paper, counts, seed = numbers(random)
        entries, take, other = weights(random)
        page = PAGE.Bundle()
        page.task, page.seeds = json.loads(papers.write(paper)), {"rounding": seed}
        page.commit = {"counts": {name: {"E": n, "X": 0} for name, n in counts.items()}}
        page["allocation.json"] = papers.write_shares(bundle.shares(paper, counts, seed))
        PAGE.allocation(page)

        odd = PAGE.Bundle()
        odd.task, odd.seeds = {"weights": [1]}, {"objects": other}
        odd.frame = [[id, "all", str(weight), "E"] for id, weight in entries]
        order = [id.decode() for _, id, _ in PAGE.ranked(odd, "all", take)]

        assert canonical.encode(page.shares) == page["allocation.json"]
        assert order == drawn(entries, take, other)


def test_the_page_fills_seats_exactly_when_they_can_be_filled() -> None:
    random, found = Random(5), set[bool]()
    for _ in range(CASES):
        people = [f"I{n}" for n in range(random.randint(2, 5))]
        caps = {who: random.randint(0, 3) for who in people}
        may = {
            (f"g{group}", f"p{n}"): random.sample(people, random.randint(1, len(people)))
            for group in range(random.randint(1, 4))
            for n in range(random.randint(1, 3))
        }
        seats = [
            Position(*key, sum(1 << people.index(who) for who in able)) for key, able in may.items()
        ]

        at = PAGE.filled(list(may), may, caps, {})
        possible = bottleneck("", people, caps, seats) is None

        found.add(possible)
        assert (at is not None) == possible
        if at is not None:
            assert all(who in may[key] for key, who in at.items())
            assert len({(group, who) for (group, _), who in at.items()}) == len(may)
            assert all(list(at.values()).count(who) <= cap for who, cap in caps.items())
    assert found == {True, False}


def test_the_script_of_the_browser_gives_the_same_numbers_and_order(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    random, cases = Random(6), list[dict[str, Any]]()
    for _ in range(CASES):
        paper, counts, seed = numbers(random)
        entries, take, other = weights(random)
        cases.append({
            "task": json.loads(papers.write(paper)), "seed": seed, "take": take, "other": other,
            "counts": {name: {"E": n, "X": 0} for name, n in counts.items()}, "entries": entries,
            "shares": json.loads(papers.write_shares(bundle.shares(paper, counts, seed))),
            "order": drawn(entries, take, other),
        })  # fmt: skip
    (tmp_path / "verify.mjs").write_text(SCRIPT.read_text("utf-8") + CHECK, encoding="utf-8")
    (tmp_path / "run.mjs").write_text(RUN, encoding="utf-8")

    done = subprocess.run(
        [node, "run.mjs"], cwd=tmp_path, input=json.dumps(cases), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


RUN = """
import { readFileSync } from "node:fs";
import { differences } from "./verify.mjs";
console.log(JSON.stringify(await differences(JSON.parse(readFileSync(0, "utf-8")))));
"""
CHECK = """
export async function differences(cases) {
  const found = [];
  for (const [n, one] of cases.entries()) {
    const shares = await sharesOf(one.task, one.counts, one.seed);
    if (canonical(shares) !== canonical(one.shares)) found.push(`shares of ${n}`);
    const entries = [];
    for (const [id, weight] of one.entries) {
      entries.push({ id, weight, ticket: await ticket(one.other, id) });
    }
    const order = ranked(entries, one.take, true).map((entry) => entry.id);
    if (canonical(order) !== canonical(one.order)) found.push(`order of ${n}`);
  }
  return found;
}
"""
