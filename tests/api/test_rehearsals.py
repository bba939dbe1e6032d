"""A rehearsal is what a commitment would freeze, and leaves nothing behind."""

import msgspec
import rows
from conftest import Office
from httpx import AsyncClient, Response
from sqlmodel import func, select

from backend import db
from backend.rules import papers
from backend.rules.papers import TaskPaper
from backend.rules.rehearsal import Rehearsal
from backend.tables import Draw, Piece
from backend.wire import RehearsalView

DIVISION = "330102"


async def rehearsed(client: AsyncClient, plan_id: str) -> RehearsalView:
    answer: Response = await client.get(f"/office/plans/{plan_id}/rehearsal")
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=RehearsalView)


async def test_a_rehearsal_has_the_bytes_that_the_commitment_then_has(office: Office) -> None:
    supervisor, plan_id = await rows.plan(office, DIVISION)

    trial = await rehearsed(supervisor, plan_id)
    made = await supervisor.post(f"/office/plans/{plan_id}/draws", json=rows.ORDER)
    files = f"/office/draws/{made.json()['id']}/files"
    frozen = {
        name: (await supervisor.get(f"{files}/{name}")).content
        for name in ("task.json", "frame.tsv.gz", "roster.tsv", "recusal.tsv")
    }

    assert trial.frame == frozen["frame.tsv.gz"]
    assert trial.roster.encode() == frozen["roster.tsv"]
    assert trial.recusals.encode() == frozen["recusal.tsv"]
    task = papers.read(frozen["task.json"], TaskPaper)
    without = msgspec.structs.replace(task, sources={})
    assert papers.read(trial.task.encode(), TaskPaper) == without


async def test_a_rehearsal_can_be_drawn_on_trial_and_nothing_of_it_is_kept(office: Office) -> None:
    supervisor, plan_id = await rows.plan(office, DIVISION)

    trial = await rehearsed(supervisor, plan_id)
    one = Rehearsal(
        {
            "task.json": trial.task.encode(),
            "frame.tsv.gz": trial.frame,
            "roster.tsv": trial.roster.encode(),
            "recusal.tsv": trial.recusals.encode(),
        }
    )
    for number in range(10):
        one.draw(number, pair=True)

    report = one.report()
    assert [(s.eligible, s.drawn_mean) for s in report.strata] == [(2, 1.0)]
    assert report.infeasible == 0
    async with db.transaction(office.engine, write=False) as session:
        kept = [(await session.exec(select(func.count()).select_from(t))).one()
                for t in (Draw, Piece)]  # fmt: skip
    assert kept == [0, 0]


async def test_only_the_agency_that_plans_may_rehearse(office: Office) -> None:
    _, plan_id = await rows.plan(office, DIVISION)
    above = await office.officer("supervisor", "33")
    below = await office.officer("supervisor", f"{DIVISION}001")

    allowed = await above.get(f"/office/plans/{plan_id}/rehearsal")
    refused = await below.get(f"/office/plans/{plan_id}/rehearsal")

    assert allowed.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.division-forbidden")
