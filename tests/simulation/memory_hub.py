"""A server without a database: the decisions of `sync.hub` around a few dictionaries.

It does in memory what `backend.work.intake` does in tables, and nothing else; the same worlds run
against the real one in test_app_worlds.
"""

from collections.abc import Iterable
from copy import deepcopy
from functools import partial
from hashlib import sha256

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from sync import (
    chains,
    checklist,
    codec,
    fetching,
    hub,
    lineage,
    pages,
    squeeze,
    versions,
)
from sync.merge import Inspection, Recorded, fold
from sync.messages import (
    Ack,
    AnswerHead,
    Boot,
    Enrolled,
    Event,
    Gone,
    Note,
    Put,
    Receipt,
    Request,
    Response,
    Told,
    decode_chain_ask,
    decode_renew,
    enrolled_text,
)
from sync.ops import decode_op, op_id
from sync.refusals import Reason, Refused

NOW_MS = 1_772_413_200_000
ROOT = "0" * 64
PACKED_ROWS_MIN = 4


class Died(Exception):
    """The server was killed before it committed."""


class Entry(Struct, frozen=True):
    """One operation in the ledger."""

    device: str
    who: str
    placed: hub.Placed


class Known(Struct):
    """One device and its chain."""

    inspector: str
    key: str
    renews: str = ""
    since: int = 0  # how long the ledger was
    revoked: bool = False
    chain: list[Entry] = []


class State(Struct):
    """Everything a database would hold."""

    secret: str
    epoch: str = "epoch-1"
    devices: dict[str, Known] = {}
    ledger: list[Entry] = []
    ends: hub.Ends = hub.Ends(0, ROOT, 0)
    feed: dict[tuple[str, str, str], tuple[int, Event]] = {}
    revisions: dict[tuple[str, str, str], str] = {}
    members: dict[str, set[str]] = {}
    roles: dict[str, dict[str, str]] = {}
    forks: list[tuple[str, int, bytes]] = []
    packs: dict[str, Boot] = {}
    snapshots: dict[str, bytes] = {}
    floor: int = 0
    durable: int = 0  # up to here the ledger is in a backup


class MemoryHub:
    """The server of a simulated world."""

    def __init__(self, secret: str, form: checklist.Checklist) -> None:
        self.state = State(secret)
        self.form = form
        self.spoken = versions.SPOKEN
        self.released: dict[str, checklist.Checklist] = {}  # other versions of the form
        self.dies = False  # at the next commit
        self.made = 0

    # -- the office ------------------------------------------------------------------------------

    def enrol(self, inspector: str, public_key: str, renews: str = "") -> Enrolled:
        self.made += 1  # a name is never given twice, not even after a restore
        device = f"d{self.made}"
        since = self.state.ends.ledger_n
        self.state.devices[device] = Known(inspector, public_key, renews, since)
        self.join(inspector, f"u:{inspector}")
        body = checklist.canonical(self.form)
        self.put(f"u:{inspector}", "checklist", checklist.digest(self.form), body)
        return self._enrolled(device)

    def _enrolled(self, device: str) -> Enrolled:
        known, secret = self.state.devices[device], self.state.secret
        who, server_key = known.inspector, codec.public_key(secret)
        said = Enrolled(device, who, who, who, server_key, self.state.epoch, known.key)
        return replace(said, sig=codec.sign(secret, enrolled_text(said)))

    def dispatch(self, task: str, lead: str, second: str) -> None:
        self.state.roles[task] = {lead: "lead", second: "second"}

    def put(self, bucket: str, kind: str, entity: str, body: bytes) -> None:
        revision = sha256(body).hexdigest()
        if self.state.revisions.get((bucket, kind, entity)) != revision:
            put = Put(bucket, kind, entity, revision, Raw(body))
            self._publish(bucket, kind, entity, put)
            self.state.revisions[bucket, kind, entity] = revision

    def remove(self, bucket: str, kind: str, entity: str) -> None:
        if self.state.revisions.pop((bucket, kind, entity), None):
            self._publish(bucket, kind, entity, Gone(bucket, kind, entity))

    def join(self, inspector: str, bucket: str) -> None:
        self.state.members.setdefault(inspector, set()).add(bucket)

    def leave(self, inspector: str, bucket: str) -> None:
        self.state.members[inspector].discard(bucket)

    def revoke(self, device: str) -> None:
        """Revoke a device under all names that it and its copies have had."""
        devices = self.state.devices
        family, names = set[str](), {device}
        while family != names:
            family = names
            pairs = [(name, known.renews) for name, known in devices.items()]
            names = family.union(*(pair for pair in pairs if family & set(pair))) - {""}
        for name in family & devices.keys():
            devices[name].revoked = True

    def revoked(self) -> list[str]:
        return [name for name, device in self.state.devices.items() if device.revoked]

    def restore(self, kept: int) -> None:
        """Come back from a backup that knew only the first `kept` operations."""
        state = self.state
        state.ledger = state.ledger[:kept]
        state.devices = {n: d for n, d in state.devices.items() if not d.renews or d.since < kept}
        for name, device in state.devices.items():
            device.chain = [entry for entry in state.ledger if entry.device == name]
        root = state.ledger[-1].placed.root if kept else ROOT
        state.ends = hub.Ends(kept, root, state.ends.feed_n)
        state.epoch = f"{state.epoch}+"
        state.packs, state.snapshots = {}, {}

    def expire(self) -> None:
        """Forget all tombstones, and every snapshot."""
        state = self.state
        state.floor = state.ends.feed_n
        state.feed = {key: row for key, row in state.feed.items() if not isinstance(row[1], Gone)}
        state.packs, state.snapshots = {}, {}

    # -- what a witness may look at --------------------------------------------------------------

    def chain(self, device: str) -> list[hub.Placed]:
        known = self.state.devices.get(device)
        return [entry.placed for entry in known.chain] if known else []

    def ledger(self) -> list[tuple[str, hub.Placed]]:
        return [(entry.device, entry.placed) for entry in self.state.ledger]

    def inspection(self, task: str) -> Inspection:
        return fold(
            Recorded(op_id(e.device, e.placed.n), e.placed.hash, e.who, decode_op(e.placed.raw))
            for e in self.state.ledger
            if e.placed.verdict.inspection == task and e.placed.verdict.verdict == "ok"
        )

    # -- the device door -------------------------------------------------------------------------

    def ask(self, request: Request) -> Response:
        """Answer after the commit, or not at all."""
        before, made = deepcopy(self.state) if self.dies else None, self.made
        try:
            answer = self._answer(request)
        except Refused as refused:
            problem = {"code": refused.reason.code, "details": refused.details}
            answer = Response(400, {}, msgspec.json.encode(problem))
        if before is not None:
            self.dies, self.state, self.made = False, before, made
            raise Died
        return answer

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(fetching.PATH):
            return self._snapshot(request)
        header, body = request.headers.get(codec.SIGNATURE_HEADER, ""), request.body
        if request.path == lineage.CHAIN_PATH:
            return self._chain(header, body)
        if request.path == lineage.RENEW_PATH:
            return self._renew(header, body)
        return self._exchange(header, body)

    def _sender(self, header: str, body: bytes) -> str:
        sender, _, _ = codec.open_header(header)
        if sender not in self.state.devices:
            raise Refused(Reason.DEVICE_UNKNOWN)
        codec.check_body(self.state.devices[sender].key, header, body)
        return sender

    def _chain(self, header: str, body: bytes) -> Response:
        sender = self._sender(header, body)
        chain = self.state.devices[sender].chain
        ask = chains.read(decode_chain_ask, body)
        held = {0: codec.genesis(sender)} | {e.placed.n: e.placed.hash for e in chain}
        after = chains.last_shared(ask, held)
        told = [entry.placed for entry in chain[after : after + 3]]  # more must be asked for
        rows = [(one.n, one.raw, one.verdict.verdict, one.verdict.why) for one in told]
        ack = Ack(len(chain), held[len(chain)])
        text, signature = chains.tell(self.state.secret, after, ack, rows)
        return Response(200, {codec.SIGNATURE_HEADER: signature}, text)

    def _renew(self, header: str, body: bytes) -> Response:
        sender = self._sender(header, body)
        ask = chains.read(decode_renew, body)
        former = self.state.devices[sender]
        known = [
            name
            for name, device in self.state.devices.items()
            if (device.renews, device.key) == (sender, ask.public_key)
        ]
        if known:
            return Response(201, {}, msgspec.json.encode(self._enrolled(known[0])))
        enrolled = self.enrol(former.inspector, ask.public_key, sender)
        self.state.devices[enrolled.device].revoked = former.revoked
        return Response(201, {}, msgspec.json.encode(enrolled))

    def _snapshot(self, request: Request) -> Response:
        """Give a piece of a snapshot."""
        digest = request.path.removeprefix(fetching.PATH)
        body = self.state.snapshots.get(digest)
        if body is None:
            raise Refused(Reason.SNAPSHOT_GONE, snapshot=digest)
        first, last = request.headers["range"].removeprefix("bytes=").split("-")
        return Response(206, {}, body[int(first) : int(last) + 1])

    def _exchange(self, header: str, body: bytes) -> Response:
        sender, _, _ = codec.open_header(header)
        device = self.state.devices.get(sender)
        if device is None:
            raise Refused(Reason.DEVICE_UNKNOWN)
        codec.check_body(device.key, header, body)
        push = hub.read(body, self.spoken)
        if push.head.dev != sender:
            raise Refused(Reason.SIGNATURE_WRONG)
        hash_at = {0: codec.genesis(sender)} | {e.placed.n: e.placed.hash for e in device.chain}
        head_n = len(device.chain)
        match hub.judge(push, head_n=head_n, hash_at=hash_at):
            case hub.Gap():
                raise Refused(Reason.SYNC_GAP, head_n=head_n)
            case hub.Forks(at):
                self.state.forks += [(sender, push.head.first, raw) for raw in push.raws[at:]]
                raise Refused(Reason.SYNC_FORK, head_n=head_n)
            case hub.Extends(known):
                self._extend(sender, device, push, known)

        page, check = pages.Page((), 0, more=False), dict[str, tuple[int, int]]()
        if push.head.pull is not None and device.revoked:
            page = pages.revoked(push.head.pull, self.state.epoch)
        elif push.head.pull is not None:
            page, check = self._page(sender, device, push)
        head_hash = device.chain[-1].placed.hash if device.chain else codec.genesis(sender)
        answer = AnswerHead(
            v=push.head.v,
            epoch=self.state.epoch,
            time=NOW_MS,
            ack=Ack(len(device.chain), head_hash),
            notes=tuple(self._notes(device, push)),
            receipt=Receipt(self.state.ends.ledger_n, self.state.ends.ledger_root, ""),
            revoked=device.revoked,
            durable=self.state.durable,
        )
        text, signature = hub.answer(self.state.secret, sender, answer, page, check)
        return Response(200, {codec.SIGNATURE_HEADER: signature}, text)

    def _extend(self, sender: str, device: Known, push: hub.Push, known: int) -> None:
        admissible = partial(checklist.admits, checklist.asked([self.form]))
        released = {
            digest: partial(checklist.admits, checklist.asked([form]))
            for digest, form in self.released.items()
        }
        facts = {
            task: hub.Facts(roles, admissible, versions=released)
            for task, roles in self.state.roles.items()
        }
        first = push.head.first + known
        verdicts = [
            hub.admit(raw, n, device.inspector, device.revoked, facts)
            for n, raw in enumerate(push.raws[known:], start=first)
        ]
        placed, self.state.ends = hub.place(push, verdicts, self.state.ends, NOW_MS)
        entries = [Entry(sender, device.inspector, one) for one in placed]
        device.chain += entries
        self.state.ledger += entries

    def _notes(self, device: Known, push: hub.Push) -> Iterable[Note]:
        told = [entry.placed for entry in device.chain[push.head.first - 1 :]]
        verdicts = [(one.n, one.verdict) for one in told]
        yield from (Note(n, v.verdict, v.why) for n, v in verdicts if v.verdict != "ok")
        for task in sorted({v.inspection for _, v in verdicts if v.verdict == "ok"}):
            yield from hub.remarks(self.inspection(task), push.head.dev, push.head.first)

    def _page(
        self, sender: str, device: Known, push: hub.Push
    ) -> tuple[pages.Page, dict[str, tuple[int, int]]]:
        assert push.head.pull is not None
        pull, feed_n = push.head.pull, self.state.ends.feed_n
        entitled = versions.followed(pull, sorted(self.state.members[device.inspector]))
        at = pages.cursor(
            pull, epoch=self.state.epoch, feed_n=feed_n, floor=self.state.floor, entitled=entitled
        )
        new = set(entitled) - {*at.have, *at.part}
        packs = {b: boot for b in sorted(new) if pull.packs and (boot := self._pack(b))}
        cut = pages.page(pull, sender, at=at, feed_n=feed_n, entitled=entitled, packs=packs)
        try:
            wanted = next(cut)
            while True:
                wanted = cut.send(self._rows(wanted))
        except StopIteration as done:
            page: pages.Page = done.value
        return page, {} if page.more else {b: self._checksum(b) for b in entitled}

    def _pack(self, bucket: str) -> Boot | None:
        """Make a snapshot of a bucket that holds several, or name one that is older but will do."""
        kept = self.state.packs.get(bucket)
        if kept is not None and kept.snapshot in self.state.snapshots:
            return kept
        rows = self._rows(pages.Wanted((bucket,), 0, self.state.ends.feed_n, 10**9))
        lines = [msgspec.json.encode(row) for _, row in rows if not isinstance(row, Gone)]
        if len(lines) < PACKED_ROWS_MIN:
            return None
        body = squeeze.deflate(b"\n".join(lines))
        boot = Boot(bucket, sha256(body).hexdigest(), len(body), self.state.ends.feed_n)
        self.state.snapshots[boot.snapshot], self.state.packs[bucket] = body, boot
        return boot

    def _rows(self, wanted: pages.Wanted) -> list[tuple[int, Event]]:
        rows = [row for (bucket, *_), row in self.state.feed.items() if bucket in wanted.buckets]
        for entry in self.state.ledger:
            bucket = f"i:{entry.placed.verdict.inspection}"
            if entry.placed.seq is not None and bucket in wanted.buckets:
                name, raw = op_id(entry.device, entry.placed.n), Raw(entry.placed.raw)
                told = Told(bucket, name, entry.placed.hash, entry.who, raw)
                rows.append((entry.placed.seq, told))
        rows.sort(key=lambda row: row[0])
        return [row for row in rows if wanted.after < row[0] <= wanted.upto][: wanted.limit]

    def _checksum(self, bucket: str) -> tuple[int, int]:
        held = [
            (k, e, revision) for (b, k, e), revision in self.state.revisions.items() if b == bucket
        ]
        held += [
            ("op", op_id(entry.device, entry.placed.n), entry.placed.hash)
            for entry in self.state.ledger
            if entry.placed.seq is not None and f"i:{entry.placed.verdict.inspection}" == bucket
        ]
        return pages.checksum(held)

    def _publish(self, bucket: str, kind: str, entity: str, event: Event) -> None:
        ends = self.state.ends
        self.state.ends = hub.Ends(ends.ledger_n, ends.ledger_root, ends.feed_n + 1)
        self.state.feed[bucket, kind, entity] = ends.feed_n + 1, event
