"""无网交接: take in a bundle that a device wrote, as if it had sent it itself.

Nothing of a bundle is taken before all of it was verified. Its batches go through the same intake
and may come again, also after the device has synced; so may its files.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import IO

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.auth import Officer, may_see
from backend.blobs import Blobs
from backend.db import Session, transaction
from backend.tables import Device, Head, Inspector
from backend.wire import NewUpload, ReceivedView
from backend.work import evidence, intake
from backend.work.evidence import Body, Limits
from sync import codec, handover
from sync.carrying import Answer, Receipt, write_receipt
from sync.handover import Item
from sync.refusals import Kept, Reason, Refused


async def receive(
    db: Session, officer: Officer, blobs: Blobs, file: IO[bytes], *, limits: Limits, now: datetime
) -> ReceivedView:
    """Take in a bundle: its batches in one transaction, then its files one by one.

    Refuses with BUNDLE_DAMAGED, BUNDLE_FOREIGN, DEVICE_UNKNOWN, DIVISION_FORBIDDEN, or as the
    exchange does.
    """
    assert isinstance(db.bind, AsyncEngine)
    engine = db.bind
    async with transaction(engine, write=False) as reading:
        secret = (await reading.get_one(Head, 1)).secret_key
        label = handover.read_label(file)
        key = handover.open_at_office(file, secret=secret, server=codec.public_key(secret))
        whose = await _whose(reading, officer, label.device)
    await asyncio.to_thread(handover.verify, file, key)

    answers: list[Answer] = []
    operations = new = forked = 0
    async with transaction(engine) as writing:
        for item, read in handover.things(file, key):
            if item.kind == "batch":
                await _whose(writing, officer, item.name)
                before = await _head_n(writing, item.name)
                answer, count = await _take(writing, item, _whole(item, read), now)
                operations += count
                new += await _head_n(writing, item.name) - before
                answers += [answer] if answer else []
                forked += 0 if answer else count

    files: list[str] = []
    for item, read in handover.things(file, key):
        if item.kind == "file":
            await _store(engine, blobs, item, read, label.device, limits=limits, now=now)
            files.append(item.name)
    receipt = write_receipt(secret, Receipt(tuple(answers), tuple(files)))
    return ReceivedView(
        device=label.device,
        certificate=whose.certificate,
        name=whose.name,
        operations=operations,
        new=new,
        forked=forked,
        files=len(files),
        receipt=receipt,
    )


async def _whose(db: Session, officer: Officer, device_id: str) -> Inspector:
    device = await db.get(Device, device_id)
    if device is None:
        raise Refused(Reason.DEVICE_UNKNOWN)
    inspector = await db.get_one(Inspector, device.inspector_id)
    may_see(officer, inspector.division)
    return inspector


async def _head_n(db: Session, device_id: str) -> int:
    device = await db.get_one(Device, device_id, populate_existing=True)
    return device.head_n


async def _take(db: Session, item: Item, body: bytes, now: datetime) -> tuple[Answer | None, int]:
    """Take in a batch and count its operations; a fork is kept, and has no answer."""
    if codec.open_header(item.header)[0] != item.name:  # whose it is was looked at by its name
        raise Refused(Reason.SIGNATURE_WRONG)
    done = await intake.exchange(db, item.header, body, now)
    count = body.count(b"\n")
    if isinstance(done, Kept):
        return None, count
    return Answer(item.name, item.first, done.signature, done.body.decode()), count


async def _store(
    engine: AsyncEngine,
    blobs: Blobs,
    item: Item,
    read: Callable[[int], bytes],
    device: str,
    *,
    limits: Limits,
    now: datetime,
) -> None:
    announced = {"sha256": item.name, "size": item.size, "mime": item.mime}
    try:
        data = msgspec.convert(announced, NewUpload)
    except msgspec.ValidationError as error:
        raise Refused(Reason.BUNDLE_DAMAGED, problem=str(error)) from error

    async def parts() -> AsyncIterator[bytes]:
        while part := read(handover.PIECE_BYTES):
            yield part

    body = Body(parts(), item.size)
    await evidence.create_upload(engine, blobs, data, body, limits=limits, device=device, now=now)


def _whole(item: Item, read: Callable[[int], bytes]) -> bytes:
    parts: list[bytes] = []
    while part := read(item.size):
        parts.append(part)
    return b"".join(parts)
