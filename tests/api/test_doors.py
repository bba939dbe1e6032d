"""Every route, every role, own and foreign division. A route without a row here fails the walk."""

from dataclasses import dataclass

import pytest
from conftest import PASSWORD, Office
from httpx import AsyncClient, Response
from litestar import Litestar, Router, get, post
from questions import (
    Make,
    Question,
    a_bad_commitment,
    a_bundle,
    a_catalogue,
    a_checklist,
    a_commitment,
    a_complaint,
    a_device,
    a_document,
    a_draw,
    a_known_division,
    a_measure,
    a_photo,
    a_place,
    a_plan,
    a_proof,
    a_register,
    a_reminder,
    a_replacement,
    a_revision,
    a_risk,
    a_rolled_die,
    a_substitution,
    a_task,
    an_account,
    an_amendment,
    an_establishment,
    an_extension,
    an_import,
    an_inspection,
    an_inspector,
    an_order,
    ask,
    complaints_in_a_file,
    inspectors,
    new_account,
    new_catalogue,
    new_checklist,
    new_complaint,
    new_password,
    new_plan,
    new_risk,
    new_task,
    nothing,
    people_and_places,
    somebody,
    something_held,
    to_close,
    to_compare,
    to_conclude,
    to_export,
    to_extend,
    to_mask,
    to_match,
    to_measure,
    to_register,
    to_resolve,
    to_review,
    to_withdraw,
    to_withhold,
    two_alike,
)

from backend import auth
from backend.app import create_app, door, require_guards
from backend.settings import Settings

OWN, FOREIGN = "330102", "440305"


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
    ("POST", "/office/inspections/{inspection_id}/replaced/{n}/withholding"): Row(
        OFFICERS, to_withhold
    ),
    ("GET", "/office/inspections/{inspection_id}/photos/{sha256}"): Row(ANY, a_photo, (400,)),
    ("POST", "/office/inspections/{inspection_id}/photos/{sha256}/masks"): Row(
        REVIEWER, to_mask, (400,)
    ),
    ("GET", "/office/inspections/{inspection_id}/contact-sheet"): Row(ANY, an_inspection, (409,)),
    ("GET", "/office/orders"): Row(ANY, an_order, (200,), "hidden"),
    ("GET", "/office/orders/{order_id}"): Row(ANY, an_order),
    ("POST", "/office/orders/{order_id}/extensions"): Row(SUPERVISOR, to_extend),
    ("POST", "/office/orders/{order_id}/closings"): Row(SUPERVISOR, to_close),
    ("POST", "/office/proofs"): Row(SUPERVISOR, a_document, (201,), "same"),
    ("GET", "/office/proofs/{sha256}"): Row(ANY, a_proof, (404,), "hidden"),
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
