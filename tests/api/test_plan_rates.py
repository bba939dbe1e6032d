"""Rates by risk class and by credit class, and an upper rate beside a lower one."""

import json
from collections import Counter
from typing import Any

import pytest
from conftest import Office
from httpx import AsyncClient
from plans import PLAN, committed, files_of, hold, planned, refusal, registers
from sqlmodel import col, select

from backend import db
from backend.rules.verification import verify
from backend.tables import Establishment, Inspector

CLASSES = ("A", "B", "C", "D", "")


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    """Log in an officer; of every five establishments one has no credit class (信用风险分类)."""
    await registers(office)
    async with db.transaction(office.engine) as session:
        for n, one in enumerate(await session.exec(select(Establishment))):
            one.credit_class, one.risk = CLASSES[n % 5], "ABCD"[n % 4]
            session.add(one)
        for inspector in await session.exec(select(Inspector)):
            inspector.cap = 40
            session.add(inspector)
    return await office.officer("supervisor", "310101")


async def classes_of(office: Office) -> dict[str, tuple[str, str]]:
    query = select(Establishment.code, Establishment.risk, Establishment.credit_class)
    async with db.transaction(office.engine, write=False) as session:
        rows = await session.exec(query.order_by(col(Establishment.code)))
        return {code: (risk, known or "none") for code, risk, known in rows}


def lots(files: dict[str, bytes]) -> list[list[str]]:
    rows = [line.split("\t") for line in files["selection.tsv"].decode().splitlines()]
    return [row for row in rows if row[4] == "P"]


async def test_rates_differ_by_risk_class_and_by_credit_class(
    office: Office, supervisor: AsyncClient
) -> None:
    scheme = {
        "strata": ["risk", "credit_class"],
        "quotas": [
            {"where": {"credit_class": ["D"]}, "rate": [1, 1]},  # whatever the risk
            {"where": {"risk": ["D"], "credit_class": ["B", "C", "none"]}, "rate": [1, 2]},
            {"where": {"credit_class": ["A"]}, "rate": [0, 1]},
        ],
    }
    plan = await planned(supervisor, scheme=scheme, minimum=0, rate=[1, 10])
    preview = (await supervisor.get(f"/office/plans/{plan}")).json()["preview"]

    draw_id = await committed(supervisor, plan)
    held = await hold(office, supervisor, draw_id)
    files, known = await files_of(office, draw_id), await classes_of(office)

    assert held.status_code == 200, held.text
    drawn = Counter(lot[0] for lot in lots(files))
    for one in preview:
        risk, credit = one["stratum"].split("/")
        share = 10 if credit == "D" else 0 if credit == "A" else 5 if risk == "D" else 1
        assert drawn[one["stratum"]] == one["most"] == -(-one["eligible"] * share // 10), one
    assert all("/".join(known[lot[2]]) == lot[0] for lot in lots(files))
    assert {name.split("/")[1] for name in drawn} == {"B", "C", "D", "none"}
    assert json.loads(files["task.json"])["columns"] == ["credit_class", "evidence"]
    assert all(step.ok for step in verify(files)), verify(files)


async def test_a_directed_plan_takes_some_credit_classes(
    office: Office, supervisor: AsyncClient
) -> None:
    scheme = {"scope": {"credit_classes": ["D", "none"]}}
    plan = await planned(supervisor, scheme=scheme)

    draw_id = await committed(supervisor, plan)
    await hold(office, supervisor, draw_id)
    files, known = await files_of(office, draw_id), await classes_of(office)

    shown = (await supervisor.get(f"/office/plans/{plan}")).json()
    assert {known[lot[2]][1] for lot in lots(files)} <= {"D", "none"}
    assert shown["directed"]
    excluded = shown["preview"][0]["excluded"]
    wanted = sum(credit in ("D", "none") for _, credit in known.values())
    assert excluded["X06-not-of-credit-class"] + shown["eligible"] > 50 - wanted
    assert all(step.ok for step in verify(files)), verify(files)


# -- both bounds -----------------------------------------------------------------------------------


def bounded(upper: list[int], **more: Any) -> dict[str, Any]:
    return {"strata": ["credit_class"], "at_most": upper} | more


async def test_a_lower_and_an_upper_rate_that_agree_are_drawn_and_proved(
    office: Office, supervisor: AsyncClient
) -> None:
    plan = await planned(supervisor, scheme=bounded([1, 5]), rate=[1, 10], minimum=1)

    draw_id = await committed(supervisor, plan)
    await hold(office, supervisor, draw_id)
    files = await files_of(office, draw_id)

    task = json.loads(files["task.json"])
    assert (task["rate"], task["at_most"]) == ([1, 10], [1, 5])
    assert all(step.ok for step in verify(files)), verify(files)


@pytest.mark.parametrize(
    ("upper", "changes", "details"),
    [
        (
            [15, 100],
            {"rate": [14, 100], "minimum": 0},
            (2, 1),
        ),  # of seven or eight: 2 at least, 1 at most
        ([1, 5], {"rate": [1, 10], "minimum": 3}, (3, 1)),
    ],
)
async def test_bounds_that_cross_are_refused_with_the_stratum_and_the_figures(
    supervisor: AsyncClient, upper: list[int], changes: dict[str, Any], details: tuple[int, int]
) -> None:
    plan = PLAN | changes | {"scheme": bounded(upper)}

    answer = await supervisor.post("/office/plans", json=plan)

    assert refusal(answer) == (400, "plan.bounds-cross"), answer.text
    told = answer.json()["details"]
    assert (told["least"], told["most"]) == details
    assert told["stratum"] in ("A", "B", "C", "D", "none")


async def test_one_lot_is_never_too_many(supervisor: AsyncClient) -> None:
    plan = PLAN | {"rate": [1, 100], "minimum": 0, "scheme": bounded([2, 100])}

    answer = await supervisor.post("/office/plans", json=plan)

    assert answer.status_code == 201, answer.text  # of seven: 0.07 to 0.14, and so one
    assert {one["most"] for one in answer.json()["preview"]} == {1}


async def test_a_quota_has_an_upper_rate_of_its_own(supervisor: AsyncClient) -> None:
    tight = {"where": {"credit_class": ["D"]}, "rate": [1, 2], "at_most": [1, 2]}
    free = {"where": {"credit_class": ["D"]}, "count": 7}
    plan = PLAN | {"rate": [1, 10], "minimum": 0}

    refused = await supervisor.post(
        "/office/plans", json=plan | {"scheme": bounded([1, 5], quotas=[tight])}
    )
    taken = await supervisor.post(
        "/office/plans", json=plan | {"scheme": bounded([1, 5], quotas=[free])}
    )

    assert refusal(refused) == (400, "plan.bounds-cross"), refused.text
    assert refused.json()["details"]["stratum"] == "D"
    assert taken.status_code == 201, taken.text


@pytest.mark.parametrize(
    ("scheme", "field"),
    [
        ({"at_most": [3, 2]}, "at_most"),
        ({"at_most": [1, 2], "rounding": "floor"}, "at_most"),
        ({"quotas": [{"where": {}, "rate": [1, 2], "at_most": [2, 1]}]}, "quotas[0].at_most"),
    ],
)
async def test_an_upper_rate_stands_beside_a_lower_one(
    supervisor: AsyncClient, scheme: dict[str, Any], field: str
) -> None:
    answer = await supervisor.post("/office/plans", json=PLAN | {"scheme": scheme})

    assert refusal(answer) == (400, "plan.scheme-wrong")
    assert answer.json()["details"]["field"] == field
