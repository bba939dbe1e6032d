"""The bundle (交接包) that carries a device's work without a network: to the office, or to a phone.

A file: one line of magic, one line of label, the label's SHA-256, then the content in pieces of
ChaCha20-Poly1305, numbered, the last one marked. The key is sealed to the server's key, or wrapped
with a passphrase (scrypt). What is read has been verified from the first byte to the last before.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import IO, Annotated, Literal, TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Meta, Struct

from sync import sealing
from sync.hub import UNREADABLE
from sync.refusals import Reason, Refused
from sync.squeeze import DECODED_BYTES_MAX

MAGIC = b"evenhand-bundle/1\n"
PIECE_BYTES = 64 * 1024
TAG_BYTES = 16
LABEL_BYTES_MAX = 4096
LINE_BYTES_MAX = 64 * 1024
SCRYPT_N = 2**15  # 32 MiB, about a tenth of a second

Name = Annotated[str, Meta(pattern=r"^\w[\w.-]{0,63}$(?!\n)")]  # never a way out of a folder
Purpose: TypeAlias = Literal["office", "phone"]


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """What anyone may read of a bundle."""

    purpose: Purpose
    device: str
    server: str  # the server's Ed25519 key
    told: str  # office: our half of the agreement; phone: the salt
    wrapped: str  # the key of the content


class Item(Struct, frozen=True):
    """One thing in a bundle, before its bytes."""

    kind: Literal["batch", "file", "store"]
    name: Name  # batch: the device; file: its SHA-256
    size: Annotated[int, Meta(ge=0)]
    first: int = 0  # batch: the number of its first operation
    header: str = ""  # batch: the signature header
    mime: str = ""


Things: TypeAlias = Iterable[tuple[Item, Iterable[bytes]]]


# -- writing -------------------------------------------------------------------------------------


def write_for_office(out: IO[bytes], things: Things, *, device: str, server: str, to: str) -> None:
    """Write a bundle that only the server with seal key `to` can open."""
    told, kek = sealing.agree(to)
    _write(out, things, kek, Label("office", device, server, told, ""))


def write_for_phone(
    out: IO[bytes], things: Things, *, device: str, server: str, passphrase: str
) -> None:
    """Write a bundle that the passphrase opens."""
    salt = os.urandom(16).hex()
    _write(out, things, _stretched(passphrase, salt), Label("phone", device, server, salt, ""))


def _write(out: IO[bytes], things: Things, kek: bytes, label: Label) -> None:
    key = ChaCha20Poly1305.generate_key()
    wrapped = ChaCha20Poly1305(kek).encrypt(bytes(12), key, MAGIC).hex()
    line = msgspec.json.encode(msgspec.structs.replace(label, wrapped=wrapped))
    out.write(MAGIC + line + b"\n" + sha256(line).hexdigest().encode() + b"\n")
    cipher, aad, number = ChaCha20Poly1305(key), sha256(line).digest(), 0
    kept = b""
    for part in _plain(things):
        kept += part
        while len(kept) > PIECE_BYTES:
            out.write(cipher.encrypt(_nonce(number, last=False), kept[:PIECE_BYTES], aad))
            kept, number = kept[PIECE_BYTES:], number + 1
    out.write(cipher.encrypt(_nonce(number, last=True), kept, aad))


def _plain(things: Things) -> Iterator[bytes]:
    for item, parts in things:
        yield msgspec.json.encode(item) + b"\n"
        yield from parts


# -- reading -------------------------------------------------------------------------------------


def read_label(file: IO[bytes]) -> Label:
    """Read what a bundle says of itself, or refuse with BUNDLE_DAMAGED."""
    file.seek(0)
    magic = file.readline(len(MAGIC))
    line, digest = file.readline(LABEL_BYTES_MAX), file.readline(66)
    if magic != MAGIC or digest != sha256(line[:-1]).hexdigest().encode() + b"\n":
        raise Refused(Reason.BUNDLE_DAMAGED)
    try:
        return msgspec.json.decode(line, type=Label)
    except UNREADABLE as error:
        raise Refused(Reason.BUNDLE_DAMAGED, problem=str(error)) from error


def open_at_office(file: IO[bytes], *, secret: str, server: str) -> bytes:
    """Find the key of a bundle for this server; refuse with BUNDLE_FOREIGN or BUNDLE_DAMAGED."""
    label = read_label(file)
    if (label.purpose, label.server) != ("office", server):
        raise Refused(Reason.BUNDLE_FOREIGN, **{"for": label.purpose})
    try:
        return _unwrapped(sealing.open_agreed(secret, label.told), label)
    except (ValueError, InvalidTag) as error:
        raise Refused(Reason.BUNDLE_DAMAGED) from error


def open_on_phone(file: IO[bytes], *, passphrase: str) -> bytes:
    """Find the key of a bundle for a phone; refuse with BUNDLE_FOREIGN or BUNDLE_PASSPHRASE."""
    label = read_label(file)
    if label.purpose != "phone":
        raise Refused(Reason.BUNDLE_FOREIGN, **{"for": label.purpose})
    try:
        return _unwrapped(_stretched(passphrase, label.told), label)
    except (ValueError, InvalidTag) as error:
        raise Refused(Reason.BUNDLE_PASSPHRASE) from error


def verify(file: IO[bytes], key: bytes) -> None:
    """Read a bundle to its end, and refuse with BUNDLE_DAMAGED unless every byte is as written.

    What its parts are, and the digests of its files, are verified too.
    """
    for item, read in things(file, key):
        digest, left = sha256(), item.size
        while left:
            part = read(min(left, PIECE_BYTES))
            digest.update(part)
            left -= len(part)
        if item.kind == "file" and digest.hexdigest() != item.name:
            raise Refused(Reason.BUNDLE_DAMAGED, file=item.name)


def things(file: IO[bytes], key: bytes) -> Iterator[tuple[Item, Callable[[int], bytes]]]:
    """Give what a bundle holds in order, each with a way to read its bytes piece by piece.

    What is not read of one is skipped before the next.
    """
    content = _Content(_pieces(file, key))
    while content.fill(1):
        try:
            item = msgspec.json.decode(content.line(), type=Item)
        except UNREADABLE as error:
            raise Refused(Reason.BUNDLE_DAMAGED, problem=str(error)) from error
        if item.kind == "batch" and item.size > DECODED_BYTES_MAX:
            raise Refused(Reason.BUNDLE_DAMAGED, problem="a batch is larger than any push")
        content.left = item.size
        yield item, content.read
        while content.left:
            content.read(PIECE_BYTES)


class _Content:
    """The decrypted content, read by lines and by counted bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._kept = pieces, b""
        self.left = 0  # bytes of the present item

    def fill(self, size: int) -> bool:
        """Have at least so many bytes, and tell whether there are as many."""
        while len(self._kept) < size:
            piece = next(self._pieces, b"")
            if not piece:
                return False
            self._kept += piece
        return True

    def line(self) -> bytes:
        while b"\n" not in self._kept:
            if len(self._kept) > LINE_BYTES_MAX or not self.fill(len(self._kept) + 1):
                raise Refused(Reason.BUNDLE_DAMAGED)
        line, _, self._kept = self._kept.partition(b"\n")
        return line

    def read(self, size: int) -> bytes:
        size = min(size, self.left)
        if size and not self.fill(1):
            raise Refused(Reason.BUNDLE_DAMAGED)
        part, self._kept = self._kept[:size], self._kept[size:]
        self.left -= len(part)
        return part


def _pieces(file: IO[bytes], key: bytes) -> Iterator[bytes]:
    file.seek(len(MAGIC))
    line = file.readline(LABEL_BYTES_MAX)[:-1]
    file.readline(66)
    cipher, aad, number = ChaCha20Poly1305(key), sha256(line).digest(), 0
    piece, following = file.read(PIECE_BYTES + TAG_BYTES), b""
    while True:
        following = file.read(PIECE_BYTES + TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), piece, aad)
        except InvalidTag as error:
            raise Refused(Reason.BUNDLE_DAMAGED) from error
        if not following:
            return
        piece, number = following, number + 1


def _unwrapped(kek: bytes, label: Label) -> bytes:
    return ChaCha20Poly1305(kek).decrypt(bytes(12), bytes.fromhex(label.wrapped), MAGIC)


def _stretched(passphrase: str, salt: str) -> bytes:
    kdf = Scrypt(salt=bytes.fromhex(salt), length=32, n=SCRYPT_N, r=8, p=1)
    return kdf.derive(passphrase.encode())


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
