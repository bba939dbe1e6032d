"""What may be asked at the doors of the office, about a thing that lies in a division."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import rows
from conftest import NOW, PASSWORD, Office
from httpx import AsyncClient, Response

from backend import db
from backend.tables import Division, Head, Lookalike, Measure, Rectification, Remedy, Reminder, Risk
from sync import codec, handover, sealing


@dataclass(frozen=True)
class Question:
    """What is asked: values for the path, and a body."""

    path: dict[str, str] = field(default_factory=dict)
    json: object = None
    files: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


Make = Callable[[Office, str], Awaitable[Question]]


async def ask(client: AsyncClient, method: str, path: str, question: Question) -> Response:
    extra: dict[str, Any] = {"json": question.json} if question.json is not None else {}
    if question.files:
        extra = {"files": question.files, "data": question.data}
    return await client.request(
        method, path.format(**question.path), params=question.params, **extra
    )


async def nothing(office: Office, division: str) -> Question:
    return Question()


async def new_password(office: Office, division: str) -> Question:
    return Question(json={"old": PASSWORD, "new": "another long password"})


async def new_account(office: Office, division: str) -> Question:
    return Question(
        json={"name": "新人", "password": PASSWORD, "role": "reviewer", "division": division}
    )


async def an_account(office: Office, division: str) -> Question:
    return Question(path={"account_id": (await rows.account(office, division)).id})


async def an_inspector(office: Office, division: str) -> Question:
    return Question(json={"certificate": (await rows.inspector(office, division)).certificate})


async def a_device(office: Office, division: str) -> Question:
    return Question(path={"device_id": (await rows.device(office, division)).id})


REGISTER = (
    "统一社会信用代码,名称,业态,区划代码,地址,风险等级,登记状态,经度,纬度\n"
    "92330106MAUX4U4Q3W,海川冷库,冷库,{0},河滨路2号,C,存续,,\n"
)


async def a_register(office: Office, division: str) -> Question:
    """A register of one row; a row outside the officer's division is refused by itself."""
    mapping = (rows.FIXTURES / "mappings" / "own.toml").read_text("utf-8")
    return Question(
        path={"register": "establishments"},
        files={"files": ("a.csv", REGISTER.format(division).encode(), "text/csv")},
        data={"mapping": mapping},
    )


async def an_import(office: Office, division: str) -> Question:
    return Question(path={"name": "0199a000-0000-7000-8000-000000000001"})


async def somebody(office: Office, division: str) -> Question:
    await rows.account(office, division)
    await rows.device(office, division)
    return Question()


async def people_and_places(office: Office, division: str) -> Question:
    await rows.inspector(office, division)
    await rows.establishment(office, division)
    return Question()


async def inspectors(office: Office, division: str) -> Question:
    return replace(await people_and_places(office, division), path={"register": "inspectors"})


async def to_export(office: Office, division: str) -> Question:
    await people_and_places(office, division)
    return Question(path={"register": "establishments"})


async def an_establishment(office: Office, division: str) -> Question:
    return Question(params={"code": (await rows.establishment(office, division)).code})


async def a_revision(office: Office, division: str) -> Question:
    batch = rows.revision("establishments")
    batch.division = division
    await rows.put(office, batch)
    return Question(path={"revision_id": batch.id}, json={})


async def two_alike(office: Office, division: str) -> Question:
    first, second = [await rows.establishment(office, division) for _ in range(2)]
    pair = Lookalike(
        first_code=first.code, second_code=second.code, score=90, evidence="{}", found_at=rows.AT
    )
    await rows.put(office, pair)
    return Question(path={"lookalike_id": pair.id}, json={"decision": "same"})


async def a_known_division(office: Office, division: str) -> Question:
    batch = rows.revision("divisions")
    await rows.put(office, batch, Division(code=division, name="区", revision_id=batch.id))
    return Question(path={"code": division})


async def to_compare(office: Office, division: str) -> Question:
    return Question(json={"division": division})


async def a_bundle(office: Office, division: str) -> Question:
    """A bundle without anything in it, of a device of an inspector there."""
    device = (await rows.device(office, division)).id
    async with db.transaction(office.engine, write=False) as session:
        secret = (await session.get_one(Head, 1)).secret_key
    out, to = io.BytesIO(), sealing.seal_key(secret)
    handover.write_for_office(out, [], device=device, server=codec.public_key(secret), to=to)
    return Question(files={"files": ("a.bundle", out.getvalue(), "application/octet-stream")})


async def a_checklist(office: Office, division: str) -> Question:
    return Question(path={"name": await rows.checklist(office)})


async def new_checklist(office: Office, division: str) -> Question:
    toml = (rows.FIXTURES / "checklists" / "cold_store.toml").read_text("utf-8")
    return Question(json={"toml": toml})


async def new_catalogue(office: Office, division: str) -> Question:
    return Question(json={"toml": rows.CATALOGUE.read_text("utf-8")})


async def a_catalogue(office: Office, division: str) -> Question:
    admin = await office.officer("admin")
    await ask(admin, "POST", "/office/catalogues", await new_catalogue(office, division))
    return Question(path={"name": "market-supervision"})


async def new_complaint(office: Office, division: str) -> Question:
    return Question(json=await rows.new_complaint(office, division))


async def complaints_in_a_file(office: Office, division: str) -> Question:
    told = await rows.new_complaint(office, division)
    lines = [",".join(told), ",".join(told.values())]
    return Question(json={"csv": "\n".join(lines)})


async def a_complaint(office: Office, division: str) -> Question:
    told = await rows.new_complaint(office, division)
    supervisor = await office.officer("supervisor", division)
    await supervisor.post("/office/complaints", json=told)
    return Question(json={"number": told["number"], "step": "accept"})


async def new_plan(office: Office, division: str) -> Question:
    await people_and_places(office, division)
    return Question(json=rows.new_plan(await rows.checklist(office), division))


async def a_plan(office: Office, division: str) -> Question:
    return Question(path={"plan_id": (await rows.plan(office, division))[1]}, json=rows.ORDER)


async def a_commitment(office: Office, division: str) -> Question:
    draw = (await rows.typed(office, division))[2]
    return Question(path={"draw_id": draw}, json=rows.HOLD)


async def a_rolled_die(office: Office, division: str) -> Question:
    draw = (await rows.committed(office, division))[2]
    return Question(path={"draw_id": draw}, json=rows.TYPED)


async def a_bad_commitment(office: Office, division: str) -> Question:
    draw = (await rows.committed(office, division))[2]
    return Question(path={"draw_id": draw}, json={"reason": "the die fell off the table"})


async def a_draw(office: Office, division: str) -> Question:
    _, plan, draw = await rows.drawn(office, division)
    return Question(path={"plan_id": plan, "draw_id": draw, "name": "commit.json"})


async def a_substitution(office: Office, division: str) -> Question:
    supervisor, plan, draw = await rows.drawn(office, division)
    site = (await supervisor.get(f"/office/plans/{plan}/tasks")).json()[0]["establishment"]
    order = {"site": site["code"], "reason": "F01-force-majeure", "evidence": "洪水通告"}
    return Question(path={"draw_id": draw}, json=order)


async def a_replacement(office: Office, division: str) -> Question:
    """Where nobody else is there who could come, the door is open and the answer is no."""
    supervisor, plan, draw = await rows.drawn(office, division)
    lead = (await supervisor.get(f"/office/plans/{plan}/tasks")).json()[0]["lead"]
    order = {"inspector": lead["certificate"], "reason": "I01-leave", "evidence": "假条"}
    return Question(path={"draw_id": draw}, json=order)


async def an_extension(office: Office, division: str) -> Question:
    _, _, draw = await rows.drawn(office, division)
    order = {"count": 1, "reason": "E02-findings", "evidence": "会议纪要"}
    return Question(path={"draw_id": draw}, json=order)


async def an_amendment(office: Office, division: str) -> Question:
    supervisor, _, draw = await rows.drawn(office, division)
    order = {"count": 1, "reason": "E02-findings", "evidence": "会议纪要"}
    asked = (await supervisor.post(f"/office/draws/{draw}/extensions", json=order)).json()
    return Question(path={"amendment_id": asked["id"], "draw_id": draw}, json={"approve": True})


async def an_inspection(office: Office, division: str) -> Question:
    return Question(path={"inspection_id": await rows.dispatched(office, division)})


async def to_conclude(office: Office, division: str) -> Question:
    return replace(await an_inspection(office, division), json={})


async def to_review(office: Office, division: str) -> Question:
    return replace(await an_inspection(office, division), json={"approve": True})


async def to_withhold(office: Office, division: str) -> Question:
    asked = await an_inspection(office, division)
    await rows.corrected(office, division, asked.path["inspection_id"])
    return replace(asked, path={**asked.path, "n": "1"}, json={"reason": "店名含个人姓名"})


async def a_photo(office: Office, division: str) -> Question:
    asked = await an_inspection(office, division)
    return replace(asked, path={**asked.path, "sha256": "0" * 64})


async def to_mask(office: Office, division: str) -> Question:
    return replace(await a_photo(office, division), json={"masks": [[0, 0, 9, 9]]})


async def something_held(office: Office, division: str) -> Question:
    device = await rows.held(office, division)
    return Question(json={"device": device.id, "reason": "已核实"})


async def to_resolve(office: Office, division: str) -> Question:
    order = {"item": "1.1", "value": "pass", "reason": "已核实"}
    return replace(await an_inspection(office, division), json=order)


async def new_task(office: Office, division: str) -> Question:
    return Question(json=await rows.new_task(office, division))


async def a_place(office: Office, division: str) -> Question:
    return Question(json=rows.place(division))


async def to_match(office: Office, division: str) -> Question:
    code, into = (
        await rows.provisional(office, division),
        await rows.establishment(office, division),
    )
    return Question(path={"code": code}, json={"into": into.code})


async def to_register(office: Office, division: str) -> Question:
    code = await rows.provisional(office, division)
    return Question(path={"code": code}, json={"code": f"N{code}"})


async def a_task(office: Office, division: str) -> Question:
    task = await rows.assigned(office, division)
    return Question(path={"task_id": task}, json={"reason": "投诉已撤回"})


async def an_order(office: Office, division: str) -> Question:
    """An order of a visit there, with one open item."""
    inspection = await rows.dispatched(office, division)
    order = Rectification(
        inspection_id=inspection, items='["1.1"]', ordered_on=NOW.date(), due_on=NOW.date(),
        working_days=5,
    )  # fmt: skip
    item = Remedy(
        order_id=order.id, item="1.1", text_en="", text_zh="", working_days=5, due_on=NOW.date()
    )
    await rows.put(office, order, item)
    return Question(path={"order_id": order.id, "inspection_id": inspection})


async def to_extend(office: Office, division: str) -> Question:
    more = {"working_days": 3, "reason": "缺货"}
    return replace(await an_order(office, division), json=more)


async def to_close(office: Office, division: str) -> Question:
    proof = {"proof_sha256": "0" * 64, "note": "照片"}
    return replace(await an_order(office, division), json=proof)


async def a_document(_: Office, __: str) -> Question:
    """A document that says nothing of any place."""
    return Question(json={"document": "5Y+R56Wo"})


async def a_proof(office: Office, division: str) -> Question:
    """A risk that was closed by a document of which only the digest is known."""
    asked = await a_risk(office, division)
    async with db.transaction(office.engine) as session:
        risk = await session.get_one(Risk, asked.path["risk_id"])
        risk.proof_sha256 = "5" * 64
        session.add(risk)
    return Question(path={"sha256": "5" * 64})


async def to_measure(office: Office, division: str) -> Question:
    said = {"kind": "warning", "text": "限期改正"}
    return replace(await an_inspection(office, division), json=said)


async def a_measure(office: Office, division: str) -> Question:
    row = Measure(
        inspection_id=await rows.dispatched(office, division), kind="case", reference="9",
        opened_on=NOW.date(), at=NOW,
    )  # fmt: skip
    await rows.put(office, row)
    return Question(path={"measure_id": row.id}, json={"outcome": "结案"})


async def to_withdraw(office: Office, division: str) -> Question:
    return replace(await a_measure(office, division), json={"reason": "误"})


async def new_risk(office: Office, division: str) -> Question:
    code = (await rows.establishment(office, division)).code
    said = {"item": "液氨", "level": "major", "owner": "张三", "measure": "更换"}
    return Question(json={"code": code, "due_on": "2026-04-01", **said})


async def a_risk(office: Office, division: str) -> Question:
    place, who = await rows.establishment(office, division), await rows.account(office, division)
    row = Risk(
        establishment_id=place.id, item="液氨", level="major", owner="张三", measure="更换",
        due_on=NOW.date(), entered_by=who.id, at=NOW,
    )  # fmt: skip
    await rows.put(office, row)
    return Question(path={"risk_id": row.id}, json={"closed_with": "已更换"})


async def a_reminder(office: Office, division: str) -> Question:
    place = await rows.establishment(office, division)
    row = Reminder(
        subject_id=place.id, due_on=NOW.date(), step="due", kind="risk",
        establishment_id=place.id, written_on=NOW.date(), detail=division,
    )  # fmt: skip
    await rows.put(office, row)
    return Question()
