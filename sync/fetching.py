"""How a device fetches snapshots (数据快照): in pieces, each kept, so that a cut costs one."""

from collections.abc import Generator, Iterable
from hashlib import sha256

from sync.messages import Boot, Event, Request, Response
from sync.problems import refusal
from sync.refusals import Reason, Refused
from sync.replica import Replica

PATH = "/sync/v1/snapshots/"
PIECE_BYTES = 262_144


def named(events: Iterable[Event]) -> list[Boot]:
    """Find the snapshots that a page refers to."""
    return [event for event in events if isinstance(event, Boot) and event.snapshot]


def fetch(replica: Replica, boot: Boot) -> Generator[Request, Response, int]:
    """Fetch what is missing of a snapshot; give the number of requests that it took.

    Refuses with SNAPSHOT_DAMAGED when the whole has another digest, or with what the server
    refused; what came of it otherwise stays for the next attempt. Damage that may have come with an
    earlier attempt is fetched anew at once.
    """
    store, rounds = replica.store, 0
    at = before = len(store.pieces(boot.snapshot))
    while at < boot.size:
        end = min(at + PIECE_BYTES, boot.size)
        headers = {
            "range": f"bytes={at}-{end - 1}",
            "authorization": f"Bearer {store.get('upload')}",
        }
        response = yield Request("GET", PATH + boot.snapshot, headers)
        rounds += 1
        if response.status >= 400:
            raise refusal(response)
        piece = response.body[at:end] if response.status == 200 else response.body[: end - at]
        if not piece:
            raise Refused(Reason.ANSWER_STRANGE, status=response.status)
        with store.transaction():
            if len(store.pieces(boot.snapshot)) != at:
                raise Refused(Reason.BUSY)  # another process of this device fetches it too
            store.keep_piece(boot.snapshot, at, piece)
        at += len(piece)
    if sha256(store.pieces(boot.snapshot)).hexdigest() != boot.snapshot:
        with store.transaction():
            store.drop_pieces()
        if before:
            return rounds + (yield from fetch(replica, boot))
        raise Refused(Reason.SNAPSHOT_DAMAGED, snapshot=boot.snapshot)
    return rounds
