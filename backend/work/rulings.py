"""裁定: judge again what was held back. What the ledger says stays; a ruling is a fact beside it.

An operation counts when it has a place in the feed. Entry and rulings together say whether it
should: `backend.rules.ledger` holds the one to the other.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import col, select

from backend import journal
from backend.db import Session, head
from backend.rules.rulings import Ruled, digest
from backend.tables import Act, Device, Entry, Fork, Ruling
from backend.work import feed, folds, openings
from sync import hub
from sync.ops import op_id
from sync.refusals import Reason

PARKED_AT_ONCE = 1000
FORKED = "forked"

Key = tuple[str, int, str]  # device, n, hash


async def latest(db: Session, keys: Sequence[Key]) -> dict[Key, list[Ruling]]:
    """Give what was ruled on operations, the newest last."""
    wanted = tuple_(col(Ruling.device_id), col(Ruling.n), col(Ruling.hash))
    found: dict[Key, list[Ruling]] = {}
    for at in range(0, len(keys), 300):  # SQLite counts variables
        query = select(Ruling).where(wanted.in_(keys[at : at + 300]))
        for one in await db.exec(query.order_by(col(Ruling.act_n))):
            found.setdefault((one.device_id, one.n, one.hash), []).append(one)
    return found


async def judge_again(
    db: Session, entries: Sequence[Entry], waived: Mapping[Key, Sequence[str]], now: datetime
) -> list[Ruled]:
    """Judge operations that were held back once more; what is found good counts from now on.

    `waived` gives the codes set aside for each, the newest last.
    """
    docket = await openings.docket(db, [entry.raw for entry in entries], now)
    names = {entry.device_id for entry in entries}
    devices = {
        one.id: one for one in await db.exec(select(Device).where(col(Device.id).in_(names)))
    }
    ruled: list[Ruled] = []
    touched: set[str] = set()
    for entry in entries:
        device, key = devices[entry.device_id], key_of(entry)
        aside = waived.get(key, ())
        revoked = device.revoked_at is not None and entry.why == Reason.DEVICE_REVOKED.code
        one = docket.admit(entry.raw, entry.n, device.inspector_id, revoked, entry.hash, aside)
        ruled.append(Ruled(*key, one.verdict, one.why, aside[-1] if aside else ""))
        if one.verdict == "ok":
            entry.seq = await feed.next_place(db)
            op = op_id(entry.device_id, entry.n)
            await feed.enter(db, [feed.Entered(one.inspection, op, entry.hash, entry.seq)])
            touched.add(one.inspection)
            db.add(entry)
    await db.flush()
    if touched:
        await folds.project(db, sorted(touched), now)
    if docket.opened:
        await begin(db, docket.opened, now, apart={key_of(entry) for entry in entries})
    return ruled


async def begin(
    db: Session, opened: Sequence[hub.Opened], now: datetime, *, apart: Collection[Key] = ()
) -> None:
    """Make the tasks of inspections that were opened on site, and let count what waited for them.

    That came before, from another phone or under an older version of this server. `apart` are the
    operations that are being judged already.
    """
    await openings.establish(db, opened, now)
    query = (
        select(Entry)
        .where(col(Entry.inspection_id).in_([one.op.e for one in opened]))
        .where(col(Entry.seq).is_(None))
        .order_by(col(Entry.position))
    )
    entries = [one for one in await db.exec(query) if key_of(one) not in apart]
    before = await latest(db, [key_of(one) for one in entries])
    held = ("quarantined", Reason.INSPECTION_NOT_YOURS.code)
    waiting = [one for one in entries if stands(one, before.get(key_of(one), ())) == held]
    waived = {key: set_aside(those) for key, those in before.items()}
    ruled = [one for one in await judge_again(db, waiting, waived, now) if one.why != held[1]]
    if ruled:
        await record(db, ruled, actor="server", verb="ledger.rejudge", subject="ledger", now=now)


async def record(
    db: Session,
    ruled: Sequence[Ruled],
    *,
    actor: str,
    verb: str,
    subject: str,
    now: datetime,
    **details: str | int,
) -> Act:
    """Write rulings down with the act that made them, which carries their digest."""
    act = await journal.append(
        db, actor=actor, verb=verb, subject=subject, now=now,
        operations=len(ruled), rulings=digest(ruled), **details,
    )  # fmt: skip
    await db.flush()
    db.add_all(
        Ruling(
            act_n=act.n, device_id=one.device, n=one.n, hash=one.hash, verdict=one.verdict,
            why=one.why, waived=one.waived,
        )
        for one in ruled
    )  # fmt: skip
    await db.flush()
    return act


async def rejudge_parked(db: Session, now: datetime) -> int:
    """Judge again what an earlier version did not understand; count what is understood now.

    What stays unknown gets no ruling, so doing it again does nothing.
    """
    await head(db)
    understood, after = 0, 0
    while True:
        query = (
            select(Entry)
            .where(col(Entry.seq).is_(None), col(Entry.position) > after)
            .order_by(col(Entry.position))
            .limit(PARKED_AT_ONCE)
        )
        entries = (await db.exec(query)).all()
        if not entries:
            return understood
        after = entries[-1].position
        before = await latest(db, [key_of(entry) for entry in entries])
        parked = [one for one in entries if stands(one, before.get(key_of(one), ()))[0] == "parked"]
        waived = {key: set_aside(those) for key, those in before.items()}
        judged = await judge_again(db, parked, waived, now)
        ruled = [one for one in judged if one.verdict != "parked"]
        if ruled:
            await record(
                db, ruled, actor="server", verb="ledger.rejudge", subject="ledger", now=now
            )
        understood += len(ruled)


def key_of(one: Entry | Fork) -> Key:
    """Name an operation with its hash, which sets it apart from a fork's."""
    return one.device_id, one.n, one.hash


def stands(one: Entry | Fork, ruled: Sequence[Ruling]) -> tuple[str, str]:
    """Say what an operation is held to be now, and why."""
    if ruled:
        return ruled[-1].verdict, ruled[-1].why
    return (one.verdict, one.why) if isinstance(one, Entry) else (FORKED, Reason.SYNC_FORK.code)


def set_aside(ruled: Sequence[Ruling]) -> list[str]:
    """List the codes that officers set aside for an operation."""
    return [one.waived for one in ruled if one.waived]
