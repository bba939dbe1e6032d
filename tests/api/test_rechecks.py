"""复查: a recheck that asks only what must be checked again, from the order to its end."""

from datetime import date
from itertools import count
from typing import Any

import msgspec
import pytest
from conftest import Clock, Office
from followed import asked_for, standing, task, tick
from httpx import AsyncClient
from msgspec.structs import replace
from rows import put
from sqlmodel import select
from visits import DIVISION, FORM, Visit, asked, dispatched, photo, refusal, store

from backend import db
from backend.settings import Settings
from backend.tables import Checklist as ChecklistRow
from backend.tables import Establishment, Inspector, Task
from backend.work import histories
from sync import checklist

BY_ITEMS = replace(FORM, recheck="must")
WHOLE = replace(FORM, code="whole")
_picture = count(500)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody logs in anew while weeks pass."""
    return replace(settings, token_hours=90 * 24)


@pytest.fixture
async def drawn(office: Office) -> Task:
    """A cold store with a form whose rechecks ask only what must be checked again."""
    (one,) = await dispatched(office, sites=1, form=BY_ITEMS)
    return one


@pytest.fixture
async def supervisor(office: Office, drawn: Task) -> AsyncClient:
    assert drawn.asks == "whole"
    return await office.officer("supervisor", DIVISION)


async def recorded(office: Office, one: Task, **given: str) -> None:
    """Record these answers and no others, with a photo of what fails, and sign."""
    visit, body = Visit(one), photo(next(_picture))
    visit.answer("lead", **given)
    failed = [name[1:].replace("_", ".") for name, value in given.items() if value == "fail"]
    for item in failed:
        visit.attach("second", body, item=item)
    visit.sign("lead", "second")
    await visit.arrive(office)
    if failed:
        await store(office, body)


async def concluded(office: Office, supervisor: AsyncClient, one: Task, **given: str) -> Any:
    await recorded(office, one, **given)
    return await asked(supervisor, f"/office/inspections/{one.id}/conclusion", {})


async def found_bad(office: Office, supervisor: AsyncClient, one: Task, **failed: str) -> Any:
    """Inspect everything, with these items failing, and conclude."""
    every = {f"i{item.ref.replace('.', '_')}": "" for item in FORM.items}
    passed = {name: _well(name) for name in every}
    return await concluded(office, supervisor, one, **(passed | failed))


def _well(name: str) -> str:
    item = FORM.item(name[1:].replace("_", "."))
    assert item is not None
    return "pass" if item.kind == "verdict" else item.maximum or item.minimum or "0"


async def approved(office: Office, inspection: str) -> AsyncClient:
    reviewer = await office.officer("reviewer", DIVISION)
    await asked(reviewer, f"/office/inspections/{inspection}/review", {"approve": True})
    return reviewer


async def test_a_recheck_asks_what_was_ordered_and_says_whether_it_is_remedied(
    office: Office, drawn: Task, supervisor: AsyncClient, clock: Clock
) -> None:
    first = await found_bad(office, supervisor, drawn, i3_4="fail")
    await approved(office, drawn.id)
    before = await record_of(office, drawn)
    clock.advance(days=8)  # its term ended on Monday
    recheck = await task(office, (await tick(office)).rechecks[0])
    await recorded(office, recheck, i3_3="pass")
    path = f"/office/inspections/{recheck.id}"
    short = await supervisor.post(f"{path}/conclusion", json={})
    open_ = await asked_for(supervisor, path)
    done = await concluded(office, supervisor, recheck, i3_4="pass")
    reviewer = await approved(office, recheck.id)
    await asked(reviewer, "/office/publications", None)
    order = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")
    public = await asked_for(await office.client(), f"/public/results/{recheck.id}")
    after = await record_of(office, drawn)

    assert (recheck.must, recheck.asks) == ('["3.4"]', "must")
    assert refusal(short)[1:] == (
        "verdict.incomplete", {"unanswered": "3.4", "in_conflict": "", "examined_short": 0},
    )  # fmt: skip
    assert {"3.3", "3.4"} == {one["ref"] for one in open_["items"]} - set(
        open_["verdict"]["not_asked"]
    )
    assert done["conclusion"]["outcome"] == "remedied"
    assert done["conclusion"]["label"] == {"en": "Remedied", "zh": "整改到位"}
    assert done["conclusion"]["result"] == "none-found"
    assert (done["verdict"]["graded"], done["verdict"]["unremedied"]) == (False, [])
    assert (order["status"], done["order"]) == ("closed", None)
    assert public["outcome"]["label"]["zh"] == "整改到位"
    assert public["counts"] == {"passed": 1, "failed": 0, "not_applicable": 0}
    assert first["conclusion"]["outcome"] == "basic"
    assert after == before  # what the full inspection found counts on
    assert await must_next(office, drawn) == ()


async def record_of(office: Office, drawn: Task) -> Any:
    """Tell what our records make of the class of the establishment."""
    client = await office.officer("reviewer", DIVISION)
    page = await asked_for(client, "/office/visits-due?year=2026")
    (record,) = [one["record"] for one in page["rows"] if one["record"] is not None]
    assert record["dynamic"] > 0
    return record


async def must_next(office: Office, drawn: Task) -> tuple[str, ...]:
    """Tell what a new visit there may not leave out."""
    async with db.transaction(office.engine, write=False) as session:
        one = await session.get_one(Task, drawn.id)
        return (await histories.must_again(session, [one]))[one.id]


async def test_what_a_recheck_left_alone_is_asked_for_as_before(
    office: Office, drawn: Task, supervisor: AsyncClient, clock: Clock
) -> None:
    first = await found_bad(office, supervisor, drawn, i1_1="fail", i3_4="fail")
    await approved(office, drawn.id)
    clock.advance(days=8)  # the term of 3.4 has passed, that of 1.1 has not
    recheck = await task(office, (await tick(office)).rechecks[0])
    await concluded(office, supervisor, recheck, i3_4="pass")
    await approved(office, recheck.id)
    order = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")
    clock.advance(days=7)
    second = await task(office, (await tick(office)).rechecks[0])
    again = await concluded(office, supervisor, second, i1_1="fail")
    await approved(office, second.id)

    assert recheck.must == '["3.4"]'
    assert {item: state for item, (state, _) in standing(order).items()} == {
        "1.1": "open", "3.4": "closed",
    }  # fmt: skip
    assert (second.must, second.asks) == ('["1.1"]', "must")
    assert again["conclusion"]["outcome"] == "not-remedied"
    assert again["conclusion"]["result"] == "ordered"
    assert again["verdict"]["unremedied"] == ["1.1"]
    assert list(standing(again["order"])) == ["1.1"]
    assert await must_next(office, drawn) == ("1.1",)


async def test_not_applicable_proves_nothing_and_leaves_the_order_open(
    office: Office, drawn: Task, supervisor: AsyncClient, clock: Clock
) -> None:
    first = await found_bad(office, supervisor, drawn, i3_4="fail")
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])

    done = await concluded(office, supervisor, recheck, i3_4="na")
    order = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")

    assert done["conclusion"]["outcome"] == "not-remedied"
    assert done["conclusion"]["result"] == "ordered"
    assert [one["code"] for one in done["conclusion"]["follow_ups"]] == ["order"]
    assert done["order"] is None  # the first one stands
    assert standing(order)["3.4"][0] == "open"


async def test_a_recheck_that_found_nobody_there_forgets_nothing(
    office: Office, drawn: Task, supervisor: AsyncClient, clock: Clock
) -> None:
    first = await found_bad(office, supervisor, drawn, i1_1="fail", i3_4="fail")
    await approved(office, drawn.id)
    before = await must_next(office, drawn)
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])
    await recorded(office, recheck)
    nobody = {"result": "no-activity", "remark": "大门紧闭，未见经营"}
    await asked(supervisor, f"/office/inspections/{recheck.id}/conclusion", nobody)
    await approved(office, recheck.id)
    order = await asked_for(supervisor, f"/office/orders/{first['order']['id']}")

    assert before == ("1.1", "3.4")
    assert await must_next(office, drawn) == before
    assert {state for state, _ in standing(order).values()} == {"open"}


async def test_what_the_inspectors_add_is_ordered_beside_what_is_remedied(
    office: Office, drawn: Task, supervisor: AsyncClient, clock: Clock
) -> None:
    await found_bad(office, supervisor, drawn, i3_4="fail")
    clock.advance(days=8)
    recheck = await task(office, (await tick(office)).rechecks[0])

    done = await concluded(office, supervisor, recheck, i3_4="pass", i3_1="fail")

    assert done["conclusion"]["outcome"] == "remedied"
    assert done["conclusion"]["result"] == "ordered"
    assert list(standing(done["order"])) == ["3.1"]


async def test_business_stays_stopped_while_what_it_was_stopped_for_is_not_remedied(
    office: Office, drawn: Task, supervisor: AsyncClient, clock: Clock
) -> None:
    first = await found_bad(office, supervisor, drawn, i1_1="fail", i1_2="fail")
    clock.advance(days=7)
    recheck = await task(office, (await tick(office)).rechecks[0])
    await concluded(office, supervisor, recheck, i1_1="pass", i1_2="fail")
    await approved(office, recheck.id)
    measures = await asked_for(supervisor, "/office/measures?which=all")
    quiet = await tick(office)
    clock.advance(days=14)
    last = await task(office, (await tick(office)).rechecks[0])
    await concluded(office, supervisor, last, i1_2="pass")
    await approved(office, last.id)
    stop = f"/office/measures/{measures[0]['id']}/close"
    lifted = await asked(supervisor, stop, {"outcome": "恢复经营"})
    days = {"opens_on": "2026-03-23", "closes_on": "2026-03-27"}
    order = await order_for(office, drawn, follows=recheck.id, must=["1.2"], **days)
    later = (await asked(supervisor, "/office/tasks", order))["tasks"][0]["id"]
    once_more = await concluded(office, supervisor, await task(office, later), i1_2="fail")

    assert [one["items"] for one in first["measures"]] == [["1.1", "1.2"]]
    assert [(one["inspection"], one["items"], one["status"]) for one in measures] == [
        (recheck.id, ["1.2"], "open"), (drawn.id, ["1.1", "1.2"], "renewed"),
    ]  # fmt: skip
    assert quiet.rechecks == ()
    assert (last.must, last.follows_id) == ('["1.2"]', recheck.id)
    assert lifted["status"] == "closed"
    assert (once_more["conclusion"]["outcome"], once_more["measures"]) == ("not-remedied", [])


async def order_for(office: Office, drawn: Task, **changes: Any) -> dict[str, Any]:
    async with db.transaction(office.engine, write=False) as session:
        people = {one.id: one for one in await session.exec(select(Inspector))}
        site = await session.get_one(Establishment, drawn.establishment_id)
    days = {"opens_on": f"{date(2026, 3, 3)}", "closes_on": f"{date(2026, 3, 6)}"}
    return {
        "code": site.code, "checklist": checklist.digest(BY_ITEMS), "origin": "recheck",
        "lead": people[drawn.lead_id].certificate, "second": people[drawn.second_id].certificate,
        "reason": "企业申请提前复查", "follows": drawn.id, **days, **changes,
    }  # fmt: skip


async def test_the_office_says_what_a_recheck_asks_or_the_checklist_does(
    office: Office, drawn: Task, supervisor: AsyncClient
) -> None:
    row = ChecklistRow(
        digest=checklist.digest(WHOLE), code=WHOLE.code, version="1", title_en="x", title_zh="某",
        body=checklist.canonical(WHOLE).decode(), released_at=office.clock(),
    )  # fmt: skip
    await put(office, row)
    whole = {"checklist": row.digest}

    async def made(**changes: Any) -> tuple[str, list[str]]:
        order = await order_for(office, drawn, **changes)
        told = (await asked(supervisor, "/office/tasks", order))["tasks"][0]
        kept = await task(office, told["id"])
        assert (kept.asks, msgspec.json.decode(kept.must)) == (told["asks"], told["must"])
        return told["asks"], told["must"]

    async def refused(**changes: Any) -> str:
        order = await order_for(office, drawn, **changes)
        return refusal(await supervisor.post("/office/tasks", json=order))[1]

    nothing_open = [await made(), await refused(asks="must")]
    await found_bad(office, supervisor, drawn, i1_1="fail", i3_4="fail")
    left = await made()
    named = await made(must=["3.4"])
    widened = await made(must=["3.4"], asks="whole")
    silent = await made(**whole, must=["3.4"])
    narrowed = await made(**whole, must=["3.4"], asks="must")
    of_another = await refused(**whole, asks="must")
    no_recheck = await refused(origin="return", asks="must", must=["3.4"])
    returned = await made(origin="return", must=["3.4"])
    unknown = await refused(asks="some")

    assert nothing_open == [("whole", []), "task.nothing-again"]
    assert left == ("must", ["1.1", "3.4"])
    assert named == ("must", ["3.4"])
    assert widened == ("whole", ["3.4"])
    assert silent == ("whole", ["3.4"])
    assert narrowed == ("must", ["3.4"])
    assert of_another == "task.nothing-again"  # an order's items are those of its own checklist
    assert no_recheck == "task.nothing-again"
    assert returned == ("whole", ["3.4"])
    assert unknown == "body.invalid"
