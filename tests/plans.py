"""Plans for the tests of plans and draws: their registers, and the way to a draw that was held."""

from datetime import date
from pathlib import Path
from typing import Any

from conftest import NOW, Office
from httpx import AsyncClient, Response
from sqlmodel import select

from backend import db
from backend.rules import draw
from backend.rules.bundle import Files
from backend.tables import Checklist, Establishment, Inspector, Piece, Recusal, Revision
from sync import checklist

DIGEST = "c0" * 32
SHIPPED = Path(__file__).parents[1] / "fixtures" / "checklists" / "cold_store.toml"
FORM = checklist.canonical(checklist.parse(SHIPPED.read_bytes())).decode()
NONCES = {"notary": "22" * 32, "regulator": "11" * 32}
DIGITS = "31415926535897932384"
PLAN = {
    "title": "2026 年冷库抽查",
    "division": "310101",
    "category": "cold-store",
    "checklists": {"*": "cold-store"},
    "opens_on": "2026-03-09",
    "closes_on": "2026-03-31",
    "rate": [3, 100],
    "minimum": 4,
}
ORDER = {
    "dice": [{"ceremony": "hall-1"}],
    "nonce_commits": {who: draw.nonce_commitment(who, nonce) for who, nonce in NONCES.items()},
}
HOLD = {
    "digits": {"dice:hall-1": DIGITS},
    "nonces": NONCES,
}


async def registers(office: Office) -> None:
    """Fifty establishments and eight inspectors of 310101, and one released checklist."""
    revision = Revision(
        register_name="establishments", source_name="test.csv", source_sha256="0" * 64,
        at=NOW, rows=0, created=0, changed=0, unchanged=0, problems="[]",
    )  # fmt: skip
    sites = [
        Establishment(
            code=f"91310101{n:010d}" if n % 5 else f"食摊-{n:04d}",
            name=f"第{n}冷库",
            category="cold-store" if n % 10 else "market",
            division="310101001" if n % 2 else "310101002",
            status="active" if n % 12 else "closed",
            revision_id=revision.id,
        )
        for n in range(1, 51)
    ]
    inspectors = [
        Inspector(
            certificate=f"沪A{n:04d}", name=f"检查员{n}", department="market", division="310101",
            qualifications="food" if n % 2 else "", cap=3, valid_from=date(2024, 1, 1),
            valid_to=date(2027, 1, 1) if n < 8 else date(2026, 3, 10), revision_id=revision.id,
        )
        for n in range(1, 9)
    ]  # fmt: skip
    released = Checklist(
        digest=DIGEST, code="cold-store", version="2026.1", title_en="Cold stores",
        title_zh="冷库检查表", body=FORM, released_at=NOW,
    )  # fmt: skip
    async with db.transaction(office.engine) as session:
        session.add_all([revision, released])
        await session.flush()
        session.add_all([*sites, *inspectors])
        await session.flush()
        session.add(
            Recusal(
                code=sites[0].code,
                certificate=inspectors[0].certificate,
                reason="sister's shop",
                revision_id=revision.id,
            )
        )


async def planned(client: AsyncClient, **changes: Any) -> str:
    answer = await client.post("/office/plans", json=PLAN | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def committed(client: AsyncClient, plan: str, **changes: Any) -> str:
    answer = await client.post(f"/office/plans/{plan}/draws", json=ORDER | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def hold(
    office: Office, client: AsyncClient, draw_id: str, order: dict[str, Any] = HOLD
) -> Response:
    """Hold a draw when a second officer has typed the digits too."""
    second = await office.officer("reviewer")
    for source, value in order["digits"].items():
        what = {"source": source, "value": value}
        await second.post(f"/office/draws/{draw_id}/typings", json=what)
    return await client.post(f"/office/draws/{draw_id}/hold", json=order)


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


async def files_of(office: Office, draw_id: str) -> Files:
    """Load a bundle with what only the office has."""
    async with db.transaction(office.engine, write=False) as session:
        rows = await session.exec(select(Piece).where(Piece.draw_id == draw_id))
        return {row.name: row.body for row in rows}
