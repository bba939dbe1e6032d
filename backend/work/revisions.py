"""导入批次与历史: every import as recorded, the versions of every row, and the way back."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel, col, select

from backend import journal
from backend.auth import Officer, may_see
from backend.db import Session, head, transaction
from backend.rules.reader import Problem, Reading
from backend.rules.records import Record, Register
from backend.tables import Revision
from backend.wire import ImportView, RevisionView, RowProblem, UndoView, VersionView
from backend.work.shelves import (
    SHELVES,
    Image,
    Shelf,
    changes_between,
    keep_versions,
    moment,
    target_of,
)
from backend.work.staging import Files
from sync.refusals import Reason, Refused

Kind = Literal["created", "changed", "removed"]

READER = 2  # raise it when the same file would be read differently
PIECE_BYTES = 1 << 20
RECORDED_MAX = 1_000  # problems that a revision keeps in full
LISTED_MAX = 20  # rows that a refusal names
PAGE = 200  # revisions


def tell(
    reading: Reading[Record],
    counts: Mapping[str, Any],
    register: str,
    *,
    told: int,
    policy: str = "keep",
    dry_run: bool = False,
) -> ImportView:
    """Tell what an import is going to do, and what each row was told."""
    problems = reading.problems
    return ImportView(
        revision="",
        register=register,
        rows=reading.rows,
        refused=problems.refused,
        codes=dict(sorted(problems.codes.items())),
        problems=[row_problem(problem) for problem in problems.first[:told]],
        policy=policy,
        dry_run=dry_run,
        **counts,
    )


class Request(Struct, frozen=True):
    """What an import was asked for: the digest of its files, and of everything that it depends on.

    Two imports with one `whole` and nothing between them do the same.
    """

    files: str
    whole: str


async def request(
    register: Register, files: Files, toml: bytes, division: str, policy: str
) -> Request:
    """Hash the files and how to read them."""
    digest = await asyncio.to_thread(_digest, files)
    for _, file in files:
        file.seek(0)
    names = [name for name, _ in files]
    parts = msgspec.json.encode((READER, register, digest, names, toml, division, policy))
    return Request(files=digest, whole=sha256(parts).hexdigest())


async def repeated(db: Session, shelf: Shelf, request: Request, *, told: int) -> ImportView | None:
    """Tell what an import did, if it is the newest one and is asked for again: now, nothing.

    Nothing may have come between, neither in its register nor in those that it depends on.

    It is looked for without a lock first, because most imports are new and take their time.
    """
    engine = db.bind
    assert isinstance(engine, AsyncEngine)
    async with transaction(engine, write=False) as reader:
        if await _newest(reader, shelf, request) is None:
            return None
    await head(db)
    one = await _newest(db, shelf, request)
    if one is None:
        return None
    problems = msgspec.json.decode(one.problems, type=list[RowProblem])
    codes = msgspec.json.decode(one.codes, type=dict[str, int])
    if len(problems) < min(told, sum(codes.values())):
        return None  # more is asked for than was recorded: read again
    return ImportView(
        revision="",
        register=one.register_name,
        rows=one.rows,
        created=0,
        changed=0,
        unchanged=one.created + one.changed + one.unchanged + one.reappeared,
        refused=one.refused,
        codes=codes,
        problems=problems[:told],
        missing=one.missing,
    )


async def record(
    db: Session,
    officer: Officer,
    files: Files,
    told: ImportView,
    request: Request,
    *,
    now: datetime,
) -> ImportView:
    """Record the revision and the act."""
    digest = request.files
    revision = Revision(
        register_name=told.register,
        source_name=", ".join(name for name, _ in files)[:400],
        source_sha256=digest,
        at=await moment(db, now),
        rows=told.rows,
        created=told.created,
        changed=told.changed,
        unchanged=told.unchanged,
        problems=msgspec.json.encode(told.problems[:RECORDED_MAX]).decode(),
        actor=officer.name,
        division=officer.division,
        request_sha256=request.whole,
        missing=told.missing,
        reappeared=told.reappeared,
        refused=told.refused,
        codes=msgspec.json.encode(told.codes).decode(),
    )
    db.add(revision)
    await db.flush()
    await journal.append(
        db,
        actor=officer.name,
        verb="register.import",
        subject=revision.id,
        now=now,
        register=told.register,
        sha256=digest,
        rows=told.rows,
        created=told.created,
        changed=told.changed,
        unchanged=told.unchanged,
        refused=told.refused,
        policy=told.policy,
        missing=told.missing,
        reappeared=told.reappeared,
    )
    await db.flush()
    return msgspec.structs.replace(told, revision=revision.id)


async def list_revisions(db: Session, officer: Officer) -> list[RevisionView]:
    """List the newest imports and undos in the officer's division, newest first."""
    undos = await db.exec(select(Revision).where(col(Revision.undoes_id).is_not(None)))
    undone = {one.undoes_id: one.id for one in undos}
    query = (
        select(Revision)
        .where(col(Revision.division).startswith(officer.division, autoescape=True))
        .order_by(col(Revision.at).desc(), col(Revision.id).desc())
        .limit(PAGE)
    )
    return [_view(one, undone.get(one.id)) for one in await db.exec(query)]


async def list_versions(
    db: Session, officer: Officer, register: Register, code: str
) -> list[VersionView]:
    """Tell what every revision did to the rows of a code, oldest first.

    The code is the first part of the key: of a licence its number, of a leave the certificate.
    """
    shelf = SHELVES[register]
    kept, versions, first = shelf.kept, shelf.versions, shelf.spec.key[0]
    connection = await db.connection()
    revision = SQLModel.metadata.tables["revision"]
    mine = sa.select(kept.c.id).where(kept.c[first] == code)
    once = sa.select(versions.c.entity_id).where(versions.c[first] == code)
    found = await connection.execute(kept.select().where(kept.c.id.in_(mine.union(once))))
    query = (
        sa.select(versions)
        .join(revision, revision.c.id == versions.c.revision_id)
        .where(versions.c.entity_id.in_(mine.union(once)))
        .order_by(revision.c.at, revision.c.id)
    )
    current = {row["id"]: row for row in found.mappings()}
    past: dict[str, list[Image]] = {id: [] for id in current}
    for row in (await connection.execute(query)).mappings():
        past.setdefault(row["entity_id"], []).append(row)
    if not past:
        raise Refused(Reason.ESTABLISHMENT_NOT_FOUND, establishment=code)

    told: list[VersionView] = []
    for id, images in past.items():
        await _refuse_foreign(db, officer, shelf, current.get(id) or images[-1])
        told += await _life(db, shelf, images, current.get(id))
    return sorted(told, key=lambda one: (one.at, one.revision))


async def _life(
    db: Session, shelf: Shelf, past: list[Image], current: Image | None
) -> list[VersionView]:
    """Tell what every revision did to one row."""
    newest = current or past[-1]
    by = [past[0]["previous_id"] if past else newest["revision_id"]]
    by += [one["revision_id"] for one in past]
    query = select(Revision).where(col(Revision.id).in_(by))
    revisions = {one.id: one for one in await db.exec(query)}
    images = [*past, current]
    told: list[VersionView] = []
    nothing: Image = dict.fromkeys(shelf.spec.stored)
    for revision, before, after in zip(by, [None, *images], images, strict=False):
        one = revisions[revision]
        kind: Kind = "created" if before is None else "changed" if after is not None else "removed"
        fields = changes_between(shelf.spec, before or nothing, after or nothing)
        key = shelf.told(newest)
        told.append(VersionView(one.id, one.at, one.actor, one.source_name, kind, fields, key))
    return told


async def _refuse_foreign(db: Session, officer: Officer, shelf: Shelf, row: Image) -> None:
    """Refuse a look at a row outside the officer's division, wherever it has that from."""
    owner = shelf.spec.owner
    if owner is None:
        may_see(officer, row[shelf.spec.division])
        return
    target = target_of(owner)
    query = target.kept.select().where(target.kept.c[owner.target] == row[owner.field])
    found = (await (await db.connection()).execute(query)).mappings().first()
    may_see(officer, found[target.spec.division] if found else "")


async def undo_revision(
    db: Session, officer: Officer, revision_id: str, *, force: bool, now: datetime
) -> UndoView:
    """Restore what an import changed and remove what it created, exactly as it was before.

    Later changes are given up only by force; what something refers to is never removed.
    """
    await head(db)
    revision = await _undoable(db, officer, revision_id)
    shelf = SHELVES[msgspec.convert(revision.register_name, Register)]
    await _refuse_outside(db, officer, shelf, revision_id)
    later, lost = await _later(db, shelf, revision_id)
    if later and not force:
        raise Refused(Reason.REVISION_CHANGED_LATER, count=later, changes=lost)
    await _refuse_used(db, shelf, revision_id)
    await _refuse_dangling(db, shelf, revision_id)

    undo = Revision(
        register_name=revision.register_name,
        source_name=revision.source_name,
        source_sha256=revision.source_sha256,
        at=await moment(db, now),
        rows=0,
        created=0,
        changed=0,
        unchanged=0,
        problems="[]",
        actor=officer.name,
        division=revision.division,
        undoes_id=revision.id,
    )
    db.add(undo)
    await db.flush()
    restored, removed = await _restore(db, shelf, revision_id, undo.id)
    undo.changed = restored + removed
    await journal.append(
        db,
        actor=officer.name,
        verb="register.undo",
        subject=undo.id,
        now=now,
        undoes=revision.id,
        restored=restored,
        removed=removed,
        lost=later,
    )
    return UndoView(undo.id, revision.id, restored, removed, later)


async def _newest(db: Session, shelf: Shelf, request: Request) -> Revision | None:
    spec = shelf.spec
    names = (spec.name, *spec.depends, *(one.register for one in spec.references))
    query = select(Revision).where(col(Revision.register_name).in_(names))
    query = query.order_by(col(Revision.at).desc(), col(Revision.id).desc()).limit(1)
    one = (await db.exec(query)).first()
    return one if one is not None and one.request_sha256 == request.whole else None


# -- the parts of an undo ------------------------------------------------------------------------


def _changed(shelf: Shelf, revision: str) -> sa.Select[Any]:
    """Find whom a revision changed; each of them has a version from before it."""
    versions = shelf.versions
    return sa.select(versions.c.entity_id).where(versions.c.revision_id == revision)


def _created(shelf: Shelf, revision: str) -> sa.Select[Any]:
    """Find whom a revision created: it wrote them, and nothing was there before it."""
    one, versions = shelf.kept.alias("one"), shelf.versions
    later = sa.select(versions.c.entity_id).where(versions.c.previous_id == revision)
    return sa.select(one.c.id).where(
        sa.or_(one.c.revision_id == revision, one.c.id.in_(later)),
        one.c.id.not_in(_changed(shelf, revision)),
    )


async def _undoable(db: Session, officer: Officer, revision_id: str) -> Revision:
    revision = await db.get(Revision, revision_id)
    if revision is None:
        raise Refused(Reason.REVISION_NOT_FOUND, revision=revision_id)
    may_see(officer, revision.division)
    undone = (await db.exec(select(Revision).where(Revision.undoes_id == revision_id))).first()
    if undone is not None:
        raise Refused(Reason.REVISION_UNDONE, by=undone.id)
    if revision.undoes_id is not None or not revision.versioned:
        raise Refused(Reason.REVISION_NOT_UNDOABLE, register=revision.register_name)
    return revision


async def _refuse_outside(db: Session, officer: Officer, shelf: Shelf, revision: str) -> None:
    """Refuse to take back, even by force, what lies outside the officer's division by now."""
    kept, versions, yours = shelf.kept, shelf.versions, officer.division
    touched = kept.c.id.in_(sa.union(_changed(shelf, revision), _created(shelf, revision)))
    image = versions.c.revision_id == revision
    if owner := shelf.spec.owner:  # where it is gone lies nowhere
        there = sa.select(target_of(owner).kept.c[owner.target])
        image = sa.and_(image, versions.c[owner.field].in_(there))
    for query in (
        kept.select().where(touched, ~shelf.within(yours)),
        versions.select().where(image, ~shelf.within(yours, versions)),
    ):
        found = (await (await db.connection()).execute(query.limit(LISTED_MAX))).mappings()
        rows = ", ".join(map(shelf.told, found))
        if rows:
            raise Refused(Reason.DIVISION_FORBIDDEN, rows=rows, yours=yours)


async def _later(db: Session, shelf: Shelf, revision: str) -> tuple[int, str]:
    """Count whom later revisions changed, and list what the first of them would lose."""
    kept, versions = shelf.kept, shelf.versions
    touched = sa.union(_changed(shelf, revision), _created(shelf, revision))
    mine = kept.c.id.in_(touched)
    query = kept.select().where(mine, kept.c.revision_id != revision)
    connection = await db.connection()
    count = await connection.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    keys = (kept.c[name] for name in shelf.spec.key)
    some = await connection.execute(query.order_by(*keys).limit(LISTED_MAX))
    lost: list[str] = []
    for now in some.mappings():
        then = await connection.execute(
            versions.select().where(
                versions.c.entity_id == now["id"], versions.c.previous_id == revision
            )
        )
        fields = [
            f"{one.field} {one.before} → {one.after}"
            for image in then.mappings().fetchmany(1)
            for one in changes_between(shelf.spec, image, now)
        ]
        lost.append(f"{shelf.told(now)} ({', '.join(fields)})")
    return count or 0, "; ".join(lost)


async def _refuse_used(db: Session, shelf: Shelf, revision: str) -> None:
    """Refuse to remove what something refers to: a task, a licence, a recusal, a device."""
    kept, connection = shelf.kept, await db.connection()
    first = kept.c[shelf.spec.key[0]]
    for table in SQLModel.metadata.sorted_tables:
        for column in table.c:
            for key in column.foreign_keys:
                if key.column.table is not kept:
                    continue
                query = (
                    sa.select(first)
                    .distinct()
                    .join(table, column == key.column)
                    .where(kept.c.id.in_(_created(shelf, revision)))
                )
                used = list((await connection.execute(query.limit(LISTED_MAX))).scalars())
                if used:
                    raise Refused(Reason.REVISION_IN_USE, by=table.name, rows=", ".join(used))
    if "successor_code" in kept.c:  # who was merged would be neither there nor drawn
        merged, gone = kept.alias("merged"), _created(shelf, revision)
        query = sa.select(first).distinct().join(merged, merged.c.successor_code == kept.c.code)
        query = query.where(merged.c.successor_code != sa.literal_column("''"))
        query = query.where(kept.c.id.in_(gone), merged.c.id.not_in(gone))
        used = list((await connection.execute(query.limit(LISTED_MAX))).scalars())
        if used:
            raise Refused(Reason.REVISION_IN_USE, by="lookalike", rows=", ".join(used))


async def _refuse_dangling(db: Session, shelf: Shelf, revision: str) -> None:
    """Refuse to restore what refers to something that is gone."""
    connection, versions = await db.connection(), shelf.versions
    references: list[tuple[Register, str, str]] = [
        (one.register, one.field, one.target) for one in shelf.spec.references if one.must
    ]
    if "successor_code" in versions.c:
        references.append(("establishments", "successor_code", "code"))
    for register, name, named in references:
        kept, field = SHELVES[register].kept, versions.c[name]
        there = sa.select(kept.c.id).where(kept.c[named] == field)
        query = sa.select(field).where(versions.c.revision_id == revision, ~there.exists())
        query = query.where(field != "")
        gone = list((await connection.execute(query.limit(LISTED_MAX))).scalars())
        if gone:
            missing = ", ".join(gone)
            raise Refused(Reason.REVISION_REFERENCE_GONE, register=register, missing=missing)


async def _restore(db: Session, shelf: Shelf, revision: str, undo: str) -> tuple[int, int]:
    """Put old versions back and remove what is new; count both."""
    kept, versions = shelf.kept, shelf.versions
    connection = await db.connection()
    created = _created(shelf, revision)
    await keep_versions(db, shelf, undo, _changed(shelf, revision))
    await keep_versions(db, shelf, undo, created)
    removed = await connection.execute(sa.delete(kept).where(kept.c.id.in_(created)))
    fields = {name: versions.c[name] for name in shelf.spec.stored if name not in shelf.spec.key}
    restored = await connection.execute(
        sa.update(kept)
        .where(versions.c.entity_id == kept.c.id, versions.c.revision_id == revision)
        .values({**fields, "revision_id": versions.c.previous_id})
    )
    return restored.rowcount, removed.rowcount


# -- what is told --------------------------------------------------------------------------------


def _view(row: Revision, undone_id: str | None) -> RevisionView:
    names = [name for name in RevisionView.__struct_fields__ if name != "undone_id"]
    return RevisionView(**{name: getattr(row, name) for name in names}, undone_id=undone_id)


def row_problem(problem: Problem) -> RowProblem:
    """Tell a person what is wrong or odd with one row, and what to do."""
    reason = problem.reason
    return RowProblem(
        source=problem.source,
        row=problem.row,
        column=problem.column,
        value=problem.value,
        code=reason.code,
        kept=problem.kept,
        en=reason.en,
        zh=reason.zh,
        remedy_en=reason.remedy_en,
        remedy_zh=reason.remedy_zh,
    )


def _digest(files: Files) -> str:
    """Hash the files: the SHA-256 of one, or of the list of several."""
    digests: list[str] = []
    for _, file in files:
        file.seek(0)
        running = sha256()
        while piece := file.read(PIECE_BYTES):
            running.update(piece)
        digests.append(running.hexdigest())
    return digests[0] if len(digests) == 1 else sha256("\n".join(digests).encode()).hexdigest()
