"""What pages and frames ask of the database reads the rows that they tell, and no others."""

import re
from hashlib import sha256

import pytest
from conftest import Office
from sqlalchemy import insert, text

from backend import db
from backend.tables import Feed
from backend.work import frames, ledger, pages

INDEXED = {
    "ix_feed_bucket_seq": pages.PUBLISHED,
    "ix_entry_inspection_id_seq": pages.ENTERED,
    "ix_site_bucket_seq": pages.SITES,
}


async def plan(session: db.Session, statement: str, *values: object) -> str:
    """Give the database's plan, on PostgreSQL with what running it read."""
    if session.get_bind().dialect.name == "sqlite":
        (rows,) = await ledger.ask(session, (f"EXPLAIN QUERY PLAN {statement}", values))
        return "\n".join(row[3] for row in rows)
    (rows,) = await ledger.ask(session, (f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", values))
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("index", INDEXED)
async def test_a_page_finds_its_rows_by_bucket_and_place(office: Office, index: str) -> None:
    async with db.transaction(office.engine) as session:
        if session.get_bind().dialect.name == "postgresql":
            for way in ("seqscan", "sort", "incremental_sort"):  # cheap, the tables being empty
                await (await session.connection()).execute(text(f"SET LOCAL enable_{way} = off"))
        said = await plan(session, INDEXED[index], "i:mine", 0, 10**6, 500)

    assert index in said
    assert not re.search(r"_seq_key|B-TREE FOR ORDER|Filter", said)


async def test_a_page_reads_nothing_of_what_others_were_told_in_between(office: Office) -> None:
    places = [("i:mine", n) for n in range(1, 41)]
    places += [("i:other", n) for n in range(41, 20_000)]
    places += [("i:mine", n) for n in range(20_000, 20_007)]
    values = [
        {"bucket": bucket, "kind": "row", "entity": f"{n}", "seq": n, "gone": False, "body": b"{}",
         "rev": sha256(b"{}").hexdigest()}
        for bucket, n in places
    ]  # fmt: skip
    async with db.transaction(office.engine) as session:
        await (await session.connection()).execute(insert(Feed), values)
    async with db.transaction(office.engine) as session:
        if session.get_bind().dialect.name == "postgresql":
            await (await session.connection()).execute(text("ANALYZE feed"))
        said = await plan(session, pages.PUBLISHED, "i:mine", 40, 10**6, 500)
        (found,) = await ledger.ask(session, (pages.PUBLISHED, ("i:mine", 40, 10**6, 500)))

    assert "ix_feed_bucket_seq" in said
    assert "Filter" not in said  # every row that was read was told
    assert [row[0] for row in found] == list(range(20_000, 20_007))


async def test_a_frame_is_read_in_order_from_one_index(office: Office) -> None:
    async with db.transaction(office.engine) as session:
        connection = await session.connection()
        if connection.dialect.name == "postgresql":
            for way in ("seqscan", "sort", "bitmapscan"):  # cheap, the tables being small
                await connection.execute(text(f"SET LOCAL enable_{way} = off"))
        query = frames.objects("3304", connection.dialect.name)
        literal = {"literal_binds": True}
        asked = str(query.compile(dialect=connection.dialect, compile_kwargs=literal))
        said = await plan(session, asked)

    assert re.search(r"(COVERING INDEX|Index Only Scan using) ix_establishment_frame", said)
    assert not re.search(r"B-TREE FOR ORDER|Sort", said)
