"""How a device stands, how a person names an inspection, and what is withdrawn."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from cli.device_status import SYNCED, moment
from cli.device_tasks import named, shortened
from cli.home import Home
from cli.main import main
from sync import checklist, codec
from sync.messages import Enrolled
from sync.ops import Answer, SetAnswers
from sync.store import Row, Theirs

ROOT = Path(__file__).parents[2]
FORM = checklist.parse((ROOT / "fixtures" / "checklists" / "food_sales.toml").read_bytes())
TASK, OTHER = "01a202cc-cbe6-72aa-b9b7-19359e66d614", "01a202cc-cbe6-72aa-b9b7-1936b20aa94c"
MORNING = 1_772_413_200_000  # 2026-03-02 01:00 UTC
NOON = MORNING + 3 * 3_600_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A device with two tasks and one answer, recorded in the morning."""
    home, secret = Home(tmp_path), codec.new_key()
    known = {"inspector": "li", "name": "Li Ming", "certificate": "33-1", "server_key": "00" * 32}
    enrolled = Enrolled(device="d1", epoch="e", public_key=codec.public_key(secret), **known)
    home.replica.enrol(enrolled, server="http://127.0.0.1:9", secret=secret)
    body = checklist.canonical(FORM)
    with home.store.transaction():
        home.store.put_row(Row("c", "checklist", checklist.digest(FORM), "r", body))
        for place, inspection in enumerate((TASK, OTHER), 1):
            task = {
                "id": inspection,
                "place": place,
                "establishment": {"name": "Mill Foods", "address": "3 Mill Lane"},
                "checklist": checklist.digest(FORM),
                "lead": {"id": "li", "name": "Li Ming"},
                "second": {"id": "wang", "name": "Wang Fang"},
            }
            row = Row(f"i:{inspection}", "task", inspection, "r", msgspec.json.encode(task))
            home.store.put_row(row)
    home.replica.clock = lambda: msgspec.structs.replace(home.clock(), w=MORNING)
    home.replica.answer(TASK, {"1.2": Answer("fail")})
    monkeypatch.setenv("EVENHAND_HOME", str(tmp_path))
    monkeypatch.setenv("EVENHAND_LANG", "en")
    monkeypatch.setenv("COLUMNS", "80")
    return home


def told(home: Home, value: str) -> None:
    """Let the other inspector's answer to the same item come, recorded at noon."""
    op = SetAnswers(n=1, e=TASK, w=NOON, m=0, boot="b", f={"1.2": Answer(value)}, s={})
    raw = msgspec.json.encode(op)
    with home.store.transaction():
        home.store.put_theirs(Theirs("d2:1", f"i:{TASK}", "aa" * 32, "wang", raw))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["device", *words])


# -- status --------------------------------------------------------------------------------------


def test_what_waits_is_told_with_the_moment_since_when(home: Home) -> None:
    with home.store.transaction():
        home.store.set(SYNCED, str(MORNING - 86_400_000))
    home.replica.clock = lambda: msgspec.structs.replace(home.clock(), w=NOON)
    home.replica.find(TASK, "The floor is wet.", basis="GB 31621")

    done = run("status")

    assert "last synced: 2026-03-01 01:00:00Z" in done.stdout
    assert "not yet acknowledged: 2, since 2026-03-02 01:00:00Z" in done.stdout


def test_when_all_has_come_nothing_waits_since_any_moment(home: Home) -> None:
    with home.store.transaction():
        home.store.set("acked", "1")

    said = json.loads(run("status", "--json").stdout)

    assert (said["unsent"], said["unsent_since"], said["synced_at"]) == (0, "", "")
    assert "not yet acknowledged: 0\n" in run("status").stdout


def test_a_conflict_is_told_with_both_answers_whose_they_are_and_since_when(home: Home) -> None:
    told(home, "pass")

    said = json.loads(run("status", "--json").stdout)
    shown = run("status").stdout

    (conflict,) = said["conflicts"]
    assert {(one["who"], one["value"]) for one in conflict["said"]} == {
        ("Li Ming", "fail"),
        ("Wang Fang", "pass"),
    }
    assert (conflict["item"], conflict["since"]) == ("1.2", "2026-03-02 04:00:00Z")
    assert "in conflict: 1" in shown
    assert f"{TASK}  Mill Foods  1.2, since 2026-03-02 04:00:00Z" in shown
    assert "pass  Wang Fang" in shown


def test_equal_answers_are_no_conflict(home: Home) -> None:
    told(home, "fail")

    assert "in conflict: 0" in run("status").stdout


def test_what_the_server_held_back_is_told_with_the_reason_and_what_to_do(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with home.store.transaction():
        home.store.note(1, "quarantined", "inspection.not-yours")

    english = run("status").stdout
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    chinese = run("status").stdout
    (held,) = json.loads(run("status", "--json").stdout)["held_back"]

    assert f"operation 1 of {TASK}, recorded 2026-03-02 01:00:00Z: held back" in english
    assert "Ask a supervisor" in english
    assert "已隔离" in chinese
    assert (held["state"], held["why"]) == ("quarantined", "inspection.not-yours")


def test_a_wrong_clock_is_shown_as_it_is() -> None:
    assert moment(MORNING) == "2026-03-02 01:00:00Z"
    assert moment(2**53) == str(2**53)
    assert moment(0) == ""


# -- naming an inspection ------------------------------------------------------------------------


def test_the_list_of_tasks_names_them_shortly_and_commands_take_that(home: Home) -> None:
    listed = run("tasks").stdout
    answered = run("answer", "9e66d614", "1.3=pass")
    whole = json.loads(run("tasks", "--json").stdout)

    assert ("9e66d614" in listed, "b20aa94c" in listed) == (True, True)
    assert answered.exit_code == 0
    assert home.replica.inspection(TASK).items["1.3"].value == "pass"
    assert [one["inspection"] for one in whole] == [TASK, OTHER]


def test_an_end_that_two_have_or_that_is_too_short_names_nothing(home: Home) -> None:
    with home.store.transaction():
        home.store.put_row(Row("i:x", "task", f"x{TASK}", "r", b"{}"))

    assert named(home.replica, "9e66d614") == "9e66d614"
    assert named(home.replica, "94c") == "94c"
    assert run("show", "9e66d614").exit_code == 13


def test_short_names_are_as_long_as_they_must_be() -> None:
    assert shortened(["a12345678", "b12345678"]) == {
        "a12345678": "a12345678",
        "b12345678": "b12345678",
    }
    assert shortened([TASK]) == {TASK: "9e66d614"}
    assert shortened([]) == {}


# -- withdrawing ---------------------------------------------------------------------------------


def test_a_finding_is_withdrawn_by_the_number_that_is_shown(home: Home) -> None:
    home.replica.find(TASK, "The floor is wet.", basis="GB 31621")
    shown = run("show", TASK).stdout

    done = run("void", TASK, "2", "--reason", "wrong shop")

    assert "d1:2" in shown
    assert done.exit_code == 0
    assert home.replica.inspection(TASK).findings[0].voided == "wrong shop"


@pytest.mark.parametrize("operation", ["1", "9", "d9:1"])
def test_what_is_neither_finding_nor_file_cannot_be_withdrawn(home: Home, operation: str) -> None:
    done = run("void", TASK, operation, "--reason", "wrong shop")

    assert done.exit_code == 13
    assert "void.target-unknown" in done.stderr
    assert home.replica.head()[0] == 1


# -- a device that was emptied -------------------------------------------------------------------


def test_an_emptied_device_says_that_it_was_revoked(home: Home) -> None:
    with home.store.transaction():
        home.store.set("acked", "1")
    home.wipe()

    done = run("answer", TASK, "1.3=pass")

    assert done.exit_code == 12
    assert "device.revoked" in done.stderr
    assert "This device is revoked" in run("status").stdout


def test_an_address_without_its_scheme_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = run("enrol", "10.0.0.1:8000", "ABCD", "--home", str(tmp_path / "new"))

    assert done.exit_code == 10
    assert "server.address" in done.stderr
    assert not (tmp_path / "new").exists()
