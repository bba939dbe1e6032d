"""`evenhand server tidy` may be run at any time, and again."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main


def test_a_server_is_tidied_as_often_as_one_likes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/e.db")
    monkeypatch.setenv("EVENHAND_DATA_DIR", str(tmp_path / "data"))
    runner = CliRunner()
    assert runner.invoke(main, ["server", "upgrade"]).exit_code == 0

    done = [runner.invoke(main, ["server", "tidy", "--json"]) for _ in range(2)]

    assert [one.exit_code for one in done] == [0, 0], done[0].output
    nothing = {"floor": 0, "tombstones": 0, "snapshots": 0}
    assert [json.loads(one.stdout) for one in done] == [nothing, nothing]
