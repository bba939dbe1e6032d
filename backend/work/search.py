"""查找: find establishments by any part of what is known of them, and keep the index cut.

The database marks what was written (`backend.search_index`); what is not cut yet is looked through
row by row, so an answer is right even before `refresh_index` has run.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import String, bindparam, text, update
from sqlmodel import SQLModel, col, select

from backend.auth import Officer
from backend.db import Session
from backend.rules.names import Facts, Question, fits, question, terms, wanted
from backend.tables import Establishment, Folded
from backend.wire import EstablishmentView, FoundPage

CUT_CHUNK = 1_000
UNCUT_MAX = 2_000  # rows that one question looks through beside the index
WALK = 2_000  # places

_sqlite = (
    "SELECT rowid FROM search WHERE search MATCH :terms AND rowid > :after "
    "ORDER BY rowid LIMIT :size"
)
# PostgreSQL reads a whole list of hits before it can sort it, or walks along the places; which is
# shorter it guesses badly. What is common is found in a short walk; what is not, has a short list.
_fits = "string_to_array(terms, ' ') @> string_to_array(:terms, ' ')"
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
    after: int,
    limit: int,
) -> FoundPage:
    """Find establishments of the division, in the order of their arrival, from after a place."""
    divisions = (officer.division, division)
    asked = question(words, category=category, divisions=divisions, risk=risk)

    found, horizon = await _uncut(db, asked, after)
    found |= await _cut(db, asked, after, limit + 1)

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
            {"place": places[row["id"]], "cut": " ".join(sorted(terms(facts(row))))}
            for row in rows.mappings()
        ]
        assert len(cut) == len(places), "a trigger forgets what is gone"
        await connection.execute(by_place.values(terms=bindparam("cut")), cut)
        done += len(cut)
    return done


def facts(row: Mapping[Any, Any]) -> Facts:
    """See a row of the register as what may be looked for."""
    return Facts(
        name=row["name"],
        address=row["address"],
        numbers=(row["code"],),
        category=row["category"],
        division=row["division"],
        risk=row["risk"],
    )


async def _uncut(
    db: Session, asked: Question, after: int
) -> tuple[dict[int, Establishment], int | None]:
    """Look through what is not cut yet; say how far, when that was not to the end."""
    query = select(Folded.id).where(text("terms = ''"), col(Folded.id) > after)
    places = [
        place
        for place in await db.exec(query.order_by(col(Folded.id)).limit(UNCUT_MAX))
        if place is not None
    ]
    found = await _rows(db, asked, places)
    return found, places[-1] if len(places) == UNCUT_MAX else None


async def _cut(db: Session, asked: Question, after: int, size: int) -> dict[int, Establishment]:
    """Ask the index, and again until enough of what it names fits."""
    needed, found = sorted(wanted(asked)), dict[int, Establishment]()
    while len(found) < size:
        places = await _places(db, needed, after, size)
        found |= await _rows(db, asked, places)
        if len(places) < size:
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


async def _rows(db: Session, asked: Question, places: list[int]) -> dict[int, Establishment]:
    """Load the establishments at these places that fit."""
    query = select(Folded.id, Establishment).join(
        Establishment, col(Establishment.id) == Folded.establishment_id
    )
    found: dict[int, Establishment] = {}
    for place, row in await db.exec(query.where(col(Folded.id).in_(places))) if places else ():
        if place is not None and fits(asked, facts(row.__dict__)):
            found[place] = row
    return found
