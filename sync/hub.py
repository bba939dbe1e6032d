"""The server's half, pure: read a push, judge it, give it places, write the answer.

Anything that verifies is stored; there is no "rejected" for content. Only a request as a whole can
be refused (malformed, wrong signature, gap, fork), and every such refusal may be retried.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync import codec, versions
from sync.merge import MEMBER, Inspection
from sync.messages import (
    BATCH_OPS_MAX,
    AnswerHead,
    End,
    Note,
    PushHead,
    Version,
    receipt_text,
)
from sync.ops import (
    AddEvidence,
    Answer,
    AnyOp,
    CarryChecklist,
    SetAnswers,
    Sign,
    decode_envelope,
    decode_op,
)
from sync.pages import Page
from sync.refusals import Reason, Refused

# What JSON from outside may raise; RecursionError for nesting without end.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# A desk is a device that the server keeps for an officer, by this and the account's name. It may
# only answer what others disagree on.
OFFICE = "office:"
WAIVABLE = (Reason.DEVICE_REVOKED.code, Reason.INSPECTION_NOT_YOURS.code)

SIZE_MAX = 2**53  # what every language still counts exactly

_DIGEST = re.compile("[0-9a-f]{64}")


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


Admissible: TypeAlias = Callable[[str, Answer], Reason | None]  # to the item of this name


class Facts(Struct, frozen=True):
    """What is known about one inspection when its operations are judged."""

    roles: Mapping[str, str]  # inspector -> lead | second | member
    admissible: Admissible
    plain: Mapping[str, Collection[str]] = {}  # item -> answers that need no asking
    versions: Mapping[str, Admissible] = {}  # of the same checklist, by digest


class Verdict(Struct, frozen=True, gc=False):
    """What becomes of one operation: ok, parked or quarantined, and the refusal's code if any."""

    kind: str
    inspection: str
    verdict: str
    why: str = ""
    op: AnyOp | None = None  # when it is ok


class Ends(Struct, frozen=True):
    """Where the ledger and the feed end."""

    ledger_n: int
    ledger_root: str
    feed_n: int


class Placed(Struct, frozen=True, gc=False):
    """A new operation and its places; `seq` is none for what devices are not told."""

    n: int
    hash: str
    raw: bytes
    verdict: Verdict
    position: int
    root: str
    seq: int | None


def read(body: bytes, spoken: Sequence[Version] = versions.SPOKEN) -> Push:
    """Read a push whose signature was verified, or refuse the whole of it."""
    head_line, *raws = body.split(b"\n", BATCH_OPS_MAX + 1)  # ten million are not looked at
    try:
        head = versions.read_push_head(head_line, spoken)
    except UNREADABLE as error:
        raise Refused(Reason.SYNC_MALFORMED, problem=str(error)) from error
    hashes = codec.chain(head.prev, raws) if len(raws) == head.count else []
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


def admit(
    raw: bytes,
    n: int,
    who: str,
    revoked: bool,
    facts: Mapping[str, Facts],
    waived: Collection[str] = (),
) -> Verdict:
    """Judge one operation of `who`; whatever the verdict, it is stored.

    `waived` are the codes in WAIVABLE that an officer set aside for it.
    """
    try:
        raw.decode()
        envelope = decode_envelope(raw)
    except UNREADABLE:
        return Verdict("", "", "quarantined", Reason.OP_MALFORMED.code)
    kind, inspection = _clean(envelope.t, 60), _clean(envelope.e, 64)
    if envelope.n != n:
        return Verdict(kind, inspection, "quarantined", Reason.OP_MALFORMED.code)
    if revoked and Reason.DEVICE_REVOKED.code not in waived:
        return Verdict(kind, inspection, "quarantined", Reason.DEVICE_REVOKED.code)
    try:
        op = decode_op(raw)
    except UNREADABLE:
        # A newer device's kind, or a known kind in a form that this version does not know.
        return Verdict(kind, inspection, "parked", Reason.OP_UNKNOWN.code)
    known = facts.get(op.e)
    role = _role(who, known, waived) if known is not None else None
    if known is None or role is None:
        return Verdict(kind, inspection, "quarantined", Reason.INSPECTION_NOT_YOURS.code)
    refusal = _content(op, role, known)
    if refusal is not None:
        return Verdict(kind, inspection, "quarantined", refusal.code)
    return Verdict(kind, inspection, "ok", op=op)


def inspection_of(raw: bytes) -> str:
    """Name the inspection that an operation speaks of; empty when it cannot be read."""
    try:
        return _clean(decode_envelope(raw).e, 64)
    except UNREADABLE:
        return ""


def place(
    push: Push, verdicts: Sequence[Verdict], ends: Ends, received_ms: int
) -> tuple[list[Placed], Ends]:
    """Give the last operations of a push, one a verdict, their places in ledger and feed."""
    known = len(push.raws) - len(verdicts)
    position, root, feed_n = ends.ledger_n, ends.ledger_root, ends.feed_n
    placed: list[Placed] = []
    for index, verdict in enumerate(verdicts, start=known):
        hash_ = push.hashes[index]
        position, root = (
            position + 1,
            codec.ledger_link(root, hash_, verdict.verdict, received_ms),
        )
        feed_n += verdict.verdict == "ok"
        seq = feed_n if verdict.verdict == "ok" else None
        n = push.head.first + index
        placed.append(Placed(n, hash_, push.raws[index], verdict, position, root, seq))
    return placed, Ends(position, root, feed_n)


def remarks(state: Inspection, device: str, first: int) -> list[Note]:
    """Say which operations of a device, from `first` on, are in conflict or came late."""
    own = f"{device}:"
    conflict = {said.op for item in state.items.values() if item.conflict for said in item.standing}
    said = [(op, "conflict") for op in conflict] + [(op, "late") for op in state.late]
    numbered = [(int(op.removeprefix(own)), d) for op, d in said if op.startswith(own)]
    return [Note(n, d) for n, d in sorted(numbered) if n >= first]


def answer(
    secret: str, device: str, head: AnswerHead, page: Page, check: Mapping[str, tuple[int, int]]
) -> tuple[bytes, str]:
    """Write the answer's body, its receipt signed, and its signature header."""
    receipt = head.receipt
    text = receipt_text(device, head.ack, ledger=receipt.ledger, root=receipt.root)
    signed = replace(head, receipt=replace(receipt, sig=codec.sign(secret, text)))
    end = End(page.next, page.more, dict(check))
    body = versions.write_answer(signed, [*page.events, end], device)
    return body, codec.seal_body(secret, "hub", body)


def _clean(text: str, length: int) -> str:
    """Cut a text from outside to what every database stores: a NUL is none of it."""
    return text.replace("\0", "")[:length]


def _role(who: str, facts: Facts, waived: Collection[str]) -> str | None:
    if who.startswith(OFFICE):
        return OFFICE
    stranger = MEMBER if Reason.INSPECTION_NOT_YOURS.code in waived else None
    return facts.roles.get(who, stranger)


def _content(op: AnyOp, role: str, facts: Facts) -> Reason | None:
    if role == OFFICE and not _settles(op):
        return Reason.INSPECTION_NOT_YOURS
    if isinstance(op, SetAnswers):
        return _answers(op, facts)
    if isinstance(op, CarryChecklist) and op.to not in facts.versions:
        return Reason.CHECKLIST_NOT_FOUND
    if isinstance(op, AddEvidence) and not _file(op):
        return Reason.OP_MALFORMED  # no file could ever be it, and no database look it up
    if isinstance(op, Sign) and op.role != "site" and (op.role != role or op.refused):
        return Reason.SIGN_ROLE
    return None


def _file(op: AddEvidence) -> bool:
    named = all(map(_DIGEST.fullmatch, (op.blob, op.of or op.blob)))
    return named and 0 < op.size <= SIZE_MAX


def _settles(op: AnyOp) -> bool:
    return isinstance(op, SetAnswers) and all(len(op.s.get(ref, ())) > 1 for ref in op.f)


def _answers(op: SetAnswers, facts: Facts) -> Reason | None:
    plain, admissible = facts.plain, facts.admissible
    if op.under:
        if op.under not in facts.versions:
            return Reason.CHECKLIST_NOT_FOUND
        plain, admissible = dict[str, Collection[str]](), facts.versions[op.under]
    for ref, answer in op.f.items():
        if (
            answer.v not in plain.get(ref, ())
            or answer.kind
            or answer.unit
            or answer.instrument
            or answer.probe
            or answer.limit
            or answer.rows
        ):
            refusal = admissible(ref, answer)
            if refusal is not None:
                return refusal
    return None
