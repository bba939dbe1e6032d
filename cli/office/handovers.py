"""无网交接: what came from a device by hand."""

from pathlib import Path

import click

from backend.wire import ReceivedView
from cli import client
from cli.output import json_option, say, show

COLUMNS = {
    "certificate": ("certificate", "执法证号"),
    "name": ("inspector", "执法人员"),
    "operations": ("operations in it", "操作数"),
    "new": ("new to the ledger", "新增"),
    "forked": ("of another history, in quarantine", "历史分叉，已隔离"),
    "files": ("files", "文件"),
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--receipt",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write what the device applies; FILE.receipt. 回执文件。",
)
@json_option
def receive(file: Path, receipt: Path | None) -> None:
    """Take in the work that a device wrote into FILE by `device export`. 接收交接包。"""
    receipt = receipt or file.with_name(f"{file.name}.receipt")
    with file.open("rb") as body:
        named = [(file.name, body)]
        done = client.send_files("/office/handovers", ReceivedView, named, {}, headers={})
    receipt.write_text(done.receipt, "utf-8")
    show(done, COLUMNS)
    say(
        f"Take {receipt} back: evenhand device import-receipt {receipt.name}",
        f"请将 {receipt} 带回：evenhand device import-receipt {receipt.name}",
    )


commands: list[click.Command] = [receive]
