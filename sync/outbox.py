"""How much a device sends at once (分批上传): what a link carried doubles, what it did not halves.

The size is kept in the store, halved before anything is sent: a program that dies on the way has
halved it too.
"""

from msgspec.structs import replace

from sync import codec, squeeze, versions
from sync.messages import PushHead, Request
from sync.replica import Identity, Replica
from sync.store import Mine

PATH = squeeze.PATH
BYTES_FIRST = 16_000  # packed
BYTES_MIN = 1_000
BYTES_MAX = 256_000
SIZE = "batch_bytes"


def cut(replica: Replica, first: int) -> list[Mine]:
    """Take from the log what is sent next, and expect it to fail."""
    batch = replica.store.log(first, replica.batch)
    if not batch:
        return []
    size = _size(replica)
    while len(batch) > 1:
        packed = len(squeeze.deflate(b"\n".join(mine.raw for mine in batch)))
        if packed <= size:
            break
        batch = batch[: max(1, min(len(batch) - 1, len(batch) * size // packed))]
    replica.store.set(SIZE, str(size // 2))
    return batch


def arrived(replica: Replica, sent: int) -> None:
    """Take note that a batch was answered whose size had been halved beforehand."""
    if sent:
        replica.store.set(SIZE, str(min(BYTES_MAX, 4 * int(replica.store.get(SIZE)))))


def offer_files(replica: Replica) -> None:
    """Ask about every file again before it counts as sent: a restored server may have lost it."""
    for file in replica.store.files():
        if file.sent:
            replica.store.put_file(replace(file, sent=False))


def _size(replica: Replica) -> int:
    return max(BYTES_MIN, int(replica.store.get(SIZE) or BYTES_FIRST))


def seal(identity: Identity, head: PushHead, batch: list[Mine]) -> Request:
    """Sign a push; whatever carries it may pack it."""
    body = b"\n".join([versions.write_push_head(head), *(mine.raw for mine in batch)])
    header = codec.seal_body(identity.secret, identity.enrolled.device, body)
    return Request("POST", PATH, {codec.SIGNATURE_HEADER: header}, body)
