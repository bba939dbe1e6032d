"""What the ledger holds of one device's chain, pure: the server's half of sync.lineage."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from sync import codec, versions
from sync.hub import UNREADABLE
from sync.messages import Ack, ChainAsk, ChainHead, Note
from sync.refusals import Reason, Refused

T = TypeVar("T")

ANSWER_BYTES_MAX = 1024 * 1024


def read(decode: Callable[[bytes], T], body: bytes) -> T:
    """Read a question whose signature was verified, or refuse it with SYNC_MALFORMED."""
    try:
        return decode(body)
    except UNREADABLE as error:
        raise Refused(Reason.SYNC_MALFORMED, problem=str(error)) from error


def last_shared(ask: ChainAsk, held: Mapping[int, str]) -> int:
    """Say up to which number the device knows the ledger's chain; 0 is the genesis."""
    versions.check(ask.v)
    shared = [n for n, hash_ in ask.known if held.get(n) == hash_]
    if not shared:
        raise Refused(Reason.SYNC_MALFORMED, problem="nothing of this chain is known here")
    return max(shared)


def tell(
    secret: str, after: int, ack: Ack, rows: Iterable[tuple[int, bytes, str, str]]
) -> tuple[bytes, str]:
    """Write what follows number `after`: its rows are number, bytes, verdict and why.

    The answer is cut at a size, but never before its first operation.
    """
    raws: list[bytes] = []
    notes: list[Note] = []
    size = 0
    for n, raw, verdict, why in rows:
        size += len(raw)
        if raws and size > ANSWER_BYTES_MAX:
            break
        raws.append(raw)
        if verdict != "ok":
            notes.append(Note(n, verdict, why))
    head = ChainHead(versions.PIECES, after + 1, ack, tuple(notes))
    body = b"\n".join([msgspec.json.encode(head), *raws])
    return body, codec.seal_body(secret, "hub", body)
