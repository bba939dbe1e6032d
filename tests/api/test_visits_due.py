"""年度检查频次: who is due how many visits, who had how many, and how a class came about."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
import rows
from conftest import NOW, Office

from backend.tables import (
    Conclusion,
    Establishment,
    Inspection,
    Inspector,
    Measure,
    Task,
)
from backend.work import risk_classes
from sync.checklist import parse
from sync.merge import Inspection as State
from sync.verdict import judge

DIVISION = "340104"  # 安徽: class A once in two years, C twice, D three times a year


async def place(office: Office, code: str, risk: str, **more: Any) -> Establishment:
    batch = rows.revision("establishments")
    row = Establishment(
        code=code, name=f"{code}号店", category="catering", division=DIVISION, risk=risk,
        revision_id=batch.id, **more,
    )  # fmt: skip
    await rows.put(office, batch, row)
    return row


class Visits:
    """Visits that were made, and what was concluded of them."""

    def __init__(self, office: Office, checklist: str, pair: tuple[Inspector, Inspector]) -> None:
        self.office, self.checklist, self.pair = office, checklist, pair

    async def make(
        self,
        site: Establishment,
        opens_on: date,
        *,
        origin: str = "ad-hoc",
        result: str = "",
        failed: tuple[int, int] = (0, 0),
        case: bool = False,
        approved: bool = True,
        graded: bool = True,
    ) -> None:
        lead, second = self.pair
        task = Task(
            establishment_id=site.id, checklist_digest=self.checklist, place=0, lead_id=lead.id,
            second_id=second.id, opens_on=opens_on, closes_on=opens_on + timedelta(days=9),
            origin=origin, agency=DIVISION,
        )  # fmt: skip
        sent = datetime.combine(opens_on, NOW.timetz()) + timedelta(days=90)  # sent late
        done = Inspection(id=task.id, operations=3, digest="0" * 64, updated_at=sent)
        await rows.put(self.office, task, done)
        if result:
            form = parse((rows.FIXTURES / "checklists" / "cold_store.toml").read_bytes())
            verdict = msgspec.structs.replace(
                judge(form, State()),
                key_failed=failed[0],
                general_failed=failed[1],
                outcome="basic" if graded else "remedied",
                graded=graded,
            )
            officer = await rows.account(self.office, DIVISION)
            row = Conclusion(
                inspection_id=task.id, digest="0" * 64, outcome=verdict.outcome, result=result,
                computed=msgspec.json.encode(verdict).decode(), concluded_by=officer.id,
                concluded_at=datetime.combine(opens_on, NOW.timetz()), approved=approved,
            )  # fmt: skip
            await rows.put(self.office, row)
        if case:
            filed = Measure(
                inspection_id=task.id, kind="case", reference="9", opened_on=opens_on, at=NOW
            )
            await rows.put(self.office, filed)


async def visits(office: Office) -> Visits:
    pair = await rows.inspector(office, DIVISION), await rows.inspector(office, DIVISION)
    return Visits(office, await rows.checklist(office), pair)


async def asked(office: Office, **params: Any) -> Any:
    client = await office.officer("reviewer", DIVISION[:4])
    answer = await client.get("/office/visits-due", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_visits_and_places_are_counted_apart_by_class_and_year(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(risk_classes, "BLOCK", 2)
    made = await visits(office)
    a1, a2, c1, d1 = [await place(office, code, code[0]) for code in ("A1", "A2", "C1", "D1")]
    await place(office, "D9", "D", status="cancelled")
    await place(office, "D8", "D", successor_code="D1")
    await made.make(a1, date(2025, 12, 1))  # sent in March, done in December
    await made.make(a2, date(2024, 11, 1))
    await made.make(c1, date(2026, 1, 5))
    await made.make(d1, date(2026, 1, 5))
    await made.make(d1, date(2026, 2, 5), origin="complaint")
    await made.make(d1, date(2026, 2, 9), origin="guidance")

    page = await asked(office)
    owed = await asked(office, owing=True, limit=2)
    rest = await asked(office, owing=True, limit=2, after=owed["after"])

    assert (page["division"], page["year"]) == ("3401", 2026)
    assert "安徽" in page["source"]["zh"]
    sums = {one.pop("risk"): tuple(one.values()) for one in page["sums"]}
    names = ("establishments", "visited", "due", "visits", "owing")
    assert tuple(page["sums"][0]) == names
    assert sums == {"A": (2, 0, 1, 0, 1), "B": (0,) * 5, "C": (1, 1, 2, 1, 1), "D": (1, 1, 3, 2, 1)}
    shown = [
        (one["code"], one["visits_min"], one["visits_max"], one["visits"], one["owing"])
        for one in page["rows"]
    ]
    assert shown == [
        ("A1", 0, None, 0, 0), ("A2", 1, None, 0, 1), ("C1", 2, None, 1, 1), ("D1", 3, None, 2, 1),
    ]  # fmt: skip
    assert [one["code"] for one in owed["rows"] + rest["rows"]] == ["A2", "C1", "D1"]
    assert (owed["after"], rest["after"]) == ("C1", "")


async def test_what_the_records_make_of_a_class_is_shown_and_changes_nothing(
    office: Office,
) -> None:
    made = await visits(office)
    failing = await place(office, "B1", "B", risk_source="区局 2026", credit_class="C")
    clean, refusing = (
        await place(office, "B2", "B", credit_class="A"),
        await place(office, "B3", "A"),
    )
    await place(office, "B4", "B")
    await made.make(failing, date(2025, 6, 1), result="ordered", failed=(2, 2), case=True)
    await made.make(failing, date(2025, 7, 1), result="ordered", failed=(1, 1), case=True)
    for year in (2024, 2025, 2026):
        await made.make(clean, date(year, 1, 7), result="none-found")
    await made.make(refusing, date(2025, 5, 1), result="obstructed")

    page = await asked(office)

    told = {one["code"]: (one["risk"], one["source"], one["record"]) for one in page["rows"]}
    case = {"en": "Two or more cases filed within a year", "zh": "一年内立案两次及以上"}
    assert told["B1"] == (
        "B", "区局 2026",
        {"static": 25, "dynamic": 14, "credit": 14, "points": 53, "by_points": "C", "risk": "D",
         "reasons": [case]},
    )  # fmt: skip
    assert told["B2"][2]["by_points"] == told["B2"][2]["risk"] == "A"
    assert told["B2"][2]["reasons"][0]["zh"] == "连续三年受检且未发现问题"
    assert (told["B3"][2]["by_points"], told["B3"][2]["risk"]) == ("B", "C")
    assert told["B4"] == ("B", "", None)


async def test_a_recheck_that_grades_nothing_neither_lowers_a_class_nor_stands_for_a_clean_year(
    office: Office,
) -> None:
    made = await visits(office)
    mended, lucky = [await place(office, f"B{n}", "B") for n in (1, 2)]
    await made.make(mended, date(2025, 6, 1), result="ordered", failed=(2, 2))
    before = await asked(office)
    await made.make(mended, date(2025, 7, 1), result="none-found", graded=False)
    for year in (2024, 2025, 2026):
        day = date(year, 1, 7)
        await made.make(lucky, day, result="none-found", graded=year != 2026)

    page = await asked(office)

    was = {one["code"]: one["record"] for one in before["rows"]}
    told = {one["code"]: one["record"] for one in page["rows"]}
    assert told["B1"] == was["B1"]
    assert told["B1"]["dynamic"] > told["B2"]["dynamic"] == 0
    assert told["B2"]["reasons"] == []


async def test_reasons_lapse_and_need_what_the_scheme_says(office: Office) -> None:
    made = await visits(office)
    cases, refused, once, returned = [
        await place(office, code, "B") for code in ("C1", "C2", "C3", "C4")
    ]
    for opened in (date(2024, 1, 8), date(2024, 2, 8), date(2025, 8, 8)):
        await made.make(cases, opened, result="ordered", case=True)
    await made.make(refused, date(2024, 6, 1), result="obstructed")
    await made.make(once, date(2026, 1, 7), result="none-found")
    await made.make(returned, date(2026, 1, 7), result="none-found", approved=False)

    page = await asked(office)

    told = {one["code"]: one["record"] and one["record"]["reasons"] for one in page["rows"]}
    assert told == {"C1": [], "C2": [], "C3": [], "C4": None}


async def test_a_division_of_others_is_not_told(office: Office) -> None:
    client = await office.officer("reviewer", DIVISION)

    answer = await client.get("/office/visits-due", params={"division": "33"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "auth.division-forbidden"
