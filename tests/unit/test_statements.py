"""A long answer comes whole, whether it is asked for at once or row by row."""

from contextlib import aclosing

from sqlalchemy import Integer, Select, column, literal, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from backend import db

LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201) SELECT i FROM n"
)


async def test_a_long_answer_comes_whole(engine: AsyncEngine) -> None:
    async with db.transaction(engine, write=False) as session:
        rows = (await (await session.connection()).execute(text(LONG))).all()

    assert [row[0] for row in rows] == list(range(1, 1202))


async def test_a_long_answer_is_read_row_by_row_and_may_be_left(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        async with connection.stream(text(LONG)) as result:
            rows = [row[0] async for row in result]
        async with connection.stream(text(LONG)) as left:
            first = await left.fetchone()

    assert rows == list(range(1, 1202))
    assert first == (1,)


async def test_plain_rows_come_in_parts_and_the_rest_may_be_left(engine: AsyncEngine) -> None:
    query: Select[str, int] = select(literal("b'c%\x1f:d"), column("i", Integer)).select_from(
        text(f"({LONG}) AS m")
    )
    async with db.transaction(engine, write=False) as session:
        parts = [part async for part in db.partitions(session, query, 500)]
        async with aclosing(db.partitions(session, query, 500)) as left:
            first = await anext(left)
        after = (await (await session.connection()).execute(text("SELECT 1"))).scalar()

    assert [len(part) for part in parts] == [500, 500, 201]
    assert [row[1] for part in parts for row in part] == list(range(1, 1202))
    assert {row[0] for part in parts for row in part} == {"b'c%\x1f:d"}
    assert (len(first), after) == (500, 1)
