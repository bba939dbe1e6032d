"""疑似重复: compare the register with itself, and merge what people find to be one establishment.

Nothing merges by itself. A pair is known by its codes, so a decision outlives imports and undos.
Merged is one whose `successor_code` names the other; it keeps its history, licences and tasks.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head
from backend.rules.matching import Candidate, Match, judge, suspects
from backend.tables import Establishment, Lookalike, Revision
from backend.wire import ComparisonView, EstablishmentView, LookalikeView
from backend.work.shelves import SHELVES, keep_versions, moment
from sync.refusals import Reason, Refused

COUNTY = 6  # digits; establishments are compared within their county
CHUNK = 500

Side = Literal["first", "second"]

_shelf = SHELVES["establishments"]
kept, _licences = _shelf.kept, SHELVES["licences"].kept


async def compare_establishments(
    db: Session, reader: Session, officer: Officer, division: str, *, now: datetime
) -> ComparisonView:
    """Put suspected duplicates of a division on the review list; may take a minute.

    `reader` reads and everything is weighed before `db` writes, so nobody waits for a lock.
    """
    division = division or officer.division
    may_see(officer, division)
    compared, found = 0, list[Match]()
    async for county in _counties(reader, division):
        compared += len(county)
        found += await asyncio.to_thread(suspects, county)

    new = await remember(db, found, now=now)

    await journal.append(
        db,
        actor=officer.name,
        verb="register.compare",
        subject=division,
        now=now,
        compared=compared,
        suspected=len(found),
        new=new,
    )
    return ComparisonView(compared=compared, suspected=len(found), new=new)


async def remember(db: Session, found: Iterable[Match], *, now: datetime) -> int:
    """Put pairs of codes on the review list that were never on it; return how many."""
    by_pair = {(match.first, match.second): match for match in found}
    known = await _known(db, sorted({first for first, _ in by_pair}))
    new = [match for pair, match in by_pair.items() if pair not in known]
    for match in new:
        db.add(
            Lookalike(
                first_code=match.first,
                second_code=match.second,
                score=match.score,
                evidence=msgspec.json.encode(match.evidence).decode(),
                found_at=now,
            )
        )
    return len(new)


async def list_lookalikes(
    db: Session, officer: Officer, *, decision: str, limit: int
) -> list[LookalikeView]:
    """List pairs that wait for a decision, or had this one, the likeliest first.

    A pair whose merger was undone waits again.
    """
    first, second = aliased(Establishment), aliased(Establishment)
    undone = select(Revision.id).where(Revision.undoes_id == Lookalike.revision_id).exists()
    decided = sa.case((undone, ""), else_=col(Lookalike.decision))
    query = (
        select(Lookalike, first, second)
        .join(first, col(first.code) == Lookalike.first_code)
        .join(second, col(second.code) == Lookalike.second_code)
        .where(
            decided == decision,
            col(first.division).startswith(officer.division),
            col(second.division).startswith(officer.division),
        )
        .order_by(col(Lookalike.score).desc(), Lookalike.id)
    )
    return [
        _view(pair, *_ordered(one, other), decision=decision)
        for pair, one, other in await db.exec(query.limit(limit))
    ]


async def decide_lookalike(
    db: Session,
    officer: Officer,
    lookalike_id: str,
    decision: Literal["same", "different"],
    *,
    stays: Side = "first",
    now: datetime,
) -> LookalikeView:
    """Record that two establishments are the same, and merge them, or that they are not.

    The later decision counts: `different` parts again what this pair's `same` had merged.
    """
    await head(db)
    pair, first, second = await _pair(db, officer, lookalike_id)

    kept_one, merged = (first, second) if stays == "first" else (second, first)
    if decision == "different" and first.successor_code == second.code:
        kept_one, merged = second, first
    successor = kept_one.code if decision == "same" else ""
    together = merged.successor_code == kept_one.code
    if decision == "same" and not together:
        await _refuse_chain(db, kept_one, merged)

    if together == (decision == "different"):
        pair.revision_id = await _succeed(db, officer, pair, merged, successor, now=now)
    if decision == "different":
        pair.revision_id = None
    pair.decision, pair.decided_by, pair.decided_at = decision, officer.name, now
    await journal.append(
        db,
        actor=officer.name,
        verb="lookalike.decide",
        subject=pair.id,
        now=now,
        decision=decision,
        first=kept_one.code,
        second=merged.code,
        revision=merged.revision_id if pair.revision_id else "",
    )
    return _view(pair, kept_one, merged, decision=decision)


async def merge(
    db: Session, officer: Officer, goes: Establishment, stays: Establishment, *, now: datetime
) -> LookalikeView:
    """Merge two that an officer knows to be one, whether or not anything suspected it."""
    await remember(db, [judge(_candidate(goes), _candidate(stays))], now=now)
    await db.flush()
    first, second = sorted((goes.code, stays.code))
    query = select(Lookalike.id).where(
        Lookalike.first_code == first, Lookalike.second_code == second
    )
    pair = (await db.exec(query)).one()
    side: Side = "first" if _ordered(goes, stays)[0] is stays else "second"
    return await decide_lookalike(db, officer, pair, "same", stays=side, now=now)


# -- the parts of a decision ---------------------------------------------------------------------


async def _pair(
    db: Session, officer: Officer, lookalike_id: str
) -> tuple[Lookalike, Establishment, Establishment]:
    pair = await db.get(Lookalike, lookalike_id, with_for_update=True)
    codes = (pair.first_code, pair.second_code) if pair else ()
    found = list(await db.exec(select(Establishment).where(col(Establishment.code).in_(codes))))
    if pair is None or len(found) != 2:
        raise Refused(Reason.LOOKALIKE_NOT_FOUND, lookalike=lookalike_id)
    for one in found:
        may_see(officer, one.division)
    return pair, *_ordered(*found)


async def _refuse_chain(db: Session, stays: Establishment, goes: Establishment) -> None:
    """Refuse a merger after which a successor would have one itself: no chains, no circles."""
    query = select(Establishment.code).where(Establishment.successor_code == goes.code).limit(1)
    third = stays.successor_code or goes.successor_code or (await db.exec(query)).first()
    if third:
        raise Refused(Reason.LOOKALIKE_CHAINED, first=stays.code, second=goes.code, third=third)


async def _succeed(
    db: Session,
    officer: Officer,
    pair: Lookalike,
    one: Establishment,
    successor: str,
    *,
    now: datetime,
) -> str:
    """Write who succeeds an establishment, as a revision that can be undone."""
    revision = Revision(
        register_name="establishments",
        source_name=f"review {pair.id}",
        source_sha256=sha256(pair.evidence.encode()).hexdigest(),
        at=await moment(db, now),
        rows=1,
        created=0,
        changed=1,
        unchanged=0,
        problems="[]",
        actor=officer.name,
        division=officer.division,
    )
    db.add(revision)
    await db.flush()
    await keep_versions(db, _shelf, revision.id, sa.select(kept.c.id).where(kept.c.id == one.id))
    one.successor_code, one.revision_id = successor, revision.id
    await db.flush()
    return revision.id


def _candidate(one: Establishment) -> Candidate:
    return Candidate(
        id=one.code,
        code=one.code,
        name=one.name,
        address=one.address,
        division=one.division,
        longitude=one.longitude,
        latitude=one.latitude,
        datum=one.datum,
    )


def _ordered(one: Establishment, other: Establishment) -> tuple[Establishment, Establishment]:
    """Put first who had better stay: not merged yet, in business, registered earlier."""
    first, second = sorted(
        (one, other), key=lambda it: (it.successor_code != "", it.status != "active", it.id)
    )
    return first, second


# -- the parts of a comparison -------------------------------------------------------------------


async def _counties(reader: Session, division: str) -> AsyncIterator[list[Candidate]]:
    """Load one county after another: what lies in memory does not grow with the register."""
    connection = await reader.connection()
    county = func.substr(kept.c.division, 1, COUNTY)
    within = kept.c.division.startswith(division, autoescape=True)
    names = await connection.execute(sa.select(county).where(within).distinct().order_by(county))
    columns = [kept.c[name] for name in Candidate.__struct_fields__ if name in kept.c]
    for name in list(names.scalars()):
        below = kept.c.division.between(name, name + "9" * COUNTY)
        here = sa.and_(within, below if len(name) == COUNTY else kept.c.division == name)
        licences = await _numbers(connection, here)
        query = sa.select(*columns).where(
            here, kept.c.status != "cancelled", kept.c.successor_code == ""
        )
        yield [
            Candidate(**{**row, "id": row["code"]}, licences=tuple(licences.get(row["code"], ())))
            for row in (await connection.execute(query.order_by(kept.c.id))).mappings()
        ]


async def _numbers(
    connection: AsyncConnection, here: sa.ColumnElement[bool]
) -> dict[str, list[str]]:
    query = sa.select(_licences.c.code, _licences.c.number).join(
        kept, kept.c.code == _licences.c.code
    )
    found: dict[str, list[str]] = defaultdict(list)
    for code, number in await connection.execute(query.where(here)):
        found[code].append(number)
    return found


async def _known(db: Session, firsts: list[str]) -> set[tuple[str, str]]:
    known: set[tuple[str, str]] = set()
    for start in range(0, len(firsts), CHUNK):
        query = select(Lookalike.first_code, Lookalike.second_code).where(
            col(Lookalike.first_code).in_(firsts[start : start + CHUNK])
        )
        known.update(await db.exec(query))
    return known


def _view(
    pair: Lookalike, first: Establishment, second: Establishment, *, decision: str
) -> LookalikeView:
    return LookalikeView(
        id=pair.id,
        score=pair.score,
        first=msgspec.convert(first, EstablishmentView, from_attributes=True),
        second=msgspec.convert(second, EstablishmentView, from_attributes=True),
        evidence=msgspec.json.decode(pair.evidence),
        decision=decision,
        decided_by=pair.decided_by if decision else "",
    )
