"""What a device is told, pure: cut one page of the feed (下行数据) and say what buckets add up to.

A cursor and a scope are enough to say what follows: what changed in the buckets that a device
holds, and all of those that it should hold and does not.
"""

from collections.abc import Generator, Iterable, Sequence
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct

from sync.messages import Boot, Drop, Event, Gone, Pull, Reset, Told

CHECK_MODULUS = 2**60


class Wanted(Struct, frozen=True):
    """What `page` needs to know next: rows of `buckets` with places in (after, upto], by place."""

    buckets: tuple[str, ...]
    after: int
    upto: int
    limit: int | None


Rows: TypeAlias = Sequence[tuple[int, Event]]


class Page(Struct, frozen=True):
    """What a page tells, the cursor after it, and whether more follows."""

    events: tuple[Event, ...]
    next: int
    more: bool


def page(
    pull: Pull, device: str, *, epoch: str, feed_n: int, entitled: Sequence[str]
) -> Generator[Wanted, Rows, Page]:
    """Cut one page of the feed: what changed in the buckets held, and buckets not held yet.

    A bucket not held comes whole. What a row says is always its newest state, so a row may come
    twice, and an older page is never wrong about what a later one repeats.
    """
    regressed = pull.epoch not in ("", epoch) or pull.seq > feed_n
    have = () if regressed else tuple(bucket for bucket in pull.have if bucket in entitled)
    events: list[Event] = [Reset()] if regressed else []
    events += [Drop(bucket) for bucket in pull.have if bucket not in entitled and not regressed]

    upto = feed_n
    if have and pull.seq < feed_n:
        rows = yield Wanted(have, pull.seq, feed_n, pull.limit)
        if len(rows) >= pull.limit:
            upto = rows[-1][0]
        events += [event for _, event in rows if not _known(event, f"{device}:")]
    missing = [bucket for bucket in entitled if bucket not in have]
    booted = 0
    for bucket in missing:
        if len(events) >= pull.limit and booted:
            break
        rows = yield Wanted((bucket,), 0, feed_n, None)
        events += [Boot(bucket), *(event for _, event in rows if not isinstance(event, Gone))]
        booted += 1
    return Page(tuple(events), upto, more=upto < feed_n or booted < len(missing))


def _known(event: Event, own: str) -> bool:
    """Tell whether a device recorded this itself; that it counts after all is news."""
    return isinstance(event, Told) and event.id.startswith(own) and not event.ruled


def revoked(pull: Pull, epoch: str) -> Page:
    """Tell a revoked device to forget what it read; what it wrote stays."""
    anew = pull.epoch not in ("", epoch)
    return Page((Reset(),) if anew else tuple(Drop(b) for b in pull.have), 0, more=False)


def checksum(rows: Iterable[tuple[str, str, str]]) -> tuple[int, int]:
    """Count the (kind, id, revision) rows of a bucket and add up their hashes modulo 2^60."""
    count = total = 0
    for kind, entity, revision in rows:
        count += 1
        text = f"{kind}|{entity}|{revision}".encode()
        total = (total + int.from_bytes(sha256(text).digest()[:8])) % CHECK_MODULUS
    return count, total
