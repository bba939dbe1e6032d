"""留痕 (执法全过程记录): the hash-chained record of every act that changed something.

    hash(n) = SHA-256(hash(n-1) + canonical JSON of act n), hash(0) = sixty-four zeros

Whoever keeps one hash can later tell whether any act up to it was changed or removed.
"""

from collections.abc import Iterable
from datetime import datetime

from backend.db import GENESIS, Session, head
from backend.rules import acts
from backend.tables import Act
from sync.refusals import Reason, Refused


async def append(
    db: Session, *, actor: str, verb: str, subject: str, now: datetime, **details: str | int
) -> Act:
    """Record one act; `verb` is `noun.verb`, `subject` the identifier of what it was done to."""
    place = await head(db)
    act = Act(
        n=place.act_n + 1,
        at=now,
        actor=actor,
        verb=verb,
        subject=subject,
        details=acts.canonical(details),
        prev=place.act_hash,
        hash="",
    )
    act.hash = digest(act)
    place.act_n, place.act_hash = act.n, act.hash
    db.add_all([act, place])
    return act


def digest(act: Act) -> str:
    """Hash an act onto the one before it."""
    return acts.digest(
        act.prev, n=act.n, at=acts.moment(act.at), actor=act.actor, verb=act.verb,
        subject=act.subject, details=act.details,
    )  # fmt: skip


def verify(journal: Iterable[Act]) -> str:
    """Walk the journal from its first act to its last hash; refuse at the first break."""
    prev = GENESIS
    for n, act in enumerate(journal, start=1):
        if (act.n, act.prev, act.hash) != (n, prev, digest(act)):
            raise Refused(Reason.JOURNAL_BROKEN, n=n)
        prev = act.hash
    return prev
