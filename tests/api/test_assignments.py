"""Tasks that no draw made: who may be sent, why, and what becomes of it, on both databases."""

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from conftest import NOW, Clock, Office
from httpx import AsyncClient
from rows import checklist, put, revision
from sqlmodel import select
from visits import DIVISION, Visit, refusal

from backend import db
from backend.rules import site
from backend.rules.disclosure import Result
from backend.tables import (
    Act,
    Draw,
    Establishment,
    Feed,
    Inspector,
    Leave,
    Member,
    Plan,
    Recusal,
    Task,
)
from backend.work import assignments, listing, rosters, visits
from sync.refusals import Reason, Refused

SHOP, MARKET, STALLS = "9131010100000001", "M1", ["M1-01", "M1-02", "M1-03"]
ORDER: dict[str, Any] = {
    "code": SHOP,
    "checklist": "cold-store-daily",
    "lead": "A1",
    "second": "A2",
    "origin": "complaint",
    "reference": "12315-20260301-7",
    "reason": "张三投诉冷库异味",
    "opens_on": "2026-03-02",
    "closes_on": "2026-03-06",
}


def person(**given: Any) -> Inspector:
    """Make an inspector of the division; `given` are other fields."""
    usual: dict[str, Any] = {
        "name": "检查员", "department": "market", "division": DIVISION,
        "valid_from": date(2024, 1, 1), "valid_to": date(2028, 1, 1),
    }  # fmt: skip
    return Inspector(**{**usual, **given})


@pytest.fixture
async def supervisor(office: Office) -> AsyncClient:
    """Log in a supervisor where there are a shop, a market with three stalls and six inspectors."""
    batch = revision("establishments")
    await checklist(office)
    places = [(SHOP, "海川冷库", "", "active"), (MARKET, "城东市场", "", "active")]
    places += [(code, f"{code}摊", MARKET, "active") for code in STALLS]
    places += [("M1-04", "撤摊", MARKET, "cancelled"), ("F1", "外地店", "", "active")]
    places += [("R1", "一号库", SHOP, "active")]
    people: list[dict[str, Any]] = [
        {}, {}, {"active": False}, {"expert": True}, {"valid_to": date(2026, 3, 5)},
        {"division": "330102"},
    ]  # fmt: skip
    await put(office, batch)
    await put(
        office,
        *(
            Establishment(
                code=code, name=name, category="cold-store", parent_code=parent, status=status,
                division="330102" if code == "F1" else DIVISION, revision_id=batch.id,
            )
            for code, name, parent, status in places
        ),
        *(
            person(certificate=f"A{n}", revision_id=batch.id, **other)
            for n, other in enumerate(people, start=1)
        ),
    )  # fmt: skip
    return await office.officer("supervisor", DIVISION)


async def assigned(client: AsyncClient, **changes: Any) -> Any:
    answer = await client.post("/office/tasks", json=ORDER | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(client: AsyncClient, **changes: Any) -> tuple[int, str, dict[str, Any]]:
    return refusal(await client.post("/office/tasks", json=ORDER | changes))


async def task(office: Office, id: str) -> Task:
    async with db.transaction(office.engine, write=False) as session:
        return await session.get_one(Task, id)


async def visit(office: Office, id: str) -> None:
    """Record a clean inspection, signed by both."""
    one = Visit(await task(office, id))
    one.answer_all("lead")
    one.sign("lead", "second")
    await one.arrive(office)


# -- a whole life --------------------------------------------------------------------------------


async def test_a_complaint_is_looked_into_without_a_draw_and_the_result_says_so(
    office: Office, supervisor: AsyncClient
) -> None:
    made = await assigned(supervisor)
    view = made["tasks"][0]
    async with db.transaction(office.engine, write=False) as session:
        told = (await session.exec(select(Feed).where(Feed.bucket == f"i:{view['id']}"))).one()
        members = set(await session.exec(select(Member.bucket)))
    await visit(office, view["id"])

    listed = (await supervisor.get("/office/inspections")).json()
    at = f"/office/inspections/{view['id']}"
    concluded = await supervisor.post(f"{at}/conclusion", json={})
    reviewer = await office.officer("reviewer", DIVISION)
    await reviewer.post(f"{at}/review", json={"approve": True})
    out = await reviewer.post("/office/publications")
    packed = await reviewer.get("/office/publications/site.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    result = msgspec.json.decode(files[f"results/{view['id']}.json"], type=Result)
    page = files[f"results/{view['id']}.html"].decode()

    assert (view["plan"], view["place"], view["draw"]) == ("", 0, None)
    assert (view["origin"], view["reference"]) == ("complaint", "12315-20260301-7")
    assert msgspec.json.decode(told.body) | {"history": None} == view | {"history": None}
    assert members == {f"i:{view['id']}"}
    assert [(one["plan"], one["origin"]) for one in listed] == [("", "complaint")]
    assert concluded.json()["origin"] == "complaint"
    assert out.json()["published"] == [view["id"]], out.text
    assert result.draw is None
    assert result.origin is not None
    assert result.origin.label.zh == "投诉举报核查"
    assert "投诉举报核查" in page
    assert "张三" not in page + result.site.name
    assert "verify draw" not in page
    assert [step.name for step in site.verify(files) if step.ok is False] == []


async def test_a_result_that_says_neither_draw_nor_reason_is_noticed(
    office: Office, supervisor: AsyncClient
) -> None:
    made = await assigned(supervisor)
    await visit(office, made["tasks"][0]["id"])
    at = f"/office/inspections/{made['tasks'][0]['id']}"
    await supervisor.post(f"{at}/conclusion", json={})
    reviewer = await office.officer("reviewer", DIVISION)
    await reviewer.post(f"{at}/review", json={"approve": True})
    await reviewer.post("/office/publications")
    shown = await reviewer.get(f"/public/results/{made['tasks'][0]['id']}")
    result = msgspec.json.decode(shown.content, type=Result)
    assert result.origin is not None

    replace = msgspec.structs.replace
    forged = [
        replace(result, origin=None),
        replace(result, origin=replace(result.origin, code="draw")),
        replace(result, origin=replace(result.origin, code="whim")),
        replace(result, origin=replace(result.origin, code="recheck")),
    ]
    found = [
        [
            step.name
            for step in site.verify(site.write([one], {}, {}, script=b"", secret="1" * 64))
            if step.ok is False
        ]
        for one in (result, *forged)
    ]

    assert found == [[], *[["choice"]] * 4]


# -- who may be sent -----------------------------------------------------------------------------


async def test_whoever_may_not_go_is_not_sent_and_the_reason_is_named(
    office: Office, supervisor: AsyncClient
) -> None:
    batch = revision("leave")
    days = {"A1": [(2, 3)], "A2": [(4, 31)], "A7": [(1, 6)]}
    others = {
        name: Inspector(
            certificate=name, name=f"检查员{name}", department="market", division=DIVISION,
            valid_from=date(2024, 1, 1), valid_to=date(2028, 1, 1), revision_id=batch.id,
        )
        for name in ("A7", "A8", "A9")
    }  # fmt: skip
    await put(
        office, batch, *others.values(),
        *(
            Leave(
                certificate=who, first_day=date(2026, 3, first), last_day=date(2026, 3, last),
                revision_id=batch.id,
            )
            for who, spans in days.items()
            for first, last in spans
        ),
        Recusal(code=SHOP, certificate="A8", reason="亲属", revision_id=batch.id),
    )  # fmt: skip

    found = [
        await refused(supervisor, second=who) for who in ("A3", "A4", "A5", "A6", "A7", "A8", "A1")
    ]
    never_together = await refused(supervisor)
    longer = await assigned(supervisor, second="A9")
    elsewhere = await refused(supervisor, code="F1", second="A9")
    nobody = await refused(supervisor, second="A99")

    assert [(code, details.get("problem")) for _, code, details in found] == [
        ("task.inspector-unfit", "inactive"),
        ("task.inspector-unfit", "expert"),
        ("task.inspector-unfit", "certificate"),
        ("auth.division-forbidden", None),
        ("task.inspector-unfit", "leave"),
        ("task.inspector-unfit", "recused"),
        ("task.same-inspector", None),
    ]
    assert never_together[:2] == (409, "task.no-common-day")
    assert longer["tasks"][0]["second"]["certificate"] == "A9"
    assert elsewhere[1] == "auth.division-forbidden"
    assert nobody[:2] == (404, "inspector.not-found")


async def test_an_order_that_makes_no_sense_is_refused(
    office: Office, supervisor: AsyncClient
) -> None:
    before = (await assigned(supervisor))["tasks"][0]["id"]
    orders: list[tuple[dict[str, Any], str]] = [
        ({"opens_on": "2026-03-07"}, "task.dates-wrong"),
        ({"opens_on": "2026-02-01", "closes_on": "2026-03-01"}, "task.dates-wrong"),
        ({"closes_on": "2027-03-03"}, "task.dates-wrong"),
        ({"reference": ""}, "task.reference-missing"),
        ({"origin": "recheck"}, "task.follows-wrong"),
        ({"origin": "return", "follows": "nowhere"}, "task.follows-wrong"),
        ({"origin": "return", "code": MARKET, "follows": before}, "task.follows-wrong"),
        ({"must": ["1.1", "99.9"]}, "task.item-unknown"),
        ({"code": "R1", "with_stalls": True}, "task.no-stalls"),
        ({"code": MARKET, "only": ["M1-01", "M1-04"]}, "task.no-stalls"),
        ({"code": "none"}, "establishment.not-found"),
        ({"checklist": "none"}, "checklist.not-found"),
    ]

    found = [(await refused(supervisor, **changes))[1] for changes, _ in orders]
    made = await assigned(supervisor, origin="recheck", follows=before, must=["1.1", "3.4"])
    again = await task(office, made["tasks"][0]["id"])

    assert found == [code for _, code in orders]
    assert (again.follows_id, again.must) == (before, '["1.1","3.4"]')
    assert made["tasks"][0]["must"] == ["1.1", "3.4"]


async def test_an_unannounced_visit_is_told_as_such(
    office: Office, supervisor: AsyncClient
) -> None:
    made = await assigned(supervisor, origin="mystery", reference="")
    told = await assigned(supervisor, origin="return", reference="")

    assert made["tasks"][0]["announced"] is False
    assert told["tasks"][0]["announced"] is True


# -- a market and its stalls -----------------------------------------------------------------------


async def test_a_market_is_visited_with_its_stalls_and_a_cold_store_with_its_rooms(
    office: Office, supervisor: AsyncClient
) -> None:
    store = await assigned(supervisor, with_stalls=True)
    every = await assigned(supervisor, code=MARKET, with_stalls=True)
    some = await assigned(supervisor, code=MARKET, only=["M1-02"])

    market, *stalls = every["tasks"]
    assert [one["establishment"]["code"] for one in every["tasks"]] == [MARKET, *STALLS]
    assert [one["establishment"]["code"] for one in store["tasks"]] == [SHOP, "R1"]
    assert store["tasks"][1]["part_of"] == store["tasks"][0]["id"]
    assert market["part_of"] == ""
    assert {one["part_of"] for one in stalls} == {market["id"]}
    assert [one["establishment"]["code"] for one in some["tasks"]] == [MARKET, "M1-02"]


async def test_a_stall_is_part_of_no_other_market(office: Office, supervisor: AsyncClient) -> None:
    shop = (await assigned(supervisor))["tasks"][0]["id"]

    async with db.transaction(office.engine) as session:
        stall = (
            await session.exec(select(Establishment).where(Establishment.code == "M1-01"))
        ).one()
        lead, second = list(await session.exec(select(Inspector).limit(2)))
        with pytest.raises(Refused) as caught:
            await assignments.assign(
                session, establishment=stall, checklist="", lead=lead, second=second,
                origin="return", opens_on=date(2026, 3, 2), closes_on=date(2026, 3, 6),
                part_of=shop, officer=None, now=NOW,
            )  # fmt: skip

    assert caught.value.reason is Reason.TASK_PART_WRONG


# -- taking back -----------------------------------------------------------------------------------


async def test_what_is_taken_back_is_gone_from_the_devices_with_its_stalls(
    office: Office, supervisor: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        one["id"] for one in (await assigned(supervisor, code=MARKET, with_stalls=True))["tasks"]
    ]
    kept = (await assigned(supervisor))["tasks"][0]["id"]
    monkeypatch.setattr(listing, "LISTED_MAX", len(made))  # and there are others since

    taken = await supervisor.post(f"/office/tasks/{made[0]}/withdraw", json={"reason": "误派"})
    again = await supervisor.post(f"/office/tasks/{made[0]}/withdraw", json={"reason": "误派"})
    async with db.transaction(office.engine, write=False) as session:
        gone = set(await session.exec(select(Feed.entity).where(Feed.gone)))
        members = set(await session.exec(select(Member.bucket)))
        acts = list(await session.exec(select(Act.subject).where(Act.verb == "task.withdraw")))
    listed = (await supervisor.get("/office/tasks")).json()
    inspections = (await supervisor.get("/office/inspections")).json()

    assert {one["id"] for one in taken.json()} == set(made) == gone == set(acts)
    assert {one["withdrawn_for"] for one in taken.json()} == {"误派"}
    assert members == {f"i:{kept}"}
    assert refusal(again)[:2] == (409, "task.withdrawn")
    assert {one["id"] for one in listed if one["withdrawn_at"] is None} == {kept}
    assert [one["id"] for one in inspections] == [kept]


async def test_what_was_begun_or_drawn_is_not_taken_back(
    office: Office, supervisor: AsyncClient
) -> None:
    made = [
        one["id"] for one in (await assigned(supervisor, code=MARKET, with_stalls=True))["tasks"]
    ]
    await visit(office, made[2])
    drawn = Task(
        establishment_id=(await task(office, made[0])).establishment_id, place=1,
        checklist_digest=(await task(office, made[0])).checklist_digest,
        lead_id=(await task(office, made[0])).lead_id,
        second_id=(await task(office, made[0])).second_id,
        opens_on=date(2026, 3, 2), closes_on=date(2026, 3, 6), draw_id=await a_draw(office),
    )  # fmt: skip
    await put(office, drawn)

    found = [
        refusal(await supervisor.post(f"/office/tasks/{id}/withdraw", json={"reason": "误派"}))
        for id in (made[0], made[2], drawn.id, "none")
    ]

    assert [one[1] for one in found] == [
        "task.begun", "task.begun", "task.drawn", "task.not-found",
    ]  # fmt: skip
    assert found[0][2] == {"task": made[2]}


async def a_draw(office: Office) -> str:
    chief = await office.account("supervisor", DIVISION)
    plan = Plan(
        title="抽查", agency=DIVISION, division=DIVISION, checklists="{}", rate_num=1, rate_den=1,
        sites_min=1, opens_on=date(2026, 3, 2), closes_on=date(2026, 3, 6), created_by=chief.id,
        created_at=NOW,
    )  # fmt: skip
    row = Draw(
        plan_id=plan.id, agency=DIVISION, seq=1, commit_hash="0" * 64, commit_json="{}",
        committed_at=NOW, status="drawn",
    )  # fmt: skip
    await put(office, plan, row)
    return row.id


# -- the year's number -----------------------------------------------------------------------------


async def capped(client: AsyncClient, cap: int = 1) -> dict[str, int]:
    """Plan with a cap, and give who stays out for it."""
    order = {
        "title": "冷库抽查", "division": DIVISION, "checklists": {"*": "cold-store-daily"},
        "opens_on": "2026-03-09", "closes_on": "2026-03-31", "rate": [1, 100],
        "scheme": {"exclusion": {"annual_cap": cap}},
    }  # fmt: skip
    made = await client.post("/office/plans", json=order)
    assert made.status_code == 201, made.text
    excluded: dict[str, int] = made.json()["preview"][0]["excluded"]
    return excluded


async def test_a_visit_counts_once_it_was_begun_and_guidance_never(
    office: Office, supervisor: AsyncClient
) -> None:
    untouched = await capped(supervisor)
    guided = await assigned(supervisor, origin="guidance", reference="")
    await visit(office, guided["tasks"][0]["id"])
    made = await assigned(supervisor, origin="return", reference="")
    waiting = await capped(supervisor)

    await visit(office, made["tasks"][0]["id"])
    counted = await capped(supervisor)
    twice = await capped(supervisor, cap=2)

    assert (made["visits"], made["cap"]) == (0, 1)
    assert "X02-annual-cap" not in untouched | waiting | twice
    assert counted["X02-annual-cap"] == 1


async def test_beyond_the_cap_goes_who_must_or_who_says_why(
    office: Office, supervisor: AsyncClient
) -> None:
    await capped(supervisor)
    first = (await assigned(supervisor))["tasks"][0]["id"]
    await visit(office, first)
    plain = {"origin": "return", "reference": ""}

    over = await refused(supervisor, **plain)
    complaint = await assigned(supervisor)
    recheck = await assigned(supervisor, origin="recheck", follows=first)
    guidance = await assigned(supervisor, **plain | {"origin": "guidance"})
    allowed = await assigned(supervisor, **plain, beyond_cap="领导批示")
    listed = (await supervisor.get("/office/tasks", params={"origin": "return"})).json()

    assert over == (409, "task.over-cap", {"code": SHOP, "visits": 1, "cap": 1})
    assert (complaint["visits"], complaint["cap"]) == (1, 1)
    assert recheck["tasks"][0]["follows"] == first
    assert guidance["tasks"][0]["origin"] == "guidance"
    assert [(one["id"], one["beyond_cap"]) for one in listed] == [
        (allowed["tasks"][0]["id"], "领导批示")
    ]


async def test_a_visit_that_arrives_in_the_new_year_counts_in_the_old_one(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    days = {"opens_on": "2026-12-30", "closes_on": "2026-12-31"}
    made = await assigned(supervisor, **days)
    clock.at = datetime(2027, 1, 2, 1, tzinfo=UTC)
    await visit(office, made["tasks"][0]["id"])

    async with db.transaction(office.engine, write=False) as session:
        counts = [
            await visits.count(session, SHOP, year=year, hidden=frozenset())
            for year in (2026, 2027)
        ]

    assert counts == [1, 0]


async def test_who_was_sent_without_a_draw_has_fewer_seats_and_is_not_sent_there_again(
    office: Office, supervisor: AsyncClient
) -> None:
    plan = Plan(
        title="抽查", agency=DIVISION, division=DIVISION, checklists="{}", rate_num=1, rate_den=1,
        sites_min=1, opens_on=date(2026, 3, 2), closes_on=date(2026, 3, 31), created_at=NOW,
        created_by=(await office.account("supervisor", DIVISION)).id,
        scheme='{"staffing":{"last_visit":true}}',
    )  # fmt: skip

    async def known() -> tuple[dict[str, int], set[tuple[str, str]]]:
        async with db.transaction(office.engine, write=False) as session:
            people = await rosters.roster(session, plan)
            recused = await rosters.recusals(session, plan, people)
        return {one.inspector: one.cap for one in people}, {(code, who) for code, who, _ in recused}

    before, nobody = await known()
    made = await assigned(supervisor)
    after, still = await known()
    await visit(office, made["tasks"][0]["id"])
    _, both = await known()

    assert {who: before[who] - after[who] for who in ("A1", "A2", "A3")if who in before} == {
        "A1": 1, "A2": 1,
    }  # fmt: skip
    assert nobody == still == set()
    assert both == {(SHOP, "A1"), (SHOP, "A2")}
