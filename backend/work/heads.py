"""What a witness notes down to hold the server to its ledger and journal later."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.db import Session
from backend.tables import Head


async def read_heads(db: Session) -> dict[str, str | int]:
    """Read the ends of the ledger and the journal, and the public half of the receipt key."""
    head = await db.get_one(Head, 1)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(head.secret_key))
    return {
        "epoch": head.epoch,
        "public_key": key.public_key().public_bytes_raw().hex(),
        "ledger_n": head.ledger_n,
        "ledger_root": head.ledger_root,
        "act_n": head.act_n,
        "act_hash": head.act_hash,
    }
