"""Run many worlds on all cores: `python -m simulation [SEEDS]`; `mutants` prints their table."""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from simulation.mutants import MUTANTS, seeds_to_kill
from simulation.world import World

BLOCK = 100


def run(first: int) -> None:
    """Run one block of seeds; a broken invariant names its seed."""
    for seed in range(first, first + BLOCK):
        try:
            World(seed).run()
        except BaseException as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error


def worlds(seeds: int) -> None:
    """Run the seeds and print how many worlds a second that was."""
    start = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        for done, _ in enumerate(pool.map(run, range(0, seeds, BLOCK)), start=1):
            if done % 20 == 0 or done * BLOCK >= seeds:
                rate = done * BLOCK / (time.perf_counter() - start)
                print(f"{done * BLOCK:7} worlds, {rate:.0f} a second, no invariant broken")


def mutants(seeds_max: int = 1000) -> None:
    """Print after how many seeds each mutant is dead."""
    for mutant in MUTANTS:
        print(f"{seeds_to_kill(mutant, seeds_max) or 'alive':>6}  {mutant.name}")


if __name__ == "__main__":
    if sys.argv[1:] == ["mutants"]:
        mutants()
    else:
        worlds(int((sys.argv[1:] or [os.environ.get("EVENHAND_SIM_SEEDS", "20000")])[0]))
