"""Pages of docs/how-to that are run as written, in a shell on a fresh database of their own."""

import os
import re
import subprocess
from pathlib import Path

from cli.demo.bureau import free_port

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:\n?```text\n(.*?)```)?", re.DOTALL)
OPTIONS = re.compile(r"--[a-z][a-z-]*")
SERVED = """
evenhand server serve --port 8642 > "$FOLDER/server.log" 2>&1 & SERVER=$!
trap 'kill $SERVER' EXIT
export EVENHAND_SERVER=http://127.0.0.1:8642
until evenhand office login $OFFICER 2> /dev/null; do :; done
"""  # a server, at a port that `run` replaces; with it a command takes a fifth of the time
STOCKED = (
    """
set -euo pipefail
exec 2>&1
export PATH=$PWD/.venv/bin:$PATH EVENHAND_LANG=en EVENHAND_PASSWORD='correct horse battery'
export EVENHAND_PASSWORD_MEMORY_KIB=64
export EVENHAND_DATABASE_URL=sqlite:///$FOLDER/evenhand.db EVENHAND_DATA_DIR=$FOLDER/data
export EVENHAND_CONFIG_DIR=$FOLDER/config
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
evenhand server upgrade
evenhand server init-admin mei
OFFICER=mei
"""
    + SERVED
    + """
load="evenhand office register import --mapping fixtures/mappings/own.toml"
$load fixtures/registers/establishments.csv
$load --inspectors fixtures/registers/inspectors.csv
evenhand office checklist release fixtures/checklists/cold_store.toml
for who in song:supervisor chen:supervisor rui:reviewer; do
  evenhand office account create ${who%:*} --role ${who#*:} --division 330106
done
evenhand office login song
"""
)  # a server, with registers, a checklist and officers; song is logged in
PLANNED = """
PLAN=$(evenhand office plan create Hall --division 330106 --rate 3% --minimum 5 \\
  --opens "$(date -d +2days +%F)" --closes "$(date -d +30days +%F)" \\
  --checklist '*=cold-store-daily' --json | field id)
cd "$FOLDER"
"""  # a plan, in the folder
DISPATCHED = """
DRAW=$(evenhand office draw commit "$PLAN" --dice hall --json | field id)
for who in rui song; do
  evenhand office login $who
  evenhand office draw type "$DRAW" --digits dice:hall=31415926535897932384
done
evenhand office draw hold "$DRAW"
evenhand office task dispatch "$PLAN"
evenhand office task list "$PLAN" --json > tasks.json
pick() { python3 -c 'import json, sys
one = json.load(open("tasks.json"))[int(sys.argv[1])]
for key in sys.argv[2:]: one = one[key]
print(one)' $*; }
"""  # its draw was held and sent; `pick 0 lead certificate` tells of its tasks


def page(name: str) -> str:
    """Read a how-to page."""
    return (ROOT / "docs" / "how-to" / name).read_text("utf-8")


def run(text: str, before: str, folder: Path) -> list[tuple[str, str, str]]:
    """Run a page's blocks after some lines: each block, what it shows, and what came out."""
    blocks = BLOCK.findall(text)
    lines = [before.replace("8642", str(free_port()))]
    for number, (commands, _) in enumerate(blocks):
        lines += [f"echo '=== block {number} ==='", commands]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=ROOT,
        env={
            "HOME": str(folder), "PATH": os.environ["PATH"], "FOLDER": str(folder),
            "COLUMNS": "200", "LANG": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    printed = re.split(r"=== block \d+ ===\n", done.stdout)[1:]
    return [
        (commands, shown, output) for (commands, shown), output in zip(blocks, printed, strict=True)
    ]


def not_printed(ran: list[tuple[str, str, str]]) -> list[str]:
    """List the lines that a page shows and that did not come out."""
    return [
        f"{line!r} is not what came of\n{commands}\nbut\n{output}"
        for commands, shown, output in ran
        for line in shown.splitlines()
        if line not in output
    ]


def unknown_options(text: str) -> set[str]:
    """List the options that a page names and no command has."""
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    return set(OPTIONS.findall(text)) - {*OPTIONS.findall(reference), "--json"}
