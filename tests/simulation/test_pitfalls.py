"""The page of pitfalls names what there is: every one is held by a mutant or a test."""

from pathlib import Path

import pytest
from simulation.mutants import MUTANTS
from simulation.pitfalls import PITFALLS, Pitfall

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reference" / "simulation.md"


@pytest.mark.parametrize("pitfall", PITFALLS, ids=lambda pitfall: str(pitfall.number))
def test_the_tests_of_a_pitfall_exist(pitfall: Pitfall) -> None:
    for test in pitfall.tests:
        file, _, function = test.partition("::")

        assert f"def {function}" in (TESTS / file).read_text()


def test_most_pitfalls_have_a_mutant_and_all_are_on_the_page() -> None:
    numbers = {mutant.pitfall for mutant in MUTANTS} - {0}
    page = PAGE.read_text()

    assert [one.number for one in PITFALLS] == list(range(1, 29))
    assert len(numbers) >= 18
    assert all(f"{mutant.name}: " in page or f"| {mutant.name} |" in page for mutant in MUTANTS)
    assert all(f"| {one.number} | {one.what} |" in page for one in PITFALLS)
