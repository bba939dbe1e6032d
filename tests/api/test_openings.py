"""现场登记: inspections that inspectors opened on site, offline; on both databases."""

import asyncio
import io
from typing import Any

import held
import msgspec
import pytest
from conftest import Office
from held import REASON
from httpx import AsyncClient
from msgspec.structs import replace
from phones import Phone
from rows import establishment
from simulation.app_hub import AppHub
from simulation.world import FORM, REFS
from sqlmodel import select
from telling import tell

from backend import db
from backend.tables import Entry, Establishment, Inspector, Member, Task
from backend.work import ledger, rulings
from sync import carrying, checklist, handover
from sync import hub as deciding
from sync.ids import new_id
from sync.opened import Colleague, Described, open_on_site
from sync.ops import Answer, Arrive, OpenInspection, SetAnswers, decode_op

DIVISION = "330106"
DEN = Described("无名冷库", "河滨路8号", "cold-store", DIVISION, "", "120.12", "30.26", "GCJ-02")
NOT_YOURS = "inspection.not-yours"
RELEASE = "/office/quarantine/release"
FORM_DIGEST = checklist.digest(FORM)


@pytest.fixture
async def hub(office: Office) -> AppHub:
    made = AppHub(office)
    await made.open()
    for who in ("lead", "second", "third"):
        await made.invite(who)
    return made


@pytest.fixture
async def lead(hub: AppHub) -> Phone:
    return await Phone(hub, "lead").enrol()


@pytest.fixture
async def second(hub: AppHub) -> Phone:
    return await Phone(hub, "second").enrol()


@pytest.fixture
async def chief(office: Office) -> AsyncClient:
    return await office.officer("supervisor", "33")


def opens(phone: Phone, site: Described = DEN, *, second: str, at: str = "") -> str:
    """Open an inspection and answer both items of it; give its id."""
    at = at or new_id()
    colleague = Colleague(phone.hub.ids[second], "王芳")
    open_on_site(
        phone.replica, at, site, checklist=FORM_DIGEST, second=colleague, reason="巡查发现"
    )
    phone.replica.answer(at, {ref: Answer("pass") for ref in REFS})
    return at


def opens_oddly(phone: Phone, at: str = "", **said: Any) -> str:
    """Record an opening that no device of ours lets be recorded, and an answer to it."""
    at = at or new_id()
    whole = {
        "name": "无名冷库", "address": "", "category": "market", "division": DIVISION,
        "reason": "巡查发现", "checklist": FORM_DIGEST, "second": phone.hub.ids["second"],
    }  # fmt: skip
    phone.replica.record(at, lambda stamp: OpenInspection(**(whole | said), **stamp))
    phone.replica.record(at, answered)
    return at


def answered(stamp: Any) -> SetAnswers:
    return SetAnswers(f={REFS[0]: Answer("pass")}, **stamp)


def knows_no_opening(raw: bytes) -> Any:
    if b'"inspection.open/' in raw:
        raise msgspec.DecodeError
    return decode_op(raw)


def notes(phone: Phone) -> list[tuple[int, str, str]]:
    return [(mine.n, mine.note, mine.why) for mine in phone.store.noted() if mine.note]


async def tasks(office: Office) -> list[Task]:
    async with db.transaction(office.engine, write=False) as session:
        return list(await session.exec(select(Task).order_by(Task.id)))


async def places(office: Office) -> list[Establishment]:
    async with db.transaction(office.engine, write=False) as session:
        query = select(Establishment).where(Establishment.status == "provisional")
        return list(await session.exec(query))


async def done(client: AsyncClient, path: str, body: dict[str, Any]) -> Any:
    answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def test_a_den_is_inspected_before_anybody_knows_of_it_and_published(
    office: Office, hub: AppHub, lead: Phone, second: Phone, chief: AsyncClient
) -> None:
    at = opens(lead, second="second")
    tell(lead.replica, at, Arrive, how="stated")
    lead.replica.find(at, "无证经营", basis="食品安全法 第三十五条")
    before = [row.id for row in second.replica.tasks()]
    alone = [row.id for row in lead.replica.tasks()]

    await lead.sync()
    await second.sync()
    second.replica.sign(at, "second")
    await second.sync()
    await lead.sync()
    lead.replica.sign(at, "lead")
    await lead.sync()

    assert (before, alone) == ([], [at])
    assert [row.bucket for row in lead.replica.tasks()] == [f"i:{at}"]
    assert [row.id for row in second.replica.tasks()] == [at]
    (task,) = await tasks(office)
    assert (task.id, task.origin, task.reason) == (at, "ad-hoc", "巡查发现")
    assert (task.lead_id, task.second_id) == (hub.ids["lead"], hub.ids["second"])
    (place,) = await places(office)
    assert (place.id, place.name, place.division) == (task.establishment_id, DEN.name, DIVISION)
    assert (place.longitude, place.latitude, place.datum) == (120.12, 30.26, "GCJ-02")
    assert notes(lead) == notes(second) == []
    assert lead.store.get("alarms") == second.store.get("alarms") == ""

    admin = await office.officer("admin", "33")
    known = await establishment(office, DIVISION)
    await done(admin, f"/office/provisional/{place.code}/match", {"into": known.code})
    path = f"/office/inspections/{at}"
    await done(chief, f"{path}/conclusion", {})
    reviewer = await office.officer("reviewer", "33")
    await done(reviewer, f"{path}/review", {"approve": True})
    await done(reviewer, "/office/publications", {})
    shown = (await chief.get(path)).json()

    assert (shown["stage"], shown["code"]) == ("published", known.code)
    assert [one["who"] for one in shown["on_site"]["openings"]] == [hub.ids["lead"]]
    assert await held.acts(office, "task.open") != []


async def test_a_registered_shop_is_inspected_under_its_own_name(
    office: Office, hub: AppHub, lead: Phone
) -> None:
    known = await establishment(office, DIVISION)
    shop = replace(DEN, code=known.code, name="城东菜市场")

    at = opens(lead, shop, second="second")
    await lead.sync()

    (task,) = await tasks(office)
    assert (task.id, task.establishment_id) == (at, known.id)
    assert await places(office) == []


async def test_a_shop_that_was_merged_is_inspected_as_what_it_turned_out_to_be(
    office: Office, hub: AppHub, lead: Phone
) -> None:
    known, gone = [await establishment(office, DIVISION) for _ in range(2)]
    async with db.transaction(office.engine) as session:
        row = await session.get_one(Establishment, gone.id)
        row.successor_code = known.code
        session.add(row)
        colleague = await session.get_one(Inspector, hub.ids["second"])
        opener = await session.get_one(Inspector, hub.ids["lead"])
        opener.districts = "3302,3301"
        session.add(opener)
    opens_oddly(lead, code=gone.code, second="", certificate=colleague.certificate)
    opens_oddly(lead, division="330301")

    await lead.sync()

    (task,) = await tasks(office)
    assert (task.establishment_id, task.second_id) == (known.id, hub.ids["second"])
    assert [row.id for row in lead.store.rows("task")] == [task.id]
    assert notes(lead)[0] == (3, "quarantined", "opening.elsewhere")


async def test_an_opening_that_comes_again_in_any_way_opens_once(
    office: Office, hub: AppHub, lead: Phone
) -> None:
    at = opens(lead, second="second")
    assert await lead.push() == 200
    await lead.sync()
    twin = lead.copy()
    log = lead.store.log(1, 10)
    other = await Phone(hub, "lead").enrol()
    for mine in log:  # as a restored phone records anew what it believes was lost
        op = decode_op(mine.raw)
        other.replica.record(
            at, lambda stamp, op=op, mine=mine: replace(op, orig=mine.hash, n=stamp["n"])
        )
    await other.sync()
    await twin.sync()

    assert len(await tasks(office)) == len(await places(office)) == 1
    assert notes(other) == []
    assert len((await hub.inspection(at)).openings or ()) == 1


async def test_a_restored_server_is_told_again_whoever_comes_first(
    office: Office, hub: AppHub, lead: Phone, second: Phone
) -> None:
    at = opens(lead, second="second")
    lead_log = lead.store.log(1, 10)

    second.replica.record(at, answered)  # as if the server had forgotten the task it gave
    await second.sync()
    held_back = notes(second)
    await lead.sync()
    await second.sync()

    assert held_back == [(1, "quarantined", NOT_YOURS)]
    assert notes(second) == []
    state = await hub.inspection(at)
    assert {said.who for said in state.items[REFS[0]].standing} == {
        hub.ids["lead"], hub.ids["second"],
    }  # fmt: skip
    assert len(lead_log) == 2
    assert lead.store.get("alarms") == second.store.get("alarms") == ""


@pytest.mark.parametrize("more", [0, ledger.BRIEF])
async def test_of_two_who_open_the_same_at_once_one_does(
    office: Office, hub: AppHub, lead: Phone, more: int
) -> None:
    third = await Phone(hub, "third").enrol()
    at = opens(lead, second="second")
    opens(third, second="second", at=at)
    for phone in (lead, third):
        for _ in range(more):
            phone.replica.record(at, answered)

    await asyncio.gather(lead.sync(), third.sync())

    held_back = [notes(phone) for phone in (lead, third)]
    (task,) = await tasks(office)
    assert [] in held_back
    strange = [(n, "quarantined", NOT_YOURS) for n in range(2, 3 + more)]
    assert [(1, "quarantined", "inspection.exists"), *strange] in held_back
    assert task.lead_id == hub.ids["lead" if held_back[0] == [] else "third"]
    assert len(await places(office)) == 1


async def test_an_opening_that_travels_by_hand_opens_once(
    office: Office, hub: AppHub, lead: Phone, second: Phone, chief: AsyncClient
) -> None:
    lead.replica.batch = 1
    at = opens(lead, second="second")
    enrolled = lead.replica.identity.enrolled
    out = io.BytesIO()
    things = [(one, [body]) for one, body in carrying.batches(lead.replica, everything=False)]
    handover.write_for_office(
        out, things, device=enrolled.device, server=enrolled.server_key, to=enrolled.seal_key
    )

    for _ in range(2):
        answer = await chief.post("/office/handovers", files={"files": ("a", out.getvalue())})
        assert answer.is_success, answer.text
    await second.sync()
    await lead.sync()

    assert len(things) == 2
    assert [row.id for row in second.replica.tasks()] == [at]
    assert len(await tasks(office)) == len(await places(office)) == 1
    assert len((await hub.inspection(at)).items) == len(REFS)


async def test_nobody_opens_what_is_another_s_or_was_assigned(
    office: Office, hub: AppHub, lead: Phone, second: Phone
) -> None:
    third = await Phone(hub, "third").enrol()
    at = opens(lead, second="second")
    await lead.sync()
    await second.sync()
    assigned = new_id()
    await hub.dispatch(assigned, "third", "second")

    opens_oddly(third, at)
    opens_oddly(third, assigned)
    (act,) = [mine.hash for mine in lead.store.log(1, 1)]
    opens_oddly(second, at, second=hub.ids["third"], orig=act)
    await third.sync()
    await second.sync()

    exists = ("quarantined", "inspection.exists")
    assert [one[1:] for one in notes(third)] == [
        exists, ("quarantined", "inspection.not-yours"), exists,
    ]  # fmt: skip
    assert [one[1:] for one in notes(second)] == [exists]
    assert len(await places(office)) == 1
    assert len((await hub.inspection(at)).openings or ()) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"checklist": "ab" * 32}, "checklist.not-found"),
        ({"second": "nobody"}, "opening.second-unfit"),
        ({"second": "", "certificate": ""}, "opening.second-unfit"),
        ({"division": "110101"}, "opening.elsewhere"),
        ({"division": "33"}, "op.malformed"),
        ({"name": "\0"}, "op.malformed"),
        ({"longitude": "1"}, "op.malformed"),
    ],
)
async def test_what_cannot_be_opened_is_kept_with_all_that_follows(
    office: Office, lead: Phone, said: dict[str, str], why: str
) -> None:
    at = opens_oddly(lead, **said)

    await lead.sync()

    assert notes(lead) == [(1, "quarantined", why), (2, "quarantined", "inspection.not-yours")]
    assert await tasks(office) == await places(office) == []
    async with db.transaction(office.engine, write=False) as session:
        members = select(Member).where(Member.bucket == f"i:{at}")
        assert (await session.exec(members)).all() == []
        assert len((await session.exec(select(Entry))).all()) == 2


async def test_once_a_supervisor_releases_an_opening_all_of_it_counts(
    office: Office, hub: AppHub, lead: Phone, second: Phone, chief: AsyncClient
) -> None:
    async with db.transaction(office.engine) as session:
        one = await session.get_one(Inspector, hub.ids["second"])
        one.active = False
        session.add(one)
    at = opens(lead, replace(DEN, division="110101"), second="second")
    await lead.sync()
    still = [row.id for row in lead.replica.tasks()]

    unfit = await held.told(chief, RELEASE, {"device": lead.id, "numbers": [1], **REASON})
    lead.replica.find(at, "霉斑", basis="第三条")
    elsewhere = await held.told(chief, RELEASE, {"device": lead.id, "numbers": [1], **REASON})
    await lead.sync()

    assert still == [at]
    assert unfit["held"] == {"1": "opening.elsewhere"}
    assert elsewhere["released"] == [1]
    assert notes(lead) == []
    state = await hub.inspection(at)
    assert [item.value for item in state.items.values()] == ["pass", "pass"]
    assert len(state.findings) == 1
    assert [task.id for task in await tasks(office)] == [at]
    assert lead.store.get("alarms") == ""


async def test_who_opened_it_and_a_checklist_released_later(
    office: Office, hub: AppHub, lead: Phone, chief: AsyncClient
) -> None:
    at = opens_oddly(lead, second=hub.ids["lead"])
    await lead.sync()

    held_ = await held.told(chief, RELEASE, {"device": lead.id, "numbers": [1], **REASON})

    assert held_["held"] == {"1": "opening.second-unfit"}
    assert await tasks(office) == []
    assert at in [row["inspection"] for row in await held.listed(chief)]


async def test_an_older_server_parks_it_and_nothing_is_lost(
    office: Office, hub: AppHub, lead: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opens(lead, second="second")
    with monkeypatch.context() as older:
        older.setattr(deciding, "decode_op", knows_no_opening)
        await lead.sync()
    parked = notes(lead)

    async with db.transaction(office.engine) as session:
        await rulings.rejudge_parked(session, office.clock())
    await lead.sync()

    assert parked == [(1, "parked", "op.unknown"), (2, "quarantined", "inspection.not-yours")]
    assert notes(lead) == []
    assert len((await hub.inspection(at)).items) == len(REFS)
