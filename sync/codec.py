"""Bytes, digests and signatures. What is signed or chained is always the raw bytes as they travel.

Nothing here re-encodes JSON in order to hash it: languages differ in how they write JSON, but not
in the bytes that one of them has already written.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync.refusals import Reason, Refused

SIGNATURE_HEADER = "sync-signature"

_DIGEST = re.compile("[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Tell whether a text can name anything by the SHA-256 of its bytes."""
    return _DIGEST.fullmatch(text) is not None


def genesis(device: str) -> str:
    """Start a device's chain: the hash before its first operation."""
    return sha256(f"evenhand-chain/1\n{device}".encode()).hexdigest()


def link(previous: str, raw: bytes) -> str:
    """Chain one operation: SHA-256 over the previous hash (32 bytes) and the raw bytes."""
    return sha256(bytes.fromhex(previous) + raw).hexdigest()


def chain(previous: str, raws: Iterable[bytes]) -> list[str]:
    """Chain operations in order and give the hash after each."""
    hashes: list[str] = []
    for raw in raws:
        previous = link(previous, raw)
        hashes.append(previous)
    return hashes


def ledger_link(root: str, entry_hash: str, verdict: str, received_ms: int) -> str:
    """Chain one ledger entry: SHA-256 over `root|hash|verdict|milliseconds` as text."""
    return sha256(f"{root}|{entry_hash}|{verdict}|{received_ms}".encode()).hexdigest()


def new_key() -> str:
    """Make an Ed25519 secret key, as hex."""
    return Ed25519PrivateKey.generate().private_bytes_raw().hex()


def public_key(secret: str) -> str:
    """Give the public half of a secret key, as hex."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    return key.public_key().public_bytes_raw().hex()


def fingerprint(public: str) -> str:
    """Shorten a public key to 128 bits, as hex, that a QR code can carry."""
    return sha256(bytes.fromhex(public)).hexdigest()[:32]


def sign(secret: str, text: bytes) -> str:
    """Sign a text, as hex (RFC 8032)."""
    return _secret_key(secret).sign(text).hex()


def verifies(public: str, text: bytes, signature: str) -> bool:
    """Tell whether a signature is right; malformed keys and signatures are simply not."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), text)
    except (ValueError, InvalidSignature):
        return False
    return True


@lru_cache(maxsize=16)
def _secret_key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))  # half of what signing costs


def body_text(sender: str, digest: str) -> bytes:
    """Write what is signed for one body: protocol, sender (a device or "hub"), digest."""
    return f"evenhand-sync/1\n{sender}\n{digest}".encode()


def seal_body(secret: str, sender: str, body: bytes) -> str:
    """Write the signature header for one raw body."""
    digest = sha256(body).hexdigest()
    signature = sign(secret, body_text(sender, digest))
    return f"dev={sender}; alg=ed25519; body={digest}; sig={signature}"


def open_header(header: str) -> tuple[str, str, str]:
    """Read a signature header into sender, digest and signature.

    Refuses with SIGNATURE_WRONG when a part is missing or the algorithm is another one.
    """
    parts: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        parts[name] = value
    whole = {"dev", "body", "sig"} <= parts.keys() and parts["dev"].isprintable()
    if parts.get("alg") != "ed25519" or not whole:
        raise Refused(Reason.SIGNATURE_WRONG)
    return parts["dev"], parts["body"], parts["sig"]


def check_body(public: str, header: str, body: bytes) -> None:
    """Verify one raw body against its signature header, or refuse with SIGNATURE_WRONG."""
    sender, digest, signature = open_header(header)
    whole = sha256(body).hexdigest() == digest
    if not (whole and verifies(public, body_text(sender, digest), signature)):
        raise Refused(Reason.SIGNATURE_WRONG)
