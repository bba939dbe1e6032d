"""查找: find establishments by any part of what is known of them, and keep the index cut.

The database marks what was written (`backend.search_index`); what is not cut yet is looked through
row by row, so an answer is right even before `refresh_index` has run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import String, bindparam, text, update
from sqlmodel import SQLModel, col, or_, select

from backend.auth import Officer
from backend.db import Session
from backend.rules.calendar import local_day
from backend.rules.names import Facts, Question, fits, question, terms, wanted
from backend.tables import Establishment, Folded
from backend.wire import EstablishmentView, FoundPage

CUT_CHUNK = 1_000
UNCUT_MAX = 2_000  # rows that one question looks through beside the index
WALK = 2_000  # places
LISTED_ROUNDS = 4  # pages of those that ever were on a credit list, to find one that still are

_sqlite = (
    "SELECT rowid FROM search WHERE search MATCH :terms AND rowid > :after "
    "ORDER BY rowid LIMIT :size"
)
# PostgreSQL reads a whole list of hits before it can sort it, or walks along the places; which is
# shorter it guesses badly. What is common is found in a short walk; what is not, has a short list.
_fits = "terms <> '' AND string_to_array(terms, ' ') @> string_to_array(:terms, ' ')"
_walk = (
    "SELECT id FROM (SELECT id, terms FROM folded WHERE id > :after ORDER BY id LIMIT :walk) near "
    f"WHERE {_fits} ORDER BY id LIMIT :size"
)
_list = (
    f"WITH hits AS MATERIALIZED (SELECT id FROM folded WHERE {_fits}) "
    "SELECT id FROM hits WHERE id > :after ORDER BY id LIMIT :size"
)
_every = "SELECT id FROM folded WHERE terms <> '' AND id > :after ORDER BY id LIMIT :size"


async def search_establishments(
    db: Session,
    officer: Officer,
    *,
    words: str,
    category: str,
    division: str,
    risk: str,
    status: str,
    key_object: bool,
    listed: str,
    after: int,
    limit: int,
    now: datetime,
) -> FoundPage:
    """Find establishments of the division, in the order of their arrival, from after a place."""
    asked = question(
        words,
        category=category,
        divisions=(officer.division, division),
        risk=risk,
        status=status,
        key_object=key_object,
        listed=listed,
    )

    today = local_day(now)
    found, horizon = await _uncut(db, asked, after, today=today)
    found |= await _cut(db, asked, after, limit + 1, today=today)

    places = sorted(place for place in found if horizon is None or place <= horizon)
    page = places[:limit]
    rows = [found[place] for place in page]
    return FoundPage(
        found=msgspec.convert(rows, list[EstablishmentView], from_attributes=True),
        after=page[-1] if len(places) > limit else horizon,
    )


async def refresh_index(db: Session) -> int:
    """Cut the terms of every establishment that was written since; return how many there were."""
    stale = select(Folded.id, Folded.establishment_id).where(text("terms = ''"))
    # Locked before the names are read: who writes one meanwhile waits, then marks it again.
    stale = stale.order_by(col(Folded.id)).limit(CUT_CHUNK).with_for_update()
    table = SQLModel.metadata.tables["folded"]
    by_place = update(table).where(table.c.id == bindparam("place"))
    connection, done = await db.connection(), 0
    while places := {id: place for place, id in await db.exec(stale)}:
        columns = SQLModel.metadata.tables["establishment"]
        rows = await connection.execute(columns.select().where(columns.c.id.in_(places)))
        cut = [
            {"place": places[row["id"]], "cut": " ".join(sorted(terms(facts)))}
            for row, facts in await _facts(db, rows.mappings(), today=None)
        ]
        assert len(cut) == len(places), "a trigger forgets what is gone"
        await connection.execute(by_place.values(terms=bindparam("cut")), cut)
        done += len(cut)
    return done


async def _facts(
    db: Session, rows: Iterable[Mapping[Any, Any]], *, today: date | None
) -> list[tuple[Mapping[Any, Any], Facts]]:
    """See rows of the register, and what lies beside them, as what may be looked for.

    Without a day: on every credit list that they ever were on, which the index holds.
    """
    every = list(rows)
    licences, listings = (SQLModel.metadata.tables[name].c for name in ("licence", "listing"))
    connection, codes = await db.connection(), [row["code"] for row in every]
    numbers: dict[str, list[str]] = defaultdict(list)
    lists: dict[str, set[str]] = defaultdict(set)
    licensed = select(licences.code, licences.number).where(licences.code.in_(codes))
    for code, number in await connection.execute(licensed) if codes else ():
        numbers[code].append(number)
    listed = select(listings.code, listings.kind).where(listings.code.in_(codes))
    if today is not None:
        listed = listed.where(or_(listings.removed_on.is_(None), listings.removed_on > today))
    for code, kind in await connection.execute(listed) if codes else ():
        lists[code].add(kind)
    return [
        (
            row,
            Facts(
                name=row["name"],
                address=row["address"],
                numbers=(row["code"], *numbers[row["code"]]),
                category=row["category"],
                division=row["division"],
                risk=row["risk"],
                status=row["status"],
                key_object=row["key_object"],
                lists=tuple(sorted(lists[row["code"]])),
            ),
        )
        for row in every
    ]


async def _uncut(
    db: Session, asked: Question, after: int, *, today: date
) -> tuple[dict[int, Establishment], int | None]:
    """Look through what is not cut yet; say how far, when that was not to the end."""
    query = select(Folded.id).where(text("terms = ''"), col(Folded.id) > after)
    places = [
        place
        for place in await db.exec(query.order_by(col(Folded.id)).limit(UNCUT_MAX))
        if place is not None
    ]
    found = await _rows(db, asked, places, today=today)
    return found, places[-1] if len(places) == UNCUT_MAX else None


async def _cut(
    db: Session, asked: Question, after: int, size: int, *, today: date
) -> dict[int, Establishment]:
    """Ask the index, and again until enough of what it names fits.

    It holds every credit list that somebody ever was on: of those, more are asked for at once.
    """
    needed, found = sorted(wanted(asked)), dict[int, Establishment]()
    asking = size * LISTED_ROUNDS if asked.listed else size
    while len(found) < size:
        places = await _places(db, needed, after, asking)
        found |= await _rows(db, asked, places, today=today)
        if len(places) < asking:
            break
        after = places[-1]
    return found


async def _places(db: Session, needed: list[str], after: int, size: int) -> list[int]:
    """Name the next places that have all these terms."""
    connection = await db.connection()
    values: dict[str, str | int] = {"after": after, "size": size}
    if not needed:
        return list((await connection.execute(text(_every), values)).scalars())
    if connection.dialect.name == "sqlite":
        values["terms"] = " AND ".join(f'"{term}"' for term in needed)
        return list((await connection.execute(text(_sqlite), values)).scalars())
    # Written into the statement: a plan that fits any terms would fit none.
    terms = bindparam("terms", " ".join(needed), type_=String, literal_execute=True)
    walk = text(_walk).bindparams(terms)
    places = list((await connection.execute(walk, {**values, "walk": WALK})).scalars())
    if len(places) < size:
        all_of_them = text(_list).bindparams(terms)
        places = list((await connection.execute(all_of_them, values)).scalars())
    return places


async def _rows(
    db: Session, asked: Question, places: list[int], *, today: date
) -> dict[int, Establishment]:
    """Load the establishments at these places that fit."""
    query = select(Folded.id, Establishment).join(
        Establishment, col(Establishment.id) == Folded.establishment_id
    )
    at = {
        row.id: (place, row)
        for place, row in (await db.exec(query.where(col(Folded.id).in_(places))) if places else ())
        if place is not None
    }
    seen = await _facts(db, (row.__dict__ for _, row in at.values()), today=today)
    return dict(at[row["id"]] for row, facts in seen if fits(asked, facts))
