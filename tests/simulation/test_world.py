"""Pure worlds: a tenth of them at hand, 2,000 in CI, 100,000 by `make sim`."""

import os

import pytest
from simulation.world import World, survived

from sync import hub

CI = os.environ.get("CI") == "true"
SEEDS = int(os.environ.get("EVENHAND_SIM_SEEDS") or (2000 if CI else 200))
CHUNK = 50
OTHERS = 20 if CI else 5  # worlds that are run in two ways, or rot


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_nothing_is_lost_and_all_agree(first: int) -> None:
    for seed in range(first, first + CHUNK):
        it = survived(seed)  # asserts P1 to P14

        assert all(device.replica.unsent() == 0 for device in it.devices)


@pytest.mark.parametrize("seed", range(OTHERS))
def test_no_clock_decides_anything(seed: int) -> None:
    right, wrong = World(seed, clocks=False), World(seed)

    right.run()
    wrong.run()

    assert [_decided(one) for one in right.server.ledger()] == [
        _decided(one) for one in wrong.server.ledger()
    ]
    for task in right.tasks:
        mine, theirs = right.server.inspection(task), wrong.server.inspection(task)
        assert mine.late == theirs.late
        assert mine.conflicts == theirs.conflicts
        for ref in mine.items:
            standing = {said.op for said in mine.items[ref].standing}
            assert standing == {said.op for said in theirs.items[ref].standing}


@pytest.mark.parametrize("seed", range(OTHERS))
def test_damaged_memory_is_noticed_and_read_again(seed: int) -> None:
    it = World(seed, rot=True)

    it.run()  # asserts that everyone agrees in the end

    assert {d.name for d in it.devices if d.alarms} <= {d.name for d in it.devices if d.rotten}


def _decided(entry: tuple[str, hub.Placed]) -> tuple[object, ...]:
    name, placed = entry
    return name, placed.n, placed.verdict.verdict, placed.verdict.why, placed.position, placed.seq
