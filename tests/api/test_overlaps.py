"""Draws committed to before any of them was held: nobody is visited more often than may be."""

import asyncio
from collections import Counter
from datetime import date
from typing import Any

import pytest
from conftest import Clock, Office
from httpx import AsyncClient, Response
from plans import (
    DIGITS,
    HOLD,
    ORDER,
    committed,
    files_of,
    hold,
    planned,
    refusal,
    registers,
)
from sqlmodel import col, select
from visits import Visit

from backend import db
from backend.rules import eligibility, events, papers
from backend.rules.scheme import Exclusion
from backend.rules.verification import verify
from backend.tables import Establishment, Inspector, Task

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


async def visited(office: Office) -> Counter[str]:
    """Count how often somebody is sent to each site."""
    query = select(Establishment.code).join(Task, col(Task.establishment_id) == Establishment.id)
    sent = col(Task.dispatched_at).is_not(None), col(Task.withdrawn_at).is_(None)
    async with db.transaction(office.engine, write=False) as session:
        return Counter(await session.exec(query.where(*sent)))


async def test_nobody_is_drawn_twice_in_a_campaign_by_plans_committed_at_once(
    office: Office, supervisor: AsyncClient
) -> None:
    campaign = await planned(supervisor)
    made = [await planned(supervisor, parent=campaign, **MARKETS) for _ in range(2)]
    draws = [await committed(supervisor, plan) for plan in made]
    for one in draws:
        assert (await hold(office, supervisor, one)).status_code == 200
    taken, mine = [await sites_of(supervisor, plan) for plan in made]
    assert (await supervisor.post(f"/office/plans/{made[0]}/dispatch")).status_code == 200

    refused = answer = await supervisor.post(f"/office/plans/{made[1]}/dispatch")
    while answer.status_code == 409:
        await give_way(office, supervisor, draws[1], answer)
        answer = await supervisor.post(f"/office/plans/{made[1]}/dispatch")
    files = await files_of(office, draws[1])

    assert refusal(refused) == (409, "draw.over-cap")
    assert refused.json()["details"]["reasons"] == "X08-campaign"
    assert set(refused.json()["details"]["sites"].split(", ")) == taken & mine
    assert answer.status_code == 200, answer.text
    assert set((await visited(office)).values()) == {1}
    assert all(step.ok for step in verify(files)), verify(files)


@pytest.mark.parametrize(("batches", "clash"), [((1, 2), True), ((2, 1), True), ((2, 6), False)])
async def test_only_batches_of_one_cycle_keep_out_of_each_others_way(
    office: Office, supervisor: AsyncClient, batches: tuple[int, int], clash: bool
) -> None:
    campaign = await planned(supervisor)
    made: list[str] = []
    for batch in batches:
        often = {"per_year": [3, 1], "batches": 12, "batch": batch}
        scheme = {"quotas": [{"where": {}, "visits": often}]}
        made.append(await planned(supervisor, parent=campaign, scheme=scheme, **MARKETS))
    draws = [await committed(supervisor, plan) for plan in made]
    for one in draws:
        assert (await hold(office, supervisor, one)).status_code == 200

    answer = await supervisor.post(f"/office/plans/{made[1]}/dispatch")

    assert (answer.status_code == 409) == clash, answer.text
    assert not clash or answer.json()["details"]["reasons"] == "X08-cycle"


async def test_who_is_called_later_gives_way_to_whom_another_draw_had_already(
    office: Office, supervisor: AsyncClient
) -> None:
    made = [await planned(supervisor, scheme=ONCE, **MARKETS) for _ in range(2)]
    draws = [await committed(supervisor, plan) for plan in made]
    for draw in draws:
        assert (await hold(office, supervisor, draw)).status_code == 200
    assert (await supervisor.post(f"/office/plans/{made[0]}/dispatch")).status_code == 200
    answer = await supervisor.post(f"/office/plans/{made[1]}/dispatch")
    while answer.status_code == 409:
        await give_way(office, supervisor, draws[1], answer)
        answer = await supervisor.post(f"/office/plans/{made[1]}/dispatch")
    before = await visited(office)

    order = {"stratum": "all", "count": 2, "reason": "E02-findings", "evidence": "问题普遍"}
    asked = await supervisor.post(f"/office/draws/{draws[0]}/extensions", json=order)
    assert asked.status_code == 201, asked.text
    other = await office.officer("reviewer", "310101")
    path = f"/office/amendments/{asked.json()['id']}/decision"
    decided = await other.post(path, json={"approve": True})
    refused = await supervisor.post(f"/office/plans/{made[0]}/dispatch")

    assert decided.status_code == 200, decided.text
    assert refusal(refused) == (409, "draw.over-cap")
    assert refused.json()["details"]["draws"] == "310101#2"
    assert await visited(office) == before  # all five, once each


async def test_who_was_held_first_stands_whatever_the_clocks_say(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    made = [await planned(supervisor, scheme=ONCE, **MARKETS) for _ in range(2)]
    draws = [await committed(supervisor, plan) for plan in made]
    clock.advance(seconds=9)
    assert (await hold(office, supervisor, draws[0])).status_code == 200
    sent = await supervisor.post(f"/office/plans/{made[0]}/dispatch")

    clock.advance(seconds=-5)  # it came before and waited longer for its turn
    assert (await hold(office, supervisor, draws[1])).status_code == 200
    refused = await supervisor.post(f"/office/plans/{made[1]}/dispatch")

    assert sent.status_code == 200, sent.text
    assert refusal(refused) == (409, "draw.over-cap")
    assert set((await visited(office)).values()) == {1}


async def test_two_that_hold_and_send_at_once_never_send_to_one_site_twice(
    office: Office, supervisor: AsyncClient
) -> None:
    made = [await planned(supervisor, scheme=ONCE, **MARKETS) for _ in range(3)]
    draws = [await committed(supervisor, plan) for plan in made]
    second = await office.officer("reviewer")
    for draw in draws:
        what = {"source": "dice:hall-1", "value": DIGITS}
        await second.post(f"/office/draws/{draw}/typings", json=what)

    async def hold_and_send(draw: str, plan: str) -> Response:
        held = await supervisor.post(f"/office/draws/{draw}/hold", json=HOLD)
        assert held.status_code == 200, held.text
        return await supervisor.post(f"/office/plans/{plan}/dispatch")

    answers = await asyncio.gather(*map(hold_and_send, draws[::-1], made[::-1]))

    told = sorted(one.status_code for one in answers)
    assert told == [200, 409, 409]  # three of five and three of five have one in common
    assert set((await visited(office)).values()) == {1}


async def test_of_draws_from_before_lots_had_turns_the_one_held_first_stands(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    made = [await planned(supervisor, scheme=ONCE, **MARKETS) for _ in range(2)]
    draws = [await committed(supervisor, plan) for plan in made]
    for draw in draws[::-1]:
        clock.advance(seconds=1)
        assert (await hold(office, supervisor, draw)).status_code == 200
    async with db.transaction(office.engine) as session:
        for task in await session.exec(select(Task)):
            task.turn = 0
            session.add(task)

    refused = await supervisor.post(f"/office/plans/{made[0]}/dispatch")
    sent = await supervisor.post(f"/office/plans/{made[1]}/dispatch")

    assert refusal(refused) == (409, "draw.over-cap")
    assert refused.json()["details"]["draws"] == "310101#2"
    assert sent.status_code == 200, sent.text


async def test_who_commits_hears_which_draws_may_draw_the_same(
    office: Office, supervisor: AsyncClient
) -> None:
    async def commit(seal: str | None = None, **changes: Any) -> list[dict[str, Any]]:
        plan = await planned(supervisor, **changes)
        order = ORDER | ({"sealed_until": seal} if seal else {})
        made = await supervisor.post(f"/office/plans/{plan}/draws", json=order)
        assert made.status_code == 201, made.text
        draws.append(made.json()["id"])
        found: list[dict[str, Any]] = made.json()["beside"]
        return found

    draws: list[str] = []
    stores = {"categories": ["cold-store"]}
    alone = await commit(**MARKETS)
    sealed = await commit("2026-04-20T09:00:00+08:00", **MARKETS)
    second = await commit(**MARKETS | {"division": "310101002"})
    others = await commit(category="", scheme={"scope": stores}, division="310101001")
    both = await commit(category="", minimum=3)
    assert (await hold(office, supervisor, draws[0])).status_code == 200
    after = await commit(**MARKETS)

    assert alone == others == []
    assert sealed == [{"draw": "310101#1", "shared": 5}]
    assert second == [{"draw": "310101#1", "shared": 5}]  # a sealed one is not told
    assert both == [
        {"draw": "310101#1", "shared": 5},
        {"draw": "310101#3", "shared": 5},
        {"draw": "310101#4", "shared": 25},
    ]
    assert after == [{"draw": "310101#3", "shared": 5}, {"draw": "310101#5", "shared": 5}]
