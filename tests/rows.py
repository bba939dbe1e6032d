"""Rows that tests of the doors put into a database directly, each in a division of choice."""

from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import msgspec
from conftest import PASSWORD, Office
from httpx import AsyncClient
from sqlmodel import SQLModel

from backend import auth, db
from backend.rules import disclosure
from backend.tables import (
    Account,
    Checklist,
    Conclusion,
    Device,
    Entry,
    Establishment,
    Inspector,
    Publication,
    Replaced,
    Revision,
)
from sync.checklist import Text, canonical, digest, parse
from sync.verdict import Verdict

AT = datetime(2026, 3, 1, tzinfo=UTC)
_number = count(1)


async def put(office: Office, *rows: SQLModel) -> None:
    async with db.transaction(office.engine) as session:
        for row in rows:
            session.add(row)
            await session.flush()


async def account(office: Office, division: str) -> Account:
    hashed = await auth.hash_password(office.settings, PASSWORD)
    name = f"someone-{next(_number)}"
    row = Account(name=name, password_hash=hashed, role="reviewer", division=division)
    await put(office, row)
    return row


def revision(name: str) -> Revision:
    return Revision(
        register_name=name, source_name="test", source_sha256="0" * 64, at=AT,
        rows=1, created=1, changed=0, unchanged=0, problems="[]",
    )  # fmt: skip


async def inspector(office: Office, division: str) -> Inspector:
    batch = revision("inspectors")
    row = Inspector(
        certificate=f"33-{next(_number):06}", name="李明", department="食品科",
        division=division, valid_from=date(2020, 1, 1), valid_to=date(2030, 1, 1),
        revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, row)
    return row


async def establishment(office: Office, division: str) -> Establishment:
    batch = revision("establishments")
    row = Establishment(
        code=f"E{next(_number):06}", name="城东菜市场", category="market",
        division=division, revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, row)
    return row


async def new_complaint(office: Office, division: str) -> dict[str, str]:
    """Say what a hotline passes on of an establishment there."""
    site = await establishment(office, division)
    return {
        "number": f"12315-{next(_number):06}", "kind": "complaint", "channel": "12315",
        "received_on": "2026-02-27", "code": site.code, "matter": "买到过期食品",
    }  # fmt: skip


async def device(office: Office, division: str) -> Device:
    owner = await inspector(office, division)
    row = Device(
        inspector_id=owner.id, label="test", public_key="0" * 64, enrolled_at=AT,
        head_hash="0" * 64,
    )  # fmt: skip
    await put(office, row)
    return row


async def held(office: Office, division: str) -> Device:
    """Give a revoked device with one operation that came too late."""
    row = await device(office, division)
    row.revoked_at = AT
    late = Entry(
        device_id=row.id, n=1, position=next(_number), inspection_id="nowhere",
        kind="void/1", hash="0" * 64, root="0" * 64, verdict="quarantined",
        why="device.revoked", raw=b'{"n":1,"t":"void/1","e":"nowhere"}', received_at=AT,
    )  # fmt: skip
    async with db.transaction(office.engine) as session:
        await session.merge(row)
        session.add(late)
    return row


# -- a bureau that works: made through its own door, as far as is asked for --------------------

FIXTURES = Path(__file__).parents[1] / "fixtures"
CATALOGUE = FIXTURES / "catalogues" / "food.toml"
DIGITS = "31415926535897932384"
ORDER = {"dice": [{"ceremony": "hall-1"}]}
TYPED = {"source": "dice:hall-1", "value": DIGITS}
HOLD = {"digits": {"dice:hall-1": DIGITS}}


async def checklist(office: Office) -> str:
    """Release the checklist of cold stores, unless it is released already."""
    parsed = parse((FIXTURES / "checklists" / "cold_store.toml").read_bytes())
    async with db.transaction(office.engine) as session:
        if await session.get(Checklist, digest(parsed)) is None:
            session.add(
                Checklist(
                    digest=digest(parsed), code=parsed.code, version=parsed.version,
                    title_en=parsed.title.en, title_zh=parsed.title.zh,
                    body=canonical(parsed).decode(), released_at=AT,
                )
            )  # fmt: skip
    return digest(parsed)


def new_plan(checklist: str, division: str) -> dict[str, object]:
    return {
        "title": "2026 年冷库抽查",
        "division": division,
        "category": "market",
        "checklists": {"*": checklist},
        "opens_on": "2026-03-09",
        "closes_on": "2026-03-31",
        "rate": [3, 100],
        "minimum": 1,
    }


async def plan(office: Office, division: str) -> tuple[AsyncClient, str]:
    """Plan one inspection among two sites and two inspectors of a division."""
    for _ in range(2):
        await establishment(office, division)
        await inspector(office, division)
    supervisor = await office.officer("supervisor", division)
    order = new_plan(await checklist(office), division)
    return supervisor, (await _done(supervisor, "/office/plans", order))["id"]


async def committed(office: Office, division: str) -> tuple[AsyncClient, str, str]:
    supervisor, planned = await plan(office, division)
    done = await _done(supervisor, f"/office/plans/{planned}/draws", ORDER)
    return supervisor, planned, done["id"]


async def typed(office: Office, division: str) -> tuple[AsyncClient, str, str]:
    supervisor, planned, draw = await committed(office, division)
    second = await office.officer("reviewer", division)
    await _done(second, f"/office/draws/{draw}/typings", TYPED)
    return supervisor, planned, draw


async def drawn(office: Office, division: str) -> tuple[AsyncClient, str, str]:
    supervisor, planned, draw = await typed(office, division)
    await _done(supervisor, f"/office/draws/{draw}/hold", HOLD)
    return supervisor, planned, draw


async def dispatched(office: Office, division: str) -> str:
    """Send one task out and name it; its inspection has the same name."""
    supervisor, planned, _ = await drawn(office, division)
    await _done(supervisor, f"/office/plans/{planned}/dispatch", None)
    tasks = (await supervisor.get(f"/office/plans/{planned}/tasks")).json()
    return str(tasks[0]["id"])


async def corrected(office: Office, division: str, inspection: str) -> None:
    """Publish of an inspection that is nowhere recorded, and correct what is published."""
    someone = await account(office, division)
    said = disclosure.Said("none-found", Text("No problems found", "未发现问题"))
    verdict = Verdict("", "", 0, 0, 0, 0, 0, (), (), (), ())
    first = disclosure.Result(
        id=inspection,
        site=disclosure.Site("E000000", "城东菜市场", "market", division),
        checklist=disclosure.Form("cold-store-daily", "1", "0" * 64, Text("Form", "检查表")),
        outcome=None,
        result=said,
        counts=disclosure.Counts(passed=1, failed=0, not_applicable=0),
        failed=(),
        order=None,
        formed_on=AT.date(),
        due_on=AT.date(),
        published_on=AT.date(),
        photos=(),
        draw=None,
    )
    body = msgspec.json.encode(first).decode()
    kept = {"inspection_id": inspection, "body": body, "sha256": "0" * 64, "published_at": AT}
    await put(
        office,
        Conclusion(
            inspection_id=inspection, digest="", outcome="", n=2, result="none-found",
            result_list="national 2026.1",
            computed=msgspec.json.encode(verdict).decode(), concluded_by=someone.id,
            concluded_at=AT,
        ),
        Replaced(**kept, n=1, replaced_at=AT),
        Publication(**kept, n=2, due_on=AT.date()),
    )  # fmt: skip


async def new_task(office: Office, division: str) -> dict[str, object]:
    """Order a visit of a division's establishment by two of its inspectors."""
    lead, second = [await inspector(office, division) for _ in range(2)]
    return {
        "code": (await establishment(office, division)).code,
        "checklist": await checklist(office),
        "lead": lead.certificate,
        "second": second.certificate,
        "origin": "return",
        "reason": "回访整改情况",
        "opens_on": "2026-03-02",
        "closes_on": "2026-03-06",
    }


def place(division: str) -> dict[str, object]:
    """Describe a place that nobody registered."""
    return {"name": "无名冷库", "address": "河滨路8号", "category": "market", "division": division}


async def provisional(office: Office, division: str) -> str:
    """Write down a place that nobody registered and give its code."""
    supervisor = await office.officer("supervisor", division)
    answer = await supervisor.post("/office/provisional", json=place(division))
    assert answer.is_success, answer.text
    return str(answer.json()["code"])


async def assigned(office: Office, division: str) -> str:
    """Send a pair somewhere without a draw and name the task."""
    supervisor = await office.officer("supervisor", division)
    order = await new_task(office, division)
    answer = await supervisor.post("/office/tasks", json=order)
    assert answer.is_success, answer.text
    return str(answer.json()["tasks"][0]["id"])


async def _done(client: AsyncClient, path: str, body: object) -> dict[str, str]:
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    done: dict[str, str] = answer.json()
    return done
