"""变更 in the terminal: what an officer is told in both languages, and the hash of a document."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from bureau import TYPED, Evenhand, make_plan, open_office, told

EVIDENCE = ("--evidence", "登记档案 2026-118")


@pytest.fixture
def draw(evenhand: Evenhand) -> str:
    """A held draw of 330106 by the officers wang and li; wang is logged in."""
    open_office(evenhand, {"wang": "supervisor", "li": "reviewer"})
    plan = told(make_plan(evenhand, "--minimum", "5"))["id"]
    made = told(evenhand("office", "draw", "commit", plan, "--dice", "hall", "--json"))["id"]
    for who in ("li", "wang"):
        evenhand("office", "login", who)
        evenhand("office", "draw", "type", made, TYPED)
    assert evenhand("office", "draw", "hold", made).exit_code == 0
    return str(made)


def test_an_extension_is_asked_for_declined_asked_for_again_and_approved(
    evenhand: Evenhand, draw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    minutes = tmp_path / "minutes.pdf"
    minutes.write_bytes(b"minutes of a meeting")
    asking = (
        "office", "draw", "extend", draw, "1", "--reason", "E02-findings", *EVIDENCE,
        "--document", str(minutes),
    )  # fmt: skip

    first, second = told(evenhand(*asking, "--json")), evenhand(*asking)
    own = evenhand("office", "draw", "approve", first["id"])
    evenhand("office", "login", "li")
    waiting = told(evenhand("office", "draw", "pending", "--json"))
    declined = evenhand("office", "draw", "decline", waiting[0]["id"], "--remark", "不必")
    approved = evenhand("office", "draw", "approve", waiting[1]["id"])
    log = evenhand("office", "draw", "log", draw)

    assert first["evidence_sha256"] == sha256(minutes.read_bytes()).hexdigest()
    assert "须由另一名人员批准" in second.stdout
    assert own.exit_code == 12
    assert "提出变更的人员不得自行批准" in own.stderr
    assert [one["status"] for one in waiting] == ["pending", "pending"]
    assert "不予批准，名单未变。" in declined.stdout
    assert first["called"] == []
    assert "已提出：+1。" in second.stdout
    assert re.search("已批准：[0-9A-Z]{10,}。见日志第 3 行。", approved.stdout)
    for words in ("增抽", "不予批准", "已批准", "检查发现普遍问题"):
        assert words in log.stdout


def test_a_result_is_refused_as_a_reason_and_a_replacement_tells_who_comes(
    evenhand: Evenhand, draw: str
) -> None:
    plan = told(evenhand("office", "draw", "show", draw, "--json"))["plan_id"]
    task = told(evenhand("office", "task", "list", plan, "--json"))[0]
    site, lead = task["establishment"]["code"], task["lead"]["certificate"]

    result = evenhand(
        "office", "draw", "substitute", draw, site, "--reason", "not-found", *EVIDENCE
    )
    moved = told(
        evenhand(
            "office", "draw", "substitute", draw, site, "--reason", "X01-moved",
            "--since", "2026-01-15", *EVIDENCE, "--json",
        )
    )  # fmt: skip
    ill = evenhand(
        "office", "draw", "replace", draw, lead, "--reason", "I02-illness", *EVIDENCE, "--json"
    )
    evenhand("office", "login", "li")
    evenhand("office", "draw", "decline", moved["id"], "--remark", "no")
    came = evenhand("office", "draw", "approve", told(ill)["id"])

    assert result.exit_code == 10
    assert "never a reason to substitute" in result.stderr
    assert (moved["site"], moved["since"], len(moved["called"])) == (site, "2026-01-15", 0)
    assert f"Approved: {lead} → " in came.stdout
    assert f"({site})" in came.stdout
