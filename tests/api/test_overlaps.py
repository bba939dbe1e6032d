"""Draws committed to before any of them was held: nobody is visited more often than may be."""

from datetime import date
from typing import Any

import pytest
from conftest import Clock, Office
from httpx import AsyncClient, Response
from plans import ORDER, committed, files_of, hold, planned, refusal, registers
from sqlmodel import select
from visits import Visit

from backend import db
from backend.rules import eligibility, events, papers
from backend.rules.scheme import Exclusion
from backend.rules.verification import verify
from backend.tables import Inspector, Task

MARKETS: dict[str, Any] = {"category": "market", "minimum": 3}  # of five
ONCE: dict[str, Any] = {"exclusion": {"annual_cap": 1}}


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    """Log in an officer of the division that has the registers, with inspectors enough."""
    await registers(office)
    async with db.transaction(office.engine) as session:
        for one in await session.exec(select(Inspector)):
            one.cap = 40
            session.add(one)
    return await office.officer("supervisor", "310101")


async def sites_of(client: AsyncClient, plan: str) -> set[str]:
    tasks = (await client.get(f"/office/plans/{plan}/tasks")).json()
    return {one["establishment"]["code"] for one in tasks}


async def two_at_once(
    office: Office, client: AsyncClient, scheme: dict[str, Any], **order: Any
) -> tuple[str, str, str]:
    """Commit to two draws of three out of the same five, then hold both: some are in both."""
    plans = [await planned(client, scheme=one, **MARKETS) for one in ({}, scheme)]
    first = await committed(client, plans[0], **order)
    second = await committed(client, plans[1])
    for draw in (first, second):
        held = await hold(office, client, draw)
        assert held.status_code == 200, held.text
    return plans[0], plans[1], second


async def give_way(
    office: Office, client: AsyncClient, draw: str, refused: Response
) -> dict[str, Any]:
    """Substitute the first site that a refusal names."""
    site, reason = (refused.json()["details"][name].split(", ")[0] for name in ("sites", "reasons"))
    order = {"site": site, "reason": reason, "evidence": "频次"}
    asked = await client.post(f"/office/draws/{draw}/substitutions", json=order)
    assert asked.status_code == 201, asked.text
    other = await office.officer("reviewer", "310101")
    path = f"/office/amendments/{asked.json()['id']}/decision"
    decided = await other.post(path, json={"approve": True})
    assert decided.status_code == 200, decided.text
    found: dict[str, Any] = decided.json()
    return found


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [(ONCE, "X02-annual-cap"), ({"exclusion": {"window_days": 30}}, "X08-drawn")],
)
async def test_who_another_draw_took_meanwhile_gives_way_before_anything_is_sent(
    office: Office, supervisor: AsyncClient, scheme: dict[str, Any], reason: str
) -> None:
    before, plan, draw = await two_at_once(office, supervisor, scheme)
    taken, mine = await sites_of(supervisor, before), await sites_of(supervisor, plan)

    first = await supervisor.post(f"/office/plans/{before}/dispatch")
    refused = await supervisor.post(f"/office/plans/{plan}/dispatch")
    told = refused.json()
    answer = refused
    while answer.status_code == 409:
        await give_way(office, supervisor, draw, answer)
        answer = await supervisor.post(f"/office/plans/{plan}/dispatch")
    files = await files_of(office, draw)

    assert first.status_code == 200  # the one that was held first stands
    assert refusal(refused) == (409, "draw.over-cap")
    assert set(told["details"]["sites"].split(", ")) == taken & mine
    assert (told["details"]["draws"], told["details"]["reasons"]) == ("310101#1", reason)
    assert answer.status_code == 200, answer.text
    assert not await sites_of(supervisor, plan) & taken
    assert mine - taken <= await sites_of(supervisor, plan)
    given = events.changes(papers.read_log(files["log.ndjson"]))
    assert {(line.reason, line.evidence) for line in given} == {(reason, "310101#1")}
    assert all(step.ok for step in verify(files)), verify(files)


async def test_nobody_gives_way_for_a_draw_that_took_nobody_from_him(
    office: Office, supervisor: AsyncClient
) -> None:
    before, plan, draw = await two_at_once(office, supervisor, ONCE)
    both = await sites_of(supervisor, before) & await sites_of(supervisor, plan)
    free = await sites_of(supervisor, plan) - both
    refused = await supervisor.post(f"/office/plans/{plan}/dispatch")

    orders = [{"site": one, "reason": "X02-annual-cap", "evidence": "310101#1"} for one in free]
    orders.append({"site": min(both), "reason": "X08-drawn", "evidence": "310101#1"})
    path = f"/office/draws/{draw}/substitutions"
    answers = [await supervisor.post(path, json=one) for one in orders]

    assert refusal(refused) == (409, "draw.over-cap")
    assert {refusal(one) for one in answers} == {(400, "substitution.not-over")}


async def test_a_plan_without_a_cap_visits_them_again(
    office: Office, supervisor: AsyncClient
) -> None:
    _, plan, _ = await two_at_once(office, supervisor, {})

    sent = await supervisor.post(f"/office/plans/{plan}/dispatch")

    assert sent.json() == {"now": 3, "total": 3}


async def test_a_sealed_draw_is_not_told_by_what_another_may_not_send(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    until = {"sealed_until": "2026-04-20T09:00:00+08:00", "nonce_commits": ORDER["nonce_commits"]}
    _, plan, _ = await two_at_once(office, supervisor, ONCE, **until)

    sent = await supervisor.post(f"/office/plans/{plan}/dispatch")

    assert sent.status_code == 200, sent.text


async def test_who_was_visited_without_a_draw_meanwhile_gives_way_as_well(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    plan = await planned(supervisor, scheme=ONCE, **MARKETS)
    draw = await committed(supervisor, plan)
    pair = {"lead": "沪A0001", "second": "沪A0002", "checklist": "cold-store"}
    days = {"opens_on": "2026-03-02", "closes_on": "2026-03-06"}
    made: dict[str, str] = {}
    for code in ("食摊-0010", "食摊-0020", "食摊-0030"):  # of five, of which three are drawn
        order = {"code": code, "origin": "return", "reason": "回访", **pair, **days}
        answer = await supervisor.post("/office/tasks", json=order)
        assert answer.status_code == 201, answer.text
        made[code] = answer.json()["tasks"][0]["id"]
        async with db.transaction(office.engine, write=False) as session:
            visit = Visit(await session.get_one(Task, made[code]))
        visit.answer("lead", i1_1="pass")
        await visit.arrive(office)
    clock.advance(hours=1)
    held = await hold(office, supervisor, draw)
    assert held.status_code == 200, held.text
    mine = await sites_of(supervisor, plan)

    refused = answer = await supervisor.post(f"/office/plans/{plan}/dispatch")
    while answer.status_code == 409:
        await give_way(office, supervisor, draw, answer)
        answer = await supervisor.post(f"/office/plans/{plan}/dispatch")
    files = await files_of(office, draw)
    given = events.changes(papers.read_log(files["log.ndjson"]))

    assert refusal(refused) == (409, "draw.over-cap")
    assert set(refused.json()["details"]["sites"].split(", ")) == mine & made.keys()
    assert answer.status_code == 200, answer.text
    assert not await sites_of(supervisor, plan) & made.keys()
    named = {f"visit:{made[line.site]}#1" for line in given}
    assert named == {line.evidence for line in given} != set()
    assert all(step.ok for step in verify(files)), verify(files)


@pytest.mark.parametrize(
    ("rules", "drawn", "expected"),
    [
        (Exclusion(annual_cap=1), [("a#1", "2026-01-01")], ("X02-annual-cap", "a#1")),
        (Exclusion(annual_cap=1), [("a#1", "2025-12-31")], ("", "")),
        (Exclusion(annual_cap=2), [("a#1", "2026-03-02"), ("a#1", "2026-03-02")], ("", "")),
        (
            Exclusion(annual_cap=2),
            [("b#9", "2026-03-02"), ("a#1", "2026-02-02")],
            ("X02-annual-cap", "a#1,b#9"),
        ),
        (Exclusion(window_days=30), [("a#1", "2026-01-31")], ("X08-drawn", "a#1")),
        (Exclusion(window_days=30), [("a#1", "2026-01-30")], ("", "")),
        (Exclusion(), [("a#1", "2026-03-02")], ("", "")),
    ],
)
def test_what_counts_is_the_year_and_the_window_of_the_snapshot(
    rules: Exclusion, drawn: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    assert eligibility.used_up(rules, date(2026, 3, 2), drawn) == expected
