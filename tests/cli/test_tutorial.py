"""docs/tutorial.md is run as written; what it shows must come out."""

import os
import re
import subprocess
from pathlib import Path

from cli.demo.bureau import free_port

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```\n(?:```text\n(.*?)```)?", re.DOTALL)
MARK = "=== block {} ==="


def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8"))
    lines = ["set -euo pipefail", "exec 2>&1"]
    for number, (commands, _) in enumerate(blocks):
        lines += [f"echo '{MARK.format(number)}'", commands]
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "FOLDER": str(tmp_path / "tutorial"),
        "PORT": str(free_port()),
        "COLUMNS": "200",
        "LANG": "C.UTF-8",
    }

    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    printed = re.split(r"=== block \d+ ===\n", done.stdout)[1:]
    assert len(printed) == len(blocks)
    for (commands, shown), output in zip(blocks, printed, strict=True):
        for line in shown.splitlines():
            assert line in output, f"{line!r} is not what came of\n{commands}\nbut\n{output}"
