"""The real server as a world sees it: the app behind HTTP, its tables, the office's hands."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import asyncpg
import pytest
import rows
from conftest import Office
from httpx import AsyncClient
from simulation.forms import FORM
from simulation.memory_hub import Died
from sqlalchemy import event
from sqlmodel import col, delete, select

from backend import auth, db
from backend.sqlite_thread import SqliteThread
from backend.tables import (
    Checklist,
    Device,
    Draw,
    Entry,
    Establishment,
    Feed,
    Inspection,
    Plan,
    Seat,
    Task,
)
from backend.wire import ResolveOrder, RuleOrder
from backend.work import conflicts, devices, enrolments, feed, quarantine
from sync import checklist, hub, merge, squeeze
from sync.messages import Enrol, Enrolled, Request, Response
from sync.ops import decode_op, op_id
from sync.refusals import Reason, Refused

CHIEF = auth.Officer("chief", "chief", "admin", "")


def marked(kept: Inspection | None) -> merge.Marks:
    """Read a row of the projection; of nothing recorded there is none."""
    if kept is None:
        return merge.Marks(0)
    return merge.Marks(kept.operations, kept.conflicts, kept.late, kept.signed)


class Counted:
    """A bare connection to SQLite that counts before it is asked."""

    def __init__(self, raw: sqlite3.Connection, count: Callable[[], None]) -> None:
        self._raw, self._count = raw, count

    def __getattr__(self, name: str) -> Any:
        if name in ("execute", "executemany", "commit"):
            self._count()
        return getattr(self._raw, name)


def _count_past_sqlalchemy(patch: pytest.MonkeyPatch, count: Callable[[], None]) -> None:
    """Count whatever is asked of SQLite, and of PostgreSQL what SQLAlchemy does not see."""
    at_once, fetch = SqliteThread.at_once, asyncpg.Connection.fetch

    async def counted_at_once(
        thread: SqliteThread, work: Callable[[Any], Any], *, brief: bool = False
    ) -> Any:
        return await at_once(thread, lambda raw: work(Counted(raw, count)), brief=brief)

    async def counted_fetch(lent: Any, *asked: Any) -> Any:
        count()
        return await fetch(lent, *asked)

    patch.setattr(SqliteThread, "at_once", counted_at_once)
    patch.setattr(asyncpg.Connection, "fetch", counted_fetch)


class AppHub:
    """The asynchronous half: what a bureau does, and what its ledger holds."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.client: AsyncClient | None = None
        self.ids: dict[str, str] = {}  # a world's inspector -> certificate

    async def open(self) -> None:
        """Make a plan with a draw, under which tasks may be dispatched."""
        self.client = await self.office.client()
        chief = await rows.account(self.office, "")
        digest = checklist.digest(FORM)
        now = self.office.clock()
        plan = Plan(
            id="plan", title="x", agency="33", division="33", checklists="{}", rate_num=1,
            rate_den=1, sites_min=1, opens_on=date(2026, 3, 1), closes_on=date(2026, 4, 1),
            created_by=chief.id, created_at=now,
        )  # fmt: skip
        draw = Draw(
            id="draw", plan_id="plan", agency="33", seq=1, commit_hash="0" * 64, commit_json="{}",
            committed_at=now, status="drawn",
        )  # fmt: skip
        form = Checklist(
            digest=digest, code=FORM.code, version=FORM.version, title_en=FORM.title.en,
            title_zh=FORM.title.zh, body=checklist.canonical(FORM).decode(), released_at=now,
        )  # fmt: skip
        await rows.put(self.office, form, plan, draw)

    async def invite(self, inspector: str) -> str:
        """Make a one-time code for an inspector, who is hired when new."""
        if inspector not in self.ids:
            hired = await rows.inspector(self.office, "33")
            self.ids[inspector] = hired.id
            await self.put(
                f"u:{hired.id}", "checklist", checklist.digest(FORM), checklist.canonical(FORM)
            )
        async with db.transaction(self.office.engine) as session:
            found = await session.get_one(rows.Inspector, self.ids[inspector])
            invited = await enrolments.invite(
                session, CHIEF, found.certificate, self.office.clock()
            )
        return invited.code

    async def enrol(self, inspector: str, public_key: str) -> Enrolled:
        code = await self.invite(inspector)
        async with db.transaction(self.office.engine) as session:
            return await enrolments.enrol(session, Enrol(code, public_key), self.office.clock())

    async def dispatch(self, task: str, lead: str, second: str) -> None:
        """Give a task to a pair, or to another pair than before."""
        async with db.transaction(self.office.engine) as session:
            known = await session.get(Task, task)
            if known is not None:
                known.lead_id, known.second_id = self.ids[lead], self.ids[second]
                await session.exec(delete(Seat).where(col(Seat.task_id) == task))
                session.add(known)
                return
        site = await rows.establishment(self.office, "33")
        row = Task(
            id=task, plan_id="plan", draw_id="draw", establishment_id=site.id, place=1,
            checklist_digest=checklist.digest(FORM), lead_id=self.ids[lead],
            second_id=self.ids[second], opens_on=date(2026, 3, 1), closes_on=date(2026, 4, 1),
        )  # fmt: skip
        await rows.put(self.office, row)

    async def put(self, bucket: str, kind: str, entity: str, body: bytes) -> None:
        async with db.transaction(self.office.engine) as session:
            await feed.put(session, bucket, kind, entity, body)

    async def remove(self, bucket: str, kind: str, entity: str) -> None:
        async with db.transaction(self.office.engine) as session:
            await feed.remove(session, bucket, kind, entity)

    async def join(self, inspector: str, bucket: str) -> None:
        async with db.transaction(self.office.engine) as session:
            await feed.join(session, self.ids[inspector], bucket)

    async def leave(self, inspector: str, bucket: str) -> None:
        async with db.transaction(self.office.engine) as session:
            await feed.leave(session, self.ids[inspector], bucket)

    async def revoke(self, device: str) -> None:
        async with db.transaction(self.office.engine) as session:
            await devices.revoke(session, CHIEF, device, self.office.clock())

    async def release(self, device: str, n: int) -> None:
        """Release what was held back, unless something else than an officer can waive holds it."""
        order = RuleOrder(device, "found again", (n,))
        try:
            async with db.transaction(self.office.engine) as session:
                await quarantine.release(session, CHIEF, order, self.office.clock())
        except Refused as refused:
            if refused.reason is not Reason.QUARANTINE_FIRM:
                raise

    async def resolve(self, task: str, ref: str, value: str) -> None:
        order = ResolveOrder(ref, value, "seen on the photo")
        now = self.office.clock()
        async with db.transaction(self.office.engine) as session:
            await conflicts.resolve_conflict(session, task, order, officer=CHIEF, now=now)

    async def opened(self) -> list[str]:
        """Name the tasks that began on site, one for each place that was written down."""
        query = select(Task.id).where(Task.origin == "ad-hoc")
        async with db.transaction(self.office.engine, write=False) as session:
            begun = list(await session.exec(query))
            places = await session.exec(
                select(Establishment.id).where(Establishment.status == "provisional")
            )
            assert len(places.all()) == len(begun)
        return begun

    async def revoked(self) -> list[str]:
        query = select(Device.id).where(col(Device.revoked_at).is_not(None))
        async with db.transaction(self.office.engine, write=False) as session:
            return list(await session.exec(query))

    async def ask(self, request: Request, dies: int = 0) -> Response:
        """Answer after the commit; or die at one of the statements before it."""
        assert self.client
        request = squeeze.packed(request)
        with self._dying(dies) as died:
            answer = await self.client.request(
                request.method, request.path, headers=request.headers, content=request.body
            )
        if died:
            raise Died
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, answer.content)

    @contextmanager
    def _dying(self, statement: int) -> Iterator[list[int]]:
        """Fail at a statement of the next transaction, or when it commits."""
        died: list[int] = []
        left = [statement]

        def count(*_: Any, **__: Any) -> None:
            left[0] -= 1
            if not left[0]:
                died.append(statement)
                raise Died

        engine = self.office.engine.sync_engine
        names = ("before_cursor_execute", "commit")
        if not statement or engine.dialect.name == "sqlite":
            names = ()
        with pytest.MonkeyPatch.context() as patch:
            if statement:
                _count_past_sqlalchemy(patch, count)
            for name in names:
                event.listen(engine, name, count)
            try:
                yield died
            finally:
                for name in names:
                    event.remove(engine, name, count)

    async def chain(self, device: str) -> list[hub.Placed]:
        query = select(Entry).where(Entry.device_id == device).order_by(col(Entry.n))
        async with db.transaction(self.office.engine, write=False) as session:
            return [_placed(entry) for entry in await session.exec(query)]

    async def ledger(self) -> list[tuple[str, hub.Placed]]:
        query = select(Entry).order_by(col(Entry.position))
        async with db.transaction(self.office.engine, write=False) as session:
            return [(entry.device_id, _placed(entry)) for entry in await session.exec(query)]

    async def inspection(self, task: str) -> merge.Inspection:
        """Fold an inspection from its ledger; what the server keeps of it must be the same."""
        query = (
            select(Entry, Device.inspector_id)
            .join(Device)
            .where(Entry.inspection_id == task, col(Entry.seq).is_not(None))
        )
        async with db.transaction(self.office.engine, write=False) as session:
            known = [
                merge.Recorded(op_id(e.device_id, e.n), e.hash, who, decode_op(e.raw))
                for e, who in await session.exec(query)
            ]
            state = merge.fold(known)
            kept = await session.get(Inspection, task)
        assert marked(kept) == merge.marks(known, state)
        return state

    async def projected(self, task: str) -> merge.Marks:
        """Give what the server keeps of the fold of an inspection."""
        async with db.transaction(self.office.engine, write=False) as session:
            return marked(await session.get(Inspection, task))

    async def received_ms(self, _position: int) -> int:
        return round(self.office.clock().timestamp() * 1000)

    async def held(self, bucket: str) -> dict[tuple[str, str], bytes]:
        """Give what is in a bucket, byte for byte."""
        feed_ = select(Feed).where(Feed.bucket == bucket, col(Feed.gone).is_(False))
        entries = select(Entry).where(
            Entry.inspection_id == bucket.removeprefix("i:"), col(Entry.seq).is_not(None)
        )
        async with db.transaction(self.office.engine, write=False) as session:
            found = {(row.kind, row.entity): row.body for row in await session.exec(feed_)}
            told = {("op", op_id(e.device_id, e.n)): e.raw for e in await session.exec(entries)}
        return found | told


class Bridge:
    """The same server for a world that runs in a thread of its own and knows no event loop."""

    points = 16  # statements, of which an exchange takes more on SQLite than on PostgreSQL

    def __init__(self, app_hub: AppHub) -> None:
        self._hub, self._loop = app_hub, asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        act: Callable[..., Awaitable[Any]] = getattr(self._hub, name)

        async def done(*values: Any) -> Any:
            return await act(*values)

        return lambda *values: asyncio.run_coroutine_threadsafe(done(*values), self._loop).result()


def _placed(entry: Entry) -> hub.Placed:
    verdict = hub.Verdict(entry.kind, entry.inspection_id, entry.verdict, entry.why)
    return hub.Placed(
        entry.n, entry.hash, entry.raw, verdict, entry.position, entry.root, entry.seq
    )
