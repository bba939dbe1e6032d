"""A seeded world: devices that record, a network and a power supply that lie, a server that dies.

Every choice comes from one `Random(seed)`, so a failure is reproduced by its seed alone. Devices
take turns message by message, so exchanges overlap as they do in life, even on one device. What
must be true (proofs.py) is checked after every step and once more at rest.
"""

from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import Any

import msgspec
from simulation import keys, proofs
from simulation.forms import FORM as FORM
from simulation.forms import REFS as REFS
from simulation.forms import Newer as Newer
from simulation.memory_hub import Died, MemoryHub
from simulation.model import Act, Posting, Server, named_by
from simulation.opening import Openings, forget, notice
from simulation.phone import Backup, Crash, Device, Full, Session
from simulation.recording import record, understood

from sync import carrying, checklist, codec, hub, versions
from sync.exchange import Exchanged
from sync.merge import covered
from sync.messages import Request, Response
from sync.ops import Sign
from sync.refusals import Reason, Refused
from sync.store import Mine

DESK = f"{hub.OFFICE}chief"
LATER = ["finding.add/2", "evidence.add/2", "void/1", "sign/2", "sample.take/1", "sample.test/1"]
TEN_YEARS_MS = 315_576_000_000


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
        self.ages = self.pick([(3,), (3,), (1, 2, 3)])  # versions that the devices' programs speak
        self.devices: list[Device] = []
        self.acts: dict[str, Act] = {}  # by the hash that each had at first
        self.roots: dict[str, str] = {}  # of every operation seen: the act that it is
        self.signed: dict[str, dict[str, str]] = {}  # what a signature covered: name -> hash
        self.meant: dict[str, set[str]] = {}  # of each act: those that it refers to
        self.digests: dict[str, dict[str, str]] = {}  # what signatures of one act say, in turn
        self.sealed: dict[str, str] = {}  # of each signature's hash: what it signed for
        self.names: set[str] = set()
        self.twins: set[str] = set()  # names under which several phones may have written
        self.revoked: dict[str, int] = {}  # name -> how long its chain was then
        self.released: set[tuple[str, str]] = set()  # what counts although it was held back: hashes
        self.upgraded = 0  # up to this ledger position the server was an older one
        self.restored = False
        self.regressed = False  # restored, and nobody told it
        self.ghosts: list[Request] = []  # questions that the network may deliver once more
        self.bundles: list[tuple[Device, str, list[tuple[Request, int]]]] = []
        self.inspectors = [f"p{n}" for n in range(self.below(2) + 2)]
        self.openings = Openings(seed)
        self.tasks: list[str] = []
        self.pairs: dict[str, list[str]] = {}
        self.postings: dict[str, list[Posting]] = {}
        self.scope: dict[str, set[str]] = {who: set() for who in self.inspectors}
        self.ever: dict[str, set[str]] = {who: {f"u:{who}"} for who in self.inspectors}
        self.unknown: tuple[str, ...] = ()  # kinds that the server does not know at first
        self.aged = False  # the server spoke the first version alone
        if self.happens(0.2) and isinstance(self.server, MemoryHub):
            age = 1 + self.below(2)
            self.unknown = (self.pick(LATER),)
            self.server.spoken, self.aged = versions.SPOKEN[:age], age == 1
        if self.openings.unknown and isinstance(self.server, MemoryHub):
            self.unknown += self.openings.unknown
        if isinstance(self.server, MemoryHub):
            self.server.unknown = self.unknown
        for who in self.inspectors:
            self.devices.append(Device(self, who))
            self.ever[who].add(f"u:{self.devices[-1].who}")
        if self.happens(0.5):
            self.devices.append(Device(self, self.pick(self.inspectors)))
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
        with keys.remembered():
            self._run(steps)

    def _run(self, steps: int) -> None:
        for device in self.devices if self.happens(0.8) else ():
            self.drive(device)
        for self.now in range(1, steps + 1):
            device = self.pick(self.devices)
            device.store.fuse = 1 + self.below(12) if self.happens(self.crashes) else 0
            device.store.room = 1 + self.below(6) if self.happens(self.crashes / 3) else 0
            try:
                self.step(device)
            except Crash:
                device.start()
            except Full:  # the program goes on, its exchanges have failed
                device.sessions.clear()
            device.store.fuse = device.store.room = 0
            proofs.check_step(self, device)
        self.rest()
        if isinstance(self.server, MemoryHub) and self.happens(0.4):
            self.restore(self.server)  # once everyone has gone on under the name they have
            self.rest()

    def step(self, device: Device) -> None:
        what = self.chance.random()
        if what < 0.40:
            record(self, device)
        elif what < 0.52 and len(device.sessions) < 3:
            device.sessions.append(Session(device))
        elif what < 0.84 and device.sessions:
            self.carry(device, self.pick(device.sessions))
        elif what < 0.855 and self.ghosts:
            self.ask(self.pick(self.ghosts))
        elif what < 0.862:
            self.carry_by_hand(device)
        elif what < 0.872:
            device.skew = int((self.chance.random() - 0.5) * 2 * TEN_YEARS_MS) * self.clocks
            device.boot = f"boot {self.now}"
        elif what < 0.915:
            self.churn()
        elif what < 0.93:
            self.decide()
        elif what < 0.94:
            device.backup = device.copy()
        elif what < 0.948 and device.backup is not None:
            self.restore_phone(device, device.backup)
        elif what < 0.958 and len(self.devices) < 6:
            self.clone(device)
        elif what < 0.962 and self.now > 30:
            self.revoke(device)
        elif what < 0.964:
            self.share(device)
        elif isinstance(self.server, MemoryHub):
            self.shake(self.server, device, what)
        elif not device.sessions:
            device.sessions.append(Session(device))

    def shake(self, server: MemoryHub, device: Device, what: float) -> None:
        """What happens to a server, and to a memory, that only the pure worlds can make happen."""
        if what < 0.970:
            self.restore(server)
        elif what < 0.972:
            server.state.durable = len(server.state.ledger)
        elif what < 0.980:
            server.expire()
        elif what < 0.986 and server.unknown:
            self.upgrade(server)
        elif what < 0.989 and self.ghosts:
            self.shred(server, self.pick(self.ghosts))
        elif self.rot:
            self.decay(device)

    def rest(self) -> None:
        """Let the network work for a while, then look at everything."""
        if isinstance(self.server, MemoryHub):
            self.upgrade(self.server)
        for device in self.devices:
            device.start()
            self.settle(device)
        for device in self.devices:
            self.settle(device)
        proofs.check_rest(self)

    def settle(self, device: Device) -> None:
        """Exchange all."""
        self.drive(device)
        self.learn()
        proofs.check_step(self, device)

    def drive(self, device: Device) -> Exchanged:
        """Carry an exchange to its end on a good link."""
        session = Session(device)
        rounds = 0
        while session.question is not None:
            proofs.p12_an_exchange_ends(rounds)
            rounds += 1
            try:
                session.question = session.exchange.send(self.server.ask(session.question))
            except StopIteration as done:
                exchanged: Exchanged = done.value
                return exchanged
        raise AssertionError("an exchange without a question")

    # -- devices ---------------------------------------------------------------------------------

    def keep(self, device: Device, mine: Mine, verdict: str = "ok") -> None:
        """Remember what a user did, and what it meant."""
        device.recorded.append(mine)
        device.owes.add(mine.hash)
        self.acts[mine.hash] = Act(mine, device.who, verdict)
        op, replica = understood(mine), device.replica
        known = {r.id: r.hash for r in replica.recorded(mine.inspection)}
        self.meant[mine.hash] = {
            self.roots.get(known[n], known[n]) for n in known if n in named_by(op)
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
        other = device.twin()
        if self.happens(0.5):
            other.store.set("moved", "yes")
        self.twins.add(device.name)
        self.devices.append(other)

    def share(self, device: Device) -> None:
        """Let another person take the phone and enrol on it: it is somebody's already."""
        before = msgspec.json.encode(device.replica.identity), device.store.log(1, 10**6)
        told: Reason | None = None
        try:
            device.replica.enrol(device.replica.identity.enrolled, server="", secret="00" * 32)
        except Refused as refused:
            told = refused.reason
        assert told is Reason.DEVICE_ENROLLED
        assert before == (
            msgspec.json.encode(device.replica.identity), device.store.log(1, 10**6)
        )  # fmt: skip

    def carry_by_hand(self, device: Device) -> None:
        """Put what was not sent into a bundle, or take one to the office and its receipt back."""
        if len(self.bundles) < 2:
            things = carrying.batches(device.replica, everything=self.happens(0.3))
            asked = [
                (Request("POST", "/sync/v1", {codec.SIGNATURE_HEADER: one.header}, body), one.first)
                for one, body in things
                if one.name == device.name  # receipts of former names are told apart by tests
            ]
            self.bundles.append((device, device.name, asked))
            return
        device, name, asked = self.bundles.pop(self.below(2))
        answers: list[carrying.Answer] = []
        for question, first in asked:
            got = self.server.ask(question)
            if got.status >= 400:
                return  # the office keeps nothing of such a bundle, the phone all of it
            header = got.headers[codec.SIGNATURE_HEADER]
            answers.append(carrying.Answer(name, first, header, got.body.decode()))
        if isinstance(self.server, MemoryHub) and not self.happens(self.loss):
            receipt = carrying.Receipt(tuple(answers), ())
            text = carrying.write_receipt(self.server.state.secret, receipt).encode()
            where, bit, cut = self.chance.random(), self.below(8), self.happens(0.5)
            if self.happens(self.noise):
                text = damage(text, where, bit, cut)
            with suppress(Refused):  # damaged, of another name, or of another history by then
                carrying.apply_receipt(device.replica, text)

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
                    question, body=damage(question.body, where, bit, cut)
                )
            session.answer = self.ask(question)
            if session.answer is None:
                device.sessions.remove(session)
        elif session.answer is not None:
            answer = session.answer
            if noisy:
                answer = msgspec.structs.replace(answer, body=damage(answer.body, where, bit, cut))
            self.hand(device, session, answer)

    def ask(self, question: Request) -> Response | None:
        dies = self.happens(self.loss / 3)
        try:
            return self.server.ask(question, (1 + self.below(self.server.points + 2)) * dies)
        except Died:
            return None

    def hand(self, device: Device, session: Session, answer: Response) -> None:
        acked, read = device.acked, device.read
        try:
            session.question, session.answer = session.exchange.send(answer), None
            if session.question.path == session.asked.path and session.read == read:
                proofs.p12_nothing_goes_twice(device, session.asked, answer)
            session.asked, session.read = session.question, device.read
        except StopIteration:
            device.sessions.remove(session)
        except Refused:
            device.sessions.remove(session)
            assert device.acked <= acked

    def shred(self, server: MemoryHub, question: Request) -> None:
        """Cut a question at every byte: none of it may be taken for anything."""
        before = server.state.ends, {name: len(d.chain) for name, d in server.state.devices.items()}
        for length in range(len(question.body)):
            answer = server.ask(msgspec.structs.replace(question, body=question.body[:length]))
            assert answer.status == 400
        after = server.state.ends, {name: len(d.chain) for name, d in server.state.devices.items()}
        assert before == after

    # -- the office ------------------------------------------------------------------------------

    def add_task(self) -> None:
        task = f"t{len(self.tasks) - len(self.openings.begun) + 1}"
        first = self.below(len(self.inspectors))
        self.tasks.append(task)
        self.post(task, first, (first + 1) % len(self.inspectors))
        self.publish(task)

    def post(self, task: str, lead: int, second: int) -> None:
        """Give a task to a pair."""
        pair = [self.inspectors[lead], self.inspectors[second]]
        self.pairs[task] = pair
        self.server.dispatch(task, *pair)
        who = tuple(next(d.who for d in self.devices if d.inspector == one) for one in pair)
        since = len(self.server.ledger()) if task in self.postings else 0
        self.postings.setdefault(task, []).append(Posting(since, (who[0], who[1])))

    def publish(self, task: str) -> None:
        body = {"id": task, "checklist": checklist.digest(FORM), "said": self.now}
        self.server.put(f"i:{task}", "task", task, msgspec.json.encode(body))
        self.rows.add(task)
        for who in self.pairs[task]:
            self.server.join(who, f"i:{task}")
            self.scope[who].add(task)
            self.ever[who].add(f"i:{task}")

    def churn(self) -> None:
        """Add, change, withdraw or give back a task, or exchange or move its inspectors."""
        task, who, what = self.pick(self.tasks), self.below(2), self.chance.random()
        if what < 0.1:
            self.add_task()
        elif what < 0.4:
            self.publish(task)
        elif what < 0.55:
            before, first = self.pairs[task], self.below(len(self.inspectors))
            self.post(
                task, first, (first + 1 + who % (len(self.inspectors) - 1)) % len(self.inspectors)
            )
            for one in set(before) - set(self.pairs[task]):
                self.leave(one, task)
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

    def decide(self) -> None:
        """Release something that was held back, or close a conflict at a desk."""
        release, which = self.happens(0.6), self.chance.random()
        if release:
            waits = [
                (name, one)
                for name, one in self.server.ledger()
                if one.seq is None and one.verdict.why in hub.WAIVABLE
            ]
            if waits:
                name, one = waits[int(which * len(waits))]
                self.server.release(name, one.n)
                self.released.add((name, one.hash))
            return
        states = {task: self.server.inspection(task) for task in self.tasks}
        open_ = [(t, r) for t in self.tasks if not states[t].signed for r in states[t].conflicts]
        if open_:
            task, ref = open_[int(which * len(open_))]
            said = sorted({one.v for one in states[task].items[ref].standing})
            self.server.resolve(task, ref, said[int(which * 97) % len(said)])
            name, one = self.server.ledger()[-1]
            self.acts[one.hash] = Act(Mine(one.n, task, one.hash, one.raw), DESK, "ok")
            self.meant[one.hash] = {
                self.root(other)
                for n, other in self.server.ledger()
                if f"{n}:{other.n}" in named_by(understood(one))
            }
            after = self.server.inspection(task).items[ref]
            assert not after.conflict

    def revoke(self, device: Device) -> None:
        if device.revoked_at is None:
            self.server.revoke(device.name)
            for name in self.server.revoked():
                self.revoked.setdefault(name, len(self.server.chain(name)))

    def learn(self) -> None:
        """Take note of names that revoked devices have taken: these were never anything else."""
        for name in self.server.revoked() if self.revoked else ():
            self.revoked.setdefault(name, 0)

    def upgrade(self, server: MemoryHub) -> None:
        """Put the newest program on the server; what it could not read is judged again."""
        if server.unknown or server.spoken != versions.SPOKEN:
            self.upgraded = len(server.state.ledger)
            server.upgrade()
            notice(self)

    def restore(self, server: MemoryHub) -> None:
        """Bring the server back from a backup; the devices still have what it lost."""
        for device in self.devices:
            device.promised = max(len(server.chain(device.name)), device.promised)
        lost = self.below(len(server.state.ledger) - server.state.durable + 1)
        bumped = self.happens(0.7)
        self.restored = True  # then another copy of a phone may be heard first
        self.regressed |= not bumped
        kept = len(server.state.ledger) - lost
        server.restore(kept, bumped=bumped)
        self.upgraded = min(self.upgraded, kept)
        for name, at in self.revoked.items():
            self.revoked[name] = min(at, len(server.chain(name)))
        for task, those in self.postings.items():
            earlier = [one for one in those if one.since <= kept]
            if those:
                self.postings[task] = [*earlier, Posting(kept, those[-1].pair)]
        forget(self)


def survived(seed: int) -> World:
    """Run a world to its end; what breaks in it says how to see it again."""
    it = World(seed)
    try:
        it.run()
    except BaseException as error:
        told = f"seed {seed}, step {it.now}: {error!r}; again: make sim SEED={seed}"
        raise AssertionError(told) from error
    return it


def damage(body: bytes, where: float, bit: int, cut: bool) -> bytes:
    """Cut a body short or turn one of its bits."""
    at = int(where * len(body))
    if cut or not body:
        return body[:at]
    return body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]
