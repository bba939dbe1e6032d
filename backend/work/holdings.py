"""Where evidence files are (证据所在): on the server, or still on the device that attached them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlmodel import col, select

from backend.db import Session
from backend.tables import Blob, Device, Rendition
from backend.wire import EvidenceView, FactsView, MomentView, RemarkView
from backend.work.cases import Case
from backend.work.twins import twins_of
from sync import merge, pictures
from sync.pictures import Facts, Remark, Visit


async def evidence_of(
    db: Session, case: Case, moments: Sequence[MomentView]
) -> tuple[EvidenceView, ...]:
    """Say of each file of an inspection whether it arrived, whose it is, and what it says."""
    state = case.state
    devices = {_device(one) for one in state.evidence}
    named = select(Device.id, Device.label).where(col(Device.id).in_(devices))
    labels = dict((await db.exec(named)).all())
    files = {one.blob for one in state.evidence}
    made = select(Rendition).where(col(Rendition.original).in_(files))
    small = {(row.original, row.device_id): row.sha256 for row in await db.exec(made)}
    twins = await twins_of(db, case.task.id, files) if files else {}
    visit, at = visit_of(case, moments), {one.op: one for one in moments}
    views: list[EvidenceView] = []
    for one in state.evidence:
        facts = _facts(case.blobs.get(one.blob))
        attached = _when(at[one.op]) if one.op in at else None
        said = pictures.remarks(facts, visit, attached=attached) if facts else ()
        remarks = () if one.voided else (*said, *twins.get(one.blob, ()))
        views.append(_view(case, one, labels, small, facts, remarks))
    return tuple(views)


def complete(state: merge.Inspection, blobs: Mapping[str, Blob]) -> bool:
    """Tell whether every file that stands has arrived; a rendition is not the file."""
    return all(one.voided or one.blob in blobs for one in state.evidence)


def visit_of(case: Case, moments: Sequence[MomentView]) -> Visit:
    """Say when and where a visit was: from arriving to signing, else all that was recorded."""
    site = case.establishment
    when = [(one, _when(one)) for one in moments]
    came = [at for one, at in when if one.kind.startswith("arrive/") and at]
    signed = [at for one, at in when if one.kind.startswith("sign/") and at]
    every = [at for _, at in when if at]
    arrivals = case.state.arrivals
    places = [
        pictures.place(one.latitude, one.longitude, one.datum, one.accuracy)
        for one in (() if arrivals is msgspec.UNSET else arrivals)
        if not one.voided
    ]
    return Visit(
        begins=min(came or every, default=None),
        ends=max(signed or every, default=None),
        site=pictures.place(site.latitude, site.longitude, site.datum),
        arrival=next((one for one in places if one is not None), None),
    )


def _view(
    case: Case,
    one: merge.Evidence,
    labels: Mapping[str, str],
    small: Mapping[tuple[str, str], str],
    facts: Facts | None,
    remarks: Sequence[Remark],
) -> EvidenceView:
    device, blob = _device(one), case.blobs.get(one.blob)
    return EvidenceView(
        sha256=one.blob,
        who=case.people[one.who].name if one.who in case.people else one.who,
        device=device,
        label=labels.get(device, ""),
        item=one.item,
        caption=one.caption,
        mime=one.mime,
        size=one.size,
        arrived=blob is not None,
        rendition=small.get((one.blob, device), ""),
        flag=blob.flag if blob else "",
        voided=one.voided,
        of=one.of,
        role=one.role,
        facts=_facts_view(facts) if facts else None,
        remarks=tuple(
            msgspec.convert(
                {**msgspec.structs.asdict(remark), "warning": remark.warning}, RemarkView
            )
            for remark in remarks
        ),
    )


def _facts(blob: Blob | None) -> Facts | None:
    """Read what a picture says about itself; none for what is no picture that was opened."""
    if blob is None or not blob.facts:
        return None
    facts = msgspec.json.decode(blob.facts, type=Facts)
    return facts if facts.format else None


def _facts_view(facts: Facts) -> FactsView:
    width, height = facts.upright
    turned = msgspec.structs.replace(facts, width=width, height=height)
    return msgspec.convert(turned, FactsView, from_attributes=True)


def _when(moment: MomentView) -> datetime | None:
    """Give when something was done: exactly, or else as the corrected wall clock has it."""
    return moment.earliest if moment.exact else moment.by_wall


def _device(one: merge.Evidence) -> str:
    return one.op.rpartition(":")[0]
