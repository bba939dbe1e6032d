"""docs/how-to/correct-what-is-published.md is run as written, on a result that was published."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pages
from conftest import NOW, Clock, Office
from visits import DIVISION, asked, clean, dispatched

from backend import db
from backend.app import create_app
from backend.settings import Settings

PAGE = pages.page("correct-what-is-published.md")
BEFORE = (
    """
set -euo pipefail
exec 2>&1
export PATH=$PWD/.venv/bin:$PATH EVENHAND_LANG=en EVENHAND_PASSWORD='correct horse battery'
export EVENHAND_DATABASE_URL=sqlite:///$FOLDER/evenhand.db EVENHAND_DATA_DIR=$FOLDER/data
export EVENHAND_CONFIG_DIR=$FOLDER/config INSPECTION={inspection}
cd "$FOLDER"
OFFICER=song
"""
    + pages.SERVED
)


async def published(folder: Path) -> str:
    """Publish the result of an inspection of today and name it."""
    given = Settings(
        database_url=f"sqlite+aiosqlite:///{folder}/evenhand.db", data_dir=folder / "data",
        password_time=1, password_memory_kib=8, password_lanes=1,
    )  # fmt: skip
    engine = db.connect(given.database_url)
    await db.upgrade(engine)
    clock = Clock(NOW)
    app = create_app(given, engine=engine, now=clock)
    async with app.lifespan():
        office = Office(app, given, clock)
        task, *_ = await dispatched(office)
        clock.at = datetime.now(UTC)
        await clean(office, task)
        supervisor = await office.login(await office.account("supervisor", DIVISION, name="song"))
        reviewer = await office.login(await office.account("reviewer", DIVISION, name="rui"))
        await asked(supervisor, f"/office/inspections/{task.id}/conclusion", {})
        await asked(reviewer, f"/office/inspections/{task.id}/review", {"approve": True})
        await asked(reviewer, "/office/publications", {})
        await office.close()
    return task.id


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    inspection = asyncio.run(published(tmp_path))

    ran = pages.run(PAGE, BEFORE.format(inspection=inspection), tmp_path)

    assert len(ran) == 2
    assert pages.not_printed(ran) == []


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(PAGE) == set()
