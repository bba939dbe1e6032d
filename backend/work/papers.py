"""执法文书 at the office: from what went to the devices, and what came from them."""

import asyncio
from functools import partial

import msgspec
from sqlmodel import col, select

from backend.auth import Officer, may_see
from backend.blobs import Blobs
from backend.darkroom import develop
from backend.db import Session
from backend.prints.paper_words import Language, What
from backend.rules.calendar import local_day
from backend.settings import Settings
from backend.tables import Catalogue, Draw, Feed, Relief
from backend.wire import DrawnBy, OnSite, SeatView, SiteView
from backend.work import cases, findings, folds
from backend.work.cases import Case
from backend.work.pictures import pixels_of
from sync.refusals import Reason, Refused


async def print_inspection(
    db: Session,
    blobs: Blobs,
    settings: Settings,
    inspection_id: str,
    *,
    what: What,
    language: Language,
    officer: Officer,
) -> bytes:
    """Print a document of an inspection, as a device that knows the same prints it."""
    case = await cases.load(db, inspection_id)
    may_see(officer, case.establishment.division)
    ops = (await folds.recorded(db, [inspection_id]))[inspection_id]
    if not ops:
        raise Refused(Reason.INSPECTION_NOT_BEGUN, inspection=inspection_id)
    body = await _task(db, case)
    told = await db.get(Feed, (f"i:{inspection_id}", "decision", inspection_id))
    released = await db.exec(
        select(Catalogue).where(col(Catalogue.digest).in_(findings.quoted(case.state)))
    )
    catalogues = {one.digest: one.body.encode() for one in released}

    def read(digest: str) -> bytes | None:
        if digest not in case.blobs:  # a device may have called anything a file
            return None
        path = blobs.path(digest)
        return path.read_bytes() if path.is_file() else None

    try:
        from backend.prints import facts
        from backend.prints.printing import print_paper
    except ModuleNotFoundError as missing:
        raise Refused(Reason.EXTRA_MISSING, group="print", lacks=str(missing.name)) from None
    seen: dict[str, facts.Picture] = {}
    for one in case.state.evidence:
        if one.blob in case.blobs and one.mime.startswith("image/") and one.blob not in seen:
            small = partial(facts.small, case.state, one, read)
            seen[one.blob] = await develop(pixels_of(case.blobs[one.blob]), small)

    def make() -> bytes:
        return print_paper(
            what,
            language,
            task=body,
            forms=[case.checklist, *case.brought.values()],
            ops=ops,
            read=lambda digest: None if digest in seen else read(digest),
            catalogue=catalogues.get,
            decision=told.body if told is not None and not told.gone else None,
            fonts=settings.font_dir,
            templates=settings.templates,
            seen=seen,
        ).pdf

    return await asyncio.to_thread(make)


async def _task(db: Session, case: Case) -> bytes:
    """Give a task as the devices have it; of one that they no longer have, when it went."""
    task = case.task
    row = await db.get(Feed, (f"i:{task.id}", "task", task.id))
    if row is not None and not row.gone:
        return row.body
    assert task.withdrawn_at is not None, "whoever records has a task"
    sat = select(Relief).where(Relief.task_id == task.id).order_by(Relief.department)
    seats = [
        SeatView(one.department, one.position, _person(case, one.inspector_id), "")
        for one in await db.exec(sat.order_by(Relief.position))
        if one.inspector_id in case.people  # lead, second, and whoever recorded something
    ]
    draw = await db.get(Draw, task.draw_id) if task.draw_id else None
    known: dict[str, object] = {
        "id": task.id,
        "establishment": msgspec.convert(case.establishment, SiteView, from_attributes=True),
        "lead": _person(case, task.lead_id),
        "second": _person(case, task.second_id),
        "seats": seats,
        "draw": DrawnBy(draw.id, draw.commit_hash, draw.bundle_sha256 or "") if draw else None,
        "origin": task.origin,
        "must": case.must,
        "asks": task.asks,
        "withdrawn": local_day(task.withdrawn_at).isoformat(),
    }
    return msgspec.json.encode(known)


def _person(case: Case, inspector_id: str) -> OnSite:
    one = case.people[inspector_id]
    return OnSite(one.id, one.name, one.certificate)
