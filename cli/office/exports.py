"""名录导出: `register export`."""

import os
import sys
from pathlib import Path
from typing import IO, get_args

import click

from backend.rules.records import Register
from cli import client
from cli.office.files import Target
from cli.office.registers import register_group
from cli.output import AnyCommand, text

FORMATS = ("csv", "xlsx", "ndjson")


class Out:
    """Standard output, of which the next program may want only the beginning."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._wanted = out, True

    def write(self, piece: bytes, /) -> None:
        """Hand it on while somebody reads it."""
        try:
            if self._wanted:
                self._out.write(piece)
                self._out.flush()
        except BrokenPipeError:
            self._wanted = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())  # for the last flush


def output_option(command: AnyCommand) -> AnyCommand:
    """Give a command the option `--output`, which is standard output unless told."""
    option = click.option(
        "--output",
        default=Path("-"),
        type=Target(allow_dash=True),
        help="A file; else standard output. 输出文件。",
    )
    return option(command)


@register_group.command("export")
@click.argument("register", type=click.Choice(get_args(Register)))
@click.option("--format", type=click.Choice(FORMATS), help="The output's name decides. 格式。")
@output_option
def export_register(register: str, format: str | None, output: Path) -> None:
    """Write a register of your division to a file, by key. 导出名录库。

    Its columns are our field names, so it is imported again without a mapping. Give workbooks to
    who uses Excel: in a CSV it takes an 18-digit code for a number.
    """
    suffix = output.suffix.lower().removeprefix(".")
    chosen = format or (suffix if suffix in FORMATS else "csv")
    path = f"/office/registers/{register}/export"
    if str(output) == "-":
        client.download(path, Out(sys.stdout.buffer), format=chosen)
        return
    part = output.with_name(f"{output.name}.part")  # a file of this name is whole
    try:
        with part.open("wb") as file:
            client.download(path, file, format=chosen)
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
    click.echo(text(f"Written: {output}", f"已导出：{output}"), err=True)


commands: list[click.Command] = []  # it joined the group `register`
