"""A task on two phones, for tests of what the office answers for: quarantine, conflicts, ledger."""

from typing import Any

import msgspec
import phones
from conftest import Office
from httpx import AsyncClient
from simulation.app_hub import AppHub
from simulation.world import FORM, REFS
from sqlmodel import col, select

from backend import db, journal
from backend.tables import Act
from sync import checklist
from sync.exchange import exchange
from sync.ops import Answer
from sync.store import File, Mine

TASK = "t1"
ITEM = REFS[0]
REASON = {"reason": "手机已找回"}


class Phone(phones.Phone):
    """A phone that works on the one task, and that can be restored from a backup."""

    @property
    def id(self) -> str:
        return self.replica.identity.enrolled.device

    def answer(self, value: str, ref: str = ITEM) -> Mine:
        return self.replica.answer(TASK, {ref: Answer(value)})

    def attach(self, digest: str, size: int) -> Mine:
        return self.replica.attach(TASK, File(digest, size, "image/jpeg"))

    async def push(self) -> int:
        """Ask once, as a phone does that is switched off before the answer comes."""
        return (await self.hub.ask(next(exchange(self.replica)))).status

    def copy(self) -> "Phone":
        """Restore a backup of this phone on another one."""
        other = Phone(self.hub, self.inspector)
        with other.store.transaction():
            vars(other.store).update({n: type(v)(v) for n, v in vars(self.store).items()})
        return other


async def opened(office: Office) -> AppHub:
    """Dispatch the task to lead and second; a third inspector has nothing to do with it."""
    hub = AppHub(office)
    await hub.open()
    for who in ("lead", "second", "third"):
        await hub.invite(who)
    await hub.dispatch(TASK, "lead", "second")
    await hub.put(f"i:{TASK}", "task", TASK, task_body())
    for who in ("lead", "second"):
        await hub.join(who, f"i:{TASK}")
    return hub


def task_body() -> bytes:
    return msgspec.json.encode({"id": TASK, "checklist": checklist.digest(FORM)})


async def value(office: Office, ref: str = ITEM) -> str:
    """Say what an item holds at the server, whose projection is the fold of what counts."""
    item = (await AppHub(office).inspection(TASK)).items.get(ref)
    return item.value if item is not None else ""


async def acts(office: Office, verb: str) -> list[dict[str, Any]]:
    """Read the details of acts from a journal that is whole."""
    async with db.transaction(office.engine, write=False) as session:
        found = list(await session.exec(select(Act).order_by(col(Act.n))))
    journal.verify(found)
    return [msgspec.json.decode(one.details) for one in found if one.verb == verb]


async def listed(officer: AsyncClient, path: str = "/office/quarantine") -> list[dict[str, Any]]:
    answer = await officer.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def told(officer: AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await officer.post(path, json=body)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def refused(officer: AsyncClient, path: str, body: dict[str, Any]) -> str:
    answer = await officer.post(path, json=body)
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["code"])
