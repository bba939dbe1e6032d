"""An import that is killed anywhere leaves the old register, and runs again as if never begun."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from conftest import Office
from sqlmodel import func, select

from backend import db
from backend.tables import Establishment, EstablishmentVersion, Revision

FIXTURES = Path(__file__).parents[2] / "fixtures"
IMPORT = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from backend import db
from backend.auth import Officer
from backend.work import registers

async def main(url, path, mapping):
    engine = db.connect(url)
    officer = Officer(id="", name="test", role="admin", division="")
    print("begun", flush=True)
    with open(path, "rb") as file:
        async with db.transaction(engine) as session:
            await registers.import_register(
                session, officer, "establishments", [("a.csv", file)], Path(mapping).read_bytes(),
                now=datetime(2026, 3, 2, tzinfo=UTC), policy="close",
            )
    print("done", flush=True)
    await engine.dispose()

asyncio.run(main(*sys.argv[1:]))
"""


async def contents(office: Office) -> list[str]:
    async with db.transaction(office.engine, write=False) as session:
        rows = await session.exec(select(Establishment).order_by(Establishment.code))
        return [row.model_dump_json(exclude={"id", "revision_id"}) for row in rows]


async def counted(office: Office) -> tuple[int, int]:
    async with db.transaction(office.engine, write=False) as session:
        revisions = (await session.exec(select(func.count()).select_from(Revision))).one()
        return revisions, (
            await session.exec(select(func.count()).select_from(EstablishmentVersion))
        ).one()


async def imported(url: str, path: Path, *, killed_after: float | None = None) -> bool:
    """Import in a process of its own; kill it after some seconds, and tell whether it was done."""
    root = str(FIXTURES.parent)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IMPORT, url, str(path), str(FIXTURES / "mappings" / "own.toml"),
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": root}, cwd=root,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    if killed_after is not None:
        try:
            await asyncio.wait_for(process.stdout.readline(), killed_after)
        except TimeoutError:
            process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    return await process.wait() == 0 and rest in (b"", b"done\n")


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9])
async def test_a_killed_import_leaves_the_old_register_and_can_be_run_again(
    office: Office, database_url: str, tmp_path: Path, part: float
) -> None:
    lines = (FIXTURES / "registers" / "establishments.csv").read_text("utf-8").splitlines()
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("\n".join(lines[:1500]), "utf-8")
    new.write_text("\n".join([lines[0], *lines[500:]]).replace("存续", "停业"), "utf-8")
    begun = asyncio.get_running_loop().time()
    assert await imported(database_url, old)
    took = asyncio.get_running_loop().time() - begun
    before = await contents(office), await counted(office)

    done = await imported(database_url, new, killed_after=took * part / 2)
    left = await contents(office), await counted(office)
    again = await imported(database_url, new)
    after = await contents(office), await counted(office)

    committed = left != before  # it may be killed between the commit and its last word
    assert again
    assert committed or not done
    assert left == (before if not committed else (after[0], (2, after[1][1])))
    assert after[1][0] == (3 if committed else 2)
    assert len(after[0]) == 2000
    assert after[0] != before[0]
