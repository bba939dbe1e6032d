"""检查对象下发: the establishments of a division as a bucket, derived from the register when asked.

An import writes nothing here. Whoever pulls first after it compares what was published with what is
there: only the rows that later revisions touched, or all of the bucket when they touched many.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlmodel import SQLModel, col, select

from backend.db import Session
from backend.tables import Bucket, Revision
from backend.work import feed, ledger
from sync import sites

FEW = 2_000  # rows touched since: up to so many are looked at one by one
KEYS_MAX = 500  # in one question
SITES_MAX = 300_000  # of one division
REGISTERS = ("establishments", "licences")

_tables = SQLModel.metadata.tables
_kept, _before = _tables["establishment"], _tables["establishmentversion"]
_licence, _licence_before = _tables["licence"], _tables["licenceversion"]
_site = _tables["site"]
_SITES = "INSERT INTO site (bucket, seq, code, term, gone) "
_MOVED = """
ON CONFLICT (bucket, code) DO UPDATE SET seq = excluded.seq, term = excluded.term,
    gone = excluded.gone"""
_COLUMNS = [_kept.c[name] for name in sites.Site._fields if name != "licences"]

Row = tuple[str, ...]  # in the order of sync.sites.Site


class News(Struct, frozen=True):
    """What a bucket is behind the register: codes with their terms, and whether they are gone."""

    bucket: str
    published_at: datetime
    changed: Sequence[tuple[str, int, bool]]
    count: int  # what they add to the bucket's sum
    total: int
    first: bool  # nothing was told of it before
    whole: Mapping[str, Row] | None  # all of it, where that had to be read


def division_of(bucket: str) -> str:
    """Name the division of a bucket of establishments."""
    return bucket.removeprefix(feed.SITES)


async def compare(db: Session, bucket: str) -> News | None:
    """Compare what was told of a division with the register; the head must be locked until `tell`.

    Costs what the revisions since the last time touched, at most the size of the bucket.
    """
    newest = await _newest(db)
    known = await db.get(Bucket, bucket, populate_existing=True)
    since = known.published_at if known else None
    if newest is None or since == newest:
        return None
    touched = await _touched(db, since) if since else None
    told: dict[str, tuple[int, bool]] = {}
    there: dict[str, Row] = {}
    if touched is None:
        told = await _told(db, bucket)
        there = await read(db, bucket) if await _fits(db, bucket) else {}
    else:
        for codes in _chunks(touched):
            told |= await _told(db, bucket, codes)
            there |= await read(db, bucket, codes)
    changed, count, total = _differences(told, there)
    whole = there if touched is None else None
    return News(bucket, newest, changed, count, total, not told, whole)


def _differences(
    told: Mapping[str, tuple[int, bool]], there: Mapping[str, Row]
) -> tuple[list[tuple[str, int, bool]], int, int]:
    """Say what was told otherwise than it is there, and what that adds to the bucket's sum."""
    changed: list[tuple[str, int, bool]] = []
    total = count = 0
    for code, row in there.items():
        term = sites.term_of(row)
        before, gone = told.get(code, (0, True))
        if gone or before != term:
            changed.append((code, term, False))
            total, count = total + term - (0 if gone else before), count + gone
    for code, (before, gone) in told.items():
        if not gone and code not in there:
            changed.append((code, before, True))
            total, count = total - before, count - 1
    return sorted(changed), count, total


async def tell(db: Session, news: News) -> None:
    """Give places to what differs from what was told."""
    bucket, types = news.bucket, ("text", "int", "text", "bigint", "bool")
    if news.changed:
        places = await feed.next_places(db, len(news.changed))
        rows = [(bucket, seq, *one) for seq, one in zip(places, news.changed, strict=True)]
        # to look for earlier ones is dear where there are none
        await ledger.put(db, _SITES, types, rows, "" if news.first else _MOVED)
        await feed.add_up(db, [feed.Step(bucket, news.count, news.total, places[-1])])
    published = sa.update(Bucket).where(col(Bucket.name) == bucket)
    published = published.values(published_at=news.published_at)
    if (await _execute(db, published)).rowcount == 0:
        db.add(Bucket(name=bucket, published_at=news.published_at))
        await db.flush()


async def read(db: Session, bucket: str, codes: Sequence[str] | None = None) -> dict[str, Row]:
    """Read the establishments of a division as they are told, those merged into others left out."""
    within = _within(bucket)
    wanted = sa.select(*_COLUMNS).where(within, _kept.c.successor_code == "")
    numbers = sa.select(_licence.c.code, _licence.c.number).order_by(_licence.c.number)
    if codes is None:
        numbers = numbers.join(_kept, _kept.c.code == _licence.c.code).where(within)
    else:
        wanted = wanted.where(_kept.c.code.in_(codes))
        numbers = numbers.where(_licence.c.code.in_(codes))
    licences: dict[str, str] = {}
    for code, number in await _execute(db, numbers):
        licences[code] = f"{licences[code]} {number}" if code in licences else number
    rows = await _execute(db, wanted)
    return {row[0]: (*row, licences.get(row[0], "")) for row in rows}


def _within(bucket: str) -> sa.ColumnElement[bool]:
    """Tell what lies in a division; the range is for the index, codes being digits."""
    division = division_of(bucket)
    column = _kept.c.division
    return sa.and_(column >= division, column < f"{division}z", column.startswith(division))


async def _told(
    db: Session, bucket: str, codes: Sequence[str] | None = None
) -> dict[str, tuple[int, bool]]:
    query = sa.select(_site.c.code, _site.c.term, _site.c.gone).where(_site.c.bucket == bucket)
    if codes is not None:
        query = query.where(_site.c.code.in_(codes))
    return {code: (term, gone) for code, term, gone in await _execute(db, query)}


async def _newest(db: Session) -> datetime | None:
    query = select(sa.func.max(Revision.at))
    return (await db.exec(query)).first()


async def _fits(db: Session, bucket: str) -> bool:
    """Tell whether a device can hold a division; a larger one is told to nobody."""
    some = sa.select(_kept.c.id).where(_within(bucket)).limit(SITES_MAX + 1).subquery()
    count = (await _execute(db, sa.select(sa.func.count()).select_from(some))).scalar_one()
    return int(count) <= SITES_MAX


async def _touched(db: Session, since: datetime) -> list[str] | None:
    """Find the codes that later revisions touched, or give None when they are many."""
    query = select(Revision.id).where(
        Revision.at > since, col(Revision.register_name).in_(REGISTERS)
    )
    revisions = list(await db.exec(query.limit(FEW + 1)))
    if len(revisions) > FEW:
        return None
    touched: set[str] = set()
    for some in _chunks(revisions):
        for table in (_kept, _before, _licence, _licence_before):
            codes = sa.select(table.c.code).where(table.c.revision_id.in_(some))
            found = list((await _execute(db, codes.limit(FEW + 1))).scalars())
            touched.update(found)
            if len(found) > FEW or len(touched) > FEW:
                return None
        # a licence may have moved: of whom it was is in its version, of whom it is, here
        moved = (
            sa.select(_licence.c.code)
            .join(_licence_before, _licence_before.c.entity_id == _licence.c.id)
            .where(_licence_before.c.revision_id.in_(some))
        )
        touched.update((await _execute(db, moved)).scalars())
    return sorted(touched)


async def _execute(db: Session, query: sa.Executable) -> sa.CursorResult[*tuple[Any, ...]]:
    return await (await db.connection()).execute(query)


def _chunks(of: Iterable[str]) -> Iterable[list[str]]:
    left = iter(of)
    while some := list(islice(left, KEYS_MAX)):
        yield some
