"""docs/how-to/follow-up.md is run as written, on inspections of today and of long ago."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pages
from conftest import NOW, Clock, Office
from sqlmodel import select
from visits import DIVISION, Visit, asked, dispatched, photo, store

from backend import db
from backend.app import create_app
from backend.settings import Settings
from backend.tables import Inspector

PAGE = pages.page("follow-up.md")
BEFORE = (
    """
set -euo pipefail
exec 2>&1
export PATH=$PWD/.venv/bin:$PATH EVENHAND_LANG=en EVENHAND_PASSWORD='correct horse battery'
export EVENHAND_DATABASE_URL=sqlite:///$FOLDER/evenhand.db EVENHAND_DATA_DIR=$FOLDER/data
export EVENHAND_CONFIG_DIR=$FOLDER/config
field() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }}
export ORDER={order} INSPECTION={inspection} CODE={code}
cd "$FOLDER"
OFFICER=song
"""
    + pages.SERVED
)


async def inspected(folder: Path) -> dict[str, str]:
    """Conclude an inspection in March, whose term has passed, and another one now."""
    url = f"sqlite+aiosqlite:///{folder}/evenhand.db"
    given = Settings(
        database_url=url, data_dir=folder / "data",
        password_time=1, password_memory_kib=8, password_lanes=1,
    )  # fmt: skip
    engine = db.connect(url)
    await db.upgrade(engine)
    clock = Clock(NOW)
    app = create_app(given, engine=engine, now=clock)
    async with app.lifespan():
        office = Office(app, given, clock)
        old, new, *_ = await dispatched(office)
        async with db.transaction(engine) as session:
            for one in await session.exec(select(Inspector)):
                one.valid_to = date(2999, 12, 31)  # whenever this test is run
                session.add(one)
        shown: list[dict[str, Any]] = []
        await office.account("supervisor", DIVISION, name="song")
        for task, now, failed in ((old, NOW, ("3.4",)), (new, datetime.now(UTC), ("1.1", "3.4"))):
            clock.at = now
            visit, body = Visit(task), photo(task.place)
            visit.answer_all("lead", **{f"i{ref.replace('.', '_')}": "fail" for ref in failed})
            visit.attach("second", body, item="1.1")
            visit.sign("lead", "second")
            await visit.arrive(office)
            await store(office, body)
            supervisor = await office.officer("supervisor", DIVISION)
            path = f"/office/inspections/{task.id}/conclusion"
            shown.append(await asked(supervisor, path, {}))
        await office.close()
    return {
        "order": shown[1]["order"]["id"],
        "inspection": shown[0]["id"],
        "code": shown[0]["code"],
    }


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    known = asyncio.run(inspected(tmp_path))

    before = BEFORE.format(**known)
    ran = pages.run(PAGE, before, tmp_path)

    assert len(ran) == 6
    assert pages.not_printed(ran) == []


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(PAGE) == set()
