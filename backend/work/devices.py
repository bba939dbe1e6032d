"""执法终端: who has not synced for how long, what is outstanding; revoke, and report a loss."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import func
from sqlmodel import col, select

from backend import journal
from backend.auth import Officer
from backend.db import Session
from backend.tables import (
    Act,
    Blob,
    Device,
    Entry,
    Establishment,
    Inspection,
    Inspector,
    Seat,
    Task,
)
from backend.wire import DeviceView, EntryView, LostView, MissingFile, OpenTask
from backend.work import feed, quarantine
from backend.work.holders import REVOKED, end, find, lock_family

LOG_MAX = 1000


class _Announced(Struct, frozen=True):
    """The part of an operation that announces a file, whatever its version."""

    blob: str = ""
    size: int = 0


async def revoke(db: Session, officer: Officer, device_id: str, now: datetime) -> DeviceView:
    """Revoke a device at once, under all its names; what it sends afterwards goes to quarantine."""
    device, inspector = await find(db, officer, device_id)
    family = await lock_family(db, device.id)

    ended = [one for one in family if one.revoked_at is None or one.id == device.id]
    await end(db, ended, actor=officer.name, now=now)

    return await _view_of(db, device, inspector, family)


async def report_loss(db: Session, officer: Officer, device_id: str, now: datetime) -> LostView:
    """Revoke a device at once, and say what it held, what it delivered and what it never did."""
    device, inspector = await find(db, officer, device_id)
    family = await lock_family(db, device.id)

    ended = [one for one in family if one.revoked_at is None]
    await end(db, ended, actor=officer.name, now=now)
    await journal.append(db, actor=officer.name, verb="device.lost", subject=device.id, now=now)

    view = await _view_of(db, device, inspector, family)
    files = await _files(db, [device.id])
    missing = [one for one in files.get(device.id, ()) if not one.arrived]
    return LostView(
        device=view,
        buckets=tuple(await feed.buckets(db, inspector.id)),
        tasks=tuple(await _tasks(db, device)),
        files_arrived=len(files.get(device.id, ())) - len(missing),
        missing=tuple(one.file for one in missing),
    )


async def list_devices(db: Session, officer: Officer) -> list[DeviceView]:
    """List the devices of a division's inspectors, those longest unseen first."""
    query = (
        select(Device, Inspector)
        .join(Inspector, col(Inspector.id) == Device.inspector_id)
        .where(col(Inspector.division).startswith(officer.division, autoescape=True))
        .order_by(col(Device.seen_at).asc().nulls_first(), col(Device.id))
    )
    return await _views(db, (await db.exec(query)).all())


async def read_log(db: Session, officer: Officer, device_id: str, *, after: int) -> list[EntryView]:
    """Read at most LOG_MAX operations of a device from the ledger, those after number `after`."""
    await find(db, officer, device_id)
    query = (
        select(Entry)
        .where(Entry.device_id == device_id, Entry.n > after)
        .order_by(col(Entry.n))
        .limit(LOG_MAX)
    )
    return msgspec.convert(list(await db.exec(query)), list[EntryView], from_attributes=True)


async def _view_of(
    db: Session, device: Device, inspector: Inspector, family: Sequence[Device]
) -> DeviceView:
    views = await _views(db, [(one, inspector) for one in family])
    return next(one for one in views if one.id == device.id)


# -- what is outstanding -------------------------------------------------------------------------


class _Head(Struct, frozen=True):
    """Where a chain ended when its device was revoked."""

    head_n: int
    head_hash: str


class _File(Struct, frozen=True):
    file: MissingFile
    arrived: bool


async def _views(db: Session, found: Sequence[tuple[Device, Inspector]]) -> list[DeviceView]:
    ids = [device.id for device, _ in found]
    revoked = await _ends(db, [device.id for device, _ in found if device.revoked_at is not None])
    held = await quarantine.count_held(db, found)
    files = await _files(db, ids)
    tasks, untouched = await _assigned(db, {inspector.id for _, inspector in found})
    families = _families([device for device, _ in found])
    return [
        DeviceView(
            id=device.id,
            label=device.label,
            certificate=inspector.certificate,
            name=inspector.name,
            operations=device.head_n,
            enrolled_at=device.enrolled_at,
            seen_at=device.seen_at,
            skew_ms=device.skew_ms,
            revoked_at=device.revoked_at,
            head_hash=device.head_hash,
            revoked_n=revoked[device.id].head_n if device.id in revoked else None,
            revoked_hash=revoked[device.id].head_hash if device.id in revoked else "",
            files_missing=sum(not one.arrived for one in files.get(device.id, ())),
            held_back=held[device.id, "quarantined"],
            parked=held[device.id, "parked"],
            forked=held[device.id, quarantine.FORKED],
            tasks=tasks[inspector.id],
            untouched=untouched[inspector.id],
            renews=device.renews or "",
            family=tuple(sorted(families[device.id] - {device.id})),
        )
        for device, inspector in found
    ]


def _families(devices: Iterable[Device]) -> dict[str, set[str]]:
    """Join devices that took their names from one another; all of an inspector's are here."""
    families: dict[str, set[str]] = {}
    for one in sorted(devices, key=lambda one: one.enrolled_at):
        family = families.setdefault(one.renews or one.id, {one.renews or one.id})
        family.add(one.id)
        families[one.id] = family
    return families


async def _ends(db: Session, ids: Sequence[str]) -> dict[str, _Head]:
    """Say where chains ended when their devices were first revoked; the journal knows."""
    query = (
        select(Act.subject, Act.details)
        .where(Act.verb == REVOKED, col(Act.subject).in_(ids))
        .order_by(col(Act.n).desc())
    )
    return {
        device: msgspec.json.decode(details, type=_Head) for device, details in await db.exec(query)
    }


async def _files(db: Session, ids: Sequence[str]) -> dict[str, list[_File]]:
    """List the files that devices announced, each once a device, and whether they arrived."""
    query = (
        select(Entry.device_id, Entry.n, Entry.inspection_id, Entry.raw)
        .where(
            col(Entry.device_id).in_(ids),
            col(Entry.kind).startswith("evidence.add/"),
            col(Entry.seq).is_not(None),
        )
        .order_by(col(Entry.device_id), col(Entry.n))
    )
    announced: dict[tuple[str, str], MissingFile] = {}
    for device, n, inspection, raw in await db.exec(query):
        one = msgspec.json.decode(raw, type=_Announced)
        announced.setdefault((device, one.blob), MissingFile(one.blob, one.size, inspection, n))
    arrived = await _arrived(db, sorted({blob for _, blob in announced}))
    files: dict[str, list[_File]] = {}
    for (device, blob), file in announced.items():
        files.setdefault(device, []).append(_File(file, blob in arrived))
    return files


async def _arrived(db: Session, digests: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(digests), 1000):
        some = digests[at : at + 1000]
        found |= set(await db.exec(select(Blob.sha256).where(col(Blob.sha256).in_(some))))
    return found


async def _assigned(db: Session, inspectors: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Count the tasks sent to inspectors, and those in which nobody has recorded anything."""
    query = (
        select(Seat.inspector_id, Inspection.id)
        .join(Task, col(Task.id) == Seat.task_id)
        .outerjoin(Inspection, col(Inspection.id) == Task.id)
        .where(
            col(Seat.inspector_id).in_(inspectors),
            col(Task.dispatched_at).is_not(None),
            col(Task.withdrawn_at).is_(None),
        )
    )
    rows = (await db.exec(query)).all()
    return Counter(who for who, _ in rows), Counter(who for who, begun in rows if not begun)


async def _tasks(db: Session, device: Device) -> list[OpenTask]:
    """List the tasks sent to a device's inspector, with how much the device recorded in each."""
    counted = (
        select(Entry.inspection_id, func.count())
        .where(Entry.device_id == device.id)
        .group_by(col(Entry.inspection_id))
    )
    recorded = dict((await db.exec(counted)).all())
    query = (
        select(Task, Establishment)
        .join(Establishment, col(Establishment.id) == Task.establishment_id)
        .join(Seat, col(Seat.task_id) == Task.id)
        .where(
            Seat.inspector_id == device.inspector_id,
            col(Task.dispatched_at).is_not(None),
            col(Task.withdrawn_at).is_(None),
        )
        .order_by(col(Task.dispatched_at), col(Task.place))
    )
    return [
        OpenTask(task.id, site.code, site.name, sent, recorded.get(task.id, 0))
        for task, site in await db.exec(query)
        if (sent := task.dispatched_at) is not None
    ]
