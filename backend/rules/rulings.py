"""裁定: how a later judgement is bound to the act that made it, and what it may change."""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

HELD = ("quarantined", "parked")  # verdicts of the ledger that a ruling may follow
VERBS = ("quarantine.release", "quarantine.keep", "ledger.rejudge")


class Ruled(NamedTuple):
    """One operation, judged again; `waived` is the refusal's code that was set aside."""

    device: str
    n: int
    hash: str
    verdict: str  # ok | kept | quarantined | parked | reissued
    why: str = ""
    waived: str = ""


def digest(rulings: Iterable[Ruled]) -> str:
    """Hash the rulings of one act, in order: SHA-256 over a line of fields parted by `|` each."""
    lines = ("|".join(map(str, one)) for one in sorted(rulings))
    return sha256("\n".join(lines).encode()).hexdigest()
