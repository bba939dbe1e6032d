"""疑似重复: compare the register with itself, and keep the list that people decide upon.

Nothing merges here. A decision is recorded with its evidence, and a pair that was decided is not
asked about again.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import sqlalchemy
from sqlalchemy.orm import aliased
from sqlmodel import SQLModel, col, func, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules.matching import Candidate, Match, suspects
from backend.tables import Establishment, Lookalike
from backend.wire import ComparisonView, EstablishmentView, LookalikeView
from sync.refusals import Reason, Refused

COUNTY = 6  # digits; establishments are compared within their county
CHUNK = 500


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

    known = await _known(db, found)
    new = [match for match in found if (match.first, match.second) not in known]

    for match in new:
        evidence = msgspec.json.encode(match.evidence).decode()
        db.add(
            Lookalike(
                first_id=match.first,
                second_id=match.second,
                score=match.score,
                evidence=evidence,
                found_at=now,
            )
        )
    await journal.append(
        db,
        actor=officer.name,
        verb="register.compare",
        subject=division,
        now=now,
        compared=compared,
        suspected=len(found),
        new=len(new),
    )
    return ComparisonView(compared=compared, suspected=len(found), new=len(new))


async def list_lookalikes(
    db: Session, officer: Officer, *, decision: str, limit: int
) -> list[LookalikeView]:
    """List pairs that wait for a decision, or had this one, the likeliest first."""
    first, second = aliased(Establishment), aliased(Establishment)
    query = (
        select(Lookalike, first, second)
        .join(first, col(first.id) == Lookalike.first_id)
        .join(second, col(second.id) == Lookalike.second_id)
        .where(
            Lookalike.decision == decision,
            col(first.division).startswith(officer.division),
            col(second.division).startswith(officer.division),
        )
        .order_by(col(Lookalike.score).desc(), Lookalike.id)
    )
    return [_view(*row) for row in await db.exec(query.limit(limit))]


async def decide_lookalike(
    db: Session, officer: Officer, lookalike_id: str, decision: str, *, now: datetime
) -> LookalikeView:
    """Record that two establishments are the same or not; the later decision counts."""
    pair = await db.get(Lookalike, lookalike_id, with_for_update=True)
    first = await db.get(Establishment, pair.first_id) if pair else None
    second = await db.get(Establishment, pair.second_id) if pair else None
    if pair is None or first is None or second is None:
        raise Refused(Reason.LOOKALIKE_NOT_FOUND, lookalike=lookalike_id)
    may_see(officer, first.division)
    may_see(officer, second.division)

    pair.decision, pair.decided_by, pair.decided_at = decision, officer.name, now

    await journal.append(
        db,
        actor=officer.name,
        verb="lookalike.decide",
        subject=pair.id,
        now=now,
        decision=decision,
        first=first.code,
        second=second.code,
    )
    return _view(pair, first, second)


async def _counties(reader: Session, division: str) -> AsyncIterator[list[Candidate]]:
    """Load one county after another: what lies in memory does not grow with the register."""
    connection, one = await reader.connection(), SQLModel.metadata.tables["establishment"].c
    county = func.substr(one.division, 1, COUNTY)
    within = one.division.startswith(division)
    names = await connection.execute(
        sqlalchemy.select(county).where(within).distinct().order_by(county)
    )
    columns = [one[name] for name in Candidate.__struct_fields__ if name in one]
    for name in list(names.scalars()):
        below = one.division.between(name, name + "9" * COUNTY)
        here = below if len(name) == COUNTY else one.division == name
        query = (
            sqlalchemy.select(*columns)
            .where(within, here, one.status != "cancelled")
            .order_by(one.id)
        )
        yield [Candidate(**row) for row in (await connection.execute(query)).mappings()]


async def _known(db: Session, found: list[Match]) -> set[tuple[str, str]]:
    firsts = sorted({match.first for match in found})
    known: set[tuple[str, str]] = set()
    for start in range(0, len(firsts), CHUNK):
        query = select(Lookalike.first_id, Lookalike.second_id).where(
            col(Lookalike.first_id).in_(firsts[start : start + CHUNK])
        )
        known.update(await db.exec(query))
    return known


def _view(pair: Lookalike, first: Establishment, second: Establishment) -> LookalikeView:
    return LookalikeView(
        id=pair.id,
        score=pair.score,
        first=msgspec.convert(first, EstablishmentView, from_attributes=True),
        second=msgspec.convert(second, EstablishmentView, from_attributes=True),
        evidence=msgspec.json.decode(pair.evidence),
        decision=pair.decision,
        decided_by=pair.decided_by,
    )
