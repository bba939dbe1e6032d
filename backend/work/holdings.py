"""Where evidence files are (证据所在): on the server, or still on the device that attached them."""

from collections.abc import Mapping

from sqlmodel import col, select

from backend.db import Session
from backend.tables import Blob, Device, Inspector, Rendition
from backend.wire import EvidenceView
from sync import merge


async def evidence_of(
    db: Session,
    state: merge.Inspection,
    blobs: Mapping[str, Blob],
    people: Mapping[str, Inspector],
) -> tuple[EvidenceView, ...]:
    """Say of each file of an inspection whether it arrived, and which device attached it."""
    devices = {_device(one) for one in state.evidence}
    named = select(Device.id, Device.label).where(col(Device.id).in_(devices))
    labels = dict((await db.exec(named)).all())
    files = {one.blob for one in state.evidence}
    made = select(Rendition).where(col(Rendition.original).in_(files))
    small = {(row.original, row.device_id): row.sha256 for row in await db.exec(made)}
    return tuple(_view(one, blobs.get(one.blob), people, labels, small) for one in state.evidence)


def complete(state: merge.Inspection, blobs: Mapping[str, Blob]) -> bool:
    """Tell whether every file that stands has arrived; a rendition is not the file."""
    return all(one.voided or one.blob in blobs for one in state.evidence)


def _view(
    one: merge.Evidence,
    blob: Blob | None,
    people: Mapping[str, Inspector],
    labels: Mapping[str, str],
    small: Mapping[tuple[str, str], str],
) -> EvidenceView:
    device = _device(one)
    return EvidenceView(
        sha256=one.blob,
        who=people[one.who].name if one.who in people else one.who,
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
    )


def _device(one: merge.Evidence) -> str:
    return one.op.rpartition(":")[0]
