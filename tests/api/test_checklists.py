"""检查表定版: released once, never changed, readable by everyone at the office."""

from pathlib import Path

from conftest import Office
from sqlmodel import select

from backend import db
from backend.tables import Act
from sync.checklist import Checklist, digest, load, parse

FOLDER = Path(__file__).parents[2] / "fixtures" / "checklists"
FOOD = (FOLDER / "food_sales.toml").read_text("utf-8")
COLD = (FOLDER / "cold_store.toml").read_text("utf-8")


async def test_a_checklist_is_released_once_under_its_digest(office: Office) -> None:
    admin = await office.officer("admin", "330106")

    first = await admin.post("/office/checklists", json={"toml": FOOD})
    again = await admin.post("/office/checklists", json={"toml": "# a remark\n" + FOOD})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["digest"] == digest(parse(FOOD.encode()))
    async with db.transaction(office.engine, write=False) as session:
        verbs = list(await session.exec(select(Act.verb)))
    assert verbs == ["checklist.release"]


async def test_a_version_cannot_be_released_with_other_content(office: Office) -> None:
    admin = await office.officer("admin")
    released = await admin.post("/office/checklists", json={"toml": FOOD})

    other = FOOD.replace('maximum = "8"', 'maximum = "10"')
    refused = await admin.post("/office/checklists", json={"toml": other})
    newer = await admin.post(
        "/office/checklists", json={"toml": other.replace('"2026.1"', '"2026.2"')}
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "checklist.taken")
    assert refused.json()["details"]["released"] == released.json()["digest"]
    assert newer.status_code == 201


async def test_an_invalid_checklist_is_refused_with_line_and_field(office: Office) -> None:
    admin = await office.officer("admin")
    line = FOOD.splitlines().index('ref = "3.10"') + 1

    answer = await admin.post(
        "/office/checklists", json={"toml": FOOD.replace('ref = "3.10"', "ref = 3.10")}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "checklist.invalid")
    assert answer.json()["details"]["line"] == line
    assert answer.json()["details"]["field"] == "sections[2].items[6].ref"


async def test_released_checklists_are_listed_and_shown_by_digest_or_code(office: Office) -> None:
    admin = await office.officer("admin")
    reviewer = await office.officer("reviewer", "330106")
    for toml in (FOOD, COLD):
        await admin.post("/office/checklists", json={"toml": toml})

    listed = (await reviewer.get("/office/checklists")).json()
    by_code = await reviewer.get("/office/checklists/cold-store-daily")
    by_digest = await reviewer.get(f"/office/checklists/{listed[1]['digest']}")
    missing = await reviewer.get("/office/checklists/nothing")
    forbidden = await reviewer.post("/office/checklists", json={"toml": FOOD})

    assert [one["code"] for one in listed] == ["cold-store-daily", "food-sales-daily"]
    cold: Checklist = load(by_code.content)
    assert cold == parse(COLD.encode())
    assert load(by_digest.content) == parse(FOOD.encode())
    assert (missing.status_code, missing.json()["code"]) == (404, "checklist.not-found")
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "auth.role-forbidden")
