"""Rows that were there before a migration are there after it, under their new names."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from conftest import DATABASES, postgresql_url
from sqlalchemy import Column, Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db, search_index
from backend.work import upkeep

Held: TypeAlias = dict[str, list[dict[str, Any]]]

REVISION = (
    "INSERT INTO revision (id, register_name, source_name, source_sha256, at, rows, created, "
    "changed, unchanged, problems) "
    "VALUES (:id, :name, 'a.csv', '0', '2026-01-01', 1, 1, 0, 0, '[]')"
)
PLACE = (
    "INSERT INTO establishment (id, code, name, category, division, address, risk, status, "
    "status_raw, datum, revision_id) VALUES "
    "(:id, :code, '店', 'market', '33', '', 'B', 'active', '', '', 'r1')"
)
PERSON = (
    "INSERT INTO inspector (id, certificate, name, department, division, qualifications, cap, "
    "valid_from, valid_to, active, revision_id) VALUES "
    "('p1', 'A1', '王', '队', '33', '', 10, '2026-01-01', '2027-01-01', true, 'r2')"
)
VERSION = (
    "INSERT INTO version (establishment_id, revision_id, previous_id, code, name, category, "
    "division, address, risk, status, status_raw, datum) VALUES "
    "('e1', 'r1', 'r0', 'S1', '旧店', 'market', '33', '', 'A', 'active', '存续', '')"
)


async def made(
    request: pytest.FixtureRequest, folder: Path, revision: str, fill: Callable[[Connection], None]
) -> AsyncEngine:
    """Make a database as it was at a revision, with rows in it."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{folder}/older.db"
    else:
        server = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS older WITH (FORCE)")
            admin.execute("CREATE DATABASE older")
        url = postgresql_url(server, "older")

    def make(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(db.migrations()))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        fill(connection)

    engine = db.connect(url, foreign_keys=False)
    async with engine.begin() as connection:
        await connection.run_sync(make)
    await engine.dispose()
    return db.connect(url)


@pytest.fixture(params=DATABASES)
async def older(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database as it was before every register had versions, with rows in it."""

    def fill(connection: Connection) -> None:
        for id, name in (("r0", "establishments"), ("r1", "establishments"), ("r2", "inspectors"),
                         ("r3", "recusals")):  # fmt: skip
            connection.execute(text(REVISION), {"id": id, "name": name})
        for id, code in (("e1", "S1"), ("e2", "S2")):
            connection.execute(text(PLACE), {"id": id, "code": code})
        for statement in (PERSON, VERSION):
            connection.execute(text(statement))
        pairs = "INSERT INTO recusal VALUES ('e1', 'p1', '亲属'), ('e2', 'p1', '同学')"
        connection.execute(text(pairs))

    engine = await made(request, tmp_path, "0005", fill)
    yield engine
    await engine.dispose()


@pytest.fixture(params=DATABASES)
async def synced(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database as it was before buckets, rulings and former names, rows in each of its tables."""
    engine = await made(request, tmp_path, "0011", fill_all)
    yield engine
    await engine.dispose()


def fill_all(connection: Connection) -> None:
    """Put two rows into every table; what has one name in several tables is the same there."""
    for table in tables(connection).sorted_tables:
        count = 1 if table.name == "head" else 2
        values = [{one.name: value(one, n) for one in table.columns} for n in range(1, count + 1)]
        connection.execute(table.insert(), values)


def tables(connection: Connection) -> MetaData:
    metadata = MetaData()
    own = (*search_index.OWN_TABLES, "alembic_version")
    metadata.reflect(connection, only=lambda name, _: name not in own)
    return metadata


def value(column: Column[Any], n: int) -> object:
    kind = column.type.python_type
    if kind is bool:
        return n == 2
    if kind in (datetime, date):
        return kind(2026, 3, n, tzinfo=UTC) if kind is datetime else kind(2026, 3, n)
    return str(n).encode() if kind is bytes else kind(n)


def held(connection: Connection) -> Held:
    """Give the rows of all tables."""
    return {
        table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
        for table in tables(connection).sorted_tables
    }


def among(rows: Held, earlier: Held) -> Held:
    """Leave of rows the columns that there were earlier and still are, in an order of their own."""
    names = {
        name: rows[name][0].keys() & those[0].keys() for name, those in earlier.items() if those
    }
    return {
        name: sorted(({k: row[k] for k in sorted(keys)} for row in rows[name]), key=repr)
        for name, keys in names.items()
    }


async def test_every_row_of_every_table_is_there_after_all_later_migrations(
    synced: AsyncEngine,
) -> None:
    async with synced.connect() as connection:
        before = await connection.run_sync(held)

    await db.upgrade(synced)

    async with synced.connect() as connection:
        after = await connection.run_sync(held)
    async with db.transaction(synced) as session:
        miscounted = await upkeep.miscounted(session)
    for rows in before["inspection"]:
        del rows["state"], rows["digest"]  # it is folded when it is looked at
    assert len(before) > 30
    assert among(after, before) == among(before, before)
    assert {row["operations"] for row in after["inspection"]} == {1}
    assert miscounted == []


async def test_a_task_is_open_as_long_as_its_plan_was(synced: AsyncEngine) -> None:
    await db.upgrade(synced)

    async with synced.connect() as connection:
        query = "SELECT opens_on, closes_on, origin, announced FROM {} ORDER BY id"
        tasks = [tuple(row) for row in await connection.execute(text(query.format("task")))]
        days = "SELECT opens_on, closes_on FROM plan ORDER BY id"
        plans = [tuple(row) for row in await connection.execute(text(days))]
    assert [(opens, closes) for opens, closes, *_ in tasks] == plans
    assert {(origin, bool(announced)) for *_, origin, announced in tasks} == {("draw", True)}


async def test_versions_and_recusals_are_carried_over(older: AsyncEngine) -> None:
    async def rows(query: str) -> list[tuple[Any, ...]]:
        async with older.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]

    await db.upgrade(older)

    await db.check(older)
    assert await rows(
        "SELECT entity_id, revision_id, previous_id, code, name, risk, status_raw "
        "FROM establishmentversion"
    ) == [("e1", "r1", "r0", "S1", "旧店", "A", "存续")]
    assert await rows(
        "SELECT code, certificate, reason, revision_id FROM recusal ORDER BY code"
    ) == [("S1", "A1", "亲属", "r3"), ("S2", "A1", "同学", "r3")]
    assert len(await rows("SELECT DISTINCT id FROM recusal")) == 2
    found = await rows("SELECT id, versioned FROM revision ORDER BY id")
    assert [(id, bool(told)) for id, told in found] == [
        ("r0", True), ("r1", True), ("r2", False), ("r3", False),
    ]  # fmt: skip


@pytest.fixture(params=DATABASES)
async def photographed(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[AsyncEngine]:
    """A database as it was before files were looked for, with operations that name some."""

    def fill(connection: Connection) -> None:
        entries = tables(connection).tables["entry"]
        devices = tables(connection).tables["device"]
        connection.execute(
            devices.insert(),
            [{one.name: value(one, 1) for one in devices.columns} | {"id": "d", "renews": None}],
        )
        told = [
            (
                "evidence.add/1",
                1,
                b'{"n":1,"t":"evidence.add/1","blob":"aa","caption":"\xe7\x85\xa7"}',
            ),
            ("evidence.add/1", 2, b'{"n":2,"t":"evidence.add/1","blob":"aa"}'),
            ("evidence.add/1", None, b'{"n":3,"t":"evidence.add/1","blob":"held back"}'),
            ("finding.add/1", 3, b'{"n":4,"t":"finding.add/1","text":"x"}'),
        ]
        common = {one.name: value(one, 1) for one in entries.columns}
        common |= {"device_id": "d", "inspection_id": "i"}
        for n, (kind, seq, raw) in enumerate(told, start=1):
            row = common | {"n": n, "position": n, "seq": seq, "kind": kind, "raw": raw}
            connection.execute(entries.insert(), [row])
        files = tables(connection).tables["blob"]
        kept = {one.name: value(one, 1) for one in files.columns}
        for digest, flag, facts in (
            ("aa", "", '{"format":"JPEG","width":4}'),
            ("bb", "photo.truncated", '{"format":"JPEG"}'),
            ("cc", "", "{}"),
        ):
            row = kept | {"sha256": digest, "flag": flag, "facts": facts}
            connection.execute(files.insert(), [row])

    engine = await made(request, tmp_path, "0021", fill)
    yield engine
    await engine.dispose()


async def test_files_that_were_named_before_are_found_and_wait_to_be_looked_at(
    photographed: AsyncEngine,
) -> None:
    await db.upgrade(photographed)

    async with photographed.connect() as connection:
        named = list(await connection.execute(text("SELECT inspection_id, sha256 FROM exhibit")))
        waiting = list(await connection.execute(text("SELECT sha256 FROM blob WHERE unhashed")))
    assert [tuple(row) for row in named] == [("i", "aa")]
    assert [tuple(row) for row in waiting] == [("aa",)]  # to be looked at: it came before hashes


@pytest.fixture(params=DATABASES)
async def ordered(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database as it was when an order had one term for all its items."""

    def fill(connection: Connection) -> None:
        fill_all(connection)
        item = {"ref": "1.1", "text": {"en": "Licence", "zh": "许可证"}}
        body = json.dumps({"sections": [{"items": [item]}]})
        connection.execute(text("UPDATE checklist SET body = :body"), {"body": body})
        orders = tables(connection).tables["rectification"]
        common = {one.name: value(one, 1) for one in orders.columns} | {"status": "open"}
        for id, task, items in (
            ("o1", "1", '["1.1","2.4"]'),
            ("o2", "1", "[]"),
            ("o3", "-", '["1.1"]'),
        ):
            row = common | {"id": id, "inspection_id": task, "items": items}
            connection.execute(orders.insert(), [row])

    engine = await made(request, tmp_path, "0019", fill)
    yield engine
    await engine.dispose()


async def test_an_order_gets_a_row_for_each_of_its_items(
    ordered: AsyncEngine,
) -> None:
    await db.upgrade(ordered)

    async with ordered.connect() as connection:
        query = "SELECT order_id, item, text_en, text_zh, working_days, status FROM remedy"
        rows = [tuple(row) for row in await connection.execute(text(query))]
        terms = (
            "SELECT count(*) FROM remedy JOIN rectification ON rectification.id = remedy.order_id "
            "WHERE remedy.due_on = rectification.due_on"
        )
        as_ordered = (await connection.execute(text(terms))).scalar_one()
    assert sorted(rows) == [
        ("o1", "1.1", "Licence", "许可证", 1, "open"),
        ("o1", "2.4", "2.4", "2.4", 1, "open"),
        ("o3", "1.1", "1.1", "1.1", 1, "open"),
    ]
    assert as_ordered == len(rows)


@pytest.fixture(params=DATABASES)
async def concluded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database as it was when digests were kept: one conclusion holds, one is outdated."""

    def fill(connection: Connection) -> None:
        fill_all(connection)
        connection.execute(text("UPDATE inspection SET operations = 30"))
        connection.execute(text("UPDATE conclusion SET digest = 'x' WHERE inspection_id = '2'"))

    engine = await made(request, tmp_path, "0030", fill)
    yield engine
    await engine.dispose()


async def test_a_conclusion_that_holds_notes_how_many_operations_counted(
    concluded: AsyncEngine,
) -> None:
    await db.upgrade(concluded)

    async with concluded.connect() as connection:
        query = "SELECT inspection_id, digest, operations FROM conclusion ORDER BY inspection_id"
        rows = [tuple(row) for row in await connection.execute(text(query))]
    assert rows == [("1", "1", 30), ("2", "x", -1)]
