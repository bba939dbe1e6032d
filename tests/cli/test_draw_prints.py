"""`evenhand draw print`: files for people from a bundle that was verified first."""

import json
import sys
from pathlib import Path

import drawings
import pytest
from click.testing import CliRunner, Result

from backend.rules import bundle
from cli.main import main
from sync.refusals import Reason


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "bundle", drawings.held(drawings.committed()).files)


def save(folder: Path, files: bundle.Files) -> Path:
    folder.mkdir()
    for name, body in files.items():
        (folder / name).write_bytes(body)
    return folder


def prints(folder: Path, *options: str, lang: str = "en") -> Result:
    words = ["draw", "print", str(folder), *options]
    return CliRunner().invoke(main, words, env={"EVENHAND_LANG": lang})


def test_everything_is_written_where_it_was_asked_for(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    told = prints(
        folder, "--pdf", str(out / "list.pdf"), "--xlsx", str(out / "list.xlsx"),
        "--notices", str(out / "notices"), "--ics", str(out / "ics"), "--json",
    )  # fmt: skip

    assert told.exit_code == 0, told.output
    written = [Path(one) for one in json.loads(told.stdout)["written"]]
    assert sorted(written) == sorted(one for one in out.rglob("*") if one.is_file())
    assert (out / "list.pdf").read_bytes().startswith(b"%PDF-")
    assert (out / "list.xlsx").read_bytes().startswith(b"PK")
    names = ["沪A0001", "沪A0003", "沪A0005", "沪A0008"]
    assert sorted(one.stem for one in (out / "notices").iterdir()) == names
    assert sorted(one.name for one in (out / "ics").iterdir()) == [f"{n}.ics" for n in names]


def test_the_same_command_gives_the_same_bytes_and_another_language_others(
    folder: Path, tmp_path: Path
) -> None:
    for name, lang in (("one", "zh"), ("two", "zh"), ("three", "en")):
        done = prints(folder, "--pdf", str(tmp_path / f"{name}.pdf"), lang=lang)
        assert done.exit_code == 0
    one, two, three = ((tmp_path / f"{n}.pdf").read_bytes() for n in ("one", "two", "three"))

    assert one == two
    assert one != three


def test_names_and_the_address_come_from_options(folder: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    names.write_text("certificate,name\n沪A0003,王;建国\n", "utf-8")
    to = tmp_path / "ics"

    done = prints(
        folder, "--ics", str(to), "--names", str(names), "--address", "https://x.example/1"
    )

    assert done.exit_code == 0
    told = (to / "沪A0001.ics").read_text("utf-8").replace("\n ", "")
    assert "王\\;建国 沪A0003" in told
    assert "URL:https://x.example/1" in told


def test_files_that_a_verifier_refutes_are_not_printed(folder: Path, tmp_path: Path) -> None:
    rows = (folder / "assignment.tsv").read_text("utf-8")
    (folder / "assignment.tsv").write_text(rows.replace("沪A0008", "沪A0002"), "utf-8")

    refused = prints(folder, "--pdf", str(tmp_path / "list.pdf"))

    assert refused.exit_code == Reason.BUNDLE_UNREADABLE.kind
    assert "assignment.tsv was altered" in refused.output
    assert not (tmp_path / "list.pdf").exists()


def test_a_commitment_alone_has_no_list(tmp_path: Path) -> None:
    folder = save(tmp_path / "bundle", drawings.committed())

    refused = prints(folder, "--xlsx", str(tmp_path / "list.xlsx"))

    assert refused.exit_code == Reason.BUNDLE_NOT_HELD.kind
    assert "bundle.not-held" in refused.output


def test_what_to_write_must_be_said(folder: Path) -> None:
    told = prints(folder)

    assert told.exit_code == 2
    assert "--pdf, --xlsx, --notices or --ics" in told.output


def test_what_is_not_installed_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)

    refused = prints(folder, "--pdf", str(tmp_path / "list.pdf"))

    assert refused.exit_code == Reason.EXTRA_MISSING.kind
    assert "typst" in refused.output
    assert "evenhand[server,print]" in refused.output
