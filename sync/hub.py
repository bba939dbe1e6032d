"""The server's half, pure: read a push, judge it, and say what a bucket's checksum is.

Anything that verifies is stored; there is no "rejected" for content. Only a request as a whole can
be refused (malformed, wrong signature, gap, fork), and every such refusal may be retried.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TypeAlias

import msgspec
from msgspec import Struct

from sync.codec import chain
from sync.messages import VERSION, PushHead, decode_push_head
from sync.ops import AnyOp, SetAnswers, Sign, decode_envelope, decode_op
from sync.refusals import Reason, Refused

CHECK_MODULUS = 2**60


class Push(Struct, frozen=True):
    """A push as it was read: the first line, the operations' raw bytes, and their hashes."""

    head_line: bytes
    head: PushHead
    raws: tuple[bytes, ...]
    hashes: tuple[str, ...]


class Extends(Struct, frozen=True):
    """The push continues the chain; the first `known` operations were there already."""

    known: int


class Gap(Struct, frozen=True):
    """The push starts beyond the end of the chain."""


class Forks(Struct, frozen=True):
    """From index `at` on, the push tells another history than the ledger's."""

    at: int


Judgement: TypeAlias = Extends | Gap | Forks


class Facts(Struct, frozen=True):
    """What is known about one inspection when its operations are judged."""

    roles: Mapping[str, str]  # inspector -> lead | second
    admissible: Callable[[str, str], Reason | None]  # item, value


class Verdict(Struct, frozen=True):
    """What becomes of one operation: ok, parked or quarantined, and the refusal's code if any."""

    kind: str
    inspection: str
    verdict: str
    why: str = ""
    op: AnyOp | None = None


def read(body: bytes) -> Push:
    """Read a push whose signature was verified, or refuse the whole of it."""
    head_line, *raws = body.split(b"\n")
    try:
        head = decode_push_head(head_line)
    except msgspec.DecodeError as error:
        raise Refused(Reason.SYNC_MALFORMED, problem=str(error)) from error
    if head.v != VERSION:
        raise Refused(Reason.SYNC_VERSION, spoken=VERSION, asked=head.v)
    hashes = chain(head.prev, raws)
    if len(raws) != head.count or (hashes[-1] if hashes else head.prev) != head.head:
        raise Refused(Reason.SYNC_MALFORMED, problem="count or head does not fit the operations")
    return Push(head_line, head, tuple(raws), tuple(hashes))


def judge(push: Push, *, head_n: int, hash_at: Mapping[int, str]) -> Judgement:
    """Hold a push against the chain in the ledger.

    `hash_at` gives the ledger's hash for the numbers from `push.head.first - 1` to `head_n`; number
    0 is the genesis.
    """
    first = push.head.first
    if first > head_n + 1:
        return Gap()
    if push.head.prev != hash_at[first - 1]:
        return Forks(0)
    for index, hash_ in enumerate(push.hashes):
        n = first + index
        if n > head_n:
            return Extends(index)
        if hash_ != hash_at[n]:
            return Forks(index)
    return Extends(len(push.hashes))


def admit(raw: bytes, n: int, who: str, revoked: bool, facts: Mapping[str, Facts]) -> Verdict:
    """Judge one operation of inspector `who`; whatever the verdict, it is stored."""
    try:
        envelope = decode_envelope(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Verdict("", "", "quarantined", Reason.OP_MALFORMED.code)
    kind, inspection = envelope.t[:60], envelope.e[:64]
    if envelope.n != n:
        return Verdict(kind, inspection, "quarantined", Reason.OP_MALFORMED.code)
    if revoked:
        return Verdict(kind, inspection, "quarantined", Reason.DEVICE_REVOKED.code)
    try:
        op = decode_op(raw)
    except (msgspec.ValidationError, UnicodeDecodeError):
        # A newer device's kind, or a known kind in a form that this version does not know.
        return Verdict(kind, inspection, "parked", Reason.OP_UNKNOWN.code)
    known = facts.get(inspection)
    if known is None or who not in known.roles:
        return Verdict(kind, inspection, "quarantined", Reason.INSPECTION_NOT_YOURS.code)
    refusal = _content(op, known.roles[who], known)
    if refusal is not None:
        return Verdict(kind, inspection, "quarantined", refusal.code)
    return Verdict(kind, inspection, "ok", "", op)


def inspection_of(raw: bytes) -> str:
    """Name the inspection that an operation speaks of; empty when it cannot be read."""
    try:
        return decode_envelope(raw).e[:64]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def checksum(rows: Iterable[tuple[str, str, str]]) -> tuple[int, int]:
    """Count the (kind, id, revision) rows of a bucket and add up their hashes modulo 2^60."""
    count = total = 0
    for kind, entity, revision in rows:
        count += 1
        text = f"{kind}|{entity}|{revision}".encode()
        total = (total + int.from_bytes(sha256(text).digest()[:8])) % CHECK_MODULUS
    return count, total


def _content(op: AnyOp, role: str, facts: Facts) -> Reason | None:
    if isinstance(op, SetAnswers):
        refusals = (facts.admissible(ref, answer.v) for ref, answer in op.f.items())
        return next((refusal for refusal in refusals if refusal is not None), None)
    if isinstance(op, Sign) and op.role not in (role, "site"):
        return Reason.SIGN_ROLE
    return None
