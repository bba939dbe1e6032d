"""The server's half, pure: read a push, judge it, give it places, write the answer.

Anything that verifies is stored; there is no "rejected" for content. Only a request as a whole can
be refused (malformed, wrong signature, gap, fork), and every such refusal may be retried.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sync import codec, openings, particulars, versions
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
    OpenInspection,
    Particular,
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
WAIVABLE = (
    Reason.DEVICE_REVOKED.code,
    Reason.INSPECTION_NOT_YOURS.code,
    Reason.OPENING_SECOND.code,
    Reason.OPENING_ELSEWHERE.code,
    Reason.CHECKLIST_NOT_FOUND.code,  # which may have been released since
    Reason.TEXT_INVALID.code,
    Reason.DECIMAL_INVALID.code,
    Reason.PLACE_INVALID.code,
)

SIZE_MAX = 2**53  # what every language still counts exactly


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


class Form(Struct, frozen=True):
    """What a released checklist asks when it is a visit's own."""

    code: str
    admissible: Admissible
    plain: Mapping[str, Collection[str]] = {}


class Person(Struct, frozen=True):
    """An inspector whom somebody names as the second."""

    id: str
    fit: bool  # may be sent


class Ground(Struct, frozen=True):
    """What is known of what operations name that open an inspection (现场登记)."""

    first: Mapping[str, tuple[str, str]] = {}  # inspection -> who opened it first, and that act
    forms: Mapping[str, Form] = {}  # released, by digest
    people: Mapping[str, Person] = {}  # by id and by certificate
    works: Mapping[str, Collection[str]] = {}  # inspector -> prefixes of divisions
    sites: Mapping[str, str] = {}  # code of a registered establishment -> its division


NOTHING = Ground()


class Opened(Struct, frozen=True):
    """An inspection that an operation has opened."""

    op: OpenInspection
    lead: str
    second: str


class Verdict(Struct, frozen=True, gc=False):
    """What becomes of one operation: ok, parked or quarantined, and the refusal's code if any."""

    kind: str
    inspection: str
    verdict: str
    why: str = ""
    op: AnyOp | None = None  # when it is ok


class Docket:
    """What is known while operations are judged in turn: one that opens counts for the next."""

    def __init__(self, facts: Mapping[str, Facts], ground: Ground = NOTHING) -> None:
        self.facts, self.ground = dict(facts), ground
        self.opened: list[Opened] = []

    def admit(
        self,
        raw: bytes,
        n: int,
        who: str,
        revoked: bool,
        hash_: str,
        waived: Collection[str] = (),
    ) -> Verdict:
        """Judge one operation whose chain hash is `hash_`, as `admit` does."""
        ground = self.ground
        verdict = admit(raw, n, who, revoked, self.facts, waived, ground=ground, hash_=hash_)
        op = opening(raw)
        if op is None:
            return verdict
        first = {op.e: (who, op.orig or hash_)} | dict(ground.first)
        self.ground = replace(ground, first=first)
        if verdict.verdict == "ok" and op.e not in self.facts:
            second, form = ground.people[op.second or op.certificate].id, ground.forms[op.checklist]
            self.opened.append(Opened(op, who, second))
            self.facts[op.e] = Facts(
                {who: "lead", second: "second"},
                form.admissible,
                form.plain,
                {d: one.admissible for d, one in ground.forms.items() if one.code == form.code},
            )
        return verdict


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
    *,
    ground: Ground = NOTHING,
    hash_: str = "",
) -> Verdict:
    """Judge one operation of `who`; whatever the verdict, it is stored.

    `waived` are the codes in WAIVABLE that an officer set aside for it. `ground` and its chain hash
    matter to one that opens an inspection.
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
    if isinstance(op, OpenInspection):
        held = _opens(op, who, op.orig or hash_, known, ground, waived)
        if held is not None:
            return Verdict(kind, inspection, "quarantined", held.code)
        return Verdict(kind, inspection, "ok", op=op)
    role = _role(who, known, waived) if known is not None else None
    if known is None or role is None:
        return Verdict(kind, inspection, "quarantined", Reason.INSPECTION_NOT_YOURS.code)
    refusal = _content(op, role, known) or _unusable(op, waived)
    if refusal is not None:
        return Verdict(kind, inspection, "quarantined", refusal.code)
    return Verdict(kind, inspection, "ok", op=op)


def inspection_of(raw: bytes) -> str:
    """Name the inspection that an operation speaks of; empty when it cannot be read."""
    try:
        return _clean(decode_envelope(raw).e, 64)
    except UNREADABLE:
        return ""


def opening(raw: bytes) -> OpenInspection | None:
    """Read an operation that opens an inspection; none for any other, and for a malformed one."""
    if openings.OPENS not in raw:
        return None
    try:
        raw.decode()
        op = decode_op(raw)
    except UNREADABLE:
        return None
    return op if isinstance(op, OpenInspection) and openings.whole(op) else None


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


def _opens(
    op: OpenInspection,
    who: str,
    act: str,
    known: Facts | None,
    ground: Ground,
    waived: Collection[str],
) -> Reason | None:
    """Say what holds an operation back that opens an inspection.

    An act opens once, however often it is recorded; nobody opens what is there, or another's.
    """
    first = ground.first.get(op.e)
    if who.startswith(OFFICE):
        return Reason.INSPECTION_NOT_YOURS
    if not openings.whole(op):
        return Reason.OP_MALFORMED
    if first not in (None, (who, act)) or (known is not None and first is None):
        return Reason.INSPECTION_EXISTS
    if known is not None:
        return None
    if op.checklist not in ground.forms:
        return Reason.CHECKLIST_NOT_FOUND
    second = ground.people.get(op.second or op.certificate)
    if second is None or second.id == who:
        return Reason.OPENING_SECOND
    if not second.fit and Reason.OPENING_SECOND.code not in waived:
        return Reason.OPENING_SECOND
    division = ground.sites.get(op.code, op.division)
    here = any(division.startswith(prefix) for prefix in ground.works.get(who, ()))
    if not here and Reason.OPENING_ELSEWHERE.code not in waived:
        return Reason.OPENING_ELSEWHERE
    return None


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
    if isinstance(op, CarryChecklist):
        return _carry(op, facts)
    if isinstance(op, AddEvidence) and not _file(op):
        return Reason.OP_MALFORMED  # no file could ever be it, and no database look it up
    if isinstance(op, Sign) and op.role != "site" and (op.role != role or op.refused):
        return Reason.SIGN_ROLE
    return None


def _carry(op: CarryChecklist, facts: Facts) -> Reason | None:
    if op.to not in facts.versions:
        return Reason.CHECKLIST_NOT_FOUND
    if not all(op.to in under for under in op.again.values()):
        return Reason.OP_MALFORMED  # no answer to such an item could ever hold
    return None


def _unusable(op: AnyOp, waived: Collection[str]) -> Reason | None:
    """Say what is wrong with the figures and texts of a record, from it alone."""
    if not isinstance(op, Particular):
        return None
    those = (fault.reason for fault in particulars.faults(op))
    return next((one for one in those if one.code not in waived), None)


def _file(op: AddEvidence) -> bool:
    named = all(map(codec.is_digest, (op.blob, op.of or op.blob)))
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
