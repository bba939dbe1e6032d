"""隔离: each kind of operation that is held back is told in words, in both languages."""

from typing import Any, get_args

import msgspec
import pytest

from cli.office.quarantine import readable
from sync import ops

STAMP: dict[str, Any] = {"n": 1, "e": "t1", "w": 0, "m": 0, "boot": "b"}
SIGN: dict[str, Any] = {"covers": {}, "blobs": (), "digest": ""}


TOLD: list[tuple[ops.AnyOp, str, str]] = [
    (ops.SetAnswers(f={"1.1": ops.Answer("fail", "漏水")}, **STAMP),
     "answers 1.1 fail 漏水", "检查项结论 1.1 fail 漏水"),
    (ops.AddFinding(text="过期", basis="第34条", **STAMP),
     "finding: 过期 (第34条)", "发现：过期（第34条）"),
    (ops.AddEvidence(blob="ab" * 32, size=9, mime="x/y", **STAMP),
     "file abababababab, 9 bytes", "文件 abababababab, 9 字节"),
    (ops.Sign(role="site", name="王", refused="不认可", **SIGN, **STAMP),
     "王 would not sign: 不认可", "王 拒绝签名：不认可"),
    (ops.Sign(role="lead", **SIGN, **STAMP), "signature as lead", "签名 lead"),
    (ops.Void(target="d:1", reason="误记", **STAMP), "withdraws d:1: 误记", "作废 d:1：误记"),
    (ops.CarryChecklist(to="cd" * 32, **STAMP),
     "goes on under checklist cdcdcdcdcdcd", "检查表换版 cdcdcdcdcdcd"),
    (ops.OpenInspection(name="窝点", address="后院", category="cold-store", division="330106",
                        reason="巡查", checklist="ef" * 32, certificate="33-2", **STAMP),
     "opens an inspection of 窝点 (后院), with 33-2: 巡查",
     "现场登记 窝点（后院），协办 33-2：巡查"),
    (ops.Arrive(how="stated", **STAMP), "arrival, stated:", "到达现场，自行确认："),
    (ops.TakeSample(number="S-1", of="goods", what="鱼", **STAMP),
     "sample S-1: 鱼", "样品 S-1：鱼"),
    (ops.TestSample(sample="d:1", test="dye", verdict="fail", result="2", unit="g", **STAMP),
     "test of sample d:1: dye FAIL 2 g", "样品 d:1 检验：dye 不合格 2 g"),
    (ops.DisposeSample(sample="d:1", disposal="销毁", **STAMP),
     "disposal of sample d:1: 销毁", "样品 d:1 处置：销毁"),
    (ops.SeizeGoods(what="奶", quantity="12", unit="罐", measure="seal", **STAMP),
     "Sealed: 奶 12 罐", "查封：奶 12 罐"),
    (ops.WeighLot(what="米", nominal="5", unit="kg", lot="20", contents=("4.9", "5"), **STAMP),
     "lot 米 5 kg, 2 packages weighed", "净含量 米 5 kg，实检 2 件"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("op", "en", "zh"), TOLD)
def test_what_was_held_back_is_told_in_words(
    op: ops.AnyOp, en: str, zh: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", language)

    assert readable(msgspec.json.encode(op).decode()) == {"en": en, "zh": zh}[language]


def test_no_kind_of_operation_is_left_untold() -> None:
    assert {type(op) for op, _, _ in TOLD} == set(get_args(ops.AnyOp))
