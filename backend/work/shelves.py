"""名录所在: the tables of each register, of its versions, and of rows on their way in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
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
    false,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
)
from sqlmodel import SQLModel

from backend.db import Session
from backend.rules.records import PROVISIONAL, REGISTERS, Reference, Register, Spec, written
from backend.wire import FieldChange

Image = Mapping[str, Any] | RowMapping

TICK = timedelta(microseconds=1)

_tables = SQLModel.metadata.tables
_names: dict[Register, str] = {
    "establishments": "establishment",
    "licences": "licence",
    "listings": "listing",
    "inspectors": "inspector",
    "leave": "leave",
    "recusals": "recusal",
    "departments": "department",
    "divisions": "division",
}


class Shelf(Struct, frozen=True):
    """Where a register stands."""

    spec: Spec
    kept: Table
    versions: Table
    staged: Table  # rows on their way in
    written: Table  # rows that the import writes, and what makes them differ

    def same(self, one: Table | Any, other: Table | Any) -> ColumnElement[bool]:
        """Join two of the tables by key."""
        return and_(*(one.c[name] == other.c[name] for name in self.spec.key))

    def key(self, of: Table | Any) -> ColumnElement[Any]:
        """Give the key as one value."""
        columns = [of.c[name] for name in self.spec.key]
        return columns[0] if len(columns) == 1 else tuple_(*columns)

    def told(self, row: Image) -> str:
        """Write the key of a row for people."""
        return " ".join(written(row[name]) for name in self.spec.key)

    def registered(self) -> ColumnElement[bool]:
        """Tell which rows a register has, and which only wait for one (临时对象)."""
        if self.spec.name != "establishments":
            return true()
        return self.kept.c.status != PROVISIONAL

    def within(self, division: str, of: Table | None = None) -> ColumnElement[bool]:
        """Tell which rows a division governs, of the register or of its versions."""
        owner, of = self.spec.owner, self.kept if of is None else of
        if owner is None:
            return ~outside(of.c[self.spec.division], division)
        if not division:
            return ~false()
        target = target_of(owner)
        mine = select(target.kept.c[owner.target]).where(target.within(division))
        return of.c[owner.field].in_(mine)


def outside(column: ColumnElement[str], division: str) -> ColumnElement[bool]:
    """Tell what lies outside a division."""
    return ~column.startswith(division, autoescape=True) if division else false()


def target_of(reference: Reference) -> Shelf:
    """Find the register that a field refers to."""
    return SHELVES[reference.register]


def changes_between(spec: Spec, before: Image, after: Image) -> list[FieldChange]:
    """Tell which fields differ."""
    return [
        FieldChange(name, _plain(before[name]), _plain(after[name]))
        for name in spec.stored
        if name in after and _plain(before[name]) != _plain(after[name])
    ]


async def moment(db: Session, now: datetime) -> datetime:
    """Give a revision its moment: now, but later than that of each one written before it.

    Revisions go by it, and one that read its files for long began before others that are done.
    """
    newest = select(func.max(_tables["revision"].c.at))
    last = await (await db.connection()).scalar(newest)
    return now if last is None else max(now, last + TICK)


async def keep_versions(db: Session, shelf: Shelf, revision: str, ids: Select[Any]) -> None:
    """Keep rows as they are, before a revision changes or removes them."""
    kept = shelf.kept
    columns = [kept.c[name] for name in shelf.spec.stored]
    names = ["entity_id", "revision_id", "previous_id", *shelf.spec.stored]
    before = select(kept.c.id, literal(revision), kept.c.revision_id, *columns)
    statement = insert(shelf.versions).from_select(names, before.where(kept.c.id.in_(ids)))
    await (await db.connection()).execute(statement)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return written(value)


def _shelf(spec: Spec) -> Shelf:
    kept = _tables[_names[spec.name]]
    staged = Table(
        "staged",
        MetaData(),
        Column("n", Integer, primary_key=True, autoincrement=False),  # order of reading
        Column("source", Integer),
        Column("row", Integer),
        *(Column(name, kept.c[name].type) for name in spec.stored),
        *(Column(name, String) for name in spec.unstored),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    differing = Table(
        "written",
        staged.metadata,
        Column("id", String, primary_key=True),
        Column("n", Integer),  # of the staged row; none for one that is missing from the files
        Column("reappeared", Integer),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    return Shelf(spec, kept, _tables[f"{kept.name}version"], staged, differing)


SHELVES: dict[Register, Shelf] = {name: _shelf(spec) for name, spec in REGISTERS.items()}
