"""交办 from the command line: assign a visit, see it on the device, take it back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bureau import Evenhand, open_office, told
from click.testing import CliRunner, Result
from handset import enrolled

from backend.rules.calendar import local_day
from cli.main import main

MARKET, SHOP = "91330106MAWDLXX28X", "92330106MAUX4U4Q3W"
LEAD, SECOND = "33010620230002", "33010620220001"


@pytest.fixture
def office(evenhand: Callable[..., Result]) -> Evenhand:
    return open_office(evenhand)


def assign(office: Evenhand, origin: str, *more: str, code: str = MARKET) -> Result:
    today = local_day(datetime.now(UTC))
    return office(
        "office", "task", "assign", "--code", code, "--checklist", "cold-store-daily",
        "--lead", LEAD, "--second", SECOND, "--origin", origin, "--reason", "群众反映异味",
        "--opens", f"{today}", "--closes", f"{today + timedelta(days=5)}", *more,
    )  # fmt: skip


def test_a_visit_is_assigned_listed_and_taken_back(
    office: Evenhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    complaint = assign(office, "complaint", "--reference", "12315-7")
    mystery = told(assign(office, "mystery", "--json"))["tasks"][0]
    nameless = assign(office, "complaint")
    listed = office("office", "task", "list")
    one = told(office("office", "task", "list", "--origin", "mystery", "--json"))

    taken = office("office", "task", "withdraw", mystery["id"], "--reason", "误派")
    left = office("office", "task", "list", "--origin", "mystery")

    assert complaint.exit_code == 0, complaint.output
    assert "visits there this year: 0" in complaint.output
    assert "task.reference-missing" in nameless.stderr
    assert "Check of a complaint" in listed.output
    assert "12315-7 群众反映异味" in listed.output
    assert [(row["id"], row["announced"]) for row in one] == [(mystery["id"], False)]
    assert "Taken back: 1." in taken.output
    assert "ns_on" not in taken.output
    assert "误派" in taken.output
    assert "withdrawn" in left.output
    assert "误派" in left.output


def test_a_device_tells_why_it_is_sent_and_puts_stalls_behind_their_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")
    tasks = [
        {"id": "t-shop-drawn", "place": 1, "name": "冷库"},
        {"id": "t-stall-00002", "place": 0, "name": "二号摊", "part_of": "t-market-9999"},
        {"id": "t-market-9999", "place": 0, "name": "城东市场", "origin": "complaint",
         "reason": "异味", "reference": "12315-7", "must": ["1.2"]},
        {"id": "t-stall-00001", "place": 0, "name": "一号摊", "part_of": "t-market-9999",
         "origin": "mystery", "announced": False},
        {"id": "t-anew-000007", "place": 0, "name": "新店", "origin": "of tomorrow"},
    ]  # fmt: skip
    there = [{**one, "establishment": {"name": one["name"], "address": "解放路"}} for one in tasks]
    enrolled(tmp_path / "phone", *there).close()
    at = ("--home", str(tmp_path / "phone"))

    listed = CliRunner().invoke(main, ["device", "tasks", "--json", *at])
    table = CliRunner().invoke(main, ["device", "tasks", *at])
    shown = CliRunner().invoke(main, ["device", "show", "t-market-9999", *at])
    quiet = CliRunner().invoke(main, ["device", "show", "t-stall-00001", *at])

    assert [row["name"] for row in json.loads(listed.stdout)] == [
        "新店", "城东市场", "一号摊", "二号摊", "冷库",
    ]  # fmt: skip
    assert "└ 一号摊" in table.output
    assert "of tomorrow" in table.output
    assert "complaint" in table.output
    assert "Check of a complaint: 12315-7 异味" in shown.output
    assert "To be answered this time: 1.2" in shown.output
    assert "Unannounced" in quiet.output
    assert "Unannounced" not in shown.output
