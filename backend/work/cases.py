"""One inspection (现场检查) with all that decisions on it need."""

from datetime import date

import msgspec
from msgspec import Struct
from sqlmodel import col, select

from backend.db import Session, head
from backend.rules.calendar import due, local_day
from backend.rules.results import Part
from backend.tables import (
    Blob,
    Conclusion,
    Establishment,
    Inspection,
    Inspector,
    Publication,
    Rectification,
    Seat,
    Task,
)
from backend.tables import Checklist as ChecklistRow
from backend.wire import Stage
from backend.work import folds, mergers
from backend.work.calendars import working_days
from sync import checklist, merge, taking_part
from sync.checklist import Checklist, Item, named
from sync.refusals import Reason, Refused
from sync.verdict import Verdict, judge_visit

PUBLISH_DAYS = 20  # working days after the result; 总局令第49号, article 39


class Case(Struct, frozen=True):
    """One inspection with all that decisions on it need."""

    task: Task
    establishment: Establishment
    checklist: Checklist
    brought: dict[str, Checklist]  # by partner departments, by digest
    bringing: dict[str, tuple[str, ...]]  # who brings them
    inspection: Inspection | None
    state: merge.Inspection
    taking: tuple[taking_part.Part, ...]  # what lead and second did on their own devices
    blobs: dict[str, Blob]
    people: dict[str, Inspector]
    conclusion: Conclusion | None
    order: Rectification | None
    published: bool  # what was concluded last
    publication: Publication | None  # of that, or of what was concluded before

    @property
    def items(self) -> dict[str, Item]:
        """Give every item that is asked on the visit by its name in the inspection."""
        own = {item.ref: item for item in self.checklist.items}
        return own | {
            named(one, item.ref): item for one in self.brought.values() for item in one.items
        }

    @property
    def parts(self) -> list[Part]:
        """Judge what each partner brings by its own checklist."""
        judged = zip(self.brought, self._judged[1:], strict=True)
        return [Part(self.bringing[digest], digest, one) for digest, one in judged]

    @property
    def verdict(self) -> Verdict:
        """Judge the inspection by its own checklist, and a recheck by all that it is for."""
        return self._judged[0]

    @property
    def _judged(self) -> list[Verdict]:
        narrow = self.task.asks == "must"
        those = [self.checklist, *self.brought.values()]
        return judge_visit(those, self.state, must=self.must, narrow=narrow)

    @property
    def must(self) -> tuple[str, ...]:
        """Name what may not be left out this time (必查项目)."""
        return msgspec.json.decode(self.task.must, type=tuple[str, ...])

    @property
    def stage(self) -> Stage:
        """Say how far it has come."""
        return stage(self.inspection, self.conclusion, published=self.published)

    @property
    def current(self) -> bool:
        """Tell whether the inspection still is what was concluded."""
        assert self.conclusion is not None
        return self.inspection is not None and self.digest == self.conclusion.digest

    @property
    def digest(self) -> str:
        """Name the state of the inspection, as signers do."""
        return merge.digest(self.state)


async def load(db: Session, inspection_id: str, *, lock: bool = False) -> Case:
    """Load an inspection; `lock` holds it against arriving operations and other officers."""
    if lock:
        await head(db)  # first, as an exchange does: so neither waits for the other in a circle
    query = (
        select(Task, Establishment, ChecklistRow)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(ChecklistRow, col(ChecklistRow.digest) == Task.checklist_digest)
        .where(Task.id == inspection_id)
    )
    found = (await db.exec(query.with_for_update(of=Task) if lock else query)).first()
    if found is None:
        raise Refused(Reason.INSPECTION_NOT_FOUND, inspection=inspection_id)
    task, chosen, released = found
    inspection = await db.get(Inspection, task.id, with_for_update=lock or None)
    known = (await folds.recorded(db, [task.id]))[task.id]
    state = merge.fold(known)
    names = {one.blob for one in state.evidence}
    blobs = await db.exec(select(Blob).where(col(Blob.sha256).in_(names)))
    seats = (await db.exec(select(Seat).where(Seat.task_id == task.id))).all()
    others = {one.checklist_digest for one in seats} - {task.checklist_digest}
    brought = select(ChecklistRow).where(col(ChecklistRow.digest).in_(others))
    whose = {task.lead_id, task.second_id} | {one.inspector_id for one in seats} | _who(state)
    people = await db.exec(select(Inspector).where(col(Inspector.id).in_(whose)))
    conclusion = await db.get(Conclusion, task.id, with_for_update=lock or None)
    out = await db.get(Publication, task.id)
    orders = select(Rectification).where(Rectification.inspection_id == task.id)
    return Case(
        task=task,
        establishment=(await mergers.followed(db, [(task, chosen)]))[task.id],
        checklist=await _followed(db, state, released),
        brought={
            one.digest: checklist.load(one.body)
            for one in await db.exec(brought.order_by(col(ChecklistRow.digest)))
        },
        bringing={
            digest: tuple(
                sorted({one.department for one in seats if one.checklist_digest == digest})
            )
            for digest in others
        },
        inspection=inspection,
        state=state,
        taking=taking_part.parts({"lead": task.lead_id, "second": task.second_id}, known),
        blobs={one.sha256: one for one in blobs},
        people={one.id: one for one in people},
        conclusion=conclusion,
        order=(await db.exec(orders)).first(),
        published=out is not None and conclusion is not None and out.n == conclusion.n,
        publication=out,
    )


def stage(
    inspection: Inspection | None, conclusion: Conclusion | None, *, published: bool
) -> Stage:
    """Say how far an inspection has come."""
    if published:
        return "published"
    if conclusion is not None:
        if conclusion.reviewed_at is None:
            return "concluded"
        return "approved" if conclusion.approved else "returned"
    if inspection is None:
        return "assigned"
    return "signed" if inspection.signed else "recording"


async def _followed(db: Session, state: merge.Inspection, own: ChecklistRow) -> Checklist:
    """Give the version of the checklist that the inspectors follow; the task's own by default."""
    followed = await db.get(ChecklistRow, state.followed) if state.followed else None
    return checklist.load((followed or own).body)


def publish_by(conclusion: Conclusion) -> date:
    """Give the last day for publishing a result."""
    return due(local_day(conclusion.concluded_at), PUBLISH_DAYS, working_days())


def _who(state: merge.Inspection) -> set[str]:
    said = {said.who for item in state.items.values() for said in item.standing + item.overruled}
    signed = {one.who for one in state.signatures}
    on_site = {one.who for one in state.recorded}
    return said | signed | on_site | {one.who for one in state.findings + state.evidence}
