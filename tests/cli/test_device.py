"""The device's commands, used wrongly."""

from pathlib import Path

from click.testing import CliRunner

from cli.main import main


def test_a_mistyped_home_is_refused_and_not_made(tmp_path: Path) -> None:
    home = tmp_path / "typo"

    done = CliRunner().invoke(main, ["device", "status", "--home", str(home)])

    assert done.exit_code == 11
    assert "device.not-enrolled" in done.stderr
    assert not home.exists()


def test_an_answer_without_a_value_is_a_wrong_use(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["device", "answer", "t1", "1.1", "--home", str(tmp_path)])

    assert done.exit_code == 2
    assert "'1.1' is not ITEM=VALUE" in done.stderr
