"""docs/how-to/answer-for-devices.md is run as written against a server of its own."""

from pathlib import Path

import pages

from cli.demo.bureau import free_port

NAME = "answer-for-devices.md"
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
pick() { python3 -c 'import json, sys; a = sys.argv[1:]; task = json.load(open("tasks.json"))[0]
print(task[a[0]][a[1]] if a[1:] else task[a[0]])' $*; }
TASK=$(pick id)
evenhand server serve --port 8642 > server.log 2>&1 & SERVER=$!
trap 'kill $SERVER' EXIT
export EVENHAND_SERVER=http://127.0.0.1:8642
until evenhand office login song 2> /dev/null; do :; done
for seat in lead second; do
  CODE=$(evenhand office devices invite "$(pick $seat certificate)" --json | field code)
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
  "$(pick second certificate)")
"""
)


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    before = BEFORE.replace("8642", str(free_port()))

    ran = pages.run(pages.page(NAME), before, tmp_path)

    assert len(ran) == 6
    assert pages.not_printed(ran) == []


def test_the_page_names_only_options_that_exist() -> None:
    assert pages.unknown_options(pages.page(NAME)) == set()
