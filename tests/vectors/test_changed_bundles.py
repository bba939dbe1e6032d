"""What followed a draw: the page and the browser check its chain, and say no more."""

from datetime import timedelta
from pathlib import Path

import drawings
import published
import pytest

from backend.rules import amendments, bundle, canonical, events, papers
from backend.rules.amendments import Wanted
from backend.rules.bundle import Files
from backend.rules.verification import verify


@pytest.fixture(scope="module")
def held() -> Files:
    return drawings.held(drawings.committed(inspectors=drawings.roster(24))).files


@pytest.fixture(scope="module")
def lots(held: Files) -> list[list[str]]:
    return [canonical.fields(row, 5) for row in canonical.lines(held["selection.tsv"])]


@pytest.fixture(scope="module")
def changed(held: Files, lots: list[list[str]]) -> Files:
    """A draw whose first site gave way to the next reserve, without what only auditors have."""
    wanted = Wanted(
        kind="substitute", reason="X01-moved", evidence="登记档案", site=lots[0][2],
        since="2026-11-01",
    )  # fmt: skip
    book = events.open_book(held)
    outcome = amendments.decide(book, events.replay(held, book), wanted, [])
    files = events.amend(
        held, wanted, outcome, [], by="a", approved_by="b",
        now=drawings.HELD + timedelta(days=3), salt="5a" * 32, secret=drawings.SECRET,
    )  # fmt: skip
    return {name: body for name, body in files.items() if name not in papers.AUDITOR_ONLY}


def rewritten(files: Files, order: list[int]) -> Files:
    """Chain some lines of the log in another order, and sign it, as the office could."""
    log = papers.read_log(files["log.ndjson"])
    body = b""
    for n in order:
        body = papers.append_log(body, log[n])
    return bundle.seal(
        {k: v for k, v in files.items() if k not in papers.SEALS} | {"log.ndjson": body},
        drawings.SECRET,
    )


def test_the_page_says_that_it_checks_of_changes_only_the_chain(
    held: Files, changed: Files
) -> None:
    steps = {one.__name__: told for one, told in published.VERIFIER.verify(changed).items()}
    plain = {one.__name__: told for one, told in published.VERIFIER.verify(held).items()}

    assert [name for name, (ok, _) in steps.items() if ok is False] == []
    assert "only the chain is checked" in steps["log"][1]
    assert "only the chain" not in plain["log"][1]


def test_the_browser_says_it_too_and_who_gave_way_to_whom(
    changed: Files, lots: list[list[str]], tmp_path: Path
) -> None:
    called = next(row[2] for row in lots if row[4] == "R")
    other = next(row[2] for row in lots[1:] if row[4] == "P")

    found = published.browsed(changed, [lots[0][2], called, other], tmp_path)

    assert [name for name, one in found["steps"].items() if one["ok"] is False] == []
    assert "only this chain is checked" in found["steps"]["log"]["en"]
    assert "仅核验链条" in found["steps"]["log"]["zh"]
    assert found["told"][lots[0][2]].endswith("drawn; it gave way later.")
    assert found["told"][called].endswith("a reserve; called later.")
    assert found["told"][other].endswith(": drawn.")


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1], [0, 1, 2, 0]])
def test_every_verifier_finds_events_that_are_not_those_of_one_draw(
    changed: Files, order: list[int], tmp_path: Path
) -> None:
    files = rewritten(changed, order)

    ours = {step.name: step.ok for step in verify(files, public=True)}
    found = published.browsed(files, [], tmp_path)

    assert ours["log"] is False
    assert "log" in published.refuted(files)
    assert found["steps"]["log"]["ok"] is False
