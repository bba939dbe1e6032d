"""账本导出: the whole ledger as lines that prove themselves, read from one snapshot.

Everybody's operations are in it, so only an admin of the whole takes it out.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from backend.auth import Officer, may_see
from backend.db import Session, transaction
from backend.rules import acts, ledger_lines
from backend.rules.ledger_lines import (
    ActLine,
    BatchLine,
    DeviceLine,
    Digest,
    EndLine,
    EntryLine,
    FoldLine,
    ForkLine,
    Line,
    RulingLine,
    Start,
)
from backend.tables import Act, Device, Entry, Fork, Head, Inspection, Ruling
from sync import codec

CHUNK = 1000
BATCH = SQLModel.metadata.tables["batch"]

Part: TypeAlias = tuple[sa.Executable, Callable[[Row[Any]], Line]]


async def export_ledger(db: Session, officer: Officer, now: datetime) -> AsyncGenerator[bytes]:
    """Write the ledger out while it is read; refuse who does not see everything."""
    may_see(officer, "")
    engine = db.bind
    assert isinstance(engine, AsyncEngine)
    return _pieces(engine, now)


async def _pieces(engine: AsyncEngine, now: datetime) -> AsyncGenerator[bytes]:
    async with transaction(engine, write=False) as db:
        options: dict[str, Any] = {"yield_per": CHUNK}
        if engine.dialect.name == "postgresql":  # SQLite's reader has one snapshot anyway
            options["isolation_level"] = "REPEATABLE READ"
        connection = await db.connection(execution_options=options)
        top = await db.get_one(Head, 1)
        total = Digest()
        start = Start(top.epoch, codec.public_key(top.secret_key), acts.moment(now))
        yield _written([start], total)
        for query, line in _parts():
            found = await connection.stream(query)
            async for rows in found.partitions():
                yield _written([line(row) for row in rows], total)
        ends = (top.ledger_n, top.ledger_root, top.act_n, top.act_hash)
        unsigned = EndLine(*ends, total.hex(), "")
        text = ledger_lines.signed_text(unsigned.digest, unsigned)
        yield ledger_lines.write(EndLine(*ends, total.hex(), codec.sign(top.secret_key, text)))


def _written(lines: Sequence[Line], total: Digest) -> bytes:
    raws = [ledger_lines.write(line) for line in lines]
    for raw in raws:
        total.add(raw)
    return b"".join(raws)


def _parts() -> list[Part]:
    """Say what is read, in which order, and how each row is written."""
    return [
        (
            _of(Device, Device.id),
            lambda row: DeviceLine(
                row.id, row.inspector_id, row.label, row.public_key, row.head_n, row.head_hash
            ),
        ),
        (
            # `count` is a method of rows
            sa.select(*BATCH.c, BATCH.c["count"].label("ops")).order_by(BATCH.c["id"]),
            lambda row: BatchLine(
                row.device_id, row.first_n, row.ops, row.head_line, row.signature
            ),
        ),
        (_of(Entry, Entry.position), _entry),
        (
            _of(Fork, Fork.device_id, Fork.n, Fork.hash),
            lambda row: ForkLine(row.device_id, row.n, row.hash, row.raw),
        ),
        (
            _of(Act, Act.n),
            lambda row: ActLine(
                row.n, acts.moment(row.at), row.actor, row.verb, row.subject, row.details,
                row.prev, row.hash,
            ),
        ),
        (
            _of(Ruling, Ruling.act_n, Ruling.device_id, Ruling.n, Ruling.hash),
            lambda row: RulingLine(
                row.act_n, row.device_id, row.n, row.hash, row.verdict, row.why, row.waived
            ),
        ),
        (
            _of(Inspection, Inspection.id),
            lambda row: FoldLine(row.id, row.operations, row.conflicts, row.late, row.signed),
        ),
    ]  # fmt: skip


def _entry(row: Row[Any]) -> EntryLine:
    return EntryLine(
        position=row.position,
        dev=row.device_id,
        n=row.n,
        e=row.inspection_id,
        kind=row.kind,
        hash=row.hash,
        root=row.root,
        verdict=row.verdict,
        why=row.why,
        seq=row.seq,
        at=round(row.received_at.timestamp() * 1000),
        raw=row.raw,
    )


def _of(table: Any, *order: Any) -> sa.Executable:
    """Select a table's columns, not its rows as objects: a million are not kept."""
    return sa.select(*sa.inspect(table).local_table.c).order_by(*order)
