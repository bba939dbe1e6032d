"""`evenhand draw explain`: plain words in both languages, and a ticket that a shell repeats."""

import json
import subprocess
from pathlib import Path

import changes
import drawings
import pytest
from click.testing import CliRunner, Result

from backend.rules import bundle, papers
from cli.main import main
from sync.refusals import Reason


@pytest.fixture
def held() -> bundle.Held:
    return drawings.held(drawings.committed())


@pytest.fixture
def folder(tmp_path: Path, held: bundle.Held) -> Path:
    for name, body in held.files.items():
        (tmp_path / name).write_bytes(body)
    return tmp_path


def ask(folder: Path, id: str, *options: str, lang: str = "en") -> Result:
    words = ["draw", "explain", str(folder), id, *options]
    return CliRunner().invoke(main, words, env={"EVENHAND_LANG": lang})


def test_a_drawn_business_is_told_why_and_who_comes(folder: Path, held: bundle.Held) -> None:
    lot = held.lots[0]

    told = ask(folder, lot.id)

    assert told.exit_code == 0
    assert lot.ticket in told.output
    assert "number 1 from the smallest; 4 were drawn and 3 are reserves" in told.output
    assert "So it was drawn." in told.output
    assert "沪A0007  certificate not valid on the whole window" in told.output
    assert "沪A0003  takes the position" in told.output


def test_the_command_that_is_shown_repeats_the_ticket(folder: Path, held: bundle.Held) -> None:
    lot = held.lots[-1]

    told = ask(folder, lot.id).output

    command = next(line.strip() for line in told.splitlines() if "sha256sum" in line)
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert shown.stdout.split()[0] == lot.ticket
    assert "So it was a reserve." in told


def test_it_speaks_chinese(folder: Path, held: bundle.Held) -> None:
    site = ask(folder, held.lots[0].id, lang="zh").output
    inspector = ask(folder, "沪A0003", lang="zh").output

    assert "因此：中签。" in site
    assert "执法证件有效期未覆盖全部检查时段" in site
    assert "担任 3 个席位，上限 3 个" in inspector
    assert "由签号更小者取得" in inspector


def test_an_inspector_is_told_the_sites_and_why_not_others(folder: Path) -> None:
    told = ask(folder, "沪A0008").output

    assert "沪A0008 holds 1 seats of at most 3." in told
    assert "913101010000000014  2协办  with 沪A0003" in told
    assert "3 went to somebody with a smaller ticket" in told
    assert "4: without the qualification" in told


def test_a_program_gets_all_of_it_as_one_document(folder: Path, held: bundle.Held) -> None:
    site = json.loads(ask(folder, held.lots[0].id, "--json").stdout)
    inspector = json.loads(ask(folder, "沪A0001", "--json").stdout)

    assert site["place"]["ticket"] == held.lots[0].ticket
    assert [one["why"] for one in site["positions"][0]["asked"]] == ["rule", "seated"]
    assert len(inspector["seats"]) == 3


def test_an_excluded_business_is_told_the_reason(folder: Path, held: bundle.Held) -> None:
    rows = [row.split(b"\t") for row in bundle.frame_rows(held.files["frame.tsv.gz"])]
    code = next(row[0].decode() for row in rows if row[3] == b"X")

    told = ask(folder, code).output

    assert f"{code} could not be drawn (X0" in told


def test_before_the_draw_it_says_that_there_was_none(tmp_path: Path) -> None:
    for name, body in drawings.committed().items():
        (tmp_path / name).write_bytes(body)

    told = ask(tmp_path, "913101010000000014")
    nobody = ask(tmp_path, "沪A0001")

    assert "The draw has not been held." in told.output
    assert nobody.exit_code == Reason.BUNDLE_NOBODY.kind
    assert "bundle.nobody" in nobody.output


def test_files_that_are_no_draw_are_refused_with_what_names_the_difference(folder: Path) -> None:
    (folder / "seed.json").write_bytes(b"{}")

    refused = ask(folder, "913101010000000014")

    assert refused.exit_code == Reason.BUNDLE_UNREADABLE.kind
    assert "bundle.unreadable" in refused.output
    assert "evenhand verify draw" in refused.output


# -- what followed the draw ------------------------------------------------------------------------


def test_explaining_follows_the_changes_after_the_draw(tmp_path: Path) -> None:
    files, names = changes.made_of_each()
    changes.write(files, tmp_path)

    gone, called = ask(tmp_path, names.gone), ask(tmp_path, names.called)
    more, reseated = ask(tmp_path, names.more), ask(tmp_path, names.reseated, lang="zh")
    left, came = ask(tmp_path, names.left), ask(tmp_path, names.came)

    assert "So it was drawn." in gone.output
    assert "it gave way, it had left the division before the frame" in gone.output
    assert f"{names.called} was called" in gone.output
    assert f"So {names.gone} is not on the list now." in gone.output
    assert "So it was a reserve." in called.output
    assert f"called as number 5 in the place of {names.gone}" in called.output
    assert f"So {names.called} is on the list now." in called.output
    assert "since more were drawn: what was found asks for more" in more.output
    assert f"{names.left} 离席（患病）" in reseated.output
    assert names.came in reseated.output
    assert "left 1 seats, ill" in left.output
    assert f"took the seats of {names.left} {names.reseated}" in came.output


def test_what_is_personal_is_not_told_from_the_public_part(tmp_path: Path) -> None:
    files, names = changes.made_of_each()
    public = {name: body for name, body in files.items() if name not in papers.AUDITOR_ONLY}
    changes.write(public, tmp_path)

    told = ask(tmp_path, names.reseated).output

    assert f"{names.left} left, for a reason that the auditor keeps" in told
    assert "ill" not in told.partition("After the draw:")[2].split("\n")[1]


def test_verifying_one_business_follows_the_changes_too(tmp_path: Path) -> None:
    files, names = changes.made_of_each()
    changes.write(files, tmp_path)

    words = ["verify", "draw", str(tmp_path), "--id"]
    told = CliRunner().invoke(main, [*words, names.gone], env={"EVENHAND_LANG": "zh"})
    machine = CliRunner().invoke(main, [*words, names.called, "--json"])
    plain = CliRunner().invoke(main, [*words, names.untouched], env={"EVENHAND_LANG": "en"})

    assert f"因此 {names.gone} 现不在名单上" in told.output
    since = json.loads(machine.stdout)["since"]
    assert (since["listed"], [one["part"] for one in since["passages"]]) == (True, ["called"])
    assert {seat[0] for seat in since["seats"]} == {names.called}
    assert "After the draw" not in plain.output
