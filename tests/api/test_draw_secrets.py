"""What a draw keeps to its agency, and what nothing can hinder or bend once it is committed."""

from datetime import date, datetime, timedelta
from typing import Any

import rows
from conftest import Clock, Office
from httpx import AsyncClient, Response
from plans import refusal
from sqlmodel import col, select, update

from backend import db
from backend.rules import beacons
from backend.rules.draw import nonce_commitment
from backend.rules.verification import verify
from backend.tables import Establishment, Inspector, Task

PROVINCE, COUNTY = "33", "330102"
NONCES = {"notary": "22" * 32, "regulator": "11" * 32}
UNTIL = "2026-04-20T09:00:00+08:00"
SEALED = rows.ORDER | {
    "sealed_until": UNTIL,
    "nonce_commits": {who: nonce_commitment(who, nonce) for who, nonce in NONCES.items()},
}
ONCE_A_YEAR: dict[str, Any] = {"exclusion": {"window_days": 365}}


async def plan(office: Office, client: AsyncClient, division: str, **changes: Any) -> str:
    order = rows.new_plan(await rows.checklist(office), division) | changes
    answer = await client.post("/office/plans", json=order)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def commit(client: AsyncClient, plan_id: str, order: dict[str, Any] = rows.ORDER) -> str:
    answer = await client.post(f"/office/plans/{plan_id}/draws", json=order)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def hold(office: Office, client: AsyncClient, draw: str, **order: Any) -> Response:
    other = await office.officer("reviewer", PROVINCE)
    await other.post(f"/office/draws/{draw}/typings", json=rows.TYPED)
    return await client.post(f"/office/draws/{draw}/hold", json=rows.HOLD | order)


async def registers(office: Office) -> AsyncClient:
    """Two sites and two inspectors of a county, and an officer of its province."""
    for _ in range(2):
        await rows.establishment(office, COUNTY)
        await rows.inspector(office, COUNTY)
    return await office.officer("supervisor", PROVINCE)


async def sealed(office: Office) -> tuple[AsyncClient, str, str]:
    """Hold a sealed draw of the province; give an officer of it, the plan and the draw."""
    province = await registers(office)
    planned = await plan(office, province, COUNTY)
    draw = await commit(province, planned, SEALED)
    assert (await hold(office, province, draw, nonces=NONCES)).status_code == 200
    return province, planned, draw


# -- what only the agency sees ---------------------------------------------------------------------


async def test_a_county_does_not_see_into_a_sealed_draw_of_its_province(
    office: Office, clock: Clock
) -> None:
    province, planned, draw = await sealed(office)
    county = await office.officer("supervisor", COUNTY)

    hidden = [
        await county.get(f"/office/plans/{planned}/tasks"),
        await county.get(f"/office/draws/{draw}/files/selection.tsv"),
        await county.get(f"/office/draws/{draw}/files/frame.tsv.gz"),
    ]
    known = await county.get(f"/office/draws/{draw}/files/commit.json")
    seeds = [(await one.get(f"/office/draws/{draw}")).json()["seed"] for one in (county, province)]
    own = await province.get(f"/office/plans/{planned}/tasks")
    visits = [(await one.get("/office/inspections")).json() for one in (county, province)]
    clock.at = datetime.fromisoformat(UNTIL)
    county = await office.officer("supervisor", COUNTY)
    due = [
        await county.get(f"/office/plans/{planned}/tasks"),
        await county.get(f"/office/draws/{draw}/files/selection.tsv"),
    ]
    visits.append((await county.get("/office/inspections")).json())
    seeds.append((await county.get(f"/office/draws/{draw}")).json()["seed"])

    assert {refusal(answer) for answer in hidden} == {(403, "auth.division-forbidden")}
    assert known.status_code == 200
    assert (seeds[0], seeds[1]) == (None, seeds[2])
    assert len(own.json()) == 1
    assert (visits[0], visits[1]) == ([], visits[2])
    assert len(visits[2]) == 1
    assert [answer.status_code for answer in due] == [200, 200]


async def test_the_page_of_a_sealed_draw_tells_nothing_of_its_list(
    office: Office, server: AsyncClient, clock: Clock
) -> None:
    _, _, draw = await sealed(office)

    closed = (await server.get(f"/public/verify/{draw}")).text
    clock.at = datetime.fromisoformat(UNTIL)
    opened = (await server.get(f"/public/verify/{draw}")).text

    assert "substitution rate" not in closed
    assert "a substitution rate of 0.0%" in opened


async def test_recusals_and_changes_of_a_province_are_not_for_its_counties(office: Office) -> None:
    province = await registers(office)
    planned = await plan(office, province, COUNTY)
    draw = await commit(province, planned)
    assert (await hold(office, province, draw)).status_code == 200
    county = await office.officer("supervisor", COUNTY)
    site = (await county.get(f"/office/plans/{planned}/tasks")).json()[0]["establishment"]["code"]
    asked = await province.post(
        f"/office/draws/{draw}/substitutions",
        json={"site": site, "reason": "X01-moved", "since": "2026-01-15", "evidence": "档案"},
    )

    hidden = [
        await county.get(f"/office/draws/{draw}/files/recusal.tsv"),
        await county.get(f"/office/draws/{draw}/amendments"),
    ]
    waiting = await county.get("/office/amendments")
    own = await province.get("/office/amendments")

    assert asked.status_code == 201, asked.text
    assert {refusal(answer) for answer in hidden} == {(403, "auth.division-forbidden")}
    assert waiting.json() == []
    assert [one["id"] for one in own.json()] == [asked.json()["id"]]


async def test_no_open_frame_tells_what_a_sealed_draw_drew(office: Office, clock: Clock) -> None:
    await sealed(office)
    county = await office.officer("supervisor", COUNTY)
    later = await plan(
        office, county, COUNTY, scheme=ONCE_A_YEAR, opens_on="2026-04-21", closes_on="2026-05-29"
    )

    told = await county.post(f"/office/plans/{later}/draws", json=rows.ORDER)
    too_soon = await county.post(
        f"/office/plans/{later}/draws", json=SEALED | {"sealed_until": "2026-04-19T09:00:00+08:00"}
    )
    tried = await county.get(f"/office/plans/{later}/rehearsal")
    clock.at = datetime.fromisoformat(UNTIL) + timedelta(minutes=1)
    county = await office.officer("supervisor", COUNTY)
    opened = await county.post(f"/office/plans/{later}/draws", json=rows.ORDER)

    assert {refusal(told), refusal(too_soon), refusal(tried)} == {(409, "frame.tells-sealed")}
    assert told.json()["details"]["draws"] == f"{PROVINCE}#1"
    assert opened.status_code == 201, opened.text


async def test_a_draw_sealed_as_long_may_leave_out_what_a_sealed_draw_drew(office: Office) -> None:
    province, _, _ = await sealed(office)
    later = await plan(
        office, province, COUNTY, scheme=ONCE_A_YEAR, opens_on="2026-04-21", closes_on="2026-05-29"
    )

    tried = await province.get(f"/office/plans/{later}/rehearsal")
    made = await province.post(f"/office/plans/{later}/draws", json=SEALED)

    assert tried.status_code == 200
    assert made.status_code == 201, made.text


# -- what nothing hinders or bends -----------------------------------------------------------------


async def test_a_register_that_changes_after_the_commitment_does_not_stop_the_draw(
    office: Office,
) -> None:
    supervisor = await registers(office)
    form = await rows.checklist(office)
    planned = await plan(office, supervisor, COUNTY, category="", checklists={"market": form})
    draw = await commit(supervisor, planned)
    async with db.transaction(office.engine) as session:
        await session.exec(update(Establishment).values(category="something-else"))

    held = await hold(office, supervisor, draw)

    assert held.status_code == 200, held.text
    query = select(col(Task.checklist_digest)).where(Task.draw_id == draw)
    async with db.transaction(office.engine, write=False) as session:
        assert list(await session.exec(query)) == [form]


async def test_a_plan_that_is_over_is_not_committed_to(office: Office, clock: Clock) -> None:
    supervisor, planned = await rows.plan(office, COUNTY)
    clock.at = datetime.fromisoformat("2026-04-01T00:00:00+08:00")
    supervisor = await office.officer("supervisor", COUNTY)

    late = await supervisor.post(f"/office/plans/{planned}/draws", json=rows.ORDER)
    clock.at -= beacons.LEAD
    last_day = await supervisor.post(f"/office/plans/{planned}/draws", json=rows.ORDER)

    assert refusal(late) == (400, "draw.too-late")
    assert last_day.status_code == 201, last_day.text


async def test_an_expert_never_leads_whatever_the_order_of_the_seats(office: Office) -> None:
    supervisor = await registers(office)
    async with db.transaction(office.engine) as session:
        batch = rows.revision("inspectors")
        session.add(batch)
        await session.flush()
        session.add(
            Inspector(
                certificate="专家-1", name="王工", department="食品科", division=COUNTY,
                expert=True, valid_from=date(2020, 1, 1), valid_to=date(2030, 1, 1),
                revision_id=batch.id,
            )
        )  # fmt: skip
    seats = [{"name": "0专家", "expert": True}, {"name": "1主办"}, {"name": "2协办"}]
    planned = await plan(office, supervisor, COUNTY, scheme={"seats": seats})
    draw = await commit(supervisor, planned)

    held = await hold(office, supervisor, draw)
    task = (await supervisor.get(f"/office/plans/{planned}/tasks")).json()[0]

    assert held.status_code == 200, held.text
    at = {one["position"]: one["inspector"]["certificate"] for one in task["seats"]}
    assert at["0专家"] == "专家-1"
    assert (task["lead"]["certificate"], task["second"]["certificate"]) == (
        at["1主办"],
        at["2协办"],
    )


async def test_a_draw_whose_rounding_gives_nobody_is_held_and_proved(office: Office) -> None:
    supervisor = await registers(office)
    planned = await plan(
        office, supervisor, COUNTY, rate=[1, 10**6], minimum=0, scheme={"rounding": "systematic"}
    )
    draw = await commit(supervisor, planned)

    held = await hold(office, supervisor, draw)
    sent = await supervisor.post(f"/office/plans/{planned}/dispatch")
    files = {
        name: (await supervisor.get(f"/office/draws/{draw}/files/{name}")).content
        for name in held.json()["files"]
    }
    listed = await (await office.client()).get("/public/draws")

    assert (held.status_code, held.json()["sites"]) == (200, 0)
    assert all(step.ok for step in verify(files) if step.name != "sources")
    assert refusal(sent) == (409, "draw.not-held")
    assert listed.json()[0]["status"] == "drawn"


async def test_a_clock_that_went_back_does_not_spoil_the_log(office: Office, clock: Clock) -> None:
    supervisor = await registers(office)
    planned = await plan(office, supervisor, COUNTY)
    draw = await commit(supervisor, planned)
    assert (await hold(office, supervisor, draw)).status_code == 200
    site = (await supervisor.get(f"/office/plans/{planned}/tasks")).json()[0]["establishment"]
    order = {"site": site["code"], "reason": "X01-moved", "since": "2026-01-15", "evidence": "档案"}
    asked = await supervisor.post(f"/office/draws/{draw}/substitutions", json=order)
    other = await office.officer("reviewer", PROVINCE)
    decision = f"/office/amendments/{asked.json()['id']}/decision"

    clock.advance(seconds=-1)
    early = await other.post(decision, json={"approve": True})
    clock.advance(seconds=1)
    done = await other.post(decision, json={"approve": True})

    assert refusal(early) == (409, "draw.too-early")
    assert done.status_code == 200, done.text
