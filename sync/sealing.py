"""What only the server can open (密封): X25519, HKDF-SHA256 and ChaCha20-Poly1305.

The server's X25519 key follows from its Ed25519 key, so there is one secret to keep in a backup.
"""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _own(server_secret: str) -> X25519PrivateKey:
    seed = _derive(bytes.fromhex(server_secret), b"evenhand-seal/1")
    return X25519PrivateKey.from_private_bytes(seed)


def seal_key(server_secret: str) -> str:
    """Give the public key to which what only this server may open is sealed, as hex."""
    return _own(server_secret).public_key().public_bytes_raw().hex()


def agree(seal_key_hex: str) -> tuple[str, bytes]:
    """Agree on a key with whoever holds a seal key: what to tell them (hex), and the key."""
    ours = X25519PrivateKey.generate()
    public = ours.public_key().public_bytes_raw()
    theirs = bytes.fromhex(seal_key_hex)
    shared = ours.exchange(X25519PublicKey.from_public_bytes(theirs))
    return public.hex(), _derive(shared, b"evenhand-bundle/1" + public + theirs)


def open_agreed(server_secret: str, told: str) -> bytes:
    """Come to the same key by what was told; ValueError when that is no key."""
    own = _own(server_secret)
    public = bytes.fromhex(told)
    shared = own.exchange(X25519PublicKey.from_public_bytes(public))
    ours = own.public_key().public_bytes_raw()
    return _derive(shared, b"evenhand-bundle/1" + public + ours)
