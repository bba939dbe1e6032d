"""留痕: how an act of the journal is hashed onto the one before it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import msgspec


def digest(prev: str, *, n: int, at: str, actor: str, verb: str, subject: str, details: str) -> str:
    """Hash an act: SHA-256 over the hash before it and the act's canonical JSON."""
    content: dict[str, str | int] = {
        "n": n,
        "at": at,
        "actor": actor,
        "verb": verb,
        "subject": subject,
        "details": details,
    }
    return sha256((prev + canonical(content)).encode()).hexdigest()


def moment(at: datetime) -> str:
    """Write a moment as the journal does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(content: Mapping[str, str | int]) -> str:
    """Write an act's facts as canonical JSON."""
    return msgspec.json.encode(content, order="deterministic").decode()
