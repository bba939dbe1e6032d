"""`evenhand office inspection show` prints what was recorded on site, for people."""

import pytest
from msgspec.structs import replace

from backend.wire import (
    InspectionView,
    ItemView,
    ScoreView,
    SignatureView,
    TakingPartView,
    TextView,
    VerdictView,
)
from cli.office.inspection_view import show_whole
from sync.particulars import Arrival, Disposal, Lot, Particulars, Sample, Seizure, Tested

T = TextView("Air", "温度")
ON_SITE = Particulars(
    arrivals=(
        Arrival(
            op="d:1", who="li", voided="", how="scanned", code="9133", approval="77号",
            certificates=(), longitude="120.1", latitude="30.2", datum="GCJ-02", accuracy="9",
        ),
    ),
    samples=(
        Sample(
            op="d:2", who="li", voided="", number="S-1", of="goods", what="鳕鱼", quantity="0.5",
            unit="kg", batch="", producer="", place="", item="",
            tests=(
                Tested(
                    op="d:3", who="li", voided="", sample="d:2", test="挥发性盐基氮", method="",
                    instrument="", result="28", unit="mg", limit="30", verdict="pass", retest=True,
                ),
            ),
            disposals=(Disposal(op="d:4", who="li", voided="", sample="d:2", disposal="送检"),),
        ),
    ),
    seizures=(
        Seizure(
            op="d:5", who="li", voided="记错", what="鳕鱼", quantity="12", unit="kg",
            measure="seize", owner="天和", place="2号库", number="9号",
        ),
    ),
    lots=(
        Lot(
            op="d:6", who="li", voided="", what="虾仁", nominal="500", unit="g", lot="200",
            contents=("498", "502"), item="",
        ),
    ),
)  # fmt: skip
VIEW = InspectionView(
    id="t1", plan="", code="9133", name="天和冷库", division="33", lead="李明", second="王芳",
    stage="signed", digest="",
    items=(
        ItemView("2.1", T, True, "-12", False, ()), ItemView("3.2", T, False, "", False, ()),
    ),
    findings=(), evidence=(), evidence_complete=True,
    signatures=(
        SignatureView("李明", "lead", "", "", True), SignatureView("李明", "lead", "", "补", False),
        SignatureView("李明", "site", "王店长", "", False, refused="不认可", witness="赵六"),
    ),
    late=(),
    verdict=VerdictView(
        outcome="", label=None, clause="", key_failed=1, general_checked=0, general_passed=0,
        not_applicable=0, failed=("2.1",), unanswered=(), scores=(ScoreView("points", T, "13"),),
        not_asked=("3.2",), evidence_missing=("2.1",),
    ),
    conclusion=None, order=None, moments=(),
    taking_part=(
        TakingPartView("li", "李明", "lead", ("arrived", "recorded", "signed"), ()),
        TakingPartView("wang", "王芳", "second", (), ("arrived", "recorded", "signed")),
    ),
    on_site=ON_SITE,
)  # fmt: skip


def test_all_that_was_recorded_on_site_is_told_in_english(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "en")

    show_whole(VIEW)

    assert capsys.readouterr().out.splitlines() == [
        "t1  天和冷库 (9133)",
        "李明 (lead), 王芳 (second): signed",
        "Arrival: 李明  scanned their code 9133  120.1, 30.2 (GCJ-02)  77号",
        " ✗★   2.1  -12    Air",
        "      3.2  not asked Air",
        "Sample S-1 (goods): 鳕鱼 0.5 kg",
        "    挥发性盐基氮 pass retest 28 mg limit 30",
        "    送检",
        "Seized 鳕鱼 12 kg 9号  天和  2号库 (withdrawn: 记错)",
        "Lot 虾仁 500 g, 200 packages: 498, 502",
        "Signed: 李明 (lead)",
        "Would not sign: 王店长 (in charge on site): 不认可; witness 赵六",
        "WARNING: 王芳 took no part (not arrived, recorded, signed): two must.",
        "Air: 13",
        "Failed, with no evidence: 2.1",
    ]


@pytest.mark.parametrize(
    ("rest", "verdict"),
    [((), "Verdict: R"), (("2.1", "fire@1/2.4"), "Verdict: R: 2.1, fire@1/2.4")],
)
def test_a_recheck_that_grades_nothing_tells_what_it_asked_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rest: tuple[str, ...],
    verdict: str,
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "en")
    judged = replace(
        VIEW.verdict, graded=False, unremedied=rest, label=TextView("R", "复"),
        scores=(),
    )  # fmt: skip

    show_whole(replace(VIEW, verdict=judged))

    lines = capsys.readouterr().out.splitlines()
    assert verdict in lines
    assert [line.split()[1] for line in lines if line.endswith("  Air")] == ["2.1"]
    assert not any("not asked" in line for line in lines)


def test_all_that_was_recorded_on_site_is_told_in_chinese(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")

    show_whole(VIEW)

    told = capsys.readouterr().out
    assert "主办 李明，协办 王芳：已签名" in told
    assert "到达：李明  已扫企业码 9133" in told
    assert "样品 S-1 (物品): 鳕鱼 0.5 kg" in told
    assert "拒绝签名：王店长（现场负责人）：不认可；见证人 赵六" in told
    assert "警告：王芳 未参加检查（未见：已到场, 已记录, 已签名）" in told
    assert "不合格项缺少证据：2.1" in told
