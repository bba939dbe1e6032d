"""One visit of two departments: who may record what, what is sealed, and what the office sees."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from conftest import NOW, Clock, Office
from followed import tick
from httpx import AsyncClient
from msgspec.structs import replace
from phones import Phone, enrolled
from rows import put, revision
from simulation.app_hub import AppHub
from sqlmodel import col, select

from backend import db
from backend.rules import site
from backend.tables import Checklist as ChecklistRow
from backend.tables import Entry, Establishment, Inspector, Seat, Task
from backend.tables import Inspection as Projection
from sync import checklist
from sync.ops import Answer
from sync.refusals import Reason, Refused

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checklists"
COLD = checklist.parse((FIXTURES / "cold_store.toml").read_bytes())
FIRE = checklist.parse(
    (FIXTURES / "cold_store.toml").read_bytes().replace(COLD.code.encode(), b"fire-safety")
)
BY_ITEMS = [replace(one, recheck="must") for one in (COLD, FIRE)]
DIVISION = "310101"
DIGITS = {"dice:hall": "31415926535897932384"}


def released(form: checklist.Checklist) -> ChecklistRow:
    return ChecklistRow(
        digest=checklist.digest(form), code=form.code, version=form.version,
        title_en=form.title.en, title_zh=form.title.zh,
        body=checklist.canonical(form).decode(), released_at=NOW,
    )  # fmt: skip


async def asked(client: Any, path: str, body: object) -> Any:
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def forms() -> tuple[checklist.Checklist, checklist.Checklist]:
    return COLD, FIRE


@pytest.fixture
async def task(office: Office, forms: tuple[checklist.Checklist, checklist.Checklist]) -> str:
    """A cold store that the market and the fire department visit together; name the visit."""
    known = revision("establishments")
    site = Establishment(
        code="913101010000000001", name="第一冷库", category="cold-store", division=DIVISION,
        revision_id=known.id,
    )  # fmt: skip
    people = [
        Inspector(
            certificate=f"{name}{n}", name=f"{name}{n}", department=name, division=DIVISION,
            valid_from=date(2024, 1, 1), valid_to=date(2028, 1, 1), revision_id=known.id,
        )
        for name in ("市监", "消防")
        for n in (1, 2)
    ]  # fmt: skip
    await put(office, known, *map(released, forms), site, *people)
    client = await office.officer("supervisor", DIVISION)
    partner = {"department": "消防", "checklists": {"*": FIRE.code}}
    plan = await asked(client, "/office/plans", {
        "title": "冷库联合抽查", "division": DIVISION, "checklists": {"*": COLD.code},
        "opens_on": "2026-03-02", "closes_on": "2026-03-31", "rate": [1, 1],
        "scheme": {"department": "市监", "partners": [partner]},
    })  # fmt: skip
    order = {"dice": [{"ceremony": "hall"}]}
    draw = await asked(client, f"/office/plans/{plan['id']}/draws", order)
    second = await office.officer("supervisor", DIVISION)
    for source, value in DIGITS.items():
        typed = {"source": source, "value": value}
        await asked(second, f"/office/draws/{draw['id']}/typings", typed)
    await asked(client, f"/office/draws/{draw['id']}/hold", {"digits": DIGITS})
    await asked(client, f"/office/plans/{plan['id']}/dispatch", None)
    tasks = (await client.get(f"/office/plans/{plan['id']}/tasks")).json()
    return str(tasks[0]["id"])


async def phones(office: Office, task: str) -> tuple[Phone, Phone, Phone, Phone]:
    """Enrol a device for lead and second, then for both of the partner."""
    hub = AppHub(office)
    hub.client = await office.client()
    async with db.transaction(office.engine, write=False) as session:
        row = await session.get_one(Task, task)
        seats = select(Seat.inspector_id).where(Seat.task_id == task, Seat.department == "消防")
        partners = sorted(await session.exec(seats))
    who = (row.lead_id, row.second_id, *partners)
    lead, second, third, fourth = [await enrolled(hub, one) for one in who]
    return lead, second, third, fourth


def everything(form: checklist.Checklist, *, partner: bool = False) -> dict[str, Answer]:
    return {
        checklist.named(form, item.ref) if partner else item.ref: Answer(
            "pass" if item.kind == "verdict" else item.maximum or item.minimum or "0"
        )
        for item in form.items
    }


async def test_a_visit_of_two_departments_is_recorded_signed_and_concluded(
    office: Office, task: str
) -> None:
    lead, second, partner, other = await phones(office, task)
    fire = checklist.named(FIRE, "2.4")
    lead.replica.answer(task, everything(COLD))
    partner.replica.answer(task, everything(FIRE, partner=True) | {fire: Answer("fail")})
    partner.replica.find(task, "疏散通道堵塞", basis="消防法 第二十八条", item=fire)
    for one in (lead, partner, second, other):
        await one.sync()
    await lead.sync()
    partner.replica.sign(task, "member")
    other.replica.sign(task, "member")
    for one in (partner, other):
        await one.sync()
    between = other.replica.inspection(task)
    lead.replica.sign(task, "lead")
    second.replica.sign(task, "second")
    for one in (lead, second, lead):
        await one.sync()

    supervisor = await office.officer("supervisor", DIVISION)
    seen = (await supervisor.get(f"/office/inspections/{task}")).json()
    done = await asked(supervisor, f"/office/inspections/{task}/conclusion", {})
    reviewed = (await supervisor.get(f"/office/inspections/{task}")).json()
    async with db.transaction(office.engine, write=False) as session:
        verdicts = set(await session.exec(select(Entry.verdict)))
        kept = await session.get_one(Projection, task)
    assert verdicts == {"ok"}
    assert (kept.signed, kept.late, kept.conflicts) == (True, 0, 0)
    assert not between.signed  # two partners are no lead and second
    values = {one["ref"]: one["value"] for one in seen["items"]}
    assert (values["2.4"], values[fire]) == ("pass", "fail")
    assert len(values) == 2 * sum(1 for _ in COLD.items)
    assert sorted(one["role"] for one in seen["signatures"]) == [
        "lead", "member", "member", "second",
    ]  # fmt: skip
    assert [one["item"] for one in seen["findings"]] == [fire]
    assert (done["verdict"]["outcome"], done["verdict"]["failed"]) == ("conform", [])
    assert reviewed["stage"] == "concluded"
    [part] = done["parts"]
    assert part["departments"] == ["消防"]
    assert (part["verdict"]["outcome"], part["verdict"]["failed"]) == ("basic", [fire])
    assert (done["order"]["items"], done["order"]["working_days"]) == ([fire], 10)
    assert done["conclusion"]["result"] == "ordered"


async def signed(office: Office, task: str, theirs: dict[str, Answer]) -> None:
    """Record a visit on which the lead's list is passed and the partner answers this, and sign."""
    lead, second, partner, _ = await phones(office, task)
    lead.replica.answer(task, everything(COLD))
    partner.replica.answer(task, theirs)
    for one in (lead, partner, second, lead):
        await one.sync()
    lead.replica.sign(task, "lead")
    second.replica.sign(task, "second")
    for one in (lead, second):
        await one.sync()


async def test_what_a_partner_ordered_is_rechecked_by_the_partner(
    office: Office, task: str, clock: Clock
) -> None:
    crew = await phones(office, task)
    fire = checklist.named(FIRE, "2.4")
    await concluded(office, crew, task, {fire: Answer("fail")})
    clock.advance(days=30)

    made = await tick(office)
    for one in crew:
        await one.sync()
    (again,) = made.rechecks
    told = msgspec.json.decode(crew[2].replica.task(again).body)
    done = await concluded(office, crew, again, {})
    supervisor = await office.officer("supervisor", DIVISION)
    order = (await supervisor.get(f"/office/orders/{task}")).json()
    quiet = await tick(office)

    assert (told["origin"], told["must"], told["follows"]) == ("recheck", [fire], task)
    assert [one["department"] for one in told["seats"]].count("消防") == 2
    assert [one["departments"] for one in done["parts"]] == [["消防"]]
    assert [(one["item"], one["status"]) for one in order["remedies"]] == [(fire, "closed")]
    assert quiet.rechecks == ()


@pytest.mark.parametrize(
    ("forms", "asks"),
    [
        ((BY_ITEMS[0], BY_ITEMS[1]), "must"),
        ((COLD, BY_ITEMS[1]), "whole"),
        ((BY_ITEMS[0], FIRE), "whole"),
    ],
)
async def test_a_recheck_asks_less_if_every_department_has_it_so(
    office: Office,
    task: str,
    clock: Clock,
    forms: tuple[checklist.Checklist, checklist.Checklist],
    asks: str,
) -> None:
    crew = await phones(office, task)
    fire = checklist.named(FIRE, "2.4")
    await concluded(office, crew, task, {fire: Answer("fail")})
    clock.advance(days=30)
    (again,) = (await tick(office)).rechecks
    for one in crew:
        await one.sync()
    told = msgspec.json.decode(crew[2].replica.task(again).body)
    bad = {fire: Answer("fail")}
    done = await concluded(office, crew, again, bad, everything_else=asks == "whole")

    assert (told["asks"], told["must"]) == (asks, [fire])
    [part] = done["parts"]
    assert (part["verdict"]["failed"], done["order"]["items"]) == ([fire], [fire])
    if asks == "whole":
        assert (done["verdict"]["outcome"], part["verdict"]["outcome"]) == ("conform", "basic")
    else:
        assert done["verdict"]["outcome"] == part["verdict"]["outcome"] == "not-remedied"
        assert done["conclusion"]["outcome"] == "not-remedied"
        assert done["verdict"]["unremedied"] == part["verdict"]["unremedied"] == [fire]


async def concluded(
    office: Office,
    crew: Sequence[Phone],
    task: str,
    failed: dict[str, Answer],
    *,
    everything_else: bool = True,
) -> Any:
    """Have all four record and sign, and the office conclude."""
    lead, second, partner, other = crew
    if everything_else:
        lead.replica.answer(task, everything(COLD))
        failed = everything(FIRE, partner=True) | failed
    partner.replica.answer(task, failed)
    for one in (lead, partner, *crew):
        await one.sync()
    for one, role in ((partner, "member"), (other, "member"), (lead, "lead"), (second, "second")):
        one.replica.sign(task, role)
        for each in crew:
            await each.sync()
    supervisor = await office.officer("supervisor", DIVISION)
    return await asked(supervisor, f"/office/inspections/{task}/conclusion", {})


@pytest.mark.parametrize(
    ("ref", "answers", "code", "named"),
    [
        ("2.4", {}, "verdict.incomplete", "unanswered"),
        ("1.1", {"1.1": Answer("fail")}, "inspection.evidence-required", "items"),
    ],
)
async def test_no_visit_is_concluded_before_every_department_has_judged(
    office: Office, task: str, ref: str, answers: dict[str, Answer], code: str, named: str
) -> None:
    name = checklist.named(FIRE, ref)
    rest = {one: given for one, given in everything(FIRE, partner=True).items() if one != name}
    await signed(office, task, rest | {checklist.named(FIRE, at): v for at, v in answers.items()})
    supervisor = await office.officer("supervisor", DIVISION)

    refused = (await supervisor.post(f"/office/inspections/{task}/conclusion", json={})).json()

    assert (refused["code"], refused["details"][named]) == (code, name)


async def test_the_result_of_every_department_is_published(
    office: Office, task: str, server: AsyncClient
) -> None:
    fire = checklist.named(FIRE, "2.4")
    await signed(office, task, everything(FIRE, partner=True) | {fire: Answer("fail")})
    supervisor = await office.officer("supervisor", DIVISION)
    reviewer = await office.officer("reviewer", DIVISION)

    await asked(supervisor, f"/office/inspections/{task}/conclusion", {})
    await asked(reviewer, f"/office/inspections/{task}/review", {"approve": True})
    done = await asked(reviewer, "/office/publications", None)
    result = (await server.get(f"/public/results/{task}")).json()
    packed = (await reviewer.get("/office/publications/site.zip")).content

    assert (done["published"], done["refused"]) == ([task], [])
    assert (result["outcome"]["code"], result["failed"]) == ("conform", [])
    [part] = result["parts"]
    assert (part["departments"], part["outcome"]["code"]) == (["消防"], "basic")
    assert [one["ref"] for one in part["failed"]] == ["2.4"]
    assert result["order"]["items"] == [f"2.4 (fire-safety {FIRE.version})"]
    assert (part["counts"]["failed"], result["counts"]["failed"]) == (1, 0)
    files = {one: ZipFile(BytesIO(packed)).read(one) for one in ZipFile(BytesIO(packed)).namelist()}
    page = files[f"results/{task}.html"].decode()
    assert "消防检查结论" in page
    assert f"第 2.4 (fire-safety {FIRE.version}) 项" in page
    assert all(step.ok for step in site.verify(files)), site.verify(files)


async def test_what_the_seal_leaves_out_of_a_partner_is_late(office: Office, task: str) -> None:
    lead, second, partner, _ = await phones(office, task)
    lead.replica.answer(task, everything(COLD))
    partner.replica.answer(task, everything(FIRE, partner=True))
    await lead.sync()
    await second.sync()
    lead.replica.sign(task, "lead")
    second.replica.sign(task, "second")
    for one in (lead, second, partner, lead):
        await one.sync()

    early = lead.replica.inspection(task)
    partner.replica.sign(task, "member")
    await partner.sync()
    await lead.sync()
    late = lead.replica.inspection(task)
    assert len(early.late) == 1
    assert late.late == ()  # what any of those who went signs for is inside
    assert checklist.named(FIRE, "1.1") in late.items


async def test_nobody_signs_in_anothers_place_on_a_joint_visit(office: Office, task: str) -> None:
    lead, _, partner, other = await phones(office, task)
    partner.replica.answer(task, everything(FIRE, partner=True))
    partner.replica.sign(task, "lead")
    partner.replica.sign(task, "member")
    await partner.sync()
    await other.sync()
    again = other.replica.sign(task, "member")
    await other.sync()
    await lead.sync()

    with pytest.raises(Refused) as twice:
        partner.replica.sign(task, "member")
    state = lead.replica.inspection(task)
    async with db.transaction(office.engine, write=False) as session:
        query = select(Entry.why).where(col(Entry.verdict) == "quarantined")
        assert list(await session.exec(query)) == [Reason.SIGN_ROLE.code]
    assert [(one.role, one.amended_by) for one in state.signatures] == [("member", ())] * 2
    assert again.n == 1
    assert twice.value.reason is Reason.SIGN_REASON_MISSING


async def test_an_item_of_neither_list_is_refused_on_the_device(office: Office, task: str) -> None:
    lead, *_ = await phones(office, task)

    for ref in ("fire-safety@1/1.1", checklist.named(FIRE, "99"), checklist.named(COLD, "1.1")):
        with pytest.raises(Refused) as unknown:
            lead.replica.answer(task, {ref: Answer("pass")})
        assert unknown.value.reason is Reason.ITEM_UNKNOWN
