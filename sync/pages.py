"""What a device is told, pure: cut one page of the feed (下行数据) and say what buckets add up to.

A cursor and a scope are enough to say what follows: what changed in the buckets that a device
holds, and all of those that it should hold and does not.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct

from sync.messages import Boot, Drop, Event, Gone, Part, Pull, Reset, Sites, Told

CHECK_MODULUS = 2**60
WHOLE_ROWS = 10_000_000  # a bucket in one piece, for devices of the first version


class Wanted(Struct, frozen=True):
    """What `page` needs to know next: rows of `buckets` with places in (after, upto], by place."""

    buckets: tuple[str, ...]
    after: int
    upto: int
    limit: int


Rows: TypeAlias = Sequence[tuple[int, Event]]


class Page(Struct, frozen=True):
    """What a page tells, the cursor after it, and whether more follows."""

    events: tuple[Event, ...]
    next: int
    more: bool


class Cursor(Struct, frozen=True):
    """What of a pull still means something here: the buckets held, and those held in part."""

    have: tuple[str, ...]
    part: Mapping[str, tuple[int, int]]
    told: tuple[Event, ...]  # what must be forgotten
    lost: bool  # all of it


def cursor(
    pull: Pull,
    *,
    epoch: str,
    feed_n: int,
    floor: int,
    entitled: Sequence[str],
    regressed: bool = False,
) -> Cursor:
    """Hold a cursor against the epoch, the end of the feed, its floor and the scope.

    `regressed`: the device was told of another ledger than this one, whatever the epoch says.
    Below the floor nobody knows any more what has gone: what is held is read anew, nothing else.
    """
    if regressed or pull.epoch not in ("", epoch) or pull.seq > feed_n:
        return Cursor((), {}, (Reset(),), lost=True)
    if pull.have and pull.seq < floor:
        return Cursor((), {}, (Reset(reads=True),), lost=True)
    scope = set(entitled)
    have = tuple(bucket for bucket in pull.have if bucket in scope)
    part = {
        bucket: (after, since)
        for bucket, (after, since) in pull.part.items()
        if bucket in scope and bucket not in pull.have and floor <= since and after <= feed_n
    }
    gone = [bucket for bucket in (*pull.have, *pull.part) if bucket not in scope]
    return Cursor(have, part, tuple(map(Drop, dict.fromkeys(gone))), lost=False)


def page(
    pull: Pull,
    device: str,
    *,
    at: Cursor,
    feed_n: int,
    entitled: Sequence[str],
    packs: Mapping[str, Boot],
) -> Generator[Wanted, Rows, Page]:
    """Cut one page of the feed: what changed in the buckets held, and buckets not held yet.

    A bucket not held comes whole: as a file where `packs` has one, else row by row, over as many
    pages as it takes, by places of its own. What a row says is always its newest state, so a row
    may come twice, and an older page is never wrong about what a later one repeats.
    """
    events, upto, room = list(at.told), feed_n, pull.limit
    if at.have and pull.seq < feed_n:
        rows = yield Wanted(at.have, pull.seq, feed_n, room)
        if len(rows) >= room:
            upto = rows[-1][0]
        events += [event for _, event in rows if not _known(event, f"{device}:")]
        room -= len(rows)
    held = set(at.have)
    missing = [bucket for bucket in entitled if bucket not in held]
    done = 0
    for bucket in missing:
        if room <= 0:
            break
        after, since = at.part.get(bucket, (0, feed_n))
        if bucket not in at.part:
            boot = packs.get(bucket, Boot(bucket))
            events.append(boot)
            after, since = boot.as_of, boot.as_of or feed_n
        take = WHOLE_ROWS if pull.whole else room
        rows = yield Wanted((bucket,), after, feed_n, take)
        events += [event for _, event in rows if after or not _gone(event)]
        whole = len(rows) < take
        if not whole or bucket in at.part:
            events.append(Part(bucket, feed_n if whole else rows[-1][0], since, whole))
        room -= max(len(rows), 1)
        done += whole
    more = upto < feed_n or done < len(missing)
    return Page(tuple(_merged(events)), upto, more=more)


def _known(event: Event, own: str) -> bool:
    """Tell whether a device recorded this itself; that it counts after all is news."""
    return isinstance(event, Told) and event.id.startswith(own) and not event.ruled


def _gone(event: Event) -> bool:
    return isinstance(event, Gone) or (isinstance(event, Sites) and bool(event.gone))


def _merged(events: Iterable[Event]) -> Generator[Event]:
    """Tell establishments that follow each other in one bucket in one line."""
    some: list[Sites] = []
    for event in events:
        if some and not (isinstance(event, Sites) and event.b == some[0].b):
            yield _together(some)
            some = []
        if isinstance(event, Sites):
            some.append(event)
        else:
            yield event
    if some:
        yield _together(some)


def _together(some: list[Sites]) -> Sites:
    columns = {
        name: tuple(value for one in some for value in getattr(one, name))
        for name in Sites.__struct_fields__
        if name != "b"
    }
    return Sites(some[0].b, **columns)


def revoked(pull: Pull, epoch: str, *, regressed: bool = False) -> Page:
    """Tell a revoked device to forget what it read; what it wrote stays.

    A restored server (see `cursor`) is offered all of that again, and says anew what it thinks.
    """
    anew = regressed or pull.epoch not in ("", epoch)
    held = dict.fromkeys((*pull.have, *pull.part))
    return Page((Reset(),) if anew else tuple(map(Drop, held)), 0, more=False)


# -- what a bucket adds up to --------------------------------------------------------------------


def term(kind: str, entity: str, revision: str) -> int:
    """Give what one (kind, id, revision) adds to the sum of its bucket."""
    digest = sha256(f"{kind}|{entity}|{revision}".encode()).digest()
    return int.from_bytes(digest[:8]) % CHECK_MODULUS


def checksum(rows: Iterable[tuple[str, str, str]]) -> tuple[int, int]:
    """Count the (kind, id, revision) rows of a bucket and add up their terms modulo 2^60."""
    terms = [term(*row) for row in rows]
    return len(terms), sum(terms) % CHECK_MODULUS
