"""The worlds of test_world against the real app, its HTTP door and both databases.

A tenth of them at hand, 100 on each database in CI; they are shorter than the pure ones.
"""

import asyncio
import os

import pytest
from conftest import Office
from simulation.app_hub import AppHub, Bridge
from simulation.world import World

SEEDS = 100 if os.environ.get("CI") == "true" else 10
STEPS = 40


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_app_keeps_every_invariant(office: Office, seed: int) -> None:
    app_hub = AppHub(office)
    await app_hub.open()
    bridge = Bridge(app_hub)

    world = await asyncio.to_thread(lambda: World(seed, bridge))
    await asyncio.to_thread(world.run, STEPS)

    places = [one.seq for _, one in await app_hub.ledger() if one.seq is not None]
    assert len(places) == len(set(places))
