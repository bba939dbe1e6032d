"""照片: look at one, hide what is nobody's business, print them all on a sheet."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec
from sqlmodel import select

from backend import journal
from backend.auth import Officer, may_see
from backend.blobs import Blobs
from backend.darkroom import develop
from backend.db import Engine, Session
from backend.settings import Settings
from backend.tables import Blob, Masking
from backend.wire import EvidenceView, MaskBox, MaskedView, NewMasks
from backend.work import cases, fingerprints
from backend.work.cases import Case
from backend.work.holdings import evidence_of
from backend.work.moments import moments_of
from sync import layers, photos
from sync.layers import Layer, Mask
from sync.merge import Evidence
from sync.pictures import Facts
from sync.refusals import Reason, Refused


async def show_photo(
    db: Session, blobs: Blobs, inspection_id: str, sha256: str, *, public: bool, officer: Officer
) -> bytes:
    """Render a picture upright as JPEG: for the office with annotations, or as it is published."""
    case = await cases.load(db, inspection_id)
    may_see(officer, case.establishment.division)
    _require_photo(case, sha256)

    path, pixels = blobs.path(sha256), pixels_of(case.blobs[sha256])
    if public:
        masks = (await masks_of(db, inspection_id)).get(sha256, ())
        return await develop(pixels, partial(photos.thumbnail, path, masks=masks))
    drawn = await _layers(blobs, case, sha256)
    edge = photos.OFFICE_EDGE_MAX
    return await develop(pixels, partial(photos.thumbnail, path, edge, layers=drawn))


async def mask_photo(
    db: Session,
    inspection_id: str,
    sha256: str,
    new: NewMasks,
    *,
    officer: Officer,
    now: datetime,
) -> MaskedView:
    """Hide parts of a picture, instead of those hidden before, as long as it is not published."""
    case = await cases.load(db, inspection_id, lock=True)
    may_see(officer, case.establishment.division)
    if case.published:
        raise Refused(Reason.MASK_PUBLISHED, inspection=inspection_id)

    await mask(db, case, sha256, new.masks, officer=officer, now=now)
    return MaskedView(inspection_id, sha256, new.masks)


async def print_contact_sheet(
    db: Session,
    engine: Engine,
    blobs: Blobs,
    settings: Settings,
    inspection_id: str,
    *,
    officer: Officer,
) -> bytes:
    """Print all pictures of an inspection on a sheet (照片汇总表), the same bytes each time."""
    try:
        from backend.prints import contact  # needs the extra `print`
    except ModuleNotFoundError as missing:
        raise Refused(Reason.EXTRA_MISSING, group="print", lacks=str(missing.name)) from None
    await fingerprints.catch_up(engine, blobs, inspection_id=inspection_id)
    case = await cases.load(db, inspection_id)
    may_see(officer, case.establishment.division)
    moments = await moments_of(db, case.task)
    if case.inspection is None:
        raise Refused(Reason.INSPECTION_NOT_BEGUN, inspection=inspection_id)
    shown = contact.ordered(await evidence_of(db, case, moments))
    head = contact.Head(
        inspection=case.task.id,
        name=case.establishment.name,
        code=case.establishment.code,
        people=tuple(case.people[who].name for who in (case.task.lead_id, case.task.second_id)),
        waiting=await fingerprints.waiting(db),
    )

    shots = [contact.shot(one, await _rendered(blobs, case, one)) for one in shown]
    at = case.inspection.updated_at.astimezone(UTC)  # the same until more is recorded
    return await asyncio.to_thread(contact.pdf, head, shots, at, settings.font_dir)


async def mask(
    db: Session,
    case: Case,
    sha256: str,
    masks: Sequence[MaskBox],
    *,
    officer: Officer,
    now: datetime,
) -> None:
    """Keep what must not be seen of a picture; whoever asks has been let in."""
    blob = _require_photo(case, sha256)
    width, height = msgspec.json.decode(blob.facts or "{}", type=Facts).upright
    if not all(Mask(*one).meets(width, height) for one in masks):
        raise Refused(Reason.MASK_OUTSIDE, photo=sha256, width=width, height=height)
    await db.merge(
        Masking(
            inspection_id=case.task.id,
            sha256=sha256,
            masks=msgspec.json.encode(masks).decode(),
            drawn_by=officer.id,
            drawn_at=now,
        )
    )
    await journal.append(
        db,
        actor=officer.name,
        verb="photo.mask",
        subject=case.task.id,
        now=now,
        photo=sha256,
        masks=len(masks),
    )


async def masks_of(db: Session, inspection_id: str) -> dict[str, tuple[Mask, ...]]:
    """Give what is to be hidden of the pictures of an inspection, by digest."""
    query = select(Masking).where(Masking.inspection_id == inspection_id)
    return {
        one.sha256: msgspec.json.decode(one.masks, type=tuple[Mask, ...])
        for one in await db.exec(query)
    }


def showable(case: Case, evidence: Evidence) -> bool:
    """Tell whether a file is a sound picture that stands."""
    blob = case.blobs.get(evidence.blob)
    sound = blob is not None and blob.mime.startswith("image/") and not blob.flag
    return sound and not evidence.voided and not evidence.role


def pixels_of(blob: Blob) -> int:
    """Say how many pixels of a picture are decoded to see it."""
    facts = msgspec.json.decode(blob.facts or "{}", type=Facts)
    return facts.width * facts.height or photos.PIXELS_MAX


def _require_photo(case: Case, sha256: str) -> Blob:
    if not any(one.blob == sha256 and showable(case, one) for one in case.state.evidence):
        raise Refused(Reason.PHOTO_NOT_OF_INSPECTION, photos=sha256)
    return case.blobs[sha256]


async def _layers(blobs: Blobs, case: Case, sha256: str) -> list[Layer]:
    """Read the annotations of a picture that have arrived."""
    drawn = [one for one in layers.over(case.state.evidence, sha256) if one in case.blobs]
    return layers.readable([await blobs.read(one) for one in drawn])


async def _rendered(blobs: Blobs, case: Case, one: EvidenceView) -> bytes | Refused | None:
    """Render a picture for the sheet, or say why it cannot be; none if it is not here."""
    if not one.arrived or one.facts is None or one.flag:
        return None
    drawn = await _layers(blobs, case, one.sha256)
    path = blobs.path(one.sha256)
    small = partial(photos.thumbnail, path, photos.SHEET_EDGE, photos.SHEET_QUALITY, layers=drawn)
    try:
        return await develop(pixels_of(case.blobs[one.sha256]), small)
    except Refused as refused:
        if refused.reason is Reason.BUSY:
            raise
        return refused
