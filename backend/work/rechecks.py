"""复查范围: what a recheck asks, all or only what must be checked again (decision 0031)."""

from collections.abc import Sequence

from sqlmodel import select

from backend.db import Session
from backend.tables import Checklist as ChecklistRow
from backend.tables import Rectification, Task
from backend.work.orders import open_items
from sync.checklist import Asks, Checklist, asked
from sync.origins import Origin
from sync.refusals import Reason, Refused


async def scope(
    db: Session,
    origin: Origin,
    *,
    before: Task | None,
    brought: Sequence[Checklist],
    must: Sequence[str],
    said: Asks | None,
) -> tuple[Sequence[str], Asks]:
    """Choose what a visit may not leave out, and whether it asks anything else.

    Unless the office has said, a recheck asks less than all if every checklist has it so. What must
    be checked again is what the office names, or else what the order of the visit `before` left.
    """
    asks = said or _usual(origin, brought)
    if asks == "whole":
        return must, asks
    wanted = must or await _left(db, before, brought)
    if origin == "recheck" and wanted:
        return wanted, asks
    if said is None:  # nothing is open any more: somebody wants to see it all again
        return (), "whole"
    raise Refused(Reason.TASK_NOTHING_AGAIN, origin=origin)


def _usual(origin: Origin, brought: Sequence[Checklist]) -> Asks:
    """Say what the checklists of a visit ask by themselves."""
    narrow = origin == "recheck" and all(form.recheck == "must" for form in brought)
    return "must" if narrow else "whole"


async def _left(db: Session, before: Task | None, brought: Sequence[Checklist]) -> list[str]:
    """Name what the order of a visit left open, if it is the same checklist that goes again."""
    if before is None:
        return []
    former = await db.get_one(ChecklistRow, before.checklist_digest)
    if former.code != brought[0].code:
        return []
    orders = select(Rectification.id).where(Rectification.inspection_id == before.id)
    opened = await open_items(db, list(await db.exec(orders)))
    known = asked(brought)
    return [one.item for those in opened.values() for one in those if one.item in known]
