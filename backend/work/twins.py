"""照片雷同: pictures that serve another inspection too, by their bytes or by what they show.

Of two hashes of one scene nearly always one part is alike; so each part is looked up in an index,
and what is found is compared whole.
"""

from collections.abc import Collection, Mapping

from sqlmodel import col, select

from backend.db import Session
from backend.tables import Exhibit, Picture
from backend.work import folds
from sync.pictures import SAME_BITS_MAX, Remark, distance

LIKE_MAX = 20_000  # pictures with a part alike that are compared
NAMED_MAX = 500
OTHERS_MAX = 20  # inspections that are looked into


async def twins_of(
    db: Session, inspection_id: str, digests: Collection[str]
) -> dict[str, tuple[Remark, ...]]:
    """Find for each picture the other inspections in which it, or one that looks alike, stands."""
    found = await alike(db, inspection_id, digests)
    standing = await _standing(db, found)
    return {
        digest: tuple(
            Remark("same-file" if other == digest else "same-picture", inspection=inspection)
            for other in sorted(those, key=lambda name: (name != digest, name))
            for inspection in those[other]
            if other in standing.get(inspection, ())
        )
        for digest, those in found.items()
    }


async def alike(
    db: Session, inspection_id: str, digests: Collection[str]
) -> dict[str, dict[str, list[str]]]:
    """Find for each picture those that show the same, and the other inspections that name them."""
    same = {digest: {digest} for digest in digests}
    own = list(await db.exec(select(Picture).where(col(Picture.sha256).in_(digests))))
    for other in await _near(db, own):
        for one in own:
            if distance(one.hash, other.hash) <= SAME_BITS_MAX:
                same[one.sha256].add(other.sha256)
    wanted = {name for those in same.values() for name in those}
    query = (
        select(Exhibit)
        .where(col(Exhibit.sha256).in_(wanted), Exhibit.inspection_id != inspection_id)
        .order_by(col(Exhibit.inspection_id).desc())
        .limit(NAMED_MAX)  # a picture of a form may be everywhere; the newest say enough
    )
    where: dict[str, list[str]] = {}
    for row in await db.exec(query):
        where.setdefault(row.sha256, []).append(row.inspection_id)
    return {
        digest: {name: sorted(where[name]) for name in sorted(those) if name in where}
        for digest, those in same.items()
    }


async def _near(db: Session, own: Collection[Picture]) -> list[Picture]:
    """Find the pictures of which one part is alike; each part has an index."""
    found: dict[str, Picture] = {}
    columns = (Picture.part_1, Picture.part_2, Picture.part_3, Picture.part_4)
    for n, column in enumerate(columns, start=1):
        wanted = {int(getattr(one, f"part_{n}")) for one in own}
        query = select(Picture).where(col(column).in_(wanted)).limit(LIKE_MAX)
        found.update((one.sha256, one) for one in await db.exec(query))
    return list(found.values())


async def _standing(
    db: Session, found: Mapping[str, Mapping[str, Collection[str]]]
) -> dict[str, set[str]]:
    """Give what stands in the newest of these inspections; what was withdrawn was a mistake."""
    named = {one for those in found.values() for several in those.values() for one in several}
    states = await folds.states(db, sorted(named, reverse=True)[:OTHERS_MAX])
    return {
        name: {one.blob for one in state.evidence if not one.voided}
        for name, state in states.items()
    }
