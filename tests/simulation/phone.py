"""A simulated phone: a store that survives, a program that may die, a disk that may be full."""

from collections.abc import Generator, Sequence
from copy import copy
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from sync import codec, upcasts, versions
from sync.device_log import Make
from sync.exchange import Exchanged, exchange
from sync.messages import Clock, Enrolled, Request, Response, Version
from sync.ops import AddEvidence, AddFinding, SetAnswers, Sign
from sync.replica import Replica
from sync.store import MemoryStore, Mine

if TYPE_CHECKING:
    from simulation.world import World

START_MS = 1_772_413_200_000


class Crash(Exception):
    """The device lost power inside a transaction."""


class Full(Exception):
    """The disk of the device takes no more: the program goes on, the write has failed."""


class FragileStore(MemoryStore):
    """A store whose device can lose power, or room, at any write."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse = 0  # writes left until power is lost; 0 for never
        self.room = 0  # writes left until the disk is full; 0 for never

    def burn(self) -> None:
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                raise Crash
        if self.room:
            self.room -= 1
            if not self.room:
                self.room = 1  # and it stays full
                raise Full


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


FORMER: dict[type[Any], type[Any]] = {
    SetAnswers: upcasts.SetAnswers1,
    AddFinding: upcasts.AddFinding1,
    AddEvidence: upcasts.AddEvidence1,
    Sign: upcasts.Sign1,
}


class Elder(Replica):
    """A program of the first version: it writes every operation in the form of its day."""

    def _append(self, inspection: str, make: Make) -> Mine:
        return super()._append(inspection, lambda stamp: _of_old(make(stamp)))


def _of_old(op: Any) -> Any:
    form = FORMER.get(type(op))
    if form is None:
        return op
    said = msgspec.to_builtins(op) | {"t": form.__struct_config__.tag}
    return msgspec.convert(said, form)


class Backup(Struct, frozen=True):
    """A phone as it was."""

    store: dict[str, Any]
    recorded: list[Mine]
    owes: set[str]


class Session:
    """One exchange under way: the question that waits, or the answer that is on its way back."""

    def __init__(self, device: "Device") -> None:
        replica, spoken = device.replica, device.spoken
        self.exchange: Generator[Request, Response, Exchanged] = exchange(replica, spoken)
        self.question: Request | None = next(self.exchange)
        self.asked, self.read = self.question, device.read
        self.answer: Response | None = None


class Device:
    """One inspector's device."""

    def __init__(self, world: "World", inspector: str) -> None:
        self.world = world
        self.inspector = inspector
        self.spoken: Sequence[Version] = versions.SPOKEN[: world.pick(world.ages)]
        secret = sha256(f"{world.seed}-{inspector}-{len(world.devices)}".encode()).hexdigest()
        enrolled: Enrolled = world.server.enrol(inspector, codec.public_key(secret))
        self.name, self.who = enrolled.device, enrolled.inspector
        self.server_key = enrolled.server_key
        self.store = FragileStore()
        self.skew, self.boot = 0, "boot"
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
        made = Elder if self.elder else Replica
        self.replica = made(self.store, self.clock, batch=sizes[0], page=sizes[1])
        self.sessions = []

    def clock(self) -> Clock:
        now = START_MS + 1000 * self.world.now
        return Clock(now + self.skew, 1000 * self.world.now, self.boot)

    @property
    def elder(self) -> bool:
        return len(self.spoken) == 1

    @property
    def revoked_at(self) -> int | None:
        return self.world.revoked.get(self.name)

    def copy(self) -> Backup:
        store = {name: copy(value) for name, value in vars(self.store).items()}
        return Backup(store, self.recorded[:], self.owes.copy())

    def become(self, backup: Backup) -> None:
        """Be what a phone was, in memory and in what it owes."""
        vars(self.store).update({name: copy(value) for name, value in backup.store.items()})
        self.store.fuse = self.store.room = 0
        self.recorded, self.owes = backup.recorded[:], backup.owes.copy()
        self.start()
        self.name = self.replica.identity.enrolled.device
        self.promised = 10**6  # of a twin nothing is known

    def twin(self) -> "Device":
        """Copy this phone onto another one."""
        other = Device.__new__(Device)
        vars(other).update(vars(self))
        other.store, other.backup = FragileStore(), None
        other.become(self.copy())
        return other

    @property
    def read(self) -> tuple[str, ...]:
        """Say up to where this phone has read."""
        return tuple(self.store.get(key) for key in ("epoch", "seq", "have", "part"))

    @property
    def acked(self) -> int:
        return len(self.recorded) - self.replica.unsent()

    @property
    def alarms(self) -> int:
        return int(self.store.get("alarms") or 0)
