"""The worlds of test_world against the real app, its HTTP door and both databases."""

import asyncio

import pytest
from conftest import Office
from simulation.app_hub import AppHub, Bridge
from simulation.world import World

from sync import codec


@pytest.mark.parametrize("seed", range(10))
async def test_the_app_keeps_every_invariant(office: Office, seed: int) -> None:
    app_hub = AppHub(office)
    await app_hub.open()
    bridge = Bridge(app_hub)

    world = await asyncio.to_thread(lambda: World(seed, bridge))
    await asyncio.to_thread(world.run)

    ledger = await app_hub.ledger()
    root = "0" * 64
    for _, one in ledger:
        now_ms = round(office.clock().timestamp() * 1000)
        root = codec.ledger_link(root, one.hash, one.verdict.verdict, now_ms)
        assert one.root == root
    places = [one.seq for _, one in ledger if one.seq is not None]
    assert places == sorted(set(places))
