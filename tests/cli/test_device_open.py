"""`evenhand device open`, on a phone without a network."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from handset import enrolled, put_task
from simulation.world import FORM

from cli.home import Home
from cli.main import main
from sync import checklist
from sync.ops import OpenInspection, decode_op
from sync.sites import Site, term_of
from sync.store import Row

SHOP = Site("91330106MA2C", "城东菜市场", "人民路1号", "market", "330106", "C", "active", "")
DEN = ["--name", "无名冷库", "--address", "河滨路8号", "--category", "cold-store",
       "--division", "330106", "--reason", "巡查发现"]  # fmt: skip
Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A phone with one task, on which a colleague goes along, and one establishment."""
    home = enrolled(tmp_path / "phone")
    home.store.put_sites("d:33", [(SHOP, term_of(SHOP))])
    home.close()
    return tmp_path


@pytest.fixture
def phone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("EVENHAND_HOME", str(folder / "phone"))
    monkeypatch.setenv("EVENHAND_LANG", "en")

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["device", *words])

    return run


def recorded(folder: Path) -> list[OpenInspection]:
    log = Home(folder / "phone").store.log(1, 100)
    return [op for mine in log if isinstance(op := decode_op(mine.raw), OpenInspection)]


def test_a_den_is_opened_listed_and_recorded_in(folder: Path, phone: Run) -> None:
    opened = phone("open", *DEN, "--checklist", "sim", "--second", "王芳", "--json")
    inspection = json.loads(opened.output)["inspection"]

    listed = json.loads(phone("tasks", "--json").output)
    answered = phone("answer", inspection[-8:], "1.1=fail")
    arrived = phone("arrive", inspection, "--stated")
    shown = phone("show", inspection)
    printed = phone("print", inspection, "-o", str(folder / "record.pdf"))

    assert opened.exit_code == answered.exit_code == arrived.exit_code == 0, answered.output
    assert printed.exit_code == 0, printed.output
    assert (folder / "record.pdf").read_bytes().startswith(b"%PDF")
    assert [(one["inspection"], one["origin"], one["role"]) for one in listed] == [
        (inspection, "ad-hoc", "lead"), ("t1", "draw", "lead"),
    ]  # fmt: skip
    (op,) = recorded(folder)
    assert (op.e, op.second, op.certificate, op.code) == (inspection, "wang", "", "")
    assert "Opened on site by 李明: 巡查发现" in shown.output
    assert "Check without a draw: 巡查发现" in shown.output


def test_a_shop_on_the_device_is_named_by_its_code(folder: Path, phone: Run) -> None:
    words = ["--checklist", "sim@1", "--second", "33-77", "--reason", "群众反映"]

    opened = phone("open", "--code", SHOP.code, *words)

    (op,) = recorded(folder)
    assert (op.code, op.name, op.address, op.category, op.division) == SHOP[:5]
    assert (op.second, op.certificate) == ("", "33-77")
    assert "33-77 is taken for a certificate" in opened.output


def test_of_two_colleagues_of_one_name_the_certificates_are_told_and_nothing_recorded(
    folder: Path, phone: Run
) -> None:
    home = Home(folder / "phone")
    put_task(home, {"id": "t2", "second": {"id": "wang2", "name": "王芳", "certificate": "33-9"}})
    home.close()

    refused = phone("open", *DEN, "--checklist", "sim", "--second", "王芳")

    assert refused.exit_code == 2
    assert "33-2, 33-9" in refused.stderr
    assert recorded(folder) == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--checklist", "other", "--second", "王芳"], "checklist.not-found"),
        (["--checklist", "sim", "--second", "李明"], "opening.second-unfit"),
        (["--checklist", "sim", "--second", "王芳", "--division", "33"], "opening.invalid"),
        (["--checklist", "sim", "--second", "王芳", "--code", "E0"], "establishment.not-found"),
        (["--checklist", "sim", "--second", "王芳", "--longitude", "1"], "place.invalid"),
    ],
)
def test_what_cannot_be_opened_is_refused_and_nothing_recorded(
    folder: Path, phone: Run, words: list[str], problem: str
) -> None:
    refused = phone("open", *DEN, *words)

    assert refused.exit_code != 0
    assert problem in refused.output
    assert recorded(folder) == []


def test_of_two_versions_one_is_named(folder: Path, phone: Run) -> None:
    other = msgspec.structs.replace(FORM, version="2")
    home = Home(folder / "phone")
    body = checklist.canonical(other)
    home.store.put_row(Row("u:li", "checklist", checklist.digest(other), "r", body))
    home.close()

    unclear = phone("open", *DEN, "--checklist", "sim", "--second", "王芳")
    named = phone("open", *DEN, "--checklist", "sim@2", "--second", "王芳")

    assert (unclear.exit_code, named.exit_code) == (2, 0)
    assert "sim@1, sim@2" in unclear.output
    assert [op.checklist for op in recorded(folder)] == [checklist.digest(other)]
