"""The verifier that docs/explanation/draw.md contains, taken out of the page as a reader would."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

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


VERIFIER = module()
