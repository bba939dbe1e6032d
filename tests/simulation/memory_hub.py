"""A server without a database: the decisions of `sync.hub` around a few dictionaries.

It does in memory what `backend.work.intake` does in tables, and nothing else; the same worlds run
against the real one in test_app_worlds.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from hashlib import sha256

import msgspec
from msgspec import Raw
from msgspec.structs import replace
from simulation import memory_openings
from simulation.memory import ROOT, Entry, Held, Known, State

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
from sync.merge import Inspection, Marks, Recorded, fold, marks
from sync.messages import (
    Ack,
    AnswerHead,
    Boot,
    Clock,
    Enrolled,
    Event,
    Gone,
    Note,
    Pull,
    PushHead,
    Put,
    Receipt,
    Request,
    Response,
    Told,
    decode_chain_ask,
    decode_renew,
    enrolled_text,
)
from sync.ops import Answer, SetAnswers, decode_op, op_id
from sync.refusals import Reason, Refused

NOW_MS = 1_772_413_200_000
PACKED_ROWS_MIN = 4


class Died(Exception):
    """The server was killed before it committed."""


class MemoryHub:
    """The server of a simulated world."""

    points = 6

    def __init__(self, secret: str, form: checklist.Checklist) -> None:
        self.state = State(secret)
        self.form = form
        self.spoken: Sequence[versions.Version] = versions.SPOKEN
        self.unknown: tuple[str, ...] = ()  # kinds that came with a later version of this server
        self.released: dict[str, checklist.Checklist] = {}  # other versions of the form
        self.dies = 0  # at which point of the next exchange
        self.made = 0
        self.now = NOW_MS

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

    def restore(self, kept: int, *, bumped: bool = True) -> None:
        """Come back, later, from a backup that knew only the first `kept` operations.

        Unless `bumped`, nobody told the server that it was restored.
        """
        self.now += 1  # what it lost it never takes in at the same moment again
        state = self.state
        state.ledger = state.ledger[:kept]
        known = {(entry.device, entry.placed.n) for entry in state.ledger}
        state.held = {key: held for key, held in state.held.items() if key in known}
        state.devices = {n: d for n, d in state.devices.items() if not d.renews or d.since < kept}
        for name, device in state.devices.items():
            device.chain = [entry for entry in state.ledger if entry.device == name]
        memory_openings.forget(self)
        for device in state.devices.values():
            device.chain = [state.ledger[entry.placed.position - 1] for entry in device.chain]
        root = state.ledger[-1].placed.root if kept else ROOT
        state.packs, state.snapshots = {}, {}
        told = {e.placed.verdict.inspection for e in state.ledger if e.placed.seq is not None}
        state.marks = {task: marks(self._counting(task)) for task in told}
        if bumped:
            state.ends = hub.Ends(kept, root, state.ends.feed_n)
            state.epoch, state.desk = f"{state.epoch}+", ""
            return
        places = [state.floor, *(row[0] for row in state.feed.values())]
        places += [entry.placed.seq for entry in state.ledger if entry.placed.seq is not None]
        state.ends = hub.Ends(kept, root, max(places))

    def upgrade(self) -> None:
        """Become the newest server; what was parked until then is judged again."""
        self.spoken, self.unknown = versions.SPOKEN, ()
        for entry in self.state.ledger[:]:
            if entry.placed.verdict.verdict == "parked" and entry.placed.seq is None:
                self.judge_again(entry, [])

    def release(self, device: str, n: int) -> None:
        """Judge again what was held back, as if what held it back did not."""
        entry = self.state.devices[device].chain[n - 1]
        held = self.state.held.get((device, n), Held([], entry.placed.verdict.why))
        if held.why in hub.WAIVABLE:
            self.judge_again(entry, [*held.waived, held.why])

    def judge_again(self, entry: Entry, waived: list[str]) -> None:
        placed, device = entry.placed, self.state.devices[entry.device]
        docket = memory_openings.docket(self)
        revoked = device.revoked and placed.verdict.why == Reason.DEVICE_REVOKED.code
        verdict = self._admit(docket, placed.raw, placed.n, entry.who, revoked, placed.hash, waived)
        self.state.held[entry.device, placed.n] = Held(waived, verdict.why)
        if verdict.verdict == "ok":
            ends = self.state.ends
            self.state.ends = hub.Ends(ends.ledger_n, ends.ledger_root, ends.feed_n + 1)
            counts = replace(entry, placed=replace(placed, seq=ends.feed_n + 1))
            device.chain[placed.n - 1] = self.state.ledger[placed.position - 1] = counts
            self._mark({verdict.inspection})
        for one in docket.opened:
            memory_openings.begin(self, one)

    def resolve(self, task: str, ref: str, value: str) -> None:
        """Close a conflict at the desk of an officer, whose operations enter as everybody's do."""
        secret = sha256(self.state.secret.encode()).hexdigest()
        if not self.state.desk:
            who = f"{hub.OFFICE}chief"
            self.state.desk = self.enrol(who, codec.public_key(secret)).device
        desk = self.state.desk
        chain = [entry.placed.hash for entry in self.state.devices[desk].chain]
        previous = chain[-1] if chain else codec.genesis(desk)
        said = tuple(one.op for one in self.inspection(task).items[ref].standing)
        op = SetAnswers(
            n=len(chain) + 1, e=task, w=NOW_MS, m=0, boot="server", f={ref: Answer(value)},
            s={ref: said},
        )  # fmt: skip
        raw = msgspec.json.encode(op)
        head = PushHead(
            v=self.spoken[-1], dev=desk, first=op.n, count=1, prev=previous,
            head=codec.link(previous, raw), clock=Clock(NOW_MS, 0, "server"),
        )  # fmt: skip
        body = msgspec.json.encode(head) + b"\n" + raw
        self._exchange(codec.seal_body(secret, desk, body), body)

    def expire(self) -> None:
        """Forget all tombstones, and every snapshot."""
        state = self.state
        state.floor = state.ends.feed_n
        state.feed = {key: row for key, row in state.feed.items() if not isinstance(row[1], Gone)}
        state.packs, state.snapshots = {}, {}

    # -- what a witness may look at --------------------------------------------------------------

    def opened(self) -> list[str]:
        return self.state.opened

    def chain(self, device: str) -> list[hub.Placed]:
        known = self.state.devices.get(device)
        return [entry.placed for entry in known.chain] if known else []

    def ledger(self) -> list[tuple[str, hub.Placed]]:
        return [(entry.device, entry.placed) for entry in self.state.ledger]

    def inspection(self, task: str) -> Inspection:
        return fold(self._counting(task))

    def received_ms(self, position: int) -> int:
        return self.state.ledger[position - 1].received_ms

    def projected(self, task: str) -> Marks:
        return self.state.marks.get(task, Marks(0))

    def held(self, bucket: str) -> dict[tuple[str, str], bytes]:
        """Give what is in a bucket, byte for byte."""
        rows = self._rows(pages.Wanted((bucket,), 0, self.state.ends.feed_n, 10**9))
        found = {(row.kind, row.id): bytes(row.d) for _, row in rows if isinstance(row, Put)}
        return found | {("op", r.id): bytes(r.raw) for _, r in rows if isinstance(r, Told)}

    # -- the device door -------------------------------------------------------------------------

    def ask(self, request: Request, dies: int = 0) -> Response:
        """Answer after the commit, or not at all; it may die at one of its points."""
        self.dies = dies
        before, made = deepcopy(self.state) if dies else None, self.made
        answer = Response(500)
        try:
            answer = self._answer(request)
        except Refused as refused:
            problem = {"code": refused.reason.code, "details": refused.details}
            answer = Response(400, {}, msgspec.json.encode(problem))
        except Died:
            pass
        if before is not None:
            self._undo(before, made)
            raise Died
        return answer

    def _undo(self, before: State, made: int) -> None:
        self.dies, self.state, self.made = 0, before, made

    def _point(self) -> None:
        """Pass a point at which it may die."""
        if self.dies:
            self.dies -= 1
            if not self.dies:
                raise Died

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
        said = [("ok", "") if one.seq else (one.verdict.verdict, one.verdict.why) for one in told]
        rows = [(one.n, one.raw, *words) for one, words in zip(told, said, strict=True)]
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
            regressed = self._regressed(push.head.pull)
            page = pages.revoked(push.head.pull, self.state.epoch, regressed=regressed)
        elif push.head.pull is not None:
            page, check = self._page(sender, device, push)
        head_hash = device.chain[-1].placed.hash if device.chain else codec.genesis(sender)
        answer = AnswerHead(
            v=push.head.v,
            epoch=self.state.epoch,
            time=self.now,
            ack=Ack(len(device.chain), head_hash),
            notes=tuple(self._notes(device, push)),
            receipt=Receipt(self.state.ends.ledger_n, self.state.ends.ledger_root, ""),
            revoked=device.revoked,
            durable=self.state.durable,
        )
        text, signature = hub.answer(self.state.secret, sender, answer, page, check)
        return Response(200, {codec.SIGNATURE_HEADER: signature}, text)

    def _extend(self, sender: str, device: Known, push: hub.Push, known: int) -> None:
        first = push.head.first + known
        self._point()
        docket = memory_openings.docket(self)
        verdicts = [
            self._admit(docket, raw, n, device.inspector, device.revoked, hash_)
            for n, (raw, hash_) in enumerate(
                zip(push.raws[known:], push.hashes[known:], strict=True), start=first
            )
        ]
        placed, ends = hub.place(push, verdicts, self.state.ends, self.now)
        entries = [Entry(sender, device.inspector, one, self.now) for one in placed]
        self._point()
        device.chain += entries
        self._point()
        self.state.ledger += entries
        self._point()
        self.state.ends = ends
        self._point()
        self._mark({one.verdict.inspection for one in placed if one.seq is not None})
        for one in docket.opened:
            memory_openings.begin(self, one)
        self._point()

    def _admit(
        self, docket: hub.Docket, raw: bytes, n: int, who: str, revoked: bool, hash_: str,
        waived: Sequence[str] = (),
    ) -> hub.Verdict:  # fmt: skip
        """Judge one operation as this version of the server does."""
        verdict = hub.admit(raw, n, who, revoked, docket.facts, waived) if self.unknown else None
        firm = (Reason.DEVICE_REVOKED.code, Reason.OP_MALFORMED.code)
        if verdict and verdict.kind in self.unknown and verdict.why not in firm:
            return replace(verdict, verdict="parked", why=Reason.OP_UNKNOWN.code, op=None)
        return docket.admit(raw, n, who, revoked, hash_, waived)

    def _mark(self, tasks: set[str]) -> None:
        self.state.marks.update((task, marks(self._counting(task))) for task in tasks)

    def _counting(self, task: str) -> list[Recorded]:
        return [
            Recorded(op_id(e.device, e.placed.n), e.placed.hash, e.who, decode_op(e.placed.raw))
            for e in self.state.ledger
            if e.placed.verdict.inspection == task and e.placed.seq is not None
        ]

    def _notes(self, device: Known, push: hub.Push) -> Iterable[Note]:
        told = [entry.placed for entry in device.chain[push.head.first - 1 :]]
        held = [(one.n, one.verdict) for one in told if one.seq is None]
        yield from (Note(n, v.verdict, v.why) for n, v in held)
        for task in sorted({one.verdict.inspection for one in told if one.seq is not None}):
            yield from hub.remarks(self.inspection(task), push.head.dev, push.head.first)

    def _page(
        self, sender: str, device: Known, push: hub.Push
    ) -> tuple[pages.Page, dict[str, tuple[int, int]]]:
        assert push.head.pull is not None
        pull, feed_n = push.head.pull, self.state.ends.feed_n
        entitled = versions.followed(pull, sorted(self.state.members[device.inspector]))
        at = pages.cursor(
            pull,
            epoch=self.state.epoch,
            feed_n=feed_n,
            floor=self.state.floor,
            entitled=entitled,
            regressed=self._regressed(pull),
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

    def _regressed(self, pull: Pull) -> bool:
        position, root = pull.told or (0, "")
        if position in range(1, len(self.state.ledger) + 1):
            return self.state.ledger[position - 1].placed.root != root
        return position > 0

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
                ruled = (entry.device, entry.placed.n) in self.state.held
                told = Told(bucket, name, entry.placed.hash, entry.who, raw, ruled)
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
