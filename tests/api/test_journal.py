import pytest
from conftest import NOW
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, delete, select

from backend import db, journal
from backend.tables import Act
from sync.refusals import Reason, Refused


async def write(engine: AsyncEngine, acts: int) -> None:
    for number in range(acts):
        async with db.transaction(engine) as session:
            await journal.append(
                session, actor="王", verb="plan.create", subject=str(number), now=NOW, take=number
            )


async def walk(engine: AsyncEngine) -> str:
    async with db.transaction(engine, write=False) as session:
        return journal.verify(await session.exec(select(Act).order_by(col(Act.n))))


async def test_a_journal_that_nobody_touched_verifies_to_its_head(engine: AsyncEngine) -> None:
    await write(engine, 5)

    last = await walk(engine)

    async with db.transaction(engine) as session:
        head = await db.head(session)
    assert (head.act_n, head.act_hash) == (5, last)


async def test_two_acts_in_one_transaction_follow_each_other(engine: AsyncEngine) -> None:
    async with db.transaction(engine) as session:
        first = await journal.append(session, actor="a", verb="x.y", subject="1", now=NOW)
        second = await journal.append(session, actor="a", verb="x.y", subject="2", now=NOW)

    last = await walk(engine)

    assert second.prev == first.hash
    assert last == second.hash


@pytest.mark.parametrize("change", [{"actor": "李"}, {"details": "{}"}, {"subject": "x"}])
async def test_an_edited_act_is_detected_at_its_number(
    change: dict[str, str], engine: AsyncEngine
) -> None:
    await write(engine, 4)
    async with db.transaction(engine) as session:
        await session.exec(update(Act).where(col(Act.n) == 3).values(**change))

    with pytest.raises(Refused) as refusal:
        await walk(engine)

    assert refusal.value.reason is Reason.JOURNAL_BROKEN
    assert refusal.value.details == {"n": 3}


async def test_a_removed_act_is_detected(engine: AsyncEngine) -> None:
    await write(engine, 3)
    async with db.transaction(engine) as session:
        await session.exec(delete(Act).where(col(Act.n) == 1))

    with pytest.raises(Refused) as refusal:
        await walk(engine)

    assert refusal.value.details == {"n": 1}


async def test_a_writer_that_waits_too_long_is_told_to_come_again(database_url: str) -> None:
    engine = db.connect(database_url, busy_ms=50)

    async def write() -> None:
        async with db.transaction(engine) as session:
            await db.head(session)

    async with db.transaction(engine) as session:
        await db.head(session)
        with pytest.raises(SQLAlchemyError) as error:
            await write()
    await write()
    await engine.dispose()

    assert db.busy(error.value)


async def test_a_rolled_back_act_leaves_no_gap(engine: AsyncEngine) -> None:
    async def fail() -> None:
        async with db.transaction(engine) as session:
            await journal.append(session, actor="a", verb="x.y", subject="1", now=NOW)
            raise RuntimeError

    await write(engine, 1)
    with pytest.raises(RuntimeError):
        await fail()
    await write(engine, 1)

    await walk(engine)

    async with db.transaction(engine) as session:
        assert (await db.head(session)).act_n == 2
