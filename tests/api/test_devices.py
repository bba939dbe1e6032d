"""Devices as the office sees them: invited, listed, revoked, their log read."""

from conftest import Clock, Office
from rows import inspector

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
