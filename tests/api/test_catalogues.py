"""违法行为清单: releasing catalogues, and the newest on every device, on both databases."""

from conftest import Clock, Office
from phones import enrolled
from rows import CATALOGUE, inspector
from simulation.app_hub import AppHub

from sync import violations

TOML = CATALOGUE.read_text("utf-8")
NEXT = TOML.replace('version = "2026.1"', 'version = "2026.2"').replace(
    "未按规定明码标价", "未明码标价"
)


async def test_the_newest_release_is_on_every_device_in_the_place_of_the_older(
    office: Office, clock: Clock
) -> None:
    hub = AppHub(office)
    await hub.open()
    admin = await office.officer("admin")
    first, second = [(await inspector(office, "330102")).id for _ in range(2)]
    early = await enrolled(hub, first)

    released = await admin.post("/office/catalogues", json={"toml": TOML})
    again = await admin.post("/office/catalogues", json={"toml": TOML})
    await early.sync()
    late = await enrolled(hub, second)
    held = [[row.id for row in one.store.rows("catalogue")] for one in (early, late)]
    clock.advance(minutes=1)
    newer = await admin.post("/office/catalogues", json={"toml": NEXT})
    await early.sync()
    after = {row.id: violations.load(row.body) for row in early.store.rows("catalogue")}

    assert released.status_code == again.status_code == 201
    assert released.json() == again.json()
    assert held == [[released.json()["digest"]]] * 2
    assert list(after) == [newer.json()["digest"]]
    assert violations.pick(after, "price-01").violation.text.zh == "未明码标价"


async def test_a_version_is_released_once_and_a_wrong_file_is_refused_at_its_line(
    office: Office, clock: Clock
) -> None:
    admin = await office.officer("admin")
    await admin.post("/office/catalogues", json={"toml": TOML})

    taken = await admin.post("/office/catalogues", json={"toml": TOML.replace("明码标价", "标价")})
    wrong = await admin.post("/office/catalogues", json={"toml": TOML.replace("minor", "mild")})
    missing = await admin.get("/office/catalogues/nobody")
    clock.advance(minutes=1)
    newest = await admin.post("/office/catalogues", json={"toml": NEXT})
    listed = (await admin.get("/office/catalogues")).json()
    shown = (await admin.get("/office/catalogues/market-supervision")).json()
    older = (await admin.get(f"/office/catalogues/{listed[0]['digest']}")).json()

    assert (taken.status_code, taken.json()["code"]) == (409, "catalogue.version-taken")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "catalogue.invalid")
    assert wrong.json()["details"]["field"].endswith("severity")
    assert (missing.status_code, missing.json()["code"]) == (404, "catalogue.not-found")
    assert newest.json()["version"] == "2026.2"
    assert {one["version"] for one in listed} == {"2026.1", "2026.2"}
    assert shown["version"] == listed[0]["version"] == older["version"] == "2026.2"
