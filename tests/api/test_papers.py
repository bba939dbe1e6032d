"""执法文书 from a device and from the office: one visit, the same bytes, before and after."""

from hashlib import sha256

import papers as visits
import visits as bureau
from conftest import Office
from httpx import AsyncClient
from papers import pages, squeezed
from phones import Phone, enrolled
from simulation.app_hub import AppHub
from telling import tell
from visits import DIVISION, FORM

from backend import db
from backend.prints.paper_words import WHATS
from backend.tables import Task
from backend.work import tasks
from cli.device_print import print_known
from sync import strokes
from sync.ops import Answer, Arrive, TakeSample, TestSample
from sync.store import File


class Visit:
    """A lead's and a second's phone on the server, and the files that the lead's holds."""

    def __init__(self, office: Office, lead: Phone, second: Phone, task: Task) -> None:
        self.office, self.lead, self.second, self.id = office, lead, second, task.id
        self.files: dict[str, bytes] = {}

    def keep(self, body: bytes, mime: str) -> File:
        name = sha256(body).hexdigest()
        self.files[name] = body
        return File(name, len(body), mime)

    async def upload(self) -> None:
        for body in self.files.values():
            mime = strokes.MIME if body.startswith(b"{") else "image/jpeg"
            await bureau.store(self.office, body, mime)

    def printed(self, what: str, language: str, phone: Phone | None = None) -> bytes:
        """Print on a phone that has all files, the lead's unless another is named."""
        of = (phone or self.lead).replica
        return print_known(of, self.files.get, self.id, what, language).pdf


async def visited(office: Office) -> Visit:
    """Make a visit on which something failed, a sample was taken and somebody would not sign."""
    task = (await bureau.dispatched(office))[0]
    hub = AppHub(office)
    hub.client = await office.client()
    on = Visit(office, await enrolled(hub, task.lead_id), await enrolled(hub, task.second_id), task)
    lead, second = on.lead.replica, on.second.replica
    tell(
        lead,
        task.id,
        Arrive,
        how="scanned",
        code="9131",
        approval="沪检 7 号",
        certificates=("沪A0001",),
    )
    lead.answer(task.id, bureau.answers(i1_3="fail"))
    lead.answer(task.id, {"2.1": Answer("-12.5", "门封破损", kind="number", unit="°C")})
    lead.find(task.id, "自查记录缺三日", basis="食品安全法第四十七条", item="1.3")
    photo = on.keep(visits.photo("-12.5", turned=True), "image/jpeg")
    lead.attach(task.id, photo, item="2.1", caption="温度计读数")
    sample = tell(
        lead,
        task.id,
        TakeSample,
        number="SH17",
        of="goods",
        what="冷冻牛腱",
        quantity="2",
        unit="kg",
    )
    device = lead.identity.enrolled.device
    tell(
        lead,
        task.id,
        TestSample,
        sample=f"{device}:{sample.n}",
        test="中心温度",
        verdict="fail",
        result="-11",
        unit="°C",
    )
    await on.lead.sync()
    await on.second.sync()
    lead.sign(task.id, "lead", strokes=on.keep(visits.drawn(1), strokes.MIME))
    second.sign(task.id, "second", strokes=on.keep(visits.drawn(2), strokes.MIME))
    lead.sign(task.id, "site", name="陈志强", refused="须请示总部", witness="赵敏")
    for phone in (on.lead, on.second, on.lead):
        await phone.sync()
    await on.upload()
    return on


async def asked(client: AsyncClient, inspection: str, what: str, language: str = "zh") -> bytes:
    path = f"/office/inspections/{inspection}/papers"
    answer = await client.get(path, params={"what": what, "language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


async def test_a_device_and_the_office_print_the_same_bytes(office: Office) -> None:
    on = await visited(office)
    chief = await office.officer("supervisor", DIVISION)
    reviewer = await office.officer("reviewer", DIVISION)

    before = {what: await asked(chief, on.id, what) for what in WHATS}
    then = {what: on.printed(what, "zh") for what in WHATS}
    english = await asked(chief, on.id, "record", "en"), on.printed("record", "en", on.second)
    concluded = await chief.post(f"/office/inspections/{on.id}/conclusion", json={})
    await on.lead.sync()
    after = await asked(chief, on.id, "notice"), on.printed("notice", "zh")
    review = {"approve": True}
    approved = await reviewer.post(f"/office/inspections/{on.id}/review", json=review)
    await on.lead.sync()
    results = await asked(chief, on.id, "result"), on.printed("result", "zh")

    assert (concluded.status_code, approved.status_code) == (200, 200), concluded.text
    assert before == then
    assert english[0] == english[1]
    assert after[0] == after[1] != before["notice"]
    assert results[0] == results[1] != before["result"]
    order = squeezed("".join(pages(after[0])))
    assert "预填稿" in squeezed(pages(before["notice"])[0])
    assert "预填稿" not in order
    assert all(squeezed(item.text.zh) in order for item in FORM.items if item.ref in ("1.3", "2.1"))
    assert "已审核" in squeezed("".join(pages(results[0])))
    for fact in ("须请示总部", "赵敏", "门封破损", "沪检7号", "SH17"):
        assert fact in squeezed("".join(pages(before["record"]))), fact


async def test_a_review_that_returns_takes_the_decision_back_from_the_devices(
    office: Office,
) -> None:
    on = await visited(office)
    chief = await office.officer("supervisor", DIVISION)
    reviewer = await office.officer("reviewer", DIVISION)
    before = on.printed("notice", "zh")

    await chief.post(f"/office/inspections/{on.id}/conclusion", json={})
    await on.lead.sync()
    ordered = on.printed("notice", "zh")
    returned = {"approve": False, "reason": "照片不清"}
    await reviewer.post(f"/office/inspections/{on.id}/review", json=returned)
    await on.lead.sync()

    assert on.printed("notice", "zh") == before != ordered
    assert await asked(chief, on.id, "notice") == before


async def test_a_visit_that_was_not_begun_has_no_documents(office: Office) -> None:
    task = (await bureau.dispatched(office))[0]
    chief = await office.officer("supervisor", DIVISION)

    answer = await chief.get(f"/office/inspections/{task.id}/papers")

    assert (answer.status_code, answer.json()["code"]) == (409, "inspection.not-begun")


async def test_a_visit_whose_task_was_taken_back_keeps_its_record(office: Office) -> None:
    task = (await bureau.dispatched(office))[0]
    hub = AppHub(office)
    hub.client = await office.client()
    lead = await enrolled(hub, task.lead_id)
    lead.replica.answer(task.id, bureau.answers(i1_3="fail"))
    async with db.transaction(office.engine) as session:  # while the phone has no network
        await tasks.withdraw(session, await session.get_one(Task, task.id), office.clock())
    await lead.sync()
    chief = await office.officer("supervisor", DIVISION)

    record = squeezed("".join(pages(await asked(chief, task.id, "record"))))
    english = squeezed("".join(pages(await asked(chief, task.id, "record", "en"))))

    assert "任务收回日期2026-03-02" in record
    assert "Tasktakenbackon2026-03-02" in english
    assert task.id not in {one.id for one in lead.replica.tasks()}


async def test_a_recheck_prints_what_it_asked_on_the_device_and_also_when_its_task_is_gone(
    office: Office,
) -> None:
    task = (await bureau.dispatched(office))[0]
    async with db.transaction(office.engine) as session:
        row = await session.get_one(Task, task.id)
        row.origin, row.must, row.asks = "recheck", '["1.3"]', "must"
        await tasks.send(session, await tasks.views(session, Task.id == row.id), now=office.clock())
    hub = AppHub(office)
    hub.client = await office.client()
    lead = await enrolled(hub, task.lead_id)
    lead.replica.answer(task.id, {"1.3": Answer("pass")})
    await lead.sync()
    chief = await office.officer("supervisor", DIVISION)

    there = {what: await asked(chief, task.id, what) for what in ("record", "result")}
    here = {what: print_known(lead.replica, {}.get, task.id, what, "zh").pdf for what in there}
    async with db.transaction(office.engine) as session:
        await tasks.withdraw(session, await session.get_one(Task, task.id), office.clock())
    gone = await asked(chief, task.id, "result")

    assert there == here
    for paper in (there["result"], gone):
        told = squeezed("".join(pages(paper)))
        assert "整改到位" in told
        assert "整改复查不重新评定" in told
