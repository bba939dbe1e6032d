"""`evenhand device carry`: what it shows before it records, and that looking records nothing."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from handset import enrolled
from msgspec.structs import replace
from simulation.world import FORM, REFS

from cli.main import main
from sync.ops import Answer

ITEMS = FORM.sections[0].items[1:]
NEWER = replace(FORM, version="2", sections=(replace(FORM.sections[0], items=ITEMS),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A device with one inspection, and two versions of its checklist."""
    home = enrolled(tmp_path / "phone", forms=(FORM, NEWER))
    home.replica.answer("t1", {REFS[1]: Answer("pass")})
    home.close()
    return tmp_path / "phone"


def test_looking_shows_what_would_change_and_records_nothing(folder: Path) -> None:
    run = CliRunner().invoke

    looked = run(main, ["device", "carry", "t1", "--look", "--json", "--home", str(folder)])
    done = run(main, ["device", "carry", "t1", "--to", "2", "--json", "--home", str(folder)])
    again = run(main, ["device", "carry", "t1", "--to", "2", "--home", str(folder)])

    told, went = json.loads(looked.stdout), json.loads(done.stdout)
    assert told["difference"] == {"kept": ["1.2"], "changed": [], "gone": ["1.1"], "new": []}
    assert (told["n"], went["n"]) == (None, 2)
    assert went["version"] == "2"
    assert "checklist.not-offered" in again.stderr
