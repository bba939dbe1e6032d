"""`evenhand device sample`, `seize` and `weigh`: what a phone records without a network."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from handset import enrolled
from msgspec import UNSET

from cli.home import Home
from cli.main import main
from sync.sampling import standing


@pytest.fixture
def device(tmp_path: Path) -> Callable[..., Result]:
    """Run commands on a device with one inspection, `t1`."""
    enrolled(tmp_path / "phone").close()
    return lambda *words: CliRunner().invoke(
        main, ["device", *words, "--home", str(tmp_path / "phone")], env={"EVENHAND_LANG": "en"}
    )


def test_a_sample_is_tested_again_and_disposed_of(
    device: Callable[..., Result], tmp_path: Path
) -> None:
    done = [
        device("sample", "take", "t1", "S-1", "leek", "--quantity", "0.5", "--unit", "kg"),
        device("sample", "test", "t1", "S-1", "pesticides", "fail", "--limit", "50", "--json"),
        device("sample", "test", "t1", "S-1", "pesticides", "pass", "--retest"),
        device("sample", "dispose", "t1", "S-1", "sent to the laboratory"),
    ]

    home = Home(tmp_path / "phone")
    samples = home.replica.inspection("t1").samples
    home.close()
    assert [one.exit_code for one in done] == [0] * 4, [one.output for one in done]
    assert json.loads(done[1].stdout) == {"n": 2}
    assert samples is not UNSET
    [sample] = samples
    assert (sample.number, sample.of, sample.quantity, sample.unit) == ("S-1", "goods", "0.5", "kg")
    assert [(one.verdict, one.limit, one.retest) for one in sorted(
        sample.tests, key=lambda one: one.retest
    )] == [("fail", "50", False), ("pass", "", True)]  # fmt: skip
    assert standing(sample) == "passed"
    assert [one.disposal for one in sample.disposals] == ["sent to the laboratory"]


def test_two_samples_of_one_number_are_named_by_their_operations(
    device: Callable[..., Result],
) -> None:
    taken = [device("sample", "take", "t1", "S-1", "leek") for _ in range(2)]

    by_number = device("sample", "dispose", "t1", "S-1", "kept")
    by_operation = device("sample", "dispose", "t1", "d1:2", "kept")
    unknown = device("sample", "test", "t1", "S-9", "pesticides", "pass")

    assert [one.exit_code for one in taken] == [0, 0]
    assert ["WARNING: S-1 is the number" in one.stdout for one in taken] == [False, True]
    assert "sample.unknown" in by_number.stderr
    assert "d1:1 d1:2" in by_number.stderr or "d1:2 d1:1" in by_number.stderr
    assert by_operation.exit_code == 0, by_operation.output
    assert "sample.unknown" in unknown.stderr


def test_what_is_seized_has_a_quantity(device: Callable[..., Result], tmp_path: Path) -> None:
    words = ("t1", "table salt", "--unit", "kg", "--measure", "seize", "--owner", "Li")

    wrong = device("seize", *words, "--quantity", "thirty")
    done = device("seize", *words, "--quantity", "30.5")

    home = Home(tmp_path / "phone")
    seizures = home.replica.inspection("t1").seizures
    home.close()
    assert wrong.exit_code != 0
    assert "thirty" in wrong.stderr
    assert done.exit_code == 0, done.output
    assert seizures is not UNSET
    assert [(one.what, one.quantity, one.measure) for one in seizures] == [
        ("table salt", "30.5", "seize")
    ]


@pytest.mark.parametrize(
    ("contents", "words", "complies"),
    [
        (["500"] * 10, "The lot complies: 10 of 10 packages weighed, mean 500 g", True),
        (["470", *["505"] * 9], "does not comply", False),
        (["500"] * 3, "Not enough was weighed yet: 3 of 10", None),
    ],
)
def test_a_lot_is_judged_where_it_is_weighed(
    device: Callable[..., Result], contents: list[str], words: str, complies: bool | None
) -> None:
    how = ("--nominal", "500", "--unit", "g", "--lot", "50")

    told = device("weigh", "t1", "rice", *contents, *how)
    as_json = device("weigh", "t1", "rice", *contents, *how, "--json")

    assert words in told.stdout.replace("\n", " "), told.output
    assert json.loads(as_json.stdout)["complies"] is complies


def test_what_cannot_be_weighed_is_refused_and_nothing_recorded(
    device: Callable[..., Result], tmp_path: Path
) -> None:
    done = device("weigh", "t1", "rice", "x", "--nominal", "500", "--unit", "g", "--lot", "50")

    home = Home(tmp_path / "phone")
    count = home.replica.head()[0]
    home.close()
    assert "lot.invalid" in done.stderr
    assert count == 0
