"""The device's commands, used wrongly."""

import json
from pathlib import Path

from click.testing import CliRunner

from cli.home import Home
from cli.main import main
from sync.sites import Site


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


def test_an_establishment_is_found_on_the_device(tmp_path: Path) -> None:
    home = Home(tmp_path / "li")
    shop = Site("S1", "城东冷库", "人民路1号", "cold-store", "330402", "A", "active", "JY1")
    with home.store.transaction():
        home.store.put_sites("d:33", [(shop, 1), (shop._replace(code="S2", name="家和"), 2)])
    home.close()

    done = CliRunner().invoke(
        main, ["device", "sites", "冷库", "jy1", "--home", str(tmp_path / "li"), "--json"]
    )

    assert done.exit_code == 0, done.output
    assert [one["code"] for one in json.loads(done.stdout)] == ["S1"]
