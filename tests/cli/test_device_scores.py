"""`evenhand device show` tells scores, open and hidden items as the office will see them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from handset import enrolled
from msgspec.structs import replace

from cli.main import main
from sync import checklist
from sync.ops import Answer

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checklists"
SHIPPED = checklist.parse((FIXTURES / "nyc_style.toml").read_bytes())
LAST = SHIPPED.sections[-1]
FORM = replace(
    SHIPPED,
    sections=(
        *SHIPPED.sections[:-1],
        replace(LAST, items=tuple(replace(item, optional=True) for item in LAST.items)),
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A device on a recheck: general items may be left out, but for 3.2 of the last visit."""
    home = enrolled(tmp_path / "phone", {"must": ["3.2"]}, forms=(FORM,))
    asked = [item.ref for item in FORM.items if item.kind == "choice" and not item.optional]
    given = {ref: Answer("level1" if ref == "2.2" else "ok", kind="choice") for ref in asked}
    home.replica.answer("t1", given)
    home.close()
    return tmp_path / "phone"


def test_points_hidden_items_and_what_the_task_demands_are_shown(folder: Path) -> None:
    run, show = CliRunner().invoke, ["device", "show", "t1", "--home", str(folder)]
    answers = ["device", "answer", "t1", "3.2=level2", "--home", str(folder)]

    before = run(main, show, env={"EVENHAND_LANG": "en"})
    told = json.loads(run(main, [*show, "--json"]).stdout)["verdict"]
    done = run(main, answers)
    after = run(main, show, env={"EVENHAND_LANG": "zh"})

    assert "not asked" in before.stdout
    assert "Points (lower is better): 5" in before.stdout
    assert "No outcome yet." in before.stdout
    assert (told["unanswered"], told["not_asked"]) == (["3.2"], ["1.2"])
    assert done.exit_code == 0, done.output
    assert "扣分合计（越低越好）：8" in after.stdout
    assert "当前结论：A级" in after.stdout
    assert "待答" not in after.stdout


def test_what_fails_without_evidence_is_told_while_one_is_still_there(folder: Path) -> None:
    run, at = CliRunner().invoke, ["t1", "--home", str(folder)]
    photo = folder / "oven.bin"
    photo.write_bytes(b"no picture, and evidence all the same")

    signed = run(main, ["device", "sign", *at], env={"EVENHAND_LANG": "en"})
    before = run(main, ["device", "show", *at], env={"EVENHAND_LANG": "zh", "COLUMNS": "160"})
    run(main, ["device", "attach", "t1", str(photo), "--item", "2.2", *at[1:]])
    run(main, ["device", "answer", "t1", "3.2=ok", *at[1:]])
    after = run(main, ["device", "show", *at], env={"EVENHAND_LANG": "en", "COLUMNS": "120"})
    again = run(main, ["device", "sign", *at, "--reason", "photo"], env={"EVENHAND_LANG": "en"})

    assert "no outcome before these are answered: 3.2." in signed.stdout
    assert "failed, with no evidence attached: 2.2." in signed.stdout
    assert "警告：不合格项缺少证据：2.2。请在离开前补充。" in before.stdout
    assert "不合格，缺证据" in before.stdout
    assert "FAILS" in after.stdout
    assert "no evidence" not in after.stdout
    assert "answered:" not in again.stdout
    assert "evidence attached" not in again.stdout
