"""The how-to pages of a draw are run as written in the parts that need no network."""

from pathlib import Path

import pages
import pytest

HOLD, CHANGE = "hold-a-draw.md", "change-a-list-after-the-draw.md"
BEFORE = pages.STOCKED + pages.PLANNED
HELD = f"""
{pages.DISPATCHED}
SITE=$(pick 0 establishment code) LEAD=$(pick 1 lead certificate)
"""


@pytest.mark.parametrize(("name", "before"), [(HOLD, BEFORE), (CHANGE, BEFORE + HELD)])
def test_the_page_runs_as_it_is_written(tmp_path: Path, name: str, before: str) -> None:
    ran = pages.run(pages.page(name), before, tmp_path)

    assert len(ran) >= 4
    assert pages.not_printed(ran) == []


@pytest.mark.parametrize("name", [HOLD, CHANGE])
def test_the_page_names_only_options_that_exist(name: str) -> None:
    assert pages.unknown_options(pages.page(name)) == set()
