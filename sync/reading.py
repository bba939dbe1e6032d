"""What a device does with a page that it was told: apply its events, then add up its buckets."""

from collections.abc import Mapping

import msgspec

from sync import pages
from sync.messages import Boot, Drop, End, Event, Gone, Put, Reset, Told
from sync.ops import op_id
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import EXCLUDED, Row, Theirs


def absorb(replica: Replica, epoch: str, events: list[Event]) -> tuple[bool, int]:
    """Apply a page; give whether more follows and how many buckets must be read again."""
    have, anew = replica.have(), False
    for event in events:
        match event:
            case Reset():
                for bucket in have:
                    replica.store.drop(bucket)
                have, anew = {}, True
                replica.store.set("acked", "0")  # a restored server may have lost any of it
            case Boot(b=bucket):
                replica.store.drop(bucket)
                have[bucket] = None
            case Drop(b=bucket):
                replica.store.drop(bucket)
                have.pop(bucket, None)
            case Put():
                row = Row(event.b, event.kind, event.id, event.rev, bytes(event.d))
                replica.store.put_row(row)
            case Gone():
                replica.store.remove_row(event.b, event.kind, event.id)
            case Told():
                device, _, n = event.id.rpartition(":")
                if device == replica.identity.enrolled.device:
                    if event.ruled:
                        replica.store.note(int(n), "", "")
                else:
                    told = Theirs(event.id, event.b, event.h, event.who, bytes(event.raw))
                    replica.store.put_theirs(told)
            case End():
                whole = not (event.more or anew)
                wrong = [b for b in have if whole and _differs(replica, b, event.check)]
                for bucket in wrong:
                    replica.store.drop(bucket)
                    del have[bucket]
                if wrong:
                    alarms = int(replica.store.get("alarms") or 0) + len(wrong)
                    replica.store.set("alarms", str(alarms))
                replica.store.set("epoch", epoch)
                replica.store.set("seq", str(event.next))
                replica.store.set("have", msgspec.json.encode(list(have)).decode())
                return event.more or anew, len(wrong)
    raise Refused(Reason.ANSWER_STRANGE, problem="no end line")


def _differs(replica: Replica, bucket: str, check: Mapping[str, tuple[int, int]]) -> bool:
    device = replica.identity.enrolled.device
    acked = replica.acked()
    own = [
        ("op", op_id(device, mine.n), mine.hash)
        for mine in replica.store.log_of(bucket.removeprefix("i:"))
        if mine.n <= acked and mine.note not in EXCLUDED
    ]
    return pages.checksum([*replica.store.revisions(bucket), *own]) != check.get(bucket)
