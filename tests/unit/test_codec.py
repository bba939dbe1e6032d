from hashlib import sha256

import pytest

from sync import codec
from sync.refusals import Reason, Refused

SECRET = "11" * 32
PUBLIC = codec.public_key(SECRET)


def test_a_chain_names_its_device_and_everything_before() -> None:
    start = codec.genesis("d1")

    first, second = codec.chain(start, [b"a", b"b"])

    assert start == sha256(b"evenhand-chain/1\nd1").hexdigest()
    assert first == sha256(bytes.fromhex(start) + b"a").hexdigest()
    assert second == codec.link(first, b"b")
    assert codec.genesis("d2") != start


def test_a_sealed_body_opens_and_no_other_does() -> None:
    header = codec.seal_body(SECRET, "d1", b"body")

    codec.check_body(PUBLIC, header, b"body")

    with pytest.raises(Refused) as refused:
        codec.check_body(PUBLIC, header, b"bodY")
    assert refused.value.reason is Reason.SIGNATURE_WRONG


def test_a_signature_of_one_sender_is_none_of_another() -> None:
    header = codec.seal_body(SECRET, "d1", b"body").replace("dev=d1", "dev=d2")

    with pytest.raises(Refused):
        codec.check_body(PUBLIC, header, b"body")


@pytest.mark.parametrize("at", range(0, 64, 7))
def test_no_bit_of_a_signature_may_turn(at: int) -> None:
    signature = bytearray.fromhex(codec.sign(SECRET, b"text"))
    signature[at] ^= 1

    assert codec.verifies(PUBLIC, b"text", codec.sign(SECRET, b"text"))
    assert not codec.verifies(PUBLIC, b"text", signature.hex())


@pytest.mark.parametrize(
    ("key", "signature"), [("", ""), ("zz", "zz"), ("00", "00"), (PUBLIC, "é")]
)
def test_malformed_keys_and_signatures_are_simply_wrong(key: str, signature: str) -> None:
    assert not codec.verifies(key, b"text", signature)


@pytest.mark.parametrize(
    "header",
    [
        "",
        ";;;",
        "dev=d",
        "dev=d; body=x; sig=y",
        "dev=d; alg=none; body=x; sig=y",
        "=",
        "dev",
        "dev=a\0b; alg=ed25519; body=x; sig=y",
    ],
)
def test_a_header_that_lacks_a_part_is_refused(header: str) -> None:
    with pytest.raises(Refused) as refused:
        codec.open_header(header)

    assert refused.value.reason is Reason.SIGNATURE_WRONG


def test_keys_are_new_every_time() -> None:
    assert codec.new_key() != codec.new_key()
