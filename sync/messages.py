"""What travels. One round trip pushes operations and pulls what is new.

A body is NDJSON: a first line that describes it, then one line an operation (up) or an event
(down). Both directions are signed over the raw bytes. docs/reference/protocol.md tells it in full.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

VERSION = 1
BATCH_OPS_MAX = 500
PAGE_ROWS_MAX = 500

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Moment = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Request(Struct, frozen=True):
    """A question to the server, in the shape of HTTP, whatever carries it."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: bytes = b""


class Response(Struct, frozen=True):
    """The answer to a request; header names are lower-case."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


# -- up ------------------------------------------------------------------------------------------


class Clock(Struct, frozen=True):
    """The device's clocks: wall (ms since 1970), monotonic (ms since boot) and which boot."""

    w: Moment
    m: Moment
    boot: Annotated[str, Meta(max_length=64)]


class Pull(Struct, frozen=True):
    """What followed `seq` in epoch `epoch`, for the buckets that I have and those I should have?"""

    epoch: str
    seq: Count
    have: Annotated[tuple[str, ...], Meta(max_length=10_000)]
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_MAX


class PushHead(Struct, frozen=True, rename={"first": "from"}):
    """The first line up: `count` operations from number `first`, chained from `prev` to `head`."""

    v: int
    dev: str
    first: Annotated[int, Meta(ge=1, le=2**53)]
    count: Annotated[int, Meta(ge=0, le=BATCH_OPS_MAX)]
    prev: Hash
    head: Hash
    clock: Clock
    pull: Pull | None = None


# -- down ----------------------------------------------------------------------------------------


class Ack(Struct, frozen=True):
    """The ledger holds the device's operations up to `n`, whose hash is `h`."""

    n: int
    h: str


class Note(Struct, frozen=True):
    """One operation that did not simply count: `d` is conflict, late, parked or quarantined."""

    n: int
    d: str
    why: str = ""


class Receipt(Struct, frozen=True):
    """The server's signed word: at ledger position `ledger` the root was `root`."""

    ledger: int
    root: str
    sig: str


class AnswerHead(Struct, frozen=True, rename={"notes": "except"}):
    """The first line down."""

    v: int
    epoch: str
    time: int  # the server's wall clock, ms
    ack: Ack
    notes: tuple[Note, ...]
    receipt: Receipt
    upload: str = ""  # bearer token for evidence files
    revoked: bool = False


class Reset(Struct, frozen=True, tag_field="t", tag="reset"):
    """The cursor means nothing here: forget what was read, offer again all that was written."""


class Boot(Struct, frozen=True, tag_field="t", tag="boot"):
    """Everything of bucket `b` follows."""

    b: str


class Drop(Struct, frozen=True, tag_field="t", tag="drop"):
    """Bucket `b` is no longer yours."""

    b: str


class Put(Struct, frozen=True, tag_field="t", tag="put"):
    """A server-owned row in bucket `b` is now `d`."""

    b: str
    kind: str
    id: str
    rev: str
    d: Raw


class Gone(Struct, frozen=True, tag_field="t", tag="del"):
    """A server-owned row left bucket `b`."""

    b: str
    kind: str
    id: str


class Told(Struct, frozen=True, tag_field="t", tag="op", omit_defaults=True):
    """An operation of inspector `who` in bucket `b`, byte for byte.

    `ruled`: it was held back at first, and counts since the office judged it again.
    """

    b: str
    id: str
    h: str
    who: str
    raw: Raw
    ruled: bool = False


class End(Struct, frozen=True, tag_field="t", tag="end"):
    """The last line: the next cursor, and on the last page count and checksum of every bucket."""

    next: int
    more: bool
    check: dict[str, tuple[int, int]] = {}


Event: TypeAlias = Reset | Boot | Drop | Put | Gone | Told | End

decode_push_head = msgspec.json.Decoder(PushHead).decode
decode_answer_head = msgspec.json.Decoder(AnswerHead).decode
decode_event = msgspec.json.Decoder(Event).decode


def receipt_text(device: str, ack: Ack, *, ledger: int, root: str) -> bytes:
    """Write what the server signs in a receipt."""
    return f"evenhand-receipt/1\n{device}\n{ack.n}\n{ack.h}\n{ledger}\n{root}".encode()


# -- enrolment -----------------------------------------------------------------------------------


class Enrol(Struct, frozen=True, forbid_unknown_fields=True):
    """A device asks to become an inspector's, with a one-time code and its own public key."""

    code: Annotated[str, Meta(min_length=4, max_length=64)]
    public_key: Hash
    label: Annotated[str, Meta(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")] = ""


class Enrolled(Struct, frozen=True):
    """Who the device is from now on, and the key that the server signs with."""

    device: str
    inspector: str
    name: str
    certificate: str
    server_key: str
    epoch: str
