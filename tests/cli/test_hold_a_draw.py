"""The how-to pages of a draw are run as written in the parts that need no network."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOLD, CHANGE = "hold-a-draw.md", "change-a-list-after-the-draw.md"
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:\n?```text\n(.*?)```)?", re.DOTALL)
OPTIONS = re.compile(r"--[a-z][a-z-]*")
BEFORE = """
set -euo pipefail
exec 2>&1
export PATH=$PWD/.venv/bin:$PATH EVENHAND_LANG=en EVENHAND_PASSWORD='correct horse battery'
export EVENHAND_PASSWORD_MEMORY_KIB=64
export EVENHAND_DATABASE_URL=sqlite:///$FOLDER/evenhand.db EVENHAND_DATA_DIR=$FOLDER/data
export EVENHAND_CONFIG_DIR=$FOLDER/config
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
evenhand server upgrade
evenhand server init-admin mei
evenhand office login mei
load="evenhand office register import --mapping fixtures/mappings/own.toml"
$load fixtures/registers/establishments.csv
$load --inspectors fixtures/registers/inspectors.csv
evenhand office checklist release fixtures/checklists/cold_store.toml
for who in song:supervisor chen:supervisor rui:reviewer; do
  evenhand office account create ${who%:*} --role ${who#*:} --division 330106
done
evenhand office login song
PLAN=$(evenhand office plan create Hall --division 330106 --rate 3% --minimum 5 \\
  --opens "$(date -d +2days +%F)" --closes "$(date -d +30days +%F)" \\
  --checklist '*=cold-store-daily' --json | field id)
cd "$FOLDER"
"""
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


def page(name: str) -> str:
    return (ROOT / "docs" / "how-to" / name).read_text("utf-8")


@pytest.mark.parametrize(("name", "before"), [(HOLD, BEFORE), (CHANGE, BEFORE + HELD)])
def test_the_page_runs_as_it_is_written(tmp_path: Path, name: str, before: str) -> None:
    blocks = BLOCK.findall(page(name))
    lines = [before]
    for number, (commands, _) in enumerate(blocks):
        lines += [f"echo '=== block {number} ==='", commands]

    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=ROOT,
        env={
            "HOME": str(tmp_path), "PATH": os.environ["PATH"], "FOLDER": str(tmp_path),
            "COLUMNS": "200", "LANG": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:]
    printed = re.split(r"=== block \d+ ===\n", done.stdout)[1:]
    assert len(printed) == len(blocks) >= 4
    for (commands, shown), output in zip(blocks, printed, strict=True):
        for line in shown.splitlines():
            assert line in output, f"{line!r} is not what came of\n{commands}\nbut\n{output}"


@pytest.mark.parametrize("name", [HOLD, CHANGE])
def test_the_page_names_only_options_that_exist(name: str) -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")

    assert set(OPTIONS.findall(page(name))) <= {*OPTIONS.findall(reference), "--json"}
