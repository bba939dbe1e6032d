"""Changes after a draw through the office's door, with devices that come late."""

from random import Random
from typing import Any

import pytest
import visits
from amended import DIVISION, ITEM, Bureau, held
from conftest import NOW, Clock, Office
from httpx import AsyncClient
from phones import enrolled
from plans import refusal

from backend import db
from backend.rules import bundle, events, papers
from backend.rules.amendments import RESULTS
from backend.rules.papers import GROUNDS
from backend.rules.verification import verify
from backend.tables import Act, Amendment, Draw, Entry, Inspection, Inspector, Member, Plan, Seat
from sync.ops import Answer

# -- substitution ----------------------------------------------------------------------------------


async def test_a_site_gives_way_to_the_next_reserve_when_a_second_officer_agrees(
    bureau: Bureau,
) -> None:
    before = await bureau.sites()
    gone = list(before)[1]

    asked = await bureau.substitute(gone)
    waiting = await bureau.sites()
    done = await bureau.done(asked)
    after = await bureau.sites()

    assert (asked.json()["called"], len(done["called"])) == ([], 1)  # nobody is told before
    assert waiting.keys() == before.keys()
    assert after.keys() == before.keys() - {gone} | {*done["called"]}
    assert {code: after[code].model_dump() for code in before if code != gone} == {
        code: before[code].model_dump() for code in before if code != gone
    }
    new = after[done["called"][0]]
    assert (new.place, new.dispatched_at is not None) == (4, True)
    assert all(step.ok for step in verify(await bureau.files()))


async def test_only_another_officer_approves_and_only_once(bureau: Bureau) -> None:
    asked = await bureau.substitute(next(iter(await bureau.sites())))

    own = await bureau.decide(asked, by=bureau.first)
    done = await bureau.decide(asked)
    again = await bureau.decide(asked)
    missing = await bureau.second.post("/office/amendments/none/decision", json={"approve": True})

    assert refusal(own) == (403, "amendment.second-officer")
    assert done.status_code == 200
    assert refusal(again) == (409, "amendment.decided")
    assert refusal(missing) == (404, "amendment.not-found")


async def test_what_is_declined_changes_nothing_and_stays_on_record(bureau: Bureau) -> None:
    before, files = await bureau.sites(), await bureau.files()
    asked = await bureau.substitute(next(iter(before)))
    pending = (await bureau.second.get("/office/amendments")).json()

    declined = await bureau.decide(asked, approve=False)

    after = (await bureau.second.get("/office/amendments")).json()
    listed = (await bureau.first.get(f"/office/draws/{bureau.draw}/amendments")).json()
    assert declined.status_code == 200
    assert [one["id"] for one in pending] == [asked.json()["id"]]
    assert after == []
    assert [(one["status"], one["remark"], one["n"]) for one in listed] == [
        ("declined", "不予批准", None)
    ]
    assert await bureau.files() == files
    assert (await bureau.sites()).keys() == before.keys()


@pytest.mark.parametrize("reason", sorted(RESULTS))
async def test_what_is_found_on_site_is_a_result_and_no_reason(bureau: Bureau, reason: str) -> None:
    answer = await bureau.substitute(next(iter(await bureau.sites())), reason)

    assert refusal(answer) == (400, "substitution.is-result")
    assert "检查结果" in answer.json()["remedy_zh"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"reason": "X03-superior"}, (400, "amendment.reason-unknown")),
        ({"reason": "X02-annual-cap"}, (400, "substitution.not-over")),
        ({"since": "2026-03-03"}, (400, "substitution.later")),
        ({"since": None}, (400, "substitution.later")),
        ({"site": "nobody"}, (404, "amendment.site-unknown")),
    ],
)
async def test_a_substitution_is_refused_when_it_is_asked(
    bureau: Bureau, order: dict[str, Any], expected: tuple[int, str]
) -> None:
    site = next(iter(await bureau.sites()))

    answer = await bureau.substitute(**{"site": site} | order)

    assert refusal(answer) == expected
    assert await bureau.rows(Amendment) == []


async def test_a_draw_is_changed_only_while_it_stands_and_its_plan_lasts(
    bureau: Bureau, office: Office, clock: Clock
) -> None:
    site = next(iter(await bureau.sites()))
    states: list[tuple[int, str]] = []
    for status in ("committed", "unstaffed", "void"):
        async with db.transaction(office.engine) as session:
            (await session.get_one(Draw, bureau.draw)).status = status
        states.append(refusal(await bureau.extend(1)))
    async with db.transaction(office.engine) as session:
        (await session.get_one(Draw, bureau.draw)).status = "drawn"

    clock.advance(days=30)
    bureau.first = await office.officer("supervisor", DIVISION)
    late = await bureau.substitute(site)

    assert states == [(409, "draw.not-held"), (409, "draw.unstaffed"), (409, "draw.void")]
    assert refusal(late) == (409, "amendment.too-late")


async def test_an_inspection_that_is_signed_has_a_result(bureau: Bureau, office: Office) -> None:
    code, task = next(iter((await bureau.sites()).items()))
    visit = visits.Visit(task)
    visit.answer_all("lead")
    visit.sign("lead", "second", "site")
    await visit.arrive(office)
    who = await bureau.certificate(task.lead_id)

    site = await bureau.substitute(code)
    person = await bureau.replace(who, "I03-recusal", sites=[code])

    assert refusal(site) == (409, "amendment.signed")
    assert refusal(person) == (409, "amendment.signed")


async def test_work_for_a_withdrawn_site_leaves_the_devices_and_still_arrives(
    bureau: Bureau, office: Office
) -> None:
    code, task = next(iter((await bureau.sites()).items()))
    phone = await enrolled(bureau.hub, task.lead_id)
    assert task.id in held(phone)
    phone.replica.answer(task.id, {ITEM: Answer("fail")})

    done = await bureau.done(await bureau.substitute(code))
    await phone.sync()

    new = (await bureau.sites())[done["called"][0]]
    entry = (await bureau.rows(Entry))[0]
    inspection = (await bureau.rows(Inspection))[0]
    assert (entry.inspection_id, entry.verdict) == (task.id, "ok")
    assert (inspection.id, inspection.operations) == (task.id, 1)
    assert task.id not in held(phone)
    assert (new.id in held(phone)) == (task.lead_id in (new.lead_id, new.second_id))
    listed = (await bureau.first.get("/office/inspections")).json()
    assert task.id in {one["id"] for one in listed}
    conclude = f"/office/inspections/{task.id}/conclusion"
    assert refusal(await bureau.first.post(conclude, json={})) == (409, "task.withdrawn")


# -- extension -------------------------------------------------------------------------------------


async def test_more_are_drawn_in_the_order_of_the_tickets_beyond_the_reserves(
    bureau: Bureau,
) -> None:
    before = await bureau.sites()

    done = await bureau.done(await bureau.extend(5))
    after = await bureau.sites()

    book = events.open_book(await bureau.files())
    assert done["called"] == [book.lots["all", rank].id for rank in range(4, 9)]
    assert list(after) == [*before, *done["called"]]
    assert all(one.dispatched_at for one in after.values())
    assert refusal(await bureau.extend(13)) == (400, "extension.too-many")
    assert refusal(await bureau.extend(1, stratum="D")) == (400, "amendment.stratum-unknown")


# -- the whole -------------------------------------------------------------------------------------


async def test_the_log_replayed_gives_exactly_the_tasks_in_the_database(bureau: Bureau) -> None:
    random = Random(6)
    for _ in range(7):
        sites = await bureau.sites()
        code = random.choice(list(sites))
        who = await bureau.certificate(sites[code].second_id)
        asked = random.choice([
            lambda code=code: bureau.substitute(code),
            lambda who=who, code=code: bureau.replace(who, "I03-recusal", sites=[code]),
            lambda: bureau.extend(1),
        ])  # fmt: skip
        await bureau.done(await asked())

    files = await bureau.files()
    state = events.replay(files)
    told = {
        (seat.task_id, seat.department, seat.position): seat.inspector_id
        for seat in await bureau.rows(Seat)
    }
    sites = await bureau.sites()
    certificates = {one.id: one.certificate for one in await bureau.rows(Inspector)}
    plan = (await bureau.rows(Plan))[0].id
    assert state.drawn.keys() == sites.keys()
    assert state.seats == {
        (f"{plan}/{code}/{department}", position): certificates[who]
        for code, task in sites.items()
        for (task_id, department, position), who in told.items()
        if task_id == task.id
    }
    assert len(state.seats) == len(told)
    for code, task in sites.items():
        pair = {who for (group, _), who in state.seats.items() if f"/{code}/" in group}
        assert {certificates[task.lead_id], certificates[task.second_id]} == pair
    members = {(one.inspector_id, one.bucket) for one in await bureau.rows(Member)}
    assert {one for one in members if one[1].startswith("i:")} == {
        (who, f"i:{task_id}") for (task_id, _, _), who in told.items()
    }
    assert all(step.ok for step in verify(files))


async def test_every_change_is_journaled_and_tells_the_new_hash_of_the_bundle(
    bureau: Bureau,
) -> None:
    await bureau.done(await bureau.substitute(next(iter(await bureau.sites()))))

    acts = [one for one in await bureau.rows(Act) if one.subject == bureau.draw]
    row = (await bureau.rows(Draw))[0]
    assert [one.verb for one in acts][-2:] == ["draw.ask-substitute", "draw.substitute"]
    assert row.bundle_sha256 is not None
    assert row.bundle_sha256 in acts[-1].details


async def test_anyone_may_read_the_log_but_not_why_somebody_is_away(
    bureau: Bureau, server: AsyncClient
) -> None:
    code, task = next(iter((await bureau.sites()).items()))
    await bureau.done(await bureau.replace(await bureau.certificate(task.lead_id)))
    await bureau.done(await bureau.substitute(code))

    listed = (await server.get("/public/draws")).json()[0]
    place = f"/public/draws/{bureau.draw}"
    public = {name: (await server.get(f"{place}/{name}")).content for name in listed["files"]}
    closed = await server.get(f"{place}/{GROUNDS}")
    page = (await server.get(f"/public/verify/{bureau.draw}")).text

    assert closed.status_code == 404
    assert GROUNDS not in public
    assert {line.event for line in papers.read_log(public["log.ndjson"])} >= {"replace"}
    assert b"I02" not in b"".join(public.values())
    assert [step.name for step in verify(public, public=True) if step.ok is False] == []
    assert listed["tally"] == {
        "drawn": 3, "substituted": 1, "shortfall": 0, "replaced": listed["tally"]["replaced"],
        "extended": 0, "listed": 3, "substitution_rate": "33.3",
    }  # fmt: skip
    assert bundle.commit_hash(public) == listed["commit_hash"]
    assert "替补率 33.3%" in page
    assert "a substitution rate of 33.3%" in page


async def test_the_withdrawn_seat_is_free_and_the_site_may_be_drawn_by_another_plan(
    bureau: Bureau, office: Office
) -> None:
    code = next(iter(await bureau.sites()))
    await bureau.done(await bureau.substitute(code))
    plan = (await bureau.rows(Plan))[0]
    digest = visits.checklist.digest(visits.FORM)
    order = {
        "title": "再查", "division": DIVISION, "checklists": {"*": digest},
        "opens_on": plan.opens_on.isoformat(), "closes_on": plan.closes_on.isoformat(),
        "rate": [1, 100], "minimum": 1, "scheme": {"exclusion": {"window_days": 30}},
    }  # fmt: skip

    made = await bureau.first.post("/office/plans", json=order)
    shown = (await bureau.first.get(f"/office/plans/{made.json()['id']}")).json()

    excluded = sum(sum(one["excluded"].values()) for one in shown["preview"])
    assert NOW.date().isoformat() == "2026-03-02"
    assert excluded == 3
