"""地点: the options by which a command is told what a place is, and where it lies."""

from collections.abc import Callable

import click

from cli.output import AnyCommand
from sync.coordinates import DATUMS

DESCRIBED = {
    "--name": "What the place is called. 名称。",
    "--address": "Where it is. 地址。",
    "--category": "What it does. 业态。",
    "--division": "6, 9 or 12 digits. 行政区划代码。",
}


def described(*, required: bool = False) -> Callable[[AnyCommand], AnyCommand]:
    """Give a command `--name`, `--address`, `--category` and `--division`."""

    def give(command: AnyCommand) -> AnyCommand:
        default = None if required else ""
        for name, words in reversed(DESCRIBED.items()):
            option = click.option(name, required=required, default=default, help=words)
            command = option(command)
        return command

    return give


def located(command: AnyCommand) -> AnyCommand:
    """Give a command a point in its datum, as text: an operation keeps every digit."""
    datum = click.option("--datum", default="", help=f"{', '.join(DATUMS)}. 坐标系。")
    latitude = click.option("--latitude", default="", help="Degrees. 纬度。")
    return click.option("--longitude", default="", help="Degrees. 经度。")(latitude(datum(command)))


def on_map(command: AnyCommand) -> AnyCommand:
    """Give a command a point in its datum, as numbers that a register keeps."""
    datum = click.option(
        "--datum", type=click.Choice(DATUMS), default="WGS-84", show_default=True, help="坐标系。"
    )
    latitude = click.option("--latitude", type=float, default=None, help="Degrees. 纬度。")
    longitude = click.option("--longitude", type=float, default=None, help="Degrees. 经度。")
    return longitude(latitude(datum(command)))
