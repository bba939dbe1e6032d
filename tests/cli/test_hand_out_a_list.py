"""docs/how-to/hand-out-a-list.md is run as written."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "hand-out-a-list.md").read_text("utf-8")
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
for who in song chen; do
  evenhand office account create $who --role supervisor --division 330106
done
evenhand office login song
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
"""


def test_the_page_runs_as_it_is_written(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE)
    lines = [BEFORE, 'cd "$FOLDER"']
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
    assert len(printed) == len(blocks) == 3
    for (commands, shown), output in zip(blocks, printed, strict=True):
        for line in shown.splitlines():
            assert line in output, f"{line!r} is not what came of\n{commands}\nbut\n{output}"
    assert (tmp_path / "list.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "list.xlsx").read_bytes().startswith(b"PK")
    people = {one.stem for one in (tmp_path / "notices").iterdir()}
    assert people == {one.stem for one in (tmp_path / "calendars").iterdir()} != set()


def test_the_page_names_only_options_that_exist() -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")

    assert set(OPTIONS.findall(PAGE)) <= {*OPTIONS.findall(reference), "--json"}


def test_its_picture_is_there_and_small() -> None:
    assert 0 < (ROOT / "docs" / "list.png").stat().st_size < 150_000
