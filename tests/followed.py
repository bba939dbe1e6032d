"""What follows an inspection, for its tests: concluding visits, ticking, asking."""

from datetime import date
from itertools import count
from typing import Any

from conftest import Office
from httpx import AsyncClient
from sqlmodel import col, select
from visits import Visit, asked, photo, store

from backend import db
from backend.tables import Act, Feed, Task
from backend.wire import Ticked
from backend.work import ticks
from backend.work.snapshots import Snapshots

_picture = count(1)


async def concluded(
    office: Office, supervisor: AsyncClient, task: Task, **failed: str
) -> dict[str, Any]:
    """Inspect with these items failing and a photo for each, and conclude."""
    visit, body = Visit(task), photo(next(_picture))
    visit.answer_all("lead", **failed)
    for name in failed:
        visit.attach("second", body, item=name[1:].replace("_", "."))
    visit.sign("lead", "second")
    await visit.arrive(office)
    if failed:
        await store(office, body)
    done: dict[str, Any] = await asked(supervisor, f"/office/inspections/{task.id}/conclusion", {})
    return done


async def tick(office: Office, *, ahead: date | None = None) -> Ticked:
    kept = Snapshots(office.settings.data_dir)
    async with db.transaction(office.engine) as session:
        return await ticks.tick(session, kept, office.clock(), ahead=ahead)


async def task(office: Office, name: str) -> Task:
    async with db.transaction(office.engine, write=False) as session:
        return await session.get_one(Task, name)


async def acts(office: Office, *verbs: str) -> list[str]:
    async with db.transaction(office.engine, write=False) as session:
        query = select(Act.verb).where(col(Act.verb).in_(verbs)).order_by(col(Act.n))
        return list(await session.exec(query))


async def asked_for(client: AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.is_success, answer.text
    return answer.json()


def standing(order: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["item"]: (one["status"], one["due_on"]) for one in order["remedies"]}


async def on_devices(office: Office, kind: str) -> list[tuple[str, bool]]:
    async with db.transaction(office.engine, write=False) as session:
        query = select(Feed.bucket, Feed.gone).where(Feed.kind == kind).order_by(Feed.bucket)
        return list((await session.exec(query)).all())
