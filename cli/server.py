"""服务器: the server's own housekeeping; the only commands that open its database directly."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar

import click
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select

from backend import app, db, journal, logs, settings
from backend.blobs import Blobs
from backend.tables import Act, Head
from backend.wire import Ticked
from backend.work import accounts, backups, fingerprints, preparation, rulings, ticks
from backend.work.snapshots import Snapshots
from cli.output import json_option, say, show

T = TypeVar("T")


@click.group("server")
def group() -> None:
    """Run the server and keep its database."""


@group.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option(
    "--workers", default=1, show_default=True, help="Processes; on SQLite one writes at a time."
)
@json_option
def serve(host: str, port: int, workers: int) -> None:
    """Bring the schema up to date and serve. 运行服务器。"""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    _with_engine(db.upgrade)
    address = f"http://{host}:{port}"
    say(
        f"Serving. office {address}/office · devices {address}/device · public {address}/public\n"
        f"interface {address}/schema · health {address}/health · stop with Ctrl-C",
        f"服务已启动。监管机关 {address}/office · 终端 {address}/device · 公众 {address}/public\n"
        f"接口说明 {address}/schema · 健康检查 {address}/health · 按 Ctrl-C 停止",
    )
    Server(
        "cli.server:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=host,
        port=port,
        workers=workers,
        log_access=False,  # the app logs its own requests
        log_level=LogLevels.warning,
    ).serve()


@group.command()
@json_option
def upgrade() -> None:
    """Bring the database schema to the newest revision. 升级数据库结构。

    What devices sent that the version before did not understand is judged again.
    """

    async def run(engine: AsyncEngine) -> int:
        await db.upgrade(engine)
        async with db.transaction(engine) as session:
            return await rulings.rejudge_parked(session, datetime.now(UTC))

    understood = _with_engine(run)
    say(f"The schema is at {db.newest()}.", f"数据库结构为 {db.newest()}。")
    if understood:
        say(
            f"Operations that are understood now: {understood}.",
            f"现已识别的操作：{understood} 项。",
        )
    show({"schema": db.newest(), "understood": understood}, {})


@group.command()
@json_option
def check() -> None:
    """Check settings, database, evidence folder and journal. 自检。"""
    given = settings.load(os.environ)

    async def look(engine: AsyncEngine) -> tuple[str, str, int, str, int]:
        await db.check(engine)
        async with db.transaction(engine, write=False) as session:
            acts = list(await session.exec(select(Act).order_by("n")))
            ledger_n = (await session.get_one(Head, 1)).ledger_n
            kind = await db.ping(session)
            return kind, db.library(engine), len(acts), journal.verify(acts), ledger_n

    kind, library, acts, last, ledger_n = _with_engine(look)
    _require_writable(given.data_dir)
    show(
        {
            "database": kind,
            "library": library,
            "schema": db.newest(),
            "acts": acts,
            "journal": last,
            "ledger": ledger_n,
        },
        {
            "database": ("database", "数据库"),
            "library": ("version", "版本"),
            "schema": ("schema", "数据库结构"),
            "acts": ("acts in the journal", "执法记录条数"),
            "journal": ("last hash", "末条哈希"),
            "ledger": ("operations in the ledger", "账本条数"),
        },
    )


@group.command("backup-done")
@click.argument("position", type=click.IntRange(min=0))
@json_option
def backup_done(position: int) -> None:
    """Say that a backup holds the ledger up to POSITION (`server check`, before it). 备份完成。"""

    async def note(engine: AsyncEngine) -> int:
        await db.check(engine)
        async with db.transaction(engine) as session:
            return await backups.backup_done(session, position, datetime.now(UTC))

    _with_engine(note)
    say(
        f"Devices may let go of what the ledger holds up to {position}.",
        f"终端可不再保留账本第 {position} 条及之前的旧链。",
    )
    show({"durable": position}, {})


@group.command()
@json_option
def restored() -> None:
    """Say, before serving, that this database came from a backup. 由备份恢复后执行。"""

    async def begin(engine: AsyncEngine) -> int:
        await db.check(engine)
        async with db.transaction(engine) as session:
            return await backups.restored(session, datetime.now(UTC))

    position = _with_engine(begin)
    say(
        f"The ledger holds {position} operations; the devices will bring what is missing.",
        f"账本现有 {position} 条操作，缺失部分将由各终端补齐。",
    )
    show({"ledger": position}, {})


@group.command()
@click.option(
    "--ahead",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Send out now the rechecks that will be due by this day. 提前派发至该日的复查。",
)
@json_option
def tick(ahead: datetime | None) -> None:
    """Do what fell due: rechecks, reminders, upkeep; as often as you like. 到期办理。"""
    day = ahead.date() if ahead else None
    folder = settings.load(os.environ).data_dir

    async def run(engine: AsyncEngine) -> Ticked:
        await db.check(engine)
        snapshots = Snapshots(folder)
        now, several = datetime.now(UTC), list[Ticked]()
        while not several or ticks.full(several[-1]):
            async with db.transaction(engine) as session:
                several.append(await ticks.tick(session, snapshots, now, ahead=day))
        done = reduce(ticks.both, several)
        prepared = await preparation.prepare(engine, snapshots)
        looked = await fingerprints.catch_up_all(engine, Blobs(folder))
        return replace(done, prepared=prepared, hashed=looked.done)

    done = _with_engine(run)
    say(
        f"Rechecks made: {len(done.rechecks)}; reminders written: {done.reminders}, "
        f"cleared: {done.cleared}.",
        f"已生成复查任务 {len(done.rechecks)} 项；催办新增 {done.reminders} 条，"
        f"解除 {done.cleared} 条。",
    )
    for one in done.overdue:
        say(
            f"  overdue since {one.due_on}: {one.name}  {one.kind} {one.subject}",
            f"  自 {one.due_on} 起逾期：{one.name}  {one.kind} {one.subject}",
        )
    for inspection in done.stuck:
        say(
            f"  nobody can be sent to recheck {inspection}: assign it by hand",
            f"  {inspection} 的复查无法安排人员，请人工指派",
        )
    if done.publications:
        say(
            f"  results to publish, due soon or late: {done.publications}",
            f"  临近或超过公示期限的结果：{done.publications} 条",
        )
    say(
        f"Forgotten: {done.tombstones} tombstones and {done.snapshots} snapshots.",
        f"已清理：删除标记 {done.tombstones} 条，数据快照 {done.snapshots} 个。",
    )
    if done.hashed:
        say(
            f"Pictures compared with those of other inspections: {done.hashed}.",
            f"已与其他检查的照片比对：{done.hashed} 张。",
        )
    show(done, {})


@group.command("init-admin")
@click.argument("name")
@click.option(
    "--password",
    envvar="EVENHAND_PASSWORD",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
)
@json_option
def init_admin(name: str, password: str) -> None:
    """Create the first admin; only while there is none. 创建首个管理员。"""
    given = settings.load(os.environ)

    async def create(engine: AsyncEngine) -> str:
        await db.check(engine)
        async with db.transaction(engine) as session:
            account = await accounts.create_first_admin(
                session, name=name, password=password, settings=given, now=datetime.now(UTC)
            )
        return account.id

    created = _with_engine(create)
    say(f"Admin {name} may log in: evenhand office login {name}", f"管理员 {name} 已创建。")
    show({"id": created, "name": name}, {})


def application() -> Litestar:
    """Build the app in a worker process of the server."""
    logs.start()
    made = app.create_app(settings.load(os.environ))
    gc.collect()
    gc.freeze()  # what was imported stays: looking through all of it would halt requests for 0.1 s
    return made


def _with_engine(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    async def run() -> T:
        engine = db.connect(settings.load(os.environ).database_url)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _require_writable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder):
        pass
