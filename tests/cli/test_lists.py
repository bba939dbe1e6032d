import json
from collections.abc import Callable

import pytest
from click.testing import Result

from backend.work import listing


def test_a_person_hears_that_a_list_was_cut(
    evenhand: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("甲", "乙"):
        made = evenhand(
            "office", "provisional", "create", "--name", name, "--address", "河滨路8号",
            "--category", "market", "--division", "330106",
        )  # fmt: skip
        assert made.exit_code == 0, made.output
    monkeypatch.setattr(listing, "LISTED_MAX", 1)

    cut = evenhand("office", "provisional", "list", "--json")
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    told = evenhand("office", "provisional", "list")

    assert len(json.loads(cut.stdout)) == 1
    assert "There is more than is listed here." in cut.stderr
    assert "列表未完" in told.stderr
