"""检查对象: the establishments that a device holds, looked up without a network."""

from pathlib import Path

import click

from cli.device_identity import home_option, opened
from cli.output import json_option, show

FOUND_MAX = 50

SITES = {
    "code": ("code", "代码"),
    "name": ("establishment", "检查对象"),
    "address": ("address", "地址"),
    "category": ("category", "业态"),
    "risk": ("risk", "风险等级"),
    "status": ("status", "状态"),
    "licences": ("licences", "许可证"),
}


@click.command("sites")
@click.argument("words", nargs=-1, required=True)
@home_option
@json_option
def find_sites(words: tuple[str, ...], folder: Path) -> None:
    """Find establishments by parts of name, address, code or licence. 查找检查对象。"""
    with opened(folder) as home:
        found = home.store.find_sites(words, FOUND_MAX)
    show([one._asdict() for one in found], SITES)


commands: list[click.Command] = [find_sites]
