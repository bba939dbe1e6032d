"""docs/how-to/replace-a-phone.md is run as written against a server of its own."""

from pathlib import Path

import pages

NAME = "replace-a-phone.md"
BEFORE = f"""
{pages.STOCKED}{pages.PLANNED}{pages.DISPATCHED}
LI=$(pick 0 lead certificate) CHEN=$(pick 0 second certificate)
"""


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    ran = pages.run(pages.page(NAME), BEFORE, tmp_path)

    assert len(ran) == 6
    assert pages.not_printed(ran) == []
    assert (tmp_path / "li.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(pages.page(NAME)) == set()
