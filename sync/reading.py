"""What a device does with a page that it was told: apply its events, then add up its buckets."""

import zlib
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from sync import opened, outbox, pages, sites
from sync.messages import (
    Boot,
    Drop,
    End,
    Event,
    Gone,
    Part,
    Put,
    Reset,
    Sites,
    Told,
    decode_event,
)
from sync.ops import op_id
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import EXCLUDED, Row, Theirs

_GZIP_BITS = 31


def absorb(replica: Replica, epoch: str, events: list[Event]) -> tuple[bool, int]:
    """Apply a page; give whether more follows and how many buckets must be read again."""
    have, part, anew = replica.have(), held_in_part(replica), False
    for event in events:
        match event:
            case Reset():
                for bucket in (*have, *part):
                    replica.store.drop(bucket)
                have, part, anew = {}, {}, anew or not event.reads
                if not event.reads:
                    _offer_all(replica)
            case Boot(b=bucket):
                replica.store.drop(bucket)
                part.pop(bucket, None)
                have[bucket] = None
                for told in _snapshot(replica, event):
                    _apply(replica, told)
            case Part(b=bucket):
                part.pop(bucket, None)
                have.pop(bucket, None)
                if event.whole:
                    have[bucket] = None
                else:
                    part[bucket] = (event.after, event.since)
            case Drop(b=bucket):
                replica.store.drop(bucket)
                have.pop(bucket, None)
                part.pop(bucket, None)
            case End():
                whole = not (event.more or anew)
                wrong = [b for b in have if whole and _differs(replica, b, event.check)]
                for bucket in wrong:
                    replica.store.drop(bucket)
                    del have[bucket]
                if wrong:
                    alarms = int(replica.store.get("alarms") or 0) + len(wrong)
                    replica.store.set("alarms", str(alarms))
                if not event.more:
                    replica.store.drop_pieces()
                if not (event.more or anew):
                    opened.let_go_of_others(replica)
                replica.store.set("epoch", epoch)
                replica.store.set("seq", str(event.next))
                replica.store.set("have", msgspec.json.encode(list(have)).decode())
                replica.store.set("part", msgspec.json.encode(part).decode() if part else "")
                return event.more or anew, len(wrong)
            case _:
                _apply(replica, event)
    raise Refused(Reason.ANSWER_STRANGE, problem="no end line")


def _offer_all(replica: Replica) -> None:
    """Offer again what was written under any name: a restored server may have lost any of it."""
    replica.store.set("acked", "0")
    outbox.offer_files(replica)
    chains = replica.retired()
    if chains:
        replica.keep_retired(replace(one, until=0) for one in chains)
        replica.store.set("reoffer", "yes")


def held_in_part(replica: Replica) -> dict[str, tuple[int, int]]:
    """Say up to which places buckets are held that come over several pages, and since when."""
    text = replica.store.get("part") or "{}"
    return msgspec.json.decode(text, type=dict[str, tuple[int, int]])


def _apply(replica: Replica, event: Event) -> None:
    match event:
        case Put():
            row = Row(event.b, event.kind, event.id, event.rev, bytes(event.d))
            replica.store.put_row(row)
            if event.kind == "task":
                opened.let_go(replica.store, event.id)
        case Gone():
            replica.store.remove_row(event.b, event.kind, event.id)
        case Sites():
            known = [(one, sites.term_of(one)) for one in sites.rows(event)]
            replica.store.put_sites(event.b, known)
            replica.store.remove_sites(event.b, event.gone)
        case Told():
            device, _, n = event.id.rpartition(":")
            if device == replica.identity.enrolled.device:
                for mine in replica.store.log(int(n), 1):
                    if mine.note in EXCLUDED:  # what is told counts, whatever was said before
                        replica.store.note(mine.n, "", "")
            else:
                told = Theirs(event.id, event.b, event.h, event.who, bytes(event.raw))
                replica.store.put_theirs(told)
        case _:
            raise Refused(Reason.ANSWER_STRANGE, problem=f"{type(event).__name__} in a snapshot")


def _snapshot(replica: Replica, boot: Boot) -> Iterable[Event]:
    """Read the events of a snapshot, whose digest was checked when it had come whole."""
    if not boot.snapshot:
        return
    try:
        lines = zlib.decompress(replica.store.pieces(boot.snapshot), _GZIP_BITS).split(b"\n")
        for line in lines:
            yield decode_event(line)
    except (zlib.error, msgspec.DecodeError) as error:
        raise Refused(Reason.ANSWER_STRANGE, problem=str(error)) from error


def _differs(replica: Replica, bucket: str, check: Mapping[str, tuple[int, int]]) -> bool:
    device = replica.identity.enrolled.device
    acked = replica.acked()
    own = [
        ("op", op_id(device, mine.n), mine.hash)
        for mine in replica.store.log_of(bucket.removeprefix("i:"))
        if mine.n <= acked and mine.note not in EXCLUDED
    ]
    count, total = pages.checksum([*replica.store.revisions(bucket), *own])
    sites_count, sites_total = replica.store.sites_sum(bucket)
    both = (count + sites_count, (total + sites_total) % pages.CHECK_MODULUS)
    return both != check.get(bucket)
