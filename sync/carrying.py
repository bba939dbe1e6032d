"""What a device puts into a bundle for the office, and what it makes of the receipt (回执)."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync import codec, messages, versions
from sync.exchange import acknowledge
from sync.handover import Item
from sync.hub import UNREADABLE
from sync.messages import Ack, PushHead, Response, Shown
from sync.refusals import Reason, Refused
from sync.replica import Identity, Replica
from sync.store import Mine


class Answer(Struct, frozen=True):
    """What the server answered to one batch, whose first operation has number `first`."""

    device: str
    first: int
    header: str
    body: str


class Receipt(Struct, frozen=True):
    """What the server took in of a bundle, for the device to apply."""

    answers: tuple[Answer, ...]
    files: tuple[str, ...]


def shown_receipt(replica: Replica) -> Shown:
    """Give the receipt of the last exchange; refuse with RECEIPT_NONE before the first."""
    held = replica.store.get("receipt")
    if not held:
        raise Refused(Reason.RECEIPT_NONE)
    ack, receipt = msgspec.json.decode(held, type=tuple[Ack, messages.Receipt])
    device = replica.identity.enrolled.device
    return Shown(device, ack, receipt.ledger, receipt.root, receipt.sig)


def write_receipt(secret: str, receipt: Receipt) -> str:
    """Write a receipt and the server's signature before it."""
    body = msgspec.json.encode(receipt)
    return codec.seal_body(secret, "hub", body) + "\n" + body.decode()


def batches(replica: Replica, *, everything: bool) -> Iterator[tuple[Item, bytes]]:
    """Sign what the server has not acknowledged, or all that is here, former chains too."""
    if everything:
        for one in replica.retired():
            device = one.identity.enrolled.device
            log = replica.store.retired(device, 1, one.kept)
            yield from _signed(replica, one.identity, log, codec.genesis(device))
    acked = 0 if everything else replica.acked()
    log = replica.store.log(acked + 1, replica.head()[0])
    yield from _signed(replica, replica.identity, log, replica.hash_at(acked))


def _signed(
    replica: Replica, identity: Identity, log: list[Mine], previous: str
) -> Iterator[tuple[Item, bytes]]:
    for at in range(0, len(log), replica.batch):
        part = log[at : at + replica.batch]
        head = PushHead(
            v=versions.SPOKEN[-1],
            dev=identity.enrolled.device,
            first=part[0].n,
            count=len(part),
            prev=previous,
            head=part[-1].hash,
            clock=replica.clock(),
        )
        body = b"\n".join([msgspec.json.encode(head), *(mine.raw for mine in part)])
        header = codec.seal_body(identity.secret, head.dev, body)
        yield Item("batch", head.dev, len(body), first=head.first, header=header), body
        previous = part[-1].hash


def apply_receipt(replica: Replica, text: bytes) -> Receipt:
    """Let the outbox advance by a receipt; refuse with RECEIPT_FOREIGN what is not for this device.

    Applying it again, or after a sync, changes nothing.
    """
    header, _, body = text.partition(b"\n")
    try:
        codec.check_body(replica.identity.enrolled.server_key, header.decode(), body)
        receipt = msgspec.json.decode(body, type=Receipt)
    except (Refused, *UNREADABLE) as error:
        raise Refused(Reason.RECEIPT_FOREIGN) from error
    own = replica.identity.enrolled.device
    names = {own, *(one.identity.enrolled.device for one in replica.retired())}
    if not names.issuperset(answer.device for answer in receipt.answers):
        raise Refused(Reason.RECEIPT_FOREIGN)
    with replica.store.transaction():
        for answer in receipt.answers:
            if answer.device == own:
                signed = {codec.SIGNATURE_HEADER: answer.header}
                acknowledge(replica, Response(200, signed, answer.body.encode()), answer.first)
        for file in replica.store.files():
            if file.sha256 in receipt.files:
                replica.store.put_file(replace(file, sent=True))
    return receipt
