"""定版: release a checklist or a catalogue of violations, and list what was released."""

from collections.abc import Callable
from pathlib import Path

from backend.wire import NewRelease, ReleaseView
from cli import client
from cli.output import say, show

COLUMNS = {
    "code": ("code", "代码"),
    "version": ("version", "版本"),
    "title_en": ("title", "英文名称"),
    "title_zh": ("in Chinese", "名称"),
    "digest": ("digest", "摘要"),
}


def release(path: str, file: Path, parse: Callable[[bytes], object]) -> None:
    """Release what a file holds; a wrong file is refused before anything is asked."""
    toml = file.read_bytes()
    parse(toml)  # tells line and field
    new = NewRelease(toml=toml.decode("utf-8-sig"))
    released = client.post(path, ReleaseView, new)
    say(
        f"Released: {released.title_en} ({released.code} {released.version}).",
        f"已定版：{released.title_zh}（{released.code} {released.version}）。",
    )
    show(released, {"digest": COLUMNS["digest"]})


def show_listed(path: str) -> None:
    """List what was released."""
    show(client.get(path, list[ReleaseView]), COLUMNS)
