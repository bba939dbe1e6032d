"""执法文书 at the office: from what went to the devices, and what came from them."""

import asyncio

from sqlmodel import col, select

from backend.auth import Officer, may_see
from backend.blobs import Blobs
from backend.db import Session
from backend.prints.paper_words import Language, What
from backend.settings import Settings
from backend.tables import Catalogue, Feed
from backend.work import cases, folds
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
    task = await db.get(Feed, (f"i:{inspection_id}", "task", inspection_id))
    if not ops or task is None:
        raise Refused(Reason.INSPECTION_NOT_BEGUN, inspection=inspection_id)
    if task.gone:
        raise Refused(Reason.TASK_WITHDRAWN, inspection=inspection_id)
    told = await db.get(Feed, (f"i:{inspection_id}", "decision", inspection_id))
    quoted = {one.catalogue for one in case.state.findings if one.catalogue}
    released = await db.exec(select(Catalogue).where(col(Catalogue.digest).in_(quoted)))
    catalogues = {one.digest: one.body.encode() for one in released}

    def read(digest: str) -> bytes | None:
        path = blobs.path(digest)
        return path.read_bytes() if digest in case.blobs and path.is_file() else None

    def make() -> bytes:
        try:
            from backend.prints.printing import print_paper
        except ModuleNotFoundError as missing:
            raise Refused(Reason.EXTRA_MISSING, group="print", lacks=str(missing.name)) from None
        return print_paper(
            what,
            language,
            task=task.body,
            forms=[case.checklist, *case.brought.values()],
            ops=ops,
            read=read,
            catalogue=catalogues.get,
            decision=told.body if told is not None and not told.gone else None,
            fonts=settings.font_dir,
            templates=settings.templates,
        ).pdf

    return await asyncio.to_thread(make)
