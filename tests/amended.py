"""A draw that is changed after it was dispatched, through the office's door."""

from collections.abc import Sequence
from typing import Any

import visits
from conftest import Office
from httpx import AsyncClient, Response
from phones import Phone
from simulation.app_hub import AppHub
from sqlmodel import col, select

from backend import db
from backend.rules.bundle import Files
from backend.tables import Establishment, Inspector, Piece, Task

DIVISION = visits.DIVISION
EARLIER = "2026-01-15"
ITEM = next(item.ref for item in visits.FORM.items if item.kind == "verdict")


class Bureau:
    """A draw that was dispatched, two officers, and what the office sees of it."""

    def __init__(self, office: Office, tasks: list[Task]) -> None:
        self.office, self.tasks, self.draw = office, tasks, tasks[0].draw_id
        self.first: AsyncClient
        self.second: AsyncClient
        self.hub = AppHub(office)

    async def open(self) -> "Bureau":
        self.hub.client = await self.office.client()
        self.first = await self.office.officer("supervisor", DIVISION)
        self.second = await self.office.officer("reviewer", DIVISION)
        return self

    async def sites(self) -> dict[str, Task]:
        """Give the tasks in force by the code of their site."""
        query = (
            select(Establishment.code, Task)
            .join(Task, col(Task.establishment_id) == Establishment.id)
            .where(Task.draw_id == self.draw, col(Task.withdrawn_at).is_(None))
            .order_by(col(Task.place))
        )
        async with db.transaction(self.office.engine, write=False) as session:
            return dict((await session.exec(query)).all())

    async def certificate(self, inspector_id: str) -> str:
        async with db.transaction(self.office.engine, write=False) as session:
            return (await session.get_one(Inspector, inspector_id)).certificate

    async def person(self, certificate: str) -> Inspector:
        query = select(Inspector).where(Inspector.certificate == certificate)
        async with db.transaction(self.office.engine, write=False) as session:
            return (await session.exec(query)).one()

    async def rows(self, kind: type[Any]) -> Sequence[Any]:
        async with db.transaction(self.office.engine, write=False) as session:
            return list(await session.exec(select(kind)))

    async def files(self) -> Files:
        query = select(Piece).where(Piece.draw_id == self.draw)
        async with db.transaction(self.office.engine, write=False) as session:
            return {one.name: one.body for one in await session.exec(query)}

    async def ask(self, what: str, **order: Any) -> Response:
        body = {"evidence": "登记档案 2026-118"} | order
        return await self.first.post(f"/office/draws/{self.draw}/{what}", json=body)

    async def substitute(self, site: str, reason: str = "X01-moved", **more: Any) -> Response:
        order = {"site": site, "reason": reason, "since": EARLIER} | more
        return await self.ask("substitutions", **order)

    async def replace(self, who: str, reason: str = "I02-illness", **more: Any) -> Response:
        return await self.ask("replacements", inspector=who, reason=reason, **more)

    async def extend(self, count: int, **more: Any) -> Response:
        return await self.ask("extensions", **{"count": count, "reason": "E02-findings"} | more)

    async def decide(
        self, asked: Response, approve: bool = True, by: AsyncClient | None = None
    ) -> Response:
        assert asked.status_code == 201, asked.text
        path = f"/office/amendments/{asked.json()['id']}/decision"
        order = {"approve": approve, "remark": "" if approve else "不予批准"}
        return await (by or self.second).post(path, json=order)

    async def done(self, asked: Response) -> dict[str, Any]:
        decided = await self.decide(asked)
        assert decided.status_code == 200, decided.text
        found: dict[str, Any] = decided.json()
        return found


def held(phone: Phone) -> set[str]:
    """List the tasks that a device has."""
    return {row.id for row in phone.replica.tasks()}
