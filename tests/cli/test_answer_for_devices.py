"""docs/how-to/answer-for-devices.md is run as written against a server of its own."""

from pathlib import Path

import pages

NAME = "answer-for-devices.md"
BEFORE = (
    pages.STOCKED
    + pages.PLANNED
    + pages.DISPATCHED
    + """
TASK=$(pick 0 id)
for seat in lead second; do
  CODE=$(evenhand office devices invite "$(pick 0 $seat certificate)" --json | field code)
  evenhand device enrol "$EVENHAND_SERVER" "$CODE" --home $seat
  evenhand device sync --home $seat
done
evenhand device answer "$TASK" 1.2=fail --home lead
evenhand device answer "$TASK" 1.2=pass --home second
evenhand device sync --home lead
evenhand device sync --home second
evenhand device answer "$TASK" 1.3=pass --home second
PHONE=$(evenhand office devices --json | python3 -c 'import json, sys
print(next(d["id"] for d in json.load(sys.stdin) if d["certificate"] == sys.argv[1]))' \\
  "$(pick 0 second certificate)")
"""
)


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    ran = pages.run(pages.page(NAME), BEFORE, tmp_path)

    assert len(ran) == 6
    assert pages.not_printed(ran) == []


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(pages.page(NAME)) == set()
