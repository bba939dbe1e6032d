"""导入暂存: the rows of a register on their way in, in constant memory and outside any lock.

    files → reader → chunks of rows → table `staged` → set-based comparison → one transaction

On SQLite `staged` is in a file of its own that is attached when all is read; on PostgreSQL it is
a temporary table filled by COPY. Either is gone afterwards, whatever happens.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, closing
from datetime import date
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Literal, cast

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Dialect,
    Select,
    and_,
    case,
    delete,
    false,
    func,
    literal,
    or_,
    select,
)

from backend import progress
from backend.db import Session
from backend.rules import mapping
from backend.rules.builders import BUILDERS
from backend.rules.reader import (
    PROBLEMS_MAX,
    Glanced,
    Problem,
    Problems,
    Quick,
    Reading,
    read,
    shown,
)
from backend.rules.records import written
from backend.rules.sieve import Sieve
from backend.work.shelves import Shelf, outside, target_of
from sync.ids import new_id
from sync.refusals import Reason, Refused

CHUNK = 5_000  # rows that are in memory at once
REPEATED_MAX = 1_000  # keys that are named in a question; those of more are looked up again
WORK_MEMORY = "32MB"  # for a hash of many rows, that it need not go through files
COUNTER = 8  # hexadecimal digits at the end of an id

Files = Sequence[tuple[str, IO[bytes]]]
Line = tuple[Any, ...]
Rows = Select[*tuple[Any, ...]]
Glance = Callable[[dict[str, mapping.Field], mapping.Table], Quick[Struct]]
Policy = Literal["keep", "mark", "close"]  # what becomes of those that the files do not name


class Stage(Reading[Struct]):
    """A reading that hands its records on in chunks and keeps none of them."""

    def __init__(self, shelf: Shelf, dialect: Dialect) -> None:
        super().__init__()
        self.shelf = shelf
        self.sources: list[str] = []
        self.fields: tuple[str, ...] = ()  # that the files decide; all others are left alone
        self.few = False  # rows, of a register that has others: nobody is missing
        self.hand_on: Callable[[list[Line]], None] = lambda _: None
        self._dialect = dialect
        self._values: Callable[[Struct], tuple[Any, ...]] = lambda _: ()
        self._chunk: list[Line] = []
        self._n = 0
        self._ids = new_id()[:-COUNTER]

    @property
    def new_id(self) -> ColumnElement[str]:
        """Give a staged row the id that it has if it is new: one of version 7 and a counter.

        RFC 9562 (6.2) lets a generator count in the last bits. So none is made, sent and stored
        for a row that has one already.
        """
        n = self.shelf.staged.c.n
        if self._dialect.name == "sqlite":
            return literal(self._ids) + func.printf(f"%0{COUNTER}x", n)
        return literal(self._ids) + func.lpad(func.to_hex(n), COUNTER, "0")

    @property
    def names(self) -> list[str]:
        """Name the columns of what is handed on."""
        return ["n", "source", "row", *self.fields]

    @property
    def told(self) -> tuple[str, ...]:
        """Name what the files decide of a row beside its key."""
        spec = self.shelf.spec
        return tuple(name for name in self.fields if name not in (*spec.key, *spec.unstored))

    def begin(self, fields: Collection[str]) -> None:
        """Learn which fields the rows have: the same ones in all tables of an import."""
        taken = self.shelf.spec.taken(frozenset(fields))
        if not self.fields:
            self.fields, self._values = taken, self._getter(taken)
        for name in set(taken) ^ set(self.fields):
            raise Refused(
                Reason.MAPPING_COLUMN_MISSING,
                field=name,
                column=name,
                columns=", ".join(taken if name in self.fields else self.fields),
            )

    def take(self, key: str, record: Struct, source: str, row: int, *, last: bool) -> None:
        """Hand a record on."""
        if not self.sources or self.sources[-1] != source:
            self.sources.append(source)
        self._n += 1
        self._chunk.append((self._n, len(self.sources) - 1, row, *self._values(record)))
        if len(self._chunk) >= CHUNK:
            self.flush()

    def take_many(
        self,
        some: Glanced[Struct],
        key: Callable[[Struct], str],
        source: str,
        rows: Sequence[int],
        *,
        last: bool,
    ) -> None:
        """Hand records on that were read at a glance."""
        if not self.sources or self.sources[-1] != source:
            self.sources.append(source)
        begin, self._n = self._n + 1, self._n + len(rows)
        numbers, place = range(begin, self._n + 1), repeat(len(self.sources) - 1)
        columns = (some.columns[name] for name in self.fields)
        self._chunk.extend(zip(numbers, place, rows, *columns, strict=False))
        if len(self._chunk) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Hand on what is left."""
        chunk, self._chunk = self._chunk, []
        if chunk:
            self.hand_on(chunk)

    def fill(self, files: Files, table: mapping.Table) -> None:
        """Read files to their end."""
        spec = self.shelf.spec
        glance = cast(Glance, Sieve) if spec.name == "establishments" else None
        read(files, table, BUILDERS[spec.name], _no_key, progress.counted(self), glance)
        self.flush()

    def _getter(self, fields: tuple[str, ...]) -> Callable[[Struct], tuple[Any, ...]]:
        """Take fields as the driver wants them; only days and moments are not so already."""
        values: Callable[[Struct], tuple[Any, ...]] = attrgetter(*fields)
        processors: list[tuple[int, Callable[[Any], Any]]] = []
        for place, name in enumerate(fields):
            kind = self.shelf.staged.c[name].type
            process = kind.dialect_impl(self._dialect).bind_processor(self._dialect)
            if process is not None and issubclass(kind.python_type, date):
                processors.append((place, process))
        if not processors:
            return values

        def processed(record: Struct) -> tuple[Any, ...]:
            line = list(values(record))
            for place, process in processors:
                line[place] = process(line[place])
            return tuple(line)

        return processed


@asynccontextmanager
async def stage(
    db: Session, shelf: Shelf, files: Files, table: mapping.Table, *, few: bool = False
) -> AsyncGenerator[Stage]:
    """Read files into `staged`; what was odd is in the stage.

    A few rows are staged beside those of a transaction that may go on with other registers.
    """
    progress.enter("reading")
    reading = Stage(shelf, db.get_bind().dialect)
    reading.few = few
    sqlite = db.get_bind().dialect.name == "sqlite"
    if sqlite and not few:
        folder = Path(db.get_bind().engine.url.database or "").parent
        with TemporaryDirectory(prefix="import-", dir=folder) as aside:
            path = Path(aside) / "staged.db"
            await asyncio.to_thread(_fill_sqlite, path, reading, files, table)
            connection = await db.connection()
            await connection.exec_driver_sql("ATTACH DATABASE ? AS aside", (str(path),))
            await connection.exec_driver_sql("PRAGMA aside.journal_mode = OFF")
            connection.info["attached"] = True  # until it is checked in: `backend.db` detaches it
            yield reading
        return
    connection = await db.connection()
    await connection.run_sync(shelf.staged.metadata.create_all, checkfirst=False)
    if sqlite:
        lines: list[Line] = []
        reading.hand_on = lines.extend
        await asyncio.to_thread(reading.fill, files, table)
        if lines:
            await connection.exec_driver_sql(_insertion(reading), lines)
        keys = ", ".join(shelf.spec.key)
        await connection.exec_driver_sql(f"CREATE INDEX temp.staged_key ON staged ({keys})")
    else:
        await connection.exec_driver_sql(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
        await _fill_postgresql(db, reading, files, table)
        await connection.exec_driver_sql(f"CREATE INDEX ON staged ({', '.join(shelf.spec.key)})")
        await connection.exec_driver_sql("ANALYZE staged")
    yield reading
    await connection.run_sync(shelf.staged.metadata.drop_all, checkfirst=False)


async def collapse(db: Session, reading: Stage, *, last: bool) -> None:
    """Leave one row of each key, and report those that contradict the one that is taken."""
    progress.enter("comparing")
    shelf, staged = reading.shelf, reading.shelf.staged
    keys = [staged.c[name] for name in shelf.spec.key]
    again = select(*keys).group_by(*keys).having(func.count() > 1)
    connection = await db.connection()
    some = (await connection.execute(again.limit(REPEATED_MAX + 1))).all()
    if not some:
        return
    found: Sequence[Any] = [one[0] for one in some] if len(keys) == 1 else list(map(tuple, some))
    repeated = shelf.key(staged).in_(found if len(some) <= REPEATED_MAX else again)
    other = func.lag if last else func.first_value
    frame: dict[str, Any] = {"partition_by": keys, "order_by": staged.c.n}
    differing = (
        staged.c[one].is_distinct_from(other(staged.c[one]).over(**frame)) for one in reading.told
    )
    compared = (
        select(
            staged.c.n,
            staged.c.source,
            staged.c.row,
            *keys,
            func.row_number().over(**frame).label("place"),
            or_(false(), *differing).label("differs"),
        )
        .where(repeated)
        .subquery()
    )
    contrary = select(
        compared.c.n, compared.c.source, compared.c.row, *(compared.c[one.name] for one in keys)
    ).where(and_(compared.c.place > 1, compared.c.differs))
    await report(db, reading, contrary, Reason.ROW_DUPLICATE, kept=last)
    order = staged.c.n.desc() if last else staged.c.n
    rank = func.row_number().over(partition_by=keys, order_by=order).label("rank")
    ranked = select(staged.c.n, rank).where(repeated).subquery()
    losers = select(ranked.c.n).where(ranked.c.rank > 1)
    await connection.execute(delete(staged).where(staged.c.n.in_(losers)))


async def leave_out_unknown(db: Session, reading: Stage) -> None:
    """Report and drop rows that name somebody who is in no register; only report odd parents."""
    staged = reading.shelf.staged
    must: list[tuple[ColumnElement[bool], ColumnElement[str]]] = []
    for reference in reading.shelf.spec.references:
        if reference.field not in reading.fields:
            continue
        target, mine = target_of(reference), staged.c[reference.field]
        known = select(target.kept.c.id).where(target.kept.c[reference.target] == mine).exists()
        if reference.must:
            must.append((~known, mine))
            continue
        other = staged.alias("other")
        coming = select(other.c.n).where(other.c[reference.target] == mine).exists()
        unknown = rows(reading, mine).where(mine != "", ~known, ~coming)
        await report(db, reading, unknown, Reason.ROW_PARENT_UNKNOWN, kept=True)
    if must:
        unknown = rows(reading, case(*must)).where(or_(*(absent for absent, _ in must)))
        await _leave_out(db, reading, unknown, Reason.ROW_NOT_REGISTERED)


async def leave_out_foreign(db: Session, reading: Stage, division: str) -> None:
    """Report and drop rows that lie outside a division, or would take somebody out of another."""
    if not division:
        return
    shelf, kept, staged = reading.shelf, reading.shelf.kept, reading.shelf.staged
    both = staged.join(kept, shelf.same(kept, staged), isouter=True)
    owner = shelf.spec.owner
    if owner is None:
        theirs: ColumnElement[str] = staged.c[shelf.spec.division]
        stored: ColumnElement[str] = kept.c[shelf.spec.division]
    else:
        target = target_of(owner)
        new, old = target.kept.alias("new"), target.kept.alias("old")
        both = both.join(new, new.c[owner.target] == staged.c[owner.field])
        both = both.join(old, old.c[owner.target] == kept.c[owner.field], isouter=True)
        theirs, stored = new.c[target.spec.division], old.c[target.spec.division]
    place = case((outside(theirs, division), theirs), else_=stored)
    foreign = (
        rows(reading, place)
        .select_from(both)
        .where(or_(outside(theirs, division), outside(stored, division)))
    )
    await _leave_out(db, reading, foreign, Reason.ROW_DIVISION_FOREIGN)


def rows(reading: Stage, value: ColumnElement[Any]) -> Rows:
    """Select staged rows with what is to be told of them."""
    staged = reading.shelf.staged
    return select(staged.c.n, staged.c.source, staged.c.row, value.label("value"))


async def _leave_out(db: Session, reading: Stage, found: Rows, reason: Reason) -> None:
    staged = reading.shelf.staged
    if await report(db, reading, found, reason, kept=False):
        numbers = select(found.subquery().c.n)
        await (await db.connection()).execute(delete(staged).where(staged.c.n.in_(numbers)))


async def report(db: Session, reading: Stage, found: Rows, reason: Reason, *, kept: bool) -> int:
    """Tell of rows that only the database could compare; return how many there are."""
    connection = await db.connection()
    count = (await connection.scalar(select(func.count()).select_from(found.subquery()))) or 0
    if not count:
        return 0
    problems: Problems = reading.problems
    told = 0
    for row in await connection.execute(found.order_by("n").limit(PROBLEMS_MAX)):
        source: int = row.source
        line: int = row.row
        value = " ".join(map(written, row[3:]))
        problems.add(Problem(reading.sources[source], line, "", shown(value), reason, kept))
        told += 1
    if count > told:
        problems.codes[reason.code] += count - told
        problems.refused += 0 if kept else count - told
    return count


def _fill_sqlite(path: Path, reading: Stage, files: Files, table: mapping.Table) -> None:
    """Read into a file of its own, which need not outlive a crash."""
    staged, key = reading.shelf.staged, ", ".join(reading.shelf.spec.key)
    names = ", ".join(column.name for column in staged.c if column.name not in ("n", "row"))
    with closing(sqlite3.connect(path, isolation_level=None)) as aside:
        aside.execute("PRAGMA journal_mode = OFF")
        aside.execute("PRAGMA synchronous = OFF")
        aside.execute(f'CREATE TABLE staged (n INTEGER PRIMARY KEY, "row", {names})')
        aside.execute("CREATE TABLE written (id PRIMARY KEY, n, reappeared) WITHOUT ROWID")
        aside.execute("BEGIN")
        reading.hand_on = lambda lines: _insert(aside, _insertion(reading), lines)
        reading.fill(files, table)
        aside.execute(f"CREATE INDEX staged_key ON staged ({key})")
        aside.execute("COMMIT")


def _insertion(reading: Stage) -> str:
    names = reading.names
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO staged ({columns}) VALUES ({', '.join('?' for _ in names)})"


def _insert(aside: sqlite3.Connection, statement: str, lines: list[Line]) -> None:
    aside.executemany(statement, lines)


async def _fill_postgresql(db: Session, reading: Stage, files: Files, table: mapping.Table) -> None:
    """Read in a thread while the chunk before is on its way to the server."""
    loop = asyncio.get_running_loop()
    raw = await (await db.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    going: list[Future[Any]] = []

    def hand_on(lines: list[Line]) -> None:
        if going:
            going.pop().result()
        copy = driver.copy_records_to_table("staged", records=lines, columns=reading.names)
        going.append(asyncio.run_coroutine_threadsafe(copy, loop))

    def fill() -> None:
        reading.fill(files, table)
        for copy in going:
            copy.result()

    reading.hand_on = hand_on
    await asyncio.to_thread(fill)


def _no_key(_: Struct) -> str:
    """Leave rows of one key to the database."""
    return ""
