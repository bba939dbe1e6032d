"""A task on two phones, for tests of what the office answers for: quarantine, conflicts, ledger."""

from typing import Any

import msgspec
import phones
from conftest import Office
from httpx import AsyncClient
from phones import ITEM, TASK
from simulation.app_hub import AppHub
from sqlmodel import col, select

from backend import db, journal
from backend.tables import Act

REASON = {"reason": "手机已找回"}


async def opened(office: Office) -> AppHub:
    """Dispatch the task to lead and second; a third inspector has nothing to do with it."""
    hub = await phones.opened(office, TASK, follow=("lead", "second"))
    await hub.invite("third")
    return hub


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
