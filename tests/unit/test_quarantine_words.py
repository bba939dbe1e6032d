from typing import Any

import msgspec
import pytest

from cli.office.quarantine import readable
from sync import ops

STAMP: dict[str, Any] = {"n": 1, "e": "t1", "w": 0, "m": 0, "boot": "b"}
SIGN: dict[str, Any] = {"covers": {}, "blobs": (), "digest": ""}


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (ops.Sign(role="site", name="王", refused="不认可", **SIGN, **STAMP),
         "王 would not sign: 不认可"),
        (ops.Sign(role="lead", **SIGN, **STAMP), "signature as lead"),
        (ops.TakeSample(number="S-1", of="goods", what="鱼", **STAMP), "sample S-1: 鱼"),
        (ops.TestSample(sample="d:1", test="dye", verdict="fail", result="2", unit="g", **STAMP),
         "test of sample d:1: dye fail 2 g"),
        (ops.SeizeGoods(what="奶", quantity="12", unit="罐", measure="seal", **STAMP),
         "seal: 奶 12 罐"),
    ],
)  # fmt: skip
def test_what_was_held_back_is_told_in_words(
    op: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "en")

    assert readable(msgspec.json.encode(op).decode()) == said
