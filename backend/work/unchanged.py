"""无新内容: tell a device that there is nothing new, the commonest answer of all, in nobody's way.

Nothing is locked and no transaction is open. Where the feed ends is read first and what buckets add
up to afterwards, so those sums hold everything that has a place up to that end.
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from backend.db import Engine, alone
from backend.work import feed, ledger, pages
from backend.work.ledger import Standing
from sync import pages as told
from sync import versions
from sync.messages import Pull, PushHead

SEEN = timedelta(minutes=1)  # a device that was seen so lately is not written down again

LOOK = f"""
SELECT standing.*, head.floor, (SELECT root FROM entry WHERE position = CAST($2 AS bigint)),
    device.seen_at > $3 AND abs(device.skew_ms - $4) < $5, division, districts, bucket
FROM ({ledger.STANDING}) AS standing JOIN head ON head.id = 1 JOIN device ON device.id = $1
    JOIN inspector ON inspector.id = device.inspector_id
    LEFT JOIN member ON member.inspector_id = inspector.id"""
STANDING, FACTS = slice(0, 12), slice(12, 15)  # and then what it follows


class Unchanged(Struct, frozen=True):
    """Where a device stands, and the page that tells it of nothing."""

    device: Standing
    page: told.Page
    check: dict[str, tuple[int, int]]


async def look(engine: Engine, head: PushHead, now: datetime, skew_ms: int) -> Unchanged | None:
    """Answer a device that brings nothing, if there is nothing new for it and nothing to be done.

    Otherwise gives nothing; such a device is answered in a transaction.
    """
    pull = head.pull
    if pull is None or head.count:
        return None
    position, _ = pull.told or (0, "")
    lately = now - SEEN, skew_ms, SEEN // timedelta(milliseconds=1)
    rows = await ledger.glance(engine, LOOK, head.dev, position, *lately)
    device = ledger.standing([row[STANDING] for row in rows[:1]])
    if device is None or device.revoked:
        return None
    if (head.first, head.prev) != (device.head_n + 1, device.head_hash):
        return None
    floor, root, seen = rows[0][FACTS]
    scope = versions.followed(pull, feed.named([row[FACTS.stop :] for row in rows]))
    if not _holds(pull, device, floor, root, scope):
        return None

    known = pages.sums_of(await ledger.glance(engine, pages.SUMS, scope))
    if pages.behind(scope, known) or any(one.seq > pull.seq for one in known.values()):
        return None

    if not seen:
        await alone(engine, ledger.SEEN, head.dev, now, skew_ms)
    page = told.Page((), device.ends.feed_n, more=False)
    return Unchanged(device, page, pages.check(scope, known))


def _holds(pull: Pull, device: Standing, floor: int, root: Any, scope: list[str]) -> bool:
    """Tell whether a device holds the whole of what it follows, of this ledger."""
    position, told_root = pull.told or (0, "")
    at = told.cursor(
        pull,
        epoch=device.epoch,
        feed_n=device.ends.feed_n,
        floor=floor,
        entitled=scope,
        regressed=position > 0 and root != told_root,
    )
    return not at.told and set(at.have) == set(scope)
