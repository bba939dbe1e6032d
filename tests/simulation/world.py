"""A seeded world: devices that record, a network and a power supply that lie, a server that dies.

Every choice comes from one `Random(seed)`, so a failure is reproduced by its seed alone. Devices
take turns message by message, so exchanges overlap as they do in life, even on one device. The
invariants of docs/reference/protocol.md are checked after every step and once more at rest.
"""

from collections.abc import Generator
from copy import copy
from hashlib import sha256
from random import Random
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from simulation.memory_hub import Died, MemoryHub

from sync import checklist, codec, hub
from sync.exchange import Exchanged, drive, exchange
from sync.merge import Inspection, Recorded, covered, digest, fold
from sync.messages import Ack, Clock, Enrolled, Receipt, Request, Response, receipt_text
from sync.ops import AddEvidence, AddFinding, Answer, Op, SetAnswers, Sign, Void, decode_op, op_id
from sync.refusals import Reason, Refused
from sync.replica import Replica
from sync.store import File, MemoryStore, Mine

TEN_YEARS_MS = 315_576_000_000
START_MS = 1_772_413_200_000

FORM = checklist.parse(
    b"""
code = "sim"
version = "1"
title = {en = "A short form", zh = "\xe7\xae\x80\xe8\xa1\xa8"}
[[sections]]
title = {en = "All", zh = "\xe5\x85\xa8\xe9\x83\xa8"}
[[sections.items]]
ref = "1.1"
text = {en = "Licence shown", zh = "\xe4\xba\xae\xe8\xaf\x81"}
basis = {en = "Law 1", zh = "\xe6\xb3\x951"}
[[sections.items]]
ref = "1.2"
text = {en = "Hands washed", zh = "\xe6\xb4\x97\xe6\x89\x8b"}
basis = {en = "Law 2", zh = "\xe6\xb3\x952"}
[[outcomes]]
code = "ok"
label = {en = "Meets", zh = "\xe7\xac\xa6\xe5\x90\x88"}
handling = "none"
[[rules]]
clause = "1"
outcome = "ok"
text = {en = "Otherwise", zh = "\xe5\x85\xb6\xe4\xbb\x96"}
"""
)
REFS = [item.ref for item in FORM.items]


class Newer(Op, frozen=True, kw_only=True, tag="answers.set/9"):
    """An operation of a program that this version does not know."""

    hint: str


class Crash(Exception):
    """The device lost power inside a transaction."""


class FragileStore(MemoryStore):
    """A store whose device can lose power at any write."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse = 0  # writes left until power is lost; 0 for never

    def burn(self) -> None:
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                raise Crash


def _burning(name: str) -> Any:
    def write(self: FragileStore, *values: Any) -> None:
        getattr(MemoryStore, name)(self, *values)
        self.burn()

    return write


for _name in (
    "set",
    "append",
    "note",
    "put_row",
    "remove_row",
    "put_theirs",
    "drop",
    "put_file",
    "put_sites",
    "remove_sites",
    "keep_piece",
    "drop_pieces",
    "retire",
    "forget",
):
    setattr(FragileStore, _name, _burning(_name))


class Server(Protocol):
    """What a world asks of a server; `MemoryHub` is one, the real app another."""

    def enrol(self, inspector: str, public_key: str) -> Enrolled: ...
    def dispatch(self, task: str, lead: str, second: str) -> None: ...
    def put(self, bucket: str, kind: str, entity: str, body: bytes) -> None: ...
    def remove(self, bucket: str, kind: str, entity: str) -> None: ...
    def join(self, inspector: str, bucket: str) -> None: ...
    def leave(self, inspector: str, bucket: str) -> None: ...
    def revoke(self, device: str) -> None: ...
    def revoked(self) -> list[str]: ...
    def ask(self, request: Request) -> Response: ...
    def chain(self, device: str) -> list[hub.Placed]: ...
    def ledger(self) -> list[tuple[str, hub.Placed]]: ...
    def inspection(self, task: str) -> Inspection: ...


class Act(Struct, frozen=True):
    """What a user did once, as it was first recorded, and what the server shall say of it."""

    mine: Mine
    who: str
    verdict: str


class Backup(Struct, frozen=True):
    """A phone as it was."""

    store: dict[str, Any]
    recorded: list[Mine]
    owes: set[str]


class Session:
    """One exchange under way: the question that waits, or the answer that is on its way back."""

    def __init__(self, replica: Replica) -> None:
        self.exchange: Generator[Request, Response, Exchanged] = exchange(replica)
        self.question: Request | None = next(self.exchange)
        self.answer: Response | None = None


class Device:
    """One inspector's device: a store that survives, and a program that may die."""

    def __init__(self, world: "World", inspector: str, server: Server) -> None:
        self.world = world
        self.inspector = inspector
        secret = sha256(f"{world.seed}-{inspector}-{len(world.devices)}".encode()).hexdigest()
        enrolled = server.enrol(inspector, codec.public_key(secret))
        self.name, self.who = enrolled.device, enrolled.inspector
        self.server_key = enrolled.server_key
        self.store = FragileStore()
        self.skew = 0
        self.start()
        self.replica.enrol(enrolled, server="", secret=secret)
        self.recorded: list[Mine] = []  # what the log must be
        self.owes: set[str] = set()  # the acts of which this phone must not lose the last copy
        self.backup: Backup | None = None
        self.sessions: list[Session] = []
        self.promised = 0  # acknowledged by a server that has been restored from a backup since
        self.rotten = False

    def start(self) -> None:
        """Start the program, afresh after a crash."""
        sizes = self.world.sizes
        self.replica = Replica(self.store, self.clock, batch=sizes[0], page=sizes[1])
        self.sessions = []

    def clock(self) -> Clock:
        now = START_MS + 1000 * self.world.now
        return Clock(now + self.skew, 1000 * self.world.now, "boot")

    @property
    def revoked_at(self) -> int | None:
        return self.world.revoked.get(self.name)

    def copy(self) -> Backup:
        store = {name: copy(value) for name, value in vars(self.store).items()}
        return Backup(store, self.recorded[:], self.owes.copy())

    def become(self, backup: Backup) -> None:
        """Be what a phone was, in memory and in what it owes."""
        vars(self.store).update({name: copy(value) for name, value in backup.store.items()})
        self.store.fuse = 0
        self.recorded, self.owes = backup.recorded[:], backup.owes.copy()
        self.start()
        self.name = self.replica.identity.enrolled.device
        self.promised = 10**6  # of a twin nothing is known

    @property
    def acked(self) -> int:
        return len(self.recorded) - self.replica.unsent()

    @property
    def alarms(self) -> int:
        return int(self.store.get("alarms") or 0)


class World:
    """Everything that happens, from one seed."""

    def __init__(
        self, seed: int, server: Server | None = None, *, clocks: bool = True, rot: bool = False
    ) -> None:
        self.seed, self.chance = seed, Random(seed)
        self.clocks, self.rot = clocks, rot
        self.server: Server = server or MemoryHub(sha256(f"{seed}".encode()).hexdigest(), FORM)
        self.now = 0
        self.rows: set[str] = set()  # tasks that are not withdrawn
        self.sizes = self.pick([(2, 1), (2, 3), (5, 2), (200, 500)])
        self.loss = self.pick([0.0, 0.1, 0.4])
        self.noise = self.pick([0.0, 0.1, 0.3])
        self.crashes = self.pick([0.0, 0.1, 0.3])
        self.strange = self.pick([0.0, 0.1, 0.2])
        self.signing = self.pick([0.05, 0.3])
        self.devices: list[Device] = []
        self.acts: dict[str, Act] = {}  # by the hash that each had at first
        self.roots: dict[str, str] = {}  # of every operation seen: the act that it is
        self.signed: dict[str, dict[str, str]] = {}  # what a signature covered: name -> hash
        self.meant: dict[str, set[str]] = {}  # of each act: those that it refers to
        self.digests: dict[str, dict[str, str]] = {}  # what signatures of one act say, in turn
        self.names: set[str] = set()
        self.twins: set[str] = set()  # names under which several phones may have written
        self.revoked: dict[str, int] = {}  # name -> how long its chain was then
        self.ghosts: list[Request] = []  # questions that the network may deliver once more
        self.inspectors = [f"p{n}" for n in range(self.below(2) + 2)]
        self.tasks: list[str] = []
        self.pairs: dict[str, list[str]] = {}
        self.scope: dict[str, set[str]] = {who: set() for who in self.inspectors}
        for who in self.inspectors:
            self.devices.append(Device(self, who, self.server))
        if self.happens(0.5):
            self.devices.append(Device(self, self.pick(self.inspectors), self.server))
        for _ in range(1 + self.below(2)):
            self.add_task()

    # Choices use one random number each, whatever they choose from: hashes must not steer them.

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def below(self, end: int) -> int:
        return int(self.chance.random() * end)

    def pick(self, choices: Any) -> Any:
        return choices[self.below(len(choices))]

    # -- the course of things --------------------------------------------------------------------

    def run(self, steps: int = 80) -> None:
        for device in self.devices if self.happens(0.8) else ():
            drive(exchange(device.replica), self.server.ask)
        for self.now in range(1, steps + 1):
            device = self.pick(self.devices)
            device.store.fuse = 1 + self.below(12) if self.happens(self.crashes) else 0
            try:
                self.step(device)
            except Crash:
                device.start()
            device.store.fuse = 0
            self.check(device)
        self.rest()
        if isinstance(self.server, MemoryHub) and self.happens(0.3):
            self.restore(self.server)  # once everyone has gone on under the name they have
            self.rest()

    def step(self, device: Device) -> None:
        what = self.chance.random()
        if what < 0.42:
            self.record(device)
        elif what < 0.55 and len(device.sessions) < 3:
            device.sessions.append(Session(device.replica))
        elif what < 0.88 and device.sessions:
            self.carry(device, self.pick(device.sessions))
        elif what < 0.90 and self.ghosts:
            self.ask(self.pick(self.ghosts))
        elif what < 0.91:
            device.skew = int((self.chance.random() - 0.5) * 2 * TEN_YEARS_MS) * self.clocks
        elif what < 0.952:
            self.churn()
        elif what < 0.958:
            device.backup = device.copy()
        elif what < 0.964 and device.backup is not None:
            self.restore_phone(device, device.backup)
        elif what < 0.970 and len(self.devices) < 6:
            self.clone(device)
        elif what < 0.974 and self.now > 30:
            self.revoke(device)
        elif what < 0.978 and isinstance(self.server, MemoryHub):
            self.restore(self.server)
        elif what < 0.980 and isinstance(self.server, MemoryHub):
            self.server.state.durable = len(self.server.state.ledger)
        elif self.rot and what > 0.984:
            self.decay(device)
        elif what > 0.978 and isinstance(self.server, MemoryHub):
            self.server.expire()
        elif not device.sessions:
            device.sessions.append(Session(device.replica))

    def rest(self) -> None:
        """Let the network work for a while, then look at everything."""
        for device in self.devices:
            device.start()
            self.settle(device)
            assert device.replica.unsent() == 0
            scope = self.scope[device.inspector] if device.revoked_at is None else set[str]()
            mine = {f"i:{task}" for task in scope} | {f"u:{device.who}"}
            have = {one for one in device.replica.have() if not one.startswith("d:")}
            assert have == (mine if device.revoked_at is None else set())
        for device in self.devices:
            self.settle(device)
        self.check_all()

    def settle(self, device: Device) -> None:
        """Exchange all."""
        drive(exchange(device.replica), self.server.ask)
        self.learn()
        self.check(device)

    # -- devices ---------------------------------------------------------------------------------

    def record(self, device: Device) -> None:
        held = [row.id for row in device.replica.tasks()]
        if not held or not device.store.rows("checklist"):  # a page may have ended between them
            return
        task, kind = self.pick(held), self.chance.random()
        odd, choice = self.happens(self.strange), self.chance.random()
        signs = self.happens(self.signing)
        if odd:
            self.record_odd(device, task, choice)
        elif signs:
            self.sign(device, task)
        elif kind < 0.65:
            self.answer(device, task)
        elif kind < 0.75:
            self.keep(device, device.replica.find(task, "dirt", basis="Law 3"))
        elif kind < 0.87:
            photo = sha256(f"{device.name}-{self.now}".encode()).hexdigest()
            file = File(photo, 1000 + self.now, "image/jpeg")
            self.keep(device, device.replica.attach(task, file, item=self.pick(REFS)))
        else:
            state = device.replica.inspection(task)
            known = sorted(one.op for one in (*state.findings, *state.evidence))
            if known:
                target = known[int(choice * len(known))]
                self.keep(device, device.replica.void(task, target, reason="mistaken"))

    def sign(self, device: Device, task: str) -> None:
        role = "lead" if self.pairs[task][0] == device.inspector else "second"
        mine = device.replica.sign(task, role, reason="seen again")
        self.keep(device, mine)
        if device.revoked_at is None:
            covers = decode_op(mine.raw).covers
            own = [
                one.n
                for one in device.recorded
                if one.inspection == task
                and self.acts[self.root(one)].verdict == "ok"
                and b'"t":"sign/' not in one.raw
                and not _hidden(device, one)
            ]
            assert all(covered(covers, op_id(device.name, n)) for n in own)
            assert device.replica.inspection(task).late == ()

    def answer(self, device: Device, task: str) -> None:
        ref, value = self.pick(REFS), self.pick(["pass", "fail", "na"])
        before = device.replica.inspection(task)
        mine = device.replica.answer(task, {ref: Answer(value)})
        self.keep(device, mine)
        after = device.replica.inspection(task)
        if not (after.signed or device.revoked_at):
            assert after.items[ref].value == value
            assert not after.items[ref].conflict
        others = [r for r in before.items if r != ref]
        assert [before.items[r] for r in others] == [after.items[r] for r in others]

    def record_odd(self, device: Device, task: str, choice: float) -> None:
        """Record what the server cannot count: from a newer program, or plainly wrong."""
        record = device.replica.record
        if choice < 0.4:
            self.keep(device, record(task, lambda stamp: Newer(hint="x", **stamp)), "parked")
        elif choice < 0.6:
            wrong = {"9.9": Answer("pass")}
            self.keep(device, record(task, lambda stamp: SetAnswers(f=wrong, **stamp)), "bad")
        elif choice < 0.8:
            wrong = {REFS[0]: Answer("perhaps")}
            self.keep(device, record(task, lambda stamp: SetAnswers(f=wrong, **stamp)), "bad")
        else:
            make = lambda stamp: Void(target="d1:1", reason="x", **stamp)  # noqa: E731
            self.keep(device, record("elsewhere", make), "bad")

    def keep(self, device: Device, mine: Mine, verdict: str = "ok") -> None:
        device.recorded.append(mine)
        device.owes.add(mine.hash)
        verdict = {"bad": "quarantined"}.get(verdict, verdict)
        self.acts[mine.hash] = Act(mine, device.who, verdict)
        op, replica = _understood(mine), device.replica
        known = {r.id: r.hash for r in replica._known(mine.inspection)}
        self.meant[mine.hash] = {
            self.roots.get(known[n], known[n]) for n in known if n in _names(op)
        }
        if isinstance(op, Sign):
            self.signed[mine.hash] = {n: h for n, h in known.items() if covered(op.covers, n)}

    def root(self, one: Mine | hub.Placed) -> str:
        """Say which act an operation is, whatever name it has now."""
        if one.hash not in self.roots:
            fields = msgspec.json.decode(one.raw)
            root = self.roots[one.hash] = fields.get("orig") or one.hash
            self.digests.setdefault(root, {})[one.hash] = fields.get("digest", "")
        return self.roots[one.hash]

    def restore_phone(self, device: Device, backup: Backup) -> None:
        """Bring a phone back from a backup: what it recorded since is on no phone any more."""
        self.twins.add(device.name)
        device.become(backup)
        self.twins.add(device.name)

    def clone(self, device: Device) -> None:
        """Copy a phone onto another one, by hand or with `device export`."""
        other = Device.__new__(Device)
        vars(other).update(vars(device))
        other.store, other.backup = FragileStore(), None
        other.become(device.copy())
        if self.happens(0.5):
            other.store.set("moved", "yes")
        self.twins.add(device.name)
        self.devices.append(other)

    def decay(self, device: Device) -> None:
        """Damage what the device has read; a checksum must notice."""
        kept = device.store._rows or device.store._theirs
        if kept:
            kept.pop(sorted(kept)[self.below(len(kept))])
            device.rotten = True

    # -- the network -----------------------------------------------------------------------------

    def carry(self, device: Device, session: Session) -> None:
        """Carry a question to the server, or its answer back, or fail at it."""
        lost, noisy = self.happens(self.loss), self.happens(self.noise)
        where, bit, cut = self.chance.random(), self.below(8), self.happens(0.5)
        if lost:
            device.sessions.remove(session)
        elif session.question is not None:
            question, session.question = session.question, None
            self.ghosts.append(question)
            if noisy:
                question = msgspec.structs.replace(
                    question, body=_damage(question.body, where, bit, cut)
                )
            session.answer = self.ask(question)
            if session.answer is None:
                device.sessions.remove(session)
        elif session.answer is not None:
            answer = session.answer
            if noisy:
                answer = msgspec.structs.replace(answer, body=_damage(answer.body, where, bit, cut))
            self.hand(device, session, answer)

    def ask(self, question: Request) -> Response | None:
        if isinstance(self.server, MemoryHub):
            self.server.dies = self.happens(self.loss / 3)
        try:
            return self.server.ask(question)
        except Died:
            return None

    def hand(self, device: Device, session: Session, answer: Response) -> None:
        acked = device.acked
        try:
            session.question, session.answer = session.exchange.send(answer), None
        except StopIteration:
            device.sessions.remove(session)
        except Refused:
            device.sessions.remove(session)
            assert device.acked <= acked

    # -- the office ------------------------------------------------------------------------------

    def add_task(self) -> None:
        task = f"t{len(self.tasks) + 1}"
        first = self.below(len(self.inspectors))
        pair = [self.inspectors[first], self.inspectors[(first + 1) % len(self.inspectors)]]
        self.tasks.append(task)
        self.pairs[task] = pair
        self.server.dispatch(task, *pair)
        self.publish(task)

    def publish(self, task: str) -> None:
        body = {"id": task, "checklist": checklist.digest(FORM), "said": self.now}
        self.server.put(f"i:{task}", "task", task, msgspec.json.encode(body))
        self.rows.add(task)
        for who in self.pairs[task]:
            self.server.join(who, f"i:{task}")
            self.scope[who].add(task)

    def churn(self) -> None:
        """Add, change, withdraw or give back a task, or move one of its inspectors."""
        task, who, what = self.pick(self.tasks), self.below(2), self.chance.random()
        if what < 0.1:
            self.add_task()
        elif what < 0.5:
            self.publish(task)
        elif what < 0.75:
            self.server.remove(f"i:{task}", "task", task)
            self.rows.discard(task)
            for member in self.pairs[task] if what < 0.65 else ():
                self.leave(member, task)
        else:
            self.leave(self.pairs[task][who], task)

    def leave(self, who: str, task: str) -> None:
        self.server.leave(who, f"i:{task}")
        self.scope[who].discard(task)

    def revoke(self, device: Device) -> None:
        if device.revoked_at is None:
            self.server.revoke(device.name)
            for name in self.server.revoked():
                self.revoked.setdefault(name, len(self.server.chain(name)))

    def learn(self) -> None:
        """Take note of names that revoked devices have taken: these were never anything else."""
        for name in self.server.revoked() if self.revoked else ():
            self.revoked.setdefault(name, 0)

    def restore(self, server: MemoryHub) -> None:
        """Bring the server back from a backup; the devices still have what it lost."""
        for device in self.devices:
            device.promised = max(len(server.chain(device.name)), device.promised)
        lost = self.below(len(server.state.ledger) - server.state.durable + 1)
        server.restore(len(server.state.ledger) - lost)
        for name, at in self.revoked.items():
            self.revoked[name] = min(at, len(server.chain(name)))

    # -- what must be true -----------------------------------------------------------------------

    def check(self, device: Device) -> None:
        """After every step: nothing recorded is lost, nothing is acknowledged that is not kept."""
        log = device.store.log(1, 10**6)
        name = device.replica.identity.enrolled.device
        if name != device.name:
            if name in self.names:
                self.twins.add(name)
            device.name, device.promised, device.recorded = name, 0, log
        elif len(log) > len(device.recorded):  # its own tail, or what a restored server lost
            assert log[: len(device.recorded)] == device.recorded or device.replica.unsent() == 0
            device.recorded = log
        self.names.add(name)
        self.check_kept(device, log)
        assert [mine.raw for mine in log] == [mine.raw for mine in device.recorded]
        chain = self.server.chain(device.name)
        assert [one.n for one in chain] == list(range(1, len(chain) + 1))
        assert device.rotten or device.alarms == 0
        if device.name in self.twins:
            return
        assert [one.raw for one in chain] == [mine.raw for mine in log[: len(chain)]]
        assert [one.hash for one in chain] == [mine.hash for mine in log[: len(chain)]]
        assert device.acked <= max(len(chain), device.promised)

    def check_kept(self, device: Device, log: list[Mine]) -> None:
        """P5: of what a user saved here a copy lives, here or there."""
        held = {self.root(mine) for mine in log}
        former = [one.identity.enrolled.device for one in device.replica.retired()]
        held.update(self.root(m) for name in former for m in device.store.retired(name, 1, 10**6))
        missing = device.owes - held
        if missing:
            missing -= {self.root(one) for _, one in self.server.ledger()}
        assert not missing, f"{len(missing)} of {device.name} are nowhere"

    def check_all(self) -> None:
        """At rest: the ledger holds everything once, and everyone in scope sees the same."""
        ledger = self.server.ledger()
        roots = {self.root(one) for _, one in ledger}
        assert roots <= self.acts.keys()
        for device in self.devices:
            assert device.owes <= roots
        if not self.twins:
            recorded = [(d.name, mine.n) for d in self.devices for mine in d.recorded]
            assert sorted((name, one.n) for name, one in ledger) == sorted(recorded)
        assert [one.position for _, one in ledger] == list(range(1, len(ledger) + 1))
        for device in self.devices:
            self.check_device(device)
        for task in self.tasks:
            self.check_inspection(task)

    def check_device(self, device: Device) -> None:
        assert device.replica.unsent() == 0
        chain = self.server.chain(device.name)
        counted = len(chain) if device.revoked_at is None else device.revoked_at
        verdicts = [one.verdict.verdict for one in chain]
        assert [one.raw for one in chain] == [mine.raw for mine in device.store.log(1, 10**6)]
        expected = [self.acts[self.root(one)].verdict for one in chain]
        assert verdicts[:counted] == expected[:counted]
        assert verdicts[counted:] == ["quarantined"] * (len(chain) - counted)
        noted = {mine.n: mine.note for mine in device.store.noted()}
        told = {n: d for n, d in noted.items() if d in ("parked", "quarantined")}
        assert told == {one.n: one.verdict.verdict for one in chain if one.verdict.verdict != "ok"}

        scope = self.scope[device.inspector] if device.revoked_at is None else set[str]()
        rows = {row.id for row in device.replica.tasks()}
        assert rows == scope & self.rows
        foreign = {theirs.bucket for theirs in device.store._theirs.values()}
        assert foreign <= {f"i:{task}" for task in scope}
        for task in scope:
            assert device.replica.inspection(task) == self.server.inspection(task)

        ack, receipt = msgspec.json.decode(device.store.get("receipt"), type=tuple[Ack, Receipt])
        text = receipt_text(device.name, ack, ledger=receipt.ledger, root=receipt.root)
        assert codec.verifies(device.server_key, text, receipt.sig)

    def check_inspection(self, task: str) -> None:
        """Hold the fold against rules that are told apart from how it is computed."""
        state = self.server.inspection(task)
        told = [one for one in self.server.ledger() if one[1].verdict.inspection == task]
        known = {
            op_id(name, one.n): (one, self.acts[self.root(one)].who, op)
            for name, one in told
            if (op := _understood(one)) is not None
        }
        counts: set[str] = set()
        acts: dict[str, list[hub.Placed]] = {}
        for _, one in told:
            if one.verdict.verdict == "ok":
                acts.setdefault(self.root(one), []).append(one)
        for name, one in told:  # once each: as it was at first, or as the smallest hash has it
            if one.verdict.verdict == "ok":
                same = {other.hash for other in acts[self.root(one)]}
                if one.hash == (self.root(one) if self.root(one) in same else min(same)):
                    counts.add(op_id(name, one.n))
        for kind, shown in ((AddFinding, state.findings), (AddEvidence, state.evidence)):
            all_of = {name for name in counts if isinstance(known[name][2], kind)}
            assert {one.op for one in shown} == all_of - set(state.late)
        signs = [op for name in counts if isinstance(op := known[name][2], Sign)]
        sealed = {"lead", "second"} <= {sign.role for sign in signs}
        for name in counts:
            op = known[name][2]
            again = [op_id(n, o.n) for n, o in told if self.root(o) == self.root(known[name][0])]
            inside = not sealed or any(covered(s.covers, each) for s in signs for each in again)
            late = not (inside or isinstance(op, Sign))
            assert (name in state.late) == late
            if op.orig:
                said = {self.root(known[n][0]) for n in _names(op) if n in known}
                assert said <= self.meant[op.orig]
            if isinstance(op, Sign):
                self.check_signature(known[name][0], op, known)
            if isinstance(op, SetAnswers) and not late:
                for ref, answer in op.f.items():
                    item = state.items[ref]
                    shown = [said.op for said in (*item.standing, *item.overruled)]
                    assert name in shown or answer.v == item.value
        for item in state.items.values():
            standing = [said.op for said in item.standing]
            assert not set(standing) & set(state.late)
            smallest = min(standing, key=lambda name: known[name][0].hash)
            said = {said.op: said.v for said in item.standing}
            assert item.value == said[smallest]

    def check_signature(
        self, placed: hub.Placed, sign: Sign, known: dict[str, tuple[hub.Placed, str, Any]]
    ) -> None:
        seen, said = self.signed[self.root(placed)], self.digests[self.root(placed)]
        before = list(said.values())[: list(said).index(placed.hash)]
        names = {
            op_id(device, n)
            for device, spans in sign.covers.items()
            for first, last in spans
            for n in range(first, last + 1)
        }
        if any(n not in known or seen.get(n, known[n][0].hash) != known[n][0].hash for n in names):
            return  # what was signed for is on no phone and no server any more
        if sign.digest in before:
            return  # not all of it was there any more when it was recorded anew
        inside = [
            Recorded(name, mine.hash, who, op)
            for name, (mine, who, op) in known.items()
            if covered(sign.covers, name) and not isinstance(op, Sign)
        ]
        assert digest(fold(inside)) == sign.digest


def _names(op: Any) -> set[str]:
    """Give the names of the operations to which one refers."""
    return {*op.supersedes, *([op.target] if isinstance(op, Void) else ())} if op else set()


def _hidden(device: Device, mine: Mine) -> bool:
    """Tell whether the original of a re-issued operation is known here too, and counts instead."""
    orig = msgspec.json.decode(mine.raw).get("orig")
    known = {theirs.hash for theirs in device.store._theirs.values()}
    known.update(one.hash for one in device.store.log(1, 10**6))
    return orig in known


def _understood(mine: Mine | hub.Placed) -> Any:
    try:
        return decode_op(mine.raw)
    except msgspec.DecodeError:
        return None


def _damage(body: bytes, where: float, bit: int, cut: bool) -> bytes:
    """Cut a body short or turn one of its bits."""
    at = int(where * len(body))
    if cut or not body:
        return body[:at]
    return body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]
