"""Three implementations hold to the golden vectors of the draw: ours, the page's, the browser's."""

import json
import shutil
import subprocess
from base64 import b64decode
from fractions import Fraction
from pathlib import Path
from typing import Any

import drawings
import published
import pytest

from backend.rules import bundle, canonical, merkle, papers, weighted
from backend.rules.bundle import Files, commit_hash
from backend.rules.draw import Share
from backend.rules.merkle import Absence, Inclusion
from backend.rules.papers import TaskPaper
from backend.rules.verification import verify

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "fixtures" / "vectors"
DRAW: dict[str, Any] = json.loads((VECTORS / "draw.json").read_text("utf-8"))
BUNDLES: dict[str, Any] = json.loads((VECTORS / "draw_bundles.json").read_text("utf-8"))
KNOWN: dict[str, Any] = BUNDLES["known"]
PAGE = published.VERIFIER


def files_of(kind: str) -> Files:
    kept = BUNDLES["bundles"][kind]
    texts = {name: body.encode() for name, body in kept["files"].items()}
    return texts | {name: b64decode(body) for name, body in kept["packed"].items()}


# -- whole bundles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BUNDLES["bundles"])
def test_three_whole_bundles_are_proved_by_both_verifiers(kind: str) -> None:
    files, commitment = files_of(kind), BUNDLES["bundles"][kind]["commitment"]

    ours = verify(files, commitment=commitment)

    assert commit_hash(files) == commitment
    assert [step.name for step in ours if not step.ok] == []
    assert set(published.told(files, commitment).values()) == {True}


# -- the known answers of the specification --------------------------------------------------------


@pytest.mark.parametrize("rounding", KNOWN["tasks"])
def test_the_known_numbers_come_out_by_both(rounding: str) -> None:
    task = KNOWN["tasks"][rounding]
    paper = papers.read(canonical.encode(task), TaskPaper)
    page = PAGE.Bundle()
    page.task, page.seeds = task, {"rounding": KNOWN["rounding_seed"]}
    page.commit = {"counts": {name: {"E": n, "X": 0} for name, n in KNOWN["eligible"].items()}}

    shares = bundle.shares(paper, KNOWN["eligible"], KNOWN["rounding_seed"])
    page["allocation.json"] = papers.write_shares(shares)
    PAGE.allocation(page)

    assert {name: share.primary for name, share in shares.items()} == KNOWN["primary"][rounding]
    assert page.shares["D"]["primary"] == KNOWN["primary"][rounding]["D"]


def test_the_known_weighted_draw_comes_out_by_both() -> None:
    rows = [line.split("\t") for line in KNOWN["lines"]]
    entries = [(row[0].encode(), row[1], int(row[2])) for row in rows if row[3] == "E"]
    wanted: dict[str, list[str]] = KNOWN["weighted"]
    shares = {name: Share(99, len(ids), 0) for name, ids in wanted.items()}
    page = PAGE.Bundle()
    page.task, page.seeds, page.frame = (
        {"weights": [1]},
        {"objects": KNOWN["objects_seed"]},
        rows,
    )

    lots = weighted.select(KNOWN["objects_seed"], entries, shares)

    for name, ids in wanted.items():
        theirs = [id.decode() for _, id, _ in PAGE.ranked(page, name, len(ids))][: len(ids)]
        assert [lot.id for lot in lots if lot.stratum == name] == theirs == ids


# -- seeds, roots, proofs, pairings ----------------------------------------------------------------


def test_the_page_derives_the_kept_tickets_and_seeds() -> None:
    kept = DRAW["seed"]
    page = PAGE.Bundle()
    page.hash, page.task = kept["commit_hash"], {"id": kept["task"]}
    page.random = {drawings.DICE: drawings.DIGITS}, drawings.NONCES
    page.log = [{}, {"seed": kept["seeds"]["root"]}]
    page["seed.json"] = canonical.encode(
        {"commit": kept["commit_hash"], "text": kept["text"]} | kept["seeds"]
    )

    PAGE.seed(page)

    assert page.seeds["text"] == kept["text"]
    for one in DRAW["tickets"]:
        assert PAGE.sha(f"{one['seed']}|{one['id']}") == one["ticket"]
    for who, nonce in drawings.NONCES.items():
        assert PAGE.sha(f"sjdraw/1|nonce|{who}|{nonce}") == kept["nonce_commits"][who]


def inclusion(kept: dict[str, Any]) -> Inclusion | None:
    if not kept:
        return None
    path = tuple(map(bytes.fromhex, kept["path"]))
    return Inclusion(index=kept["index"], line=kept["line"].encode(), path=path)


def test_the_kept_proofs_hold_and_only_for_their_place() -> None:
    tree = DRAW["tree"]
    root, size = bytes.fromhex(tree["roots"][-1]), len(tree["lines"])

    for kept in tree["inclusion"]:
        proof = inclusion(kept)
        assert proof is not None
        assert merkle.includes(root, size, proof)
        assert not merkle.includes(root, size, Inclusion(proof.index ^ 1, proof.line, proof.path))
    for kept in tree["absence"]:
        absence = Absence(inclusion(kept["left"]), inclusion(kept["right"]))
        assert merkle.excludes(root, size, kept["id"].encode(), absence)
        assert not merkle.excludes(root, size, tree["lines"][0].split("\t")[0].encode(), absence)
    assert tree["roots"] == [
        merkle.root([line.encode() for line in tree["lines"][:n]]).hex() for n in range(size + 1)
    ]


def test_the_page_fills_the_kept_seats_and_finds_the_kept_bottleneck() -> None:
    kept = DRAW["pairing"]
    may = {
        (f"{kept['task']}/{group}", name): who
        for group, seats in (kept["seats"] | kept["one_too_many"]).items()
        for name, who in seats.items()
    }
    extra = {key for key in may if "/S5/" in key[0]}
    fits = {key: who for key, who in may.items() if key not in extra}
    cut = [tuple(key) for key in kept["bottleneck"]["positions"]]

    assert PAGE.filled(list(fits), fits, kept["caps"], {}) is not None
    assert PAGE.filled(list(may), may, kept["caps"], {}) is None
    assert PAGE.filled(cut, may, kept["caps"], {}) is None
    for one in cut:
        assert PAGE.filled([key for key in cut if key != one], may, kept["caps"], {}) is not None


def test_fractions_are_exact() -> None:
    shared = PAGE.shared_out(
        {"a": Fraction(1, 3), "b": Fraction(2, 3)}, {"a": 0, "b": 0}, {"a": 9, "b": 9}, 4
    )

    assert shared == {"a": Fraction(4, 3), "b": Fraction(8, 3)}


# -- the browser's script, run by Node where there is one ------------------------------------------

HARNESS = """
import { readFileSync } from "node:fs";
import * as own from "./verify.mjs";
const { draw, bundles } = JSON.parse(readFileSync(0, "utf-8"));
const told = await own.check(draw, bundles);
console.log(JSON.stringify(told));
"""


def test_the_script_of_the_browser_holds_to_the_same_vectors(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node; tests/cli/test_browser.py runs the same in Chromium")
    script = (ROOT / "web" / "verify.js").read_text("utf-8")
    (tmp_path / "verify.mjs").write_text(script + CHECK, encoding="utf-8")
    (tmp_path / "run.mjs").write_text(HARNESS, encoding="utf-8")

    done = subprocess.run(
        [node, "run.mjs"], cwd=tmp_path, input=json.dumps({"draw": DRAW, "bundles": BUNDLES}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == EXPECTED


CHECK = (Path(__file__).parent / "browser_vectors.js").read_text("utf-8")
EXPECTED = {"wrong": [], "checked": 4 + 1 + 42 + 5 + 4 + 3 + 3 * 8}
