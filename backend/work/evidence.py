"""Evidence files (证据) on their way in: tus 1.0 over the blob store.

An upload's progress is the length of its partial file, nothing else; so a cut at any byte loses
nothing. While the bytes trickle in, no transaction is open. A file is recorded once it is durable
under its digest; a picture that cannot be opened is recorded too, with a flag.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from backend import photos
from backend.blobs import Blobs
from backend.db import transaction
from backend.tables import Blob, Upload
from backend.wire import BlobsWanted, NewUpload, UploadState, WantBlobs
from sync.refusals import Reason, Refused

UPLOAD_DAYS_MAX = 30
FORGOTTEN_MAX = 100  # expired uploads that one new upload clears away


async def want_blobs(
    db: AsyncSession, blobs: Blobs, data: WantBlobs, *, device: str, now: datetime
) -> BlobsWanted:
    """Say of each announced file whether it is stored, begun or missing."""
    digests = list(data.files)
    stored = {row.sha256: row.flag for row in await db.exec(_blobs(digests))}
    oldest = now - timedelta(days=UPLOAD_DAYS_MAX)
    mine = await db.exec(
        select(Upload).where(
            Upload.device_id == device,
            col(Upload.sha256).in_(digests),
            col(Upload.created_at) > oldest,
        )
    )
    begun: dict[str, UploadState] = {}
    for upload in mine:
        state = _state(upload, offset=await blobs.offset(upload.id), flag="")
        best = begun.get(upload.sha256)
        if upload.size == data.files[upload.sha256] and (
            best is None or state.offset > best.offset
        ):
            begun[upload.sha256] = state

    return BlobsWanted(
        stored=stored,
        begun={digest: begun[digest] for digest in digests if digest in begun.keys() - stored},
        missing=tuple(digest for digest in digests if digest not in stored.keys() | begun.keys()),
    )


async def create_upload(
    db: AsyncSession,
    blobs: Blobs,
    data: NewUpload,
    *,
    bytes_max: int,
    free_min: int,
    device: str,
    now: datetime,
) -> UploadState:
    """Begin an upload; if the file is stored already, the upload is complete from the start.

    What the device began long ago and never finished is forgotten on the way.
    """
    if data.size == 0:
        raise Refused(Reason.EVIDENCE_EMPTY)
    if data.size > bytes_max:
        raise Refused(Reason.EVIDENCE_TOO_LARGE, limit_bytes=bytes_max)
    if await blobs.free() < data.size + free_min:
        raise Refused(Reason.STORAGE_FULL)
    blob = await db.get(Blob, data.sha256)
    whole = blob is None and await blobs.has(data.sha256)

    await _forget_expired(db, blobs, device=device, now=now)
    upload = Upload(
        device_id=device, sha256=data.sha256, size=data.size, mime=data.mime, created_at=now
    )

    db.add(upload)
    if whole:  # a crash came between storing the file and recording it
        blob = await _record(db, blobs, upload, now=now)
    return _state(upload, offset=blob.size if blob else 0, flag=blob.flag if blob else "")


async def show_upload(
    db: AsyncSession, blobs: Blobs, upload_id: str, *, device: str, now: datetime
) -> UploadState:
    """Say how far an upload is."""
    upload = await _mine(db, upload_id, device=device, now=now)
    blob = await db.get(Blob, upload.sha256)
    if blob is not None:
        return _state(upload, offset=upload.size, flag=blob.flag)
    return _state(upload, offset=await blobs.offset(upload.id), flag="")


async def append_part(
    db: AsyncSession,
    blobs: Blobs,
    upload_id: str,
    parts: AsyncIterator[bytes],
    *,
    offset: int,
    length: int | None,
    device: str,
    now: datetime,
) -> UploadState:
    """Take the next bytes of an upload, keep what arrives however it ends, finish with the last.

    `length` is the announced number of bytes, if any: too many are refused before one is read.
    """
    upload = await _mine(db, upload_id, device=device, now=now)
    blob = await db.get(Blob, upload.sha256)
    await db.commit()  # a slow link must not hold the database while its bytes trickle in
    at = upload.size if blob else await blobs.offset(upload.id)

    if offset != at:
        raise Refused(Reason.UPLOAD_OFFSET_WRONG, offset=at)
    if offset + (length or 0) > upload.size:
        raise Refused(Reason.EVIDENCE_TOO_LARGE, limit_bytes=upload.size - offset)

    if blob is None and not await blobs.has(upload.sha256):
        at = await _take(blobs, upload, parts, at=at)
        if at < upload.size:
            return _state(upload, offset=at, flag="")
        if not await blobs.finish(upload.id, sha256=upload.sha256, size=upload.size):
            raise Refused(Reason.EVIDENCE_DIGEST_WRONG, sha256=upload.sha256)
    if blob is None:
        assert isinstance(db.bind, AsyncEngine)
        async with transaction(db.bind) as fresh:
            blob = await _record(fresh, blobs, upload, now=now)
    return _state(upload, offset=upload.size, flag=blob.flag)


async def delete_upload(
    db: AsyncSession, blobs: Blobs, upload_id: str, *, device: str, now: datetime
) -> None:
    """Give up an upload. A file that is stored already stays."""
    upload = await _mine(db, upload_id, device=device, now=now)

    await db.delete(upload)
    await blobs.discard(upload.id)


async def _mine(db: AsyncSession, upload_id: str, *, device: str, now: datetime) -> Upload:
    upload = await db.get(Upload, upload_id)
    if upload is None or upload.device_id != device:
        raise Refused(Reason.UPLOAD_NOT_FOUND, upload=upload_id)
    if now >= _expires(upload):
        raise Refused(Reason.UPLOAD_EXPIRED, upload=upload_id)
    return upload


async def _forget_expired(db: AsyncSession, blobs: Blobs, *, device: str, now: datetime) -> None:
    oldest = now - timedelta(days=UPLOAD_DAYS_MAX)
    expired = select(Upload).where(Upload.device_id == device, col(Upload.created_at) <= oldest)
    for upload in list(await db.exec(expired.limit(FORGOTTEN_MAX))):
        await db.delete(upload)
        await blobs.discard(upload.id)


async def _take(blobs: Blobs, upload: Upload, parts: AsyncIterator[bytes], *, at: int) -> int:
    """Append what arrives until it ends, fails or is overtaken by another sender."""
    try:
        async for part in parts:
            if at + len(part) > upload.size:
                raise Refused(Reason.EVIDENCE_TOO_LARGE, limit_bytes=upload.size - at)
            if not await blobs.append(upload.id, at=at, chunk=part):
                raise Refused(Reason.UPLOAD_OFFSET_WRONG, offset=await blobs.offset(upload.id))
            at += len(part)
    finally:
        if at < upload.size:  # the last part is made durable by finishing
            await blobs.flush(upload.id)
    return at


async def _record(db: AsyncSession, blobs: Blobs, upload: Upload, *, now: datetime) -> Blob:
    """Record a whole file once, whichever upload finished it."""
    facts = photos.Facts()
    if upload.mime.startswith("image/"):
        facts = await asyncio.to_thread(photos.probe, blobs.path(upload.sha256))
    size = (await asyncio.to_thread(blobs.path(upload.sha256).stat)).st_size
    blob = Blob(
        sha256=upload.sha256,
        size=size,
        mime=upload.mime,
        flag=facts.flag,
        facts=msgspec.json.encode(facts).decode(),
        stored_at=now,
    )
    try:
        async with db.begin_nested():
            db.add(blob)
    except IntegrityError:  # another upload of the same file was recorded a moment ago
        blob = (await db.exec(_blobs([upload.sha256]))).one()
    return blob


def _blobs(digests: list[str]) -> SelectOfScalar[Blob]:
    return select(Blob).where(col(Blob.sha256).in_(digests))


def _expires(upload: Upload) -> datetime:
    return upload.created_at.astimezone(UTC) + timedelta(days=UPLOAD_DAYS_MAX)


def _state(upload: Upload, *, offset: int, flag: str) -> UploadState:
    return UploadState(
        id=upload.id,
        sha256=upload.sha256,
        size=upload.size,
        mime=upload.mime,
        offset=offset,
        expires=_expires(upload),
        flag=flag,
    )
