"""An import that is killed anywhere leaves the old register, and runs again as if never begun."""

import asyncio
import os
import signal
import sys
from io import BytesIO
from pathlib import Path

import pytest
from conftest import Office
from sqlmodel import func, select

from backend import db
from backend.auth import Officer
from backend.tables import Establishment, EstablishmentVersion, Revision
from backend.work import registers
from backend.work.staging import Policy

FIXTURES = Path(__file__).parents[2] / "fixtures"
NATION = Officer(id="", name="test", role="admin", division="")
ROWS = 3_000
IMPORT = """
import asyncio, sys
from datetime import UTC, datetime
from backend import db, progress
from backend.auth import Officer
from backend.work import registers

enter = progress.enter

def told(phase):
    print(phase, flush=True)
    enter(phase)

async def main(url, path, policy):
    progress.enter = told
    engine = db.connect(url)
    officer = Officer(id="", name="test", role="admin", division="")
    with open(path, "rb") as file:
        async with db.transaction(engine) as session:
            await registers.import_register(
                session, officer, "establishments", [("a.csv", file)],
                now=datetime(2026, 3, 2, tzinfo=UTC), policy=policy,
            )
    await engine.dispose()

asyncio.run(main(*sys.argv[1:]))
"""


def register(first: int, status: str) -> bytes:
    lines = ["code,name,category,division,status"]
    lines += [f"S{n:06d},店{n},market,330106001,{status}" for n in range(first, first + ROWS)]
    return "\n".join(lines).encode()


async def contents(office: Office) -> list[str]:
    async with db.transaction(office.engine, write=False) as session:
        rows = await session.exec(select(Establishment).order_by(Establishment.code))
        return [row.model_dump_json(exclude={"id", "revision_id"}) for row in rows]


async def counted(office: Office) -> tuple[int, int]:
    versions = select(func.count()).select_from(EstablishmentVersion)
    async with db.transaction(office.engine, write=False) as session:
        revisions = (await session.exec(select(func.count()).select_from(Revision))).one()
        return revisions, (await session.exec(versions)).one()


async def imported(office: Office, body: bytes, policy: Policy = "keep") -> None:
    async with db.transaction(office.engine) as session:
        await registers.import_register(
            session, NATION, "establishments", [("a.csv", BytesIO(body))],
            now=office.clock(), policy=policy,
        )  # fmt: skip


async def killed(url: str, path: Path, policy: Policy, phase: str, after: float) -> None:
    """Import in a process of its own, and kill it some seconds after it began a phase."""
    root = str(FIXTURES.parent)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IMPORT, url, str(path), policy,
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": root}, cwd=root,
    )  # fmt: skip
    assert process.stdout is not None
    while (line := await process.stdout.readline()) != phase.encode() + b"\n":
        assert line, "it ended before the phase began"
    await asyncio.wait([asyncio.create_task(process.wait())], timeout=after)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


@pytest.mark.parametrize(
    ("policy", "phase", "after"),
    [
        ("keep", "reading", 0.0), ("mark", "comparing", 0.0), ("close", "comparing", 0.0),
        ("keep", "writing", 0.0), ("mark", "writing", 0.0), ("close", "writing", 0.0),
        ("close", "writing", 0.05),
    ],
)  # fmt: skip
async def test_a_killed_import_leaves_the_old_register_and_can_be_run_again(
    office: Office, database_url: str, tmp_path: Path, policy: Policy, phase: str, after: float
) -> None:
    new = register(ROWS // 3, "suspended")
    (tmp_path / "new.csv").write_bytes(new)
    await imported(office, register(0, "active"))
    before = await contents(office), await counted(office)

    await killed(database_url, tmp_path / "new.csv", policy, phase, after)
    left = await contents(office), await counted(office)
    await imported(office, new, policy)
    again = await contents(office), await counted(office)

    committed = left != before  # it may be killed between the commit and its last word
    changed = ROWS - ROWS // 3 + (ROWS // 3 if policy != "keep" else 0)
    assert phase == "writing" or not committed
    assert left[1] == ((2, changed) if committed else (1, 0))
    assert again[1] == (3 if committed else 2, changed)
    assert len(again[0]) == ROWS + ROWS // 3
    assert [n for n, row in enumerate(again[0]) if '"status":"active"' in row] == (
        [] if policy == "close" else list(range(ROWS // 3))
    )
