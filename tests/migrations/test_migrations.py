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
        opts = {"compare_type": True, "include_name": in_the_tables}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, SQLModel.metadata))

    await db.upgrade(empty)
    async with empty.connect() as connection:
        found = await connection.run_sync(differences)

    assert found == []


async def test_an_old_or_empty_database_is_refused(empty: AsyncEngine) -> None:
    with pytest.raises(Refused) as refusal:
        await db.check(empty)

    assert refusal.value.reason is Reason.SCHEMA_BEHIND
    assert refusal.value.details == {"found": "none", "newest": db.newest()}
