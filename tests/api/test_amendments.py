"""Changes after a draw through the office's door, with devices that come late."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pytest
import visits
from conftest import NOW, Clock, Office
from httpx import AsyncClient, Response
from phones import Phone, enrolled
from plans import refusal
from rows import put, revision
from simulation.app_hub import AppHub
from sqlmodel import col, select

from backend import db
from backend.rules import amendments, bundle, events, papers
from backend.rules.amendments import RESULTS, Away, Wanted
from backend.rules.bundle import Files
from backend.rules.papers import GROUNDS
from backend.rules.verification import verify
from backend.tables import (
    Act,
    Amendment,
    Draw,
    Entry,
    Establishment,
    Inspection,
    Inspector,
    Leave,
    Member,
    Piece,
    Plan,
    Recusal,
    Relief,
    Seat,
    Task,
)
from sync.ops import Answer

DIVISION = visits.DIVISION
EARLIER = "2026-01-15"
ITEM = next(item.ref for item in visits.FORM.items if item.kind == "verdict")


class Bureau:
    """A draw that was dispatched, two officers, and what the office sees of it."""

    def __init__(self, office: Office, tasks: list[Task]) -> None:
        self.office, self.tasks, self.draw = office, tasks, tasks[0].draw_id
        self.first: AsyncClient
        self.second: AsyncClient

    async def open(self) -> "Bureau":
        self.first = await self.office.officer("supervisor", DIVISION)
        self.second = await self.office.officer("reviewer", DIVISION)
        return self

    async def sites(self) -> dict[str, Task]:
        """Give the tasks in force by the code of their site."""
        query = (
            select(Establishment.code, Task)
            .join(Task, col(Task.establishment_id) == Establishment.id)
            .where(Task.draw_id == self.draw, col(Task.withdrawn_at).is_(None))
            .order_by(col(Task.place))
        )
        async with db.transaction(self.office.engine, write=False) as session:
            return dict((await session.exec(query)).all())

    async def certificate(self, inspector_id: str) -> str:
        async with db.transaction(self.office.engine, write=False) as session:
            return (await session.get_one(Inspector, inspector_id)).certificate

    async def person(self, certificate: str) -> Inspector:
        query = select(Inspector).where(Inspector.certificate == certificate)
        async with db.transaction(self.office.engine, write=False) as session:
            return (await session.exec(query)).one()

    async def rows(self, kind: type[Any]) -> Sequence[Any]:
        async with db.transaction(self.office.engine, write=False) as session:
            return list(await session.exec(select(kind)))

    async def files(self) -> Files:
        query = select(Piece).where(Piece.draw_id == self.draw)
        async with db.transaction(self.office.engine, write=False) as session:
            return {one.name: one.body for one in await session.exec(query)}

    async def ask(self, what: str, **order: Any) -> Response:
        body = {"evidence": "登记档案 2026-118"} | order
        return await self.first.post(f"/office/draws/{self.draw}/{what}", json=body)

    async def substitute(self, site: str, reason: str = "X01-moved", **more: Any) -> Response:
        order = {"site": site, "reason": reason, "since": EARLIER} | more
        return await self.ask("substitutions", **order)

    async def replace(self, who: str, reason: str = "I02-illness", **more: Any) -> Response:
        return await self.ask("replacements", inspector=who, reason=reason, **more)

    async def extend(self, count: int, **more: Any) -> Response:
        return await self.ask("extensions", **{"count": count, "reason": "E02-findings"} | more)

    async def decide(
        self, asked: Response, approve: bool = True, by: AsyncClient | None = None
    ) -> Response:
        assert asked.status_code == 201, asked.text
        path = f"/office/amendments/{asked.json()['id']}/decision"
        order = {"approve": approve, "remark": "" if approve else "不予批准"}
        return await (by or self.second).post(path, json=order)

    async def done(self, asked: Response) -> dict[str, Any]:
        decided = await self.decide(asked)
        assert decided.status_code == 200, decided.text
        found: dict[str, Any] = decided.json()
        return found


def held(phone: Phone) -> set[str]:
    """List the tasks that a device has."""
    return {row.id for row in phone.replica.tasks()}


@pytest.fixture
async def bureau(office: Office) -> Bureau:
    return await Bureau(office, await visits.dispatched(office)).open()


@pytest.fixture
async def hub(office: Office) -> AppHub:
    app_hub = AppHub(office)
    app_hub.client = await office.client()
    return app_hub


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
    bureau: Bureau, hub: AppHub, office: Office
) -> None:
    code, task = next(iter((await bureau.sites()).items()))
    phone = await enrolled(hub, task.lead_id)
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


# -- replacement -----------------------------------------------------------------------------------


async def test_an_inspector_who_is_ill_is_replaced_everywhere_and_the_devices_follow(
    bureau: Bureau, hub: AppHub
) -> None:
    before = await bureau.sites()
    ill = next(iter(before.values())).lead_id
    his = {code for code, one in before.items() if ill in (one.lead_id, one.second_id)}
    old = await enrolled(hub, ill)
    kept = held(old)
    task = next(iter(before.values()))
    old.replica.answer(task.id, {ITEM: Answer("fail")})

    done = await bureau.done(await bureau.replace(await bureau.certificate(ill)))
    after = await bureau.sites()
    new = await enrolled(hub, after[next(iter(after))].lead_id)
    await old.sync()
    await new.sync()

    assert kept == {before[code].id for code in his}
    assert set(done["sites"]) == his
    assert {one["site"] for one in done["seated"]} == his
    assert all(ill not in (one.lead_id, one.second_id) for one in after.values())
    assert [one.place for one in after.values()] == [one.place for one in before.values()]
    assert held(old) == set()
    assert task.id in held(new)
    entry = (await bureau.rows(Entry))[0]
    assert (entry.verdict, entry.inspection_id) == ("ok", task.id)
    assert new.replica.inspection(task.id).items[ITEM].value == "fail"
    assert {(one.inspector_id, one.role) for one in await bureau.rows(Relief)} >= {(ill, "lead")}
    assert all(step.ok for step in verify(await bureau.files()))


def would_come(files: Files, who: str, site: str, *away: str) -> str:
    """Work out from the files alone who takes a seat; these cannot be asked."""
    book = events.open_book(files)
    wanted = Wanted(kind="replace", reason="I03-recusal", evidence="e", inspector=who, sites=[site])
    absent = [Away(inspector=one, reason="I01-leave", evidence="e") for one in away]
    return amendments.decide(book, events.replay(files), wanted, absent).seats[0].inspector


async def test_the_registers_say_who_cannot_be_asked(bureau: Bureau, office: Office) -> None:
    sites = await bureau.sites()
    code, task = next(iter(sites.items()))
    ill = await bureau.certificate(task.lead_id)
    files = await bureau.files()
    first = would_come(files, ill, code)
    batch = revision("leave")
    leave = Leave(
        certificate=first, first_day=date(2026, 3, 1), last_day=date(2026, 4, 1),
        revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, leave)
    second = would_come(files, ill, code, first)
    barred = Recusal(code=code, certificate=second, reason="妹夫的店", revision_id=batch.id)
    await put(office, barred)
    third = would_come(files, ill, code, first, second)
    async with db.transaction(office.engine) as session:
        person = await session.get_one(Inspector, (await bureau.person(third)).id)
        person.valid_to = date(2026, 3, 15)

    done = await bureau.done(await bureau.replace(ill, "I03-recusal", sites=[code]))

    files = await bureau.files()
    (grounds,) = events.read_grounds(files[GROUNDS]).values()
    assert len({ill, first, second, third, done["seated"][0]["inspector"]}) == 5
    assert {(one.inspector, one.reason, one.site) for one in grounds.away} == {
        (first, "I01-leave", ""),
        (second, "I03-recusal", code),
        (third, "I04-certificate", ""),
    }
    assert all(one.evidence.startswith("revision:") for one in grounds.away)
    assert all(step.ok for step in verify(files))


async def test_nobody_is_taken_from_outside_the_roster(bureau: Bureau, office: Office) -> None:
    code, task = next(iter((await bureau.sites()).items()))
    who = await bureau.certificate(task.lead_id)
    async with db.transaction(office.engine) as session:
        for one in await session.exec(select(Inspector)):
            one.active = False
            session.add(one)
    batch = revision("inspectors")
    newcomer = Inspector(
        certificate="沪A9000", name="新人", department="market", division=DIVISION,
        valid_from=date(2024, 1, 1), valid_to=date(2028, 1, 1), revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, newcomer)

    asked = await bureau.replace(who, "I03-recusal", sites=[code])
    answer = await bureau.decide(asked)

    assert refusal(answer) == (409, "amendment.unstaffed")


async def test_whoever_asks_learns_nothing_and_chooses_neither_sites_nor_order(
    bureau: Bureau,
) -> None:
    sites = list((await bureau.sites()).items())
    who = await bureau.certificate(sites[0][1].lead_id)

    some = await bureau.replace(who, sites=[sites[0][0]])
    person, site = await bureau.replace(who), await bureau.substitute(sites[1][0])
    waiting = (await bureau.second.get("/office/amendments")).json()
    early = await bureau.decide(site)
    declined = await bureau.decide(person, approve=False)
    now = await bureau.decide(site)

    assert refusal(some) == (400, "amendment.sites-chosen")
    for told in (person.json(), site.json(), *waiting):
        assert (told["called"], told["seated"]) == ([], [])
    assert refusal(early) == (409, "amendment.not-next")
    assert early.json()["details"]["first"] == person.json()["id"]
    assert (declined.json()["seated"], now.status_code) == ([], 200)
    assert len(now.json()["called"]) == 1


async def test_only_who_sits_somewhere_is_replaced(bureau: Bureau) -> None:
    nobody = await bureau.replace("沪A9999")

    assert refusal(nobody) == (404, "amendment.seat-unknown")


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
