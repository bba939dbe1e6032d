"""导入暂存: the rows of a register on their way in, in constant memory and outside any lock.

    files → reader → chunks of rows → table `staged` → set-based comparison → one transaction

On SQLite `staged` is in a file of its own that is attached when all is read; on PostgreSQL it is
a temporary table filled by COPY. Either is gone afterwards, whatever happens.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Literal

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    MetaData,
    RowMapping,
    Select,
    String,
    Table,
    and_,
    case,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from backend import progress
from backend.db import Session
from backend.rules import mapping
from backend.rules.reader import (
    PROBLEMS_MAX,
    Problem,
    Problems,
    Reading,
    read,
    shown,
)
from backend.rules.records import EstablishmentRecord, establishment
from backend.rules.sieve import Sieve
from backend.wire import EstablishmentChange, FieldChange
from sync.ids import new_id
from sync.refusals import Reason

CHUNK = 5_000  # rows that are in memory at once
CHANGES_MAX = 1_000  # establishments of one kind that are told one by one; all are counted
FIELDS = EstablishmentRecord.__struct_fields__

Files = Sequence[tuple[str, IO[bytes]]]
Line = tuple[Any, ...]
Image = Mapping[str, Any] | RowMapping
Policy = Literal["keep", "mark", "close"]  # what becomes of those that the files do not name

kept = SQLModel.metadata.tables["establishment"]
versions = SQLModel.metadata.tables["version"]
staged = Table(
    "staged",
    MetaData(),
    Column("n", Integer, primary_key=True, autoincrement=False),  # order of reading
    Column("source", Integer),
    Column("row", Integer),
    Column("id", String),  # for an establishment that is new
    *(Column(name, kept.c[name].type) for name in FIELDS),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
written = Table(  # establishments that the import writes, and what makes them differ
    "written",
    staged.metadata,
    Column("id", String, primary_key=True),
    Column("n", Integer),  # of the staged row; none for one that is missing from the files
    Column("reappeared", Integer),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)


class Found(Struct, frozen=True):
    """What an import is going to do."""

    created: int
    changed: int
    unchanged: int
    reappeared: int
    missing: int
    fields: dict[str, int]
    changes: list[EstablishmentChange]


class Stage(Reading[EstablishmentRecord]):
    """A reading that hands its records on in chunks and keeps none of them."""

    def __init__(self, write: Callable[[list[Line]], None]) -> None:
        super().__init__()
        self.sources: list[str] = []
        self._write = write
        self._chunk: list[Line] = []
        self._n = 0

    def take(
        self, key: str, record: EstablishmentRecord, source: str, row: int, *, last: bool
    ) -> None:
        """Hand a record on."""
        if not self.sources or self.sources[-1] != source:
            self.sources.append(source)
        self._n += 1
        self._chunk.append((self._n, len(self.sources) - 1, row, new_id(), *astuple(record)))
        if len(self._chunk) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Hand on what is left."""
        chunk, self._chunk = self._chunk, []
        if chunk:
            self._write(chunk)


@asynccontextmanager
async def stage(db: Session, files: Files, table: mapping.Table) -> AsyncGenerator[Stage]:
    """Read files into `staged`, one row for each code; what was odd is in the stage."""
    progress.enter("reading")
    if db.get_bind().dialect.name == "sqlite":
        folder = Path(db.get_bind().engine.url.database or "").parent
        with TemporaryDirectory(prefix="import-", dir=folder) as aside:
            path = Path(aside) / "staged.db"
            reading = await asyncio.to_thread(_fill_sqlite, path, files, table)
            connection = await db.connection()
            await connection.exec_driver_sql("ATTACH DATABASE ? AS aside", (str(path),))
            await connection.exec_driver_sql("PRAGMA aside.journal_mode = OFF")
            connection.info["attached"] = True  # until it is checked in: `backend.db` detaches it
            await _collapse(db, reading, last=table.collapse == "last")
            yield reading
        return
    connection = await db.connection()
    await connection.run_sync(staged.metadata.create_all)
    reading = await _fill_postgresql(db, files, table)
    await connection.exec_driver_sql("CREATE INDEX ON staged (code)")
    await connection.exec_driver_sql("ANALYZE staged")
    await _collapse(db, reading, last=table.collapse == "last")
    yield reading


def outside(column: ColumnElement[str], division: str) -> ColumnElement[bool]:
    """Tell what lies outside a division."""
    return ~column.startswith(division, autoescape=True) if division else false()


def differs() -> ColumnElement[bool]:
    """Tell which rows of the register are not what the files say."""
    changed = [kept.c[name].is_distinct_from(staged.c[name]) for name in FIELDS if name != "code"]
    return or_(kept.c.missing_since.is_not(None), *changed)


async def leave_out_foreign(db: Session, reading: Stage, division: str) -> None:
    """Report and drop rows that lie outside a division, or would take somebody out of another."""
    if not division:
        return
    place = case((outside(staged.c.division, division), staged.c.division), else_=kept.c.division)
    foreign = (
        select(staged.c.n, staged.c.source, staged.c.row, place.label("value"))
        .join_from(staged, kept, kept.c.code == staged.c.code, isouter=True)
        .where(or_(outside(staged.c.division, division), outside(kept.c.division, division)))
    )
    connection = await db.connection()
    numbers = select(foreign.subquery().c.n)
    count = (await connection.scalar(select(func.count()).select_from(foreign.subquery()))) or 0
    first = await connection.execute(foreign.order_by(staged.c.n).limit(PROBLEMS_MAX))
    _report(reading, first, count, Reason.ROW_DIVISION_FOREIGN, kept=False)
    await connection.execute(delete(staged).where(staged.c.n.in_(numbers)))


async def compare(db: Session, division: str, policy: Policy) -> Found:
    """Put into `written` what is not as the files say, and count."""
    connection = await db.connection()
    same = kept.c.code == staged.c.code
    differing = select(
        kept.c.id,
        staged.c.n,
        case((kept.c.missing_since.is_not(None), 1), else_=0),
    ).join_from(staged, kept, same)
    await connection.execute(
        insert(written).from_select(["id", "n", "reappeared"], differing.where(differs()))
    )

    async def count(query: Select[Any]) -> int:
        return (await connection.scalar(select(func.count()).select_from(query.subquery()))) or 0

    rows = await count(select(staged.c.n))
    present = await count(select(staged.c.n).join_from(staged, kept, same))
    reappeared = await count(select(written.c.n).where(written.c.reappeared == 1))
    changed = await count(select(written.c.n)) - reappeared
    missing = await count(_missing(division))
    gone = _missing(division)
    if policy == "mark":
        gone = gone.where(kept.c.missing_since.is_(None))
    changes = await _examples(connection, division)
    fields = await _fields(connection)
    if policy != "keep":
        await connection.execute(insert(written).from_select(["id"], gone))
    return Found(
        created=rows - present,
        changed=changed,
        unchanged=present - changed - reappeared,
        reappeared=reappeared,
        missing=missing,
        fields=fields,
        changes=changes,
    )


async def write(db: Session, found: Found, revision: str, policy: Policy, *, now: datetime) -> None:
    """Write what was compared: keep each old version, then change, close and create."""
    progress.enter("writing")
    connection = await db.connection()
    await keep_versions(db, revision, select(written.c.id))
    taken = {name: staged.c[name] for name in FIELDS if name != "code"}
    await connection.execute(
        update(kept)
        .where(written.c.id == kept.c.id, staged.c.n == written.c.n)
        .values(**taken, revision_id=revision, missing_since=None)
    )
    if policy != "keep":
        closed = {"status": "cancelled"} if policy == "close" else {}
        since = func.coalesce(kept.c.missing_since, literal(now, kept.c.missing_since.type))
        gone = select(written.c.id).where(written.c.n.is_(None))
        await connection.execute(
            update(kept)
            .where(kept.c.id.in_(gone))
            .values(**closed, missing_since=since, revision_id=revision)
        )
    names = ["id", "revision_id", *FIELDS]
    known = select(kept.c.id).where(kept.c.code == staged.c.code).exists()
    new = select(staged.c.id, literal(revision), *(staged.c[name] for name in FIELDS))
    if found.changed + found.unchanged + found.reappeared:  # else SQLite would copy all it selects
        new = new.where(~known)
    await connection.execute(insert(kept).from_select(names, new))


async def keep_versions(db: Session, revision: str, ids: Select[Any]) -> None:
    """Keep establishments as they are, before a revision changes or removes them."""
    columns = [column for column in kept.c if column.name not in ("id", "revision_id")]
    names = ["establishment_id", "revision_id", "previous_id", *(one.name for one in columns)]
    before = select(kept.c.id, literal(revision), kept.c.revision_id, *columns)
    statement = insert(versions).from_select(names, before.where(kept.c.id.in_(ids)))
    await (await db.connection()).execute(statement)


def changes_between(before: Image, after: Image) -> list[FieldChange]:
    """Tell which fields differ."""
    return [
        FieldChange(name, _plain(before[name]), _plain(after[name]))
        for name in (*FIELDS, "missing_since")
        if name in after and before[name] != after[name]
    ]


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else str(value)


def _missing(division: str) -> Select[Any]:
    """Find whom the files do not name, though they should: the cancelled are free to go."""
    named = select(staged.c.n).where(staged.c.code == kept.c.code).exists()
    return select(kept.c.id).where(
        ~named, kept.c.status != "cancelled", ~outside(kept.c.division, division)
    )


async def _fields(connection: AsyncConnection) -> dict[str, int]:
    """Count what changes in each field."""
    names = [name for name in FIELDS if name != "code"]
    differing = (
        func.coalesce(func.sum(case((kept.c[one].is_distinct_from(staged.c[one]), 1), else_=0)), 0)
        for one in names
    )
    query = (
        select(*differing)
        .select_from(written)
        .join(staged, staged.c.n == written.c.n)
        .join(kept, kept.c.id == written.c.id)
    )
    counts = (await connection.execute(query)).one()
    return {name: count for name, count in zip(names, counts, strict=True) if count}


async def _examples(connection: AsyncConnection, division: str) -> list[EstablishmentChange]:
    """Show the first of each kind, what has changed field by field."""
    examples: list[EstablishmentChange] = []
    both = (
        select(
            kept, *(staged.c[name].label(f"new_{name}") for name in FIELDS), written.c.reappeared
        )
        .select_from(written)
        .join(staged, staged.c.n == written.c.n)
        .join(kept, kept.c.id == written.c.id)
        .order_by(staged.c.n)
        .limit(CHANGES_MAX)
    )
    for row in (await connection.execute(both)).mappings():
        after = {name: row[f"new_{name}"] for name in FIELDS}
        kind: Literal["changed", "reappeared"] = "reappeared" if row["reappeared"] else "changed"
        fields = changes_between(dict(row), after)
        examples.append(EstablishmentChange(kind, row["code"], after["name"], fields))
    known = select(kept.c.id).where(kept.c.code == staged.c.code).exists()
    new = select(staged.c.code, staged.c.name).where(~known).order_by(staged.c.n)
    gone = select(kept.c.code, kept.c.name).where(kept.c.id.in_(_missing(division)))
    for row in (await connection.execute(new.limit(CHANGES_MAX))).mappings():
        examples.append(EstablishmentChange("new", row["code"], row["name"], []))
    for row in (await connection.execute(gone.order_by(kept.c.code).limit(CHANGES_MAX))).mappings():
        examples.append(EstablishmentChange("missing", row["code"], row["name"], []))
    return examples


async def _collapse(db: Session, reading: Stage, *, last: bool) -> None:
    """Leave one row of each code, and report those that contradict the one that is taken."""
    progress.enter("comparing")
    again = select(staged.c.code).group_by(staged.c.code).having(func.count() > 1)
    connection = await db.connection()
    if (await connection.execute(again.limit(1))).first() is None:
        return
    other = func.lag if last else func.first_value
    frame: dict[str, Any] = {"partition_by": staged.c.code, "order_by": staged.c.n}
    fields = [name for name in FIELDS if name != "code"]
    compared = (
        select(
            staged.c.n,
            staged.c.source,
            staged.c.row,
            staged.c.code.label("value"),
            func.row_number().over(**frame).label("place"),
            or_(
                *(
                    staged.c[one].is_distinct_from(other(staged.c[one]).over(**frame))
                    for one in fields
                )
            ).label("differs"),
        )
        .where(staged.c.code.in_(again))
        .subquery()
    )
    contrary = select(compared.c.n, compared.c.source, compared.c.row, compared.c.value).where(
        and_(compared.c.place > 1, compared.c.differs)
    )
    count = (await connection.scalar(select(func.count()).select_from(contrary.subquery()))) or 0
    first = await connection.execute(contrary.order_by(compared.c.n).limit(PROBLEMS_MAX))
    _report(reading, first, count, Reason.ROW_DUPLICATE, kept=last)
    order = staged.c.n.desc() if last else staged.c.n
    rank = func.row_number().over(partition_by=staged.c.code, order_by=order).label("rank")
    ranked = select(staged.c.n, rank).where(staged.c.code.in_(again)).subquery()
    losers = select(ranked.c.n).where(ranked.c.rank > 1)
    await connection.execute(delete(staged).where(staged.c.n.in_(losers)))


def _report(
    reading: Stage, rows: Iterable[Sequence[Any]], count: int, reason: Reason, *, kept: bool
) -> None:
    """Tell of rows that only the database could compare."""
    problems: Problems = reading.problems
    told = 0
    for row in rows:
        source = reading.sources[int(row[1])]
        problems.add(Problem(source, row[2], "", shown(row[3]), reason, kept))
        told += 1
    if count > told:
        problems.codes[reason.code] += count - told
        problems.refused += 0 if kept else count - told


def _fill_sqlite(path: Path, files: Files, table: mapping.Table) -> Stage:
    """Read into a file of its own, which need not outlive a crash."""
    names = ", ".join(FIELDS)
    marks = ", ".join("?" for _ in staged.c)
    with closing(sqlite3.connect(path, isolation_level=None)) as aside:
        aside.execute("PRAGMA journal_mode = OFF")
        aside.execute("PRAGMA synchronous = OFF")
        aside.execute(f'CREATE TABLE staged (n INTEGER PRIMARY KEY, source, "row", id, {names})')
        aside.execute("CREATE TABLE written (id PRIMARY KEY, n, reappeared) WITHOUT ROWID")
        aside.execute("BEGIN")
        insertion = f"INSERT INTO staged VALUES ({marks})"
        into = progress.counted(Stage(lambda lines: _insert(aside, insertion, lines)))
        read(files, table, establishment, _code, into, Sieve)
        into.flush()
        aside.execute("CREATE INDEX staged_code ON staged (code)")
        aside.execute("COMMIT")
    return into


def _insert(aside: sqlite3.Connection, statement: str, lines: list[Line]) -> None:
    aside.executemany(statement, lines)


async def _fill_postgresql(db: Session, files: Files, table: mapping.Table) -> Stage:
    """Read in a thread while the chunk before is on its way to the server."""
    loop = asyncio.get_running_loop()
    raw = await (await db.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    names = [column.name for column in staged.c]
    going: list[Future[Any]] = []

    def write(lines: list[Line]) -> None:
        if going:
            going.pop().result()
        copy = driver.copy_records_to_table("staged", records=lines, columns=names)
        going.append(asyncio.run_coroutine_threadsafe(copy, loop))

    def fill() -> Stage:
        into = progress.counted(Stage(write))
        read(files, table, establishment, _code, into, Sieve)
        into.flush()
        for copy in going:
            copy.result()
        return into

    return await asyncio.to_thread(fill)


def _code(record: EstablishmentRecord) -> str:
    return record.code
