"""The verifiers that we publish: that of docs/explanation/draw.md, taken out of the page as a
reader would, and that of the browser."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "web" / "verify.js"
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "draw.md"


def code() -> str:
    return "".join(re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE.read_text("utf-8")))


def module() -> Any:
    """Run the code of the page; it imports nothing of ours."""
    made = ModuleType("verify_draw")
    exec(compile(code(), str(PAGE), "exec"), made.__dict__)
    return made


def told(files: Mapping[str, bytes], published: str | None = None) -> dict[str, bool | None]:
    """Say of each step whether it is proved, refuted or open."""
    steps = VERIFIER.verify(files, published)
    return {step.__name__: ok for step, (ok, _) in steps.items()}


def refuted(files: Mapping[str, bytes], published: str | None = None) -> list[str]:
    return [name for name, ok in told(files, published).items() if ok is False]


def browsed(files: Mapping[str, bytes], ids: list[str], folder: Path) -> dict[str, Any]:
    """Verify as the browser does, in Node: each step, and what is told of some objects."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    (folder / "verify.mjs").write_text(SCRIPT.read_text("utf-8"), encoding="utf-8")
    (folder / "run.mjs").write_text(RUN, encoding="utf-8")
    packed = {name: base64.b64encode(body).decode() for name, body in files.items()}
    done = subprocess.run(
        [node, "run.mjs"], cwd=folder, input=json.dumps({"files": packed, "ids": ids}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


RUN = """
import { readFileSync } from "node:fs";
import { place, verify } from "./verify.mjs";
const { files, ids } = JSON.parse(readFileSync(0, "utf-8"));
const read = async (name) => (name in files ? new Uint8Array(Buffer.from(files[name], "base64")) : null);
const { steps, found } = await verify(read, "");
const told = Object.fromEntries(ids.map((id) => [id, place(found, id).en]));
console.log(JSON.stringify({ steps: Object.fromEntries(steps.map((one) => [one.name, one])), told }));
"""  # noqa: E501
VERIFIER = module()
