"""演示: the day of a district bureau, told as it happens; every invariant is checked."""

import sys
from pathlib import Path

import click
from rich.console import Console

from cli.demo import day
from cli.demo.bureau import serving
from cli.demo.story import Story
from cli.output import as_json, json_option, show, text

a_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("demo")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), hidden=True)
@click.option("--register", type=a_file, multiple=True, help="Your own register. 自有名录库。")
@click.option("--mapping", type=a_file, help="How to read it (TOML). 字段映射。")
@click.option("--division", default=None, help="Whose district it is; all without it. 辖区。")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"),
    show_default=True, help="Where everything is put; removed first. 目标文件夹。",
)  # fmt: skip
@json_option
def group(
    register: tuple[Path, ...],
    mapping: Path | None,
    division: str | None,
    folder: Path,
    picture: Path | None,
) -> None:
    """Run the day of a district bureau: draw, inspect offline, reconcile, publish. 演示。"""
    if bool(register) != (mapping is not None):
        raise click.UsageError(
            text("--register and --mapping go together", "--register 与 --mapping 须同时给出")
        )
    given = day.Register()
    if mapping is not None:
        given = day.Register(register, mapping, division or "")
    folder = folder.resolve()
    day.clean(folder)
    story = Story(Console(stderr=as_json(), highlight=False, record=True))
    with serving(folder, story) as bureau:
        day.run(bureau, given)
    held = story.end()
    if as_json():
        show({"held": held, "checks": story.checks})
    if picture is not None:
        story.picture(picture)
    if not held:
        sys.exit(1)
