"""计划 from the command line: plans from files and options, drawn by strata, and verified."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import drawings
import pytest
from bureau import FIXTURES, TYPED, Evenhand, make_plan, open_office, told, type_in
from click.testing import CliRunner, Result

from backend.rules import bundle
from cli.main import main

PAGE = FIXTURES.parent / "docs" / "how-to" / "plan-a-draw.md"
RICH = PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]


@pytest.fixture
def evenhand(evenhand: Evenhand) -> Evenhand:
    """Run commands on an office with registers and two supervisors."""
    return open_office(evenhand)


def drawn_by_dice(evenhand: Evenhand, plan: str) -> str:
    made = told(evenhand("office", "draw", "commit", plan, "--dice", "hall", "--json"))
    assert type_in(evenhand, made["id"]).exit_code == 0
    assert evenhand("office", "draw", "hold", made["id"], TYPED).exit_code == 0
    return str(made["id"])


def test_a_plan_from_a_file_is_drawn_by_strata_and_verified(
    evenhand: Evenhand, tmp_path: Path
) -> None:
    exempt = (FIXTURES / "registers" / "establishments.csv").read_text().splitlines()[1][:18]
    opens = datetime.now(UTC).date() + timedelta(days=2)
    closes = opens + timedelta(days=30)
    coming = RICH.replace("2026-12-01", f"{opens}").replace("2026-12-31", f"{closes}")
    (tmp_path / "plan.toml").write_text(coming.replace("CODE", exempt))
    plan = told(
        evenhand("office", "plan", "create", "--from", str(tmp_path / "plan.toml"), "--json")
    )
    shown = evenhand("office", "plan", "show", plan["id"])

    draw_id = drawn_by_dice(evenhand, plan["id"])
    folder = tmp_path / "bundle"
    told(evenhand("office", "draw", "export", draw_id, "--to", str(folder), "--json"))
    proved = told(evenhand("verify", "draw", str(folder), "--json"))
    why = evenhand("verify", "draw", str(folder), "--id", exempt)

    assert all(step["ok"] for step in proved["steps"])
    preview = {one["stratum"]: one for one in plan["preview"]}
    lots = [line.split("\t") for line in (folder / "selection.tsv").read_text().splitlines()]
    for name, stratum in preview.items():
        drawn = [lot for lot in lots if lot[0] == name and lot[4] == "P"]
        share = {"D": (1, 1), "C": (1, 5)}.get(name[0], (3, 100))
        wanted = -(-stratum["eligible"] * share[0] // share[1])
        assert len(drawn) == stratum["most"] == min(max(wanted, 1), stratum["eligible"])
    assert sum(one["excluded"].get("X07-named", 0) for one in preview.values()) == 1
    assert "X07-named" in why.output
    assert "杭市监〔2026〕12号" in why.output
    assert "D/330106" in shown.output
    assert "rate: 3%\n" in shown.output
    assert "draws: –\n" in shown.output
    assert "X07-named 1" in shown.output
    assert "{" not in shown.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commitment on disk, and no server anywhere."""
    monkeypatch.setenv("EVENHAND_LANG", "en")
    (tmp_path / "bundle").mkdir()
    for name, body in drawings.committed().items():
        (tmp_path / "bundle" / name).write_bytes(body)
    return tmp_path / "bundle"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("913101010000000001", "among the 60 in this frame and can be drawn (stratum all)"),
        ("913101010000000034", "was excluded (X01-not-active)"),
        ("食摊-上海-0009", "among the 60 in this frame and can be drawn"),
        ("913101010000000001a", "is not among the 60 in this frame"),
        ("0", "is not among the 60"),
        ("龙", "is not among the 60"),
    ],
)
def test_a_business_proves_its_place_by_the_commitment_alone(
    folder: Path, code: str, words: str
) -> None:
    proof, published = folder.parent / "proof.json", folder / "commit.json"
    told(run("draw", "proof", folder, code, "--to", proof, "--json"))
    hash = sha256(published.read_bytes()).hexdigest()

    checked = run("verify", "proof", proof, "--commitment", hash)
    foreign = run("verify", "proof", proof, "--commitment", "0" * 64)
    proof.write_bytes(proof.read_bytes().replace(b'"index":', b'"index":1', 1))
    moved = run("verify", "proof", proof)

    assert checked.exit_code == 0, checked.output
    assert words in checked.output
    assert hash in checked.output
    assert "draw.frame-proof-wrong" in foreign.output
    assert "draw.frame-proof-wrong" in moved.output


def test_a_proof_without_a_frame_or_from_a_broken_one_is_refused(folder: Path) -> None:
    packed = (folder / "frame.tsv.gz").read_bytes()
    (folder / "frame.tsv.gz").write_bytes(packed[:-9])
    cut = run("draw", "proof", folder, "1", "--to", folder.parent / "p")
    (folder / "frame.tsv.gz").write_bytes(bundle.freeze([b"a\tall\t1\tE\t"]).packed)
    other = run("draw", "proof", folder, "a", "--to", folder.parent / "p")
    (folder / "frame.tsv.gz").unlink()
    none = run("draw", "proof", folder, "a", "--to", folder.parent / "p")

    assert "draw.frame-proof-wrong" in cut.output
    assert "draw.frame-proof-wrong" in other.output
    assert none.exit_code == 2
    assert not (folder.parent / "p").exists()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('rounding = "hamilton"', "rounding"),
        ("total = 5", "total"),
        ('quotas = [{ where = { risk = ["D"] }, rate = "100%" }]', "quotas[0].where"),
        ('strata = ["risk"]\nquotas = [{ where = {}, rate = "a lot" }]', "quotas[0].rate"),
        ('strata = ["colour"]', "strata"),
        ("colour = 1", "plan"),
        ("total = -1", "total"),
        ("title =", "plan.toml"),
    ],
)
def test_a_wrong_plan_is_refused_with_the_name_of_the_field(
    evenhand: Evenhand, tmp_path: Path, line: str, field: str
) -> None:
    (tmp_path / "plan.toml").write_text(f"{line}\n")

    refused = make_plan(evenhand, "--from", str(tmp_path / "plan.toml"))

    assert refused.exit_code == 10, refused.output
    problem = json.loads(refused.stderr)
    assert problem["code"] == "plan.scheme-wrong"
    assert problem["details"]["field"] == field
    assert problem["details"]["problem_zh"]
