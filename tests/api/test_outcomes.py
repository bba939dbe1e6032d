"""Results that an officer finds, what is returned and corrected, and what a task tells."""

import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from conftest import NOW, Office
from followed import concluded
from httpx import AsyncClient
from msgspec.structs import replace
from rows import CATALOGUE, put, revision
from sqlmodel import select
from visits import FORM, Visit, answers, photo, refusal, store

from backend import db
from backend.rules import bundle, site
from backend.tables import Checklist, Establishment, Feed, Head, Licence, Seat, Task
from cli.main import main
from cli.verify_publication import read_folder
from sync import checklist, violations
from sync.history import BYTES_MAX, History
from sync.ops import AddFinding, AnyOp, SetAnswers, Sign

DIGEST = violations.digest(violations.parse(CATALOGUE.read_bytes()))


async def closed(office: Office, task: Task, *, evidence: bool = True) -> Visit:
    """A visit to a door that nobody opens, signed by both."""
    visit = Visit(task)
    if evidence:
        body = photo()
        visit.attach("lead", body, caption="大门紧闭")
        await store(office, body)
    else:
        visit.find("lead", "大门紧闭")
    visit.sign("lead", "second")
    await visit.arrive(office)
    return visit


async def found(
    office: Office, task: Task, *codes: str, repeated: tuple[str, ...] = (), **answers: str
) -> Visit:
    """A visit that finds violations of the catalogue, signed by both.

    `repeated`: codes that the device knows from elsewhere.
    """
    visit = Visit(task)
    visit.answer_all("lead", **answers)
    for code in (*codes, *repeated):
        before = ("elsewhere",) if code in repeated else ()
        visit.record(
            "lead", AddFinding, text="未明码标价", basis="价格法", violation=code,
            catalogue=DIGEST, repeats=before,
        )  # fmt: skip
    visit.sign("lead", "second")
    await visit.arrive(office)
    return visit


async def decided(client: AsyncClient, task: str, act: str, **order: Any) -> Any:
    answer = await client.post(f"/office/inspections/{task}/{act}", json=order)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def assigned(client: AsyncClient, office: Office, task: Task) -> Task:
    """Send the same pair to the same place again."""
    async with db.transaction(office.engine, write=False) as session:
        place = await session.get_one(Establishment, task.establishment_id)
    order = {
        "code": place.code, "checklist": "cold-store-daily", "lead": "沪A0001",
        "second": "沪A0002", "origin": "complaint", "reason": "投诉", "reference": "12315-1",
        "opens_on": "2026-03-02", "closes_on": "2026-03-20",
    }  # fmt: skip
    answer = await client.post("/office/tasks", json=order)
    assert answer.status_code == 201, answer.text
    async with db.transaction(office.engine, write=False) as session:
        return await session.get_one(Task, answer.json()["tasks"][0]["id"])


async def on_devices(office: Office, task: str) -> dict[str, Any]:
    """Give a task as the devices have it."""
    async with db.transaction(office.engine, write=False) as session:
        row = await session.get_one(Feed, (f"i:{task}", "task", task))
    body: dict[str, Any] = msgspec.json.decode(row.body)
    return body


# -- results that no checklist decides -----------------------------------------------------------


async def test_a_closed_door_is_a_result_though_nothing_was_answered(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    await closed(office, tasks[0])

    body = await decided(
        supervisor, tasks[0].id, "conclusion", result="unreachable", remark="电话无人接听",
        follow_ups=["copy"],
    )  # fmt: skip
    await decided(reviewer, tasks[0].id, "review", approve=True)
    await reviewer.post("/office/publications")
    public = (await (await office.client()).get(f"/public/results/{tasks[0].id}")).json()

    told = body["conclusion"]
    assert (told["outcome"], told["label"], body["order"]) == ("", None, None)
    assert (told["result"], told["national"], told["local"]) == ("unreachable", "4", "")
    assert told["result_list"] == "national 2026.1"
    assert [one["code"] for one in told["follow_ups"]] == ["copy"]
    assert public["result"]["label"]["zh"] == "通过登记的住所（经营场所）无法联系"
    assert public["outcome"] is None
    assert public["counts"] == {"passed": 0, "failed": 0, "not_applicable": 0}


@pytest.mark.parametrize(
    ("order", "code", "detail"),
    [
        ({"result": "unreachable"}, "result.unproven", {"lacking": "remark evidence"}),
        ({"result": "moved", "remark": "x", "follow_ups": ["x"]}, "result.unknown", {}),
        ({"result": "none-found", "remark": "x"}, "result.unknown", {}),
        ({"result": "other-law", "remark": "x"}, "result.unknown", {"list": "national 2026.1"}),
        ({"result": "not-disclosed", "remark": "x"}, "verdict.incomplete", {}),
    ],
)
async def test_a_result_that_is_not_the_officers_or_not_proven_is_refused(
    order: dict[str, Any], code: str, detail: dict[str, str],
    office: Office, tasks: list[Task], supervisor: AsyncClient,
) -> None:  # fmt: skip
    await closed(office, tasks[0], evidence=False)

    answer = await supervisor.post(f"/office/inspections/{tasks[0].id}/conclusion", json=order)

    status, refused, details = refusal(answer)
    assert (refused, status >= 400) == (code, True)
    assert detail.items() <= details.items()


async def test_who_was_not_there_has_passed_and_failed_nothing(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    await found(office, tasks[0], i1_1="fail")

    answer = await supervisor.post(
        f"/office/inspections/{tasks[0].id}/conclusion", json={"result": "moved", "remark": "x"}
    )

    status, code, details = refusal(answer)
    assert (status, code) == (409, "result.contradicted")
    assert "1.1" in details["items"].split()


# -- returned, amended, corrected ----------------------------------------------------------------


async def test_a_returned_inspection_is_open_again_on_the_devices_until_it_is_concluded_anew(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    visit = await found(office, tasks[0])
    await decided(supervisor, tasks[0].id, "conclusion")
    returned = await decided(reviewer, tasks[0].id, "review", approve=False, reason="3.4 有误")
    reopened = await on_devices(office, tasks[0].id)
    _answer_again(visit, "3.4", "fail")
    await visit.arrive(office)

    again = await decided(supervisor, tasks[0].id, "conclusion")
    on_device = await on_devices(office, tasks[0].id)
    approved = await decided(reviewer, tasks[0].id, "review", approve=True)

    assert (returned["stage"], approved["stage"]) == ("returned", "approved")
    assert reopened["returned"] == "3.4 有误"
    assert on_device["returned"] == ""
    assert again["conclusion"]["n"] == 2
    assert again["verdict"]["failed"] == ["3.4"]
    assert [one["reason"] for one in again["signatures"] if not one["amended"]] == ["更正 3.4"] * 2


async def test_what_was_published_gets_a_correction_and_stays_beside_it(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient,
    tmp_path: Path,
) -> None:  # fmt: skip
    body = photo()
    await store(office, body)
    visit = Visit(tasks[0])
    visit.answer_all("lead")
    digest = visit.attach("lead", body)
    visit.sign("lead", "second")
    await visit.arrive(office)
    await decided(supervisor, tasks[0].id, "conclusion")
    await decided(reviewer, tasks[0].id, "review", approve=True, photos=[digest])
    await reviewer.post("/office/publications")
    public = await office.client()
    before = await public.get(f"/public/results/{tasks[0].id}")

    _answer_again(visit, "3.4", "fail")
    await visit.arrive(office)
    path = f"/office/inspections/{tasks[0].id}/conclusion"
    unexplained = await supervisor.post(path, json={})
    listed = (await supervisor.get("/office/inspections")).json()
    concluded = await decided(supervisor, tasks[0].id, "conclusion", correction="第 3.4 项记录有误")
    meanwhile = await reviewer.get("/office/publications/site.zip")
    await decided(reviewer, tasks[0].id, "review", approve=True)
    published = (await reviewer.post("/office/publications")).json()
    after = (await public.get(f"/public/results/{tasks[0].id}")).json()
    kept = await public.get(f"/public/results/{tasks[0].id}/replaced/1")
    none = await public.get(f"/public/results/{tasks[0].id}/replaced/2")
    whole = await reviewer.get("/office/publications/site.zip")
    lines = (await public.get("/public/results")).json()

    assert refusal(unexplained)[:2] == (400, "publication.correction-reason-missing")
    assert [one["outdated"] for one in listed if one["id"] == tasks[0].id] == [True]
    assert (concluded["stage"], meanwhile.status_code) == ("concluded", 200)
    assert published["published"] == [tasks[0].id]
    assert after["corrects"]["reason"] == "第 3.4 项记录有误"
    assert after["corrects"]["sha256"] == lines[0]["corrects"]
    assert [one["ref"] for one in after["failed"]] == ["3.4"]
    assert kept.content == before.content
    assert none.status_code == 404
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        archive.extractall(out := tmp_path / "site")
    assert (out / "replaced" / f"{tasks[0].id}-1.json").read_bytes() == before.content
    page = (out / "results" / f"{tasks[0].id}.html").read_text("utf-8")
    assert "第 3.4 项记录有误" in page
    assert _verified(out) == 0
    async with db.transaction(office.engine, write=False) as session:
        secret = (await session.get_one(Head, 1)).secret_key
    files = {name: body for name, body in read_folder(out).items() if "MANIFEST" not in name[:8]}
    files[f"replaced/{tasks[0].id}-1.json"] += b" "  # by a forger who has the key
    assert [step.name for step in site.verify(bundle.seal(files, secret)) if not step.ok] == [
        "results"
    ]


@pytest.mark.parametrize("reason", ["记错了，请电 13800138000", "见证人李保安记错了"])
async def test_a_correction_that_names_somebody_is_held_back(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient, reason: str
) -> None:
    visit = Visit(tasks[0])
    visit.answer_all("lead")
    visit.record(
        "lead", Sign, role="site", covers={}, blobs=(), digest="", name="王老板", refused="不认可",
        witness="李保安",
    )  # fmt: skip
    visit.sign("lead", "second")
    await visit.arrive(office)
    await decided(supervisor, tasks[0].id, "conclusion")
    await decided(reviewer, tasks[0].id, "review", approve=True)
    await reviewer.post("/office/publications")
    stands = await supervisor.post(f"/office/inspections/{tasks[0].id}/conclusion", json={})

    await decided(supervisor, tasks[0].id, "conclusion", correction=reason)
    await decided(reviewer, tasks[0].id, "review", approve=True)
    held = (await reviewer.post("/office/publications")).json()

    assert refusal(stands)[:2] == (409, "conclusion.stands")
    assert held["published"] == []
    assert [one["fields"] for one in held["refused"]] == ["corrects.reason"]


# -- what a task tells of before -----------------------------------------------------------------


async def test_a_task_carries_what_was_found_before_and_hears_what_is_new(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    admin = await office.officer("admin")
    await admin.post("/office/catalogues", json={"toml": CATALOGUE.read_text("utf-8")})
    async with db.transaction(office.engine, write=False) as session:
        place = await session.get_one(Establishment, tasks[0].establishment_id)
    batch = revision("licences")
    held = Licence(
        number="JY13101010000001", code=place.code, kind="food-operation",
        valid_to=date(2027, 1, 1), revision_id=batch.id,
    )  # fmt: skip
    await put(office, batch, held)
    await found(office, tasks[0], "price-01", "trace-01", i1_1="pass", i3_4="fail")
    await decided(supervisor, tasks[0].id, "conclusion")
    again = await assigned(supervisor, office, tasks[0])
    unreviewed = await on_devices(office, again.id)
    await decided(reviewer, tasks[0].id, "review", approve=True)
    reviewed = await on_devices(office, again.id)
    told = {
        "number": "12315-7", "kind": "report", "channel": "12315", "received_on": "2026-03-01",
        "code": place.code, "matter": "冷库异味",
    }  # fmt: skip
    await supervisor.post("/office/complaints", json=told)
    visit = await found(office, again, "price-01", "metrology-05", repeated=("advert-01",))
    view = (await supervisor.get(f"/office/inspections/{again.id}")).json()

    heard = await on_devices(office, again.id)
    history = msgspec.convert(heard["history"], History)

    assert unreviewed["history"]["visits"] == []
    assert [one["failed"] for one in reviewed["history"]["visits"]] == [["3.4"]]
    assert [one.violation for one in history.offences] == ["price-01", "trace-01"]
    assert history.visits[0].result.zh == "发现问题已责令改正"
    assert history.visits[0].checklist == "cold-store-daily 2026.1"
    assert [(one.items, one.inspection) for one in history.orders] == [(("3.4",), tasks[0].id)]
    assert [one.number for one in history.permits] == ["JY13101010000001"]
    assert [(one.number, one.state) for one in history.complaints] == [("12315-7", "received")]
    assert history.as_of == date(2026, 3, 2)
    assert len(msgspec.json.encode(history)) < BYTES_MAX
    findings = {one["violation"]: one for one in view["findings"]}
    assert findings["price-01"]["repeats"] == [tasks[0].id]
    assert not findings["price-01"]["first_exempt"]
    assert findings["advert-01"]["repeats"] == ["elsewhere"]
    assert not findings["advert-01"]["first_exempt"]
    assert findings["metrology-05"]["repeats"] == []
    assert findings["metrology-05"]["first_exempt"]
    assert findings["metrology-05"]["conditions"]["zh"] == "限期内改正，且净含量不短缺。"
    assert visit.task.id == again.id


async def test_a_task_tells_of_an_order_only_what_is_still_open(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    done = await concluded(office, supervisor, tasks[0], i1_1="fail", i3_4="fail")
    again = await assigned(supervisor, office, tasks[0])
    before = msgspec.convert((await on_devices(office, again.id))["history"], History)
    proof = {"proof_sha256": "0" * 64, "note": "发票", "items": ["3.4"]}

    await supervisor.post(f"/office/orders/{done['order']['id']}/closings", json=proof)
    after = msgspec.convert((await on_devices(office, again.id))["history"], History)

    due = {one["item"]: date.fromisoformat(one["due_on"]) for one in done["order"]["remedies"]}
    assert [(one.items, one.due_on) for one in before.orders] == [(("1.1", "3.4"), due["3.4"])]
    assert [(one.items, one.due_on) for one in after.orders] == [(("1.1",), due["1.1"])]
    assert due["1.1"] > due["3.4"]


async def test_what_failed_last_time_must_be_answered_on_the_next_drawn_visit(
    office: Office, tasks: list[Task], supervisor: AsyncClient, reviewer: AsyncClient
) -> None:
    await found(office, tasks[0], i1_1="pass", i3_4="fail")
    await decided(supervisor, tasks[0].id, "conclusion")
    await decided(reviewer, tasks[0].id, "review", approve=True)
    async with db.transaction(office.engine) as session:
        task = (await session.exec(select(Task).where(Task.id == tasks[1].id))).one()
        task.establishment_id, task.dispatched_at = tasks[0].establishment_id, None
        session.add(task)

    await supervisor.post(f"/office/plans/{tasks[0].plan_id}/dispatch")
    told = await on_devices(office, tasks[1].id)
    other = await on_devices(office, tasks[2].id)

    assert told["must"] == ["3.4"]
    assert [one["id"] for one in told["history"]["visits"]] == [tasks[0].id]
    assert (other["must"], other["history"]["visits"]) == ([], [])


async def test_an_item_left_to_sampling_is_left_out_only_where_it_need_not_be_answered(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    sections = tuple(
        replace(part, items=tuple(replace(item, optional=True) for item in part.items))
        for part in FORM.sections
    )
    form = replace(FORM, version="9", sections=sections)
    released = Checklist(
        digest=checklist.digest(form), code=form.code, version="9", title_en="", title_zh="",
        body=checklist.canonical(form).decode(), released_at=NOW,
    )  # fmt: skip
    await put(office, released)
    for task, must in zip(tasks, ('["3.4"]', "[]"), strict=False):
        async with db.transaction(office.engine) as session:
            row = await session.get_one(Task, task.id)
            row.checklist_digest, row.must = released.digest, must
            session.add(row)
            for seat in await session.exec(select(Seat).where(Seat.task_id == task.id)):
                seat.checklist_digest = released.digest
                session.add(seat)
        visit = Visit(task)
        some = {ref: answer for ref, answer in answers(FORM).items() if ref != "3.4"}
        visit.record("lead", SetAnswers, f=some)
        visit.sign("lead", "second")
        await visit.arrive(office)

    paths = [f"/office/inspections/{task.id}/conclusion" for task in tasks[:2]]
    bound, free = [await supervisor.post(path, json={}) for path in paths]

    assert refusal(bound)[:2] == (409, "verdict.incomplete")
    assert refusal(bound)[2]["unanswered"] == "3.4"
    assert free.status_code == 200, free.text


def _answer_again(visit: Visit, item: str, value: str) -> None:
    """Answer an item anew, and sign anew, saying why, as the devices do."""
    before = [one for one in visit.ops if isinstance(one.op, SetAnswers | Sign)]
    answered = [one.id for one in before if isinstance(one.op, SetAnswers)]
    some = {item: answers(FORM, **{f"i{item.replace('.', '_')}": value})[item]}
    visit.record("lead", SetAnswers, f=some, s={item: tuple(answered)})
    covers = {visit.device(who): ((1, 1000),) for who in ("lead", "second")}
    for role in ("lead", "second"):
        earlier = tuple(one.id for one in before if _role(one.op) == role)
        visit.record(
            role, Sign, role=role, covers=covers, blobs=(), digest="", s=earlier,
            reason=f"更正 {item}",
        )  # fmt: skip


def _role(op: AnyOp) -> str:
    return op.role if isinstance(op, Sign) else ""


def _verified(folder: Path) -> int:
    return CliRunner().invoke(main, ["verify", "publication", str(folder)]).exit_code


async def test_what_is_only_issued_again_makes_no_conclusion_outdated(
    office: Office, tasks: list[Task], supervisor: AsyncClient
) -> None:
    visit = Visit(tasks[0])
    visit.answer_all("lead")
    visit.sign("lead", "second")
    await visit.arrive(office)
    await decided(supervisor, tasks[0].id, "conclusion")

    first, listed = visit.ops[0], []
    visit.record("lead", SetAnswers, f=answers(), orig=first.hash)
    await visit.arrive(office)
    listed += (await supervisor.get("/office/inspections")).json()
    visit.record("lead", AddFinding, text="霉斑", basis="第三条")
    visit.sign("lead")
    await visit.arrive(office)
    listed += (await supervisor.get("/office/inspections")).json()

    assert [one["outdated"] for one in listed if one["id"] == tasks[0].id] == [False, True]
