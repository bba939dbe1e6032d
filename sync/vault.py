"""Evidence files at rest (文件加密), each in pieces, so that any range can be read.

Every file has a key of its own that follows from its digest. So no key ever seals two texts, and a
piece's number is all the nonce it needs. The size is sealed in: a shortened file does not open.
"""

from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.refusals import Reason, Refused

PIECE_BYTES = 65_536
_TAG = 16


def sealed(key: bytes, digest: str, body: bytes) -> Iterator[bytes]:
    """Seal a file piece by piece."""
    cipher, size = _cipher(key, digest), len(body)
    for number, at in enumerate(range(0, max(size, 1), PIECE_BYTES)):
        yield cipher.encrypt(_nonce(number), body[at : at + PIECE_BYTES], _said(size))


def opened(key: bytes, digest: str, file: BinaryIO, offset: int, length: int) -> bytes:
    """Open a range of a sealed file, or refuse with EVIDENCE_DAMAGED."""
    whole = PIECE_BYTES + _TAG
    stored = file.seek(0, 2)
    size = stored - -(-stored // whole) * _TAG
    if size < 0 or not stored:
        raise Refused(Reason.EVIDENCE_DAMAGED, file=digest)
    cipher, first = _cipher(key, digest), offset // PIECE_BYTES
    last = min(offset + length, size)
    parts: list[bytes] = []
    file.seek(first * whole)
    for number in range(first, -(-last // PIECE_BYTES)):
        try:
            parts.append(cipher.decrypt(_nonce(number), file.read(whole), _said(size)))
        except InvalidTag:
            raise Refused(Reason.EVIDENCE_DAMAGED, file=digest) from None
    begin = offset - first * PIECE_BYTES
    return b"".join(parts)[begin : begin + length]


def _cipher(key: bytes, digest: str) -> ChaCha20Poly1305:
    info = b"evenhand-file/1" + bytes.fromhex(digest)
    return ChaCha20Poly1305(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12)


def _said(size: int) -> bytes:
    return size.to_bytes(8)
