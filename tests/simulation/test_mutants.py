import pytest
from simulation.mutants import MUTANTS, SEEDS_MAX, Mutant, seeds_to_kill


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_simulator_kills(mutant: Mutant) -> None:
    seeds = seeds_to_kill(mutant)

    assert seeds is not None, f"{mutant.name}: alive after {SEEDS_MAX} seeds"
    print(f"{mutant.name}: killed by seed number {seeds}")
