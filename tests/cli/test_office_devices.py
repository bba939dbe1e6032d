"""What the office is told of each device: who, since when, and what is outstanding."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from backend.wire import DeviceView
from cli.office.devices import print_device

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = "01a202cc-e32b-7760-a22c-3ec67a378384"
ONE = DeviceView(
    id=ID, label="old phone", certificate="33-1", name="Li Ming", operations=7, enrolled_at=NOW,
    seen_at=NOW - timedelta(days=4), skew_ms=1_200_000, revoked_at=None, head_hash="ab" * 32,
    revoked_n=None, revoked_hash="", files_missing=2, held_back=0, parked=1, forked=0, tasks=3,
    untouched=1, renews="", family=(),
)  # fmt: skip


def test_a_device_is_told_with_how_long_it_was_away_and_what_is_outstanding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "en")

    print_device(ONE, NOW)

    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) < 80
    assert told.startswith(f"{ID}  Li Ming 33-1  old phone\n")
    assert "last seen: 4 d ago (2026-11-18 12:00:00Z); operations: 7" in told
    assert "outstanding: files missing 2, not understood 1, tasks untouched 1\n" in told
    assert "off by +1200 s" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seen_at": None}, "从未"),
        ({"seen_at": NOW}, "一小时内"),
        ({"seen_at": NOW - timedelta(hours=5)}, "5 小时前"),
        ({"revoked_at": NOW, "revoked_n": 6}, "已停用，止于 6"),
        ({"renews": "d0"}, "原 d0"),
        ({"files_missing": 0, "parked": 0, "untouched": 0}, "未了事项：暂无"),
    ],
)
def test_every_state_of_a_device_is_told_in_chinese(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, object],
    words: str,
) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")

    print_device(replace(ONE, **change), NOW)

    assert words in capsys.readouterr().out
