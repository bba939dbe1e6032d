"""Evidence files (证据) on their way in: tus 1.0 over the blob store.

An upload's progress is the length of its partial file, nothing else; so a cut at any byte loses
nothing. While the bytes trickle in, no transaction is open. A file is recorded once it is durable
under its digest, a picture that cannot be opened with a flag. No acknowledgement waits for what a
picture shows (`work.fingerprints`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import TableClause, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.blobs import Blobs
from backend.darkroom import develop
from backend.db import alone, transaction
from backend.tables import Blob, Rendition, Upload
from backend.wire import BlobsWanted, NewUpload, UploadState, WantBlobs
from sync import layers, photos
from sync.pictures import Facts
from sync.refusals import Reason, Refused

UPLOAD_DAYS_MAX = 30
FORGOTTEN_MAX = 100  # expired uploads that one new upload clears away
PIECE_BYTES_MAX = 512 * 1024  # a file no larger is taken in one piece, without a partial file
OPEN_MAX = 100  # uploads that one device may have begun and not finished
OPEN_BYTES_MAX = 2 * 1024**3  # that they may announce together
OPEN_REST = timedelta(days=1)  # after which the oldest give way to new ones
RENDITION_BYTES_MAX = 64 * 1024
RENDITION_MIME = "image/jpeg"

_Insert: TypeAlias = sqlite.Insert | postgresql.Insert
_INSERTS: dict[str, Callable[[TableClause], _Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def _newer(insert: _Insert) -> _Insert:
    newer = {name: insert.excluded[name] for name in ("sha256", "size", "stored_at")}
    return insert.on_conflict_do_update(index_elements=["original", "device_id"], set_=newer)


# What every file asks of the database, so written once; SQL itself knows no ON CONFLICT.
_FIRST_BLOB = {
    dialect: insert(SQLModel.metadata.tables["blob"]).on_conflict_do_nothing()
    for dialect, insert in _INSERTS.items()
}
_NEWER_RENDITION = {
    dialect: _newer(insert(SQLModel.metadata.tables["rendition"]))
    for dialect, insert in _INSERTS.items()
}


class Body(Struct, frozen=True):
    """Bytes on their way in; `length` is their announced number, if any."""

    parts: AsyncIterator[bytes]
    length: int | None


class _File(Struct, frozen=True):
    """A file on its way in, before it is known whether that takes an upload."""

    device_id: str
    sha256: str
    size: int
    mime: str
    original: str


Incoming: TypeAlias = _File | Upload


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
    for upload in list(await db.exec(mine)):
        if upload.sha256 in stored or upload.size != data.files[upload.sha256]:
            continue
        flag = await _finished(db, blobs, upload, now=now)
        if flag is not None:
            stored[upload.sha256] = flag
            begun.pop(upload.sha256, None)
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
    engine: AsyncEngine,
    blobs: Blobs,
    data: NewUpload,
    body: Body | None,
    *,
    limits: Limits,
    device: str,
    now: datetime,
) -> UploadState:
    """Begin an upload, with its first bytes if they came along; a small file is whole at once.

    If the file is stored already, the upload is complete from the start. A transaction is open
    only for what nearly no file needs.
    """
    _require_allowed(data, limits)
    file = _File(device, data.sha256, data.size, data.mime, data.original or "")
    piece = b""
    if body is not None and body.length == data.size <= PIECE_BYTES_MAX:
        piece = b"".join([part async for part in body.parts])
        if len(piece) == data.size:
            return await _take_piece(
                engine, blobs, file, piece, free_min=limits.free_bytes, now=now
            )
        body = None  # the link was cut, and this is what came
    if await blobs.free() < data.size + limits.free_bytes:
        raise Refused(Reason.STORAGE_FULL)

    upload = Upload(**msgspec.structs.asdict(file), created_at=now)
    async with transaction(engine) as db:
        flag = await _stored(db, blobs, file, now=now)
        if flag is not None:
            return _whole(file, flag=flag, now=now)
        await _begin(db, blobs, upload, now=now)
        if piece:
            await blobs.append(upload.id, at=0, chunk=piece)
            await blobs.flush(upload.id)
    if body is None:
        return _state(upload, offset=len(piece))
    return await _receive(engine, blobs, upload, body, at=0, now=now)


async def show_upload(
    db: AsyncSession, blobs: Blobs, upload_id: str, *, device: str, now: datetime
) -> UploadState:
    """Say how far an upload is."""
    upload = await _mine(db, upload_id, device=device, now=now)
    flag = await _recorded(db, upload)
    if flag is None:
        flag = await _finished(db, blobs, upload, now=now)
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
    assert isinstance(db.bind, AsyncEngine)
    return await _receive(db.bind, blobs, upload, body, at=at, now=now)


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
    if now >= _expires(upload.created_at):
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
    engine: AsyncEngine, blobs: Blobs, file: _File, piece: bytes, *, free_min: int, now: datetime
) -> UploadState:
    seen = await blobs.put(
        file.sha256, piece, free_min=free_min, look=lambda body: _glance(file, body)
    )
    if seen is None:
        raise Refused(Reason.EVIDENCE_DIGEST_WRONG, sha256=file.sha256)
    facts = await _facts(blobs, file, seen)
    flag = facts.flag
    if file.original or not await _record_alone(engine, file, facts, now=now):
        async with transaction(engine) as db:
            flag = await _record(db, file, facts, size=file.size, now=now)
    return _whole(file, flag=flag, now=now)


async def _record_alone(engine: AsyncEngine, file: _File, facts: Facts, *, now: datetime) -> bool:
    """Record a new file as nearly all come: in one trip to the database; tell whether it is new."""
    row = _row(file, facts, size=file.size, now=now)
    values = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    text = f"INSERT INTO blob ({', '.join(row)}) VALUES ({values}) ON CONFLICT DO NOTHING"
    return await alone(engine, text, *row.values()) > 0


def _row(file: Incoming, facts: Facts, *, size: int, now: datetime) -> dict[str, object]:
    return {
        "sha256": file.sha256,
        "size": size,
        "stored_at": now,
        "mime": file.mime,
        "flag": facts.flag,
        "facts": msgspec.json.encode(facts).decode(),
        "unhashed": bool(facts.format and not facts.flag),
    }


async def _receive(
    engine: AsyncEngine, blobs: Blobs, upload: Upload, body: Body, *, at: int, now: datetime
) -> UploadState:
    """Take what arrives, outside any transaction, and record the file when it is whole."""
    facts: Facts | None = None
    if not await blobs.has(upload.sha256):
        at = await _append(blobs, upload, body.parts, at=at)
        if at < upload.size:
            return _state(upload, offset=at)
        if not await blobs.finish(upload.id, sha256=upload.sha256, size=upload.size):
            raise Refused(Reason.EVIDENCE_DIGEST_WRONG, sha256=upload.sha256)
        facts = await _look(blobs, upload)  # before the database is held
    async with transaction(engine) as db:
        flag = await _stored(db, blobs, upload, facts, now=now)
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


async def _recorded(db: AsyncSession, file: Incoming) -> str | None:
    """Give a recorded file's flag, or nothing for a file that is not recorded."""
    if not file.original:
        return (await db.exec(select(Blob.flag).where(Blob.sha256 == file.sha256))).first()
    row = await db.get(Rendition, (file.original, file.device_id))
    return "" if row is not None and row.sha256 == file.sha256 else None


async def _finished(db: AsyncSession, blobs: Blobs, upload: Upload, *, now: datetime) -> str | None:
    """Finish an upload whose bytes are all here, and give its flag.

    A crash may have come between, or nobody had time to look at it. To say that all bytes arrived
    means to have the file, so nobody is told so before.
    """
    if not await blobs.has(upload.sha256):
        if await blobs.offset(upload.id) < upload.size:
            return None
        if not await blobs.finish(upload.id, sha256=upload.sha256, size=upload.size):
            return None
    return await _stored(db, blobs, upload, now=now)


async def _stored(
    db: AsyncSession, blobs: Blobs, file: Incoming, facts: Facts | None = None, *, now: datetime
) -> str | None:
    """Give a stored file's flag; one that a crash kept from being recorded is recorded now."""
    flag = await _recorded(db, file)
    if flag is None and await blobs.has(file.sha256):
        size = (await asyncio.to_thread(blobs.path(file.sha256).stat)).st_size
        facts = facts or await _look(blobs, file)
        flag = await _record(db, file, facts, size=size, now=now)
    return flag


async def _look(blobs: Blobs, file: Incoming) -> Facts:
    seen = await asyncio.to_thread(_glance, file, blobs.path(file.sha256))
    return await _facts(blobs, file, seen)


async def _facts(blobs: Blobs, file: Incoming, seen: tuple[Facts, bool]) -> Facts:
    """Give what a stored file says about itself; decode it if a glance did not tell all."""
    facts, known = seen
    if known:
        return facts
    probe = partial(photos.probe, blobs.path(file.sha256))
    return await develop(facts.width * facts.height, probe)


def _glance(file: Incoming, source: photos.Source) -> tuple[Facts, bool]:
    """Look into a file as far as that takes no decoding; tell whether that is all."""
    if file.original:
        return Facts(), True
    if file.mime == layers.MIME:
        return Facts(flag=_flag_of_layer(source)), True
    return photos.glance(source) if file.mime.startswith("image/") else (Facts(), True)


def _flag_of_layer(source: photos.Source) -> str:
    """Give a refusal's code for an annotation that nobody can draw; it is kept all the same."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            source = file.read(layers.BYTES_MAX + 1)
    try:
        layers.read(source)
    except Refused as refused:
        return refused.reason.code
    return ""


async def _record(
    db: AsyncSession, file: Incoming, facts: Facts, *, size: int, now: datetime
) -> str:
    """Record a whole file once, whichever upload finished it, and give its flag."""
    if file.original:  # in place of the device's earlier one, and never as a file
        connection = await db.connection()
        row = {
            "original": file.original,
            "device_id": file.device_id,
            "sha256": file.sha256,
            "size": size,
            "stored_at": now,
        }
        await connection.execute(_NEWER_RENDITION[connection.dialect.name], row)
        begun = delete(Upload).where(
            col(Upload.device_id) == file.device_id,
            col(Upload.sha256) == file.sha256,
            col(Upload.original) == file.original,
        )
        await db.exec(begun)
        return ""
    row = _row(file, facts, size=size, now=now)
    if not await remember(db, row):  # another upload of the same file was recorded a moment ago
        return (await db.exec(select(Blob.flag).where(Blob.sha256 == file.sha256))).one()
    return facts.flag


async def remember(db: AsyncSession, row: Mapping[str, object]) -> bool:
    """Record a whole file, given as a row of `blob`, if nobody has; tell whether nobody had."""
    connection = await db.connection()
    done = await connection.execute(_FIRST_BLOB[connection.dialect.name], dict(row))
    return done.rowcount > 0


def _expires(begun: datetime) -> datetime:
    return begun.astimezone(UTC) + timedelta(days=UPLOAD_DAYS_MAX)


def _whole(file: Incoming, *, flag: str, now: datetime) -> UploadState:
    """Give the state of a file that needs no upload: it goes by its digest from now on."""
    return UploadState(
        id=file.sha256,
        sha256=file.sha256,
        size=file.size,
        mime=file.mime,
        offset=file.size,
        expires=_expires(now),
        flag=flag,
    )


def _state(upload: Upload, *, offset: int, flag: str = "") -> UploadState:
    state = _whole(upload, flag=flag, now=upload.created_at)
    return msgspec.structs.replace(state, id=upload.id, offset=offset)
