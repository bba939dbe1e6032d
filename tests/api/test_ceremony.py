"""Sources of every kind over HTTP: announced ahead, typed by two, proved, sealed until due."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rows
from conftest import NOW, Clock, Office
from httpx import AsyncClient, Response
from plans import refusal
from sqlmodel import col, select

from backend import db
from backend.rules import drand
from backend.rules.draw import nonce_commitment
from backend.rules.papers import AUDITOR_ONLY
from backend.rules.verification import verify
from backend.tables import Act, Draw, Inspection, Task, Typing

DIVISION = "330102"
DIGITS = rows.DIGITS
HALL = "dice:hall-1"
NONCES = {"notary": "22" * 32, "regulator": "11" * 32}
COMMITS = {who: nonce_commitment(who, nonce) for who, nonce in NONCES.items()}
KEPT = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "vectors" / "beacons.json").read_text("utf-8")
)
ROUND = KEPT["drand"][0]
QUICKNET = drand.BY_NAME["quicknet"]
UNTIL = "2026-04-20T09:00:00+08:00"
SEALED = {"dice": [{"ceremony": "hall-1"}], "nonce_commits": COMMITS, "sealed_until": UNTIL}


async def commit(office: Office, **order: Any) -> tuple[AsyncClient, Response]:
    supervisor, plan = await rows.plan(office, DIVISION)
    return supervisor, await supervisor.post(f"/office/plans/{plan}/draws", json=order)


async def committed(office: Office, **order: Any) -> tuple[AsyncClient, dict[str, Any]]:
    supervisor, answer = await commit(office, **order)
    assert answer.status_code == 201, answer.text
    return supervisor, answer.json()


async def type_in(client: AsyncClient, draw: str, value: str, source: str = HALL) -> Response:
    what = {"source": source, "value": value}
    return await client.post(f"/office/draws/{draw}/typings", json=what)


async def hold(client: AsyncClient, draw: str, **order: Any) -> Response:
    return await client.post(f"/office/draws/{draw}/hold", json=order)


async def second(office: Office) -> AsyncClient:
    return await office.officer("reviewer", DIVISION)


async def files(client: AsyncClient, draw: dict[str, Any]) -> dict[str, bytes]:
    return {
        name: (await client.get(f"/office/draws/{draw['id']}/files/{name}")).content
        for name in draw["files"]
    }


# -- sources ---------------------------------------------------------------------------------------


async def test_a_round_is_announced_ahead_and_opens_the_draw_when_it_has_come(
    office: Office, clock: Clock
) -> None:
    at = QUICKNET.time_of(ROUND["round"])
    clock.at = at - timedelta(minutes=10)
    supervisor, draw = await committed(office, drand=[{"at": at.isoformat()}])

    given = {"digits": {ROUND["id"]: ROUND["value"]}, "proofs": {ROUND["id"]: ROUND["proof"]}}
    early = await hold(supervisor, draw["id"], **given)
    clock.at = at
    unproved = await hold(supervisor, draw["id"], digits=given["digits"])
    forged = {"signature": ROUND["proof"]["signature"][:-1] + "0"}
    wrong = await hold(supervisor, draw["id"], **given | {"proofs": {ROUND["id"]: forged}})
    held = await hold(supervisor, draw["id"], **given)

    assert list(draw["sources"]) == [ROUND["id"]]
    assert (draw["public_bits"], draw["total_bits"], draw["verifiable"]) == (256, 256, True)
    assert datetime.fromisoformat(draw["ready_at"]) == at
    assert refusal(early) == (409, "draw.too-early")
    assert refusal(unproved) == refusal(wrong) == (400, "draw.proof-wrong")
    assert held.status_code == 200, held.text
    steps = verify(await files(supervisor, held.json()))
    assert all(step.ok for step in steps)
    assert any("signed by drand" in step.en for step in steps)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({}, "draw.seed-too-short"),
        ({"drand": [{"at": "2026-03-02T09:09:00+08:00"}]}, "draw.source-too-soon"),
        ({"drand": [{"at": "2026-03-02T12:00:00+08:00", "chain": "x"}]}, "draw.source-unknown"),
        ({"nist": [{"at": "2026-03-02T12:00:00+08:00"}]}, "draw.seed-too-short"),
        ({"nist": [{"at": "2026-03-02T12:00:30+08:00"}]}, "draw.source-unknown"),
        (
            {"lotteries": [{"game": "kl8", "issue": "2026055", "on": "2026-03-05"}]},
            "draw.seed-too-short",
        ),
        (
            {"lotteries": [{"game": "kl8", "issue": "2026955", "on": "2026-03-05"}]},
            "draw.source-unknown",
        ),
        (
            {"lotteries": [{"game": "kl8", "issue": "2026050", "on": "2026-03-01"}]},
            "draw.seed-too-short",
        ),
        (
            {
                "lotteries": [{"game": "kl8", "issue": "2026050", "on": "2026-03-01"}],
                "dice": [{"ceremony": "hall-1"}],
            },
            "draw.source-too-soon",
        ),
        ({"drand": [{"at": "2026-03-31T12:00:00+08:00"}]}, "draw.too-late"),
    ],
)
async def test_a_source_that_could_be_known_or_tried_is_refused(
    office: Office, order: dict[str, Any], code: str
) -> None:
    _, answer = await commit(office, **order)

    assert refusal(answer) == (400, code), answer.text


async def test_a_lottery_and_dice_together_are_enough_and_wait_for_the_evening(
    office: Office, clock: Clock
) -> None:
    lottery = KEPT["lotteries"][0]
    supervisor, draw = await committed(
        office,
        lotteries=[{"game": "kl8", "issue": "2026054", "on": "2026-03-04"}],
        dice=[{"ceremony": "hall-1", "sides": 6, "rolls": 3}],
    )
    other = await second(office)

    early = await type_in(other, draw["id"], lottery["value"], "kl8:2026054")
    clock.at = NOW.replace(day=5)  # the log-ins of that morning are over
    supervisor = await office.officer("supervisor", DIVISION)
    for client in (await second(office), supervisor):
        await type_in(client, draw["id"], lottery["value"], "kl8:2026054")
        await type_in(client, draw["id"], "166")
    held = await hold(supervisor, draw["id"])

    assert refusal(early) == (409, "draw.too-early")
    assert held.status_code == 200, held.text
    said = next(s for s in verify(await files(supervisor, held.json())) if s.name == "sources")
    assert said.ok
    assert "issue 2026054" in said.en


async def test_a_draw_by_the_server_alone_says_so_everywhere(
    office: Office, server: AsyncClient
) -> None:
    supervisor, draw = await committed(office, local="the valley has no network")

    held = await hold(supervisor, draw["id"])
    listed = (await server.get("/public/draws")).json()
    steps = {s.name: s for s in verify(await files(supervisor, held.json()))}

    assert draw["verifiable"] is held.json()["verifiable"] is listed[0]["verifiable"] is False
    assert "UNVERIFIABLE" in draw["sources"]["local"]
    assert steps["sources"].ok is None
    assert "the valley has no network" in steps["sources"].en


# -- typed by two ----------------------------------------------------------------------------------


async def test_what_was_rolled_stands_when_two_officers_typed_it_alike(office: Office) -> None:
    supervisor, draw = await committed(office, dice=[{"ceremony": "hall-1"}])
    other = await second(office)

    alone = await type_in(other, draw["id"], DIGITS)
    again = await type_in(other, draw["id"], DIGITS)
    agreed = await type_in(supervisor, draw["id"], DIGITS)
    after = await type_in(other, draw["id"], DIGITS)
    different = await hold(supervisor, draw["id"], digits={HALL: DIGITS[::-1]})
    held = await hold(supervisor, draw["id"])

    assert alone.json()["typed"] == again.json()["typed"] == {HALL: "one"}
    assert DIGITS not in alone.text
    assert agreed.json()["typed"] == {HALL: "settled"}
    assert refusal(after) == (409, "draw.typing-settled")
    assert refusal(different) == (400, "draw.digits-differ")
    assert held.status_code == 200, held.text
    async with db.transaction(office.engine, write=False) as session:
        acts = list(
            await session.exec(
                select(Act.details).where(Act.verb == "draw.type").order_by(col(Act.n))
            )
        )
    assert ['"state":"one"' in act for act in acts] == [True, True, False]
    assert not any(DIGITS in act for act in acts)


async def test_of_two_that_differ_neither_is_used_until_a_third_agrees_with_one(
    office: Office,
) -> None:
    supervisor, draw = await committed(office, dice=[{"ceremony": "hall-1"}])
    other, third = await second(office), await second(office)
    wrong = DIGITS[:-1] + "0"

    await type_in(other, draw["id"], wrong)
    differs = await hold(supervisor, draw["id"], digits={HALL: DIGITS})
    without = await hold(supervisor, draw["id"])
    agreed = await type_in(third, draw["id"], DIGITS)
    held = await hold(supervisor, draw["id"])

    assert refusal(differs) == (400, "draw.digits-differ")
    assert refusal(without) == (400, "draw.randomness-incomplete")
    assert agreed.json()["typed"] == {HALL: "settled"}
    assert json.loads((await files(supervisor, held.json()))["randomness.json"])["sources"] == {
        HALL: {"value": DIGITS}
    }
    async with db.transaction(office.engine, write=False) as session:
        values = list(await session.exec(select(Typing.value).order_by(col(Typing.n))))
    assert values == [wrong, DIGITS, DIGITS]


async def test_one_officer_alone_types_no_value(office: Office) -> None:
    supervisor, draw = await committed(office, dice=[{"ceremony": "hall-1"}])

    first = await hold(supervisor, draw["id"], digits={HALL: DIGITS})
    again = await hold(supervisor, draw["id"], digits={HALL: DIGITS})
    other = await type_in(await second(office), draw["id"], "31")
    unknown = await type_in(supervisor, draw["id"], DIGITS, "dice:hall-2")

    assert refusal(first) == refusal(again) == (409, "draw.typed-by-one")
    assert refusal(other) == (400, "draw.digits-wrong")
    assert refusal(unknown) == (400, "draw.source-unknown")


# -- sealed ----------------------------------------------------------------------------------------


async def sealed_and_held(office: Office) -> tuple[AsyncClient, AsyncClient, dict[str, Any]]:
    supervisor, draw = await committed(office, **SEALED)
    other = await second(office)
    await type_in(other, draw["id"], DIGITS)
    held = await hold(supervisor, draw["id"], digits={HALL: DIGITS}, nonces=NONCES)
    assert held.status_code == 200, held.text
    return supervisor, other, held.json()


async def test_of_a_sealed_draw_the_hash_is_public_at_once_and_the_content_when_due(
    office: Office, server: AsyncClient, clock: Clock
) -> None:
    supervisor, _, draw = await sealed_and_held(office)
    inside = await files(supervisor, draw)
    place = f"/public/draws/{draw['id']}"

    (shown,) = (await server.get("/public/draws")).json()
    closed = {name: (await server.get(f"{place}/{name}")).status_code for name in inside}
    clock.at = datetime.fromisoformat(UNTIL)
    (opened,) = (await server.get("/public/draws")).json()
    outside = {
        name: (await server.get(f"{place}/{name}")).content for name in inside.keys() - AUDITOR_ONLY
    }

    assert (shown["content"], shown["files"]) == (
        "sealed", ["MANIFEST.sha256", "MANIFEST.sig", "commit.json"],
    )  # fmt: skip
    assert datetime.fromisoformat(shown["sealed_until"]) == datetime.fromisoformat(UNTIL)
    assert {name for name, status in closed.items() if status == 200} == set(shown["files"])
    assert {status for name, status in closed.items() if name not in AUDITOR_ONLY} == {200, 403}
    assert opened["content"] == "open"
    assert opened["bundle_sha256"] == shown["bundle_sha256"] == draw["bundle_sha256"]
    steps = verify(outside, public=True)
    assert not any(step.ok is False for step in steps)
    assert json.loads(outside["task.json"])["mode"] == "sealed"
    assert json.loads(outside["task.json"])["sealed_until"] == UNTIL


async def test_a_sealed_draw_is_opened_early_by_two_officers_when_its_visits_are_over(
    office: Office, server: AsyncClient
) -> None:
    supervisor, other, draw = await sealed_and_held(office)
    unseal = f"/office/draws/{draw['id']}/unseal"

    visiting = await supervisor.post(unseal)
    async with db.transaction(office.engine) as session:
        for task in (await session.exec(select(Task.id))).all():
            session.add(
                Inspection(id=task, operations=2, digest="0" * 64, signed=True, updated_at=NOW)
            )
    asked = await supervisor.post(unseal)
    alone = await supervisor.post(unseal)
    hidden = await server.get(f"/public/draws/{draw['id']}/selection.tsv")
    agreed = await other.post(unseal)
    public = await server.get(f"/public/draws/{draw['id']}/selection.tsv")
    again = await other.post(unseal)

    assert refusal(visiting) == (409, "draw.visits-open")
    assert asked.json()["unsealed_at"] is None
    assert refusal(alone) == (403, "draw.unseal-second-officer")
    assert refusal(hidden) == (403, "draw.sealed")
    assert agreed.json()["unsealed_at"] is not None
    assert public.status_code == 200
    assert refusal(again) == (409, "draw.not-sealed")
    async with db.transaction(office.engine, write=False) as session:
        verbs = list(await session.exec(select(Act.verb).order_by(col(Act.n))))
    assert verbs[-2:] == ["draw.unseal-ask", "draw.unseal"]


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce_commits": {}},
        {"nonce_commits": {"notary": COMMITS["notary"]}},
        {"sealed_until": "2026-03-02T09:00:00+08:00"},
        {"sealed_until": "2027-01-01T00:00:00+08:00"},
    ],
)
async def test_a_seal_needs_two_bodies_and_a_date_to_open(
    office: Office, changes: dict[str, Any]
) -> None:
    _, answer = await commit(office, **SEALED | changes)

    assert refusal(answer) == (400, "draw.seal-wrong")


async def test_a_sealed_draw_is_not_opened_before_it_is_held(office: Office) -> None:
    supervisor, draw = await committed(office, **SEALED)

    answer = await supervisor.post(f"/office/draws/{draw['id']}/unseal")

    assert refusal(answer) == (409, "draw.not-held")


# -- void ------------------------------------------------------------------------------------------


async def test_a_void_draw_stays_beside_what_replaced_it_with_its_reason(
    office: Office, server: AsyncClient
) -> None:
    supervisor, draw = await committed(office, dice=[{"ceremony": "hall-1"}])
    colleague = await office.officer("supervisor", DIVISION)
    reason = {"reason": "the notary would not reveal"}

    await colleague.post(f"/office/draws/{draw['id']}/void", json=reason)
    typed = await type_in(colleague, draw["id"], DIGITS)
    again = await supervisor.post(
        f"/office/plans/{draw['plan_id']}/draws", json={"dice": [{"ceremony": "hall-2"}]}
    )
    first, new = (await server.get("/public/draws")).json()

    assert refusal(typed) == (409, "draw.void")
    assert again.status_code == 201
    assert (first["status"], first["void_reason"]) == ("void", reason["reason"])
    assert (new["status"], new["void_reason"]) == ("committed", None)
    assert first["plan_id"] == new["plan_id"]
    async with db.transaction(office.engine, write=False) as session:
        assert len((await session.exec(select(Draw))).all()) == 2
