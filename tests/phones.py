"""Devices for tests at the device door: a replica on the real server, through its app."""

from collections.abc import Generator, Sequence
from typing import Self, TypeVar

import msgspec
from conftest import Office
from msgspec.structs import replace
from simulation.app_hub import AppHub
from simulation.world import FORM

from sync import checklist, codec
from sync import messages as wire
from sync.exchange import Exchanged, exchange
from sync.messages import Request, Response
from sync.replica import Replica
from sync.store import MemoryStore

T = TypeVar("T")


class Phone:
    """A replica and its way to the server."""

    def __init__(self, hub: AppHub, inspector: str, *, page: int = 500, batch: int = 200) -> None:
        self.hub, self.inspector = hub, inspector
        self.store = MemoryStore()
        self.skew = 0
        self.replica = Replica(self.store, self.clock, batch=batch, page=page)

    def clock(self) -> wire.Clock:
        return wire.Clock(1_772_413_200_000 + self.skew, 1, "boot")

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


async def enrolled(hub: AppHub, inspector_id: str) -> Phone:
    """Enrol a device of an inspector whom the registers have."""
    hub.ids[inspector_id] = inspector_id
    return await Phone(hub, inspector_id).enrol()


async def opened(office: Office, *tasks: str, follow: Sequence[str] = ("lead",)) -> AppHub:
    """Open the device door with tasks of two inspectors, which those in `follow` are told."""
    hub = AppHub(office)
    await hub.open()
    await hub.invite("lead")
    await hub.invite("second")
    for task in tasks:
        await hub.dispatch(task, "lead", "second")
        body = {"id": task, "checklist": checklist.digest(FORM)}
        await hub.put(f"i:{task}", "task", task, msgspec.json.encode(body))
        for who in follow:
            await hub.join(who, f"i:{task}")
    return hub
