"""列表: of a list longer than anyone reads the first rows; whoever asked is told there are more."""

from collections.abc import Sequence
from typing import Any, TypeVar, TypeVarTuple, overload

from sqlmodel.sql.expression import Select, SelectOfScalar

from backend.db import MORE, Session

LISTED_MAX = 1000

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@overload
async def first(db: Session, query: Select[*Ts]) -> Sequence[tuple[*Ts]]: ...


@overload
async def first(db: Session, query: SelectOfScalar[T]) -> Sequence[T]: ...


async def first(
    db: Session, query: Select[*tuple[Any, ...]] | SelectOfScalar[Any]
) -> Sequence[Any]:
    """Give the first LISTED_MAX rows of a query; the answer tells that there are more."""
    found: Sequence[Any] = (await db.exec(query.limit(LISTED_MAX + 1))).all()
    if len(found) > LISTED_MAX:
        db.info[MORE] = True
    return found[:LISTED_MAX]
