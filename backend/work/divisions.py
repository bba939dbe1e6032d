"""行政区划: look a code up with its history, and tell which codes of an import are odd."""

import re
from collections.abc import Collection
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select

from backend.db import Session
from backend.rules import divisions
from backend.rules.divisions import DivisionLine, Standing, path, shortened
from backend.tables import Division
from backend.wire import DivisionNameView, DivisionView, SuccessorView
from backend.work import staging
from sync.refusals import Reason, Refused

LEVELS = (2, 4, 6, 9, 12)
CODES_MAX = 5_000  # in one question

Checked = tuple[ColumnElement[str], ColumnElement[str], dict[Standing, Reason]]

_digits = re.compile(r"\d{2,12}", re.ASCII)
_OF_PLACES: dict[Standing, Reason] = {
    "unknown": Reason.ROW_DIVISION_UNKNOWN,
    "historical": Reason.ROW_DIVISION_HISTORICAL,
}
_OF_CODES: dict[Standing, Reason] = {"unknown": Reason.ROW_DIVISION_UNKNOWN}


async def show_division(db: Session, code: str) -> DivisionView:
    """Tell a division's names through time, where it lay and what followed it."""
    code = shortened(code)
    lines = await _lines(db, [code[:level] for level in LEVELS if level <= len(code)])
    own = sorted((one for one in lines if one.code == code), key=lambda one: one.since)
    if not own:
        raise Refused(Reason.DIVISION_NOT_FOUND, division=code)
    followers = {after for one in own for after in one.successors.split(",") if after}
    newest = {one.code: one.name for one in await _lines(db, followers) if not one.until}

    names = [
        DivisionNameView(
            name=one.name,
            path=tuple(path(one, lines)),
            since=one.since,
            until=one.until,
            successors=tuple(
                SuccessorView(code=after, name=newest.get(after, ""))
                for after in one.successors.split(",")
                if after
            ),
        )
        for one in own
    ]

    return DivisionView(code=code, in_force=not all(one.until for one in own), names=tuple(names))


async def check(db: Session, reading: staging.Stage, *, identifiers: bool) -> None:
    """Warn of divisions that no list has, or that ended; nothing is left out for it.

    Chinese credit codes carry a division too, the one of their first registration: it may well have
    ended since, so only one that no list has is told. Without a list nothing is checked.
    """
    known = await _known(db)
    if not known or "division" not in reading.fields:
        return
    staged = reading.shelf.staged
    checked: list[Checked] = [(staged.c.division, staged.c.division, _OF_PLACES)]
    if identifiers and reading.shelf.spec.name == "establishments":
        digits = func.substr(staged.c.code, 3, 6)
        whole = case((func.length(staged.c.code) == 18, digits), else_="")
        checked.append((whole, staged.c.code, _OF_CODES))
    columns: list[ColumnElement[Any]] = [column for column, _, _ in checked]
    found = (await (await db.connection()).execute(sa.select(*columns).distinct())).all()

    for place, (column, told, reasons) in enumerate(checked):
        texts = {str(row[place]) for row in found}
        stands = divisions.standings(filter(_digits.fullmatch, texts), known)
        for standing, reason in reasons.items():
            odd = (code for code, found in stands.items() if found == standing)
            while some := list(islice(odd, CODES_MAX)):
                rows = staging.rows(reading, told).where(column.in_(some))
                await staging.report(db, reading, rows, reason, kept=True)


async def _known(db: Session) -> dict[str, bool]:
    """Load which codes there are down to the county, and whether they are in force."""
    counties = select(Division.code, func.min(Division.until)).group_by(Division.code)
    found = await db.exec(counties.where(func.length(Division.code) <= 6))
    return {code: not until for code, until in found}


async def _lines(db: Session, codes: Collection[str]) -> list[DivisionLine]:
    found = await db.exec(select(Division).where(col(Division.code).in_(codes)))
    return [msgspec.convert(one, DivisionLine, from_attributes=True) for one in found]
