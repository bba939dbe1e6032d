"""docs/how-to/hand-out-a-list.md is run as written."""

from pathlib import Path

import pages

PAGE = pages.page("hand-out-a-list.md")
BEFORE = (
    pages.STOCKED
    + """
PLAN=$(evenhand office plan create "2026 年冷库抽查" --division 330106 --rate 3% --minimum 6 \\
  --strata risk --opens "$(date -d +2days +%F)" --closes "$(date -d +30days +%F)" \\
  --checklist '*=cold-store-daily' --json | field id)
DRAW=$(evenhand office draw commit "$PLAN" --dice hall --json | field id)
evenhand office login chen
evenhand office draw type "$DRAW" --digits dice:hall=31415926535897932384
evenhand office login song
evenhand office draw hold "$DRAW" --digits dice:hall=31415926535897932384
evenhand office draw export "$DRAW" --to "$FOLDER/first"
CODE=$(awk -F'\\t' '$5 == "P" {print $3; exit}' "$FOLDER/first/selection.tsv")
CERTIFICATE=$(awk -F'\\t' '{print $3; exit}' "$FOLDER/first/assignment.tsv")
cd "$FOLDER"
"""
)


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    ran = pages.run(PAGE, BEFORE, tmp_path)

    assert len(ran) == 3
    assert pages.not_printed(ran) == []
    assert (tmp_path / "list.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "list.xlsx").read_bytes().startswith(b"PK")
    people = {one.stem for one in (tmp_path / "notices").iterdir()}
    assert people == {one.stem for one in (tmp_path / "calendars").iterdir()} != set()


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(PAGE) == set()


def test_its_picture_is_there_and_small() -> None:
    assert 0 < (pages.ROOT / "docs" / "list.png").stat().st_size < 150_000
