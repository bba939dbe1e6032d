"""Rows that were there before a migration are there after it, under their new names."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from conftest import DATABASES, postgresql_url
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db

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


@pytest.fixture(params=DATABASES)
async def older(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database as it was before every register had versions, with rows in it."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/older.db"
    else:
        server = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS older WITH (FORCE)")
            admin.execute("CREATE DATABASE older")
        url = postgresql_url(server, "older")

    def fill(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(db.migrations()))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for id, name in (("r0", "establishments"), ("r1", "establishments"), ("r2", "inspectors"),
                         ("r3", "recusals")):  # fmt: skip
            connection.execute(text(REVISION), {"id": id, "name": name})
        for id, code in (("e1", "S1"), ("e2", "S2")):
            connection.execute(text(PLACE), {"id": id, "code": code})
        for statement in (PERSON, VERSION):
            connection.execute(text(statement))
        pairs = "INSERT INTO recusal VALUES ('e1', 'p1', '亲属'), ('e2', 'p1', '同学')"
        connection.execute(text(pairs))

    engine = db.connect(url, foreign_keys=False)
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    await engine.dispose()
    engine = db.connect(url)
    yield engine
    await engine.dispose()


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
