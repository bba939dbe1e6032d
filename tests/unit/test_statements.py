"""A long answer comes whole, whether it is asked for at once or row by row."""

from sqlalchemy import text
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
