"""计划、抽取与复核 from the command line: the whole way on our own registers, then offline."""

import json
import re
import subprocess
import sys
from pathlib import Path

import drawings
import pytest
from bureau import DIGITS, FIXTURES, TYPED, Evenhand, make_plan, open_office, told, type_in
from click.testing import CliRunner

from backend.rules import bundle
from cli.main import main
from cli.steps import STEPS_ZH


@pytest.fixture
def evenhand(evenhand: Evenhand) -> Evenhand:
    """Run commands on an office with registers and two supervisors."""
    return open_office(evenhand)


def test_a_plan_is_drawn_exported_and_verified(evenhand: Evenhand, tmp_path: Path) -> None:
    plan = told(make_plan(evenhand, "--minimum", "20"))
    nonces = [told(evenhand("office", "draw", "nonce", who, "--json")) for who in ("a", "b")]
    commits = [word for n in nonces for word in ("--nonce", f"{n['who']}={n['commitment']}")]
    opened = [word for n in nonces for word in ("--nonce", f"{n['who']}={n['nonce']}")]

    drawn = told(
        evenhand("office", "draw", "commit", plan["id"], "--dice", "hall", *commits, "--json")
    )
    type_in(evenhand, drawn["id"])
    wrong = evenhand("office", "draw", "hold", drawn["id"], TYPED[:-1] + "1", *opened)
    held = told(evenhand("office", "draw", "hold", drawn["id"], TYPED, *opened, "--json"))
    folder, public = tmp_path / "bundle", tmp_path / "public"
    told(evenhand("office", "draw", "export", drawn["id"], "--to", str(folder), "--json"))
    told(
        evenhand("office", "draw", "export", drawn["id"], "--to", str(public), "--public", "--json")
    )
    tasks = told(evenhand("office", "task", "list", plan["id"], "--json"))
    sent = told(evenhand("office", "task", "dispatch", plan["id"], "--json"))
    proved = told(evenhand("verify", "draw", str(folder), "--json"))
    partly = told(evenhand("verify", "draw", str(public), "--public", "--json"))
    hidden = evenhand("verify", "draw", str(public))
    place = evenhand("verify", "draw", str(folder), "--id", tasks[0]["establishment"]["code"])

    assert wrong.exit_code == 10
    assert "draw.digits-differ" in wrong.output
    assert held["sites"] == len(tasks) == plan["sites"] == -(-plan["eligible"] * 3 // 100)
    assert sent == {"now": len(tasks), "total": len(tasks)}
    assert [step["ok"] for step in proved["steps"]] == [True] * 12
    assert sum(step["ok"] is None for step in partly["steps"]) == 2
    assert (hidden.exit_code, "FAILED at step manifest" in hidden.output) == (1, True)
    assert "rank 1 of" in place.output
    command = place.output.splitlines()[-1].strip()
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert shown.stdout.split()[0] in place.output


def test_a_draw_is_voided_by_another_and_listed(evenhand: Evenhand) -> None:
    plan = told(make_plan(evenhand, "--minimum", "20"))
    drawn = told(evenhand("office", "draw", "commit", plan["id"], "--dice", "hall", "--json"))
    void = ("office", "draw", "void", drawn["id"], "--reason", "the hall was locked")

    own = evenhand(*void)
    evenhand("office", "login", "li")
    other = evenhand(*void)
    listed = evenhand("office", "plan", "list")
    shown = told(evenhand("office", "plan", "show", plan["id"], "--json"))
    again = told(evenhand("office", "draw", "show", drawn["id"], "--json"))

    assert own.exit_code == 12
    assert "draw.second-officer" in own.output
    assert "status: void" in other.output
    assert "2026 年第一批" in listed.output
    assert [one["status"] for one in shown["draws"]] == ["void"]
    assert again["status"] == "void"


def test_what_is_missing_is_asked_for(evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = told(make_plan(evenhand, "--minimum", "20"))
    drawn = told(evenhand("office", "draw", "commit", plan["id"], "--dice", "hall", "--json"))
    digits = DIGITS

    first = CliRunner().invoke(main, ["office", "draw", "type", drawn["id"]], input=f"{digits}\n")
    assert evenhand("office", "login", "li").exit_code == 0
    held = CliRunner().invoke(main, ["office", "draw", "hold", drawn["id"]], input=f"{digits}\n")

    assert "another officer must type the same" in first.output
    assert digits not in first.output
    assert held.exit_code == 0, held.output
    assert "status: drawn" in held.output


def test_too_many_sites_are_refused_with_the_exit_status_of_their_kind(evenhand: Evenhand) -> None:
    refused = make_plan(evenhand, "--minimum", "5000")

    assert refused.exit_code == 10
    assert json.loads(refused.stderr)["details"]["asked"] == 5000


def test_the_rules_of_staffing_are_options_of_a_plan(evenhand: Evenhand) -> None:
    made = make_plan(
        evenhand, "--districts", "own", "--even", "40", "--not-last-visit",
        "--relax", "last-visit", "--relax", "cap+2",
    )  # fmt: skip

    scheme = told(made)["scheme"]
    assert scheme["staffing"] == {"districts": "own", "even": 40, "last_visit": True}
    assert scheme["relaxations"] == ["last-visit", "cap+2"]


def test_experts_have_seats_behind_the_two_of_the_lead(evenhand: Evenhand) -> None:
    made = told(make_plan(evenhand, "--minimum", "20", "--experts", "2"))

    assert [(one["name"], one.get("expert", False)) for one in made["scheme"]["seats"]] == [
        ("1主办", False), ("2协办", False), ("3专家", True), ("4专家", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "why"),
    [("en", "positions can be held by 0 inspectors only"), ("zh", "个岗位只能由 0 名人员承担")],
)
def test_what_leaves_a_draw_without_inspectors_is_told_in_the_readers_language(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch, language: str, why: str
) -> None:
    plan = told(make_plan(evenhand, "--minimum", "20", "--experts", "1"))
    monkeypatch.setenv("EVENHAND_LANG", language)

    refused = evenhand("office", "draw", "commit", plan["id"], "--dice", "hall")

    lines = [line for line in refused.output.splitlines() if line.startswith("  why: ")]
    assert len(lines) == 1
    assert why in lines[0]
    assert "  rules: " in refused.output
    assert not any(line.startswith(("  en: ", "  zh: ")) for line in refused.output.splitlines())


@pytest.mark.parametrize(("language", "words"), [("en", "draw some of the same"), ("zh", "户相同")])
def test_who_commits_is_told_which_draw_waits_beside(
    evenhand: Evenhand, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    plans = [told(make_plan(evenhand, "--minimum", "20")) for _ in range(2)]
    monkeypatch.setenv("EVENHAND_LANG", language)

    first, second = [
        evenhand("office", "draw", "commit", plan["id"], "--dice", "hall").output for plan in plans
    ]

    assert words not in first
    assert words in second
    assert f"330106#1 {'is not' if language == 'en' else '尚未'}" in second


@pytest.mark.parametrize("rate", ["three", "3/x", "%"])
def test_a_rate_is_a_share(evenhand: Evenhand, rate: str) -> None:
    answer = make_plan(evenhand, "--minimum", "20", "--rate", rate)

    assert answer.exit_code == 2


# -- offline ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle on disk, and no server anywhere."""
    monkeypatch.setenv("EVENHAND_LANG", "en")
    written(drawings.held(drawings.committed()).files, tmp_path / "bundle")
    return tmp_path / "bundle"


def written(files: bundle.Files, folder: Path) -> None:
    folder.mkdir()
    for name, body in files.items():
        (folder / name).write_bytes(body)


def test_a_changed_bundle_fails_with_the_name_of_the_step(folder: Path) -> None:
    path = folder / "selection.tsv"
    path.write_bytes(path.read_bytes().replace(b"\tR\n", b"\tP\n", 1))

    result = CliRunner().invoke(main, ["verify", "draw", str(folder)])

    assert result.exit_code == 1
    assert "FAILED at step manifest" in result.stderr
    assert "selection.tsv was altered" in result.stdout


def test_the_published_commitment_may_be_given(folder: Path) -> None:
    true = bundle.commit_hash(drawings.committed())

    right = CliRunner().invoke(main, ["verify", "draw", str(folder), "--commitment", true])
    wrong = CliRunner().invoke(main, ["verify", "draw", str(folder), "--commitment", "0" * 64])

    assert right.exit_code == 0
    assert "As published." in " ".join(right.output.split())
    assert wrong.exit_code == 1
    assert "FAILED at step commitment" in wrong.stderr


def test_several_bundles_are_checked_as_a_chain(folder: Path) -> None:
    true = bundle.commit_hash(drawings.committed())
    twin = folder.parent / "twin"
    written(drawings.committed(), twin)

    whole = CliRunner().invoke(main, ["verify", "draw", str(folder.parent), "--json"])
    alone = CliRunner().invoke(
        main, ["verify", "draw", str(folder), str(folder), "--commitment", "0" * 64]
    )
    twin.joinpath("commit.json").unlink()
    single = CliRunner().invoke(main, ["verify", "draw", str(folder.parent), "--commitment", true])
    asked = CliRunner().invoke(main, ["verify", "draw", str(folder.parent), "--id", "x"])

    told = json.loads(whole.stdout)
    assert [step["ok"] for step in told["steps"]] == [True, True, True, False]
    assert set(told["bundles"]) == {str(folder), str(twin)}
    assert "FAILED at step chain" in alone.stderr
    assert single.exit_code == 0, single.output
    assert asked.exit_code == 2


def test_a_strange_file_in_the_folder_is_found(folder: Path) -> None:
    (folder / "extra").mkdir()

    result = CliRunner().invoke(main, ["verify", "draw", str(folder), "--json"])

    assert result.exit_code == 1
    assert not json.loads(result.stdout)["ok"]


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("913101010000000034", "was excluded (X01-not-active)"),
        ("nobody", "is not in this draw's frame"),
        ("食摊-上海-0009", "rank"),
    ],
)
def test_an_object_is_told_its_place(folder: Path, id: str, words: str) -> None:
    result = CliRunner().invoke(main, ["verify", "draw", str(folder), "--id", id])

    assert result.exit_code == 0, result.output
    assert words in result.output


def test_before_the_draw_an_object_can_see_that_it_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    written(drawings.committed(), tmp_path / "early")

    result = CliRunner().invoke(
        main, ["verify", "draw", str(tmp_path / "early"), "--id", "913101010000000001"]
    )

    assert result.exit_code == 0, result.output
    assert "可被抽取；尚未抽取" in result.output
    assert "frame 名录" in result.output


def test_every_step_has_a_chinese_name() -> None:
    rules = Path(__file__).parents[2] / "backend" / "rules"
    texts = [
        (rules / f"{name}.py").read_text("utf-8") for name in ("verification", "ledger", "site")
    ]

    found = {
        name for text in texts for name in re.findall(r'^ +\("([a-z]+)", ', text, re.MULTILINE)
    }

    assert {"manifest", "reseating", "judgement", "privacy"} <= found
    assert found <= STEPS_ZH.keys()


def test_a_broken_bundle_is_a_failure_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    result = CliRunner().invoke(main, ["verify", "draw", str(tmp_path / "empty"), "--id", "x"])

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


def test_verifying_needs_no_server(folder: Path) -> None:
    code = (
        "import sys; from cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(any(n in sys.modules for n in ('litestar', 'sqlmodel', 'sqlalchemy', 'httpx')))"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, "verify", "draw", str(folder)], capture_output=True, text=True
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "12 steps proved" in result.stdout or "已证明 12 步" in result.stdout


def test_the_commands_that_we_publish_repeat_the_draw(folder: Path) -> None:
    text = (FIXTURES.parent / "docs" / "explanation" / "draw.md").read_text("utf-8")
    script = text.partition("```sh\n")[2].partition("```")[0]
    (folder / "recusal.tsv").unlink()

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", script], cwd=folder, capture_output=True, text=True, check=False
        )

    honest = run()
    lots = (folder / "selection.tsv").read_bytes().splitlines(keepends=True)
    (folder / "selection.tsv").write_bytes(b"".join([*lots[1:], lots[0]]))
    sums = (folder / "MANIFEST.sha256").read_text().splitlines()
    kept = [line for line in sums if "selection.tsv" not in line]
    (folder / "MANIFEST.sha256").write_text("\n".join(kept) + "\n")
    cheated = run()

    assert honest.returncode == 0, honest.stderr
    assert honest.stdout.endswith("the list follows from the seed\n")
    assert "follows" not in cheated.stdout
