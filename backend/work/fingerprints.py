"""照片指纹: hash what pictures show, when somebody asks for it or a tick comes.

No upload waits for it. Which picture was not hashed yet is kept with the file itself, so a server
that dies loses nothing, and two that hash the same one keep it once.
"""

from collections.abc import AsyncGenerator, Sequence
from functools import partial

import msgspec
from msgspec import Struct
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, func, select

from backend.blobs import Blobs
from backend.darkroom import develop
from backend.db import Session, transaction
from backend.tables import Blob, Exhibit, Picture
from sync import photos
from sync.pictures import Facts, parts
from sync.refusals import Refused

AT_ONCE_MAX = 500  # pictures that somebody who asks waits for: some 2 ms each
PIXELS_AT_ONCE = 100_000_000  # of them together, or one picture: 1 to 3 s
JPEG_SHARE = 8  # a JPEG is hashed from an eighth of its width and height: about as much less work
TICK_ROUNDS_MAX = 100  # of AT_ONCE_MAX; the next tick goes on


class Hashed(Struct, frozen=True):
    """What was done, and how many pictures nobody has looked at yet."""

    done: int
    waiting: int


class _Waiting(Struct, frozen=True):
    sha256: str
    pixels: int
    work: int  # as many pixels as take as long


async def catch_up(engine: AsyncEngine, blobs: Blobs, *, inspection_id: str = "") -> Hashed:
    """Hash pictures that nobody looked at, those of an inspection first, up to a bound.

    To be asked outside of any transaction. What shows the same as a picture may be in any other
    inspection, so nothing can be said of one before all are hashed.
    """
    async with transaction(engine, write=False) as db:
        chosen = await _choose(db, blobs, inspection_id)
        if not chosen:
            return Hashed(0, await waiting(db))

    found: dict[str, str] = {}
    for one in sorted(chosen, key=lambda one: one.pixels):
        try:
            hashing = partial(photos.fingerprint, blobs.path(one.sha256))
            found[one.sha256] = await develop(one.pixels, hashing)
        except Refused:  # no turn came: this one waits on, and those that are larger
            break

    async with transaction(engine) as db:
        await _keep(db, found)
        return Hashed(len(found), await waiting(db))


async def catch_up_all(engine: AsyncEngine, blobs: Blobs) -> Hashed:
    """Hash what waits, some at a time, as a tick does."""
    hashed, done = Hashed(0, 0), 0
    for _ in range(TICK_ROUNDS_MAX):
        hashed = await catch_up(engine, blobs)
        done += hashed.done
        if not (hashed.done and hashed.waiting):
            break
    return Hashed(done, hashed.waiting)


async def waiting(db: Session) -> int:
    """Count the pictures that nobody has looked at yet."""
    query = select(func.count()).select_from(Blob).where(col(Blob.unhashed))
    return (await db.exec(query)).one()


async def _choose(db: Session, blobs: Blobs, inspection_id: str) -> list[_Waiting]:
    """Choose as many as one call may hash.

    A file that is not here, as after half a restored backup, waits on and is in nobody's way.
    """
    chosen: dict[str, _Waiting] = {}
    work = 0
    async for one in _unhashed(db, inspection_id):
        if one.sha256 in chosen or not blobs.path(one.sha256).is_file():
            continue
        work += one.work
        if chosen and (work > PIXELS_AT_ONCE or len(chosen) == AT_ONCE_MAX):
            break
        chosen[one.sha256] = one
    return list(chosen.values())


async def _unhashed(db: Session, inspection_id: str) -> AsyncGenerator[_Waiting]:
    """Go through what waits, some rows at a time, the pictures of an inspection first."""
    query = (
        select(Blob.sha256, Blob.facts)
        .where(col(Blob.unhashed))
        .order_by(col(Blob.sha256))
        .limit(AT_ONCE_MAX)
    )
    named = select(Exhibit.sha256).where(Exhibit.inspection_id == inspection_id)
    rows = list(await db.exec(query.where(col(Blob.sha256).in_(named))))
    after = ""
    for row in rows:
        yield _weighed(*row)
    while rows := list(await db.exec(query.where(col(Blob.sha256) > after))):
        for row in rows:
            yield _weighed(*row)
        after = rows[-1][0]


def _weighed(sha256: str, told: str) -> _Waiting:
    facts = msgspec.json.decode(told, type=Facts)
    pixels = facts.width * facts.height
    share = JPEG_SHARE if facts.format in ("JPEG", "MPO") else 1
    return _Waiting(sha256, pixels, pixels // share)


async def _keep(db: Session, found: dict[str, str]) -> None:
    """Keep hashes, once each; what is too plain to have one is not looked at again either."""
    unhashed = (
        select(Blob.sha256)
        .where(col(Blob.sha256).in_(found), col(Blob.unhashed))
        .order_by(col(Blob.sha256))
        .with_for_update()
    )
    ours: Sequence[str] = list(await db.exec(unhashed))
    db.add_all(_picture(one, found[one]) for one in ours if found[one])
    await db.exec(update(Blob).where(col(Blob.sha256).in_(ours)).values(unhashed=False))


def _picture(sha256: str, hash_: str) -> Picture:
    first, second, third, fourth = parts(hash_)
    return Picture(
        sha256=sha256, hash=hash_, part_1=first, part_2=second, part_3=third, part_4=fourth
    )
