"""导入进度: who sent a register sees how far its import is, and nobody else does."""

import asyncio
from io import BytesIO
from pathlib import Path

from conftest import Office
from httpx import AsyncClient

from backend import progress
from backend.wire import ProgressView

FIXTURES = Path(__file__).parents[2] / "fixtures"
MAPPING = (FIXTURES / "mappings" / "own.toml").read_bytes()
HEADER = "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
NAME = "0199a000-0000-7000-8000-000000000001"
ROWS = 50_000


def register(rows: int) -> bytes:
    lines = (f"33010{n:010},商行{n},冷库,330106,人民路{n}号,B,存续,,\n" for n in range(rows))
    return (HEADER + "".join(lines)).encode()


async def send(admin: AsyncClient, body: bytes, name: str = NAME) -> int:
    answer = await admin.post(
        "/office/registers/establishments",
        files={"mapping": (None, MAPPING), "files": ("a.csv", body, "text/csv")},
        headers={"Evenhand-Progress": name},
    )
    return answer.status_code


async def asked(client: AsyncClient, name: str = NAME) -> dict[str, object] | None:
    answer = await client.get(f"/office/registers/progress/{name}")
    found: dict[str, object] = answer.json()
    return found if answer.status_code == 200 else None


async def test_rows_grow_while_an_import_is_read_and_its_end_is_told(office: Office) -> None:
    admin = await office.officer("admin")
    body = register(ROWS)

    sending = asyncio.create_task(send(admin, body))
    seen: list[dict[str, object]] = []
    while not sending.done():
        if (state := await asked(admin)) is not None:
            seen.append(state)
        await asyncio.sleep(0)
    status, last = sending.result(), await asked(admin)

    rows = [int(str(one["rows"])) for one in seen if one["phase"] == "reading"]
    assert status == 201
    assert len(set(rows)) > 3
    assert rows == sorted(rows)
    assert any(0 < int(str(one["bytes"])) < len(body) for one in seen)
    assert {one["total_bytes"] for one in seen} == {len(body)}
    assert last == {"phase": "done", "bytes": len(body), "total_bytes": len(body), "rows": ROWS}


async def test_nobody_sees_the_progress_of_somebody_else(office: Office) -> None:
    admin, other = await office.officer("admin"), await office.officer("admin")

    assert await send(admin, register(3)) == 201

    assert await asked(admin) is not None
    assert await asked(other) is None


async def test_an_import_that_is_refused_says_that_it_failed(office: Office) -> None:
    admin = await office.officer("admin")

    status = await send(admin, b"x\n1\n")
    state = await asked(admin)

    assert status == 400
    assert state is not None
    assert state["phase"] == "failed"


async def test_a_name_that_is_none_is_refused(office: Office) -> None:
    admin = await office.officer("admin")

    assert await send(admin, register(3), "../x") == 400


def test_only_the_newest_imports_are_remembered() -> None:
    for n in range(progress.KEPT_MAX + 1):
        with progress.watched("somebody", f"{n}", [("a", BytesIO(b"x"))]):
            pass

    assert progress.find("0") is None
    assert progress.find("1") == ProgressView("done", bytes=0, total_bytes=1, rows=0)
    assert progress.find(f"{progress.KEPT_MAX}") is not None
