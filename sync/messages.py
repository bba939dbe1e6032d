"""What travels. One round trip pushes operations and pulls what is new.

A body is NDJSON: a first line that describes it, then one line an operation (up) or an event
(down). Both directions are signed over the raw bytes. docs/reference/protocol.md tells it in full.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

BATCH_OPS_MAX = 500
PAGE_ROWS_MAX = 500
SNAPSHOT_BYTES_MAX = 256_000_000

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Moment = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]

Version: TypeAlias = int | str  # 1, then the day that a version was made
VERSION: Version = "2026-11-22"  # sync/versions.py tells what differs, and speaks the older ones


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


class Pull(Struct, frozen=True, omit_defaults=True):
    """What followed `seq` in epoch `epoch`, for the buckets that I have and those I should have?"""

    epoch: str
    seq: Count
    have: Annotated[tuple[str, ...], Meta(max_length=10_000)]
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_MAX
    # Buckets held up to a place of their own, and where the feed ended when that began.
    part: Annotated[dict[str, tuple[Count, Count]], Meta(max_length=10_000)] = {}
    packs: bool = False  # a new bucket may come as a file
    whole: bool = False  # a new bucket comes in one piece: the first version knows no others
    told: tuple[Count, Hash] | None = None  # which ledger the last page was about


class PushHead(Struct, frozen=True, rename={"first": "from"}):
    """The first line up: `count` operations from number `first`, chained from `prev` to `head`."""

    v: Version
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


class Shown(Struct, frozen=True):
    """The server's last word to a device, as `verify ledger` reads it."""

    device: str
    ack: Ack
    ledger: int
    root: str
    sig: str


class AnswerHead(Struct, frozen=True, rename={"notes": "except"}):
    """The first line down."""

    v: Version
    epoch: str
    time: int  # the server's wall clock, ms
    ack: Ack
    notes: tuple[Note, ...]
    receipt: Receipt
    upload: str = ""  # bearer token for evidence files
    revoked: bool = False
    durable: int = 0  # up to this ledger position a backup of the server holds everything


class Reset(Struct, frozen=True, tag_field="t", tag="reset", omit_defaults=True):
    """The cursor means nothing here: forget what was read, offer again all that was written.

    With `reads`, it is only too old to tell what has gone since: what was written stands.
    """

    reads: bool = False


class Boot(Struct, frozen=True, tag_field="t", tag="boot", omit_defaults=True):
    """Everything of bucket `b` follows; as it was at place `as_of`, it is in a snapshot."""

    b: str
    snapshot: str = ""  # the SHA-256 of the file
    size: Annotated[int, Meta(ge=0, le=SNAPSHOT_BYTES_MAX)] = 0
    as_of: int = 0


class Part(Struct, frozen=True, tag_field="t", tag="part"):
    """Bucket `b` is told up to its place `after`; it is held once that is the whole of it.

    The feed ended at `since` when its telling began.
    """

    b: str
    after: int
    since: int
    whole: bool


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


class Sites(Struct, frozen=True, tag_field="t", tag="sites", omit_defaults=True):
    """Establishments in bucket `b`, column by column, and the codes of those that left it.

    Their revisions do not travel: see `sync.sites`.
    """

    b: str
    code: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    division: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


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


Event: TypeAlias = Reset | Boot | Part | Drop | Put | Gone | Sites | Told | End

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
    public_key: str = ""  # the device's own, as the server has it
    seal_key: str = ""  # X25519: what is sealed to it, only the server can open
    sig: str = ""  # of the server, over `enrolled_text`


def enrolled_text(enrolled: Enrolled) -> bytes:
    """Write what the server signs of an enrolment."""
    said = (enrolled.device, enrolled.public_key, enrolled.inspector, enrolled.seal_key)
    return "\n".join(("evenhand-enrolled/1", *said)).encode()


# -- a device's own chain ------------------------------------------------------------------------


class ChainAsk(Struct, frozen=True, forbid_unknown_fields=True):
    """What follows in the ledger's chain of `dev` after the last of these that it holds?"""

    v: Version
    dev: str
    known: Annotated[tuple[tuple[Count, Hash], ...], Meta(min_length=1, max_length=100)]


class ChainHead(Struct, frozen=True, rename={"first": "from", "notes": "except"}):
    """The first line of the answer; the operations from `first` on follow, perhaps not all."""

    v: Version
    first: int
    ack: Ack
    notes: tuple[Note, ...]


class Renew(Struct, frozen=True, forbid_unknown_fields=True):
    """Device `dev` asks, signed with its key, to go on under another key and a new name."""

    v: Version
    dev: str
    public_key: Hash


decode_chain_ask = msgspec.json.Decoder(ChainAsk).decode
decode_chain_head = msgspec.json.Decoder(ChainHead).decode
decode_renew = msgspec.json.Decoder(Renew).decode
decode_enrolled = msgspec.json.Decoder(Enrolled).decode
