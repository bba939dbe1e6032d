"""Bodies are packed on the way, and unpacked within bounds (压缩与炸弹)."""

import gzip
import os
import zlib
from contextlib import suppress

import pytest

from sync import squeeze
from sync.messages import Request
from sync.refusals import Reason, Refused


@pytest.mark.parametrize("body", [b"", b"x", os.urandom(300_000), b"abc " * 10_000])
def test_what_is_packed_is_unpacked_as_it_was(body: bytes) -> None:
    assert squeeze.inflate(squeeze.deflate(body)) == body
    assert gzip.decompress(squeeze.deflate(body)) == body


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(bytes(200_000_000)) + bomb.flush()

    with pytest.raises(Refused) as refused:
        squeeze.inflate(packed, bytes_max=1 << 40)

    assert refused.value.reason is Reason.BODY_INFLATES
    assert refused.value.reason.code == "body.inflates"


def test_a_body_beyond_the_limit_is_refused() -> None:
    packed = squeeze.deflate(os.urandom(90_000))

    with pytest.raises(Refused) as refused:
        squeeze.inflate(packed, bytes_max=80_000)

    assert refused.value.reason is Reason.BODY_TOO_LARGE
    assert refused.value.details == {"limit_bytes": 80_000}


def test_a_body_that_is_cut_or_damaged_anywhere_is_never_taken_for_another() -> None:
    body = b"".join(b"%d\n" % n for n in range(200))
    packed = squeeze.deflate(body)

    for at in range(len(packed)):
        with pytest.raises(Refused):
            squeeze.inflate(packed[:at])
        damaged = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        with suppress(Refused):
            assert squeeze.inflate(damaged) == body  # a time or a name in the gzip header
    with pytest.raises(Refused):
        squeeze.inflate(packed + b"x")


def test_only_an_exchange_that_is_worth_it_is_packed() -> None:
    large = Request("POST", squeeze.PATH, {"a": "b"}, b"abc" * 1_000)
    small = Request("POST", squeeze.PATH, {}, b"abc")
    other = Request("POST", "/device/enrol", {}, b"abc" * 1_000)
    again = Request("POST", squeeze.PATH, {}, b"a" * 1_000_000)

    packed = squeeze.packed(large)

    assert packed.headers == {"a": "b", "content-encoding": "gzip"}
    assert squeeze.inflate(packed.body) == large.body
    assert [squeeze.packed(one) for one in (small, other, again)] == [small, other, again]
