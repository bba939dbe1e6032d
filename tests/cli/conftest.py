"""What the tests of the commands stand on: commands on a fresh local database."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main


@pytest.fixture
def evenhand(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run commands on a fresh local database, logged in as its admin."""
    path = tmp_path / "evenhand.db"
    shutil.copy(sqlite_template, path)
    monkeypatch.setenv("EVENHAND_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("EVENHAND_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("EVENHAND_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("EVENHAND_PASSWORD_MEMORY_KIB", "64")
    monkeypatch.setenv("EVENHAND_PASSWORD", "correct horse battery")
    monkeypatch.setenv("EVENHAND_LANG", "en")
    monkeypatch.delenv("EVENHAND_SERVER", raising=False)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words)

    for words in (("server", "init-admin", "boss"), ("office", "login", "boss")):
        assert run(*words).exit_code == 0
    return run
