"""Files at rest: any range opens as it was, and nothing opens that was changed."""

import io
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import vault
from sync.refusals import Reason, Refused

KEY = bytes(range(32))
PIECE = vault.PIECE_BYTES
BODY = Random(7).randbytes(2 * PIECE + 100)
DIGEST = sha256(BODY).hexdigest()
SEALED = b"".join(vault.sealed(KEY, DIGEST, BODY))


@given(offset=st.integers(0, len(BODY) + 10), length=st.integers(0, len(BODY) + 10))
def test_any_range_is_read_as_it_was(offset: int, length: int) -> None:
    read = vault.opened(KEY, DIGEST, io.BytesIO(SEALED), offset, length)

    assert read == BODY[offset : offset + length]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_files_of_every_size_come_back(size: int) -> None:
    body = BODY[:size]
    digest = sha256(body).hexdigest()
    kept = b"".join(vault.sealed(KEY, digest, body))

    assert vault.opened(KEY, digest, io.BytesIO(kept), 0, size + 1) == body


@pytest.mark.parametrize(
    "changed",
    [
        b"",
        SEALED[:5],
        SEALED[:-1],
        SEALED[: 2 * (PIECE + 16)],
        SEALED + b"x",
        SEALED[PIECE + 16 :],
        SEALED[PIECE + 16 : 2 * (PIECE + 16)] + SEALED[: PIECE + 16] + SEALED[2 * (PIECE + 16) :],
        b"\x00" + SEALED[1:],
    ],
    ids=["nothing", "a stub", "cut", "a piece less", "longer", "no head", "swapped", "another bit"],
)
def test_a_changed_file_does_not_open(changed: bytes) -> None:
    with pytest.raises(Refused) as refused:
        vault.opened(KEY, DIGEST, io.BytesIO(changed), 0, len(BODY))

    assert refused.value.reason is Reason.EVIDENCE_DAMAGED


def test_another_files_content_or_another_key_does_not_open() -> None:
    for key, digest in ((KEY, "0" * 64), (bytes(32), DIGEST)):
        with pytest.raises(Refused):
            vault.opened(key, digest, io.BytesIO(SEALED), 0, 1)


def test_what_is_kept_says_nothing_of_the_text() -> None:
    text = b"the kitchen floor was wet " * 10_000

    kept = b"".join(vault.sealed(KEY, sha256(text).hexdigest(), text))

    assert b"kitchen" not in kept
    assert len(set(kept[at : at + 26] for at in range(0, 2600, 26))) == 100
