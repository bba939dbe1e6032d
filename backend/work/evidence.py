"""Evidence files (证据) on their way in: tus 1.0 over the blob store.

An upload's progress is the length of its partial file, nothing else; so a cut at any byte loses
nothing. While the bytes trickle in, no transaction is open. A file is recorded once it is durable
under its digest; a picture that cannot be opened is recorded too, with a flag.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct
from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.blobs import Blobs
from backend.db import transaction
from backend.tables import Blob, Rendition, Upload
from backend.wire import BlobsWanted, NewUpload, UploadState, WantBlobs
from sync import photos
from sync.refusals import Reason, Refused

UPLOAD_DAYS_MAX = 30
FORGOTTEN_MAX = 100  # expired uploads that one new upload clears away
PIECE_BYTES_MAX = 512 * 1024  # a file no larger is taken in one piece, without a partial file
OPEN_MAX = 100  # uploads that one device may have begun and not finished
OPEN_BYTES_MAX = 2 * 1024**3  # that they may announce together
OPEN_REST = timedelta(days=1)  # after which the oldest give way to new ones
RENDITION_BYTES_MAX = 64 * 1024
RENDITION_MIME = "image/jpeg"

BLOBS = SQLModel.metadata.tables["blob"]
RENDITIONS = SQLModel.metadata.tables["rendition"]


class Body(Struct, frozen=True):
    """Bytes on their way in; `length` is their announced number, if any."""

    parts: AsyncIterator[bytes]
    length: int | None


class Limits(Struct, frozen=True):
    """What the operator allows: bytes of one file, and of the disk that stay free."""

    file_bytes: int
    free_bytes: int


async def want_blobs(
    db: AsyncSession, blobs: Blobs, data: WantBlobs, *, device: str, now: datetime
) -> BlobsWanted:
    """Say of each announced file whether it is stored, begun or missing."""
    digests = list(data.files)
    known = select(Blob.sha256, Blob.flag).where(col(Blob.sha256).in_(digests))
    stored = dict((await db.exec(known)).all())
    mine = select(Upload).where(
        Upload.device_id == device,
        col(Upload.sha256).in_(digests),
        col(Upload.created_at) > now - timedelta(days=UPLOAD_DAYS_MAX),
        Upload.original == "",
    )
    begun: dict[str, UploadState] = {}
    for upload in await db.exec(mine):
        if upload.sha256 in stored or upload.size != data.files[upload.sha256]:
            continue
        state = _state(upload, offset=await blobs.offset(upload.id))
        best = begun.get(upload.sha256)
        if best is None or state.offset > best.offset:
            begun[upload.sha256] = state
    small = select(Rendition.original).where(
        Rendition.device_id == device, col(Rendition.original).in_(digests)
    )

    return BlobsWanted(
        stored=stored,
        begun=begun,
        missing=tuple(digest for digest in digests if digest not in stored.keys() | begun.keys()),
        previewed=tuple(sorted(await db.exec(small))),
    )


async def create_upload(
    db: AsyncSession,
    blobs: Blobs,
    data: NewUpload,
    body: Body | None,
    *,
    limits: Limits,
    device: str,
    now: datetime,
) -> UploadState:
    """Begin an upload, with its first bytes if they came along; a small file is whole at once.

    If the file is stored already, the upload is complete from the start.
    """
    _require_allowed(data, limits)
    if await blobs.free() < data.size + limits.free_bytes:
        raise Refused(Reason.STORAGE_FULL)
    upload = Upload(
        device_id=device,
        sha256=data.sha256,
        size=data.size,
        mime=data.mime,
        original=data.original or "",
        created_at=now,
    )
    if body is not None and body.length == data.size <= PIECE_BYTES_MAX:
        piece = b"".join([part async for part in body.parts])
        if len(piece) == data.size:
            return await _take_piece(db, blobs, upload, piece, now=now)
        await _begin(db, blobs, upload, now=now)
        if piece:  # the link was cut: keep what came
            await blobs.append(upload.id, at=0, chunk=piece)
            await blobs.flush(upload.id)
        return _state(upload, offset=len(piece))

    flag = await _stored(db, blobs, upload, now=now)
    if flag is not None:
        return _whole(upload, flag=flag)
    await _begin(db, blobs, upload, now=now)
    if body is None:
        return _state(upload, offset=0)
    await db.commit()  # a slow link must not hold the database while its bytes trickle in
    return await _receive(db, blobs, upload, body, at=0, now=now)


async def show_upload(
    db: AsyncSession, blobs: Blobs, upload_id: str, *, device: str, now: datetime
) -> UploadState:
    """Say how far an upload is."""
    upload = await _mine(db, upload_id, device=device, now=now)
    flag = await _recorded(db, upload)
    if flag is not None:
        return _state(upload, offset=upload.size, flag=flag)
    return _state(upload, offset=await blobs.offset(upload.id))


async def append_part(
    db: AsyncSession,
    blobs: Blobs,
    upload_id: str,
    body: Body,
    *,
    offset: int,
    device: str,
    now: datetime,
) -> UploadState:
    """Take the next bytes of an upload, keep what arrives however it ends, finish with the last."""
    upload = await _mine(db, upload_id, device=device, now=now)
    flag = await _recorded(db, upload)
    await db.commit()  # a slow link must not hold the database while its bytes trickle in
    at = await blobs.offset(upload.id) if flag is None else upload.size

    if offset != at:
        raise Refused(Reason.UPLOAD_OFFSET_WRONG, offset=at)
    if offset + (body.length or 0) > upload.size:
        raise Refused(Reason.EVIDENCE_TOO_LARGE, limit_bytes=upload.size - offset)
    if flag is not None:
        return _state(upload, offset=at, flag=flag)
    return await _receive(db, blobs, upload, body, at=at, now=now)


async def delete_upload(
    db: AsyncSession, blobs: Blobs, upload_id: str, *, device: str, now: datetime
) -> None:
    """Give up an upload. A file that is stored already stays."""
    upload = await _mine(db, upload_id, device=device, now=now)

    if upload.id != upload.sha256:
        await db.delete(upload)
        await blobs.discard(upload.id)


def _require_allowed(data: NewUpload, limits: Limits) -> None:
    limit = RENDITION_BYTES_MAX if data.original else limits.file_bytes
    if data.size == 0:
        raise Refused(Reason.EVIDENCE_EMPTY)
    if data.size > limit:
        raise Refused(Reason.EVIDENCE_TOO_LARGE, limit_bytes=limit)
    if data.original and (data.mime != RENDITION_MIME or data.original == data.sha256):
        raise Refused(Reason.UPLOAD_HEADER_INVALID, header="Upload-Metadata", problem="for")


async def _mine(db: AsyncSession, upload_id: str, *, device: str, now: datetime) -> Upload:
    """Find an upload of a device; a digest stands for one that was complete from the start."""
    if (blob := await db.get(Blob, upload_id)) is not None:
        return Upload(
            id=blob.sha256, device_id=device, sha256=blob.sha256, size=blob.size, mime=blob.mime,
            created_at=now,
        )  # fmt: skip
    upload = await db.get(Upload, upload_id)
    if upload is None or upload.device_id != device:
        raise Refused(Reason.UPLOAD_NOT_FOUND, upload=upload_id)
    if now >= _expires(upload):
        raise Refused(Reason.UPLOAD_EXPIRED, upload=upload_id)
    return upload


async def _begin(db: AsyncSession, blobs: Blobs, upload: Upload, *, now: datetime) -> None:
    """Keep a new upload; what the device began long ago is forgotten on the way.

    Raises UPLOADS_TOO_MANY, but never for ever: what is older than a day gives way.
    """
    mine = select(Upload).where(Upload.device_id == upload.device_id)
    oldest = now - timedelta(days=UPLOAD_DAYS_MAX)
    expired = mine.where(col(Upload.created_at) <= oldest).limit(FORGOTTEN_MAX)
    for old in list(await db.exec(expired)):
        await blobs.discard(old.id)
        await db.delete(old)
    unfinished = (
        col(Upload.sha256).not_in(select(Blob.sha256)),
        Upload.device_id == upload.device_id,
    )
    counted = select(func.count(), func.coalesce(func.sum(Upload.size), 0)).where(*unfinished)
    count, size = (await db.exec(counted)).one()
    while count >= OPEN_MAX or size + upload.size > OPEN_BYTES_MAX:
        waiting = mine.where(*unfinished, col(Upload.created_at) <= now - OPEN_REST)
        old_one = (await db.exec(waiting.order_by(col(Upload.created_at)).limit(1))).first()
        if old_one is None:
            raise Refused(Reason.UPLOADS_TOO_MANY, limit=OPEN_MAX, limit_bytes=OPEN_BYTES_MAX)
        await blobs.discard(old_one.id)
        await db.delete(old_one)
        await db.flush()
        count, size = count - 1, size - old_one.size
    db.add(upload)


async def _take_piece(
    db: AsyncSession, blobs: Blobs, upload: Upload, piece: bytes, *, now: datetime
) -> UploadState:
    stored, facts = await asyncio.gather(blobs.put(upload.sha256, piece), _facts(upload, piece))
    if not stored:
        raise Refused(Reason.EVIDENCE_DIGEST_WRONG, sha256=upload.sha256)
    return _whole(upload, flag=await _record(db, upload, facts, size=upload.size, now=now))


async def _receive(
    db: AsyncSession, blobs: Blobs, upload: Upload, body: Body, *, at: int, now: datetime
) -> UploadState:
    """Take what arrives, outside any transaction, and record the file when it is whole."""
    if not await blobs.has(upload.sha256):
        at = await _append(blobs, upload, body.parts, at=at)
        if at < upload.size:
            return _state(upload, offset=at)
        if not await blobs.finish(upload.id, sha256=upload.sha256, size=upload.size):
            raise Refused(Reason.EVIDENCE_DIGEST_WRONG, sha256=upload.sha256)
    assert isinstance(db.bind, AsyncEngine)
    async with transaction(db.bind) as fresh:
        flag = await _stored(fresh, blobs, upload, now=now)
    assert flag is not None
    return _state(upload, offset=upload.size, flag=flag)


async def _append(blobs: Blobs, upload: Upload, parts: AsyncIterator[bytes], *, at: int) -> int:
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


async def _recorded(db: AsyncSession, upload: Upload) -> str | None:
    """Give a recorded file's flag, or nothing for a file that is not recorded."""
    if not upload.original:
        return (await db.exec(select(Blob.flag).where(Blob.sha256 == upload.sha256))).first()
    row = await db.get(Rendition, (upload.original, upload.device_id))
    return "" if row is not None and row.sha256 == upload.sha256 else None


async def _stored(db: AsyncSession, blobs: Blobs, upload: Upload, *, now: datetime) -> str | None:
    """Give a stored file's flag; one that a crash kept from being recorded is recorded now."""
    flag = await _recorded(db, upload)
    if flag is None and await blobs.has(upload.sha256):
        path = blobs.path(upload.sha256)
        size = (await asyncio.to_thread(path.stat)).st_size
        flag = await _record(db, upload, await _facts(upload, path), size=size, now=now)
    return flag


async def _facts(upload: Upload, source: photos.Source) -> photos.Facts:
    if upload.original or not upload.mime.startswith("image/"):
        return photos.Facts()
    return await asyncio.to_thread(photos.probe, source)


async def _record(
    db: AsyncSession, upload: Upload, facts: photos.Facts, *, size: int, now: datetime
) -> str:
    """Record a whole file once, whichever upload finished it, and give its flag."""
    if upload.original:
        return await _record_rendition(db, upload, size=size, now=now)
    row = {
        "sha256": upload.sha256,
        "size": size,
        "mime": upload.mime,
        "flag": facts.flag,
        "facts": msgspec.json.encode(facts).decode(),
        "stored_at": now,
    }
    done = await db.exec(_insert(db)(BLOBS).values(row).on_conflict_do_nothing())
    if done.rowcount == 0:  # another upload of the same file was recorded a moment ago
        return (await db.exec(select(Blob.flag).where(Blob.sha256 == upload.sha256))).one()
    return facts.flag


async def _record_rendition(db: AsyncSession, upload: Upload, *, size: int, now: datetime) -> str:
    """Record a device's rendition in place of its earlier one. It is never recorded as a file."""
    newer = {"sha256": upload.sha256, "size": size, "stored_at": now}
    key = {"original": upload.original, "device_id": upload.device_id}
    statement = _insert(db)(RENDITIONS).values(key | newer)
    await db.exec(statement.on_conflict_do_update(index_elements=list(key), set_=newer))
    await db.exec(delete(Upload).where(col(Upload.id) == upload.id))
    return ""


def _insert(db: AsyncSession) -> Callable[[Table], postgresql.Insert | sqlite.Insert]:
    """Choose the insert that knows ON CONFLICT, which SQL itself does not."""
    return postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert


def _expires(upload: Upload) -> datetime:
    return upload.created_at.astimezone(UTC) + timedelta(days=UPLOAD_DAYS_MAX)


def _whole(upload: Upload, *, flag: str) -> UploadState:
    """Give the state of a file that needs no upload: it goes by its digest from now on."""
    state = _state(upload, offset=upload.size, flag=flag)
    return msgspec.structs.replace(state, id=upload.sha256)


def _state(upload: Upload, *, offset: int, flag: str = "") -> UploadState:
    return UploadState(
        id=upload.id,
        sha256=upload.sha256,
        size=upload.size,
        mime=upload.mime,
        offset=offset,
        expires=_expires(upload),
        flag=flag,
    )
