"""账本: `ledger export`."""

import os
import sys
from pathlib import Path

import click

from cli import client
from cli.office.exports import Out, output_option
from cli.output import text
from cli.verify_ledger import EXPORT


@click.group("ledger")
def ledger() -> None:
    """Take out the ledger of all that devices sent. 账本。"""


@ledger.command("export")
@output_option
def export_ledger(output: Path) -> None:
    """Write the whole ledger to a file that proves itself. 导出账本。

    Only an admin of the whole may. Check it anywhere: evenhand verify ledger FILE.
    """
    if str(output) == "-":
        client.download(EXPORT, Out(sys.stdout.buffer))
        return
    part = output.with_name(f"{output.name}.part")  # a file of this name is whole
    try:
        with part.open("wb") as file:
            client.download(EXPORT, file)
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
    click.echo(text(f"Written: {output}", f"已导出：{output}"), err=True)


commands: list[click.Command] = [ledger]
