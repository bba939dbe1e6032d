"""Devices as the office sees them: invited, listed, revoked, their log read."""

import held
import phones
from conftest import NOW, Clock, Office
from rows import inspector, put
from simulation.app_hub import AppHub
from simulation.world import Newer

from backend import db
from backend.tables import Blob, Seat, Task
from sync import codec


async def invited(office: Office, clock: Clock) -> tuple[str, str]:
    """Invite one inspector's device and enrol it; give its id and the certificate."""
    supervisor = await office.officer("supervisor", "33")
    person = await inspector(office, "330106")
    told = {"certificate": person.certificate}
    code = (await supervisor.post("/office/devices/invites", json=told)).json()["code"]
    nobody = await office.client()
    key = codec.public_key(codec.new_key())
    enrolled = await nobody.post("/device/enrol", json={"code": code, "public_key": key})
    return enrolled.json()["device"], person.certificate


async def test_a_device_is_invited_enrolled_and_listed(office: Office, clock: Clock) -> None:
    device, certificate = await invited(office, clock)
    reviewer = await office.officer("reviewer", "3301")

    listed = (await reviewer.get("/office/devices")).json()

    assert [(one["id"], one["certificate"]) for one in listed] == [(device, certificate)]


async def test_a_revoked_device_stays_revoked_since_its_first_revocation(
    office: Office, clock: Clock
) -> None:
    device, _ = await invited(office, clock)
    supervisor = await office.officer("supervisor", "33")
    first = (await supervisor.post(f"/office/devices/{device}/revoke")).json()
    clock.advance(hours=1)

    again = (await supervisor.post(f"/office/devices/{device}/revoke")).json()

    assert first["revoked_at"] is not None
    assert again["revoked_at"] == first["revoked_at"]


async def test_a_device_that_is_not_there_is_refused_by_name(office: Office) -> None:
    supervisor = await office.officer("supervisor", "33")

    answers = [
        await supervisor.post("/office/devices/nowhere/revoke"),
        await supervisor.get("/office/devices/nowhere/log"),
    ]

    assert [one.status_code for one in answers] == [404, 404]
    assert {one.json()["code"] for one in answers} == {"device.not-found"}
    assert {one.json()["details"]["device"] for one in answers} == {"nowhere"}


async def test_an_inspector_who_is_not_there_gets_no_code(office: Office) -> None:
    supervisor = await office.officer("supervisor", "33")

    answer = await supervisor.post("/office/devices/invites", json={"certificate": "33-0"})

    assert answer.json()["code"] == "inspector.not-found"


async def test_devices_and_logs_of_a_foreign_division_are_not_shown(
    office: Office, clock: Clock
) -> None:
    device, _ = await invited(office, clock)
    foreigner = await office.officer("reviewer", "44")

    listed = await foreigner.get("/office/devices")
    log = await foreigner.get(f"/office/devices/{device}/log")

    assert listed.json() == []
    assert log.json()["code"] == "auth.division-forbidden"


# -- what is outstanding -------------------------------------------------------------------------


async def seat(office: Office, hub: AppHub, who: str) -> None:
    """Dispatch the task to one of its inspectors by name."""
    async with db.transaction(office.engine) as session:
        task = await session.get_one(Task, phones.TASK)
        task.dispatched_at = office.clock()
        session.add(task)
        session.add(
            Seat(
                task_id=task.id, inspector_id=hub.ids[who], department="食品科", position="lead",
                checklist_digest=task.checklist_digest,
            )
        )  # fmt: skip


async def test_the_list_says_what_is_known_not_to_have_come(office: Office) -> None:
    hub = await held.opened(office)
    await seat(office, hub, "lead")
    phone = await phones.Phone(hub, "lead").enrol()
    reviewer = await office.officer("reviewer", "33")
    before = await held.listed(reviewer, "/office/devices")
    phone.attach("ab" * 32, 1234)
    phone.attach("cd" * 32, 99)
    phone.replica.record(phones.TASK, lambda stamp: Newer(hint="x", **stamp))
    await phone.sync()
    await put(office, Blob(sha256="cd" * 32, size=99, mime="image/jpeg", stored_at=NOW))

    (after,) = await held.listed(reviewer, "/office/devices")

    told = ("operations", "files_missing", "parked", "held_back", "forked", "tasks", "untouched")
    assert [before[0][name] for name in told] == [0, 0, 0, 0, 0, 1, 1]
    assert [after[name] for name in told] == [3, 1, 1, 0, 0, 1, 0]
    assert after["head_hash"] == phone.store.log(3, 1)[0].hash


async def test_a_revoked_device_keeps_the_end_that_its_chain_had_at_that_moment(
    office: Office,
) -> None:
    hub = await held.opened(office)
    phone = await phones.Phone(hub, "lead").enrol()
    phone.answer("pass")
    await phone.sync()
    await hub.revoke(phone.id)
    phone.answer("fail")
    await phone.sync()
    await hub.revoke(phone.id)
    reviewer = await office.officer("reviewer", "33")

    (one,) = await held.listed(reviewer, "/office/devices")

    assert (one["revoked_n"], one["operations"], one["held_back"]) == (1, 2, 1)
    assert one["revoked_hash"] == phone.store.log(1, 1)[0].hash


async def test_the_report_of_a_loss_revokes_and_names_what_never_came(office: Office) -> None:
    hub = await held.opened(office)
    await seat(office, hub, "lead")
    phone = await phones.Phone(hub, "lead").enrol()
    phone.attach("ab" * 32, 1234)
    await phone.sync()
    phone.answer("fail")  # never sent, so nobody here can know
    supervisor = await office.officer("supervisor", "33")

    report = await held.told(supervisor, f"/office/devices/{phone.id}/loss", {})

    assert report["device"]["revoked_at"] is not None
    assert (report["device"]["revoked_n"], report["device"]["operations"]) == (1, 1)
    assert [(one["id"], one["recorded"]) for one in report["tasks"]] == [(phones.TASK, 1)]
    assert [(one["sha256"], one["size"], one["n"]) for one in report["missing"]] == [
        ("ab" * 32, 1234, 1)
    ]
    assert f"i:{phones.TASK}" in report["buckets"]
    assert len(await held.acts(office, "device.lost")) == 1


async def test_a_loss_reported_twice_is_revoked_once(office: Office) -> None:
    hub = await held.opened(office)
    phone = await phones.Phone(hub, "lead").enrol()
    supervisor = await office.officer("supervisor", "33")

    first = await held.told(supervisor, f"/office/devices/{phone.id}/loss", {})
    again = await held.told(supervisor, f"/office/devices/{phone.id}/loss", {})

    assert first["device"] == again["device"]
    assert len(await held.acts(office, "device.revoke")) == 1
    assert first["tasks"] == []
