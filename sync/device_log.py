"""What one device recorded, under its name: the log (操作日志), its end, and how far it was sent.

Nothing ever leaves the log.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias, TypedDict

import msgspec
from msgspec import Struct

from sync import codec
from sync.messages import PAGE_ROWS_MAX, Clock, Enrolled
from sync.ops import AnyOp
from sync.refusals import Reason, Refused
from sync.store import Mine, Store

PUSH_OPS_MAX = 200


class Stamp(TypedDict):
    """What every operation carries."""

    n: int
    e: str
    w: int
    m: int
    boot: str


Make: TypeAlias = Callable[[Stamp], AnyOp]


class Identity(Struct, frozen=True):
    """Who this device is, since its enrolment."""

    enrolled: Enrolled
    server: str
    secret: str  # Ed25519, hex


class Retired(Struct, frozen=True):
    """A former name of this device, whose chain is kept until the server has it in a backup."""

    identity: Identity
    kept: int  # up to here its operations count under their own names; the others were re-issued
    until: int = 0  # the ledger position at which all of it was there; 0 while that is not known


class DeviceLog:
    """The log of one device and its names."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], Clock],
        *,
        batch: int = PUSH_OPS_MAX,
        page: int = PAGE_ROWS_MAX,
    ) -> None:
        self.store = store
        self.clock = clock
        self.batch, self.page = batch, page

    # -- who am I --------------------------------------------------------------------------------

    def enrol(self, enrolled: Enrolled, *, server: str, secret: str) -> None:
        """Become an inspector's device, once."""
        identity = Identity(enrolled, server, secret)
        with self.store.transaction():
            if self.store.get("identity"):
                raise Refused(Reason.DEVICE_ENROLLED)
            self.store.set("identity", msgspec.json.encode(identity).decode())

    @property
    def identity(self) -> Identity:
        """Say who this device is, or refuse with DEVICE_NOT_ENROLLED."""
        text = self.store.get("identity")
        if not text:
            raise Refused(Reason.DEVICE_NOT_ENROLLED)
        return msgspec.json.decode(text, type=Identity)

    def retired(self) -> tuple[Retired, ...]:
        """Give the former names of this device, in order."""
        return msgspec.json.decode(self.store.get("retired") or "[]", type=tuple[Retired, ...])

    def keep_retired(self, chains: Iterable[Retired]) -> None:
        """Keep these former names, and no others."""
        self.store.set("retired", msgspec.json.encode(list(chains)).decode())

    # -- the log ---------------------------------------------------------------------------------

    def record(self, inspection: str, *makes: Make) -> Mine:
        """Append what each makes of a fresh stamp to the log, all or none; durable on return.

        Gives the last.
        """
        with self.store.transaction():
            return [self._append(inspection, make) for make in makes][-1]

    def _append(self, inspection: str, make: Make) -> Mine:
        n, previous = self.head()
        clock = self.clock()
        stamp = Stamp(n=n + 1, e=inspection, w=clock.w, m=clock.m, boot=clock.boot)
        raw = msgspec.json.encode(make(stamp))
        mine = Mine(n + 1, inspection, codec.link(previous, raw), raw)
        self.store.append(mine)
        return mine

    def unsent(self) -> int:
        """Count the operations that the server has not acknowledged."""
        return self.head()[0] - self.acked()

    def head(self) -> tuple[int, str]:
        """Give the end of the own chain: its number and its hash."""
        last = self.store.last()
        return (last.n, last.hash) if last else (0, codec.genesis(self.identity.enrolled.device))

    def hash_at(self, n: int) -> str:
        """Give the own chain's hash at `n`; empty beyond its end."""
        if n == 0:
            return codec.genesis(self.identity.enrolled.device)
        found = self.store.log(n, 1)
        return found[0].hash if found else ""

    def acked(self) -> int:
        """Give the number up to which the server acknowledged the log."""
        return int(self.store.get("acked") or 0)

    def have(self) -> dict[str, None]:
        """Name the buckets held, in the order they came."""
        return dict.fromkeys(msgspec.json.decode(self.store.get("have") or "[]", type=list[str]))
