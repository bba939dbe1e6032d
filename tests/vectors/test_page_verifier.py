"""The verifier in docs/explanation/draw.md agrees with ours on bundles of every kind."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import bundles
import published
import pytest

from backend.rules import papers
from backend.rules.bundle import Files, commit_hash
from backend.rules.scheme import Quota
from backend.rules.verification import verify

LINES_MAX = 300


@pytest.fixture(params=bundles.KINDS)
def files(request: pytest.FixtureRequest) -> Files:
    return bundles.make(request.param)


def ours(files: Files, *, public: bool = False) -> dict[str, bool | None]:
    steps = verify(files, public=public)
    return {step.name: step.ok for step in steps if step.name != "sources"}


def test_the_verifier_is_short_and_needs_only_the_standard_library() -> None:
    tree = ast.parse(published.code())
    names = {
        (one.module if isinstance(one, ast.ImportFrom) else alias.name) or ""
        for one in ast.walk(tree)
        if isinstance(one, ast.Import | ast.ImportFrom)
        for alias in one.names
    }

    assert published.code().count("\n") < LINES_MAX
    assert names
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_both_verifiers_prove_the_same_steps_of_every_kind_of_bundle(files: Files) -> None:
    found = published.told(files)

    assert found == ours(files)
    assert False not in found.values()


def test_without_the_auditors_file_both_leave_the_same_steps_open(files: Files) -> None:
    public = {name: body for name, body in files.items() if name not in papers.AUDITOR_ONLY}

    found = published.told(public)

    assert found == ours(public, public=True)
    assert found["assignment"] is None


def test_kinds_are_what_they_say() -> None:
    standing = bundles.make("a ladder taken")["pairing.json"].decode()
    skipped = bundles.make("every seat needed")["assignment.tsv"].decode()
    certain = bundles.make("weights, some certain")["selection.tsv"].decode().splitlines()
    tickets = [line.split("\t")[3] for line in certain]

    assert '"relaxed":["last-visit","any-district","cap+1"]' in standing
    assert [line for line in skipped.splitlines() if not line.endswith("\t")]
    assert tickets != sorted(tickets)
    assert "seed.json" not in bundles.make("infeasible")
    assert bundles.make("nobody eligible")["selection.tsv"] == b""


_HALF = {"rate": (1, 2), "at_most": (49, 100)}  # of 51: 26 are drawn, 24 are allowed
_LOW = Quota(where={"risk": ["D"]}, rate=(1, 2), at_most=(1, 10))


@pytest.mark.parametrize("bounds", [_HALF, {"strata": ["risk"], "quotas": [_LOW]}])
def test_all_three_verifiers_refute_more_lots_than_the_upper_rate_allows(
    bounds: dict[str, Any], tmp_path: Path
) -> None:
    files = bundles.drawn(bundles.task(**bounds), bundles.crew(20))

    found = published.browsed(files, [], tmp_path)["steps"]["allocation"]

    assert ours(files)["allocation"] is False
    assert published.refuted(files) == ["allocation"]
    assert found["ok"] is False
    assert "are allowed" in found["en"]
    assert "超过上限" in found["zh"]


def test_the_browser_proves_a_bundle_with_upper_rates(tmp_path: Path) -> None:
    found = published.browsed(bundles.make("upper rates"), [], tmp_path)["steps"]

    assert [name for name, one in found.items() if one["ok"] is False] == []
    assert found["selection"]["ok"] is True


@pytest.mark.parametrize("hash", ["", "0" * 64])
def test_the_verifier_runs_as_the_page_says(tmp_path: Path, hash: str) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name, body in bundles.make("single").items():
        (folder / name).write_bytes(body)
    page = published.PAGE.read_text("utf-8")
    script = next(line for line in page.splitlines() if line.endswith("> verify_draw.py"))
    shutil.copy(published.PAGE, tmp_path)
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    wanted = hash or commit_hash(bundles.make("single"))

    done = subprocess.run(
        [sys.executable, "-I", "verify_draw.py", "bundle", wanted],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stderr == ""
    assert done.returncode == (1 if hash else 0), done.stdout
    assert ("WRONG 不符 commitment 承诺" in done.stdout) == bool(hash)
    assert "31415926535897932384" in done.stdout or hash
