"""现场检查 at the office: list inspections, and show all that is known of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlmodel import col, select

from backend.auth import Officer, may_see
from backend.blobs import Blobs
from backend.db import Engine, Session
from backend.rules import results
from backend.tables import (
    Account,
    Conclusion,
    Draw,
    Establishment,
    Inspection,
    Publication,
    Task,
)
from backend.wire import (
    ConclusionView,
    FollowUpView,
    InspectionLine,
    InspectionView,
    ItemView,
    SaidView,
    SignatureView,
    TakingPartView,
    text_view,
)
from backend.work import announcements, fingerprints, folds, mergers, orders, parts
from backend.work.calendars import working_days
from backend.work.cases import Case, load, publish_by, stage
from backend.work.code_lists import result_lists
from backend.work.findings import finding_views
from backend.work.holdings import complete, evidence_of
from backend.work.listing import first
from backend.work.measures import measures_of
from backend.work.moments import moments_of
from sync import merge
from sync.checklist import Item
from sync.origins import origin_of
from sync.particulars import Particulars


async def list_inspections(db: Session, officer: Officer, now: datetime) -> list[InspectionLine]:
    """List the inspections of the officer's division, newest first."""
    query = (
        select(Task, Establishment, Inspection, Conclusion)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .outerjoin(Draw, col(Draw.id) == Task.draw_id)
        .outerjoin(Inspection, col(Inspection.id) == Task.id)
        .outerjoin(Conclusion, col(Conclusion.inspection_id) == Task.id)
        .where(col(Establishment.division).startswith(officer.division, autoescape=True))
        .where(col(Task.withdrawn_at).is_(None) | col(Inspection.id).is_not(None))
        .where(announcements.open_to(officer, now) | col(Inspection.id).is_not(None))
        .order_by(col(Task.id).desc())
    )
    found = await first(db, query)
    ids = [task.id for task, *_ in found]
    sites = await mergers.followed(db, [(task, site) for task, site, *_ in found])
    out = select(Publication.inspection_id, Publication.n).where(
        col(Publication.inspection_id).in_(ids)
    )
    published = set((await db.exec(out)).all())
    outdated = await _outdated(db, [(seen, concluded) for _, _, seen, concluded in found])
    return [
        InspectionLine(
            id=task.id,
            plan=task.plan_id or "",
            origin=origin_of(task.origin),
            code=place.code,
            name=place.name,
            division=place.division,
            stage=stage(
                seen, concluded, published=(task.id, concluded.n if concluded else 0) in published
            ),
            conflicts=seen.conflicts if seen else 0,
            late=seen.late if seen else 0,
            outcome=concluded.outcome if concluded else "",
            publish_by=publish_by(concluded) if concluded else None,
            outdated=task.id in outdated,
        )
        for task, _, seen, concluded in found
        for place in (sites[task.id],)
    ]


async def _outdated(
    db: Session, found: Sequence[tuple[Inspection | None, Conclusion | None]]
) -> set[str]:
    """Find those that are no longer what was concluded; most have no operation more than then."""
    more = {
        seen.id: concluded.digest
        for seen, concluded in found
        if seen and concluded and seen.operations != concluded.operations
    }
    states = await folds.states(db, more)
    return {name for name, digest in more.items() if merge.digest(states[name]) != digest}


async def show_inspection(
    db: Session, engine: Engine, blobs: Blobs, inspection_id: str, *, officer: Officer
) -> InspectionView:
    """Show everything that is known of an inspection; look first at pictures that still wait."""
    await fingerprints.catch_up(engine, blobs, inspection_id=inspection_id)
    return await whole(db, inspection_id, officer=officer)


async def whole(db: Session, inspection_id: str, *, officer: Officer) -> InspectionView:
    """Give everything that is known of an inspection."""
    case = await load(db, inspection_id)
    may_see(officer, case.establishment.division)
    accounts = await _account_names(db, case.conclusion)
    moments = await moments_of(db, case.task)
    return InspectionView(
        id=case.task.id,
        plan=case.task.plan_id or "",
        origin=origin_of(case.task.origin),
        code=case.establishment.code,
        name=case.establishment.name,
        division=case.establishment.division,
        lead=case.people[case.task.lead_id].name,
        second=case.people[case.task.second_id].name,
        stage=case.stage,
        digest=case.digest if case.inspection else "",
        items=tuple(_item(case, ref, item) for ref, item in case.items.items()),
        findings=await finding_views(db, case),
        evidence=await evidence_of(db, case, moments),
        evidence_complete=complete(case.state, case.blobs),
        signatures=tuple(_signature(case, one) for one in case.state.signatures),
        late=case.state.late,
        verdict=parts.verdict(case.checklist, case.verdict),
        conclusion=_conclusion(case, accounts),
        order=await orders.view(db, case.order, case.establishment) if case.order else None,
        moments=moments,
        parts=tuple(parts.view(case.brought[one.checklist], one) for one in case.parts),
        measures=await measures_of(db, case.task.id),
        taking_part=tuple(
            TakingPartView(one.who, _name(case, one.who), one.role, one.did, one.lacking)
            for one in case.taking
        ),
        on_site=Particulars(
            arrivals=case.state.arrivals,
            samples=case.state.samples,
            seizures=case.state.seizures,
            lots=case.state.lots,
            astray=case.state.astray,
            openings=case.state.openings,
        ),
        pictures_waiting=await fingerprints.waiting(db),
    )


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


def _signature(case: Case, one: merge.Signature) -> SignatureView:
    drawn: Literal["here", "awaited"] = "here" if one.strokes in case.blobs else "awaited"
    return SignatureView(
        who=_name(case, one.who),
        role=one.role,
        name=one.name,
        reason=one.reason,
        amended=bool(one.amended_by),
        strokes=drawn if one.strokes else "none",
        refused=one.refused,
        witness=one.witness,
    )


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
        text=text_view(item.text),
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
    listed = results.named(result_lists(), row.result_list)
    found = listed.result(row.result)
    assert found is not None, "a list never loses a result"
    upward = listed.result(found.reported_as) or found
    return ConclusionView(
        outcome=row.outcome,
        label=text_view(case.checklist.outcome(row.outcome).label) if row.outcome else None,
        result=row.result,
        result_label=text_view(found.label),
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
        result_list=row.result_list,
        national=upward.number,
        local=found.local,
        follow_ups=tuple(
            FollowUpView(one.code, text_view(one.label))
            for one in listed.follow_ups
            if one.code in msgspec.json.decode(row.follow_ups, type=list[str])
        ),
        n=row.n,
        correction=row.correction,
        outdated=not case.current,
    )
