"""The how-to pages of a draw are run as written in the parts that need no network."""

from pathlib import Path

import pages
import pytest

HOLD, CHANGE = "hold-a-draw.md", "change-a-list-after-the-draw.md"
BEFORE = (
    pages.STOCKED
    + """
PLAN=$(evenhand office plan create Hall --division 330106 --rate 3% --minimum 5 \\
  --opens "$(date -d +2days +%F)" --closes "$(date -d +30days +%F)" \\
  --checklist '*=cold-store-daily' --json | field id)
cd "$FOLDER"
"""
)
HELD = """
DRAW=$(evenhand office draw commit "$PLAN" --dice hall --json | field id)
for who in rui song; do
  evenhand office login $who
  evenhand office draw type "$DRAW" --digits dice:hall=31415926535897932384
done
evenhand office draw hold "$DRAW"
evenhand office task dispatch "$PLAN"
evenhand office task list "$PLAN" --json > tasks.json
pick() { python3 -c 'import json, sys; n, a, b = sys.argv[1:]
print(json.load(open("tasks.json"))[int(n)][a][b])' $*; }
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
