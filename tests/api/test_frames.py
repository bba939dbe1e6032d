"""Who can be drawn and who not, with the reason and its evidence, on both databases."""

import gzip
from base64 import b64decode
from collections import Counter
from datetime import date
from typing import Any

import pytest
from conftest import NOW, Clock, Office
from httpx import AsyncClient
from rows import put, revision
from sqlmodel import col, select

from backend import db
from backend.rules import frame as lines
from backend.rules.verification import verify
from backend.tables import (
    Checklist,
    Conclusion,
    Department,
    Establishment,
    Inspector,
    Licence,
    Listing,
    Member,
    Seat,
    Task,
)

DIGITS = "31415926535897932384"
CODES = [f"91310101{n:010d}" for n in range(1, 31)]
PLAN = {
    "title": "食品安全抽查",
    "division": "310101",
    "checklists": {"*": "food"},
    "opens_on": "2026-03-09",
    "closes_on": "2026-03-31",
    "rate": [1, 5],
}


@pytest.fixture
async def bureau(office: Office) -> None:
    """Thirty shops, eight market and four fire inspectors, two checklists, and what else is known.

    Of the shops 1 is suspended, 2 merged into 3, 4 and 5 key objects, 6 and 7 on credit lists.
    """
    known = revision("establishments")
    lists = [
        Checklist(
            digest=letter * 64, code=code, version="1", title_en=code, title_zh=code,
            body=f'{{"code":"{code}"}}', released_at=NOW,
        )
        for letter, code in (("a", "food"), ("b", "fire"))
    ]  # fmt: skip
    shops = [
        Establishment(
            code=code, name=f"第{n}店", category="shop" if n % 2 else "market",
            division="310101001" if n % 3 else "310101002", risk="ABCD"[n % 4],
            status="suspended" if n == 1 else "active", key_object=n in (4, 5),
            successor_code=CODES[2] if n == 2 else "", revision_id=known.id,
        )
        for n, code in enumerate(CODES, start=1)
    ]  # fmt: skip
    people = [
        Inspector(
            certificate=f"{name}{n:02d}", name=f"{name}{n}", department=name, division="310101",
            cap=30, valid_from=date(2024, 1, 1), valid_to=date(2028, 1, 1), revision_id=known.id,
        )
        for name, count in (("市监", 8), ("消防", 4))
        for n in range(1, count + 1)
    ]  # fmt: skip
    listed = [
        Listing(code=CODES[5], kind="abnormal", listed_on=date(2025, 1, 1), revision_id=known.id),
        Listing(code=CODES[6], kind="serious", listed_on=date(2025, 1, 1), revision_id=known.id),
        Listing(code=CODES[6], kind="abnormal", listed_on=date(2025, 1, 1), revision_id=known.id),
        Listing(
            code=CODES[7], kind="abnormal", listed_on=date(2025, 1, 1),
            removed_on=date(2026, 3, 2), revision_id=known.id,
        ),
        Listing(code=CODES[8], kind="abnormal", listed_on=date(2026, 3, 3), revision_id=known.id),
    ]  # fmt: skip
    licences = [
        Licence(number="L1", code=CODES[9], kind="food-operation", scope="热食类", valid_to=end,
                revision_id=known.id)
        for end in (date(2026, 3, 2),)
    ] + [
        Licence(number="L2", code=CODES[10], kind="food-operation", valid_to=date(2026, 3, 1),
                revision_id=known.id),
        Licence(number="L3", code=CODES[11], kind="pharmacy", scope="热食类、冷食类",
                revision_id=known.id),
    ]  # fmt: skip
    departments = [
        Department(name="区局", division="310101", revision_id=known.id),
        Department(name="第二所", division="310101002", revision_id=known.id),
    ]
    await put(office, known, *lists, *shops, *people, *listed, *licences, *departments)


@pytest.fixture
async def supervisor(office: Office, bureau: None) -> AsyncClient:
    return await office.officer("supervisor", "310101")


async def plan(client: AsyncClient, scheme: dict[str, Any] | None = None, **changes: Any) -> Any:
    answer = await client.post("/office/plans", json=PLAN | {"scheme": scheme or {}} | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def drawn(office: Office, client: AsyncClient, plan_id: str) -> str:
    """Hold the plan's draw and name it."""
    order = {"dice": [{"ceremony": "hall"}]}
    made = await client.post(f"/office/plans/{plan_id}/draws", json=order)
    assert made.status_code == 201, made.text
    draw_id = str(made.json()["id"])
    second = await office.officer("supervisor")
    what = {"source": "dice:hall", "value": DIGITS}
    await second.post(f"/office/draws/{draw_id}/typings", json=what)
    held = await client.post(
        f"/office/draws/{draw_id}/hold", json={"digits": {"dice:hall": DIGITS}}
    )
    assert held.status_code == 200, held.text
    return draw_id


async def bundle_of(client: AsyncClient, draw_id: str) -> dict[str, bytes]:
    names = (await client.get(f"/office/draws/{draw_id}")).json()["files"]
    return {
        name: (await client.get(f"/office/draws/{draw_id}/files/{name}")).content for name in names
    }


def frame(files: dict[str, bytes]) -> dict[str, list[str]]:
    lines = gzip.decompress(files["frame.tsv.gz"]).decode().splitlines()
    return {line.split("\t")[0]: line.split("\t") for line in lines}


def lots(files: dict[str, bytes]) -> set[str]:
    lines = files["selection.tsv"].decode().splitlines()
    return {line.split("\t")[2] for line in lines if line.endswith("\tP")}


def reasons(made: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for stratum in made["preview"]:
        counts["E"] += stratum["eligible"]
        counts.update(stratum["excluded"])
    return +counts


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({}, {"E": 28}),
        ({"scope": {"key": "only"}}, {"E": 2, "X06-not-key": 26}),
        ({"scope": {"key": "elsewhere"}}, {"E": 26, "X05-key-object": 2}),
        ({"scope": {"credit": ["abnormal"]}}, {"E": 1, "X06-not-of-credit": 27}),
        ({"scope": {"credit": ["abnormal", "serious"]}}, {"E": 2, "X06-not-of-credit": 26}),
        ({"scope": {"credit": ["none"]}}, {"E": 26, "X06-not-of-credit": 2}),
        ({"scope": {"products": ["热食类"]}}, {"E": 2, "X06-not-of-product": 26}),
        ({"scope": {"products": ["food-operation"]}}, {"E": 1, "X06-not-of-product": 27}),
        ({"scope": {"risks": ["D"]}}, {"E": 7, "X06-not-of-risk": 21}),
        ({"scope": {"categories": ["market"]}}, {"E": 14, "X06-not-of-category": 14}),
        (
            {"exemptions": [{"code": CODES[9], "reason": "X07", "authority": "文〔2026〕1号"}]},
            {"E": 27, "X07-named": 1},
        ),
    ],
)
async def test_a_directed_plan_shows_whom_it_leaves_out_and_why(
    supervisor: AsyncClient, scheme: dict[str, Any], expected: dict[str, int]
) -> None:
    made = await plan(supervisor, scheme)

    always = {"X01-suspended": 1, "X01-merged": 1}
    assert reasons(made) == expected | always
    assert made["directed"] == ("scope" in scheme)


async def test_a_frame_is_the_same_whatever_is_remembered_of_objects_that_are_alike(
    supervisor: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = {
        "strata": ["department"],
        "scope": {"products": ["热食类"], "credit": ["none", "serious"], "key": "elsewhere"},
        "exemptions": [{"code": CODES[11], "reason": "X07", "authority": "文〔2026〕1号"}],
    }
    usual = await plan(supervisor, scheme)
    frozen = (await supervisor.get(f"/office/plans/{usual['id']}/rehearsal")).json()["frame"]

    monkeypatch.setattr(lines, "ALIKE_MAX", 0)
    monkeypatch.setattr(lines, "BLOCK", 7)
    made = await plan(supervisor, scheme)
    again = (await supervisor.get(f"/office/plans/{made['id']}/rehearsal")).json()["frame"]

    assert made["preview"] == usual["preview"]
    assert gzip.decompress(b64decode(again)) == gzip.decompress(b64decode(frozen))


async def test_a_size_is_of_one_object_and_not_of_those_that_are_alike(
    supervisor: AsyncClient,
) -> None:
    made = await plan(supervisor, {"sizes": {CODES[14]: 9}})

    frozen = (await supervisor.get(f"/office/plans/{made['id']}/rehearsal")).json()["frame"]
    rows = [row.split("\t") for row in gzip.decompress(b64decode(frozen)).decode().splitlines()]
    weights = {row[0]: row[2] for row in rows}
    assert weights == dict.fromkeys(CODES, "1") | {CODES[14]: "9"}


@pytest.mark.parametrize("field", ["code", "category"])
async def test_a_register_with_control_characters_is_not_frozen(
    office: Office, supervisor: AsyncClient, field: str
) -> None:
    facts = {"code": "E1", "category": "shop"}
    known = revision("establishments")
    shops = [
        Establishment(name="店", division="310101", revision_id=known.id, **one)
        for one in ({"code": "D", "category": "shop"}, facts | {field: "E\u001fb"})
    ]
    await put(office, known, *shops)

    answer = await supervisor.post("/office/plans", json=PLAN)

    assert (answer.status_code, answer.json()["code"]) == (400, "text.not-canonical")


async def test_every_line_that_is_excluded_names_its_evidence_and_the_bundle_proves_itself(
    office: Office, supervisor: AsyncClient
) -> None:
    exempt = {"code": CODES[9], "reason": "X07", "authority": "文〔2026〕1号"}
    made = await plan(
        supervisor,
        {
            "scope": {"key": "elsewhere", "products": ["热食类", "food-operation"]},
            "strata": ["risk", "credit", "division:9", "department"],
            "weights": [{"by": "credit", "values": ["serious"], "weight": 3}],
            "sizes": {CODES[11]: 40},
            "exemptions": [exempt],
        },
        rate=[1, 1],
    )

    files = await bundle_of(supervisor, await drawn(office, supervisor, made["id"]))

    lines = frame(files)
    assert all(step.ok for step in verify(files)), verify(files)
    assert all(line[-1] for line in lines.values() if line[3] == "X")
    assert lines[CODES[9]][4] == "X07-named"
    assert lines[CODES[9]][-1] == "文〔2026〕1号"
    assert lines[CODES[1]][-1] == f"successor:{CODES[2]}"
    assert lines[CODES[11]][2] == "40"
    assert lines[CODES[11]][1] == "A/none/310101002/%E7%AC%AC%E4%BA%8C%E6%89%80"
    assert lots(files) == {CODES[11]}


async def test_who_was_drawn_within_the_window_by_anyone_is_not_drawn_again(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    first = await bundle_of(
        supervisor, await drawn(office, supervisor, (await plan(supervisor))["id"])
    )
    rule = {"exclusion": {"window_days": 30}}

    clock.advance(days=30)
    province = await office.officer("supervisor", "31")
    second = await plan(province, rule, opens_on="2026-04-09", closes_on="2026-04-30")
    files = await bundle_of(province, await drawn(office, province, second["id"]))
    clock.advance(days=1)
    province = await office.officer("supervisor", "31")
    later = await plan(province, rule, opens_on="2026-04-09", closes_on="2026-04-30")

    out = {code: line for code, line in frame(files).items() if line[4] == "X08-drawn"}
    assert out.keys() == lots(first)
    assert {line[-1] for line in out.values()} == {"310101#1"}
    assert not lots(files) & lots(first)
    assert all(step.ok for step in verify(files))
    assert reasons(later)["X08-drawn"] == len(lots(files))


async def test_the_visits_of_a_year_are_capped_over_all_agencies(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    province = await office.officer("supervisor", "31")
    seen: Counter[str] = Counter()
    for client in (province, supervisor):
        made = await plan(client, rate=[1, 1])
        seen.update(lots(await bundle_of(client, await drawn(office, client, made["id"]))))

    twice = await supervisor.post(
        "/office/plans", json=PLAN | {"scheme": {"exclusion": {"annual_cap": 2}}}
    )
    thrice = await plan(supervisor, {"exclusion": {"annual_cap": 3}})
    clock.advance(days=365)
    again = await office.officer("supervisor", "310101")
    next_year = await plan(
        again, {"exclusion": {"annual_cap": 2}}, opens_on="2027-03-09", closes_on="2027-03-31"
    )

    assert set(seen.values()) == {2}
    assert twice.json()["code"] == "plan.too-many-sites"
    assert (reasons(thrice)["E"], reasons(next_year)["E"]) == (28, 28)


async def test_what_a_superior_inspected_within_three_months_is_left_alone(
    office: Office, supervisor: AsyncClient, clock: Clock
) -> None:
    province = await office.officer("supervisor", "31")
    made = await plan(province, rate=[1, 10])
    found = lots(await bundle_of(province, await drawn(office, province, made["id"])))
    chief = await office.account("reviewer", "31")
    async with db.transaction(office.engine) as session:
        for task in await session.exec(select(Task)):
            session.add(
                Conclusion(
                    inspection_id=task.id, digest="0" * 64, outcome="pass", computed="{}",
                    concluded_by=chief.id, concluded_at=NOW, result="none-found",
                )
            )  # fmt: skip
    rule = {"exclusion": {"superior_months": 3}}

    same = await plan(supervisor, rule)
    other_item = await plan(supervisor, rule, checklists={"*": "fire"})
    own = await plan(province, rule)
    clock.advance(days=92)
    on_the_day = await plan(await office.officer("supervisor", "310101"), rule)
    clock.advance(days=1)
    after = await plan(await office.officer("supervisor", "310101"), rule)

    assert reasons(same)["X03-superior"] == len(found) > 0
    assert reasons(on_the_day)["X03-superior"] == len(found)
    for free in (other_item, own, after):
        assert "X03-superior" not in reasons(free)


async def test_the_batches_of_a_campaign_visit_everybody_once_and_are_listed_in_it(
    office: Office, supervisor: AsyncClient
) -> None:
    campaign = await plan(supervisor, title="专项行动")
    seen: list[str] = []
    for batch in (1, 2, 3, 4):
        visits = {"per_year": [1, 1], "batches": 4, "batch": batch}
        scheme = {"quotas": [{"where": {}, "visits": visits}]}
        made = await plan(supervisor, scheme, parent=campaign["id"], title=f"第{batch}批")
        files = await bundle_of(supervisor, await drawn(office, supervisor, made["id"]))
        assert all(step.ok for step in verify(files))
        seen += lots(files)

    shown = (await supervisor.get(f"/office/plans/{campaign['id']}")).json()
    free = await plan(supervisor, parent=campaign["id"], minimum=0, scheme={"quotas": [
        {"where": {}, "visits": {"per_year": [1, 1], "batches": 4, "batch": 5}}]})  # fmt: skip
    shut = await supervisor.post("/office/plans", json=PLAN | {"parent": campaign["id"]})

    assert sorted(seen) == [code for n, code in enumerate(CODES) if n > 1]
    assert [(one["title"], one["status"]) for one in shown["nested"]] == [
        (f"第{batch}批", "drawn") for batch in (1, 2, 3, 4)
    ]
    assert sum(one["sites"] for one in shown["nested"]) == 28
    assert reasons(free)["E"] == 28
    assert shut.json()["code"] == "plan.too-many-sites"  # everybody was drawn in this campaign


async def test_a_joint_plan_sends_every_department_with_its_own_list(
    office: Office, supervisor: AsyncClient
) -> None:
    partner = {
        "department": "消防", "matter": "消防安全", "checklists": {"*": "fire"},
        "seats": [{"name": "1成员"}, {"name": "2成员"}, {"name": "3成员"}],
    }  # fmt: skip
    made = await plan(
        supervisor, {"department": "市监", "matter": "食品安全", "partners": [partner]}
    )

    files = await bundle_of(supervisor, await drawn(office, supervisor, made["id"]))
    tasks = (await supervisor.get(f"/office/plans/{made['id']}/tasks")).json()
    await supervisor.post(f"/office/plans/{made['id']}/dispatch")

    assert all(step.ok for step in verify(files))
    for task in tasks:
        seats = [(one["department"], one["position"], one["checklist"][0]) for one in task["seats"]]
        assert seats == [
            ("市监", "1主办", "a"), ("市监", "2协办", "a"),
            ("消防", "1成员", "b"), ("消防", "2成员", "b"), ("消防", "3成员", "b"),
        ]  # fmt: skip
        assert len({one["inspector"]["id"] for one in task["seats"]}) == 5
        assert all(
            one["inspector"]["certificate"].startswith(one["department"]) for one in task["seats"]
        )
        assert task["lead"] == task["seats"][0]["inspector"]
        assert task["second"] == task["seats"][1]["inspector"]
    async with db.transaction(office.engine, write=False) as session:
        sent = set(await session.exec(select(Member.inspector_id).where(
            col(Member.bucket).startswith("i:"))))  # fmt: skip
        seated = set(await session.exec(select(Seat.inspector_id)))
    assert sent == seated


@pytest.mark.parametrize(
    ("scheme", "changes", "code", "field"),
    [
        ({"rounding": "floor"}, {"rate": [1, 100], "minimum": 0}, "plan.draws-nobody", ""),
        ({"rounding": "hamilton", "total": 29}, {}, "plan.too-many-sites", ""),
        (
            {"rounding": "hamilton", "total": 3, "strata": ["risk"]}, {"minimum": 2},
            "plan.scheme-wrong", "total",
        ),
        ({"partners": [{"department": "消防", "checklists": {"*": "fire"}}]}, {},
         "plan.scheme-wrong", "department"),
        ({"seats": [{"name": "1主办"}]}, {}, "plan.scheme-wrong", "seats"),
        (
            {"quotas": [{"where": {}, "visits": {"per_year": [2, 1], "batches": 3, "batch": 1}}]},
            {}, "plan.scheme-wrong", "quotas[0].visits",
        ),
        (
            {"quotas": [{"where": {}, "visits": {"per_year": [1, 1], "batches": 4, "batch": 2}}]},
            {}, "plan.scheme-wrong", "quotas",
        ),
        ({"quotas": [{"where": {}}]}, {}, "plan.scheme-wrong", "quotas[0]"),
        ({"weights": [{"by": "x", "values": [], "weight": 2}]}, {}, "plan.scheme-wrong",
         "weights[0].by"),
        ({"scope": {"categories": ["a\u0007"]}}, {}, "text.not-canonical", ""),
        ({}, {"parent": "none"}, "plan.not-found", ""),
        ({"scope": {"colour": 1}}, {}, "body.invalid", ""),
    ],
)  # fmt: skip
async def test_a_scheme_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    supervisor: AsyncClient, scheme: dict[str, Any], changes: dict[str, Any], code: str, field: str
) -> None:
    answer = await supervisor.post("/office/plans", json=PLAN | {"scheme": scheme} | changes)

    assert answer.json()["code"] == code, answer.text
    assert answer.json()["details"].get("field", "") == field or code == "body.invalid"
