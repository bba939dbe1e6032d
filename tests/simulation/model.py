"""What a world asks of a server, and what it remembers of what people did."""

from typing import Any, Protocol

from msgspec import Struct

from sync import hub
from sync.merge import Inspection, Marks
from sync.messages import Enrolled, Request, Response
from sync.ops import DisposeSample, OpId, TestSample, Void
from sync.store import Mine


class Server(Protocol):
    """What a world asks of a server; `MemoryHub` is one, the real app another."""

    points: int  # in an exchange, at which it may die; beyond the last, when it commits

    def enrol(self, inspector: str, public_key: str) -> Enrolled: ...
    def dispatch(self, task: str, lead: str, second: str) -> None: ...
    def put(self, bucket: str, kind: str, entity: str, body: bytes) -> None: ...
    def remove(self, bucket: str, kind: str, entity: str) -> None: ...
    def join(self, inspector: str, bucket: str) -> None: ...
    def leave(self, inspector: str, bucket: str) -> None: ...
    def revoke(self, device: str) -> None: ...
    def revoked(self) -> list[str]: ...
    def opened(self) -> list[str]: ...
    def release(self, device: str, n: int) -> None: ...
    def resolve(self, task: str, ref: str, value: str) -> None: ...
    def ask(self, request: Request, dies: int = 0) -> Response: ...
    def chain(self, device: str) -> list[hub.Placed]: ...
    def ledger(self) -> list[tuple[str, hub.Placed]]: ...
    def inspection(self, task: str) -> Inspection: ...
    def projected(self, task: str) -> Marks: ...
    def received_ms(self, position: int) -> int: ...
    def held(self, bucket: str) -> dict[tuple[str, str], bytes]: ...


class Act(Struct, frozen=True):
    """What a user did once, as it was first recorded, and what the server shall say of it."""

    mine: Mine
    who: str
    verdict: str


class Posting(Struct, frozen=True):
    """Who is the pair of a task, for operations at ledger positions beyond `since`."""

    since: int
    pair: tuple[str, str]


def named_by(op: Any) -> set[OpId]:
    """Give the names of the operations to which one refers."""
    if op is None:
        return set()
    target = {op.target} if isinstance(op, Void) else set[OpId]()
    sample = {op.sample} if isinstance(op, TestSample | DisposeSample) else set[OpId]()
    return {*op.supersedes, *target, *sample}
