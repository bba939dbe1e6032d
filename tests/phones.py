"""Devices for tests at the device door: a replica on the real server, through its app."""

from collections.abc import Generator, Sequence
from typing import Self, TypeVar

import msgspec
from conftest import Office
from msgspec.structs import replace
from simulation.app_hub import AppHub
from simulation.world import FORM, REFS

from sync import checklist, codec
from sync import messages as wire
from sync.exchange import Exchanged, exchange
from sync.messages import Request, Response
from sync.ops import Answer
from sync.replica import Replica
from sync.store import File, MemoryStore, Mine, Store

T = TypeVar("T")
TASK = "t1"
ITEM = REFS[0]


class Phone:
    """A replica and its way to the server; where no task is named, `t1` is meant."""

    def __init__(
        self,
        hub: AppHub,
        inspector: str,
        *,
        page: int = 500,
        batch: int = 200,
        store: Store | None = None,
    ) -> None:
        self.hub, self.inspector = hub, inspector
        self.store: Store = store or MemoryStore()
        self.skew = 0
        self.replica = Replica(self.store, self.clock, batch=batch, page=page)

    def clock(self) -> wire.Clock:
        return wire.Clock(1_772_413_200_000 + self.skew, 1, "boot")

    @property
    def id(self) -> str:
        return self.replica.identity.enrolled.device

    def answer(self, value: str, ref: str = ITEM) -> Mine:
        return self.replica.answer(TASK, {ref: Answer(value)})

    def attach(self, digest: str, size: int) -> Mine:
        return self.replica.attach(TASK, File(digest, size, "image/jpeg"))

    def copy(self) -> "Phone":
        """Restore a backup of this phone on another one."""
        other = Phone(self.hub, self.inspector)
        with other.store.transaction():
            vars(other.store).update({n: type(v)(v) for n, v in vars(self.store).items()})
        return other

    def ask(self) -> Request:
        return next(exchange(self.replica))

    async def push(self) -> int:
        """Ask once, as a phone does that is switched off before the answer comes."""
        return (await self.hub.ask(self.ask())).status

    async def verdicts(self) -> list[tuple[int, str, str]]:
        chain = await self.hub.chain(self.id)
        return [(one.n, one.verdict.verdict, one.verdict.why) for one in chain]

    async def enrol(self) -> Self:
        secret = codec.new_key()
        enrolled = await self.hub.enrol(self.inspector, codec.public_key(secret))
        self.replica.enrol(enrolled, server="", secret=secret)
        await self.sync()
        return self

    async def sync(self) -> Exchanged:
        return await self.drive(exchange(self.replica))

    async def drive(self, session: Generator[Request, Response, T], **headers: str) -> T:
        """Carry a session's requests, each with these headers too."""
        request = next(session)
        try:
            while True:
                told = replace(request, headers={**request.headers, **headers})
                request = session.send(await self.hub.ask(told))
        except StopIteration as done:
            result: T = done.value
            return result


async def enrolled(hub: AppHub, inspector_id: str, store: Store | None = None) -> Phone:
    """Enrol a device of an inspector whom the registers have."""
    hub.ids[inspector_id] = inspector_id
    return await Phone(hub, inspector_id, store=store).enrol()


async def opened(office: Office, *tasks: str, follow: Sequence[str] = ("lead",)) -> AppHub:
    """Open the device door with tasks of two inspectors, which those in `follow` are told."""
    hub = AppHub(office)
    await hub.open()
    await hub.invite("lead")
    await hub.invite("second")
    for task in tasks:
        await hub.dispatch(task, "lead", "second")
        await hub.put(f"i:{task}", "task", task, task_body(task))
        for who in follow:
            await hub.join(who, f"i:{task}")
    return hub


def task_body(task: str = TASK) -> bytes:
    return msgspec.json.encode({"id": task, "checklist": checklist.digest(FORM)})
