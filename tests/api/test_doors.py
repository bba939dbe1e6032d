"""Every route, every role, own and foreign division. A route without a row here fails the walk."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import rows
from conftest import NOW, PASSWORD, Office
from httpx import AsyncClient, Response
from litestar import Litestar, Router, get, post

from backend import auth, db
from backend.app import create_app, door, require_guards
from backend.settings import Settings
from backend.tables import Division, Head, Lookalike, Measure, Rectification, Remedy, Reminder, Risk
from sync import codec, handover, sealing

OWN, FOREIGN = "330102", "440305"


@dataclass(frozen=True)
class Question:
    """What is asked: values for the path, and a body."""

    path: dict[str, str] = field(default_factory=dict)
    json: object = None
    files: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


Make = Callable[[Office, str], Awaitable[Question]]


@dataclass(frozen=True)
class Row:
    """Who may pass, what is asked about a thing in a division, and what to expect of it.

    `own` are the statuses when the thing lies in the officer's division; 409 where the thing is
    not so far yet. When it lies elsewhere the question is "refused", or answered without naming
    it ("hidden"), or it does not depend on a division ("same").
    """

    roles: tuple[auth.Role, ...]
    make: Make
    own: tuple[int, ...] = (200,)
    foreign: str = "refused"


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


ANY = auth.ROLES
OFFICERS: tuple[auth.Role, ...] = ("supervisor", "reviewer")
ADMIN, SUPERVISOR, REVIEWER = ("admin",), ("supervisor",), ("reviewer",)
OFFICE: dict[tuple[str, str], Row] = {
    ("POST", "/office/logout"): Row(ANY, nothing, (204,), "same"),
    ("GET", "/office/whoami"): Row(ANY, nothing, (200,), "same"),
    ("POST", "/office/password"): Row(ANY, new_password, (204,), "same"),
    ("GET", "/office/accounts"): Row(ADMIN, somebody, (200,), "hidden"),
    ("POST", "/office/accounts"): Row(ADMIN, new_account, (201,)),
    ("POST", "/office/accounts/{account_id}/deactivate"): Row(ADMIN, an_account),
    ("GET", "/office/devices"): Row(ANY, somebody, (200,), "hidden"),
    ("POST", "/office/devices/invites"): Row(("admin", "supervisor"), an_inspector, (201,)),
    ("POST", "/office/devices/{device_id}/revoke"): Row(("admin", "supervisor"), a_device),
    ("GET", "/office/devices/{device_id}/log"): Row(ANY, a_device),
    ("POST", "/office/devices/{device_id}/loss"): Row(("admin", "supervisor"), a_device),
    ("POST", "/office/handovers"): Row(("admin", "supervisor"), a_bundle),
    ("GET", "/office/ledger"): Row(ADMIN, nothing, (403,), "same"),
    ("GET", "/office/quarantine"): Row(ANY, something_held, (200,), "hidden"),
    ("POST", "/office/quarantine/release"): Row(SUPERVISOR, something_held),
    ("POST", "/office/quarantine/keep"): Row(SUPERVISOR, something_held),
    ("POST", "/office/conflicts/{inspection_id}"): Row(SUPERVISOR, to_resolve, (404,)),
    ("POST", "/office/registers/{register}"): Row(ADMIN, a_register, (201,), "same"),
    ("GET", "/office/registers/progress/{name}"): Row(ANY, an_import, (404,), "same"),
    ("GET", "/office/registers/{register}"): Row(ANY, inspectors, (200,), "hidden"),
    ("GET", "/office/registers/revisions"): Row(ANY, a_revision, (200,), "hidden"),
    ("GET", "/office/registers/versions"): Row(ANY, an_establishment),
    ("POST", "/office/registers/revisions/{revision_id}/undo"): Row(ADMIN, a_revision, (201,)),
    ("GET", "/office/registers/{register}/export"): Row(ANY, to_export, (200,), "hidden"),
    ("POST", "/office/registers/changes"): Row(ADMIN, nothing, (200,), "same"),
    ("GET", "/office/registers/search"): Row(ANY, people_and_places, (200,), "hidden"),
    ("GET", "/office/visits-due"): Row(ANY, people_and_places, (200,), "hidden"),
    ("GET", "/office/divisions/{code}"): Row(ANY, a_known_division, (200,), "same"),
    ("POST", "/office/registers/index"): Row(ADMIN, nothing, (200,), "same"),
    ("POST", "/office/registers/comparisons"): Row(ADMIN, to_compare),
    ("GET", "/office/registers/lookalikes"): Row(ANY, two_alike, (200,), "hidden"),
    ("POST", "/office/registers/lookalikes/{lookalike_id}"): Row(ADMIN, two_alike),
    ("POST", "/office/checklists"): Row(ADMIN, new_checklist, (201, 409), "same"),
    ("GET", "/office/checklists"): Row(ANY, nothing, (200,), "same"),
    ("GET", "/office/checklists/{name}"): Row(ANY, a_checklist, (200,), "same"),
    ("POST", "/office/catalogues"): Row(ADMIN, new_catalogue, (201,), "same"),
    ("GET", "/office/catalogues"): Row(ANY, a_catalogue, (200,), "same"),
    ("GET", "/office/catalogues/{name}"): Row(ANY, a_catalogue, (200,), "same"),
    ("GET", "/office/results"): Row(ANY, nothing, (200,), "same"),
    ("POST", "/office/complaints"): Row(SUPERVISOR, new_complaint, (201,)),
    ("POST", "/office/complaints/import"): Row(SUPERVISOR, complaints_in_a_file),
    ("POST", "/office/complaints/steps"): Row(SUPERVISOR, a_complaint),
    ("GET", "/office/complaints"): Row(ANY, a_complaint, (200,), "hidden"),
    ("POST", "/office/plans"): Row(SUPERVISOR, new_plan, (201,)),
    ("GET", "/office/plans"): Row(ANY, a_plan, (200,), "hidden"),
    ("GET", "/office/plans/{plan_id}"): Row(ANY, a_plan),
    ("GET", "/office/plans/{plan_id}/rehearsal"): Row(SUPERVISOR, a_plan),
    ("POST", "/office/plans/{plan_id}/draws"): Row(SUPERVISOR, a_plan, (201,)),
    ("GET", "/office/plans/{plan_id}/tasks"): Row(ANY, a_draw),
    ("POST", "/office/plans/{plan_id}/dispatch"): Row(SUPERVISOR, a_draw),
    ("GET", "/office/draws/{draw_id}"): Row(ANY, a_draw),
    ("POST", "/office/draws/{draw_id}/hold"): Row(SUPERVISOR, a_commitment),
    ("POST", "/office/draws/{draw_id}/typings"): Row(("supervisor", "reviewer"), a_rolled_die),
    ("POST", "/office/draws/{draw_id}/unseal"): Row(("supervisor", "reviewer"), a_draw, (409,)),
    ("POST", "/office/draws/{draw_id}/void"): Row(SUPERVISOR, a_bad_commitment),
    ("GET", "/office/draws/{draw_id}/files/{name}"): Row(ANY, a_draw),
    ("POST", "/office/draws/{draw_id}/substitutions"): Row(OFFICERS, a_substitution, (201,)),
    ("POST", "/office/draws/{draw_id}/replacements"): Row(OFFICERS, a_replacement, (201, 409)),
    ("POST", "/office/draws/{draw_id}/extensions"): Row(OFFICERS, an_extension, (201,)),
    ("GET", "/office/draws/{draw_id}/amendments"): Row(ANY, an_amendment),
    ("GET", "/office/amendments"): Row(ANY, an_amendment, (200,), "hidden"),
    ("POST", "/office/amendments/{amendment_id}/decision"): Row(OFFICERS, an_amendment),
    ("POST", "/office/tasks"): Row(SUPERVISOR, new_task, (201,)),
    ("GET", "/office/tasks"): Row(ANY, a_task, (200,), "hidden"),
    ("POST", "/office/tasks/{task_id}/withdraw"): Row(SUPERVISOR, a_task),
    ("POST", "/office/provisional"): Row(("admin", "supervisor"), a_place, (201,)),
    ("GET", "/office/provisional"): Row(ANY, to_match, (200,), "hidden"),
    ("POST", "/office/provisional/{code}/match"): Row(ADMIN, to_match),
    ("POST", "/office/provisional/{code}/register"): Row(ADMIN, to_register, (201,)),
    ("GET", "/office/inspections"): Row(ANY, an_inspection, (200,), "hidden"),
    ("GET", "/office/inspections/{inspection_id}"): Row(ANY, an_inspection),
    ("GET", "/office/inspections/{inspection_id}/papers"): Row(ANY, an_inspection, (409,)),
    ("POST", "/office/inspections/{inspection_id}/conclusion"): Row(
        SUPERVISOR, to_conclude, (409,)
    ),
    ("POST", "/office/inspections/{inspection_id}/review"): Row(REVIEWER, to_review, (409,)),
    ("GET", "/office/inspections/{inspection_id}/photos/{sha256}"): Row(ANY, a_photo, (400,)),
    ("POST", "/office/inspections/{inspection_id}/photos/{sha256}/masks"): Row(
        REVIEWER, to_mask, (400,)
    ),
    ("GET", "/office/inspections/{inspection_id}/contact-sheet"): Row(ANY, an_inspection, (409,)),
    ("GET", "/office/orders"): Row(ANY, an_order, (200,), "hidden"),
    ("GET", "/office/orders/{order_id}"): Row(ANY, an_order),
    ("POST", "/office/orders/{order_id}/extensions"): Row(SUPERVISOR, to_extend),
    ("POST", "/office/orders/{order_id}/closings"): Row(SUPERVISOR, to_close),
    ("POST", "/office/inspections/{inspection_id}/measures"): Row(SUPERVISOR, to_measure, (409,)),
    ("GET", "/office/measures"): Row(ANY, a_measure, (200,), "hidden"),
    ("POST", "/office/measures/{measure_id}/close"): Row(SUPERVISOR, a_measure),
    ("POST", "/office/measures/{measure_id}/withdraw"): Row(SUPERVISOR, to_withdraw),
    ("GET", "/office/risks"): Row(ANY, a_risk, (200,), "hidden"),
    ("POST", "/office/risks"): Row(SUPERVISOR, new_risk, (201,)),
    ("POST", "/office/risks/{risk_id}/close"): Row(SUPERVISOR, a_risk),
    ("GET", "/office/reminders"): Row(ANY, a_reminder, (200,), "hidden"),
    ("GET", "/office/conflicts"): Row(ANY, an_inspection, (200,), "hidden"),
    ("POST", "/office/publications"): Row(REVIEWER, an_inspection, (200,), "hidden"),
    ("GET", "/office/publications/site.zip"): Row(ANY, an_inspection, (200,), "hidden"),
}
OPEN = {
    ("POST", "/office/login"),
    ("POST", "/device/enrol"),
    ("POST", "/device/renew"),  # signed with the key of the former name
    ("POST", "/device/chain"),
    ("POST", "/sync/v1"),  # every exchange is signed with the device's key
}
PUBLIC = {
    ("GET", "/public/heads"),
    ("GET", "/public/draws"),
    ("GET", "/public/draws/{draw_id}/{name}"),
    ("GET", "/public/verify/verify.js"),
    ("GET", "/public/verify/{draw_id}"),
    ("GET", "/public/results"),
    ("GET", "/public/results/{result_id}"),
    ("GET", "/public/results/{result_id}/replaced/{n}"),
    ("GET", "/"),
    ("GET", "/public"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/schema"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/schema/{path}"),
}
DEVICE = {
    ("GET", "/sync/v1/snapshots/{digest}"),
    ("POST", "/device/blobs"),
    ("POST", "/device/blobs/want"),
    ("HEAD", "/device/blobs/{upload_id}"),
    ("PATCH", "/device/blobs/{upload_id}"),
    ("DELETE", "/device/blobs/{upload_id}"),
}


def routes(app: Litestar) -> dict[str, set[tuple[str, str]]]:
    """Sort the app's own routes by door."""
    found: dict[str, set[tuple[str, str]]] = {"office": set(), "device": set()}
    found |= {"public": set(), "open": set()}
    for route in app.routes:
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                found[door(handler, route.path)].add((method, route.path_format))
    return found


async def ask(client: AsyncClient, method: str, path: str, question: Question) -> Response:
    extra: dict[str, Any] = {"json": question.json} if question.json is not None else {}
    if question.files:
        extra = {"files": question.files, "data": question.data}
    return await client.request(
        method, path.format(**question.path), params=question.params, **extra
    )


def test_every_route_is_in_the_table_of_its_door() -> None:
    found = routes(create_app(Settings()))

    assert found == {"office": set(OFFICE), "device": DEVICE, "public": PUBLIC, "open": OPEN}


def test_an_app_with_an_unguarded_route_does_not_start() -> None:
    @get("/office/secret")
    async def forgotten() -> None: ...

    with pytest.raises(AssertionError, match="no guard"):
        require_guards(Litestar([forgotten], openapi_config=None))


def test_an_app_with_a_public_route_that_writes_does_not_start() -> None:
    @post("/results")
    async def write() -> None: ...

    router = Router("/public", route_handlers=[write], opt={"public": True})

    with pytest.raises(AssertionError, match="read only"):
        require_guards(Litestar([router], openapi_config=None))


@pytest.mark.parametrize(("method", "path"), sorted(OFFICE))
async def test_the_office_door_asks_for_role_and_division(
    method: str, path: str, office: Office
) -> None:
    row = OFFICE[method, path]
    seen: dict[str, tuple[int, str]] = {}
    texts: dict[tuple[str, str], str] = {}

    questions = {division: await row.make(office, division) for division in (OWN, FOREIGN)}

    nobody = await ask(await office.client(), method, path, questions[OWN])
    for role in auth.ROLES:
        for division in (OWN, FOREIGN):
            officer = await office.officer(role, OWN)
            if method == "POST" and role in row.roles:  # an act may be done once
                questions[division] = await row.make(office, division)
            answer = await ask(officer, method, path, questions[division])
            code = answer.json()["code"] if answer.is_error else ""
            seen[f"{role} {division}"] = (answer.status_code, code)
            texts[role, division] = answer.content.decode("utf-8", "replace")

    assert nobody.json()["code"] == "auth.not-logged-in"
    assert nobody.status_code == 401
    for role in auth.ROLES:
        own, foreign = seen[f"{role} {OWN}"], seen[f"{role} {FOREIGN}"]
        if role not in row.roles:
            assert own == foreign == (403, "auth.role-forbidden")
            continue
        assert own[0] in row.own, own
        if row.foreign == "refused":
            assert foreign == (403, "auth.division-forbidden")
        else:
            assert foreign[0] in row.own
        if row.foreign == "hidden":
            assert FOREIGN not in texts[role, FOREIGN]


async def test_a_session_of_the_office_does_not_open_the_device_door(office: Office) -> None:
    answers: list[Response] = []

    for method, path in sorted(DEVICE):
        for role in auth.ROLES:
            client = await office.officer(role)
            names = {"upload_id": "x", "digest": "0" * 64}
            answers.append(await ask(client, method, path, Question(path=names)))

    assert {answer.status_code for answer in answers} == {401}


async def test_a_closed_account_opens_nothing(office: Office) -> None:
    admin, account = await office.officer("admin"), await office.account("reviewer")
    client = await office.login(account)

    before = await client.get("/office/whoami")
    await admin.post(f"/office/accounts/{account.id}/deactivate")
    after = await client.get("/office/whoami")
    again = await client.post("/office/login", json={"name": account.name, "password": PASSWORD})

    assert before.status_code == 200
    assert after.status_code == 401
    assert (again.status_code, again.json()["code"]) == (401, "auth.login-wrong")


async def test_the_public_door_needs_no_login(server: AsyncClient) -> None:
    plain = {path for _, path in PUBLIC if "{" not in path}

    answers = {path: (await server.get(path)).status_code for path in plain}

    assert answers == dict.fromkeys(plain, 200)
