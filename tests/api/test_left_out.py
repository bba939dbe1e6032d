"""抽查项与必查项目: what a visit may leave out, and what its task demands all the same."""

from typing import Any

import rows
import visits
from conftest import Office

from backend import db
from backend.tables import Task
from sync.ops import Answer, SetAnswers

DIVISION = "330102"


async def spot_check(office: Office) -> str:
    """Release a checklist whose second item may be left out, and name its digest."""
    toml = (rows.FIXTURES / "checklists" / "cold_store.toml").read_text("utf-8")
    own = toml.replace('code = "cold-store-daily"', 'code = "spot"')
    own = own.replace('ref = "1.3"\n', 'ref = "1.3"\noptional = true\n')
    client = await office.officer("admin", "")
    return str((await visits.asked(client, "/office/checklists", {"toml": own}))["digest"])


async def signed(office: Office, order: dict[str, Any]) -> str:
    """Answer everything but 1.3, with whoever was sent."""
    client = await office.officer("supervisor", DIVISION)
    id_ = str((await visits.asked(client, "/office/tasks", order))["tasks"][0]["id"])
    async with db.transaction(office.engine, write=False) as session:
        visit = visits.Visit(await session.get_one(Task, id_))
    given: dict[str, Answer] = {
        ref: answer for ref, answer in visits.answers().items() if ref != "1.3"
    }
    visit.record("lead", SetAnswers, f=given)
    visit.sign("lead", "second")
    await visit.arrive(office)
    return id_


async def test_what_may_be_left_out_stands_in_the_way_only_when_the_task_demands_it(
    office: Office,
) -> None:
    order = await rows.new_task(office, DIVISION) | {"checklist": await spot_check(office)}
    free = await signed(office, order)
    bound = await signed(office, order | {"must": ["1.3"]})
    client = await office.officer("supervisor", DIVISION)

    shown = [(await client.get(f"/office/inspections/{one}")).json() for one in (free, bound)]
    done = await client.post(f"/office/inspections/{free}/conclusion", json={})
    stopped = await client.post(f"/office/inspections/{bound}/conclusion", json={})

    assert [one["verdict"]["unanswered"] for one in shown] == [[], ["1.3"]]
    assert [one["verdict"]["outcome"] for one in shown] == ["conform", ""]
    assert done.json()["conclusion"]["outcome"] == "conform"
    assert stopped.json()["code"] == "verdict.incomplete"
    assert stopped.json()["details"]["unanswered"] == "1.3"
