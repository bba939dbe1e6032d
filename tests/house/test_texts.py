"""What is written must lead somewhere, and must not tell where it was written."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
UNTRACKED = {"demo", "dist", "__pycache__"}
TEXT = {".md", ".py", ".toml", ".txt", ".csv", ".json", ".html", ".css", ".mako", ".sql", ""}

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)|!\[[^\]]*\]\(([^)\s]+)[^)]*\)")
MACHINE = re.compile(r"(?<![\w.\])}])/(work|home|root|tmp|Users)/[a-z]", re.IGNORECASE)
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(com|org)|--(extra-)?index-url [^-\s]")


def files(*suffixes: str) -> Iterator[Path]:
    """Yield the files of the project, without caches, environments and the demo's output."""
    for folder, folders, names in os.walk(ROOT):
        skipped = UNTRACKED if Path(folder) == ROOT else {"__pycache__"}
        folders[:] = sorted(f for f in folders if (f[0] != "." or f == ".ci") and f not in skipped)
        paths = (Path(folder, name) for name in sorted(names) if name[0] != ".")
        yield from (path for path in paths if path.suffix in suffixes)


def prose(path: Path) -> str:
    """Return a page without its code blocks, where brackets mean something else."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return the anchors that headings make, as the usual renderers name them."""
    heads = re.findall(r"^#+ +(.+?) *$", path.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", list(files(".md")), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken: list[str] = []

    for match in LINK.finditer(prose(page)):
        target = unquote(match[1] or match[2])
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(target)

    assert broken == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in files(*TEXT)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if MACHINE.search(line) or REGISTRY.search(line)
    ]

    assert found == []


def test_every_decision_is_numbered_once_and_has_its_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]

    incomplete = [
        page.name
        for page in pages
        for part in ("Context", "Decision", "Consequences", "Alternatives")
        if f"## {part}" not in page.read_text("utf-8")
    ]

    assert len(set(numbers)) == len(numbers)
    assert incomplete == []
