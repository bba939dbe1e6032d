"""复核公示: check a publication's folder from its files alone, and every draw inside it."""

from pathlib import Path

import click

from backend.rules import site
from cli.output import json_option
from cli.steps import end, tell_steps

FILE_BYTES_MAX = 2**31


@click.command("publication")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def publication(folder: Path) -> None:
    """Check a publication: files, signature, links, privacy, and the draws. 复核公示材料。"""
    _verify(folder)


@click.command("all")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def everything(folder: Path) -> None:
    """Check a publication and show every step of every draw in it. 复核公示材料及全部抽取。"""
    _verify(folder, every_step=True)


commands: list[click.Command] = [publication, everything]


def _verify(folder: Path, *, every_step: bool = False) -> None:
    steps = site.verify(read_folder(folder), every_step=every_step)
    tell_steps(steps)
    end(steps)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder; one that is not plain reads as empty and fails its hash."""
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        plain = not path.is_symlink() and path.is_file() and path.stat().st_size <= FILE_BYTES_MAX
        files[path.relative_to(folder).as_posix()] = path.read_bytes() if plain else b""
    return files
