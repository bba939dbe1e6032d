"""docs/how-to/replace-a-phone.md is run as written against a server of its own."""

from pathlib import Path

import pages

from cli.demo.bureau import free_port

NAME = "replace-a-phone.md"
BEFORE = (
    pages.STOCKED
    + """
PLAN=$(evenhand office plan create Hall --division 330106 --rate 3% --minimum 5 \\
  --opens "$(date -d +2days +%F)" --closes "$(date -d +30days +%F)" \\
  --checklist '*=cold-store-daily' --json | field id)
cd "$FOLDER"
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
LI=$(pick 0 lead certificate) CHEN=$(pick 0 second certificate)
evenhand server serve --port 8642 > server.log 2>&1 & SERVER=$!
trap 'kill $SERVER' EXIT
export EVENHAND_SERVER=http://127.0.0.1:8642
until evenhand office login song 2> /dev/null; do :; done
"""
)


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    before = BEFORE.replace("8642", str(free_port()))

    ran = pages.run(pages.page(NAME), before, tmp_path)

    assert len(ran) == 6
    assert pages.not_printed(ran) == []
    assert (tmp_path / "li.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(pages.page(NAME)) == set()
