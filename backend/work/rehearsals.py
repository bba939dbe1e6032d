"""预演: what a plan would commit to if it were frozen now, to be drawn on trial elsewhere."""

from datetime import datetime

from backend.auth import Officer, may_see
from backend.db import Session
from backend.rules import papers
from backend.wire import RehearsalView
from backend.work import announcements, frames, plans, rosters


async def show_rehearsal(
    db: Session, plan_id: str, officer: Officer, *, now: datetime
) -> RehearsalView:
    """Freeze the frame of a plan as it is now, and keep nothing of it; only its agency may."""
    plan = await plans.find_plan(db, plan_id, officer)
    may_see(officer, plan.agency)
    hidden = await announcements.sealed_draws(db, at=now, officer=officer)
    registers = frames.load(plan, now=now, hidden=hidden)
    roster = await rosters.roster(db, plan)
    recusals = await rosters.recusals(db, plan, roster)

    frame = await frames.freeze(db, registers)

    return RehearsalView(
        task=papers.write(registers.task).decode(),
        frame=frame.packed,
        roster=papers.write_roster(roster).decode(),
        recusals=papers.write_recusals(recusals).decode(),
    )
