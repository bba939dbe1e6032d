"""名录导出: a register of the officer's division as a file, in constant memory and in one order.

The rows come from one snapshot, by key in the order of code points, which is the same on both
databases: a register that did not change gives the same bytes.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing
from tempfile import TemporaryFile
from typing import IO, Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.auth import Officer
from backend.db import Session, transaction
from backend.rules.exports import SHEET_ROWS_MAX, Csv, Ndjson, Values, Xlsx
from backend.rules.records import REGISTERS
from backend.rules.records import Register as Register
from backend.work.shelves import SHELVES
from sync.refusals import Reason, Refused

Format = Literal["csv", "xlsx", "ndjson"]

CHUNK = 2_000  # rows that are in memory at once
PIECE_BYTES = 1 << 18

_BY_CODE_POINT = frozenset(("C", "POSIX", "C.UTF-8", "C.UTF8"))
_locale = sa.text(
    "SELECT datlocprovider, datcollate FROM pg_database WHERE datname = current_database()"
)


class Export(Struct, frozen=True):
    """A file on its way out."""

    name: str
    media_type: str
    pieces: AsyncGenerator[bytes]


async def export_register(
    db: Session, officer: Officer, register: Register, format: Format
) -> Export:
    """Export a register; a workbook is written aside first, because its parts are packed."""
    engine = db.bind
    assert isinstance(engine, AsyncEngine)
    rows = _rows(engine, rows_of(register, officer.division, await _collation(db)))
    name, names = f"{register}.{format}", REGISTERS[register].stored
    if format == "xlsx":
        return Export(name, Xlsx.media_type, _pieces(await _workbook(rows, names, register)))
    writer = Csv(names) if format == "csv" else Ndjson(names)
    return Export(name, writer.media_type, _lines(rows, writer))


def rows_of(register: Register, division: str, collation: str = "") -> sa.Select[Any]:
    """Select the fields of a register that a division governs, by key."""
    shelf = SHELVES[register]
    query = sa.select(*(shelf.kept.c[name] for name in shelf.spec.stored))
    keys = (shelf.kept.c[name] for name in shelf.spec.key)
    return query.where(shelf.within(division), shelf.registered()).order_by(
        *(_collated(key, collation) for key in keys)
    )


async def _collation(db: Session) -> str:
    """Name the collation that is the order of code points, unless the database has it itself.

    Then its index of keys has it too, and rows come at once; else they are sorted before the first.
    """
    connection = await db.connection()
    if connection.dialect.name != "postgresql":
        return ""  # SQLite has no other
    provider, name = (await connection.execute(_locale)).one()
    own = provider == b"b" or (provider == b"c" and name.upper() in _BY_CODE_POINT)
    return "" if own else "C"


def _collated(key: sa.ColumnElement[Any], collation: str) -> sa.ColumnElement[Any]:
    return key if not collation or isinstance(key.type, sa.Date) else key.collate(collation)


async def _rows(engine: AsyncEngine, query: sa.Select[Any]) -> AsyncGenerator[Sequence[Values]]:
    """Read rows in chunks, in a transaction of their own: the request's is over by then."""
    async with transaction(engine, write=False) as db:
        connection = await db.connection(execution_options={"yield_per": CHUNK})
        found = await connection.stream(query)
        try:
            async for chunk in found.partitions():
                yield chunk
        finally:
            await found.close()


async def _lines(
    rows: AsyncGenerator[Sequence[Values]], writer: Csv | Ndjson
) -> AsyncGenerator[bytes]:
    """Write rows as they come."""
    async with aclosing(rows):
        yield writer.head
        async for chunk in rows:
            yield await asyncio.to_thread(writer.lines, chunk)


async def _workbook(
    rows: AsyncGenerator[Sequence[Values]], names: Sequence[str], title: str
) -> IO[bytes]:
    """Write a workbook into a temporary file; refuse one that would be cut off."""
    file = TemporaryFile()  # noqa: SIM115  # whoever gets it closes it
    try:
        count = 0
        with closing(Xlsx(names, title, file)) as book:
            async with aclosing(rows):
                async for chunk in rows:
                    count += len(chunk)
                    if count > SHEET_ROWS_MAX:
                        raise Refused(Reason.EXPORT_TOO_LONG, rows_max=SHEET_ROWS_MAX)
                    await asyncio.to_thread(book.write, chunk)
    except BaseException:
        file.close()
        raise
    return file


async def _pieces(file: IO[bytes]) -> AsyncGenerator[bytes]:
    """Hand a file on, and let go of it."""
    with file:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
