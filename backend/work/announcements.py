"""公布: what an order announces: the sources of the seed, and how long the content is sealed."""

from datetime import UTC, date, datetime, time, timedelta

import msgspec
from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from backend.auth import Officer
from backend.db import Session
from backend.rules import beacons, papers
from backend.rules.beacons import Dice, Local, Lottery, Pulse, Source
from backend.rules.calendar import CHINA
from backend.rules.papers import TaskPaper
from backend.rules.scheme import Scheme
from backend.tables import Draw, Establishment, Plan
from backend.wire import Beside, CommitOrder
from backend.work.plans import plain_text
from sync.refusals import Reason, Refused

SEAL_MAX = timedelta(days=60)  # after the last day of the plan
NONCES_SEALED = 2


def sources_of(order: CommitOrder, now: datetime) -> dict[str, Source]:
    """Name the sources that an order announces; refuse what could be known or tried out now."""
    named: dict[str, Source] = {
        f"dice:{one.ceremony}": Dice(one.sides, one.rolls) for one in order.dice
    }
    named |= dict(beacons.drand_source(one.chain, one.at) for one in order.drand)
    for pulse in order.nist:
        at = f"{pulse.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        named[f"nist:{pulse.chain}:{at}"] = Pulse(pulse.chain, at)
    for one in order.lotteries:
        named[f"{one.game}:{one.issue}"] = Lottery(one.game, one.issue, one.on.isoformat())
    if order.local is not None:
        named["local"] = Local(plain_text(order.local))
    beacons.require_public(named)
    beacons.require_future(named, created_at=now)
    return named


def require_seal(order: CommitOrder, *, not_before: datetime, closes_on: date) -> None:
    """Refuse a seal that would never open, or that one body alone could look behind."""
    if order.sealed_until is None:
        return
    latest = datetime.combine(closes_on, time.min, CHINA) + SEAL_MAX
    too_few = len(order.nonce_commits) < NONCES_SEALED
    if too_few or not not_before < order.sealed_until <= latest:
        raise Refused(Reason.SEAL_WRONG, latest=latest.isoformat(timespec="seconds"))


async def sealed_draws(
    db: Session, *, at: datetime, officer: Officer | None = None
) -> frozenset[str]:
    """Name the draws (agency#seq) that will be sealed at a time, to anyone or to an officer."""
    query = (
        select(Draw.agency, Draw.seq)
        .where(Draw.status == "drawn", col(Draw.unsealed_at).is_(None))
        .where(col(Draw.sealed_until) > at)
    )
    return frozenset(
        f"{agency}#{seq}"
        for agency, seq in await db.exec(query)
        if officer is None or not agency.startswith(officer.division)
    )


async def beside(db: Session, plan: Plan, row: Draw) -> list[Beside]:
    """Name other draws that wait to be held and share establishments with a plan's draw.

    Neither sees what the other will draw. One that will be sealed is not told.
    """
    query = (
        select(Draw.agency, Draw.seq, Plan)
        .join(Plan, col(Plan.id) == Draw.plan_id)
        .where(Draw.status == "committed", Draw.id != row.id, col(Draw.sealed_until).is_(None))
        .order_by(Draw.agency, col(Draw.seq))
    )
    found: list[Beside] = []
    for agency, seq, other in (await db.exec(query)).all():
        longer = max(plan.division, other.division, key=len)
        if not longer.startswith(min(plan.division, other.division, key=len)):
            continue
        counted = (
            select(func.count())
            .where(col(Establishment.division).startswith(longer))
            .where(Establishment.status == "active")
        )
        for wanted in filter(None, map(_categories, (plan, other))):
            counted = counted.where(col(Establishment.category).in_(wanted))
        if shared := (await db.exec(counted)).one():
            found.append(Beside(draw=f"{agency}#{seq}", shared=shared))
    return found


def _categories(plan: Plan) -> list[str]:
    """List the categories that a plan is about; none: all of them."""
    if plan.category:
        return [plan.category]
    return msgspec.json.decode(plan.scheme, type=Scheme).scope.categories


def open_to(officer: Officer, now: datetime) -> ColumnElement[bool]:
    """Ask whether an officer may see what a draw drew: a sealed one only its agency's may."""
    return (
        col(Draw.sealed_until).is_(None)
        | (col(Draw.sealed_until) <= now)
        | col(Draw.unsealed_at).is_not(None)
        | col(Draw.agency).startswith(officer.division, autoescape=True)
    )


def announce(
    task: TaskPaper, sources: dict[str, Source], sealed_until: datetime | None
) -> TaskPaper:
    """Write into the task where its seed will come from, and until when it is sealed."""
    open_ = msgspec.structs.replace(task, sources=sources)
    if sealed_until is None:
        return open_
    until = papers.moment(sealed_until)
    return msgspec.structs.replace(open_, mode="sealed", sealed_until=until)
