"""`evenhand server tick` may be run at any time, and again."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

NOTHING = {
    "rechecks": [], "stuck": [], "overdue": [], "reminders": 0, "cleared": 0, "publications": 0,
    "tombstones": 0, "snapshots": 0, "prepared": 0, "hashed": 0,
}  # fmt: skip


def test_a_server_with_nothing_to_do_ticks_as_often_as_one_likes(
    evenhand: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [evenhand("server", "tick", "--json") for _ in range(2)]
    said = evenhand("server", "tick")
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    in_chinese = evenhand("server", "tick")

    assert [one.exit_code for one in done] == [0, 0], done[0].output
    assert [json.loads(one.stdout) for one in done] == [NOTHING, NOTHING]
    assert "Rechecks made: 0; reminders written: 0, cleared: 0." in said.output
    assert "已生成复查任务 0 项" in in_chinese.output
