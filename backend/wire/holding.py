"""执法终端、隔离与不一致: what the office answers for of its devices."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from backend.wire.field import DeviceView, Sha256

Why = Annotated[str, Meta(min_length=2, max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class MissingFile(Struct, frozen=True):
    """A file that an operation announced and that has not arrived."""

    sha256: str
    size: int
    inspection: str
    n: int


class OpenTask(Struct, frozen=True):
    """A task that was sent to a device's inspector."""

    id: str
    code: str
    name: str
    dispatched_at: datetime
    recorded: int  # operations of this device


class LostView(Struct, frozen=True):
    """What a lost device held, what it delivered, and what it never did."""

    device: DeviceView
    buckets: tuple[str, ...]
    tasks: tuple[OpenTask, ...]
    files_arrived: int
    missing: tuple[MissingFile, ...]


class HeldView(Struct, frozen=True):
    """An operation that was held back: whose, of what, why, and what was decided."""

    device: str
    label: str
    certificate: str
    inspector: str
    n: int
    hash: str
    branch: str  # of a fork: the hash at its end
    inspection: str
    kind: str
    verdict: str  # quarantined | parked | forked | ok | kept | reissued
    why: str
    received_at: datetime
    raw: str  # as it came, cut off at 2,000 characters
    decided_by: str
    decided_at: datetime | None
    reason: str


class RuleOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Operations of a device, or a branch of it up to a hash; none means all that wait."""

    device: Annotated[str, Meta(max_length=36)]
    reason: Why
    numbers: Annotated[tuple[Number, ...], Meta(max_length=1000)] = ()
    branch: Sha256 | None = None


class RuledView(Struct, frozen=True):
    """What became of the operations, and the act in the journal."""

    act: int
    released: tuple[int, ...]
    held: dict[int, str]  # number: why it is still held back
    reissued_as: str = ""  # the device under which a branch was issued again


class ResolveOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the inspectors' answers holds, and why."""

    item: Annotated[str, Meta(min_length=1, max_length=120)]
    value: Annotated[str, Meta(min_length=1, max_length=80)]
    reason: Why
