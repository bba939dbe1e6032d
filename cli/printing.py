"""打印: what commands that print have in common: their fonts, and what must be installed."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

from cli.output import AnyCommand
from sync.refusals import Reason, Refused


def fonts_option(command: AnyCommand) -> AnyCommand:
    """Give a command the option `--fonts`."""
    option = click.option(
        "--fonts", envvar="EVENHAND_FONT_DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder of fonts to take before ours. 字体文件夹。",
    )  # fmt: skip
    return option(command)


def needed(group: str, *modules: str) -> ModuleType:
    """Import what a command needs and give the last of it; refuse where an extra is missing."""
    try:
        return [import_module(name) for name in modules][-1]
    except ModuleNotFoundError as missing:
        raise Refused(Reason.EXTRA_MISSING, group=group, lacks=str(missing.name)) from None
