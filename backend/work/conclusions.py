"""检查结论 at the office: conclude an inspection, review what was concluded.

A conclusion holds for one state of the inspection, named by its digest. Whoever reviews it neither
concluded it nor inspected.
"""

from datetime import datetime

import msgspec
from msgspec import UNSET

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules.results import Part, result_of
from backend.tables import Account, Conclusion
from backend.wire import InspectionView, NewConclusion, NewReview
from backend.work import cases, rectifications
from backend.work.cases import Case
from backend.work.inspections import show_inspection
from sync import merge
from sync.refusals import Reason, Refused
from sync.verdict import Verdict, judge, settled


async def conclude_inspection(
    db: Session, inspection_id: str, new: NewConclusion, *, officer: Officer, now: datetime
) -> InspectionView:
    """Conclude an inspection by its checklists' rules, and order what failed to be put right."""
    case = await cases.load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    if case.task.withdrawn_at is not None:
        raise Refused(Reason.TASK_WITHDRAWN, inspection=inspection_id)
    if case.conclusion is not None and not _open_again(case):
        raise Refused(Reason.CONCLUSION_STANDS, inspection=inspection_id)
    verdict, of_partners = require_complete(case)

    assert case.inspection is not None
    judged = [(case.checklist, verdict)]
    judged += [(case.brought[one.checklist], one.verdict) for one in of_partners]
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
    await rectifications.follow(db, case, judged, officer=officer, now=now)
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
    case = await cases.load(db, inspection_id, lock=True)
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
