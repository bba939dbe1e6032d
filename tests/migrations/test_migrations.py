"""One line of migrations, from nothing to the tables as they are written, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import DATABASES, postgresql_url
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateIndex, DropIndex
from sqlmodel import SQLModel

from backend import db, search_index
from sync.refusals import Reason, Refused


@pytest.fixture(params=DATABASES)
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    else:
        server = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS empty WITH (FORCE)")
            admin.execute("CREATE DATABASE empty")
        url = postgresql_url(server, "empty")
    engine = db.connect(url)
    yield engine
    await engine.dispose()


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(db.migrations()))
    return ScriptDirectory.from_config(config)


def in_the_tables(name: str | None, kind: str, _: object) -> bool:
    """Leave out what only one kind of database has."""
    return name not in (*search_index.OWN_TABLES, search_index.OWN_INDEX)


def alike_everywhere(_: object, name: str | None, *__: object) -> bool:
    """Leave out what each kind of database has in its own words."""
    return name != "ix_establishment_frame"


def test_the_migrations_form_one_line_numbered_in_order() -> None:
    line = [script.revision for script in reversed(list(scripts().walk_revisions()))]

    assert line == [f"{number:04}" for number in range(1, len(line) + 1)]
    assert scripts().get_heads() == [db.newest()]


def test_no_migration_goes_back() -> None:
    for script in scripts().walk_revisions():
        assert not hasattr(script.module, "downgrade"), script.revision


async def test_an_empty_database_comes_to_the_newest_schema_and_may_be_upgraded_again(
    empty: AsyncEngine,
) -> None:
    await db.upgrade(empty)
    async with db.transaction(empty) as session:
        first = await db.head(session)
    await db.upgrade(empty)

    await db.check(empty)
    async with db.transaction(empty) as session:
        again = await db.head(session)
    assert again.epoch == first.epoch
    assert again.secret_key == first.secret_key
    assert (again.ledger_root, again.act_hash) == (db.GENESIS, db.GENESIS)


async def test_the_migrated_schema_is_what_the_tables_say(empty: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[object]:
        opts = {
            "compare_type": True, "include_name": in_the_tables, "include_object": alike_everywhere,
        }  # fmt: skip
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, SQLModel.metadata))

    await db.upgrade(empty)
    async with empty.connect() as connection:
        found = await connection.run_sync(differences)

    assert found == []


async def test_the_index_of_frames_is_the_same_by_the_tables_and_by_the_migrations(
    empty: AsyncEngine,
) -> None:
    on_sqlite, name = empty.dialect.name == "sqlite", "ix_establishment_frame"
    asked = "SELECT indexdef FROM pg_indexes WHERE indexname = $1"
    if on_sqlite:
        asked = "SELECT sql FROM sqlite_master WHERE name = $1"
    (ours,) = [
        index
        for index in SQLModel.metadata.tables["establishment"].indexes
        if index.name == name and bool(index.dialect_options["postgresql"]["include"]) != on_sqlite
    ]
    await db.upgrade(empty)

    (migrated,) = await db.glance(empty, asked, name)
    async with empty.begin() as connection:
        await connection.execute(DropIndex(ours))
        await connection.execute(CreateIndex(ours))
    (written,) = await db.glance(empty, asked, name)

    assert tuple(migrated) == tuple(written)


async def test_an_old_or_empty_database_is_refused(empty: AsyncEngine) -> None:
    with pytest.raises(Refused) as refusal:
        await db.check(empty)

    assert refusal.value.reason is Reason.SCHEMA_BEHIND
    assert refusal.value.details == {"found": "none", "newest": db.newest()}
