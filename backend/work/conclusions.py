"""检查结论 at the office: conclude an inspection, review what was concluded.

A conclusion holds for one state of the inspection, named by its digest. Whoever reviews it neither
concluded it nor inspected. One that is returned opens the inspection again on the devices; one
that corrects what is published says why.
"""

from datetime import datetime

import msgspec
from msgspec import UNSET

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import results
from backend.rules.calendar import local_day
from backend.rules.results import Part, Result
from backend.tables import Account, Conclusion
from backend.wire import InspectionView, NewConclusion, NewReview
from backend.work import cases, decisions, news, pictures, rectifications
from backend.work.cases import Case
from backend.work.code_lists import result_lists
from backend.work.inspections import whole
from sync.history import Found, shorten
from sync.refusals import Reason, Refused
from sync.verdict import Verdict, settled


async def conclude_inspection(
    db: Session, inspection_id: str, new: NewConclusion, *, officer: Officer, now: datetime
) -> InspectionView:
    """Conclude an inspection by its checklists' rules, or by what the officer found instead.

    What failed is ordered to be put right.
    """
    case = await cases.load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    if case.task.withdrawn_at is not None:
        raise Refused(Reason.TASK_WITHDRAWN, inspection=inspection_id)
    require_open(case, new)
    known = results.in_force(result_lists(), case.establishment.division, local_day(now))
    results.require_follow_ups(known, new.follow_ups)
    given = _given(case, new, known) if new.result else None
    verdict, of_partners = require_complete(case, given)

    assert case.inspection is not None
    judged = [(case.checklist, verdict)]
    judged += [(case.brought[one.checklist], one.verdict) for one in of_partners]
    bad = [ref for _, one in judged for ref in (*one.failed, *one.unremedied)]
    row = Conclusion(
        inspection_id=case.task.id,
        digest=case.digest,
        operations=case.inspection.operations,
        outcome=verdict.outcome,
        result=given.code
        if given
        else results.result_of(
            (form.outcome(one.outcome).handling, len({*one.failed, *one.unremedied}))
            for form, one in judged
        ),
        result_list=known.name,
        follow_ups=msgspec.json.encode(new.follow_ups or results.follow_ups_of(bad)).decode(),
        findings=msgspec.json.encode(_found(case)).decode(),
        n=case.conclusion.n + 1 if case.conclusion else 1,
        correction=new.correction.strip() if case.publication else "",
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
        result=row.result,
        list=row.result_list,
    )
    await news.tell(db, case.establishment.id, now=now)
    await decisions.tell(db, case.task.id)
    return await whole(db, case.task.id, officer=officer)


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
    shown = {one.blob for one in case.state.evidence if pictures.showable(case, one)}
    if strange := set(new.photos) - shown:
        raise Refused(Reason.PHOTO_NOT_OF_INSPECTION, photos=" ".join(sorted(strange)))

    assert case.conclusion is not None
    row = case.conclusion
    row.reviewed_by, row.reviewed_at = officer.id, now
    row.approved, row.reason = new.approve, new.reason
    row.photos = msgspec.json.encode(sorted(new.photos) if new.approve else []).decode()

    db.add(row)
    for digest, masks in new.masks.items():
        await pictures.mask(db, case, digest, masks, officer=officer, now=now)
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
    await news.tell(db, case.establishment.id, now=now)
    await decisions.tell(db, case.task.id)
    return await whole(db, case.task.id, officer=officer)


def require_open(case: Case, new: NewConclusion) -> None:
    """Refuse to conclude again what stands; what is published is corrected for a reason only."""
    if case.conclusion is None:
        return
    returned = case.conclusion.reviewed_at is not None and not case.conclusion.approved
    correction = case.published and new.correction.strip()
    if case.current and not returned and not correction:
        raise Refused(Reason.CONCLUSION_STANDS, inspection=case.task.id)
    if case.publication is not None and not new.correction.strip():
        raise Refused(Reason.CORRECTION_REASON_MISSING, inspection=case.task.id)


def require_complete(case: Case, given: Result | None = None) -> tuple[Verdict, list[Part]]:
    """Give the verdict of the lead's checklist and of each partner's, or refuse what is lacking.

    A result that the officer found may leave items open; the verdict then has no outcome.
    """
    if case.inspection is None:
        raise Refused(Reason.INSPECTION_NOT_BEGUN, inspection=case.task.id)
    if case.state.carried is not UNSET and case.state.carried.conflict:
        versions = " ".join(sorted({one.to for one in case.state.carried.standing}))
        raise Refused(Reason.INSPECTION_IN_CONFLICT, items="", checklists=versions)
    if case.state.conflicts:
        raise Refused(Reason.INSPECTION_IN_CONFLICT, items=" ".join(case.state.conflicts))
    verdict, of_partners = case.verdict, case.parts
    if given is None or given.visit == "full":
        for one in (verdict, *(part.verdict for part in of_partners)):
            settled(one)
    lacking = [
        ref
        for one in (verdict, *(part.verdict for part in of_partners))
        for ref in one.evidence_missing
    ]
    if lacking:
        raise Refused(Reason.EVIDENCE_REQUIRED, items=" ".join(lacking))
    if not case.state.signed:
        roles = {one.role for one in case.state.signatures}
        missing = [one for one in case.taking if one.role not in roles]
        raise Refused(
            Reason.INSPECTION_NOT_SIGNED,
            missing=" ".join(one.role for one in missing),
            people=" ".join(case.people[one.who].name for one in missing),
            absent=" ".join(case.people[one.who].name for one in missing if not one.took_part),
        )
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


def _given(case: Case, new: NewConclusion, known: results.ResultList) -> Result:
    """Give the result that the officer found, if it is theirs to find and proven."""
    shown = [one for one in case.state.evidence if not one.voided and not one.role]
    judged = [ref for ref, one in case.state.items.items() if one.value not in ("", "na")]
    return results.require_given(
        known, new.result, remark=new.remark, evidenced=bool(shown), judged=judged
    )


def _found(case: Case) -> list[Found]:
    return [
        Found(shorten(one.text), one.violation, one.fixed)
        for one in case.state.findings
        if not one.voided
    ]
