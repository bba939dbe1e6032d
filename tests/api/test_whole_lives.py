"""Whole lives of inspections: from the task to an order that is closed, by three kinds of forms.

Everything goes through the doors, on real devices without a network in between; only time is told.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import Clock, Office
from followed import asked_for, standing, tick
from httpx import AsyncClient
from lives import HERE, LIVES, Hand, Life, Pair, shot
from msgspec.structs import replace
from rows import CATALOGUE
from simulation.app_hub import AppHub
from sqlmodel import select
from telling import tell
from visits import DIVISION, asked, dispatched, refusal

from backend import db
from backend.rules import site
from backend.settings import Settings
from backend.tables import Inspector, Task
from backend.wire import TaskView
from cli.verify_publication import read_folder
from sync import violations
from sync.merge import digest
from sync.ops import Arrive, DisposeSample, TakeSample, TestSample, op_id


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody logs in anew while weeks pass."""
    return replace(settings, token_hours=90 * 24)


@pytest.fixture(params=LIVES, ids=lambda life: life.form.removesuffix(".toml"))
def life(request: pytest.FixtureRequest) -> Life:
    found: Life = request.param
    return found


class Desk:
    """An office door: a supervisor decides, a reviewer approves and publishes."""

    def __init__(self, supervisor: AsyncClient, reviewer: AsyncClient) -> None:
        self.supervisor, self.reviewer = supervisor, reviewer

    async def look(self, inspection: str) -> Any:
        return await asked_for(self.supervisor, f"/office/inspections/{inspection}")

    async def conclude(self, inspection: str, **order: str) -> Any:
        path = f"/office/inspections/{inspection}/conclusion"
        return await asked(self.supervisor, path, order)

    async def review(self, inspection: str, **order: object) -> Any:
        return await asked(self.reviewer, f"/office/inspections/{inspection}/review", order)

    async def publish(self) -> Any:
        done = await asked(self.reviewer, "/office/publications", None)
        assert done["refused"] == []
        return done["published"]


async def sent_out(life: Life, office: Office) -> tuple[Desk, Pair, Task]:
    """Release form and catalogue, draw a site, and send two inspectors there with devices."""
    (drawn,) = await dispatched(office, sites=1, form=life.checklist)
    supervisor = await office.officer("supervisor", DIVISION)
    admin = await office.officer("admin")
    await asked(admin, "/office/catalogues", {"toml": CATALOGUE.read_text("utf-8")})
    hub = AppHub(office)
    hub.client = await office.client()
    hands: list[Hand] = []
    async with db.transaction(office.engine, write=False) as session:
        people = {one.id: one for one in await session.exec(select(Inspector))}
    for who in (drawn.lead_id, drawn.second_id):
        hands.append(await Hand(hub, office.clock).join(supervisor, people[who].certificate))
    desk = Desk(supervisor, await office.officer("reviewer", DIVISION))
    return desk, Pair(life, *hands), drawn


def visit(pair: Pair, drawn: Task, clock: Clock) -> None:
    """Record a visit on two devices, neither of which hears anything meanwhile."""
    life, lead, id = pair.life, pair.lead.replica, drawn.id
    longitude, latitude, datum = HERE
    told = told_of(pair.lead, id)
    tell(
        lead,
        id,
        Arrive,
        how="scanned",
        code=str(told.establishment.code),
        approval="检批 2026-7",
        certificates=(told.lead.certificate, told.second.certificate),
        longitude=longitude,
        latitude=latitude,
        datum=datum,
        accuracy="15",
    )
    tell(pair.second.replica, id, Arrive, how="shown", certificates=(told.second.certificate,))
    clock.advance(minutes=10)
    pair.answer(id, life.first, without=life.left_out)
    lead.attach(id, pair.lead.keep(shot("front", degrees=life.degrees)), caption="the front")
    pair.attach(id, life.first)
    catalogues = {row.id: violations.load(row.body) for row in pair.lead.store.rows("catalogue")}
    picked = violations.pick(catalogues, "catering-01")
    lead.find(
        id, picked.violation.text.zh, basis=picked.basis.zh, violation=picked.violation.code,
        catalogue=picked.digest,
        repeats=violations.repeats(told.history, picked, clock().date()),
    )  # fmt: skip
    if life.sampled:
        taken = tell(
            lead,
            id,
            TakeSample,
            number="JC-17",
            of="environment",
            what="餐盘",
            quantity="3",
            unit="只",
        )
        sample = op_id(lead.identity.enrolled.device, taken.n)
        tell(
            lead,
            id,
            TestSample,
            sample=sample,
            test="ATP",
            verdict="pass",
            result="18",
            unit="RLU",
            limit="30",
        )
        tell(lead, id, DisposeSample, sample=sample, disposal="当场返还")
    clock.advance(minutes=20)
    if life.refuses:
        lead.sign(id, "site", name="陈志强", refused="须请示总部", witness="赵敏")
    else:
        pair.lead.sign(id, "site")


def open_terms(order: Any) -> dict[str, str]:
    return {item: day for item, (status, day) in standing(order).items() if status == "open"}


def told_of(hand: Hand, id: str) -> TaskView:
    row = hand.store.row("task", id)
    assert row is not None
    return msgspec.json.decode(row.body, type=TaskView)


def warned(view: Any) -> Iterator[str]:
    return (one["code"] for file in view["evidence"] for one in file["remarks"] if one["warning"])


async def corrected(life: Life, desk: Desk, pair: Pair, id: str, clock: Clock) -> Any:
    """See something again after it was published, and correct that."""
    await pair.amend(id, life.corrected, "申诉成立")
    clock.advance(days=1)
    concluded = await desk.conclude(id, correction="复核后改正评分")
    await desk.review(id, approve=True)
    await desk.publish()
    return concluded


async def seen_again(life: Life, desk: Desk, pair: Pair, recheck: str) -> Any:
    """Visit again: first without what must be looked at, then with it; approve and publish.

    A recheck that asks nothing else is not answered at first. What else was ordered is added to it.
    """
    await pair.sync()
    rest = {ref: answer for ref, answer in life.mended.items() if ref not in life.must}
    added = list[str]()
    if life.checklist.recheck == "must":
        added = [ref for ref in life.failed if ref not in life.must]
    else:
        pair.answer(recheck, rest, without=(*life.left_out, *life.must))
    await pair.sign(recheck)
    short = await desk.supervisor.post(f"/office/inspections/{recheck}/conclusion", json={})
    held = told_of(pair.second, recheck)
    mended = {ref: life.in_order(ref) for ref in (*life.must, *added) if ref not in life.not_asked}
    await pair.amend(recheck, mended, "补查必查项目")
    view = await desk.conclude(recheck)
    await desk.review(recheck, approve=True)
    return short, held, view, await desk.publish()


async def test_an_inspection_lives_from_its_task_until_its_order_is_closed(
    life: Life, office: Office, clock: Clock, tmp_path: Path
) -> None:
    desk, pair, drawn = await sent_out(life, office)
    id, path = drawn.id, f"/public/results/{drawn.id}"
    public = await office.client()
    clock.advance(days=28)  # Monday 30 March, nine o'clock; Tomb Sweeping is on 4 to 6 April

    visit(pair, drawn, clock)
    unheard = await desk.look(id)
    await pair.sign(id)
    seen = await desk.look(id)
    known = {digest(hand.replica.inspection(id)) for hand in (pair.lead, pair.second)}
    first = await desk.conclude(id)
    clock.advance(days=1)
    await desk.review(id, approve=False, reason="看一看冷藏记录")
    await pair.sync()
    told = told_of(pair.second, id)
    await pair.amend(id, life.returned, "又看了一次")
    clock.advance(days=1)  # Wednesday 1 April
    second = await desk.conclude(id)
    front = [one["sha256"] for one in seen["evidence"] if one["caption"] == "the front"]
    await desk.review(id, approve=True, photos=front)
    published = await desk.publish()
    out = await public.get(path)
    last = await corrected(life, desk, pair, id, clock) if life.corrected else second
    clock.at = datetime.combine(life.due, time(9), UTC)  # the first term's last day
    early = await tick(office)
    clock.advance(days=1)
    made, again = await tick(office), await tick(office)
    short, held, recheck, published_again = await seen_again(life, desk, pair, made.rechecks[0])
    closed = await asked_for(desk.supervisor, f"/office/orders/{second['order']['id']}")
    for one in second["measures"]:
        stop = f"/office/measures/{one['id']}/close"
        await asked(desk.supervisor, stop, {"outcome": "恢复经营"})
    clock.advance(days=30)
    quiet = await tick(office)
    shown = (await public.get(path)).json()
    folder = await desk.reviewer.get("/office/publications/site.zip")

    assert (unheard["stage"], unheard["items"][0]["said"]) == ("assigned", [])
    assert (seen["stage"], seen["evidence_complete"]) == ("signed", True)
    assert {seen["digest"]} == known
    assert sorted(warned(seen)) == sorted(life.warnings)
    assert [one["violation"] for one in seen["findings"]] == ["catering-01"]
    assert seen["findings"][0]["first_exempt"]
    assert [(len(one["did"]), one["lacking"]) for one in seen["taking_part"]] == [(3, [])] * 2
    assert told.returned == "看一看冷藏记录"
    outcomes = [one["conclusion"]["outcome"] for one in (first, second)]
    outcomes += [last["conclusion"]["outcome"]] * bool(life.corrected)
    assert (*outcomes, recheck["conclusion"]["outcome"]) == life.outcomes
    assert second["conclusion"]["n"] == 2
    assert open_terms(second["order"]) == life.failed
    assert open_terms(last["order"]) == (life.remaining or life.failed)
    assert [one["kind"] for one in second["measures"]] == ["suspension"] * life.stops
    assert published == [id]
    assert (early.rechecks, again.rechecks) == ((), ())
    assert (held.origin, held.follows, tuple(held.must)) == ("recheck", id, life.must)
    assert held.asks == life.checklist.recheck
    assert recheck["verdict"]["graded"] == (held.asks == "whole")
    assert held.history is not None
    assert [(one.id, len(one.findings)) for one in held.history.visits] == [(id, 1)]
    assert refusal(short)[1] == "verdict.incomplete"
    open_ = set(refusal(short)[2]["unanswered"].split())
    assert set(life.must) - set(life.not_asked) <= open_
    assert held.asks == "whole" or open_ == set(life.must)
    assert (closed["status"], open_terms(closed)) == ("closed", {})
    assert published_again == [recheck["id"]]
    assert quiet.rechecks == ()
    assert shown["counts"]["failed"] == len(life.remaining or life.failed)
    assert ("corrects" in shown) == bool(life.corrected)
    assert (shown == out.json()) == (not life.corrected)
    with zipfile.ZipFile(io.BytesIO(folder.content)) as archive:
        archive.extractall(tmp_path / "site")
    assert [step.name for step in site.verify(read_folder(tmp_path / "site")) if not step.ok] == []
