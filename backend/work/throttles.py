"""限速: whoever guesses wrong waits, each time twice as long.

An attempt is counted before it is looked at, in a transaction of its own: so guesses that come
together do not slip through, and a refusal takes nothing back. A right one takes its count back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import NamedTuple

from sqlalchemy import case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from backend.db import Session, transaction
from backend.tables import Throttle
from sync.refusals import Reason, Refused

FORGOTTEN = timedelta(days=1)
ADDRESS_FREE = 100  # a bureau that begins its day comes from one address, all at once


class Guess(NamedTuple):
    """What is guessed, by or about whom, how often for nothing, and how long one waits at most."""

    what: str
    who: str
    free: int
    longest: timedelta

    @property
    def digest(self) -> str:
        """Name it without telling who it was."""
        return sha256(f"evenhand-throttle/1\n{self.what}\n{self.who}".encode()).hexdigest()


def login(name: str, address: str) -> list[Guess]:
    """Count guesses at an account, from wherever, and of an address, at whomever.

    An account is kept waiting for a minute at most: nobody shall lock another out.
    """
    return [
        Guess("account", name, 5, timedelta(minutes=1)),
        Guess("address", address, ADDRESS_FREE, timedelta(minutes=15)),
    ]


def enrolment(address: str) -> list[Guess]:
    """Count guesses of an address at one-time codes."""
    return [Guess("enrolment", address, 20, timedelta(minutes=15))]


async def attempt(db: Session, guesses: Sequence[Guess], now: datetime) -> None:
    """Count an attempt, or refuse it with THROTTLED. Before `db` has said anything."""
    assert isinstance(db.bind, AsyncEngine)
    async with transaction(db.bind) as fresh:
        await fresh.exec(delete(Throttle).where(col(Throttle.failed_at) < now - FORGOTTEN))
        for one in guesses:
            if not await _counted(fresh, one, now):
                row = await fresh.get_one(Throttle, one.digest, with_for_update=True)
                wait = row.failed_at + pause(row.failures, one) - now
                if wait > timedelta(0):
                    raise Refused(Reason.THROTTLED, seconds=ceil(wait.total_seconds()))
                row.failures, row.failed_at = row.failures + 1, now
                fresh.add(row)


async def forgive(db: Session, guesses: Sequence[Guess]) -> None:
    """Take the counts of an attempt back that was right; an account begins anew.

    The last thing in a transaction: all who come from one address wait for one another here.
    """
    await db.flush()
    count = col(Throttle.failures)
    for one in guesses:  # in the order in which attempts lock them
        less = case((count > 0, count - 1), else_=0)
        left = {"failures": 0 if one.what == "account" else less}
        await db.exec(update(Throttle).where(col(Throttle.digest) == one.digest).values(left))


async def _counted(db: Session, guess: Guess, now: datetime) -> bool:
    """Count a guess if it is free, in one statement: a whole bureau may log in at once."""
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    begun = insert(Throttle).values(digest=guess.digest, failures=1, failed_at=now)
    free = begun.on_conflict_do_update(
        index_elements=["digest"],
        set_={"failures": col(Throttle.failures) + 1, "failed_at": now},
        where=col(Throttle.failures) < guess.free,
    )
    return bool((await db.exec(free.returning(col(Throttle.digest)))).all())


def pause(failures: int, guess: Guess) -> timedelta:
    """Say how long to wait after so many failures."""
    over = failures - guess.free
    if over < 0:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(over, 20)), guess.longest)
