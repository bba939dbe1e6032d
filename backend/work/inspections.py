"""现场检查 at the office: look, conclude, review.

A conclusion holds for one state of the inspection, named by its digest. Whoever reviews it neither
concluded it nor inspected.
"""

from datetime import date, datetime

import msgspec
from msgspec import UNSET, Struct
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules.calendar import due, local_day
from backend.rules.results import RESULTS, Part, result_of
from backend.tables import (
    Account,
    Blob,
    Conclusion,
    Draw,
    Establishment,
    Inspection,
    Inspector,
    Plan,
    Publication,
    Rectification,
    Seat,
    Task,
)
from backend.tables import Checklist as ChecklistRow
from backend.wire import (
    ConclusionView,
    FindingView,
    InspectionLine,
    InspectionView,
    ItemView,
    NewConclusion,
    NewReview,
    OrderView,
    SaidView,
    SignatureView,
    Stage,
    TextView,
)
from backend.work import announcements, folds, parts, rectifications
from backend.work.calendars import working_days
from backend.work.holdings import complete, evidence_of
from backend.work.moments import moments_of
from sync import checklist, merge
from sync.checklist import Checklist, Item, named
from sync.refusals import Reason, Refused
from sync.verdict import Verdict, judge, settled

PUBLISH_DAYS = 20  # working days after the result; 总局令第49号, article 39
LISTED_MAX = 1000


class Case(Struct, frozen=True):
    """One inspection with all that decisions on it need."""

    task: Task
    establishment: Establishment
    plan: Plan
    checklist: Checklist
    brought: dict[str, Checklist]  # by partner departments, by digest
    bringing: dict[str, tuple[str, ...]]  # who brings them
    inspection: Inspection | None
    state: merge.Inspection
    blobs: dict[str, Blob]
    people: dict[str, Inspector]
    conclusion: Conclusion | None
    order: Rectification | None
    published: bool

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
        return [
            Part(self.bringing[digest], digest, judge(form, self.state, partner=True))
            for digest, form in self.brought.items()
        ]

    @property
    def stage(self) -> Stage:
        """Say how far it has come."""
        return stage(self.inspection, self.conclusion, published=self.published)

    @property
    def current(self) -> bool:
        """Tell whether the inspection still is what was concluded."""
        assert self.conclusion is not None
        return self.inspection is not None and self.inspection.digest == self.conclusion.digest


async def load(db: Session, inspection_id: str, *, lock: bool = False) -> Case:
    """Load an inspection; `lock` holds it against arriving operations and other officers."""
    if lock:
        await head(db)  # first, as an exchange does: so neither waits for the other in a circle
    query = (
        select(Task, Establishment, Plan, ChecklistRow)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Plan, col(Plan.id) == Task.plan_id)
        .join(ChecklistRow, col(ChecklistRow.digest) == Task.checklist_digest)
        .where(Task.id == inspection_id)
    )
    found = (await db.exec(query.with_for_update(of=Task) if lock else query)).first()
    if found is None:
        raise Refused(Reason.INSPECTION_NOT_FOUND, inspection=inspection_id)
    task, establishment, plan, released = found
    inspection = await db.get(Inspection, task.id, with_for_update=lock or None)
    state = (await folds.states(db, [task.id]))[task.id]
    names = {one.blob for one in state.evidence}
    blobs = await db.exec(select(Blob).where(col(Blob.sha256).in_(names)))
    seats = (await db.exec(select(Seat).where(Seat.task_id == task.id))).all()
    others = {one.checklist_digest for one in seats} - {task.checklist_digest}
    brought = select(ChecklistRow).where(col(ChecklistRow.digest).in_(others))
    whose = {task.lead_id, task.second_id} | {one.inspector_id for one in seats} | _who(state)
    people = await db.exec(select(Inspector).where(col(Inspector.id).in_(whose)))
    orders = select(Rectification).where(Rectification.inspection_id == task.id)
    return Case(
        task=task,
        establishment=establishment,
        plan=plan,
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
        blobs={one.sha256: one for one in blobs},
        people={one.id: one for one in people},
        conclusion=await db.get(Conclusion, task.id, with_for_update=lock or None),
        order=(await db.exec(orders)).first(),
        published=await db.get(Publication, task.id) is not None,
    )


async def list_inspections(db: Session, officer: Officer, now: datetime) -> list[InspectionLine]:
    """List the inspections of the officer's division, newest first."""
    query = (
        select(Task, Establishment, Inspection, Conclusion)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Draw, col(Draw.id) == Task.draw_id)
        .outerjoin(Inspection, col(Inspection.id) == Task.id)
        .outerjoin(Conclusion, col(Conclusion.inspection_id) == Task.id)
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
        .where(col(Task.withdrawn_at).is_(None) | col(Inspection.id).is_not(None))
        .where(announcements.open_to(officer, now) | col(Inspection.id).is_not(None))
        .order_by(col(Task.id).desc())
        .limit(LISTED_MAX)
    )
    found = list(await db.exec(query))
    ids = [task.id for task, *_ in found]
    out = select(Publication.inspection_id).where(col(Publication.inspection_id).in_(ids))
    published = set(await db.exec(out))
    return [
        InspectionLine(
            id=task.id,
            plan=task.plan_id,
            code=place.code,
            name=place.name,
            division=place.division,
            stage=stage(seen, concluded, published=task.id in published),
            conflicts=seen.conflicts if seen else 0,
            late=seen.late if seen else 0,
            outcome=concluded.outcome if concluded else "",
            publish_by=publish_by(concluded) if concluded else None,
        )
        for task, place, seen, concluded in found
    ]


async def show_inspection(db: Session, inspection_id: str, *, officer: Officer) -> InspectionView:
    """Show everything that is known of an inspection."""
    case = await load(db, inspection_id)
    may_see(officer, case.establishment.division)
    accounts = await _account_names(db, case.conclusion)
    return InspectionView(
        id=case.task.id,
        plan=case.plan.id,
        code=case.establishment.code,
        name=case.establishment.name,
        division=case.establishment.division,
        lead=case.people[case.task.lead_id].name,
        second=case.people[case.task.second_id].name,
        stage=case.stage,
        digest=case.inspection.digest if case.inspection else "",
        items=tuple(_item(case, ref, item) for ref, item in case.items.items()),
        findings=tuple(
            FindingView(_name(case, one.who), one.item, one.text, one.basis, one.voided)
            for one in case.state.findings
        ),
        evidence=await evidence_of(db, case.state, case.blobs, case.people),
        evidence_complete=complete(case.state, case.blobs),
        signatures=tuple(
            SignatureView(
                _name(case, one.who), one.role, one.name, one.reason, bool(one.amended_by)
            )
            for one in case.state.signatures
        ),
        late=case.state.late,
        verdict=parts.verdict(case.checklist, judge(case.checklist, case.state)),
        conclusion=_conclusion(case, accounts),
        order=_order(case.order),
        moments=await moments_of(db, case.task),
        parts=tuple(parts.view(case.brought[one.checklist], one) for one in case.parts),
    )


async def conclude_inspection(
    db: Session, inspection_id: str, new: NewConclusion, *, officer: Officer, now: datetime
) -> InspectionView:
    """Conclude an inspection by its checklists' rules, and order what failed to be put right."""
    case = await load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    if case.task.withdrawn_at is not None:
        raise Refused(Reason.TASK_WITHDRAWN, inspection=inspection_id)
    if case.conclusion is not None and not _open_again(case):
        raise Refused(Reason.CONCLUSION_STANDS, inspection=inspection_id)
    verdict, of_partners = require_complete(case)

    assert case.inspection is not None
    judged = [(case.checklist, verdict)]
    judged += [(case.brought[one.checklist], one.verdict) for one in of_partners]
    failed = [ref for _, one in judged for ref in one.failed]
    row = Conclusion(
        inspection_id=case.task.id,
        digest=case.inspection.digest,
        outcome=verdict.outcome,
        result=result_of(
            (form.outcome(one.outcome).handling, len(one.failed)) for form, one in judged
        ),
        computed=msgspec.json.encode(verdict).decode(),
        parts=msgspec.json.encode(of_partners).decode(),
        remark=new.remark,
        concluded_by=officer.id,
        concluded_at=now,
    )

    row = await db.merge(row)
    if failed:
        terms = {ref: case.items[ref].rectify_days for ref in failed}
        await rectifications.order(db, case.task.id, terms, officer=officer, now=now)
    else:
        await rectifications.withdraw(db, case.task.id, officer=officer, now=now)
    await journal.append(
        db,
        actor=officer.name,
        verb="inspection.conclude",
        subject=case.task.id,
        now=now,
        digest=row.digest,
        outcome=row.outcome,
        clause=verdict.clause,
    )
    await db.flush()
    return await show_inspection(db, case.task.id, officer=officer)


async def review_inspection(
    db: Session, inspection_id: str, new: NewReview, *, officer: Officer, now: datetime
) -> InspectionView:
    """Approve a conclusion, or return it with a reason."""
    case = await load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    reviewer = await db.get_one(Account, officer.id)
    require_reviewable(case, reviewer)
    if not new.approve and not new.reason.strip():
        raise Refused(Reason.REVIEW_REASON_MISSING)
    shown = {one.blob for one in case.state.evidence if not one.voided and _showable(case, one)}
    if strange := set(new.photos) - shown:
        raise Refused(Reason.PHOTO_NOT_OF_INSPECTION, photos=" ".join(sorted(strange)))

    assert case.conclusion is not None
    row = case.conclusion
    row.reviewed_by, row.reviewed_at = officer.id, now
    row.approved, row.reason = new.approve, new.reason
    row.photos = msgspec.json.encode(sorted(new.photos) if new.approve else []).decode()

    db.add(row)
    await journal.append(
        db,
        actor=officer.name,
        verb="inspection.approve" if new.approve else "inspection.return",
        subject=case.task.id,
        now=now,
        digest=row.digest,
        reason=row.reason,
        photos=len(new.photos),
    )
    await db.flush()
    return await show_inspection(db, case.task.id, officer=officer)


def require_complete(case: Case) -> tuple[Verdict, list[Part]]:
    """Give the verdict of the lead's checklist and of each partner's, or refuse what is lacking."""
    if case.inspection is None:
        raise Refused(Reason.INSPECTION_NOT_BEGUN, inspection=case.task.id)
    if case.state.carried is not UNSET and case.state.carried.conflict:
        versions = " ".join(sorted({one.to for one in case.state.carried.standing}))
        raise Refused(Reason.INSPECTION_IN_CONFLICT, items="", checklists=versions)
    if case.state.conflicts:
        raise Refused(Reason.INSPECTION_IN_CONFLICT, items=" ".join(case.state.conflicts))
    verdict, of_partners = settled(judge(case.checklist, case.state)), case.parts
    for one in of_partners:
        settled(one.verdict)
    lacking = [
        ref
        for one in (verdict, *(part.verdict for part in of_partners))
        for ref in one.evidence_missing
    ]
    if lacking:
        raise Refused(Reason.EVIDENCE_REQUIRED, items=" ".join(lacking))
    if not case.state.signed:
        roles = {one.role for one in case.state.signatures}
        missing = [role for role in merge.INSPECTORS if role not in roles]
        raise Refused(Reason.INSPECTION_NOT_SIGNED, missing=" ".join(missing))
    absent = sorted({one.blob for one in case.state.evidence if not one.voided} - case.blobs.keys())
    if absent:
        raise Refused(Reason.EVIDENCE_NOT_ARRIVED, files=" ".join(absent), count=len(absent))
    return verdict, of_partners


def require_reviewable(case: Case, reviewer: Account) -> None:
    """Refuse a review by the wrong person, of nothing, twice, or of what has changed since."""
    if case.conclusion is None:
        raise Refused(Reason.CONCLUSION_NOT_FOUND, inspection=case.task.id)
    inspectors = case.people.keys()
    if reviewer.id == case.conclusion.concluded_by or reviewer.inspector_id in inspectors:
        raise Refused(Reason.REVIEW_OWN, reviewer=reviewer.name)
    if case.conclusion.reviewed_at is not None:
        raise Refused(Reason.CONCLUSION_REVIEWED, inspection=case.task.id)
    if not case.current:
        raise Refused(Reason.CONCLUSION_OUTDATED, inspection=case.task.id)


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
    return said | signed | {one.who for one in state.findings + state.evidence}


def _open_again(case: Case) -> bool:
    """A returned conclusion, or one whose inspection has changed, may be concluded again."""
    assert case.conclusion is not None
    if case.published:
        return False
    returned = case.conclusion.reviewed_at is not None and not case.conclusion.approved
    return returned or not case.current


def _showable(case: Case, evidence: merge.Evidence) -> bool:
    blob = case.blobs.get(evidence.blob)
    return blob is not None and blob.mime.startswith("image/") and not blob.flag


async def _account_names(db: Session, conclusion: Conclusion | None) -> dict[str, str]:
    if conclusion is None:
        return {}
    ids = {conclusion.concluded_by, conclusion.reviewed_by or ""}
    rows = await db.exec(select(Account.id, Account.name).where(col(Account.id).in_(ids)))
    return dict(rows.all())


# -- views ---------------------------------------------------------------------------------------


def _name(case: Case, inspector_id: str) -> str:
    known = case.people.get(inspector_id)
    return known.name if known else inspector_id


def _text(text: checklist.Text) -> TextView:
    return TextView(text.en, text.zh)


def said_views(case: Case, item: merge.Item) -> tuple[SaidView, ...]:
    """Show every answer that was given to an item, those that stand first."""
    return tuple(
        SaidView(one.op, _name(case, one.who), one.v, one.note, stands)
        for those, stands in ((item.standing, True), (item.overruled, False))
        for one in those
    )


def _item(case: Case, ref: str, item: Item) -> ItemView:
    answered = case.state.items.get(ref)
    return ItemView(
        ref=ref,
        text=_text(item.text),
        key=item.key,
        value=answered.value if answered else "",
        conflict=answered.conflict if answered else False,
        said=said_views(case, answered) if answered else (),
    )


def _conclusion(case: Case, accounts: dict[str, str]) -> ConclusionView | None:
    row = case.conclusion
    if row is None:
        return None
    last = publish_by(row)
    return ConclusionView(
        outcome=row.outcome,
        label=_text(case.checklist.outcome(row.outcome).label),
        result=row.result,
        result_label=_text(RESULTS[row.result]),
        remark=row.remark,
        concluded_by=accounts[row.concluded_by],
        concluded_at=row.concluded_at,
        reviewed_by=accounts.get(row.reviewed_by or "", ""),
        reviewed_at=row.reviewed_at,
        approved=row.approved,
        reason=row.reason,
        photos=msgspec.json.decode(row.photos, type=tuple[str, ...]),
        publish_by=last,
        provisional=not working_days().covers(last),
    )


def _order(row: Rectification | None) -> OrderView | None:
    if row is None:
        return None
    return OrderView(
        items=msgspec.json.decode(row.items, type=tuple[str, ...]),
        ordered_on=row.ordered_on,
        due_on=row.due_on,
        working_days=row.working_days,
        status=row.status,
    )
