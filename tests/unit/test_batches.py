"""How much a device sends at once, and how it fetches what is large (分批与数据快照)."""

from collections.abc import Generator
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from sync import fetching, outbox, squeeze
from sync.messages import Boot, Clock, Enrolled, Request, Response
from sync.ops import AddFinding
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import MemoryStore

BODY = Random(1).randbytes(2_500)
BOOT = Boot("d:33", sha256(BODY).hexdigest(), len(BODY), 7)


@pytest.fixture
def replica() -> Replica:
    it = Replica(MemoryStore(), lambda: Clock(1, 1, "boot"), batch=500)
    it.enrol(Enrolled("d1", "li", "li", "1", "0" * 64, "e"), server="", secret="01" * 32)
    return it


def record(replica: Replica, count: int) -> None:
    chance = Random(2)
    for _ in range(count):
        words = chance.randbytes(200).hex()
        replica.record("t", lambda stamp, w=words: AddFinding(text=w, basis="x", **stamp))


def packed(batch: list[Any]) -> int:
    return len(squeeze.deflate(b"\n".join(mine.raw for mine in batch)))


def test_what_a_link_carries_doubles_and_what_it_does_not_halves(replica: Replica) -> None:
    record(replica, 300)
    sizes = [packed(outbox.cut(replica, 1)) for _ in range(2)]  # the first was not answered
    outbox.arrived(replica, 1)
    sizes.append(packed(outbox.cut(replica, 1)))
    outbox.arrived(replica, 1)
    sizes.append(packed(outbox.cut(replica, 1)))

    bounds = (16_000, 8_000, 16_000, 32_000)
    assert all(bound * 0.8 < size <= bound for size, bound in zip(sizes, bounds, strict=True))


def test_one_operation_goes_however_bad_the_link_is(replica: Replica) -> None:
    record(replica, 10)

    batches = [outbox.cut(replica, 1) for _ in range(30)]

    assert 1 <= len(batches[-1]) <= 4
    assert outbox.cut(replica, 11) == []


def test_a_batch_never_grows_beyond_its_bounds(replica: Replica) -> None:
    record(replica, 600)
    for _ in range(12):
        outbox.cut(replica, 1)
        outbox.arrived(replica, 1)

    batch = outbox.cut(replica, 1)

    assert len(batch) <= 500
    assert packed(batch) <= outbox.BYTES_MAX
    assert replica.store.get(outbox.SIZE) == str(outbox.BYTES_MAX // 2)


# -- snapshots -----------------------------------------------------------------------------------


def serve(
    session: Generator[Request, Response, int], body: bytes, *, status: int = 206
) -> list[str]:
    asked: list[str] = []
    try:
        request = next(session)
        while True:
            asked.append(request.headers["range"])
            first, last = asked[-1].removeprefix("bytes=").split("-")
            piece = body if status == 200 else body[int(first) : int(last) + 1]
            request = session.send(Response(status, {}, piece))
    except StopIteration:
        return asked


@pytest.mark.parametrize("status", [200, 206])
def test_a_snapshot_comes_in_pieces(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(fetching, "PIECE_BYTES", 1_000)

    asked = serve(fetching.fetch(replica, BOOT), BODY, status=status)

    assert asked == ["bytes=0-999", "bytes=1000-1999", "bytes=2000-2499"]
    assert replica.store.pieces(BOOT.snapshot) == BODY


def test_a_damaged_snapshot_is_thrown_away(replica: Replica) -> None:
    with pytest.raises(Refused) as refused:
        serve(fetching.fetch(replica, BOOT), BODY[:-1] + b"?")

    assert refused.value.reason is Reason.SNAPSHOT_DAMAGED
    assert refused.value.reason.code == "snapshot.damaged"
    assert replica.store.pieces(BOOT.snapshot) == b""


def test_damage_of_an_earlier_attempt_is_fetched_anew_at_once(replica: Replica) -> None:
    with replica.store.transaction():
        replica.store.keep_piece(BOOT.snapshot, 0, b"?" * 10)

    asked = serve(fetching.fetch(replica, BOOT), BODY)

    assert asked == ["bytes=10-2499", "bytes=0-2499"]
    assert replica.store.pieces(BOOT.snapshot) == BODY


def test_an_empty_answer_is_no_piece(replica: Replica) -> None:
    with pytest.raises(Refused) as refused:
        serve(fetching.fetch(replica, BOOT), b"")

    assert refused.value.reason is Reason.ANSWER_STRANGE
