"""`office ledger export`, `verify ledger` and the lists of devices, quarantine and conflicts."""

import json
from pathlib import Path

import msgspec
import pytest
from bureau import Evenhand

from cli.office.quarantine import readable
from sync.ops import Answer, SetAnswers


def test_the_ledger_is_taken_out_and_checked_offline(evenhand: Evenhand, tmp_path: Path) -> None:
    file = tmp_path / "ledger.ndjson"

    taken = evenhand("office", "ledger", "export", "--output", str(file))
    checked = evenhand("verify", "ledger", str(file), "--json")
    key = json.loads(file.read_bytes().splitlines()[0])["key"]
    pinned = evenhand("verify", "ledger", str(file), "--key", key)
    other = evenhand("verify", "ledger", str(file), "--key", "ab" * 32)

    assert (taken.exit_code, checked.exit_code, pinned.exit_code) == (0, 0, 0)
    assert json.loads(checked.stdout)["ok"] is True
    assert (other.exit_code, "FAILED at step file" in other.output) == (1, True)
    assert not file.with_name("ledger.ndjson.part").exists()


def test_the_ledger_is_taken_from_the_server_and_checked_at_once(evenhand: Evenhand) -> None:
    checked = evenhand("verify", "ledger", "--server", "--json")

    assert checked.exit_code == 0
    assert next(step["name"] for step in json.loads(checked.stdout)["steps"]) == "file"


@pytest.mark.parametrize("words", [(), ("--server", "x.ndjson")])
def test_either_a_file_or_the_server_is_checked(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.ndjson").write_bytes(b"")

    done = evenhand("verify", "ledger", *words)

    assert done.exit_code == 2


def test_a_file_that_is_no_ledger_and_a_receipt_that_is_none_are_told(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"\xff\x00not a ledger\n")

    ledger = evenhand("verify", "ledger", str(junk))
    receipt = evenhand("verify", "ledger", "--server", "--receipt", str(junk))

    assert (ledger.exit_code, receipt.exit_code) == (1, 2)
    assert "Line 1" in ledger.output


def test_lists_with_nothing_in_them_say_so(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = [evenhand("office", name).output for name in ("quarantine", "conflicts", "devices")]
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    chinese = [evenhand("office", name).output for name in ("quarantine", "conflicts", "devices")]
    data = [
        json.loads(evenhand("office", name, "--json").stdout)
        for name in ("quarantine", "conflicts", "devices")
    ]

    assert english[:2] == ["Operations held back: 0.\n", "Items in conflict: 0.\n"]
    assert chinese[:2] == ["被隔离的操作：0 项。\n", "结论不一致的检查项：0 个。\n"]
    assert (english[2], chinese[2]) == ("Devices: 0.\n", "终端：0 台。\n")
    assert data == [[], [], []]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "answers 1.2 pass, 1.3 fail"), ("zh", "检查项结论 1.2 pass，1.3 fail")],
)
def test_what_was_held_back_is_readable_in_both_languages(
    monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", language)
    given = {"1.2": Answer("pass"), "1.3": Answer("fail")}
    raw = msgspec.json.encode(SetAnswers(n=1, e="t1", w=0, m=0, boot="", f=given, s={}))

    said = readable(raw.decode())

    assert said == words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_narrow_terminal_cuts_off_no_hash(
    evenhand: Evenhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    written = tmp_path / "ledger.ndjson"
    evenhand("office", "ledger", "export", "--output", str(written))

    done = evenhand("verify", "ledger", str(written))

    assert done.exit_code == 0, done.output
    assert "…" not in done.stdout
