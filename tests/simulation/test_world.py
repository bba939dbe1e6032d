import os

import pytest
from simulation.world import World

SEEDS = int(os.environ.get("EVENHAND_SIM_SEEDS", "300"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_and_all_agree(seed: int) -> None:
    it = World(seed)

    it.run()

    assert it.server.ledger()[0:0] == []  # the invariants are asserted inside, at every step


@pytest.mark.parametrize("seed", range(20))
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


@pytest.mark.parametrize("seed", range(20))
def test_damaged_memory_is_noticed_and_read_again(seed: int) -> None:
    it = World(seed, rot=True)

    it.run()

    assert all(device.rotten or not device.alarms for device in it.devices)


def _decided(entry):  # type: ignore[no-untyped-def]
    name, placed = entry
    return name, placed.n, placed.verdict, placed.position, placed.seq
