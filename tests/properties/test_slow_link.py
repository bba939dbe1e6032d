"""Evidence over links that are cut: no more goes up twice than was under way at the cuts."""

import random
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.slow_link import Keeper, SlowLink

from cli.device_files import CUTS_MAX, Courier
from cli.link import Unreachable
from sync import media
from sync.media import Announced

BUSY_S = 8  # the shortest time between two cuts: less, and no answer ever comes


def deliver(bodies: list[bytes], link: SlowLink) -> None:
    courier = Courier(link.ask, token="t", wait=link.wait)
    for body in bodies:
        file = Announced(sha256(body).hexdigest(), len(body), "image/jpeg")
        courier.send(media.reader(body), file)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 600_000), min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
    cut_s=st.floats(BUSY_S, 60),
    latency=st.floats(0.02, 0.6),
    rate=st.sampled_from([2_000, 8_000, 50_000]),
)
def test_only_what_was_under_way_at_a_cut_goes_up_twice(
    sizes: list[int], seed: int, cut_s: float, latency: float, rate: int
) -> None:
    chance, keeper = random.Random(seed), Keeper()
    bodies = [chance.randbytes(size) for size in sizes]
    link = SlowLink(
        keeper, lambda: chance.uniform(BUSY_S, BUSY_S + cut_s), rate=rate, latency=latency
    )

    deliver(bodies, link)
    twice = link.payload - sum(len(body) for body in set(bodies))

    assert set(keeper.stored.values()) == set(bodies)
    assert 0 <= twice <= link.broken * (latency * rate + 1)


def test_photos_at_64_kbit_cut_every_20_seconds_send_at_most_a_twentieth_twice() -> None:
    chance = random.Random(5)
    bodies = [chance.randbytes(400_000) for _ in range(6)]
    link = SlowLink(Keeper(), lambda: 20.0, rate=8_000, latency=0.3)

    deliver(bodies, link)
    twice = link.payload - sum(map(len, bodies))

    assert link.broken > 12
    assert twice <= 0.05 * link.payload


def test_where_something_holds_parts_back_they_shrink_until_they_pass() -> None:
    body = random.Random(6).randbytes(700_000)
    keeper = Keeper()
    link = SlowLink(keeper, lambda: 20.0, rate=8_000, latency=0.3, held_back=True)

    deliver([body], link)

    assert keeper.stored == {sha256(body).hexdigest(): body}
    assert link.payload < 2 * len(body)


def test_a_link_on_which_nothing_is_gained_is_given_up() -> None:
    waits: list[float] = []
    link = SlowLink(Keeper(), lambda: 0.5, rate=8_000, latency=0.3)
    courier = Courier(link.ask, token="t", wait=waits.append)

    with pytest.raises(Unreachable):
        courier.carry(lambda: media.ask_known({"a" * 64: 1}))

    assert waits == [1, 2, 4, 8, 16][:CUTS_MAX]
