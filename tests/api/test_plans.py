"""From a plan to tasks on the inspectors' devices, over HTTP, on both databases."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from conftest import Clock, Office
from httpx import AsyncClient
from plans import (
    DIGEST,
    DIGITS,
    HOLD,
    NONCES,
    ORDER,
    PLAN,
    committed,
    hold,
    planned,
    refusal,
    registers,
)
from sqlmodel import col, select

from backend import db
from backend.rules.verification import verify
from backend.tables import (
    Act,
    Draw,
    Establishment,
    Feed,
    Inspector,
    Member,
    Piece,
    Recusal,
    Task,
)


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    """Log in an officer of the division that has the registers."""
    await registers(office)
    return await office.officer("supervisor", "310101")


async def test_a_plan_is_committed_drawn_and_dispatched(
    office: Office, supervisor: AsyncClient, server: AsyncClient
) -> None:
    plan = await planned(supervisor)
    draw_id = await committed(supervisor, plan)

    before = await supervisor.get(f"/office/draws/{draw_id}")
    held = await hold(office, supervisor, draw_id)
    tasks = await supervisor.get(f"/office/plans/{plan}/tasks")
    sent = await supervisor.post(f"/office/plans/{plan}/dispatch")
    again = await supervisor.post(f"/office/plans/{plan}/dispatch")

    assert before.json()["status"] == "committed"
    assert before.json()["in_scope"] == 50
    assert held.status_code == 200, held.text
    assert (held.json()["status"], held.json()["sites"]) == ("drawn", 4)
    assert [task["place"] for task in tasks.json()] == [1, 2, 3, 4]
    assert all(task["lead"]["id"] != task["second"]["id"] for task in tasks.json())
    assert all(task["checklist"] == DIGEST for task in tasks.json())
    assert sent.json() == {"now": 4, "total": 4}
    assert again.json() == {"now": 0, "total": 4}
    async with db.transaction(office.engine, write=False) as session:
        rows = (await session.exec(select(Task))).all()
        members = {(m.inspector_id, m.bucket) for m in await session.exec(select(Member))}
        feed = (await session.exec(select(Feed))).all()
        verbs = list(await session.exec(select(Act.verb).order_by(col(Act.n))))
    wanted = {(who, f"i:{t.id}") for t in rows for who in (t.lead_id, t.second_id)}
    assert wanted <= members
    body = json.loads(next(row.body for row in feed if row.bucket == f"i:{rows[0].id}"))
    assert body["draw"]["bundle_sha256"] == held.json()["bundle_sha256"]
    assert {row.bucket for row in feed if row.kind == "checklist"} == {
        f"u:{who}" for t in rows for who in (t.lead_id, t.second_id)
    }
    assert verbs[-5:] == [
        "draw.commit", "draw.type", "draw.type", "draw.hold", "plan.dispatch",
    ]  # fmt: skip


async def test_the_office_has_the_whole_bundle_and_the_public_all_but_the_recusals(
    office: Office, supervisor: AsyncClient, server: AsyncClient
) -> None:
    draw_id = await committed(supervisor, await planned(supervisor))
    early = await server.get(f"/public/draws/{draw_id}/commit.json")
    await hold(office, supervisor, draw_id)
    chain = (await server.get("/public/draws", params={"agency": "310101"})).json()
    names = (await supervisor.get(f"/office/draws/{draw_id}")).json()["files"]

    whole = {
        name: (await supervisor.get(f"/office/draws/{draw_id}/files/{name}")).content
        for name in names
    }
    public = {
        name: (await server.get(f"/public/draws/{draw_id}/{name}")).content
        for name in chain[0]["files"]
    }
    secret = await server.get(f"/public/draws/{draw_id}/recusal.tsv")

    assert early.status_code == 200
    assert early.content == public["commit.json"]
    assert all(step.ok for step in verify(whole)), verify(whole)
    assert whole.keys() - public.keys() == {"recusal.tsv"}
    assert refusal(secret) == (404, "draw.not-found")
    steps = {step.name: step.ok for step in verify(public, public=True)}
    assert [name for name, ok in steps.items() if ok is None] == ["roster", "assignment"]
    assert False not in steps.values()
    frame = gzip.decompress(public["frame.tsv.gz"]).decode()
    assert frame.count("X01-not-active") == 4
    assert frame.count("X06-not-of-category") == 5
    assert "冷库" not in frame  # no names, only public codes
    assert "sister" not in whole["recusal.tsv"].decode()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"minimum": 43}, "plan.too-many-sites"),
        ({"category": "school", "minimum": 1}, "plan.too-many-sites"),
        ({"closes_on": "2026-03-08"}, "plan.dates-reversed"),
        ({"rate": [4, 3]}, "plan.rate-wrong"),
        ({"checklists": {"*": "restaurants"}}, "checklist.not-found"),
        ({"checklists": {"market": "cold-store"}}, "plan.checklist-missing"),
        ({"title": "a\u0007b"}, "text.not-canonical"),
        ({"title": "  "}, "text.not-canonical"),
        ({"division": "310102"}, "auth.division-forbidden"),
        ({"seats": 3}, "body.invalid"),
        ({"rate": [3, 0]}, "body.invalid"),
    ],
)
async def test_a_plan_that_cannot_be_drawn_is_refused(
    supervisor: AsyncClient, changes: dict[str, Any], code: str
) -> None:
    answer = await supervisor.post("/office/plans", json=PLAN | changes)

    assert answer.json()["code"] == code, answer.text


async def test_too_many_sites_are_refused_with_the_figures(supervisor: AsyncClient) -> None:
    answer = await supervisor.post("/office/plans", json=PLAN | {"minimum": 43})

    assert answer.status_code == 400
    assert (answer.json()["details"]["asked"], answer.json()["details"]["exist"]) == (43, 41)


async def test_a_commitment_needs_more_dice_than_anyone_can_try(supervisor: AsyncClient) -> None:
    plan = await planned(supervisor)

    few = await supervisor.post(
        f"/office/plans/{plan}/draws", json=ORDER | {"dice": [{"ceremony": "hall", "rolls": 19}]}
    )
    many = await supervisor.post(
        f"/office/plans/{plan}/draws",
        json=ORDER | {"dice": [{"ceremony": "hall", "sides": 6, "rolls": 25}]},
    )

    assert refusal(few) == (400, "draw.seed-too-short")
    assert many.status_code == 201


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"digits": {"dice:hall-1": "31"}}, "draw.digits-wrong"),
        ({"digits": {"dice:hall-1": DIGITS + "1"}}, "draw.digits-wrong"),
        ({"digits": {"dice:hall-2": DIGITS}}, "draw.randomness-incomplete"),
        ({"nonces": {"notary": NONCES["notary"]}}, "draw.randomness-incomplete"),
        ({"nonces": NONCES | {"notary": "23" * 32}}, "draw.nonce-wrong"),
    ],
)
async def test_a_draw_is_held_only_with_what_was_committed_to(
    office: Office, supervisor: AsyncClient, changes: dict[str, Any], code: str
) -> None:
    draw_id = await committed(supervisor, await planned(supervisor))
    order = HOLD | changes

    answer = await hold(office, supervisor, draw_id, order)

    assert answer.json()["code"] == code, answer.text
    async with db.transaction(office.engine, write=False) as session:
        assert (await session.exec(select(Draw.status))).one() == "committed"
        assert not (await session.exec(select(Task))).all()


async def test_a_draw_is_held_once(office: Office, supervisor: AsyncClient) -> None:
    draw_id = await committed(supervisor, await planned(supervisor))
    first = await hold(office, supervisor, draw_id)

    other = HOLD | {"digits": {"dice:hall-1": DIGITS[::-1]}}
    again = await hold(office, supervisor, draw_id, other)
    after = await supervisor.get(f"/office/draws/{draw_id}")

    assert refusal(again) == (409, "draw.already-held")
    assert after.json()["seed"] == first.json()["seed"]


async def test_of_two_who_hold_a_draw_at_once_one_wins(
    office: Office, supervisor: AsyncClient
) -> None:
    draw_id = await committed(supervisor, await planned(supervisor))
    other = HOLD | {"digits": {"dice:hall-1": DIGITS[::-1]}}

    answers = await asyncio.gather(
        *(hold(office, supervisor, draw_id, order) for order in (HOLD, other))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with db.transaction(office.engine, write=False) as session:
        assert len((await session.exec(select(Task))).all()) == 4


async def test_a_plan_has_one_draw_that_is_not_void(
    office: Office, supervisor: AsyncClient
) -> None:
    plan = await planned(supervisor)
    draw_id = await committed(supervisor, plan)

    again = await supervisor.post(f"/office/plans/{plan}/draws", json=ORDER)
    both = await asyncio.gather(
        *(supervisor.post(f"/office/plans/{plan}/draws", json=ORDER) for _ in range(2))
    )

    assert refusal(again) == (409, "draw.exists")
    assert again.json()["details"]["draw"] == draw_id
    assert [answer.status_code for answer in both] == [409, 409]


async def test_a_draw_waits_for_its_announced_time(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    plan = await planned(supervisor)
    draw_id = await committed(supervisor, plan, not_before="2026-03-02T10:00:00+08:00")

    early = await hold(office, supervisor, draw_id)
    clock.advance(hours=1)
    later = await hold(office, supervisor, draw_id)

    assert refusal(early) == (409, "draw.too-early")
    assert later.status_code == 200


@pytest.mark.parametrize(
    ("not_before", "code"),
    [
        ("2026-03-31T00:00:00Z", "draw.too-late"),
        ("2026-03-30T16:00:00Z", "draw.too-late"),  # the next day has begun in China
        ("9999-12-31T23:59:59-12:00", "draw.too-late"),
        ("2026-03-10T00:00:00", "body.invalid"),
    ],
)
async def test_a_draw_is_announced_for_a_time_within_the_plan(
    supervisor: AsyncClient, not_before: str, code: str
) -> None:
    plan = await planned(supervisor)

    answer = await supervisor.post(
        f"/office/plans/{plan}/draws", json=ORDER | {"not_before": not_before}
    )

    assert refusal(answer) == (400, code)


async def test_a_draw_is_voided_by_a_second_officer_and_stays_visible(
    office: Office, supervisor: AsyncClient, server: AsyncClient
) -> None:
    plan = await planned(supervisor)
    draw_id = await committed(supervisor, plan)
    second = await office.officer("supervisor", "310101")
    reason = {"reason": "the dice fell off the table"}

    own = await supervisor.post(f"/office/draws/{draw_id}/void", json=reason)
    voided = await second.post(f"/office/draws/{draw_id}/void", json=reason)
    again = await second.post(f"/office/draws/{draw_id}/void", json=reason)
    held = await hold(office, supervisor, draw_id)
    dispatch = await supervisor.post(f"/office/plans/{plan}/dispatch")
    replacement = await committed(supervisor, plan)
    chain = (await server.get("/public/draws")).json()
    commits = [(await server.get(f"/public/draws/{one['id']}/commit.json")).json() for one in chain]

    assert refusal(own) == (403, "draw.second-officer")
    assert voided.json()["status"] == "void"
    assert refusal(again) == (409, "draw.void")
    assert refusal(held) == (409, "draw.void")
    assert refusal(dispatch) == (409, "draw.not-held")
    assert [(one["id"], one["status"]) for one in chain] == [
        (draw_id, "void"),
        (replacement, "committed"),
    ]
    assert [one["seq"] for one in commits] == [1, 2]
    assert commits[1]["prev"] == chain[0]["commit_hash"]
    log = await server.get(f"/public/draws/{draw_id}/log.ndjson")
    assert "the dice fell off the table" in log.text


async def test_a_dispatched_draw_cannot_be_voided(office: Office, supervisor: AsyncClient) -> None:
    plan = await planned(supervisor)
    draw_id = await committed(supervisor, plan)
    await hold(office, supervisor, draw_id)
    await supervisor.post(f"/office/plans/{plan}/dispatch")
    second = await office.officer("supervisor", "310101")

    answer = await second.post(f"/office/draws/{draw_id}/void", json={"reason": "too late now"})

    assert refusal(answer) == (409, "draw.dispatched")


async def test_a_plan_that_nobody_could_staff_is_refused_before_the_seed_exists(
    office: Office, supervisor: AsyncClient
) -> None:
    plan = await planned(supervisor, qualification="radiation")

    answer = await supervisor.post(f"/office/plans/{plan}/draws", json=ORDER)

    assert refusal(answer) == (409, "pairing.infeasible")
    assert answer.json()["details"]["seats"] == 0


async def test_a_draw_that_cannot_be_staffed_is_named_kept_on_record_and_never_rolled_again(
    office: Office, supervisor: AsyncClient
) -> None:
    async with db.transaction(office.engine) as session:
        sites = (await session.exec(select(Establishment))).all()
        inspectors = (await session.exec(select(Inspector.certificate))).all()
        known = {(r.code, r.certificate) for r in await session.exec(select(Recusal))}
        session.add_all(
            Recusal(
                code=site.code, certificate=one, reason="all but one are recused",
                revision_id=site.revision_id,
            )
            for site in sites
            for one in inspectors
            if one != "沪A0002" and (site.code, one) not in known
        )  # fmt: skip
    draw_id = await committed(supervisor, await planned(supervisor))

    answer = await hold(office, supervisor, draw_id)
    again = await hold(office, supervisor, draw_id)
    second = await office.officer("supervisor", "310101")
    reason = {"reason": "nobody may go to one of the sites"}
    void = await second.post(f"/office/draws/{draw_id}/void", json=reason)

    assert refusal(answer) == (409, "pairing.infeasible")
    assert refusal(again) == (409, "draw.unstaffed")
    assert void.json()["status"] == "void"
    assert answer.json()["details"]["inspectors"] == "沪A0002"
    assert answer.json()["details"]["wanted"] > answer.json()["details"]["seats"]
    async with db.transaction(office.engine, write=False) as session:
        row = (await session.exec(select(Draw))).one()
        names = set(await session.exec(select(Piece.name)))
        acts = list(await session.exec(select(Act).where(Act.verb == "draw.unstaffed")))
    assert (row.status, row.seed) == ("void", None)
    assert "seed.json" not in names
    assert len(acts) == 1
    assert DIGITS in acts[0].details


async def test_only_active_inspectors_of_the_agency_are_on_the_roster(
    office: Office, supervisor: AsyncClient, server: AsyncClient
) -> None:
    async with db.transaction(office.engine) as session:
        left, moved, *_ = await session.exec(select(Inspector).order_by(Inspector.certificate))
        left.active, moved.division = False, "310104"
        session.add_all([left, moved])

    draw_id = await committed(supervisor, await planned(supervisor))

    roster = (await server.get(f"/public/draws/{draw_id}/roster.tsv")).text.splitlines()
    assert [line.split("\t")[0] for line in roster] == [f"沪A{n:04d}" for n in range(3, 9)]


async def test_seats_taken_by_another_plan_of_the_same_days_are_not_given_again(
    office: Office, supervisor: AsyncClient
) -> None:
    first = await committed(supervisor, await planned(supervisor, minimum=8))
    await hold(office, supervisor, first)
    same_days, later_days = (
        await planned(supervisor),
        await planned(supervisor, opens_on="2026-04-01", closes_on="2026-04-30"),
    )

    full = await supervisor.post(f"/office/plans/{same_days}/draws", json=ORDER)
    free = await supervisor.post(f"/office/plans/{later_days}/draws", json=ORDER)
    second = await office.officer("supervisor", "310101")
    await second.post(f"/office/draws/{first}/void", json={"reason": "the dice fell"})
    freed = await supervisor.post(f"/office/plans/{same_days}/draws", json=ORDER)

    assert refusal(full) == (409, "pairing.infeasible")
    assert (free.status_code, freed.status_code) == (201, 201)


async def test_another_division_neither_sees_nor_draws(
    office: Office, supervisor: AsyncClient
) -> None:
    plan = await planned(supervisor)
    draw_id = await committed(supervisor, plan)
    foreign = await office.officer("supervisor", "310104")
    reason = {"reason": "not ours at all"}

    answers = [
        await foreign.get(f"/office/plans/{plan}"),
        await foreign.post(f"/office/plans/{plan}/draws", json=ORDER),
        await foreign.get(f"/office/plans/{plan}/tasks"),
        await foreign.post(f"/office/plans/{plan}/dispatch"),
        await foreign.get(f"/office/draws/{draw_id}"),
        await foreign.get(f"/office/draws/{draw_id}/files/recusal.tsv"),
        await hold(office, foreign, draw_id),
        await foreign.post(f"/office/draws/{draw_id}/void", json=reason),
    ]
    listed = await foreign.get("/office/plans")

    assert {refusal(answer) for answer in answers} == {(403, "auth.division-forbidden")}
    assert listed.json() == []


async def test_a_county_sees_what_its_province_plans_there_and_does_not_act_on_it(
    office: Office,
) -> None:
    await registers(office)
    province = await office.officer("supervisor", "31")
    county = await office.officer("supervisor", "310101")
    plan = await planned(province)
    draw_id = await committed(province, plan)
    reason = {"reason": "we would rather not"}

    seen = await county.get(f"/office/plans/{plan}")
    acts = [
        await county.post(f"/office/draws/{draw_id}/void", json=reason),
        await hold(office, county, draw_id),
        await county.post(f"/office/plans/{plan}/draws", json=ORDER),
        await county.post(f"/office/plans/{plan}/dispatch"),
    ]
    held = await hold(office, province, draw_id)

    assert seen.status_code == 200
    assert {refusal(act) for act in acts} == {(403, "auth.division-forbidden")}
    assert held.status_code == 200


async def test_what_is_void_is_never_sent_when_both_come_at_once(
    office: Office, supervisor: AsyncClient
) -> None:
    second = await office.officer("supervisor", "310101")
    seen: set[tuple[int, int]] = set()
    for _ in range(8):
        plan = await planned(supervisor, rate=[1, 100], minimum=1)
        draw_id = await committed(supervisor, plan)
        await hold(office, supervisor, draw_id)

        dispatched, voided = await asyncio.gather(
            supervisor.post(f"/office/plans/{plan}/dispatch"),
            second.post(f"/office/draws/{draw_id}/void", json={"reason": "dice fell"}),
        )
        seen.add((dispatched.status_code, voided.status_code))

    assert seen <= {(200, 409), (409, 200)}


async def test_a_reviewer_reads_and_does_not_draw(office: Office, supervisor: AsyncClient) -> None:
    plan = await planned(supervisor)
    reviewer = await office.officer("reviewer", "310101")

    seen = await reviewer.get(f"/office/plans/{plan}")
    drawn = await reviewer.post(f"/office/plans/{plan}/draws", json=ORDER)

    assert seen.status_code == 200
    assert (seen.json()["eligible"], seen.json()["sites"]) == (41, 4)
    assert refusal(drawn) == (403, "auth.role-forbidden")


async def test_what_does_not_exist_is_said_to_be_missing(supervisor: AsyncClient) -> None:
    draw_id = await committed(supervisor, await planned(supervisor))

    answers = [
        await supervisor.get("/office/plans/none"),
        await supervisor.get("/office/draws/none"),
        await supervisor.get(f"/office/draws/{draw_id}/files/seed.json"),
    ]

    assert [refusal(answer) for answer in answers] == [
        (404, "plan.not-found"),
        (404, "draw.not-found"),
        (404, "draw.not-found"),
    ]
