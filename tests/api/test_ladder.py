"""派员: how a plan says it is staffed, what gives way, and that a stranger can check both."""

import json
from datetime import date
from typing import Any

import pytest
from conftest import NOW, Office
from httpx import AsyncClient
from plans import committed, files_of, hold, planned, refusal, registers
from sqlmodel import select

from backend import db
from backend.rules.verification import Step, verify
from backend.tables import Establishment, Inspector, Leave, Recusal


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    """Log in an officer of the division that has the registers."""
    await registers(office)
    return await office.officer("supervisor", "310101")


def assignment_step(files: dict[str, bytes]) -> Step:
    return next(step for step in verify(files) if step.name == "assignment")


def standing_of(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files["pairing.json"])
    return found


async def all_but_one_recused(office: Office) -> None:
    async with db.transaction(office.engine) as session:
        sites = (await session.exec(select(Establishment))).all()
        inspectors = (await session.exec(select(Inspector.certificate))).all()
        known = {(r.code, r.certificate) for r in await session.exec(select(Recusal))}
        session.add_all(
            Recusal(code=site.code, certificate=one, reason="r", revision_id=site.revision_id)
            for site in sites
            for one in inspectors
            if one != "沪A0002" and (site.code, one) not in known
        )


async def give(office: Office, **fields: object) -> None:
    """Change every inspector."""
    async with db.transaction(office.engine) as session:
        for one in await session.exec(select(Inspector)):
            for name, value in fields.items():
                setattr(one, name, value)
            session.add(one)


async def test_a_declared_step_is_taken_recorded_and_proved(
    office: Office, supervisor: AsyncClient
) -> None:
    await give(office, districts="310101001,310101002")  # so nobody may go anywhere
    scheme = {"staffing": {"districts": "other"}, "relaxations": ["cap+1", "any-district"]}
    draw_id = await committed(supervisor, await planned(supervisor, scheme=scheme))

    held = await hold(office, supervisor, draw_id)
    files = await files_of(office, draw_id)

    assert held.json()["status"] == "drawn", held.text
    assert standing_of(files)["relaxed"] == ["cap+1", "any-district"]
    assert [rung["causes"] for rung in standing_of(files)["failed"]] == [["district"]] * 2
    assert json.loads(files["task.json"])["relaxations"] == ["cap+1", "any-district"]
    step = assignment_step(files)
    assert step.ok, step.en
    assert "cap+1, any-district" in step.en
    assert "让步" in step.zh


async def test_the_step_in_a_bundle_cannot_be_changed(
    office: Office, supervisor: AsyncClient
) -> None:
    await give(office, districts="310101001,310101002")
    scheme = {"staffing": {"districts": "other"}, "relaxations": ["any-district"]}
    draw_id = await committed(supervisor, await planned(supervisor, scheme=scheme))
    await hold(office, supervisor, draw_id)
    files = await files_of(office, draw_id)

    other = files["pairing.json"].replace(b'"relaxed":["any-district"]', b'"relaxed":[]')
    changed = assignment_step(files | {"pairing.json": other})
    absent = assignment_step({n: body for n, body in files.items() if n != "pairing.json"})

    assert other != files["pairing.json"]
    assert (changed.ok, absent.ok) == (False, False)
    assert "pairing.json" in changed.en


async def test_recusals_never_give_way_and_the_rule_is_named_in_both_languages(
    office: Office, supervisor: AsyncClient
) -> None:
    await all_but_one_recused(office)
    steps = {"relaxations": ["last-visit", "any-district", "cap+9"]}
    draw_id = await committed(supervisor, await planned(supervisor, scheme=steps))

    answer = await hold(office, supervisor, draw_id)

    assert refusal(answer) == (409, "pairing.infeasible")
    details = answer.json()["details"]
    assert details["rules"] == "recusal"
    assert details["relaxed"] == "last-visit, any-district, cap+9"
    assert "nobody had to stay away" in details["en"]
    assert "无人需要回避" in details["zh"]


async def test_who_was_there_the_last_time_stays_away_where_the_plan_says_so(
    office: Office, supervisor: AsyncClient
) -> None:
    first = await committed(supervisor, await planned(supervisor, minimum=9))
    await give(office, cap=20)
    await hold(office, supervisor, first)
    later = {"opens_on": "2026-04-01", "closes_on": "2026-04-30", "rate": [1, 1]}
    scheme = {"staffing": {"last_visit": True, "even": 1}}
    await give(office, cap=40, valid_to=date(2027, 1, 1))

    second = await committed(supervisor, await planned(supervisor, scheme=scheme, **later))
    held = await hold(office, supervisor, second)

    assert held.json()["status"] == "drawn", held.text
    one, two = await files_of(office, first), await files_of(office, second)
    before = {tuple(row.split("\t")[:3:2]) for row in one["assignment.tsv"].decode().splitlines()}
    before = {(group.split("/")[1], who) for group, who in before}
    after = {tuple(row.split("\t")[:3:2]) for row in two["assignment.tsv"].decode().splitlines()}
    after = {(group.split("/")[1], who) for group, who in after}
    told = {tuple(row.split("\t")) for row in two["recusal.tsv"].decode().splitlines()}
    assert {(code, who) for code, who, reason in told if reason == "R02"} == before
    assert before
    assert not before & after
    assert standing_of(two)["most"] <= standing_of(two)["level"] + 1
    assert assignment_step(two).ok


async def test_leave_takes_seats_away_and_experts_sit_only_where_they_are_asked_for(
    office: Office, supervisor: AsyncClient
) -> None:
    async with db.transaction(office.engine) as session:
        inspectors = (await session.exec(select(Inspector).order_by(Inspector.certificate))).all()
        inspectors[2].expert = True
        session.add(inspectors[2])
        for one, first, last in (
            (inspectors[0], date(2026, 3, 1), date(2026, 12, 31)),  # all the time
            (inspectors[1], date(2026, 3, 9), date(2026, 3, 16)),  # a third of it
        ):
            session.add(
                Leave(
                    certificate=one.certificate, first_day=first, last_day=last, reason="",
                    revision_id=one.revision_id,
                )
            )  # fmt: skip
    seats = [{"name": "1主办"}, {"name": "2协办"}, {"name": "3专家", "expert": True}]
    plan = await planned(supervisor, scheme={"seats": seats}, minimum=2, rate=[1, 100])

    draw_id = await committed(supervisor, plan)
    held = await hold(office, supervisor, draw_id)

    assert held.json()["status"] == "drawn", held.text
    files = await files_of(office, draw_id)
    roster = [line.split("\t") for line in files["roster.tsv"].decode().splitlines()]
    assert [(row[4], row[7]) for row in roster[:4]] == [
        ("0", "leave"), ("1", "active"), ("3", "expert"), ("3", "active"),
    ]  # fmt: skip
    taken = [line.split("\t")[1:3] for line in files["assignment.tsv"].decode().splitlines()]
    assert {who for seat, who in taken if seat == "3专家"} == {"沪A0003"}
    assert "沪A0003" not in {who for seat, who in taken if seat != "3专家"}
    assert "沪A0001" not in {who for _, who in taken}


@pytest.mark.parametrize("step", ["recusal", "qualification", "certificate", "cap+0", "cap+", ""])
async def test_what_makes_an_inspection_lawful_cannot_be_declared_to_give_way(
    supervisor: AsyncClient, step: str
) -> None:
    answer = await supervisor.post(
        "/office/plans",
        json={
            "title": "t", "division": "310101", "checklists": {"*": "cold-store"},
            "opens_on": NOW.date().isoformat(), "closes_on": "2026-12-31", "rate": [3, 100],
            "scheme": {"relaxations": [step]},
        },
    )  # fmt: skip

    assert answer.status_code == 400
