"""Ten writers at once on PostgreSQL, devices following: no cursor ever skips what was committed.

The sequence of a database gives its numbers before the commit, so a slow transaction appears below
a cursor that has passed it. Our places are given under a lock that is held until the commit; the
same storm over a plain sequence shows that it would notice.
"""

import asyncio
import os
from random import Random

import pytest
from conftest import Office
from phones import Phone
from simulation.app_hub import AppHub
from sqlmodel import func, select, text

from backend import db
from backend.tables import Feed, Head
from backend.work import feed, ledger
from sync.ids import new_id

SECONDS = 30 if os.environ.get("CI") == "true" else 6
WRITERS, FOLLOWERS = 10, 3

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Storm:
    """Writers that hold their transactions open for a random while, and who follows them."""

    def __init__(self, office: Office) -> None:
        self.office, self.hub = office, AppHub(office)
        self.written: list[set[str]] = [set() for _ in range(WRITERS)]
        self.looks = 0  # of followers, while it blew
        self.missed = 0  # rows that a cursor passed unseen, as the sums of the buckets tell

    async def blow(self, seconds: float) -> list[Phone]:
        await self.hub.open()
        phones = [await Phone(self.hub, f"p{n}", page=50).enrol() for n in range(FOLLOWERS)]
        for phone in phones:
            for writer in range(WRITERS):
                await self.hub.join(phone.inspector, f"w{writer}")
        self.ends = asyncio.get_running_loop().time() + seconds
        writers = [asyncio.create_task(self.write(n)) for n in range(WRITERS)]
        followers = [asyncio.create_task(self.follow(phone, writers)) for phone in phones]
        await asyncio.gather(*writers, *followers)
        return phones

    async def write(self, writer: int) -> None:
        chance = Random(writer)
        while asyncio.get_running_loop().time() < self.ends:
            entity = new_id()
            async with db.transaction(self.office.engine) as session:
                await session.exec(text(f"SELECT pg_sleep({chance.random() * 0.004})"))
                await feed.put(session, f"w{writer}", "row", entity, b"{}")
                await session.flush()
                await session.exec(text(f"SELECT pg_sleep({chance.random() ** 4 * 0.02})"))
            self.written[writer].add(entity)

    async def follow(self, phone: Phone, writers: list[asyncio.Task[None]]) -> None:
        while not all(writer.done() for writer in writers):
            await phone.sync()
            self.looks += 1
        await phone.sync()
        self.missed += int(phone.store.get("alarms") or 0)


async def test_a_cursor_skips_nothing_that_ten_writers_commit(office: Office) -> None:
    storm = Storm(office)

    phones = await storm.blow(SECONDS)

    written = set().union(*storm.written)
    assert min(len(rows) for rows in storm.written) > SECONDS
    assert storm.looks > SECONDS * FOLLOWERS
    for phone in phones:
        assert {row.id for row in phone.store.rows("row")} == written
    assert storm.missed == 0


async def test_the_same_storm_over_a_plain_sequence_loses_some(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def next_place(session: db.Session) -> int:
        return (await session.exec(text("SELECT nextval('plain')"))).scalars().one()

    async def scope(session: db.Session, inspector: str) -> tuple[ledger.Top, list[str]]:
        found = await session.get_one(Head, 1)
        feed_n = (await session.exec(select(func.max(Feed.seq)))).one() or 0
        top = ledger.Top(found.epoch, found.floor, feed_n, found.ledger_n, found.ledger_root)
        return top, await feed.buckets(session, inspector)

    async with db.transaction(office.engine) as session:
        await session.exec(text("CREATE SEQUENCE plain START 1000"))
    monkeypatch.setattr(feed, "next_place", next_place)
    monkeypatch.setattr(feed, "scope", scope)
    storm = Storm(office)

    await storm.blow(3)

    assert storm.missed > 0
