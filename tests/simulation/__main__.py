"""Run many worlds on all cores: `python -m simulation [SEEDS]`, `seed N`, or `mutants`.

`mutants` writes docs/reference/simulation.md: which pitfall is held by what, and how many seeds it
takes to kill each mutant.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from simulation.mutants import MUTANTS, seeds_to_kill
from simulation.pitfalls import page
from simulation.world import survived

BLOCK = 50
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "simulation.md"


def run(first: int, end: int) -> str:
    """Run one block of seeds; say what broke, with its seed."""
    for seed in range(first, min(first + BLOCK, end)):
        try:
            survived(seed)
        except AssertionError as error:
            return str(error)
    return ""


def worlds(seeds: int) -> int:
    """Run the seeds and print how many worlds a second that was; stop at what breaks."""
    start = shown = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        blocks = [pool.submit(run, first, seeds) for first in range(0, seeds, BLOCK)]
        for done, block in enumerate(as_completed(blocks), start=1):
            if broken := block.result():
                pool.shutdown(cancel_futures=True)
                print(broken, file=sys.stderr)
                return 1
            now = time.perf_counter()
            if now - shown >= 10 or done == len(blocks):
                shown, ran = now, min(done * BLOCK, seeds)
                rate = ran / (now - start)
                print(f"{ran:7} of {seeds} worlds, {rate:.0f} a second, no invariant broken")
                sys.stdout.flush()
    return 0


def mutants() -> int:
    """Count the seeds that each mutant survives and write the page; one that lives is an error."""
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(_seeds, range(len(MUTANTS))))
    for mutant, seeds in zip(MUTANTS, found, strict=True):
        print(f"{seeds or 'alive':>6}  {mutant.name}")
    PAGE.write_text(page(list(zip(MUTANTS, found, strict=True))))
    return int(not all(found))


def _seeds(index: int) -> int:
    return seeds_to_kill(MUTANTS[index]) or 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["mutants"]:
            sys.exit(mutants())
        case ["seed", seed]:
            survived(int(seed))
        case count:
            sys.exit(worlds(int((count or [os.environ.get("EVENHAND_SIM_SEEDS", "100000")])[0])))
