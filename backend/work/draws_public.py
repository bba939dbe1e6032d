"""抽取公示: the chain of commitments and the bundles, as anyone may see them."""

from datetime import datetime
from pathlib import Path

import msgspec
from sqlmodel import col, func, select

from backend.db import Session
from backend.rules import draw_page, events, papers
from backend.rules.papers import Commit
from backend.tables import Draw, Piece, Task
from backend.wire import PublicDraw, TallyView
from backend.work import draws
from sync.refusals import Reason, Refused

POLICY = draw_page.POLICY


async def list_public_draws(db: Session, agency: str, now: datetime) -> list[PublicDraw]:
    """List an agency's chain of commitments, void ones too; every agency's if none is named."""
    query = select(Draw).order_by(Draw.agency, col(Draw.seq))
    if agency:
        query = query.where(Draw.agency == agency)
    rows = (await db.exec(query)).all()
    kept = select(Piece.draw_id, Piece.body).join(Draw, col(Draw.id) == Piece.draw_id)
    over = kept.where(col(Draw.drawn_at).is_not(None) | (Draw.status == "void"))
    logs = {
        id: papers.read_log(body)
        for id, body in (await db.exec(over.where(Piece.name == "log.ndjson"))).all()
    }
    count = select(Task.draw_id, func.count()).where(col(Task.withdrawn_at).is_(None))
    listed = dict((await db.exec(count.group_by(Task.draw_id))).all())
    named = (await db.exec(select(Piece.draw_id, Piece.name).order_by(Piece.name))).all()
    names: dict[str, list[str]] = {}
    for draw_id, name in named:
        if name not in papers.AUDITOR_ONLY:
            names.setdefault(draw_id, []).append(name)
    return [
        PublicDraw(
            id=row.id,
            agency=row.agency,
            seq=row.seq,
            status=row.status,
            commit_hash=row.commit_hash,
            committed_at=row.committed_at,
            drawn_at=row.drawn_at,
            bundle_sha256=row.bundle_sha256,
            files=[
                name
                for name in names[row.id]
                if name in papers.UNSEALED or not draws.sealed(row, now)
            ],
            plan_id=row.plan_id,
            verifiable="local" not in papers.read(row.commit_json.encode(), Commit).sources,
            void_reason=logs[row.id][-1].reason if row.status == "void" else None,
            sealed_until=row.sealed_until,
            content="sealed" if draws.sealed(row, now) else "open",
            tally=msgspec.convert(
                events.tally(logs[row.id], listed[row.id]), TallyView, from_attributes=True
            )
            if row.id in listed and not draws.sealed(row, now)
            else None,
        )
        for row in rows
    ]


async def read_public_draw_file(db: Session, draw_id: str, name: str, now: datetime) -> bytes:
    """Give one file of the bundle to anyone; of a sealed one the commitment and the hashes only."""
    row = await db.get(Draw, draw_id)
    if row is None or name in papers.AUDITOR_ONLY:
        raise Refused(Reason.DRAW_NOT_FOUND, draw=draw_id, file=name)
    if draws.sealed(row, now) and name not in papers.UNSEALED:
        until = papers.moment(row.sealed_until or now)
        raise Refused(Reason.DRAW_SEALED, draw=draw_id, sealed_until=until)
    return await draws.piece(db, draw_id, name)


async def show_draw_page(db: Session, draw_id: str, now: datetime) -> bytes:
    """Give the page on which anyone verifies a draw in the browser, with what became of its list.

    Of a sealed draw nothing is told.
    """
    row = await db.get(Draw, draw_id)
    if row is None:
        raise Refused(Reason.DRAW_NOT_FOUND, draw=draw_id)
    asked = select(Piece.name, Piece.body).where(Piece.draw_id == row.id)
    told = asked.where(col(Piece.name).in_(("selection.tsv", "log.ndjson")))
    files = {} if draws.sealed(row, now) else dict((await db.exec(told)).all())
    return draw_page.write(
        draw_id,
        row.commit_hash,
        bundle=f"../draws/{draw_id}/",
        script=draw_page.SCRIPT,
        tally=events.tally_of(files) if files else None,
    )


def read_script() -> bytes:
    """Read the script of that page: inside the wheel, else beside the package."""
    inside_wheel = Path(__file__).parents[1] / "web"
    folder = inside_wheel if inside_wheel.is_dir() else Path(__file__).parents[2] / "web"
    return (folder / draw_page.SCRIPT).read_bytes()
